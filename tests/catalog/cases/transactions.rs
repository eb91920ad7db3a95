//! What a transaction does, and what it leaves undone.

use usher::catalog::portable::{META, TABLES};
use usher::catalog::stores::StoreRow;
use usher::catalog::tuples::{Origin, TupleFilter};
use usher::catalog::{CatalogTx, collections, meta, stores, tuples};

use super::{settings, tuple};
use crate::{Case, Place};

cases!(
    an_open_catalog_is_empty_and_opens_again,
    a_dropped_transaction_leaves_nothing,
    an_undone_change_of_a_group_leaves_the_others,
    a_failed_statement_is_never_committed,
    a_view_stays_as_it_was_while_others_write,
    a_writer_sees_what_was_committed_before_it,
    named_values_come_back_byte_for_byte
);

async fn an_open_catalog_is_empty_and_opens_again(place: Place) {
    let catalog = place.open().await;
    assert_eq!(catalog.revision().await.unwrap(), 0);
    for table in TABLES.iter().chain([&META]) {
        assert_eq!(table.count(&catalog).await.unwrap(), 0, "{}", table.name);
    }
    assert!(catalog.last_numbers().await.unwrap().is_empty());
    assert_eq!(catalog.next_ordinals(1).await.unwrap(), (0, 0));
    assert_eq!(catalog.last_operation(1).await.unwrap(), 0);
    commit!(catalog, |tx| { meta::set_revision(tx, 7).await.unwrap() });
    catalog.close().await;
    let again = place.open().await;
    again.check().await.unwrap();
    assert_eq!(again.revision().await.unwrap(), 7);
}

async fn a_dropped_transaction_leaves_nothing(place: Place) {
    let catalog = place.open().await;
    for _ in 0..3 {
        let mut tx = catalog.begin().await.unwrap();
        meta::set_revision(&mut tx, 9).await.unwrap();
        collections::insert(&mut tx, "gone", &settings(), "now").await.unwrap();
        assert_eq!(meta::revision(&mut tx).await.unwrap(), 9);
    }
    assert_eq!(catalog.revision().await.unwrap(), 0);
    assert!(catalog.collections().await.unwrap().is_empty());
}

async fn an_undone_change_of_a_group_leaves_the_others(place: Place) {
    let catalog = place.open().await;
    commit!(catalog, |tx| {
        for (name, holds) in [("one", true), ("two", false), ("three", true)] {
            tx.savepoint().await.unwrap();
            meta::set(tx, name, b"x").await.unwrap();
            tuples::write(tx, "S", &tuple("user:a", "viewer", &format!("document:{name}")), Origin::Hand, 1, "t")
                .await
                .unwrap();
            // A change that is refused because of what is stored, as by a unique index.
            let refused = outbox_like_conflict(tx, holds).await;
            assert_eq!(refused, !holds);
            if !holds {
                tx.undo().await.unwrap();
            }
            tx.release().await.unwrap();
        }
    });
    let stored: Vec<bool> = [catalog.meta("one").await, catalog.meta("two").await, catalog.meta("three").await]
        .map(|value| value.unwrap().is_some())
        .into();
    assert_eq!(stored, [true, false, true]);
    let left = catalog.tuples("S", &TupleFilter::default(), 0, 10).await.unwrap().rows;
    let left: Vec<_> = left.iter().map(|row| row.key.object.as_str()).collect();
    assert_eq!(left, ["document:one", "document:three"]);
}

/// Fails inside the database unless `holds`.
async fn outbox_like_conflict(tx: &mut CatalogTx, holds: bool) -> bool {
    let store = StoreRow { id: "twice".into(), name: "n".into(), created_at: "t".into(), updated_at: "t".into() };
    if holds {
        return false;
    }
    stores::insert(tx, &store).await.unwrap();
    stores::insert(tx, &store).await.is_err()
}

async fn a_failed_statement_is_never_committed(place: Place) {
    let catalog = place.open().await;
    let mut tx = catalog.begin().await.unwrap();
    meta::set(&mut tx, "before", b"x").await.unwrap();
    assert!(outbox_like_conflict(&mut tx, false).await);
    // SQLite undoes the one statement; PostgreSQL would undo everything at the commit, and not say so.
    let committed = tx.commit().await;
    let is_there = catalog.meta("before").await.unwrap().is_some();
    assert_eq!(committed.is_ok(), is_there, "what was acknowledged is there, and nothing else");
}

async fn a_view_stays_as_it_was_while_others_write(place: Place) {
    let catalog = place.open().await;
    commit!(catalog, |tx| {
        meta::set_revision(tx, 1).await.unwrap();
        tuples::write(tx, "S", &tuple("user:a", "viewer", "document:1"), Origin::Hand, 1, "t").await.unwrap();
    });
    let mut view = catalog.read().await.unwrap();
    assert_eq!(meta::revision(&mut view).await.unwrap(), 1);
    for revision in 2..20 {
        commit!(catalog, |tx| {
            let object = format!("document:{revision}");
            tuples::write(tx, "S", &tuple("user:a", "viewer", &object), Origin::Hand, revision, "t").await.unwrap();
            meta::set_revision(tx, revision).await.unwrap();
        });
        assert_eq!(meta::revision(&mut view).await.unwrap(), 1);
        assert_eq!(tuples::count(&mut view, "S").await.unwrap(), 1);
    }
    drop(view);
    let mut view = catalog.read().await.unwrap();
    assert_eq!(meta::revision(&mut view).await.unwrap(), 19);
    assert_eq!(tuples::count(&mut view, "S").await.unwrap(), 19);
    assert!(meta::set(&mut view, "x", b"y").await.is_err(), "a view can't be written to");
}

async fn a_writer_sees_what_was_committed_before_it(place: Place) {
    let catalog = place.open().await;
    let mut first = catalog.begin().await.unwrap();
    let other = {
        let catalog = catalog.clone();
        tokio::spawn(async move {
            let mut second = catalog.begin().await.unwrap();
            meta::revision(&mut second).await.unwrap()
        })
    };
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    meta::set_revision(&mut first, 5).await.unwrap();
    first.commit().await.unwrap();
    assert_eq!(other.await.unwrap(), 5);
}

async fn named_values_come_back_byte_for_byte(place: Place) {
    let catalog = place.open().await;
    let values: [&[u8]; 4] = [b"", b"\0\xff\x80", b"text", &[7; 100_000]];
    for value in values {
        commit!(catalog, |tx| { meta::set(tx, "a/ä'%", value).await.unwrap() });
        assert_eq!(catalog.meta("a/ä'%").await.unwrap().as_deref(), Some(value));
    }
    commit!(catalog, |tx| { meta::remove(tx, "a/ä'%").await.unwrap() });
    assert_eq!(catalog.meta("a/ä'%").await.unwrap(), None);
    for revision in [1, u64::from(u32::MAX) + 1, u64::MAX] {
        commit!(catalog, |tx| { meta::set_revision(tx, revision).await.unwrap() });
        assert_eq!(catalog.revision().await.unwrap(), revision);
    }
}
