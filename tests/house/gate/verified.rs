use usher::authority::View;
use usher::catalog::Catalog;
use usher::gate::{Candidate, verify};
use usher::snapshot::names::ChunkKeys;

pub async fn read(catalog: &Catalog, view: &View, keys: &ChunkKeys, found: Candidate) -> usize {
    let verified = verify(view, keys, &[found]);
    catalog.passages(&verified).await.map_or(0, |passages| passages.len())
}

fn main() {}
