//! What a commit changed, as the other processes of a shared catalog have to know it: which parts to read again.
//!
//! It is found by comparing the snapshots before and after, so that no kind of change can be forgotten. What is shared
//! between them is not looked at: O(pages of documents), plus what differs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{CollectionState, Snapshot, StoreState};

/// More documents of one collection than these are not listed one by one.
const LISTED: usize = 10_000;

/// Parts of a snapshot that differ from an older one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Delta {
    pub stores: BTreeMap<String, StoreDelta>,
    pub collections: BTreeMap<u32, CollectionDelta>,
    pub keys: BTreeSet<String>,
}

/// A store that is not as it was; the log of tuples tells which of those changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreDelta {
    /// It is new, or was removed and made again.
    pub is_new: bool,
    /// Made, renamed or removed.
    pub row: bool,
    pub models: bool,
}

/// A collection that is not as it was.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CollectionDelta {
    /// Made, removed, or with other settings.
    pub row: bool,
    pub documents: Documents,
}

/// Documents by ordinal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Documents {
    Some(BTreeSet<u32>),
    All,
}

impl Default for Documents {
    fn default() -> Self {
        Self::Some(BTreeSet::new())
    }
}

impl Documents {
    fn of(ordinals: BTreeSet<u32>) -> Self {
        if ordinals.len() > LISTED { Self::All } else { Self::Some(ordinals) }
    }

    fn and(self, more: Self) -> Self {
        match (self, more) {
            (Self::Some(mut ordinals), Self::Some(more)) => {
                ordinals.extend(more);
                Self::of(ordinals)
            }
            _ => Self::All,
        }
    }
}

impl Delta {
    /// What is different in `after`.
    pub fn between(before: &Snapshot, after: &Snapshot) -> Self {
        let mut delta = Self::default();
        for id in before.stores.keys().chain(after.stores.keys()) {
            let (old, new) = (before.store(id), after.store(id));
            if !is_unchanged(old, new) {
                delta.stores.insert(id.to_string(), StoreDelta::between(old, new));
            }
        }
        let (old, new) = (by_number(before), by_number(after));
        for id in old.keys().chain(new.keys()) {
            let (old, new) = (old.get(id).copied(), new.get(id).copied());
            if !is_unchanged(old, new) {
                delta.collections.insert(*id, CollectionDelta::between(old, new));
            }
        }
        if !Arc::ptr_eq(&before.keys, &after.keys) {
            let ids = before.keys.keys().chain(after.keys.keys());
            delta.keys = ids.filter(|id| !is_unchanged(before.keys.get(*id), after.keys.get(*id))).cloned().collect();
        }
        delta
    }

    /// Both, one after the other.
    pub fn and(mut self, more: Self) -> Self {
        for (id, more) in more.stores {
            let held = self.stores.entry(id).or_default();
            held.is_new |= more.is_new;
            held.row |= more.row;
            held.models |= more.models;
        }
        for (id, more) in more.collections {
            let held = self.collections.entry(id).or_default();
            held.row |= more.row;
            held.documents = std::mem::take(&mut held.documents).and(more.documents);
        }
        self.keys.extend(more.keys);
        self
    }

    /// Whether bindings or models may be others.
    pub fn touches_bindings(&self) -> bool {
        self.stores.values().any(|store| store.models || store.is_new)
            || self.collections.values().any(|collection| collection.row)
    }
}

impl StoreDelta {
    fn between(old: Option<&Arc<StoreState>>, new: Option<&Arc<StoreState>>) -> Self {
        let (Some(old), Some(new)) = (old, new) else {
            return Self { is_new: new.is_some(), row: true, models: new.is_some() };
        };
        let is_new = !Arc::ptr_eq(old.graph.interner(), new.graph.interner());
        let same_models =
            old.models.len() == new.models.len() && old.models.iter().zip(&new.models).all(|(a, b)| Arc::ptr_eq(a, b));
        Self { is_new, row: is_new || old.row != new.row, models: is_new || !same_models }
    }
}

impl CollectionDelta {
    fn between(old: Option<&Arc<CollectionState>>, new: Option<&Arc<CollectionState>>) -> Self {
        let (Some(old), Some(new)) = (old, new) else {
            return Self { row: true, documents: Documents::All };
        };
        let row = !Arc::ptr_eq(&old.settings, &new.settings);
        let is_same = |a: &Option<_>, b: &Option<_>| is_unchanged(a.as_ref(), b.as_ref());
        Self { row, documents: Documents::of(new.documents.differences(&old.documents, is_same).collect()) }
    }
}

/// Whether both are absent, or one and the same.
fn is_unchanged<T>(old: Option<&Arc<T>>, new: Option<&Arc<T>>) -> bool {
    match (old, new) {
        (None, None) => true,
        (Some(old), Some(new)) => Arc::ptr_eq(old, new),
        _ => false,
    }
}

fn by_number(snapshot: &Snapshot) -> BTreeMap<u32, &Arc<CollectionState>> {
    snapshot.collections.values().map(|collection| (collection.id, collection)).collect()
}
