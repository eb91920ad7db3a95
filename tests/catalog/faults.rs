//! A PostgreSQL server that refuses, ends sessions, or is set up in a way that must not be trusted.

use sqlx::{AssertSqlSafe, Executor, Row};
use usher::catalog::sql::query;
use usher::catalog::{Catalog, CatalogError, meta};

use crate::common::postgres::{TestDatabase, server};

/// Ends every session of Usher in the database, as a restart of the server does.
async fn end_sessions(database: &TestDatabase) -> u64 {
    let mut other = database.connect().await;
    let ended = other.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND application_name = 'usher'",
    );
    ended.await.unwrap().rows_affected()
}

#[tokio::test]
async fn ended_sessions_lose_nothing_and_come_back_by_themselves() {
    let database = TestDatabase::create().await;
    let catalog = Catalog::open(&database.location(), 2).await.unwrap();
    for revision in 1..=5 {
        let mut tx = catalog.begin().await.unwrap();
        meta::set_revision(&mut tx, revision).await.unwrap();
        assert!(end_sessions(&database).await > 0);
        let error = tx.commit().await.unwrap_err();
        assert!(!error.is_undone(), "nobody knows what became of it: {error}");
        assert!(error.is_storage_refusal(), "{error}");
        // Here it is known, because nothing had reached the server.
        assert_eq!(catalog.revision().await.unwrap(), revision - 1);
        let mut tx = catalog.begin().await.unwrap();
        meta::set_revision(&mut tx, revision).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(catalog.revision().await.unwrap(), revision);
    }
}

#[tokio::test]
async fn a_lost_session_inside_a_change_is_a_refusal() {
    let database = TestDatabase::create().await;
    let catalog = Catalog::open(&database.location(), 2).await.unwrap();
    let mut tx = catalog.begin().await.unwrap();
    tx.savepoint().await.unwrap();
    meta::set(&mut tx, "a", b"x").await.unwrap();
    end_sessions(&database).await;
    let error = meta::set(&mut tx, "b", b"x").await.unwrap_err();
    assert!(error.is_storage_refusal(), "{error}");
    assert!(matches!(tx.undo().await.unwrap_err(), CatalogError::Undone));
    let error = tx.commit().await.unwrap_err();
    assert!(error.is_undone() && error.is_storage_refusal(), "{error}");
    assert_eq!(catalog.meta("a").await.unwrap(), None);
}

#[tokio::test]
async fn a_server_that_is_gone_is_a_refusal() {
    let folder = tempfile::tempdir().unwrap();
    let address = format!("postgres:///usher?host={}&user=usher", folder.path().display());
    let error = Catalog::open(usher::catalog::Location::Postgres(address.parse().unwrap()), 1).await.unwrap_err();
    assert!(error.is_storage_refusal(), "{error}");
}

#[tokio::test]
async fn commits_wait_for_the_disk_whatever_the_database_says() {
    let database = TestDatabase::create().await;
    let mut other = database.connect().await;
    let name: String = other.fetch_one("SELECT current_database()").await.unwrap().get(0);
    for (wanted, expected) in [("off", "on"), ("local", "local"), ("remote_apply", "remote_apply")] {
        let statement = format!("ALTER DATABASE {name} SET synchronous_commit = {wanted}");
        other.execute(AssertSqlSafe(statement)).await.unwrap();
        let catalog = Catalog::open(&database.location(), 1).await.unwrap();
        let mut tx = catalog.begin().await.unwrap();
        let setting: String = query("SELECT current_setting('synchronous_commit')").fetch_value(&mut tx).await.unwrap();
        assert_eq!(setting, expected);
    }
}

#[tokio::test]
async fn readers_can_not_write_and_views_are_repeatable_whatever_the_database_says() {
    let database = TestDatabase::create().await;
    let mut other = database.connect().await;
    let name: String = other.fetch_one("SELECT current_database()").await.unwrap().get(0);
    for statement in ["default_transaction_isolation = 'serializable'", "default_transaction_read_only = on"] {
        other.execute(AssertSqlSafe(format!("ALTER DATABASE {name} SET {statement}"))).await.unwrap();
    }
    // Migrations are read-only too then: the owner has asked for it, and is told.
    assert!(Catalog::open(&database.location(), 1).await.unwrap_err().is_storage_refusal());
    other.execute(AssertSqlSafe(format!("ALTER DATABASE {name} RESET default_transaction_read_only"))).await.unwrap();
    let catalog = Catalog::open(&database.location(), 1).await.unwrap();
    let of = |setting: &'static str| query("SELECT current_setting($1)").bind(setting.to_owned());
    let mut tx = catalog.begin().await.unwrap();
    assert_eq!(of("transaction_isolation").fetch_value::<String>(&mut tx).await.unwrap(), "read committed");
    let mut view = catalog.read().await.unwrap();
    assert_eq!(of("transaction_isolation").fetch_value::<String>(&mut view).await.unwrap(), "repeatable read");
    assert_eq!(of("transaction_read_only").fetch_value::<String>(&mut view).await.unwrap(), "on");
    assert!(meta::set(&mut view, "x", b"y").await.is_err());
}

#[tokio::test]
async fn a_database_of_another_encoding_is_refused() {
    let database = TestDatabase::create().await;
    let mut other = database.connect().await;
    let name: String = other.fetch_one("SELECT current_database() || '_latin'").await.unwrap().get(0);
    let statement = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'");
    other.execute(AssertSqlSafe(statement)).await.unwrap();
    let mut url = reqwest::Url::parse(&server()).unwrap();
    url.set_path(&name);
    let opened = Catalog::open(usher::catalog::Location::Postgres(url.as_str().parse().unwrap()), 1).await;
    other.execute(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).await.unwrap();
    assert!(opened.unwrap_err().to_string().contains("UTF8"));
}
