//! An audience's grants as bytes that are the same in every process that holds the same tuples.

use super::super::{
    audience::{AudienceOrdinal, is_parent},
    edge::Edge,
    intern::SELF,
};
use super::Graph;

impl Graph {
    /// Type and grants of an audience, in an order that depends on nothing but themselves; of one that is gone, nothing.
    /// A parent's audience stands in it by its own grants.
    pub fn canonical_grants(&self, audience: AudienceOrdinal) -> Option<Vec<u8>> {
        let held = self.audiences.get(audience)?;
        let mut grants: Vec<Vec<u8>> =
            held.edges.iter().map(|edge| self.canonical_grant(&edge)).collect::<Option<_>>()?;
        grants.sort_unstable();
        let mut bytes = Vec::new();
        put(&mut bytes, self.interner.name(held.object_type?).as_bytes());
        grants.iter().for_each(|grant| put(&mut bytes, grant));
        Some(bytes)
    }

    fn canonical_grant(&self, edge: &Edge) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        put(&mut bytes, self.interner.name(edge.relation).as_bytes());
        let condition = self.interner.stored_condition(edge.condition);
        put(&mut bytes, condition.as_ref().map_or("", |held| &held.name).as_bytes());
        put(&mut bytes, condition.as_ref().map_or("", |held| &held.context).as_bytes());
        let vertex = edge.subject.vertex();
        if is_parent(edge) {
            // Parents are never sections themselves, so this ends here.
            let parent = self.canonical_grants(vertex?.as_audience()?)?;
            put(&mut bytes, b"parent");
            put(&mut bytes, &parent);
        } else if vertex == Some(SELF) {
            put(&mut bytes, b"self");
            put(
                &mut bytes,
                edge.subject.relation().map_or(String::new(), |name| self.interner.name(name).to_string()).as_bytes(),
            );
        } else {
            put(&mut bytes, b"subject");
            put(&mut bytes, self.subject(edge.subject)?.to_string().as_bytes());
        }
        Some(bytes)
    }
}

/// With its length before it, so that no two lists of parts are the same bytes.
fn put(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend((part.len() as u64).to_be_bytes());
    bytes.extend_from_slice(part);
}
