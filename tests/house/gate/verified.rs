use usher::authority::View;
use usher::catalog::Catalog;
use usher::gate::{Candidate, Gate};

#[allow(dead_code, reason = "it only has to compile")]
pub async fn read(catalog: &Catalog, gate: &Gate, view: &View, found: Candidate) -> usize {
    let Ok(verified) = gate.verify(view, &[found]).await else { return 0 };
    catalog.passages(&verified).await.map_or(0, |passages| passages.len())
}
