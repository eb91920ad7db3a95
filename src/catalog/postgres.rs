//! The shared catalog: a PostgreSQL database, for any number of processes.
//!
//! Whoever writes first takes one lock and keeps it until its transaction has ended. So transactions get their revisions
//! and the numbers of their log entries in the order in which they become visible, as with SQLite's single writer: a
//! reader that has seen number n will never find a smaller one that is new.

use std::future::Future;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgDatabaseError, PgListener, PgPoolOptions, PgSeverity};
use sqlx::{Connection as _, Executor as _, PgPool, Row as _};

use super::location::PostgresUrl;
use super::sql::{CatalogTx, query};
use super::{CatalogError, schema};

/// The name of the lock; locks of one database know no others.
const WRITING: i64 = 0x5573_6865_7200_0001;
/// Where commits are told of.
pub(super) const COMMITS: &str = "usher_commits";
/// How long a statement may wait for a connection.
const ACQUIRE: Duration = Duration::from_secs(10);
/// How long a connection may take to show that it still works, before it is used again.
const PING: Duration = Duration::from_secs(2);
/// A watched session that does not answer is looked at from another one so often, and given up after so many looks.
const LOOK: Duration = Duration::from_secs(4);
const LOOKS: u32 = 2;
/// How long closing all connections in order may take; the server ends those that are left.
const CLOSE: Duration = Duration::from_secs(5);
/// How long an answer may take; a little longer than the server's own limits below, for a server that can't be reached
/// any more, which the operating system would notice much later.
pub(super) const READER_ANSWER: Duration = Duration::from_secs(35);
pub(super) const WRITER_ANSWER: Duration = Duration::from_secs(125);

/// What a writing session asks of the server. A process that hangs inside its transaction would keep all others from
/// writing: the server ends it. `synchronous_commit` is only ever made stronger.
const WRITER: &str = "
    SET lock_timeout = '30s';
    SET statement_timeout = '120s';
    SET idle_in_transaction_session_timeout = '10s';
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
";

const READER: &str = "
    SET default_transaction_read_only = on;
    SET statement_timeout = '30s';
    SET idle_in_transaction_session_timeout = '300s';
";

/// For both. A dead client is noticed within half a minute; the server's order of text is that of its bytes, as the
/// schema says, and needs no setting.
const BOTH: &str = "
    SET client_encoding = 'UTF8';
    SET TIME ZONE 'UTC';
    SET tcp_keepalives_idle = 10;
    SET tcp_keepalives_interval = 5;
    SET tcp_keepalives_count = 4;
";

#[derive(Debug, Clone)]
pub(super) struct Database {
    writer: PgPool,
    pub(super) readers: PgPool,
    /// For single statements that don't take the lock.
    pub(super) aside: PgPool,
    options: PgConnectOptions,
}

impl Database {
    /// Connects and brings the schema up to date; where several processes start, one does it and the others wait.
    pub(super) async fn open(url: &PostgresUrl, readers: u32) -> Result<Self, CatalogError> {
        let options = url.options()?;
        let pool = |connections, settings: &'static str| {
            PgPoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(ACQUIRE)
                .after_connect(move |connection, _| Box::pin(prepare(connection, settings)))
                // One that died without a word is replaced; the library would wait for it until the time for getting a
                // connection is over, and then meet the next one.
                .test_before_acquire(false)
                .before_acquire(|connection, _| {
                    Box::pin(async { within(PING, connection.ping()).await.map(|()| true) })
                })
                // A connection that was given back in the middle of a statement is closed unless it comes to itself soon:
                // its place is somebody's.
                .after_release(|connection, _| Box::pin(async { within(PING, connection.ping()).await.map(|()| true) }))
        };
        migrate(&options).await?;
        let writer = pool(1, WRITER).connect_with(options.clone()).await?;
        warn_of_weak_settings(&writer).await?;
        let aside = pool(1, WRITER).connect_with(options.clone()).await?;
        let readers = pool(readers, READER).connect_with(options.clone()).await?;
        Ok(Self { writer, readers, aside, options })
    }

    pub(super) async fn begin(&self) -> Result<CatalogTx, CatalogError> {
        // Every statement must see what was committed before the lock was given, so a later view than the
        // transaction's first: not REPEATABLE READ.
        let tx = self.writer.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").await?;
        let mut tx = CatalogTx::from(tx);
        if !crate::mutants::active("writers_take_no_lock") {
            query("SELECT pg_advisory_xact_lock($1)").bind(WRITING).execute(&mut tx).await?;
        }
        self.watched(tx).await
    }

    pub(super) async fn read(&self) -> Result<CatalogTx, CatalogError> {
        let begin = self.readers.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
        Ok(CatalogTx::from(within(ACQUIRE, begin).await?).that_reads())
    }

    /// As [`Self::read`], for readings of which others wait for the end: a session that was lost is given up within some
    /// quarter of a minute.
    pub(super) async fn read_watched(&self) -> Result<CatalogTx, CatalogError> {
        let tx = self.read().await?;
        within(ACQUIRE, self.watched(tx)).await
    }

    async fn watched(&self, mut tx: CatalogTx) -> Result<CatalogTx, CatalogError> {
        let session: i64 = query("SELECT pg_backend_pid()::bigint").fetch_value(&mut tx).await?;
        Ok(tx.watched(Session { others: self.aside.clone(), number: session }))
    }

    pub(super) async fn listen(&self) -> Result<Listener, CatalogError> {
        let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(ACQUIRE);
        let mut listener = PgListener::connect_with(&pool.connect_with(self.options.clone()).await?).await?;
        listener.listen(COMMITS).await?;
        Ok(Listener(listener))
    }

    pub(super) async fn close(&self) {
        let all = async { tokio::join!(self.readers.close(), self.aside.close(), self.writer.close()) };
        if tokio::time::timeout(CLOSE, all).await.is_err() {
            tracing::warn!("some connections to PostgreSQL could not be closed in order");
        }
    }
}

/// A session of the server, as another one sees it.
#[derive(Debug)]
pub(super) struct Session {
    others: PgPool,
    number: i64,
}

impl Session {
    /// Ends when the server answers others and says that this session has nothing to do, or is none of its any more:
    /// then what is waited for here was never received, or its answer was lost.
    pub(super) async fn is_lost(&self) {
        let mut looks = 0;
        while looks < LOOKS {
            tokio::time::sleep(LOOK).await;
            let state = sqlx::query("SELECT state FROM pg_stat_activity WHERE pid = $1")
                .bind(self.number)
                .fetch_optional(&self.others);
            let is_idle = match tokio::time::timeout(LOOK, state).await {
                Ok(Ok(Some(row))) => {
                    row.try_get::<Option<&str>, _>(0).ok().flatten().is_some_and(|s| s.starts_with("idle"))
                }
                Ok(Ok(None)) => true,
                Ok(Err(_)) | Err(_) => false,
            };
            looks = if is_idle { looks + 1 } else { 0 };
        }
    }
}

/// Hears of commits of other processes as they happen.
pub struct Listener(PgListener);

impl Listener {
    /// Waits until somebody commits.
    ///
    /// # Errors
    /// When the connection is lost; what was committed meanwhile is not told.
    pub async fn heard(&mut self) -> Result<(), CatalogError> {
        self.0.recv().await?;
        Ok(())
    }
}

/// The answer, or that there was none in time.
pub(super) async fn within<T, E: From<sqlx::Error>>(
    limit: Duration,
    answer: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let late = |_| sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "PostgreSQL does not answer"));
    tokio::time::timeout(limit, answer).await.map_err(late)?
}

/// Sets a new connection up, and refuses a server that only follows another: what it shows may be old.
async fn prepare(connection: &mut PgConnection, settings: &'static str) -> Result<(), sqlx::Error> {
    connection.execute(BOTH).await?;
    connection.execute(settings).await?;
    let row = connection.fetch_one("SELECT pg_is_in_recovery(), current_setting('server_encoding')").await?;
    if row.try_get(0)? {
        return Err(sqlx::Error::Configuration("the server is a standby; name the primary".into()));
    }
    if row.try_get::<&str, _>(1)? != "UTF8" {
        return Err(sqlx::Error::Configuration("the database must have the encoding UTF8".into()));
    }
    Ok(())
}

/// Runs on a connection without the time limits of the service's own ones. It is also the first one, and says at once
/// what a pool would go on trying.
async fn migrate(options: &PgConnectOptions) -> Result<(), CatalogError> {
    let mut connection = within(ACQUIRE, PgConnection::connect_with(options)).await?;
    prepare(&mut connection, "").await?;
    schema::migrator(schema::POSTGRES)?.run(&mut connection).await?;
    Ok(connection.close().await?)
}

/// These belong to the server's owner and can change at any time, so they are reported, not refused.
async fn warn_of_weak_settings(pool: &PgPool) -> Result<(), CatalogError> {
    let weak = query("SELECT name FROM pg_settings WHERE name IN ('fsync', 'full_page_writes') AND setting = 'off'");
    for row in weak.fetch_all(pool).await? {
        let setting: String = row.try_get(0)?;
        tracing::error!(setting, "off in PostgreSQL: a power failure can lose or damage what was acknowledged");
    }
    Ok(())
}

/// The SQLSTATE, where the server gave one.
fn code(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error()?.try_downcast_ref::<PgDatabaseError>().map(PgDatabaseError::code)
}

/// The server is gone, going, coming, full of connections or a standby, or something took too long.
pub(super) fn is_unreachable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => true,
        // A server that starts or stops may end the conversation in the middle of a message.
        sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => true,
        // Connection, operator; too many connections; deadlock; no lock in time; idle too long; only reading allowed.
        _ => code(error).is_some_and(|code| {
            code.starts_with("08")
                || code.starts_with("57")
                || matches!(code, "53300" | "40001" | "40P01" | "55P03" | "25P03" | "25006")
        }),
    }
}

/// As [`is_unreachable`], or the server has no room, or its disk fails.
pub(super) fn is_refusal(error: &sqlx::Error) -> bool {
    is_unreachable(error) || code(error).is_some_and(|code| code.starts_with("53") || code.starts_with("58"))
}

/// The server says that it has not done the commit. A connection that broke, or that the server ended, says nothing.
pub(super) fn is_undone(error: &sqlx::Error) -> bool {
    let error = error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
    error.is_some_and(|error| error.severity() == PgSeverity::Error)
}
