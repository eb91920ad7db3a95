//! Collections, stores, keys and what waits for a server.

use serde_json::json;
use usher::catalog::collections::CollectionSettings;
use usher::catalog::documents::{ChunkRow, DocumentRow};
use usher::catalog::keys::{KeyRow, KeySettings};
use usher::catalog::outbox::OutboxRow;
use usher::catalog::stores::StoreRow;
use usher::catalog::tuples::Origin;
use usher::catalog::{CatalogTx, collections, documents, keys, outbox, stores, tuples};

use super::{chunk, counts, document, settings, tuple};
use crate::{Case, Place};

cases!(
    collections_keep_their_settings_and_never_share_a_number,
    a_removed_collection_takes_everything_with_it,
    stores_models_and_assertions,
    keys_are_listed_and_revoked_once,
    the_outbox_is_a_queue
);

async fn collections_keep_their_settings_and_never_share_a_number(place: Place) {
    let catalog = place.open().await;
    let (a, b) = commit!(catalog, |tx| {
        let a = collections::insert(tx, "a", &settings(), "t").await.unwrap();
        (a, collections::insert(tx, "b", &settings(), "t").await.unwrap())
    });
    assert!(a < b);
    let changed = CollectionSettings { relation: "reader".into(), section_type: None, ..settings() };
    commit!(catalog, |tx| { collections::update(tx, a, &changed).await.unwrap() });
    let rows = catalog.collections().await.unwrap();
    let rows: Vec<_> = rows.into_iter().map(|row| (row.id, row.name, row.settings)).collect();
    assert_eq!(rows, [(a, "a".to_owned(), changed), (b, "b".to_owned(), settings())]);
    let mut tx = catalog.begin().await.unwrap();
    assert!(collections::insert(&mut tx, "a", &settings(), "t").await.is_err(), "names are unique");
    drop(tx);
    commit!(catalog, |tx| { collections::delete(tx, b).await.unwrap() });
    let c = commit!(catalog, |tx| { collections::insert(tx, "b", &settings(), "t").await.unwrap() });
    assert!(c > b, "the number of a removed collection is not given again");
}

async fn a_removed_collection_takes_everything_with_it(place: Place) {
    let catalog = place.open().await;
    let ids = commit!(catalog, |tx| {
        let mut ids = Vec::new();
        for name in ["kept", "gone"] {
            let id = collections::insert(tx, name, &settings(), "t").await.unwrap();
            documents::set_next_ordinals(tx, id, 1, 1).await.unwrap();
            documents::next_version(tx, id, "d", false).await.unwrap();
            let row = DocumentRow { chunk_count: 1, ..document(0, "d") };
            documents::put(tx, id, &row).await.unwrap();
            let one = ChunkRow { key: u128::from(id).to_be_bytes(), ..chunk(0, 0..4) };
            documents::put_text(tx, id, &row, "text", &[one], 1).await.unwrap();
            ids.push(id);
        }
        ids
    });
    let whole = counts(&catalog).await;
    commit!(catalog, |tx| { collections::delete(tx, ids[1]).await.unwrap() });
    for (name, rows) in counts(&catalog).await {
        assert_eq!(rows * 2, whole[&name], "{name}");
    }
    assert_eq!(catalog.next_ordinals(ids[0]).await.unwrap(), (1, 1));
    assert_eq!(catalog.next_ordinals(ids[1]).await.unwrap(), (0, 0));
}

async fn stores_models_and_assertions(place: Place) {
    let catalog = place.open().await;
    let row = |id: &str, name: &str| StoreRow {
        id: id.into(),
        name: name.into(),
        created_at: "1".into(),
        updated_at: "2".into(),
    };
    commit!(catalog, |tx| {
        for id in ["b", "B", "a"] {
            stores::insert(tx, &row(id, "n")).await.unwrap();
            stores::insert_model(tx, id, "m1", "{\"v\":1}", 1).await.unwrap();
            stores::insert_model(tx, id, "m0", "{\"v\":0}", 4).await.unwrap();
        }
        stores::rename(tx, &row("b", "renamed")).await.unwrap();
        stores::put_assertions(tx, "b", "m1", "[1]").await.unwrap();
        stores::put_assertions(tx, "b", "m1", "[2]").await.unwrap();
    });
    let rows = catalog.stores().await.unwrap();
    assert_eq!(rows, [row("B", "n"), row("a", "n"), row("b", "renamed")]);
    let ids = |models: Vec<stores::ModelRow>| models.into_iter().map(|model| model.id).collect::<Vec<_>>();
    assert_eq!(ids(catalog.models("b").await.unwrap()), ["m1", "m0"]);
    for (revision, expected) in [(0, None), (1, Some("m1")), (3, Some("m1")), (4, Some("m0"))] {
        assert_eq!(catalog.model_at("b", revision).await.unwrap().as_deref(), expected, "{revision}");
    }
    // Written again, a model is the newest, and its body the first one.
    commit!(catalog, |tx| { stores::insert_model(tx, "b", "m1", "{}", 9).await.unwrap() });
    let models = catalog.models("b").await.unwrap();
    assert_eq!(models[1].body, "{\"v\":1}");
    assert_eq!(ids(models), ["m0", "m1"]);
    assert_eq!(catalog.assertions("b", "m1").await.unwrap(), Some(json!([2])));
    assert_eq!(catalog.assertions("b", "m0").await.unwrap(), None);
    commit!(catalog, |tx| {
        tuples::write(tx, "b", &tuple("user:a", "viewer", "document:1"), Origin::Hand, 9, "t").await.unwrap();
        tuples::write(tx, "a", &tuple("user:a", "viewer", "document:1"), Origin::Hand, 9, "t").await.unwrap();
        stores::delete(tx, "b").await.unwrap();
    });
    let left = counts(&catalog).await;
    let left: Vec<u64> = ["stores", "models", "assertions", "tuples", "tuple_changes"].map(|name| left[name]).into();
    assert_eq!(left, [2, 4, 0, 1, 1]);
}

async fn keys_are_listed_and_revoked_once(place: Place) {
    let catalog = place.open().await;
    let settings = KeySettings {
        name: "chat".into(),
        scopes: vec!["query".into()],
        subject: None,
        collections: Some(vec!["main".into()]),
        sources: None,
        act_as_types: Vec::new(),
    };
    let row = |id: &str, created: &str| KeyRow {
        id: id.into(),
        hash: vec![0, 255, 7],
        settings: settings.clone(),
        created_at: created.into(),
        expires_at: "9".into(),
        revoked_at: None,
    };
    commit!(catalog, |tx| {
        for (id, created) in [("k2", "2"), ("k1", "2"), ("k3", "1")] {
            keys::insert(tx, &row(id, created)).await.unwrap();
        }
        keys::revoke(tx, "k1", "3").await.unwrap();
        keys::revoke(tx, "k1", "4").await.unwrap();
        keys::revoke(tx, "none", "4").await.unwrap();
    });
    let rows = catalog.keys().await.unwrap();
    let shown: Vec<_> = rows.iter().map(|row| (row.id.as_str(), row.revoked_at.as_deref())).collect();
    assert_eq!(shown, [("k3", None), ("k1", Some("3")), ("k2", None)]);
    assert_eq!((&rows[0].hash, &rows[0].settings), (&vec![0, 255, 7], &settings));
}

async fn the_outbox_is_a_queue(place: Place) {
    let catalog = place.open().await;
    assert_eq!(catalog.outbox_begin().await.unwrap(), None);
    commit!(catalog, |tx| {
        for revision in 3..6 {
            let row = OutboxRow {
                sequence: 0,
                revision,
                store: "S".into(),
                collection: 1,
                document: format!("d{revision}"),
                deletes: vec![tuple("user:a", "viewer", "document:1")],
                writes: Vec::new(),
            };
            outbox::insert(tx, &row).await.unwrap();
        }
    });
    let rows = catalog.outbox(2).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.revision).collect::<Vec<_>>(), [3, 4]);
    assert_eq!(rows[0].deletes, [tuple("user:a", "viewer", "document:1")]);
    let first = rows[0].sequence;
    commit!(catalog, |tx| {
        assert!(outbox::has(tx, 1, "d3").await.unwrap());
        outbox::remove(tx, first).await.unwrap();
        assert!(!outbox::has(tx, 1, "d3").await.unwrap());
        assert!(!outbox::has(tx, 2, "d4").await.unwrap());
    });
    assert_eq!(catalog.outbox_begin().await.unwrap(), Some(4));
}
