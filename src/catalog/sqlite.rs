//! The embedded catalog: one SQLite file, one writing connection, a pool of readers.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::error::DatabaseError as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteError, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, SqlitePool};

use super::records::{self, FolderName};
use super::sql::{CatalogTx, query};
use super::{CatalogError, schema, seal};
use crate::progress::Progress;

#[derive(Debug, Clone)]
pub(super) struct Database {
    pub(super) writer: SqlitePool,
    pub(super) readers: SqlitePool,
    path: PathBuf,
    /// The file was found as the last stop had sealed it.
    pub(super) was_sealed: bool,
}

impl Database {
    /// Opens or creates `catalog.db` in `folder` and brings its schema up to date.
    pub(super) async fn open(folder: &Path, readers: u32, progress: &Progress) -> Result<Self, CatalogError> {
        let path = folder.join("catalog.db");
        let was_sealed = seal::open(&path, progress)?;
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
        schema::migrator(schema::SQLITE)?.run(&writer).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(readers)
            .connect_with(options.read_only(true).create_if_missing(false))
            .await?;
        Ok(Self { writer, readers, path, was_sealed })
    }

    pub(super) async fn begin(&self) -> Result<CatalogTx, CatalogError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?.into())
    }

    pub(super) async fn read(&self) -> Result<CatalogTx, CatalogError> {
        Ok(self.readers.begin().await?.into())
    }

    pub(super) async fn check(&self) -> Result<(), CatalogError> {
        let damaged = |fault: String| CatalogError::Damaged { fault };
        let verdict: String = query("PRAGMA integrity_check(1)")
            .fetch_value(&self.readers)
            .await
            .map_err(|error| damaged(error.to_string()))?;
        if verdict == "ok" { Ok(()) } else { Err(damaged(verdict.replace('\n', " "))) }
    }

    /// Copies the catalog in `folder`, which a running service may go on writing, as it is at one instant.
    pub(super) async fn copy_running(folder: &Path, target: &Path) -> Result<(), CatalogError> {
        let options = SqliteConnectOptions::new().filename(folder.join("catalog.db")).read_only(true);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
        query("VACUUM INTO $1").bind(target.to_string_lossy().into_owned()).execute(&pool).await?;
        pool.close().await;
        Ok(())
    }

    /// Adds records beside a running service.
    pub(super) async fn leave_records(folder: &Path, file_from: u64, lines: &str) -> Result<(), CatalogError> {
        let options = SqliteConnectOptions::new().filename(folder.join("catalog.db"));
        let options = options.busy_timeout(Duration::from_secs(10)).synchronous(SqliteSynchronous::Full);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
        // A catalog that is not shared has one audit, whatever its folder is called.
        records::insert_on((&pool).into(), FolderName::default(), file_from, lines).await?;
        pool.close().await;
        Ok(())
    }

    /// Bytes of the write-ahead log.
    pub(super) fn log_bytes(&self) -> u64 {
        std::fs::metadata(format!("{}-wal", self.path.display())).map_or(0, |file| file.len())
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        // The last connection moves the write-ahead log into the file.
        self.writer.close().await;
        if let Err(error) = seal::close(&self.path) {
            tracing::warn!(%error, "the catalog could not be sealed; damage to it may go unnoticed until it is written");
        }
    }
}

fn code(error: &sqlx::Error) -> Option<u32> {
    let error = error.as_database_error()?.try_downcast_ref::<SqliteError>()?;
    error.code().and_then(|code| code.parse().ok())
}

/// SQLITE_FULL 13, SQLITE_IOERR 10 and its extended codes (low byte 10), SQLITE_READONLY 8.
pub(super) fn is_refusal(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| matches!(code & 0xff, 8 | 10 | 13))
}

/// The disk was full (SQLITE_FULL). SQLite writes the frame that makes a transaction count last and syncs it afterwards,
/// and an error of that sync has another code.
pub(super) fn is_undone(error: &sqlx::Error) -> bool {
    code(error) == Some(13)
}
