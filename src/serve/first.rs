//! What the first start makes.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::ServeError;
use crate::authz::AuthorizationModel;
use crate::catalog::Catalog;
use crate::catalog::collections::CollectionSettings;
use crate::catalog::keys::KeySettings;
use crate::commit::acl::OPEN;
use crate::commit::collections::PutCollection;
use crate::commit::keys::CreateKey;
use crate::commit::stores::{CreateStore, WriteModel};
use crate::commit::tuples::{Tolerance, WriteTuples};
use crate::commit::{Committer, Published};
use crate::config::Config;
use crate::embed::Embedders;
use crate::identity::key::KeyHasher;
use crate::remote::replica::Replica;
use crate::snapshot::Snapshot;
use crate::wire::TupleKey;

/// Makes the default store with the default model and a collection, whatever of it is missing. Model and
/// tuples of a replicated store come from its server.
pub(super) async fn first_start(
    config: &Config,
    store: &str,
    catalog: &Catalog,
    published: &Published,
    committer: &Committer,
    embedders: &Embedders,
    replica: Option<&mut Replica>,
) -> Result<(), ServeError> {
    if published.load().store(store).is_none() {
        committer.submit(CreateStore { id: store.to_owned(), name: "usher".to_owned() }).await?;
    }
    let state = published.load();
    // The mark that is set last, below: whatever is missing before it was cut short.
    let is_first = catalog.meta("first collection").await?.is_none();
    if is_first {
        match replica {
            // Later starts serve while the server is away; this one needs its model.
            Some(replica) => replica.step().await?,
            None => default_model(store, &state, committer).await?,
        }
        let embedder = embedders.default_id().to_owned();
        let settings = CollectionSettings {
            dimensions: embedders.get(&embedder).map_or(0, |embedder| embedder.dimensions()),
            embedder,
            analyser: "english".to_owned(),
            store: store.to_owned(),
            object_type: "document".to_owned(),
            section_type: Some("section".to_owned()),
            relation: "can_view".to_owned(),
            default_acl: None,
            fields: Default::default(),
            caller_context: Vec::new(),
        };
        if state.collections.is_empty() {
            committer.submit(PutCollection { name: config.collection.clone(), settings }).await?;
        }
        committer.submit(crate::commit::SetMeta { name: "first collection", value: Vec::new() }).await?;
    }
    Ok(())
}

/// Makes an admin key where there is no key at all.
pub(super) async fn admin_key(
    config: &Config,
    published: &Published,
    committer: &Committer,
    keys: &KeyHasher,
) -> Result<(), ServeError> {
    if published.load().keys.is_empty() {
        make_admin_key(&config.data, committer, keys).await?;
    }
    Ok(())
}

/// The default model, and clearance of everybody for the open classification.
async fn default_model(store: &str, state: &Snapshot, committer: &Committer) -> Result<(), ServeError> {
    if state.store(store).is_some_and(|store| store.models.is_empty()) {
        let source: AuthorizationModel = serde_json::from_str(crate::authz::DEFAULT_MODEL_JSON)?;
        committer.submit(WriteModel { store: store.to_owned(), source, id: None }).await?;
    }
    let cleared = ["user:*", "agent:*", "service:*"].map(|user| TupleKey {
        user: user.to_owned(),
        relation: "cleared".to_owned(),
        object: OPEN.to_owned(),
        condition: None,
    });
    let change = WriteTuples {
        store: store.to_owned(),
        writes: cleared.to_vec(),
        on_duplicate: Tolerance::Ignore,
        ..WriteTuples::default()
    };
    committer.submit(change).await?;
    Ok(())
}

/// Name of the file with the first admin key.
pub const ADMIN_KEY_FILE: &str = "admin.key";

/// The key goes to a file that only the owner can read, never to the log.
async fn make_admin_key(folder: &Path, committer: &Committer, keys: &KeyHasher) -> Result<(), ServeError> {
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
    let path = folder.join(ADMIN_KEY_FILE);
    write_secret(&path, &key).map_err(|source| ServeError::Folder { path: path.clone(), source })?;
    committer.submit(CreateKey { row }).await?;
    tracing::info!(file = %path.display(), "made the first admin key");
    Ok(())
}

/// Writes a file that only its owner can read.
///
/// # Errors
/// I/O.
pub fn write_secret(path: &Path, secret: &str) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    writeln!(file, "{secret}")?;
    file.sync_all()
}
