//! Is the catalog the one that answers were given from? A copy that is older, or that went on from an older one, lacks
//! changes, revocations perhaps: it is not served before somebody has looked.
//!
//! Each data folder remembers how far its process has seen the catalog (`audit/seen.rs`). What was restored on purpose is accepted
//! once, through any of the folders: that begins a new epoch in the catalog, and the other folders see that it came after
//! theirs.

use std::io;
use std::path::Path;
use std::sync::Weak;
use std::time::Duration;

use super::company::Company;
use super::{Agreed, ServeError};
use crate::audit::seen::{Known, Mark, Seen};
use crate::audit::{self, Asked, Audit, AuditError, Record};
use crate::catalog::commits;
use crate::catalog::{Catalog, CatalogError, meta};
use crate::config::Config;
use crate::service::Service;
use crate::snapshot::follow::SnapshotFollowError;

/// Named value: every epoch that the catalog has been in since the first one, which has no name, oldest first.
const EPOCHS: &str = "epoch";
/// Bytes of an epoch's name.
const EPOCH: usize = 16;
/// File in the data folder: the epoch that its audit was last written in; absent in the first one.
pub const EPOCH_FILE: &str = "epoch";
/// Times that another history must be seen, so that a restoration in progress is not taken for one, and how far apart.
const LOOKS: u32 = 3;
const LOOK: Duration = Duration::from_millis(500);

/// The epochs of a catalog.
struct Epochs(Vec<u8>);

impl Epochs {
    async fn of(catalog: &Catalog) -> Result<Self, CatalogError> {
        Ok(Self(catalog.meta(EPOCHS).await?.unwrap_or_default()))
    }

    /// The present one; empty for the first.
    fn newest(&self) -> &[u8] {
        self.0.rchunks(EPOCH).next().unwrap_or_default()
    }

    /// Whether the catalog has been in this epoch.
    fn hold(&self, epoch: &[u8]) -> bool {
        epoch.is_empty() || self.0.chunks(EPOCH).any(|held| held == epoch)
    }
}

/// Refuses a catalog that lacks what this folder's process has seen; the name of its epoch. Where it was accepted since
/// the folder was last used, the folder is taken into the new epoch.
///
/// # Errors
/// When the catalog was set back, or something can't be read.
pub(super) async fn examine(catalog: &Catalog, data: &Path, seen: &mut Seen) -> Result<String, ServeError> {
    let epochs = Epochs::of(catalog).await?;
    let folder = |source| ServeError::Folder { path: data.to_owned(), source };
    let own = read_epoch(data).map_err(folder)?;
    let known = seen.known().clone();
    let head = catalog.head().await?;
    let found = head.revision;
    let set_back = ServeError::SetBack { found, answered: known.revision };
    if own == epochs.newest() {
        let goes_on = found >= known.revision && goes_on_from(catalog, &known).await?;
        if !goes_on && !crate::mutants::active("any_catalog_goes_on") {
            return Err(set_back);
        }
        // By its name, so that a kill later on leaves more than a number.
        let last = Mark::Last { revision: found, name: head.origin, is_other: false };
        seen.remember(found, Some(last)).map_err(folder)?;
    } else if epochs.hold(&own) {
        if known.revision > 0 {
            tracing::info!(revision = found, "the catalog was restored, and accepted through another data folder");
            seen.remember(0, Some(Mark::Accepted { revision: found })).map_err(folder)?;
        }
        write_epoch(data, epochs.newest()).map_err(folder)?;
    } else {
        return Err(set_back);
    }
    Ok(hex(epochs.newest()))
}

/// Whether the catalog holds the commit that this folder's process saw last, as far as commits are kept.
async fn goes_on_from(catalog: &Catalog, known: &Known) -> Result<bool, CatalogError> {
    let Some((revision, name)) = &known.commit else { return Ok(true) };
    let rows = commits::from(&mut catalog.read().await?, *revision).await?;
    Ok(match rows.first().filter(|row| row.revision == *revision) {
        Some(row) => row.origin == *name,
        None => !known.is_other,
    })
}

/// Accepts a catalog that was restored on purpose: begins a new epoch of it and notes that in the audit; the revision.
/// Nothing where the folder would serve the catalog as it is: then everything stays as it was.
///
/// # Errors
/// When the catalog or the folder can't be written.
pub async fn accept_restored(config: &Config, catalog: &Catalog) -> Result<Option<u64>, ServeError> {
    let folder = |source| ServeError::Folder { path: config.data.clone(), source };
    match examine(catalog, &config.data, &mut Seen::open(&config.data).map_err(folder)?).await {
        Ok(_) => return Ok(None),
        Err(ServeError::SetBack { .. }) => {}
        Err(error) => return Err(error),
    }
    let mut epoch = [0; EPOCH];
    getrandom::fill(&mut epoch)?;
    let mut tx = catalog.begin().await?;
    let mut epochs = meta::read(&mut tx, EPOCHS).await?.unwrap_or_default();
    epochs.extend_from_slice(&epoch);
    meta::set(&mut tx, EPOCHS, &epochs).await?;
    tx.commit().await?;
    let revision = catalog.revision().await?;
    let agreed = Agreed::of(config, catalog, &Company::of(catalog)?).await?;
    let seen = Seen::open(&config.data).map_err(folder)?;
    let audit = Audit::open(&config.data, agreed.derive("audit digests"), seen).map_err(folder)?;
    let mark = Mark::Accepted { revision };
    note(&audit, audit::RESTORED, revision, mark).await.map_err(io::Error::other).map_err(folder)?;
    write_epoch(&config.data, &epoch).map_err(folder)?;
    Ok(Some(revision))
}

/// Notes how far this process has seen the catalog, and whether that was another history.
pub(super) async fn note_seen(service: &Service, event: &str) -> Result<(), AuditError> {
    let seen = service.published.load();
    let is_other = event == audit::SET_BACK;
    let mark = Mark::Last { revision: seen.revision, name: seen.origin, is_other };
    note(&service.audit, event, seen.revision, mark).await
}

/// The folder remembers it, and a record says so.
async fn note(audit: &Audit, event: &str, revision: u64, mark: Mark) -> Result<(), AuditError> {
    let at = jiff::Timestamp::now().to_string();
    let record = Record { at, asked: Asked::duty("serve"), event, revision, ..Record::default() };
    audit.record_with(&record, Some(mark)).await
}

/// Ends when a backup was restored under this process, which can then never answer from its memory again: a start looks
/// at what is there. The audit says it first, so that the start knows.
pub(super) async fn lost(service: Weak<Service>) -> ServeError {
    let mut looks = 0;
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(service) = service.upgrade() else { return std::future::pending().await };
        let is_other = matches!(service.published.problem().as_deref(), Some(SnapshotFollowError::OtherHistory));
        // A database that is being filled has no revision yet.
        let is_whole = is_other && service.catalog.revision().await.is_ok_and(|revision| revision > 0);
        looks = if is_whole { looks + 1 } else { 0 };
        if looks < LOOKS {
            continue;
        }
        match note_seen(&service, audit::SET_BACK).await {
            Ok(()) => return ServeError::OtherHistory { seen: service.published.load().revision },
            Err(error) => {
                tracing::error!(%error, "the catalog was set back, and this process refuses until it can end")
            }
        }
    }
}

fn read_epoch(data: &Path) -> io::Result<Vec<u8>> {
    match std::fs::read(data.join(EPOCH_FILE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read,
    }
}

/// Whole or not at all.
fn write_epoch(data: &Path, epoch: &[u8]) -> io::Result<()> {
    use std::io::Write;

    let (path, new) = (data.join(EPOCH_FILE), data.join("epoch.new"));
    let mut file = std::fs::File::create(&new)?;
    file.write_all(epoch)?;
    file.sync_all()?;
    std::fs::rename(&new, &path)?;
    std::fs::File::open(data)?.sync_all()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
