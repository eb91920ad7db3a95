//! The steps that bring a catalog's schema up to date, in order: `schema/catalog`, in the words of each engine.

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use super::CatalogError;

/// Names and texts of all steps.
pub(super) type Steps = &'static [(&'static str, &'static str)];

macro_rules! steps {
    ($($name:literal),* $(,)?) => {
        pub(super) const SQLITE: Steps =
            &[$(($name, include_str!(concat!("../../schema/catalog/sqlite/", $name, ".sql")))),*];
        pub(super) const POSTGRES: Steps =
            &[$(($name, include_str!(concat!("../../schema/catalog/postgres/", $name, ".sql")))),*];
    };
}

steps![
    "0001_initial",
    "0002_assertions",
    "0003_outbox",
    "0004_text_parts",
    "0005_vectors",
    "0006_replicas",
    "0007_generations",
    "0008_ownership",
    "0009_audit_outbox",
    "0010_tuple_walks",
    "0011_since",
];

/// Does what of the steps a catalog has not seen yet.
pub(super) fn migrator(steps: Steps) -> Result<Migrator, CatalogError> {
    let step = |(name, text): &(&'static str, &'static str)| {
        let malformed = CatalogError::Malformed { what: "name of a step of the schema" };
        let Some((number, description)) = name.split_once('_') else { return Err(malformed) };
        let Ok(version) = number.parse() else { return Err(malformed) };
        let description = description.replace('_', " ").into();
        Ok(Migration::new(version, description, MigrationType::Simple, text.into_sql_str(), false))
    };
    let migrations = steps.iter().map(step).collect::<Result<Vec<_>, _>>()?;
    Ok(Migrator { migrations: migrations.into(), ..Migrator::DEFAULT })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_step() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/catalog");
        for (engine, steps) in [("sqlite", SQLITE), ("postgres", POSTGRES)] {
            let files = std::fs::read_dir(folder.join(engine)).unwrap();
            let mut files: Vec<String> = files.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            files.sort();
            let named: Vec<String> = steps.iter().map(|(name, _)| format!("{name}.sql")).collect();
            assert_eq!(files, named, "{engine}");
            let migrator = migrator(steps).unwrap();
            let versions: Vec<i64> = migrator.iter().map(|step| step.version).collect();
            assert_eq!(versions, (1..=steps.len() as i64).collect::<Vec<_>>(), "{engine}");
            // A step in a transaction of its own can't be undone.
            assert!(steps.iter().all(|(_, text)| !text.contains("no-transaction")));
        }
    }
}
