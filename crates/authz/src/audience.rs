//! Audiences: the classes of objects of one bound type with equal grants.
//!
//! What an index stores beside a chunk is not who may read it but what its document grants; all documents that grant the
//! same share one audience. Grants are compared in full, a hash only finds them. An audience whose last object went is
//! retired and its number never used again, so that a number cached anywhere can never come to mean something else.

use std::hash::{BuildHasher, RandomState};

use super::{
    edge::{Back, Edge, OBJECT},
    intern::{Symbol, Vertex},
    sorted::SortedList,
};
use usher_base::paged::Paged;

/// Dense number of an audience inside one process. Never reused in a process's life, never shown to anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AudienceOrdinal(pub u32);

impl AudienceOrdinal {
    /// The audience of objects whose type no collection binds: nobody may read it.
    pub const NOBODY: AudienceOrdinal = AudienceOrdinal(0);
}

/// One audience: grants, and who refers to them.
#[derive(Debug, Clone, Default)]
pub(super) struct Audience {
    /// `None` once retired, and for numbers that another branch of edits was given.
    pub(super) object_type: Option<Symbol>,
    /// Objects that have these grants. The audience of no grants stays without any.
    pub(super) members: u32,
    hash: u64,
    /// Canonical grants: [`super::intern::SELF`] for the object itself, a parent's audience in the parent's place.
    pub(super) edges: SortedList<Edge>,
    /// Section audiences whose parent is this one, and grants that name their own object.
    pub(super) back: SortedList<Back>,
}

/// Whether the edge leads to a parent's audience.
pub(super) fn is_parent(edge: &Edge) -> bool {
    edge.subject.kind == OBJECT && Vertex(edge.subject.node).as_audience().is_some()
}

/// Sorted, distinct grants of the object `own`, whose id is dropped.
pub(super) fn canonical(
    raw: &[Edge],
    own: Vertex,
    mut parent: impl FnMut(&Edge) -> Option<AudienceOrdinal>,
) -> Vec<Edge> {
    let mut edges: Vec<Edge> = raw
        .iter()
        .map(|edge| match parent(edge) {
            Some(audience) => {
                let mut edge = *edge;
                edge.subject.node = Vertex::audience(audience).0;
                edge
            }
            None => edge.with_self(own),
        })
        .collect();
    edges.sort_unstable();
    // Two parents with equal grants are as good as one.
    edges.dedup();
    edges
}

/// All audiences, by number and by grants.
#[derive(Debug, Clone, Default)]
pub(super) struct Audiences {
    table: Paged<Audience>,
    /// An open-addressing table of numbers in pages, so that a clone shares it: [`FREE`], [`GONE`] or a live audience.
    index: Paged<u32>,
    /// Slots of `index`, a power of two, or 0 before the first audience.
    capacity: u32,
    /// Slots that are not [`FREE`].
    used: u32,
    live: u32,
    hash: RandomState,
}

const FREE: u32 = 0;
const GONE: u32 = u32::MAX;

impl Audiences {
    /// The audience, unless it is retired.
    pub(super) fn get(&self, audience: AudienceOrdinal) -> Option<&Audience> {
        self.table.get(audience.0).filter(|held| held.object_type.is_some())
    }

    pub(super) fn get_mut(&mut self, audience: AudienceOrdinal) -> Option<&mut Audience> {
        self.get(audience)?;
        Some(self.table.get_mut(audience.0))
    }

    pub(super) fn len(&self) -> u32 {
        self.live
    }

    /// The live audience of the type with exactly these canonical grants.
    pub(super) fn find(&self, object_type: Symbol, edges: &[Edge]) -> Option<AudienceOrdinal> {
        let hash = self.hash_of(object_type, edges);
        self.probe(hash).find_map(|(_, held)| {
            let audience = AudienceOrdinal(held);
            let found = self.get(audience)?;
            let equal = found.hash == hash
                && found.object_type == Some(object_type)
                && found.edges.len() == edges.len()
                && found.edges.iter().eq(edges.iter().copied());
            equal.then_some(audience)
        })
    }

    /// Enters a new audience without members.
    pub(super) fn insert(&mut self, audience: AudienceOrdinal, object_type: Symbol, edges: &[Edge]) {
        let hash = self.hash_of(object_type, edges);
        *self.table.get_mut(audience.0) = Audience {
            object_type: Some(object_type),
            members: 0,
            hash,
            edges: SortedList::from_sorted(edges),
            back: SortedList::Empty,
        };
        self.live += 1;
        if self.used.saturating_mul(2) >= self.capacity {
            self.grow();
        } else {
            self.enter(hash, audience);
        }
    }

    /// Takes an audience out for good; its former content.
    pub(super) fn retire(&mut self, audience: AudienceOrdinal) -> Option<Audience> {
        let hash = self.get(audience)?.hash;
        let slot = self.probe(hash).find(|(_, held)| *held == audience.0).map(|(slot, _)| slot);
        if let Some(slot) = slot {
            *self.index.get_mut(slot) = GONE;
        }
        self.live = self.live.saturating_sub(1);
        Some(std::mem::take(self.table.get_mut(audience.0)))
    }

    fn hash_of(&self, object_type: Symbol, edges: &[Edge]) -> u64 {
        self.hash.hash_one((object_type, edges))
    }

    /// Slots from the hash's own to the first free one, with what they hold.
    fn probe(&self, hash: u64) -> impl Iterator<Item = (u32, u32)> + '_ {
        let mask = self.capacity.wrapping_sub(1);
        (0..self.capacity)
            .map(move |step| (hash as u32).wrapping_add(step) & mask)
            .map_while(|slot| self.index.get(slot).filter(|held| **held != FREE).map(|held| (slot, *held)))
    }

    fn enter(&mut self, hash: u64, audience: AudienceOrdinal) {
        let mask = self.capacity.wrapping_sub(1);
        let mut slot = hash as u32 & mask;
        while self.index.get(slot).is_some_and(|held| *held != FREE) {
            slot = slot.wrapping_add(1) & mask;
        }
        *self.index.get_mut(slot) = audience.0;
        self.used += 1;
    }

    /// Builds the index anew, with room for as many audiences again and without what is gone.
    fn grow(&mut self) {
        self.capacity = self.live.saturating_mul(4).next_power_of_two().max(64);
        self.used = 0;
        self.index = Paged::default();
        let entries: Vec<(u64, u32)> = self
            .table
            .iter()
            .filter(|(_, held)| held.object_type.is_some())
            .map(|(ordinal, held)| (held.hash, ordinal))
            .collect();
        for (hash, ordinal) in entries {
            self.enter(hash, AudienceOrdinal(ordinal));
        }
    }

    /// An estimate of the bytes held. O(audiences).
    pub(super) fn memory_bytes(&self) -> usize {
        let lists: usize = self.table.iter().map(|(_, held)| held.edges.heap_bytes() + held.back.heap_bytes()).sum();
        self.table.shallow_bytes() + self.index.shallow_bytes() + lists
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            edge::SubjectKey,
            intern::{ConditionId, SELF},
        },
        *,
    };

    fn edge(node: u32) -> Edge {
        Edge { relation: Symbol(3), subject: SubjectKey { kind: OBJECT, node }, condition: ConditionId::NONE }
    }

    #[test]
    fn grants_are_found_and_forgotten() {
        let mut audiences = Audiences::default();
        let kind = Symbol(1);
        for ordinal in 1..2000u32 {
            audiences.insert(AudienceOrdinal(ordinal), kind, &[edge(ordinal), edge(ordinal + 1)]);
        }
        let snapshot = audiences.clone();
        for ordinal in (1..2000u32).step_by(2) {
            assert!(audiences.retire(AudienceOrdinal(ordinal)).is_some());
        }
        for ordinal in 1..2000u32 {
            let grants = [edge(ordinal), edge(ordinal + 1)];
            let expected = (ordinal % 2 == 0).then_some(AudienceOrdinal(ordinal));
            assert_eq!(audiences.find(kind, &grants), expected);
            assert_eq!(audiences.find(Symbol(2), &grants), None);
            assert_eq!(snapshot.find(kind, &grants), Some(AudienceOrdinal(ordinal)));
        }
        for ordinal in 2000..6000u32 {
            audiences.insert(AudienceOrdinal(ordinal), kind, &[edge(ordinal)]);
        }
        assert_eq!(audiences.find(kind, &[edge(5999)]), Some(AudienceOrdinal(5999)));
        assert_eq!(audiences.len(), 999 + 4000);
    }

    #[test]
    fn the_object_itself_is_dropped() {
        let own = Vertex(7);
        let parent = |edge: &Edge| (edge.subject.node == 9).then_some(AudienceOrdinal(4));
        let grants = canonical(&[edge(7), edge(8), edge(9)], own, parent);
        assert_eq!(grants.len(), 3);
        assert!(grants.iter().any(|edge| edge.subject.node == SELF.0));
        assert_eq!(grants.iter().filter(|edge| is_parent(edge)).count(), 1);
    }
}
