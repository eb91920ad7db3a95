//! Making and revoking API keys. A revocation binds the next request, as a tuple's removal does.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::{Change, CommitError, Draft, Edited};
use crate::audit::Told;
use crate::catalog::{self, keys::KeyRow};
use crate::identity::lifetime::{admin_end, end, is_admin};

#[derive(Debug)]
pub struct CreateKey {
    pub row: KeyRow,
}

impl Change for CreateKey {
    type Output = KeyRow;

    fn apply<'a>(&'a mut self, draft: &'a mut Draft) -> BoxFuture<'a, Result<KeyRow, CommitError>> {
        async move {
            catalog::keys::insert(&mut draft.tx, &self.row).await?;
            Arc::make_mut(&mut draft.next.keys).insert(self.row.id.clone(), Arc::new(self.row.clone()));
            Ok(self.row.clone())
        }
        .boxed()
    }

    fn told(&self, row: &KeyRow, _: &Edited) -> Option<Told> {
        let settings = serde_json::to_value(&row.settings).unwrap_or_default();
        let told = Told::new("keys.create", vec![row.id.clone()]).with("settings", settings);
        Some(told.with("expires_at", row.expires_at.as_str().into()))
    }
}

/// Revokes a key; the next request with it is refused.
#[derive(Debug)]
pub struct RevokeKey {
    pub id: String,
    /// Also where nobody could make another key over the API then.
    pub even_last: bool,
}

/// What became of a key that was to be revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revoked {
    Now,
    Before,
    Unknown,
}

impl Change for RevokeKey {
    type Output = Revoked;

    fn apply<'a>(&'a mut self, draft: &'a mut Draft) -> BoxFuture<'a, Result<Revoked, CommitError>> {
        async move {
            let now = draft.now_text();
            let Some(key) = draft.next.keys.get(&self.id) else { return Ok(Revoked::Unknown) };
            if key.revoked_at.is_some() {
                return Ok(Revoked::Before);
            }
            let others = draft.next.keys.values().map(AsRef::as_ref).filter(|other| other.id != self.id);
            let is_way_in = is_admin(key) && end(key, draft.now).is_some();
            let even_last = self.even_last || crate::mutants::active("the_last_key_may_go");
            if is_way_in && !even_last && admin_end(others, draft.now).is_none() {
                return Err(CommitError::LastAdmin);
            }
            if let Some(key) = Arc::make_mut(&mut draft.next.keys).get_mut(&self.id) {
                Arc::make_mut(key).revoked_at = Some(now.clone());
            }
            catalog::keys::revoke(&mut draft.tx, &self.id, &now).await?;
            Ok(Revoked::Now)
        }
        .boxed()
    }

    fn told(&self, revoked: &Revoked, _: &Edited) -> Option<Told> {
        (*revoked == Revoked::Now).then(|| Told::new("keys.revoke", vec![self.id.clone()]))
    }
}
