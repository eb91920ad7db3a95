//! The catalog: the one source of truth, an SQLite database in the embedded form, a PostgreSQL database in the shared one.
//!
//! One transaction writes at a time, opened by the writer of `commit.rs`; a pool reads. Everything else (graph,
//! snapshot, indexes) is derived from here and rebuilt from here. Text leaves the catalog only through `gate/text.rs`,
//! which demands proofs that only the gate can make, and through [`index_text::IndexText`], which can't be serialised.

use std::path::Path;
use std::sync::Arc;

use sqlx::migrate::MigrateError;

use self::collections::Pair;
use self::sql::{On, Query, Row, query, query_built, query_either};
use crate::instant;
use crate::progress::Progress;

pub mod collections;
pub mod commits;
pub mod documents;
pub mod held;
pub mod index_text;
pub mod keys;
pub mod leases;
mod location;
pub mod meta;
pub mod names;
pub mod operations;
pub mod outbox;
pub mod portable;
mod postgres;
pub mod records;
mod schema;
mod seal;
pub mod sql;
mod sqlite;
pub mod stores;
pub mod tuples;
pub mod vectors;

pub use self::location::{Location, PostgresUrl, UrlError};
pub use self::postgres::Listener;
pub use self::sql::CatalogTx;

#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    #[error("catalog: {0}")]
    Database(#[from] sqlx::Error),
    #[error("catalog schema: {0}")]
    Migration(MigrateError),
    #[error("the catalog was written by a newer release (its schema has version {version}); run that release")]
    Newer { version: i64 },
    #[error("catalog: stored {what} can't be read: {source}")]
    Corrupt { what: &'static str, source: serde_json::Error },
    #[error("catalog: stored {what} can't be read")]
    Malformed { what: &'static str },
    #[error("catalog: {0}")]
    Io(#[from] std::io::Error),
    /// SQLite undoes a whole transaction by itself when the disk fails under it.
    #[error("catalog: the database has undone the transaction")]
    Undone,
    #[error("catalog: the database does not answer")]
    Silent,
    #[error("the catalog is damaged ({fault}); `usher restore` a backup")]
    Damaged { fault: String },
}

impl From<MigrateError> for CatalogError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::VersionMissing(version) => Self::Newer { version },
            MigrateError::Execute(error) => Self::Database(error),
            other => Self::Migration(other),
        }
    }
}

impl CatalogError {
    /// Whether the storage refused or didn't answer: a write was not done, unless this is the answer to a commit, and
    /// the same may go well later.
    pub fn is_storage_refusal(&self) -> bool {
        match self {
            Self::Database(error) => sqlite::is_refusal(error) || postgres::is_refusal(error),
            Self::Io(_) | Self::Undone => true,
            _ => false,
        }
    }

    /// Whether the database does not answer at the moment; it may at the next try.
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Silent => true,
            Self::Database(error) => postgres::is_unreachable(error),
            // The same failure for every member of a group of writes.
            Self::Io(error) => {
                let shared = error.get_ref().and_then(|inner| inner.downcast_ref::<Arc<Self>>());
                shared.is_some_and(|shared| shared.is_unreachable())
            }
            _ => false,
        }
    }

    /// Whether the answer to a commit says for certain that it was not done.
    pub fn is_undone(&self) -> bool {
        match self {
            Self::Database(error) => sqlite::is_undone(error) || postgres::is_undone(error),
            Self::Undone => true,
            _ => false,
        }
    }
}

/// Handle on the database; clones share the connections.
#[derive(Debug, Clone)]
pub struct Catalog {
    database: Database,
}

#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "a process has one, and clones of it hold pointers")]
enum Database {
    Sqlite(sqlite::Database),
    Postgres(postgres::Database),
}

impl Catalog {
    /// Opens or creates the catalog at `location` and brings its schema up to date; `readers` connections read.
    ///
    /// # Errors
    /// When it can't be opened, is damaged, or was written by a newer release.
    pub async fn open(location: impl Into<Location>, readers: u32) -> Result<Self, CatalogError> {
        Self::open_with(location, readers, &Progress::default()).await
    }

    /// The same; `progress` hears how many bytes have been compared with the seal.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_with(
        location: impl Into<Location>,
        readers: u32,
        progress: &Progress,
    ) -> Result<Self, CatalogError> {
        let database = match location.into() {
            Location::Folder(folder) => Database::Sqlite(sqlite::Database::open(&folder, readers, progress).await?),
            Location::Postgres(url) => Database::Postgres(postgres::Database::open(&url, readers).await?),
        };
        Ok(Self { database })
    }

    /// Begins a write transaction, of which there is one at a time, over all processes: each sees everything that was
    /// committed before it began. Only the writer of `commit.rs` (and start-up, before it runs) calls this.
    pub async fn begin(&self) -> Result<CatalogTx, CatalogError> {
        match &self.database {
            Database::Sqlite(database) => database.begin().await,
            Database::Postgres(database) => database.begin().await,
        }
    }

    /// One consistent view for several reads. Two reads without it may see different states, and not in the order in
    /// which they were asked.
    pub async fn read(&self) -> Result<CatalogTx, CatalogError> {
        match &self.database {
            Database::Sqlite(database) => database.read().await,
            Database::Postgres(database) => database.read().await,
        }
    }

    /// As [`Self::read`], for what others wait for: a connection that died in the middle is noticed early.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn read_watched(&self) -> Result<CatalogTx, CatalogError> {
        match &self.database {
            Database::Sqlite(database) => database.read().await,
            Database::Postgres(database) => database.read_watched().await,
        }
    }

    pub(crate) fn readers(&self) -> On<'_> {
        match &self.database {
            Database::Sqlite(database) => (&database.readers).into(),
            Database::Postgres(database) => (&database.readers).into(),
        }
    }

    /// For single statements that write beside the commits and must not wait for them.
    fn aside(&self) -> On<'_> {
        match &self.database {
            Database::Sqlite(database) => (&database.writer).into(),
            Database::Postgres(database) => (&database.aside).into(),
        }
    }

    /// Bytes of the write-ahead log, where it is this process's.
    pub fn log_bytes(&self) -> u64 {
        match &self.database {
            Database::Sqlite(database) => database.log_bytes(),
            Database::Postgres(_) => 0,
        }
    }

    /// Hears of commits of other processes; nothing where there are none to hear of.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn listen(&self) -> Result<Option<Listener>, CatalogError> {
        match &self.database {
            Database::Sqlite(_) => Ok(None),
            Database::Postgres(database) => database.listen().await.map(Some),
        }
    }

    /// Whether other processes may write to it.
    pub fn is_shared(&self) -> bool {
        matches!(self.database, Database::Postgres(_))
    }

    /// Whether the file was opened byte for byte as the last stop left it; a start needs no [`check`](Self::check) then,
    /// which takes ten times as long. A server answers for its files by itself.
    pub fn was_sealed(&self) -> bool {
        match &self.database {
            Database::Sqlite(database) => database.was_sealed,
            Database::Postgres(_) => true,
        }
    }

    /// Checks the whole file: every page, and every index against its table. Nothing to do with a server.
    ///
    /// # Errors
    /// When something is damaged.
    pub async fn check(&self) -> Result<(), CatalogError> {
        match &self.database {
            Database::Sqlite(database) => database.check().await,
            Database::Postgres(_) => Ok(()),
        }
    }

    /// Copies the catalog in `folder` to a new file, as it is at one instant; a service may be running on it.
    ///
    /// # Errors
    /// When it can't be read or written.
    pub async fn copy_running(folder: &Path, target: &Path) -> Result<(), CatalogError> {
        sqlite::Database::copy_running(folder, target).await
    }

    /// Has the service that runs on the catalog in `folder` carry lines into its audit.
    ///
    /// # Errors
    /// When the catalog can't be written.
    pub async fn leave_records(folder: &Path, file_from: u64, lines: &str) -> Result<(), CatalogError> {
        sqlite::Database::leave_records(folder, file_from, lines).await
    }

    /// Closes all connections and seals the file, unless something still holds it open.
    pub async fn close(&self) {
        match &self.database {
            Database::Sqlite(database) => database.close().await,
            Database::Postgres(database) => database.close().await,
        }
    }
}

impl<'a> From<&'a Catalog> for On<'a> {
    fn from(catalog: &'a Catalog) -> Self {
        catalog.readers()
    }
}

/// A number that was stored as `BIGINT` and is never negative.
pub(crate) fn unsigned<T: TryFrom<i64>>(value: i64, what: &'static str) -> Result<T, CatalogError> {
    T::try_from(value).map_err(|_| CatalogError::Malformed { what })
}

/// A number as `BIGINT`.
pub(crate) fn signed(value: u64) -> Result<i64, CatalogError> {
    i64::try_from(value).map_err(|_| CatalogError::Malformed { what: "number beyond 2^63" })
}

pub(crate) fn json<T: serde::Serialize>(value: &T) -> Result<String, CatalogError> {
    serde_json::to_string(value).map_err(|source| CatalogError::Corrupt { what: "value to store", source })
}

pub(crate) fn from_json<T: serde::de::DeserializeOwned>(text: &str, what: &'static str) -> Result<T, CatalogError> {
    serde_json::from_str(text).map_err(|source| CatalogError::Corrupt { what, source })
}

pub(crate) fn timestamp(text: &str) -> Result<jiff::Timestamp, CatalogError> {
    instant::parse(text).ok_or(CatalogError::Malformed { what: "time" })
}
