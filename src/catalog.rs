//! The catalog: the one source of truth, an SQLite database in the embedded form.
//!
//! One connection writes, in transactions that the writer of `commit.rs` opens; a pool reads. Everything else (graph,
//! snapshot, indexes) is derived from here and rebuilt from here. Text leaves the catalog only through `gate/text.rs`,
//! which demands proofs that only the gate can make, and through [`index_text::IndexText`], which can't be serialised.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, Sqlite, SqlitePool, Transaction};

pub mod collections;
pub mod commits;
pub mod documents;
pub mod index_text;
pub mod keys;
pub mod leases;
pub mod meta;
pub mod outbox;
pub mod portable;
mod seal;
pub mod state;
pub mod stores;
pub mod tuples;

/// A write transaction. Dropped without [`CatalogTx::commit`], it leaves nothing behind.
pub type CatalogTx = Transaction<'static, Sqlite>;

#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    #[error("catalog: {0}")]
    Database(#[from] sqlx::Error),
    #[error("catalog schema: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
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
    #[error("the catalog is damaged ({fault}); restore a backup")]
    Damaged { fault: String },
}

impl CatalogError {
    /// Whether the disk refused (full, or failing): the write was not done, reads can go on.
    pub fn is_storage_refusal(&self) -> bool {
        match self {
            // SQLITE_FULL 13, SQLITE_IOERR 10 and its extended codes (low byte 10), SQLITE_READONLY 8.
            Self::Database(sqlx::Error::Database(error)) => error
                .code()
                .and_then(|code| code.parse::<u32>().ok())
                .is_some_and(|code| matches!(code & 0xff, 8 | 10 | 13)),
            Self::Io(_) | Self::Undone => true,
            _ => false,
        }
    }

    /// Whether the database can't be reached, or is stopping or starting; it may be back in a moment.
    pub fn is_unavailable(&self) -> bool {
        use sqlx::Error;
        match self {
            Self::Silent => true,
            Self::Database(
                Error::Io(_) | Error::Tls(_) | Error::Protocol(_) | Error::PoolTimedOut | Error::PoolClosed
                | Error::WorkerCrashed,
            ) => true,
            // Connection exceptions, shutdown and start of the server, too many connections, a transaction that it ended
            // because nothing was heard of this process.
            Self::Database(Error::Database(error)) => error.code().is_some_and(|code| {
                code.starts_with("08") || code.starts_with("57P") || matches!(&*code, "53300" | "25P03" | "25P04")
            }),
            _ => false,
        }
    }

    /// Whether a commit found the disk full (SQLITE_FULL). It was not done: SQLite writes the frame that makes a
    /// transaction count last and syncs it afterwards, and an error of that sync has another code.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Database(sqlx::Error::Database(error)) if error.code().as_deref() == Some("13"))
    }
}

/// Handle on the database; clones share the connections.
#[derive(Debug, Clone)]
pub struct Catalog {
    writer: SqlitePool,
    readers: SqlitePool,
    path: PathBuf,
    /// The file was found as the last stop had sealed it.
    was_sealed: bool,
    is_shared: bool,
}

impl Catalog {
    /// Opens or creates `catalog.db` in `folder` and brings its schema up to date.
    ///
    /// # Errors
    /// When the file can't be opened, is damaged, or was written by a newer release.
    pub async fn open(folder: &Path, readers: u32) -> Result<Self, CatalogError> {
        let path = folder.join("catalog.db");
        let was_sealed = seal::open(&path)?;
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10))
            // Deleted text is overwritten, not only unlinked.
            .pragma("secure_delete", "ON")
            // The WAL is cut back to this size after a checkpoint.
            .pragma("journal_size_limit", "67108864");
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            // SQLite ends a transaction by itself when the disk is full; the connection then still counts itself inside
            // one and could begin no other, so it is replaced. The test before this one has waited for its rollback.
            .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
            .connect_with(options.clone())
            .await?;
        sqlx::migrate!("schema/catalog/sqlite").run(&writer).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(readers)
            .connect_with(options.read_only(true).create_if_missing(false))
            .await?;
        Ok(Self { writer, readers, path, was_sealed, is_shared: false })
    }

    /// Begins a write transaction; only the writer of `commit.rs` (and start-up, before it runs) calls this.
    pub async fn begin(&self) -> Result<CatalogTx, CatalogError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// One consistent view for several reads. Two reads without it may see different states, and not in the order in
    /// which they were asked.
    pub async fn read(&self) -> Result<CatalogTx, CatalogError> {
        Ok(self.readers.begin().await?)
    }

    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether other processes may write to it.
    pub fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// The same database, treated as one that others write to as well: for tests of what they do together.
    #[cfg(any(test, usher_mutants))]
    pub fn shared(self) -> Self {
        Self { is_shared: true, ..self }
    }

    /// Whether the file was opened byte for byte as the last stop left it; a start needs no [`check`](Self::check) then,
    /// which takes ten times as long.
    pub fn was_sealed(&self) -> bool {
        self.was_sealed
    }

    /// Checks the whole database: every page, and every index against its table.
    ///
    /// # Errors
    /// When something is damaged.
    pub async fn check(&self) -> Result<(), CatalogError> {
        let damaged = |fault: String| CatalogError::Damaged { fault };
        let verdict: String = sqlx::query_scalar("PRAGMA integrity_check(1)")
            .fetch_one(&self.readers)
            .await
            .map_err(|error| damaged(error.to_string()))?;
        if verdict == "ok" { Ok(()) } else { Err(damaged(verdict.replace('\n', " "))) }
    }

    /// Writes a consistent copy of the database to `target`, which must not exist.
    pub async fn copy_to(&self, target: &Path) -> Result<(), CatalogError> {
        sqlx::query("VACUUM INTO $1").bind(target.to_string_lossy().into_owned()).execute(&self.writer).await?;
        Ok(())
    }

    /// Closes all connections and seals the file, unless something still holds it open.
    pub async fn close(&self) {
        self.readers.close().await;
        // The last connection moves the write-ahead log into the file.
        self.writer.close().await;
        if let Err(error) = seal::close(&self.path) {
            tracing::warn!(%error, "the catalog could not be sealed; damage to it may go unnoticed until it is written");
        }
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
    jiff::Timestamp::from_str(text).map_err(|_| CatalogError::Malformed { what: "time" })
}
