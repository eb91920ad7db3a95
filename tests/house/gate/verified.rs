use usher::authority::View;
use usher::catalog::Catalog;
use usher::gate::{Candidate, verify};
use usher::snapshot::names::ChunkKeys;

#[allow(dead_code, reason = "it only has to compile")]
pub async fn read(catalog: &Catalog, view: &View, keys: &ChunkKeys, found: Candidate) -> usize {
    let verified = verify(view, keys, &[found]);
    catalog.passages(&verified).await.map_or(0, |passages| passages.len())
}
