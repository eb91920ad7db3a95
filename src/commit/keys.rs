//! Making and revoking API keys. A revocation binds the next request, as a tuple's removal does.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::{Change, CommitError, Draft};
use crate::catalog::{self, keys::KeyRow};

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
}

/// Says whether the key existed.
#[derive(Debug)]
pub struct RevokeKey {
    pub id: String,
}

impl Change for RevokeKey {
    type Output = bool;

    fn apply<'a>(&'a mut self, draft: &'a mut Draft) -> BoxFuture<'a, Result<bool, CommitError>> {
        async move {
            let now = draft.now_text();
            let Some(key) = Arc::make_mut(&mut draft.next.keys).get_mut(&self.id) else { return Ok(false) };
            if key.revoked_at.is_none() {
                Arc::make_mut(key).revoked_at = Some(now.clone());
                catalog::keys::revoke(&mut draft.tx, &self.id, &now).await?;
            }
            Ok(true)
        }
        .boxed()
    }
}
