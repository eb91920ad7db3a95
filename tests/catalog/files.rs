//! Opening: what is refused, and what is the file's own.

use usher::catalog::sql::query;
use usher::catalog::{Catalog, CatalogError, meta};

use crate::{Case, Place, cases};

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
    catalog.copy_to(&folder.path().join("catalog.db")).await.unwrap();
    let copy = Catalog::open(folder.path(), 1).await.unwrap();
    assert_eq!(cases::rows(&copy).await, cases::rows(&catalog).await);
}
