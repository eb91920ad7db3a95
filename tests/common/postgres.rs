//! Databases of the tests' PostgreSQL server, one for each test that asks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use tokio::sync::Mutex;
use usher::catalog::Location;

/// A database of its own, removed with this value. Its text is ordered as in a dictionary, as on many servers.
pub struct TestDatabase {
    name: String,
    url: String,
}

/// `USHER_TEST_POSTGRES`: a database whose user may create others.
pub fn server() -> String {
    std::env::var("USHER_TEST_POSTGRES").unwrap_or_else(|_| {
        panic!("USHER_TEST_POSTGRES is not set: `make test` starts a server, as `scripts/postgres.sh start` does")
    })
}

/// `USHER_TEST_CATALOG=postgres`: services of this run have their catalogs there.
pub fn is_chosen() -> bool {
    match std::env::var("USHER_TEST_CATALOG").as_deref() {
        Err(_) | Ok("sqlite") => false,
        Ok("postgres") => true,
        Ok(other) => panic!("USHER_TEST_CATALOG is `{other}`, not `sqlite` or `postgres`"),
    }
}

/// By data folder. Removed with the server.
static DATABASES: Mutex<BTreeMap<PathBuf, TestDatabase>> = Mutex::const_new(BTreeMap::new());

/// The database that belongs to a data folder, the same at each start.
pub async fn url_for(folder: &Path) -> String {
    let mut databases = DATABASES.lock().await;
    if !databases.contains_key(folder) {
        databases.insert(folder.to_owned(), TestDatabase::create().await);
    }
    databases[folder].url().to_owned()
}

/// A copy of a folder's database for a copy of the folder; nobody may be connected to it.
pub async fn copy(from: &Path, to: &Path) {
    let mut databases = DATABASES.lock().await;
    let copy = TestDatabase::create_from(&format!("TEMPLATE {}", databases[from].name)).await;
    databases.insert(to.to_owned(), copy);
}

impl TestDatabase {
    pub async fn create() -> Self {
        Self::create_from(
            "TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'",
        )
        .await
    }

    async fn create_from(template: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let server = server();
        let name = format!("usher_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let mut admin = connect(&server).await;
        let _ = admin.execute(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))).await;
        admin.execute(AssertSqlSafe(format!("CREATE DATABASE {name} {template}"))).await.unwrap();
        admin.close().await.unwrap();
        let mut url = reqwest::Url::parse(&server).unwrap();
        url.set_path(&name);
        Self { url: url.into(), name }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn location(&self) -> Location {
        Location::Postgres(self.url.parse().unwrap())
    }

    /// A connection of the test's own.
    pub async fn connect(&self) -> PgConnection {
        connect(&self.url).await
    }
}

async fn connect(url: &str) -> PgConnection {
    PgConnectOptions::from_str(url).unwrap().connect().await.unwrap()
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let name = self.name.clone();
        let remove = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut admin = connect(&server()).await;
                let _ = admin.execute(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).await;
            });
        };
        // A runtime of its own: this one is about to end.
        let _ = std::thread::spawn(remove).join();
    }
}
