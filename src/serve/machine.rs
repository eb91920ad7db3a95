//! What commands on the machine do with the data folder of a stopped service. Whatever they change is recorded like any
//! other change; a service that runs holds the folder's lock, and is asked over HTTP instead.

use jiff::Timestamp;

use super::company::Company;
use super::{Agreed, ServeError, history, prepare_folder};
use crate::audit::seen::Seen;
use crate::audit::{self, Asked, Audit, Record};
use crate::catalog::keys::KeyRow;
use crate::catalog::{Catalog, CatalogError, CatalogTx, keys, meta, records};
use crate::commit::{Carrier, shared};
use crate::config::Config;
use crate::identity::key::KeyHasher;
use crate::snapshot::delta::Delta;
use crate::spelling::{self, Meeting};

/// A data folder that a command has for itself.
pub struct Stopped {
    pub catalog: Catalog,
    audit: Audit,
    carrier: Carrier,
    agreed: Agreed,
    _lock: std::fs::File,
}

impl Stopped {
    /// Opens a folder that holds a catalog, as a start would.
    ///
    /// # Errors
    /// When a service runs on it, or a start would be refused.
    pub async fn open(config: &Config) -> Result<Self, ServeError> {
        let lock = prepare_folder(&config.data)?;
        super::refuse_without_catalog(config)?;
        let catalog = Catalog::open(&config.catalog, 1).await?;
        if !catalog.was_sealed() {
            catalog.check().await?;
        }
        let company = Company::of(&catalog)?;
        let agreed = Agreed::of(config, &catalog, &company).await?;
        let folder = |source| ServeError::Folder { path: config.data.clone(), source };
        let mut seen = Seen::open(&config.data).map_err(folder)?;
        history::examine(&catalog, &config.data, &mut seen).await?;
        let audit = Audit::open(&config.data, agreed.derive("audit digests"), seen).map_err(folder)?;
        let carrier = Carrier::begin(company.carries(), catalog.clone(), audit.clone(), &config.data).await?;
        Ok(Self { catalog, audit, carrier, agreed, _lock: lock })
    }

    /// Makes keys as the service would.
    pub fn hasher(&self) -> KeyHasher {
        KeyHasher::new(self.agreed.derive("api keys"))
    }

    /// Stores a key, with its record. Other processes of a shared catalog follow it like any other commit.
    ///
    /// # Errors
    /// When the catalog or the audit can't be written.
    pub async fn add_key(&self, row: &KeyRow, command: &str) -> Result<(), ServeError> {
        let mut tx = self.catalog.begin().await?;
        let revision = meta::revision(&mut tx).await? + 1;
        let now = Timestamp::now().to_string();
        keys::insert(&mut tx, row).await?;
        meta::set_revision(&mut tx, revision).await?;
        let changes = Delta { keys: [row.id.clone()].into(), ..Delta::default() };
        shared::list(&mut tx, revision, now.clone(), &changes).await?;
        let settings = serde_json::to_value(&row.settings).unwrap_or_default();
        let details = [("settings".to_owned(), settings), ("expires_at".to_owned(), row.expires_at.as_str().into())];
        let record = Record {
            at: now,
            id: Some(uuid::Uuid::now_v7().to_string()),
            asked: Asked::duty(command),
            event: "keys.create",
            revision,
            items: vec![row.id.clone()],
            details: details.into_iter().collect(),
            ..Record::default()
        };
        self.commit(tx, &record).await
    }

    /// Brings stored names into their one spelling, with the record of it; the revision from which on they are.
    ///
    /// # Errors
    /// When the catalog or the audit can't be written.
    pub async fn respell(&self, mut tx: CatalogTx, plan: &[Meeting], changes: Vec<String>) -> Result<u64, ServeError> {
        let revision = spelling::apply(&mut tx, plan).await?;
        let now = Timestamp::now().to_string();
        shared::list(&mut tx, revision, now.clone(), &Delta::default()).await?;
        let record = Record {
            at: now,
            id: Some(uuid::Uuid::now_v7().to_string()),
            asked: Asked::duty("usher normalise"),
            event: "names.normalise",
            revision,
            items: changes,
            ..Record::default()
        };
        self.commit(tx, &record).await?;
        Ok(revision)
    }

    /// Commits with a record, and carries that into the audit.
    async fn commit(&self, mut tx: CatalogTx, record: &Record<'_>) -> Result<(), ServeError> {
        let line = audit::line(record).and_then(|line| String::from_utf8(line).ok()).unwrap_or_default();
        records::insert(&mut tx, self.audit.folder(), self.audit.length(), &line).await?;
        tx.commit().await?;
        self.carrier.look_again();
        Ok(self.carrier.catch_up().await?)
    }

    /// Records what was done with the folder as a whole.
    ///
    /// # Errors
    /// When the audit can't be written.
    pub async fn record(&self, event: &str, command: &str, items: Vec<String>) -> Result<(), ServeError> {
        let record = Record {
            at: Timestamp::now().to_string(),
            asked: Asked::duty(command),
            event,
            revision: self.catalog.revision().await?,
            items,
            ..Record::default()
        };
        self.audit.record(&record).await.map_err(|error| ServeError::Records(error.into()))
    }

    /// Leaves the folder as a stop in order does.
    pub async fn close(self) {
        self.carrier.end().await;
        self.catalog.close().await;
    }
}

/// Has the service that runs on a folder record what a command did with it: it carries the record into its audit.
///
/// # Errors
/// When its catalog can't be written.
pub async fn leave_record(
    data: &std::path::Path,
    event: &str,
    command: &str,
    items: Vec<String>,
) -> Result<(), CatalogError> {
    let (file_from, line) = record_to_leave(data, event, command, items);
    Catalog::leave_records(data, file_from, &line).await
}

/// Bytes of the audit of a folder, and the record of what a command does with the folder, which the next service on it
/// carries into that audit.
pub fn record_to_leave(data: &std::path::Path, event: &str, command: &str, items: Vec<String>) -> (u64, String) {
    let record = Record {
        at: Timestamp::now().to_string(),
        id: Some(uuid::Uuid::now_v7().to_string()),
        asked: Asked::duty(command),
        event,
        items,
        ..Record::default()
    };
    let line = audit::line(&record).and_then(|line| String::from_utf8(line).ok()).unwrap_or_default();
    (std::fs::metadata(data.join(audit::FILE)).map_or(0, |file| file.len()), line)
}
