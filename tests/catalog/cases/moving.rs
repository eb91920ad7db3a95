//! Everything that a catalog holds, on its way to another one.

use std::collections::BTreeMap;

use usher::catalog::documents::{ChunkRow, DocumentRow};
use usher::catalog::keys::{KeyRow, KeySettings};
use usher::catalog::outbox::OutboxRow;
use usher::catalog::portable::{META, PortableRow, TABLES, set_last_number};
use usher::catalog::stores::StoreRow;
use usher::catalog::tuples::{Origin, TupleFilter, TupleRow};
use usher::catalog::{Catalog, CatalogTx, collections, documents, held, keys, meta, outbox, stores, tuples};
use usher::wire::{Condition, TupleKey};

use super::{chunk, document, settings, tuple};
use crate::{Case, Place};

cases!(rows_move_to_another_catalog, numbers_go_on_where_they_were);

/// A catalog with something in every table.
pub async fn fill(catalog: &Catalog) {
    commit!(catalog, |tx| {
        let store = StoreRow { id: "S".into(), name: "n".into(), created_at: "1".into(), updated_at: "2".into() };
        stores::insert(tx, &store).await.unwrap();
        stores::insert_model(tx, "S", "m", "{}", 1).await.unwrap();
        stores::put_assertions(tx, "S", "m", "[]").await.unwrap();
        for n in 0..25 {
            tuples::write(tx, "S", &tuple("user:a", "viewer", &format!("document:{n}")), Origin::Hand, n, "t")
                .await
                .unwrap();
        }
        let key = TupleKey {
            condition: Some(Condition { name: "hours".into(), context: None }),
            ..tuple("user:b", "viewer", "document:1")
        };
        tuples::write(tx, "S", &key, Origin::Hand, 26, "t").await.unwrap();
        tuples::delete(tx, "S", &tuple("user:a", "viewer", "document:24"), 27, "t").await.unwrap();
        let gone = collections::insert(tx, "gone", &settings(), "t").await.unwrap();
        let id = collections::insert(tx, "main", &settings(), "t").await.unwrap();
        collections::delete(tx, gone).await.unwrap();
        for n in 0..5_u32 {
            let name = format!("{}ä{n}", if n % 2 == 0 { "a" } else { "B" });
            let row = DocumentRow { chunk_count: 1, ..document(n, &name) };
            documents::next_version(tx, id, &name, false).await.unwrap();
            documents::put(tx, id, &row).await.unwrap();
            let one = ChunkRow { key: u128::from(n).to_be_bytes(), ..chunk(n, 0..40_000) };
            documents::put_text(tx, id, &row, &"word ".repeat(10_000), &[one], 1).await.unwrap();
        }
        let row = OutboxRow {
            sequence: 0,
            revision: 3,
            store: "S".into(),
            collection: id,
            document: "d".into(),
            deletes: Vec::new(),
            writes: vec![key],
        };
        outbox::insert(tx, &row).await.unwrap();
        let gone = TupleRow { change: 900, key: tuple("user:z", "viewer", "document:gone"), at: "t".into() };
        held::hold(tx, "S", &gone).await.unwrap();
        let settings = KeySettings {
            name: "k".into(),
            scopes: Vec::new(),
            subject: None,
            collections: None,
            sources: None,
            act_as_types: Vec::new(),
        };
        let key = KeyRow {
            id: "k".into(),
            hash: vec![1, 2, 3],
            settings,
            created_at: "1".into(),
            expires_at: "2".into(),
            revoked_at: None,
        };
        keys::insert(tx, &key).await.unwrap();
        documents::set_next_ordinals(tx, id, 5, 41).await.unwrap();
        meta::set_revision(tx, 27).await.unwrap();
    });
}

/// Every row of every table as a line, page by page.
pub async fn rows(catalog: &Catalog) -> BTreeMap<&'static str, Vec<String>> {
    let mut all = BTreeMap::new();
    for table in TABLES.iter().chain([&META]) {
        let mut rows: Vec<PortableRow> = Vec::new();
        loop {
            let page = table.rows(catalog, rows.last(), 3).await.unwrap();
            if page.is_empty() {
                break;
            }
            rows.extend(page);
        }
        assert_eq!(rows.len() as u64, table.count(catalog).await.unwrap(), "{}", table.name);
        all.insert(table.name, rows.iter().map(|row| row.to_line().unwrap()).collect());
    }
    all
}

async fn rows_move_to_another_catalog(place: Place) {
    let catalog = place.open().await;
    fill(&catalog).await;
    let all = rows(&catalog).await;
    assert!(all.values().all(|rows| !rows.is_empty()), "every table has rows");
    let target = Place::new(place.kind).await;
    let copy = target.open().await;
    commit!(copy, |tx| {
        for table in TABLES.iter().chain([&META]) {
            for row in &all[table.name] {
                table.insert(tx, &PortableRow::from_line(row).unwrap()).await.unwrap();
            }
        }
        for (name, last) in catalog.last_numbers().await.unwrap() {
            set_last_number(tx, &name, last).await.unwrap();
        }
    });
    assert_eq!(rows(&copy).await, all);
    assert_eq!(copy.last_numbers().await.unwrap(), catalog.last_numbers().await.unwrap());
    // A row that is there already, but for named values.
    let mut tx = copy.begin().await.unwrap();
    META.insert(&mut tx, &PortableRow::from_line(&all["meta"][0]).unwrap()).await.unwrap();
    assert!(TABLES[0].insert(&mut tx, &PortableRow::from_line(&all[TABLES[0].name][0]).unwrap()).await.is_err());
}

async fn numbers_go_on_where_they_were(place: Place) {
    let catalog = place.open().await;
    commit!(catalog, |tx| {
        for (table, last) in [("tuple_changes", 1_000), ("operations", 2_000), ("outbox", 3_000), ("collections", 7)] {
            set_last_number(tx, table, last).await.unwrap();
        }
    });
    let expected = [("collections", 7), ("operations", 2_000), ("outbox", 3_000), ("tuple_changes", 1_000)];
    let numbers = catalog.last_numbers().await.unwrap();
    assert_eq!(numbers.iter().map(|(name, last)| (name.as_str(), *last)).collect::<Vec<_>>(), expected);
    commit!(catalog, |tx| {
        tuples::write(tx, "S", &tuple("user:a", "viewer", "document:1"), Origin::Hand, 1, "t").await.unwrap();
        assert_eq!(documents::remove_chunks(tx, 1, 0, 1, 1).await.unwrap(), 2_001);
        assert_eq!(collections::insert(tx, "c", &settings(), "t").await.unwrap(), 8);
    });
    assert_eq!(catalog.tuples("S", &TupleFilter::default(), 0, 1).await.unwrap().rows[0].change, 1_001);
}
