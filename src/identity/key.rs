//! API keys, `ush_<id>_<secret>`: 256 random bits, stored as a keyed BLAKE3 hash, compared in constant time.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use subtle::ConstantTimeEq;

use super::{Ceiling, IdentityError, Principal, Scopes, parse_subject};
use crate::catalog::keys::{KeyRow, KeySettings};
use crate::snapshot::Snapshot;

pub const PREFIX: &str = "ush_";

/// Hashes and checks keys with the instance's secret.
#[derive(Clone)]
pub struct KeyHasher {
    secret: [u8; 32],
}

impl KeyHasher {
    pub fn new(secret: [u8; 32]) -> Self {
        Self { secret }
    }

    fn hash(&self, id: &str, secret: &str) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.secret);
        hasher.update(id.as_bytes());
        hasher.update(b"_");
        hasher.update(secret.as_bytes());
        *hasher.finalize().as_bytes()
    }

    /// A new key: what is shown once, and what is stored.
    pub fn make(
        &self,
        settings: KeySettings,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(String, KeyRow), getrandom::Error> {
        let mut id = [0; 8];
        let mut secret = [0; 32];
        getrandom::fill(&mut id)?;
        getrandom::fill(&mut secret)?;
        let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        let secret = URL_SAFE_NO_PAD.encode(secret);
        let row = KeyRow {
            hash: self.hash(&id, &secret).to_vec(),
            settings,
            created_at: now.to_string(),
            expires_at: expires_at.to_string(),
            revoked_at: None,
            id,
        };
        Ok((format!("{PREFIX}{}_{secret}", row.id), row))
    }

    fn find<'a>(&self, snapshot: &'a Snapshot, bearer: &str) -> Result<&'a KeyRow, IdentityError> {
        const UNKNOWN: IdentityError = IdentityError::Invalid { reason: "unknown key" };
        let (id, secret) = bearer.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')).ok_or(UNKNOWN)?;
        let hash = self.hash(id, secret);
        let row = snapshot.keys.get(id);
        // The same work and the same answer whether the id or the secret is wrong.
        let stored = row.map_or(&[0_u8; 32][..], |row| row.hash.as_slice());
        let is_equal = bool::from(hash.as_slice().ct_eq(stored));
        row.filter(|_| is_equal).map(AsRef::as_ref).ok_or(UNKNOWN)
    }

    /// # Errors
    /// Unknown, revoked or expired: all [`IdentityError::Invalid`].
    pub fn authenticate(&self, snapshot: &Snapshot, bearer: &str, now: Timestamp) -> Result<Principal, IdentityError> {
        let row = self.find(snapshot, bearer)?;
        if row.revoked_at.is_some() {
            return Err(IdentityError::Invalid { reason: "revoked key" });
        }
        let end = crate::catalog::timestamp(&row.expires_at).ok().filter(|end| *end > now);
        if end.is_none() {
            return Err(IdentityError::Invalid { reason: "expired key" });
        }
        let settings = &row.settings;
        let principal = Principal::new(
            &Scopes::parse(settings.scopes.iter().map(String::as_str)),
            settings.subject.as_deref().map(parse_subject).transpose()?.into_iter().collect(),
            ceiling(settings),
            row.id.clone(),
        );
        Ok(principal.until(end))
    }
}

/// What a key with these settings reaches.
pub fn ceiling(settings: &KeySettings) -> Ceiling {
    Ceiling {
        collections: settings.collections.clone(),
        sources: settings.sources.clone(),
        act_as_types: settings.act_as_types.clone(),
    }
}
