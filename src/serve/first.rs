//! What the first start makes.

use std::fs::{File, OpenOptions};
use std::path::Path;

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

use super::ServeError;
use crate::audit::{Asked, Told};
use crate::authz::AuthorizationModel;
use crate::catalog::Catalog;
use crate::catalog::collections::CollectionSettings;
use crate::catalog::keys::{KeyRow, KeySettings};
use crate::catalog::meta;
use crate::commit::acl::OPEN;
use crate::commit::collections::PutCollection;
use crate::commit::keys::CreateKey;
use crate::commit::stores::{CreateStore, WriteModel};
use crate::commit::tuples::{Tolerance, WriteTuples};
use crate::commit::{Change, CommitError, Committer, Draft, Edited};
use crate::config::Config;
use crate::embed::Embedders;
use crate::identity::key::KeyHasher;
use crate::openfga::mirror::Feed;
use crate::snapshot::Published;
use crate::wire::TupleKey;

/// The first start of a catalog. Several processes may come to it at once: whatever one of them has made, the writer of
/// another finds.
pub(super) struct First<'a> {
    pub config: &'a Config,
    pub store: &'a str,
    pub catalog: &'a Catalog,
    pub published: &'a Published,
    pub committer: &'a Committer,
}

/// Set last: whatever is missing before it was cut short.
const DONE: &str = "first collection";

impl First<'_> {
    /// Makes the default store with the default model and a collection, whatever of it is missing. Model and tuples of a
    /// mirrored store come from its server.
    pub async fn make(&self, embedders: &Embedders, feed: Option<&Feed>) -> Result<(), ServeError> {
        if self.published.load().store(self.store).is_none() {
            self.committer.submit(Asked::duty("first start"), MakeStore { id: self.store.to_owned() }).await?;
        }
        if self.catalog.meta(DONE).await?.is_some() {
            return Ok(());
        }
        let model = match feed {
            // Later starts serve while the server is away; this one needs its model.
            Some(feed) => {
                feed.open().await?.step().await?;
                None
            }
            None => Some(serde_json::from_str(crate::authz::DEFAULT_MODEL_JSON)?),
        };
        let embedder = embedders.default_id().to_owned();
        let settings = CollectionSettings {
            dimensions: embedders.get(&embedder).map_or(0, |embedder| embedder.dimensions()),
            embedder,
            analyser: "auto".to_owned(),
            store: self.store.to_owned(),
            object_type: "document".to_owned(),
            section_type: Some("section".to_owned()),
            relation: "can_view".to_owned(),
            default_acl: None,
            fields: Default::default(),
            caller_context: Vec::new(),
            generations: Default::default(),
        };
        self.committer
            .submit(Asked::duty("first start"), MakeFirst { name: self.config.collection.clone(), settings, model })
            .await?;
        Ok(())
    }

    /// Makes an admin key where there is no key at all. It goes to a file that only the owner can read, never to the log.
    pub async fn admin_key(&self, keys: &KeyHasher) -> Result<(), ServeError> {
        if !self.published.load().keys.is_empty() {
            return Ok(());
        }
        let settings = KeySettings {
            name: "first administrator".to_owned(),
            scopes: vec!["admin".to_owned(), "act_as".to_owned()],
            subject: None,
            collections: None,
            sources: None,
            act_as_types: vec!["user".to_owned(), "agent".to_owned(), "service".to_owned()],
        };
        let now = Timestamp::now();
        let expires_at = now.checked_add(SignedDuration::from_hours(24 * 365)).unwrap_or(now);
        let (key, row) = keys.make(settings, now, expires_at)?;
        let path = self.config.data.join(ADMIN_KEY_FILE);
        let at = |source| ServeError::Folder { path: path.clone(), source };
        let mut file = open_secret(OpenOptions::new().create(true).truncate(true), &path).map_err(at)?;
        fill_secret(&mut file, &key).map_err(at)?;
        if self.committer.submit(Asked::duty("first start"), MakeKey { row }).await?.output {
            // A disk that is not there looks just like a first start.
            tracing::warn!(file = %path.display(), "there was no catalog: an empty one begins; made the first admin key");
        } else {
            std::fs::remove_file(&path).map_err(at)?;
        }
        Ok(())
    }
}

struct MakeStore {
    id: String,
}

impl Change for MakeStore {
    type Output = bool;

    fn apply<'a>(&'a mut self, draft: &'a mut Draft) -> BoxFuture<'a, Result<bool, CommitError>> {
        async move {
            let is_first = draft.next.store(&self.id).is_none();
            if is_first {
                CreateStore { id: self.id.clone(), name: "usher".to_owned() }.apply(draft).await?;
            }
            Ok(is_first)
        }
        .boxed()
    }

    fn told(&self, is_first: &bool, _: &Edited) -> Option<Told> {
        is_first.then(|| Told::new("stores.create", vec![self.id.clone()]))
    }
}

/// The default model, clearance of everybody for the open classification, and a collection.
struct MakeFirst {
    name: String,
    settings: CollectionSettings,
    /// Absent where the store is mirrored.
    model: Option<AuthorizationModel>,
}

impl Change for MakeFirst {
    type Output = bool;

    fn apply<'a>(&'a mut self, draft: &'a mut Draft) -> BoxFuture<'a, Result<bool, CommitError>> {
        async move {
            if meta::read(&mut draft.tx, DONE).await?.is_some() {
                return Ok(false);
            }
            let store = self.settings.store.clone();
            if let Some(source) = self.model.clone() {
                if draft.next.store(&store).is_some_and(|store| store.models.is_empty()) {
                    WriteModel { store: store.clone(), source, id: None }.apply(draft).await?;
                }
                let cleared = ["user:*", "agent:*", "service:*"].map(|user| TupleKey {
                    user: user.to_owned(),
                    relation: "cleared".to_owned(),
                    object: OPEN.to_owned(),
                    condition: None,
                });
                let writes = cleared.to_vec();
                let mut open = WriteTuples { store, writes, on_duplicate: Tolerance::Ignore, ..WriteTuples::default() };
                open.apply(draft).await?;
            }
            if draft.next.collections.is_empty() {
                PutCollection { name: self.name.clone(), settings: self.settings.clone() }.apply(draft).await?;
            }
            meta::set(&mut draft.tx, DONE, &[]).await?;
            Ok(true)
        }
        .boxed()
    }

    fn told(&self, is_made: &bool, _: &Edited) -> Option<Told> {
        is_made.then(|| Told::new("collections.put", vec![self.name.clone()]))
    }
}

/// Makes a key if there is none yet; says whether.
struct MakeKey {
    row: KeyRow,
}

impl Change for MakeKey {
    type Output = bool;

    fn apply<'a>(&'a mut self, draft: &'a mut Draft) -> BoxFuture<'a, Result<bool, CommitError>> {
        async move {
            let is_first = draft.next.keys.is_empty();
            if is_first {
                CreateKey { row: self.row.clone() }.apply(draft).await?;
            }
            Ok(is_first)
        }
        .boxed()
    }

    fn told(&self, is_made: &bool, edited: &Edited) -> Option<Told> {
        let made = CreateKey { row: self.row.clone() };
        made.told(&self.row, edited).filter(|_| *is_made)
    }
}

/// Name of the file with the first admin key.
pub const ADMIN_KEY_FILE: &str = "admin.key";

/// Opens a file for a secret, for writing; one that is made can be read by its owner alone.
///
/// # Errors
/// I/O.
pub fn open_secret(options: &mut OpenOptions, path: &Path) -> std::io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.write(true).open(path)
}

/// Writes a secret to its file, to stay.
///
/// # Errors
/// I/O.
pub fn fill_secret(file: &mut File, secret: &str) -> std::io::Result<()> {
    use std::io::Write;
    writeln!(file, "{secret}")?;
    file.sync_all()
}
