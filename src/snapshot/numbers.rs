//! Numbers for audiences in an engine elsewhere.
//!
//! A number is a keyed hash of the grants under a secret of the catalog: the same in every process, random to everybody
//! who does not have the secret, so that it confirms no guess about grants. Two audiences that shared a number (once in
//! 2⁶³) would only be proposed together; what is returned is decided elsewhere.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;

use super::StoreState;
use crate::authz::{AudienceOrdinal, NodeId};

/// Numbers remembered before all are forgotten: audiences come and go.
const REMEMBERED: usize = 4_000_000;

/// The numbers of one instance.
#[derive(Debug)]
pub struct AudienceNumbers {
    secret: [u8; 32],
    known: RwLock<HashMap<(Arc<str>, AudienceOrdinal), i64>>,
}

impl AudienceNumbers {
    pub fn new(secret: [u8; 32]) -> Self {
        Self { secret, known: RwLock::default() }
    }

    /// The number of an audience of the store.
    pub fn of(&self, store: &StoreState, audience: AudienceOrdinal) -> Option<i64> {
        // Ordinals are never used again, so what is known stays right.
        let id: Arc<str> = store.row.id.as_str().into();
        let key = (id, audience);
        if let Some(number) = self.known.read().get(&key) {
            return Some(*number);
        }
        let mut hasher = blake3::Hasher::new_keyed(&self.secret);
        hasher.update(store.row.id.as_bytes());
        hasher.update(&store.graph.canonical_grants(audience)?);
        let mut bytes = [0; 8];
        hasher.finalize_xof().fill(&mut bytes);
        let number = (u64::from_be_bytes(bytes) >> 1) as i64;
        let mut known = self.known.write();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(key, number);
        Some(number)
    }

    /// The number of an object's audience.
    pub fn of_object(&self, store: &StoreState, object: NodeId) -> Option<i64> {
        self.of(store, store.graph.audience(object))
    }
}
