//! Published models, tuples and expected answers, run through the evaluator and over HTTP, each in several ways.
//!
//! `tests/conformance/` and `schema/authz/` hold the project's own cases. OpenFGA's are read in place from the folder
//! that `USHER_CONFORMANCE` names; without it they are skipped, and that is printed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test: a fault in the data ends it, and the counts are its point"
)]

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

mod common;
#[path = "conformance/format.rs"]
mod format;
#[path = "conformance/http.rs"]
mod http;
#[path = "conformance/staged.rs"]
mod staged;
#[path = "conformance/store.rs"]
mod store;
#[path = "conformance/world.rs"]
mod world;

use world::{Evaluated, Stores};

/// How a suite was run, as the report names it.
const EVALUATOR: &str = "(evaluator)";
const HTTP: &str = "(HTTP)";

/// Passed and failed assertions by kind.
#[derive(Debug, Default)]
pub struct Tally {
    counts: BTreeMap<&'static str, (usize, usize)>,
    failures: Vec<String>,
}

impl Tally {
    fn note(&mut self, kind: &'static str, passed: bool, describe: impl FnOnce() -> String) {
        let count = self.counts.entry(kind).or_default();
        if passed {
            count.0 += 1;
        } else {
            count.1 += 1;
            self.failures.push(format!("{kind}: {}", describe()));
        }
    }

    fn report(self, name: &str) -> usize {
        for (kind, (passed, failed)) in &self.counts {
            println!("{name} {kind}: {passed} passed, {failed} failed");
        }
        for failure in self.failures.iter().take(40) {
            println!("  {failure}");
        }
        assert!(!self.counts.is_empty(), "{name} has no assertions");
        self.failures.len()
    }
}

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    files
}

fn name(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

fn run_staged<S: Stores>(stores: &S, folder: &Path, how: &str) -> usize {
    let mut failed = 0;
    for path in yaml_files(folder) {
        let mut tally = Tally::default();
        staged::run(stores, &std::fs::read_to_string(&path).unwrap(), &mut tally);
        failed += tally.report(&format!("{} {how}", name(&path)));
    }
    failed
}

fn run_stores<S: Stores>(stores: &S, paths: &[PathBuf], label: &str) -> usize {
    let mut tally = Tally::default();
    for path in paths {
        let model = path.with_file_name("model.json");
        let model = model.exists().then(|| std::fs::read_to_string(model).unwrap());
        store::run(stores, &std::fs::read_to_string(path).unwrap(), model.as_deref(), &mut tally);
    }
    tally.report(label)
}

/// The project's own cases.
fn own<S: Stores>(stores: &S, how: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let failed = run_staged(stores, &root.join("tests/conformance"), how)
        + run_stores(stores, &[root.join("schema/authz/v1/store.fga.yaml")], &format!("default-model {how}"));
    assert_eq!(failed, 0);
}

/// Those of the folder that is named, if one is.
fn published<S: Stores>(stores: impl FnOnce() -> S, how: &str) {
    let Some(folder) = std::env::var_os("USHER_CONFORMANCE").map(PathBuf::from) else {
        usher_support::skipped("conformance", &format!("published data {how} (set USHER_CONFORMANCE)"));
        return;
    };
    let stores = stores();
    let failed = run_staged(&stores, &folder.join("openfga"), how)
        + run_stores(&stores, &yaml_files(&folder.join("sample-stores")), &format!("sample-stores {how}"));
    assert_eq!(failed, 0);
}

#[test]
fn own_cases() {
    own(&Evaluated, EVALUATOR);
}

#[test]
fn published_cases() {
    published(|| Evaluated, EVALUATOR);
}

#[test]
fn own_cases_over_http() {
    own(&http::Served::start(), HTTP);
}

#[test]
fn published_cases_over_http() {
    published(http::Served::start, HTTP);
}
