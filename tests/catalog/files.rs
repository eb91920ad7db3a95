//! Opening: what is refused, and what is the file's own.

use usher::catalog::sql::query;
use usher::catalog::{Catalog, CatalogError, meta};

use crate::{Case, Kind, Place, cases};

pub const ALL: &[(&str, Case)] = &[
    ("a_newer_schema_is_refused", |place| Box::pin(a_newer_schema_is_refused(place))),
    ("several_open_a_new_catalog_at_once", |place| Box::pin(several_open_a_new_catalog_at_once(place))),
    ("a_sealed_file_needs_no_check", |place| Box::pin(a_sealed_file_needs_no_check(place))),
    ("a_damaged_file_is_refused", |place| Box::pin(a_damaged_file_is_refused(place))),
    ("a_copy_is_a_whole_catalog", |place| Box::pin(a_copy_is_a_whole_catalog(place))),
];

async fn a_newer_schema_is_refused(place: Place) {
    let catalog = place.open().await;
    let mut tx = catalog.begin().await.unwrap();
    let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (9999, 'later', true, $1, 0)";
    query(later).bind(vec![0_u8]).execute(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    catalog.close().await;
    let error = Catalog::open(&place.location, 1).await.unwrap_err();
    assert!(matches!(error, CatalogError::Newer { version: 9999 }), "{error}");
    assert!(error.to_string().contains("newer release"), "{error}");
}

async fn several_open_a_new_catalog_at_once(place: Place) {
    let opened = futures::future::join_all((0..4).map(|_| Catalog::open(&place.location, 1))).await;
    let catalogs: Vec<Catalog> = opened.into_iter().filter_map(Result::ok).collect();
    // One file belongs to one process; a start that finds it busy may fail, and then says so.
    assert!(if place.database.is_some() { catalogs.len() == 4 } else { !catalogs.is_empty() });
    for (catalog, revision) in catalogs.iter().zip(1..) {
        let mut tx = catalog.begin().await.unwrap();
        assert_eq!(meta::revision(&mut tx).await.unwrap(), revision - 1);
        meta::set_revision(&mut tx, revision).await.unwrap();
        tx.commit().await.unwrap();
    }
    assert_eq!(catalogs[0].revision().await.unwrap(), catalogs.len() as u64);
}

async fn a_sealed_file_needs_no_check(place: Place) {
    let catalog = place.open().await;
    assert!(!catalog.was_sealed());
    catalog.close().await;
    let again = place.open().await;
    assert!(again.was_sealed());
    again.check().await.unwrap();
}

async fn a_damaged_file_is_refused(place: Place) {
    let catalog = place.open().await;
    cases::fill(&catalog).await;
    catalog.close().await;
    let path = place.folder.path().join("catalog.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let error = Catalog::open(&place.location, 1).await.unwrap_err();
    assert!(matches!(error, CatalogError::Damaged { .. }), "{error}");
}

async fn a_copy_is_a_whole_catalog(place: Place) {
    let catalog = place.open().await;
    cases::fill(&catalog).await;
    let folder = tempfile::tempdir().unwrap();
    Catalog::copy_running(place.folder.path(), &folder.path().join("catalog.db")).await.unwrap();
    let copy = Catalog::open(folder.path(), 1).await.unwrap();
    assert_eq!(cases::rows(&copy).await, cases::rows(&catalog).await);
}

/// Tables with their columns, types and whether they may be absent.
async fn columns(kind: Kind) -> Vec<String> {
    let place = Place::new(kind).await;
    let catalog = place.open().await;
    let mut view = catalog.read().await.unwrap();
    let statement = match kind {
        Kind::Sqlite => {
            "SELECT t.name || '.' || c.name, lower(c.type), c.\"notnull\" OR c.pk > 0
               FROM sqlite_master t JOIN pragma_table_info(t.name) c
              WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name NOT LIKE '%migrations'"
        }
        // Text that is not ordered by its bytes has another type here.
        Kind::Postgres => {
            "SELECT c.table_name || '.' || c.column_name,
                    c.data_type || CASE WHEN c.data_type = 'text' AND c.collation_name IS DISTINCT FROM 'C'
                                        THEN ' in another order' ELSE '' END,
                    (c.is_nullable = 'NO')::int::bigint
               FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
              WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.table_name NOT LIKE '%migrations'"
        }
    };
    let rows = query(statement).fetch_all(&mut view).await.unwrap();
    let mut columns: Vec<String> = rows
        .iter()
        .map(|row| {
            let (name, of_engine): (String, String) = (row.try_get(0).unwrap(), row.try_get(1).unwrap());
            let of_both = match of_engine.as_str() {
                "integer" => "bigint",
                "blob" => "bytea",
                other => other,
            };
            format!("{name} {of_both} {}", if row.try_get::<i64>(2).unwrap() == 1 { "always" } else { "or absent" })
        })
        .collect();
    columns.sort();
    columns
}

#[tokio::test]
async fn both_schemas_have_the_same_columns_and_migrations() {
    let names = |engine: &str| {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/catalog").join(engine);
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names("postgres"), names("sqlite"));
    let (sqlite, postgres) = (columns(Kind::Sqlite).await, columns(Kind::Postgres).await);
    assert!(sqlite.len() > 50);
    assert_eq!(postgres, sqlite);
}
