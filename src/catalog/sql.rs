//! What the catalog's statements need of a database engine, and no more: values, rows, one statement, a transaction.
//!
//! Every statement of the catalog is written once, with `$n` parameters, and runs on SQLite and PostgreSQL through their
//! own typed drivers; [`query_either`] is for the few whose words differ.

use std::borrow::Cow;
use std::time::Duration;

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{
    Arguments, AssertSqlSafe, ColumnIndex, Decode, Encode, Executor, PgPool, Postgres, Row as _, Sqlite, SqlitePool,
    Transaction, Type,
};

use super::CatalogError;
use super::postgres::{COMMITS, READER_ANSWER, Session, WRITER_ANSWER, within};

/// A parameter; what is absent keeps its type, which PostgreSQL wants to know.
#[derive(Debug)]
pub enum Value {
    Integer(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

macro_rules! values {
    ($($kind:ident($type:ty)),*) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::$kind(Some(value))
            }
        }

        impl From<Option<$type>> for Value {
            fn from(value: Option<$type>) -> Self {
                Self::$kind(value)
            }
        }
    )*};
}

values!(Integer(i64), Text(String), Bytes(Vec<u8>));

/// Where a statement runs: on any connection of a pool, or inside a transaction.
pub struct On<'a>(Handle<'a>);

enum Handle<'a> {
    SqlitePool(&'a SqlitePool),
    PostgresPool(&'a PgPool),
    Transaction(&'a mut CatalogTx),
}

impl<'a> From<&'a SqlitePool> for On<'a> {
    fn from(pool: &'a SqlitePool) -> Self {
        Self(Handle::SqlitePool(pool))
    }
}

impl<'a> From<&'a PgPool> for On<'a> {
    fn from(pool: &'a PgPool) -> Self {
        Self(Handle::PostgresPool(pool))
    }
}

impl<'a> From<&'a mut CatalogTx> for On<'a> {
    fn from(tx: &'a mut CatalogTx) -> Self {
        Self(Handle::Transaction(tx))
    }
}

/// A statement with its parameters.
#[derive(Debug)]
#[must_use = "a statement does nothing until it is run"]
pub struct Query {
    sqlite: Cow<'static, str>,
    postgres: Cow<'static, str>,
    values: Vec<Value>,
}

/// A statement that both engines understand.
pub fn query(text: &'static str) -> Query {
    query_either(text, text)
}

/// A statement in the words of each engine.
pub fn query_either(sqlite: &'static str, postgres: &'static str) -> Query {
    Query { sqlite: sqlite.into(), postgres: postgres.into(), values: Vec::new() }
}

/// A statement put together from constants; nothing that a caller sent may be in it.
pub fn query_built(text: String) -> Query {
    Query { sqlite: text.clone().into(), postgres: text.into(), values: Vec::new() }
}

impl Query {
    /// The next parameter.
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    pub async fn fetch_all<'a>(self, on: impl Into<On<'a>>) -> Result<Vec<Row>, CatalogError> {
        self.run(on.into(), Wanted::All).await.map(|done| done.rows)
    }

    pub async fn fetch_optional<'a>(self, on: impl Into<On<'a>>) -> Result<Option<Row>, CatalogError> {
        self.run(on.into(), Wanted::First).await.map(|done| done.rows.into_iter().next())
    }

    /// # Errors
    /// Also when there is no row.
    pub async fn fetch_one<'a>(self, on: impl Into<On<'a>>) -> Result<Row, CatalogError> {
        self.fetch_optional(on).await?.ok_or(CatalogError::Database(sqlx::Error::RowNotFound))
    }

    /// The first column of the only row.
    ///
    /// # Errors
    /// Also when there is no row.
    pub async fn fetch_value<'a, T: for<'r> Field<'r>>(self, on: impl Into<On<'a>>) -> Result<T, CatalogError> {
        self.fetch_one(on).await?.try_get(0)
    }

    /// The first column of the first row, if there is one.
    pub async fn fetch_optional_value<'a, T: for<'r> Field<'r>>(
        self,
        on: impl Into<On<'a>>,
    ) -> Result<Option<T>, CatalogError> {
        self.fetch_optional(on).await?.map(|row| row.try_get(0)).transpose()
    }

    /// Number of rows that were changed.
    pub async fn execute<'a>(self, on: impl Into<On<'a>>) -> Result<u64, CatalogError> {
        self.run(on.into(), Wanted::Count).await.map(|done| done.changed)
    }

    async fn run(self, on: On<'_>, wanted: Wanted) -> Result<Done, CatalogError> {
        let tx = match on.0 {
            Handle::SqlitePool(pool) => return self.run_sqlite(pool, wanted).await,
            Handle::PostgresPool(pool) => return within(READER_ANSWER, self.run_postgres(pool, wanted)).await,
            Handle::Transaction(tx) => tx,
        };
        if tx.is_lost {
            return Err(CatalogError::Silent);
        }
        let done = match &mut tx.open {
            Open::Sqlite(tx) => self.run_sqlite(&mut **tx, wanted).await,
            Open::Postgres(open) => {
                let answer = within(tx.answer, self.run_postgres(&mut **open, wanted));
                match &tx.session {
                    None => answer.await,
                    Some(session) => tokio::select! {
                        biased;
                        answer = answer => answer,
                        () = session.is_lost() => {
                            tx.is_lost = true;
                            Err(CatalogError::Silent)
                        }
                    },
                }
            }
        };
        tx.has_failed |= done.is_err();
        done
    }

    async fn run_sqlite<'c>(
        self,
        executor: impl Executor<'c, Database = Sqlite>,
        wanted: Wanted,
    ) -> Result<Done, CatalogError> {
        let query = sqlx::query_with(AssertSqlSafe(self.sqlite), arguments::<SqliteArguments>(self.values)?);
        Ok(match wanted {
            Wanted::Count => Done { changed: query.execute(executor).await?.rows_affected(), rows: Vec::new() },
            Wanted::First => Done::of(query.fetch_optional(executor).await?.map(Row::Sqlite)),
            Wanted::All => Done::of(query.fetch_all(executor).await?.into_iter().map(Row::Sqlite)),
        })
    }

    async fn run_postgres<'c>(
        self,
        executor: impl Executor<'c, Database = Postgres>,
        wanted: Wanted,
    ) -> Result<Done, CatalogError> {
        let query = sqlx::query_with(AssertSqlSafe(self.postgres), arguments::<PgArguments>(self.values)?);
        Ok(match wanted {
            Wanted::Count => Done { changed: query.execute(executor).await?.rows_affected(), rows: Vec::new() },
            Wanted::First => Done::of(query.fetch_optional(executor).await?.map(Row::Postgres)),
            Wanted::All => Done::of(query.fetch_all(executor).await?.into_iter().map(Row::Postgres)),
        })
    }
}

#[derive(Clone, Copy)]
enum Wanted {
    Count,
    First,
    All,
}

struct Done {
    changed: u64,
    rows: Vec<Row>,
}

impl Done {
    fn of(rows: impl IntoIterator<Item = Row>) -> Self {
        Self { changed: 0, rows: rows.into_iter().collect() }
    }
}

fn arguments<A: Arguments>(values: Vec<Value>) -> Result<A, CatalogError>
where
    for<'t> Option<i64>: Encode<'t, A::Database> + Type<A::Database>,
    for<'t> Option<String>: Encode<'t, A::Database> + Type<A::Database>,
    for<'t> Option<Vec<u8>>: Encode<'t, A::Database> + Type<A::Database>,
{
    let mut arguments = A::default();
    for value in values {
        match value {
            Value::Integer(value) => arguments.add(value),
            Value::Text(value) => arguments.add(value),
            Value::Bytes(value) => arguments.add(value),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// A row of an answer.
pub enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    /// A column by name or number.
    ///
    /// # Errors
    /// When there is none, or it holds another type.
    pub fn try_get<'r, T: Field<'r>>(&'r self, column: impl Column) -> Result<T, CatalogError> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }
}

/// Name or number of a column.
pub trait Column: ColumnIndex<SqliteRow> + ColumnIndex<PgRow> {}

impl<C: ColumnIndex<SqliteRow> + ColumnIndex<PgRow>> Column for C {}

/// What a column can be read as: `i64`, `String`, `&str`, `Vec<u8>`, `&[u8]`, or an option of them.
pub trait Field<'r>: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres> {}

impl<'r, T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>> Field<'r> for T {}

/// A transaction. Dropped without [`CatalogTx::commit`], it leaves nothing behind.
pub struct CatalogTx {
    open: Open,
    /// A statement failed since the last savepoint. PostgreSQL answers a commit then by undoing everything, without an
    /// error.
    has_failed: bool,
    /// Its session was: nothing is waited for any more.
    is_lost: bool,
    /// How long a statement may take, where a server answers.
    answer: Duration,
    /// Where a session is watched that runs on a server.
    session: Option<Session>,
}

enum Open {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl From<Transaction<'static, Sqlite>> for CatalogTx {
    fn from(tx: Transaction<'static, Sqlite>) -> Self {
        Self { open: Open::Sqlite(tx), has_failed: false, is_lost: false, answer: WRITER_ANSWER, session: None }
    }
}

impl From<Transaction<'static, Postgres>> for CatalogTx {
    fn from(tx: Transaction<'static, Postgres>) -> Self {
        Self { open: Open::Postgres(tx), has_failed: false, is_lost: false, answer: WRITER_ANSWER, session: None }
    }
}

impl CatalogTx {
    /// Nothing is written in it, which takes less time.
    pub(super) fn that_reads(self) -> Self {
        Self { answer: READER_ANSWER, ..self }
    }

    /// Statements of it end when the session is lost, and not only after the time that a long one may take.
    pub(super) fn watched(self, session: Session) -> Self {
        Self { session: Some(session), ..self }
    }

    /// Makes durable what was done.
    ///
    /// # Errors
    /// Where [`CatalogError::is_undone`] says so, nothing was done; otherwise nobody knows.
    pub async fn commit(self) -> Result<(), CatalogError> {
        match self.open {
            Open::Sqlite(tx) => tx.commit().await?,
            Open::Postgres(_) if self.has_failed => return Err(CatalogError::Undone),
            Open::Postgres(tx) => within(WRITER_ANSWER, tx.commit()).await?,
        }
        Ok(())
    }

    /// Tells other processes of the commit, when it is done.
    pub(super) async fn notify(&mut self) -> Result<(), CatalogError> {
        if matches!(self.open, Open::Postgres(_)) {
            query("SELECT pg_notify($1, '')").bind(COMMITS.to_owned()).execute(self).await?;
        }
        Ok(())
    }

    /// Sets the point to which [`undo`](Self::undo) goes back.
    pub async fn savepoint(&mut self) -> Result<(), CatalogError> {
        query("SAVEPOINT change").execute(self).await.map(|_| ())
    }

    /// Undoes everything since the savepoint.
    ///
    /// # Errors
    /// When the database has undone more than that, because its disk refused, or is not there any more.
    pub async fn undo(&mut self) -> Result<(), CatalogError> {
        query("ROLLBACK TO change").execute(&mut *self).await.map_err(|_| CatalogError::Undone)?;
        self.has_failed = false;
        Ok(())
    }

    /// Forgets the savepoint; what was done since then stays.
    pub async fn release(&mut self) -> Result<(), CatalogError> {
        query("RELEASE change").execute(self).await.map(|_| ())
    }
}
