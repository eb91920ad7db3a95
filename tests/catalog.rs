//! One suite for every kind of catalog, and what only one that several processes share can get wrong.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test: a fault ends it, and the counts are its point"
)]

#[path = "catalog/cases.rs"]
mod cases;
mod common;
#[path = "catalog/faults.rs"]
mod faults;
#[path = "catalog/files.rs"]
mod files;
#[path = "catalog/walks.rs"]
mod walks;
#[path = "catalog/writers.rs"]
mod writers;

use std::future::Future;
use std::pin::Pin;

use common::postgres::TestDatabase;
use usher::catalog::{Catalog, Location};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sqlite,
    Postgres,
}

/// An empty place for a catalog.
struct Place {
    kind: Kind,
    location: Location,
    folder: tempfile::TempDir,
    database: Option<TestDatabase>,
}

impl Place {
    async fn new(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = match kind {
            Kind::Sqlite => None,
            Kind::Postgres => Some(TestDatabase::create().await),
        };
        let location = database.as_ref().map_or_else(|| folder.path().into(), TestDatabase::location);
        Self { kind, location, folder, database }
    }

    async fn open(&self) -> Catalog {
        Catalog::open(&self.location, 3).await.unwrap()
    }
}

type Case = fn(Place) -> Pin<Box<dyn Future<Output = ()>>>;

/// Cases that one kind doesn't run, and why.
const EXCEPTIONS: &[(Kind, &str, &str)] = &[
    (Kind::Postgres, "a_sealed_file_needs_no_check", "a server keeps its files by itself; checksums are its own"),
    (Kind::Postgres, "a_damaged_file_is_refused", "a server keeps its files by itself; checksums are its own"),
    (Kind::Postgres, "a_copy_is_a_whole_catalog", "copies are made with the server's tools"),
];

async fn run(kind: Kind) {
    let (mut count, mut exceptions) = (0, 0);
    for (name, case) in cases::all().chain(files::ALL).chain(walks::ALL) {
        if let Some((_, _, reason)) = EXCEPTIONS.iter().find(|(of, excepted, _)| *of == kind && excepted == name) {
            println!("{kind:?}: {name} is excepted: {reason}");
            exceptions += 1;
            continue;
        }
        println!("{kind:?}: {name}");
        case(Place::new(kind).await).await;
        count += 1;
    }
    println!("catalog suite: {count} cases on {kind:?}, {exceptions} exceptions");
}

#[tokio::test(flavor = "current_thread")]
async fn the_suite_holds_on_sqlite() {
    run(Kind::Sqlite).await;
}

#[tokio::test(flavor = "current_thread")]
async fn the_suite_holds_on_postgres() {
    run(Kind::Postgres).await;
}
