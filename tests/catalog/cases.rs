//! What every catalog does, case by case.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::json;
use usher::catalog::collections::{CollectionSettings, Generations, NextGeneration, Pair};
use usher::catalog::documents::{ChunkRow, DocumentRow, OperationKind, Rules, SectionRow};
use usher::catalog::keys::{KeyRow, KeySettings};
use usher::catalog::outbox::OutboxRow;
use usher::catalog::portable::{META, PortableRow, TABLES, set_last_number};
use usher::catalog::stores::StoreRow;
use usher::catalog::tuples::{Origin, TupleFilter, TupleRow};
use usher::catalog::{Catalog, CatalogTx, collections, documents, held, keys, meta, outbox, stores, tuples, vectors};
use usher::wire::{Condition, TupleKey};

use crate::{Case, Place};

macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        pub const ALL: &[(&str, Case)] = &[$((stringify!($name), |place| Box::pin($name(place)))),*];
    };
}

cases!(
    tuples_belong_to_somebody_and_some_are_held,
    an_open_catalog_is_empty_and_opens_again,
    a_dropped_transaction_leaves_nothing,
    an_undone_change_of_a_group_leaves_the_others,
    a_failed_statement_is_never_committed,
    a_view_stays_as_it_was_while_others_write,
    a_writer_sees_what_was_committed_before_it,
    named_values_come_back_byte_for_byte,
    collections_keep_their_settings_and_never_share_a_number,
    a_removed_collection_takes_everything_with_it,
    documents_come_back_whole,
    an_update_replaces_a_document_and_no_other,
    documents_are_paged_in_the_order_of_bytes,
    versions_go_on_after_a_removal,
    ordinals_are_remembered,
    texts_are_cut_at_every_border,
    a_text_without_chunks_and_a_chunk_without_text,
    chunks_are_found_by_their_key_and_never_twice,
    vectors_lie_beside_their_chunks,
    generations_know_how_far_they_are,
    the_log_of_operations_is_ordered_and_cut,
    tuples_are_paged_and_filtered,
    the_log_of_tuples_is_read_both_ways,
    a_tuple_is_stored_once,
    stores_models_and_assertions,
    keys_are_listed_and_revoked_once,
    the_outbox_is_a_queue,
    rows_move_to_another_catalog,
    numbers_go_on_where_they_were,
    long_names_fit,
);

pub fn settings() -> CollectionSettings {
    CollectionSettings {
        embedder: "hash".into(),
        dimensions: 8,
        analyser: "en".into(),
        store: "S".into(),
        object_type: "document".into(),
        section_type: Some("section".into()),
        relation: "viewer".into(),
        default_acl: None,
        fields: BTreeMap::new(),
        caller_context: vec!["ip".into()],
        generations: Default::default(),
    }
}

pub fn document(ordinal: u32, id: &str) -> DocumentRow {
    DocumentRow {
        ordinal,
        id: id.into(),
        source: "wiki".into(),
        version: 1,
        title: "Über „Maße“ 𝄞".into(),
        url: Some("https://example.org/?a=%00".into()),
        media_type: "text/plain".into(),
        metadata: [("team".to_owned(), json!(["n\u{0}rd", 1.5, null]))].into(),
        content_digest: "c".into(),
        acl_digest: "a".into(),
        source_hash: None,
        source_version: Some(i64::MAX as u64),
        first_chunk: ordinal.wrapping_mul(10),
        chunk_count: 0,
        sections: vec![SectionRow { id: "s".into(), first: 0, count: 1, start: 0, end: 7, is_apart: true }],
        rules: Rules::default(),
        source_tuples: vec![tuple("user:ann", "viewer", "document:x")],
        parked: false,
        awaits_rules: true,
        apart: true,
        expires_at: None,
        updated_at: "2026-11-21T00:00:00Z".into(),
    }
}

pub fn tuple(user: &str, relation: &str, object: &str) -> TupleKey {
    TupleKey { user: user.into(), relation: relation.into(), object: object.into(), condition: None }
}

fn chunk(number: u32, range: std::ops::Range<usize>) -> ChunkRow {
    ChunkRow {
        number,
        start: range.start,
        end: range.end,
        heading_path: vec!["Über".into(), "Maße".into()],
        page: number.is_multiple_of(2).then_some(number),
        content_hash: [number as u8; 32],
        key: u128::from(number).to_be_bytes(),
        vectors: (0..number % 3)
            .map(|generation| (generation, vec![f32::from_bits(number), generation as f32]))
            .collect(),
    }
}

/// Runs changes in one transaction and commits it.
macro_rules! commit {
    ($catalog:expr, |$tx:ident| $body:block) => {{
        let mut transaction = $catalog.begin().await.unwrap();
        let output = {
            let $tx: &mut CatalogTx = &mut transaction;
            $body
        };
        transaction.commit().await.unwrap();
        output
    }};
}

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

async fn counts(catalog: &Catalog) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for table in TABLES.iter().chain([&META]) {
        counts.insert(table.name.to_owned(), table.count(catalog).await.unwrap());
    }
    counts
}

async fn documents_come_back_whole(place: Place) {
    let catalog = place.open().await;
    let rules = Rules { acl: None, sections: vec![("s".into(), Default::default())] };
    let rows = [
        document(0, "a"),
        DocumentRow {
            url: None,
            source_hash: Some("h".into()),
            source_version: None,
            expires_at: Some("2027-01-01T00:00:00Z".into()),
            parked: true,
            awaits_rules: false,
            apart: false,
            rules,
            sections: Vec::new(),
            source_tuples: Vec::new(),
            title: String::new(),
            first_chunk: u32::MAX - 1,
            ..document(u32::MAX, "b")
        },
    ];
    commit!(catalog, |tx| {
        for row in &rows {
            documents::put(tx, 1, row).await.unwrap();
        }
    });
    assert_eq!(catalog.documents(1, 0, 10).await.unwrap(), rows);
    assert_eq!(catalog.documents(1, 1, 10).await.unwrap(), rows[1..]);
    assert_eq!(catalog.documents(1, 0, 1).await.unwrap(), rows[..1]);
    assert!(catalog.documents(2, 0, 10).await.unwrap().is_empty());
    assert_eq!(catalog.document_by_id(1, "b").await.unwrap().as_ref(), Some(&rows[1]));
    assert_eq!(catalog.document_by_id(2, "b").await.unwrap(), None);
    let mut view = catalog.read().await.unwrap();
    assert_eq!(documents::read(&mut view, 1, 0).await.unwrap().as_ref(), Some(&rows[0]));
    assert_eq!(documents::read(&mut view, 1, 5).await.unwrap(), None);
}

async fn an_update_replaces_a_document_and_no_other(place: Place) {
    let catalog = place.open().await;
    let changed = DocumentRow {
        source: "files".into(),
        version: 2,
        title: "new".into(),
        url: None,
        metadata: Default::default(),
        content_digest: "c2".into(),
        acl_digest: "a2".into(),
        source_hash: Some("h2".into()),
        source_version: Some(2),
        first_chunk: 99,
        chunk_count: 9,
        sections: Vec::new(),
        source_tuples: Vec::new(),
        parked: true,
        awaits_rules: false,
        expires_at: Some("2028-01-01T00:00:00Z".into()),
        updated_at: "2026-12-01T00:00:00Z".into(),
        media_type: "text/html".into(),
        rules: Rules { acl: Some(Default::default()), sections: Vec::new() },
        ..document(3, "a")
    };
    commit!(catalog, |tx| {
        documents::put(tx, 1, &document(3, "a")).await.unwrap();
        documents::put(tx, 1, &document(4, "b")).await.unwrap();
        documents::put(tx, 2, &document(3, "a")).await.unwrap();
        documents::put(tx, 1, &changed).await.unwrap();
    });
    assert_eq!(catalog.documents(1, 0, 10).await.unwrap(), [changed.clone(), document(4, "b")]);
    assert_eq!(catalog.documents(2, 0, 10).await.unwrap(), [document(3, "a")]);
    commit!(catalog, |tx| { documents::forget_rules(tx, 1, "a").await.unwrap() });
    let forgotten = DocumentRow { acl_digest: String::new(), ..changed };
    assert_eq!(catalog.document_by_id(1, "a").await.unwrap(), Some(forgotten));
    commit!(catalog, |tx| { documents::delete(tx, 1, 3).await.unwrap() });
    assert_eq!(catalog.documents(1, 0, 10).await.unwrap(), [document(4, "b")]);
    assert_eq!(catalog.documents(2, 0, 10).await.unwrap(), [document(3, "a")]);
}

async fn documents_are_paged_in_the_order_of_bytes(place: Place) {
    let catalog = place.open().await;
    // A dictionary orders these otherwise: capitals beside small letters, punctuation ignored, umlauts in between.
    let mut ids = ["a", "B", "A", "b", "ä", "z", "a-b", "a_b", "ab", "a/b", "~", "10", "9", "é", "e", "Z", "😀", "ﬀ"];
    commit!(catalog, |tx| {
        for (ordinal, id) in (0..).zip(ids) {
            documents::put(tx, 1, &document(ordinal, id)).await.unwrap();
        }
        documents::put(tx, 1, &DocumentRow { source: "other".into(), ..document(90, "aa") }).await.unwrap();
    });
    ids.sort_unstable();
    let mut paged: Vec<String> = Vec::new();
    loop {
        let after = paged.last().cloned().unwrap_or_default();
        let page = catalog.documents_by_id(1, Some("wiki"), &after, 4).await.unwrap();
        if page.is_empty() {
            break;
        }
        paged.extend(page.into_iter().map(|row| row.id));
    }
    assert_eq!(paged, ids);
}

async fn versions_go_on_after_a_removal(place: Place) {
    let catalog = place.open().await;
    let versions = commit!(catalog, |tx| {
        let mut versions = Vec::new();
        for (collection, id) in [(1, "a"), (1, "a"), (1, "b"), (2, "a")] {
            versions.push(documents::next_version(tx, collection, id, false).await.unwrap());
        }
        documents::delete(tx, 1, 0).await.unwrap();
        versions.push(documents::next_version(tx, 1, "a", false).await.unwrap());
        versions
    });
    assert_eq!(versions, [1, 2, 1, 1, 3]);
}

async fn ordinals_are_remembered(place: Place) {
    let catalog = place.open().await;
    for (document, chunk) in [(0, 0), (3, 70), (u32::MAX >> 1, u32::MAX)] {
        commit!(catalog, |tx| { documents::set_next_ordinals(tx, 1, document, chunk).await.unwrap() });
        assert_eq!(catalog.next_ordinals(1).await.unwrap(), (document, chunk));
    }
}

async fn texts_are_cut_at_every_border(place: Place) {
    const PART: usize = 32_768;
    let catalog = place.open().await;
    // Characters of two bytes: at an odd start a border of parts lies inside one.
    let text = format!("a{}", "ß".repeat(PART * 2));
    let size = text.len();
    let ranges = [
        0..1,
        0..PART - 1,
        1..PART + 1,
        PART - 1..PART + 1,
        PART + 1..2 * PART - 1,
        PART - 3..2 * PART + 3,
        2 * PART + 1..2 * PART + 3,
        2 * PART - 1..size,
        0..size,
        size - 2..size,
    ];
    let chunks: Vec<ChunkRow> = (0..).zip(ranges.iter().cloned()).map(|(n, range)| chunk(n, range)).collect();
    let row = DocumentRow { first_chunk: 5, chunk_count: 10, title: "T".into(), ..document(0, "a") };
    commit!(catalog, |tx| {
        documents::put(tx, 1, &row).await.unwrap();
        documents::put_text(tx, 1, &row, &text, &chunks, 1).await.unwrap();
    });
    let mut view = catalog.read().await.unwrap();
    let read = catalog.index_texts(&mut view, 1, 5, 10).await.unwrap();
    assert_eq!(read.len(), ranges.len());
    for ((found, range), ordinal) in read.iter().zip(&ranges).zip(5..) {
        assert_eq!(found.chunk, ordinal);
        assert!(found.with(|read| read == format!("T\n{}", &text[range.clone()])), "{range:?}");
    }
    let some = catalog.index_texts(&mut view, 1, 7, 2).await.unwrap();
    assert_eq!(some.iter().map(|text| text.chunk).collect::<Vec<_>>(), [7, 8]);
    drop(view);
    // A shorter text leaves nothing of the longer one, and chunks of an older version have no text.
    let newer = DocumentRow { version: 2, first_chunk: 20, chunk_count: 1, ..row };
    commit!(catalog, |tx| {
        documents::put(tx, 1, &newer).await.unwrap();
        let one = ChunkRow { key: [9; 16], ..chunk(0, 0..5) };
        documents::put_text(tx, 1, &newer, "short", &[one], 2).await.unwrap();
    });
    let mut view = catalog.read().await.unwrap();
    let read = catalog.index_texts(&mut view, 1, 0, 100).await.unwrap();
    assert_eq!(read.iter().map(|text| text.with(str::to_owned)).collect::<Vec<_>>(), ["T\nshort"]);
    assert_eq!(counts(&catalog).await["text_parts"], 1);
}

async fn a_text_without_chunks_and_a_chunk_without_text(place: Place) {
    let catalog = place.open().await;
    let row = DocumentRow { first_chunk: 0, chunk_count: 2, ..document(0, "empty") };
    commit!(catalog, |tx| {
        documents::put(tx, 1, &row).await.unwrap();
        documents::put_text(tx, 1, &row, "", &[chunk(0, 0..0), chunk(1, 32_768..32_768)], 1).await.unwrap();
    });
    let mut view = catalog.read().await.unwrap();
    assert!(catalog.index_texts(&mut view, 1, 0, 10).await.unwrap().is_empty());
    assert_eq!(catalog.chunk_ordinals(1, 0, 10).await.unwrap(), [0, 1]);
}

async fn chunks_are_found_by_their_key_and_never_twice(place: Place) {
    let catalog = place.open().await;
    let row = DocumentRow { first_chunk: 40, chunk_count: 3, ..document(0, "a") };
    let chunks = [chunk(0, 0..1), chunk(1, 1..2), chunk(2, 2..3)];
    commit!(catalog, |tx| { documents::put_text(tx, 1, &row, "abc", &chunks, 1).await.unwrap() });
    assert_eq!(catalog.chunk_by_key(&chunks[1].key).await.unwrap(), Some((1, 41, [1; 32])));
    assert_eq!(catalog.chunk_by_key(&[0xee; 16]).await.unwrap(), None);
    let mut tx = catalog.begin().await.unwrap();
    let elsewhere = DocumentRow { first_chunk: 80, ..document(1, "b") };
    assert!(documents::put_text(&mut tx, 1, &elsewhere, "abc", &chunks[..1], 1).await.is_err(), "a key names one text");
    drop(tx);
    commit!(catalog, |tx| { documents::remove_chunks(tx, 1, 41, 1, 2).await.unwrap() });
    assert_eq!(catalog.chunk_by_key(&chunks[1].key).await.unwrap(), None);
    assert_eq!(catalog.chunk_ordinals(1, 0, 10).await.unwrap(), [40, 42]);
    assert_eq!(catalog.chunk_ordinals(1, 41, 1).await.unwrap(), [42]);
}

async fn vectors_lie_beside_their_chunks(place: Place) {
    let catalog = place.open().await;
    let row = DocumentRow { first_chunk: 40, chunk_count: 3, ..document(0, "a") };
    // The first chunk has no vector, the second one of generation 0, the third one of 0 and one of 1.
    let chunks = [chunk(0, 0..1), chunk(1, 1..2), chunk(2, 2..3)];
    commit!(catalog, |tx| { documents::put_text(tx, 1, &row, "abc", &chunks, 1).await.unwrap() });
    let (even, odd) = (Pair { collection: 1, generation: 0 }, Pair { collection: 1, generation: 1 });
    let bits = async |pair: Pair, chunks: Range<u32>| -> Vec<(u32, Option<Vec<u32>>)> {
        let mut view = catalog.read().await.unwrap();
        let stored = vectors::of_chunks(&mut view, pair, chunks).await.unwrap();
        let bits = |vector: Vec<f32>| vector.into_iter().map(f32::to_bits).collect();
        stored.into_iter().map(|(chunk, vector)| (chunk, vector.map(bits))).collect()
    };
    let is_missing = async |pair: Pair, chunks: Range<u32>| {
        vectors::is_missing(&mut catalog.read().await.unwrap(), pair, chunks).await.unwrap()
    };
    let zero = 0.0_f32.to_bits();
    assert_eq!(bits(even, 0..100).await, [(40, None), (41, Some(vec![1, zero])), (42, Some(vec![2, zero]))]);
    assert_eq!(bits(odd, 41..43).await, [(41, None), (42, Some(vec![2, 1.0_f32.to_bits()]))]);
    assert!(is_missing(even, 0..100).await && !is_missing(even, 41..100).await && !is_missing(even, 0..40).await);
    assert!(is_missing(odd, 0..100).await && !is_missing(odd, 42..43).await);
    commit!(catalog, |tx| {
        vectors::put(tx, even, 40, &[f32::from_bits(0x7fc0_1234), f32::MIN_POSITIVE]).await.unwrap();
        vectors::put(tx, even, 43, &[1.0]).await.unwrap();
    });
    assert!(!is_missing(even, 0..100).await);
    assert_eq!(bits(even, 0..41).await, [(40, Some(vec![0x7fc0_1234, f32::MIN_POSITIVE.to_bits()]))], "bit by bit");
    let later = Pair { generation: 2, ..even };
    commit!(catalog, |tx| { vectors::clear(tx, later, 0..42).await.unwrap() });
    assert_eq!(bits(even, 0..100).await, [(40, None), (41, None), (42, Some(vec![2, zero]))], "one place for both");
    assert_eq!(bits(odd, 42..43).await.len(), 1);
    commit!(catalog, |tx| { documents::remove_chunks(tx, 1, 42, 1, 2).await.unwrap() });
    assert!(bits(odd, 42..43).await.is_empty());
}

async fn generations_know_how_far_they_are(place: Place) {
    let catalog = place.open().await;
    let mut settings = settings();
    let id =
        commit!(catalog, |tx| { collections::insert(tx, "docs", &settings, "2026-11-21T00:00:00Z").await.unwrap() });
    let of = |generation| Pair { collection: id, generation };
    let covered =
        async |generation| vectors::covered(&mut catalog.read().await.unwrap(), of(generation)).await.unwrap();
    commit!(catalog, |tx| { documents::set_next_ordinals(tx, id, 3, 70).await.unwrap() });
    assert_eq!((covered(0).await, covered(1).await), (70, 0), "the one that is searched has all");
    let number = settings.generations.following();
    assert_eq!(number, 1);
    let next = NextGeneration { number, embedder: "b".into(), dimensions: 2, analyser: "de".into() };
    settings.generations = Generations { current: 0, last: 1, next: Some(next.clone()) };
    commit!(catalog, |tx| {
        collections::update(tx, id, &settings).await.unwrap();
        vectors::set_next_covered(tx, id, 20).await.unwrap();
    });
    assert_eq!((covered(0).await, covered(1).await, covered(2).await), (70, 20, 0));
    let row = collections::read(&mut catalog.read().await.unwrap(), id).await.unwrap().unwrap();
    assert_eq!(row.settings, settings);
    assert_eq!((row.settings.form(1), row.settings.form(2)), (Some(next), None));
    // Given up: its number and its place are not taken again while something may be left there.
    settings.generations.next = None;
    assert_eq!(settings.generations.following(), 3);
    commit!(catalog, |tx| {
        collections::update(tx, id, &settings).await.unwrap();
        vectors::forget_covered(tx, id).await.unwrap();
        vectors::set_left(tx, of(1)).await.unwrap();
    });
    assert_eq!((covered(0).await, covered(1).await), (70, 0));
    assert_eq!(vectors::left(&mut catalog.read().await.unwrap(), id).await.unwrap(), Some(1));
    commit!(catalog, |tx| { vectors::forget_left(tx, id).await.unwrap() });
    assert_eq!(vectors::left(&mut catalog.read().await.unwrap(), id).await.unwrap(), None);
    settings.generations = Generations { current: 3, last: 4, next: None };
    assert_eq!(settings.generations.following(), 6, "beside the current one");
}

async fn the_log_of_operations_is_ordered_and_cut(place: Place) {
    let catalog = place.open().await;
    let mut given = Vec::new();
    for revision in 1..=300 {
        given.push(commit!(catalog, |tx| {
            documents::remove_chunks(tx, 2, 0, 1, revision).await.unwrap();
            documents::remove_chunks(tx, 1, revision as u32, 3, revision).await.unwrap()
        }));
    }
    assert!(given.is_sorted());
    let mut view = catalog.read().await.unwrap();
    let log = catalog.operations(&mut view, 1, 0, 1_000).await.unwrap();
    assert_eq!(log.iter().map(|row| row.sequence).collect::<Vec<_>>(), given);
    assert!(log.iter().all(|row| row.kind == OperationKind::Remove && row.chunk_count == 3));
    assert_eq!(log[6].first_chunk, 7);
    assert_eq!(catalog.operations(&mut view, 1, given[9], 2).await.unwrap(), log[10..12]);
    assert_eq!(catalog.operations_cut(&mut view, 1).await.unwrap(), 0);
    drop(view);
    // Too few to be worth it; then all but what is not applied; and the newest one stays whatever is applied.
    for (applied, left, cut) in [(given[99], 300, 0), (given[289], 10, given[289]), (given[299], 10, given[289])] {
        commit!(catalog, |tx| { documents::cut_operations(tx, 1, applied).await.unwrap() });
        let mut view = catalog.read().await.unwrap();
        assert_eq!(catalog.operations(&mut view, 1, 0, 1_000).await.unwrap().len(), left);
        assert_eq!(catalog.operations_cut(&mut view, 1).await.unwrap(), cut);
        assert_eq!(catalog.operations(&mut view, 2, 0, 1_000).await.unwrap().len(), 300);
    }
    assert_eq!(catalog.last_operation(1).await.unwrap(), given[299]);
}

async fn tuples_are_paged_and_filtered(place: Place) {
    let catalog = place.open().await;
    let condition = Condition {
        name: "hours".into(),
        context: Some(json!({"from": 9}).as_object().unwrap().clone().into_iter().collect()),
    };
    let mut stored = Vec::new();
    commit!(catalog, |tx| {
        for n in 0..30 {
            let object = format!("{}:{n}", if n % 3 == 0 { "folder" } else { "document" });
            let mut key = tuple(&format!("user:{}", n % 4), if n % 2 == 0 { "viewer" } else { "owner" }, &object);
            key.condition = (n % 5 == 0).then(|| condition.clone());
            tuples::write(tx, "S", &key, Origin::Hand, 1, "2026-11-21T00:00:00Z").await.unwrap();
            tuples::write(tx, "other", &key, Origin::Hand, 1, "t").await.unwrap();
            stored.push(key);
        }
    });
    let some = |value: &str| Some(value.to_owned());
    type Wanted = fn(&TupleKey) -> bool;
    let cases: [(TupleFilter, Wanted); 6] = [
        (TupleFilter::default(), |_| true),
        (TupleFilter { object_type: some("folder"), ..Default::default() }, |key| key.object.starts_with("folder:")),
        (TupleFilter { relation: some("owner"), ..Default::default() }, |key| key.relation == "owner"),
        (TupleFilter { user: some("user:2"), ..Default::default() }, |key| key.user == "user:2"),
        (TupleFilter { object_type: some("document"), object_id: some("7"), ..Default::default() }, |key| {
            key.object == "document:7"
        }),
        (
            TupleFilter {
                object_type: some("folder"),
                object_id: some("9"),
                relation: some("owner"),
                user: some("user:1"),
            },
            |key| key.object == "folder:9",
        ),
    ];
    for (filter, wanted) in cases {
        let expected: Vec<TupleKey> = stored.iter().filter(|key| wanted(key)).cloned().collect();
        assert!(!expected.is_empty());
        let (mut found, mut after) = (Vec::new(), 0);
        loop {
            let page = catalog.tuples("S", &filter, after, 4).await.unwrap();
            assert!(page.rows.len() <= 4);
            found.extend(page.rows.into_iter().map(|row| row.key));
            let Some(next) = page.next else { break };
            after = next;
        }
        assert_eq!(found, expected, "{filter:?}");
    }
    let mut view = catalog.read().await.unwrap();
    assert_eq!(tuples::count(&mut view, "S").await.unwrap(), 30);
    assert_eq!(tuples::count(&mut view, "none").await.unwrap(), 0);
    let object = usher::authz::ObjectRef { object_type: "folder".into(), id: "15".into() };
    assert_eq!(tuples::of_object(&mut view, "S", &object).await.unwrap(), [stored[15].clone()]);
    let rows = tuples::select(&mut view, "S", 0, 1).await.unwrap();
    assert_eq!(rows[0].at, "2026-11-21T00:00:00Z");
}

async fn the_log_of_tuples_is_read_both_ways(place: Place) {
    let catalog = place.open().await;
    for revision in 1..=6 {
        commit!(catalog, |tx| {
            let key = tuple("user:a", "viewer", if revision % 2 == 1 { "document:1" } else { "folder:2" });
            let at = format!("2026-11-21T00:00:0{revision}Z");
            if revision < 5 && revision > 2 {
                tuples::delete(tx, "S", &key, revision, &at).await.unwrap();
            } else {
                tuples::write(tx, "S", &key, Origin::Hand, revision, &at).await.unwrap();
            }
        });
    }
    let log = catalog.tuple_changes("S", None, 0, None, 100).await.unwrap();
    assert_eq!(log.iter().map(|row| row.revision).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(log.iter().map(|row| row.written).collect::<Vec<_>>(), [true, true, false, false, true, true]);
    assert!(log.is_sorted_by_key(|row| row.change));
    assert_eq!(catalog.tuple_changes("S", None, log[1].change, None, 2).await.unwrap(), log[2..4]);
    let folders = catalog.tuple_changes("S", Some("folder"), 0, None, 100).await.unwrap();
    assert_eq!(folders.iter().map(|row| row.revision).collect::<Vec<_>>(), [2, 4, 6]);
    let late = catalog.tuple_changes("S", Some("document"), 0, Some("2026-11-21T00:00:03Z"), 100).await.unwrap();
    assert_eq!(late.iter().map(|row| row.revision).collect::<Vec<_>>(), [3, 5]);
    assert!(catalog.tuple_changes("other", None, 0, None, 100).await.unwrap().is_empty());
    let mut view = catalog.read().await.unwrap();
    let back = tuples::changes_before(&mut view, "S", None, 4).await.unwrap();
    assert_eq!(back.iter().map(|row| row.revision).collect::<Vec<_>>(), [6, 5, 4, 3]);
    let further = tuples::changes_before(&mut view, "S", Some(back[3].change), 4).await.unwrap();
    assert_eq!(further.iter().map(|row| row.revision).collect::<Vec<_>>(), [2, 1]);
}

async fn a_tuple_is_stored_once(place: Place) {
    let catalog = place.open().await;
    let key = tuple("user:a", "viewer", "document:a:b");
    commit!(catalog, |tx| { tuples::write(tx, "S", &key, Origin::Hand, 1, "t").await.unwrap() });
    let mut tx = catalog.begin().await.unwrap();
    let with_condition = TupleKey { condition: Some(Condition { name: "hours".into(), context: None }), ..key.clone() };
    assert!(tuples::write(&mut tx, "S", &with_condition, Origin::Hand, 2, "t").await.is_err());
    drop(tx);
    commit!(catalog, |tx| {
        tuples::delete(tx, "S", &with_condition, 3, "t").await.unwrap();
        tuples::write(tx, "S", &with_condition, Origin::Hand, 3, "t").await.unwrap();
    });
    let rows = catalog.tuples("S", &TupleFilter::default(), 0, 10).await.unwrap().rows;
    assert_eq!(rows.into_iter().map(|row| row.key).collect::<Vec<_>>(), [with_condition]);
    let log = catalog.tuple_changes("S", None, 0, None, 10).await.unwrap();
    assert_eq!(log.iter().map(|row| row.revision).collect::<Vec<_>>(), [1, 3, 3]);
    assert_eq!(log[1].key.condition, None, "a deletion is logged without a condition");
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

async fn tuples_belong_to_somebody_and_some_are_held(place: Place) {
    let catalog = place.open().await;
    let object = usher::authz::ObjectRef::parse("document:1").unwrap();
    let (hand, source) = (tuple("user:a", "viewer", "document:1"), tuple("user:b", "viewer", "document:1"));
    commit!(catalog, |tx| {
        tuples::write(tx, "S", &hand, Origin::Hand, 1, "t").await.unwrap();
        tuples::write(tx, "S", &source, Origin::Source, 1, "t").await.unwrap();
    });
    let users = async |tx: &mut CatalogTx| -> Vec<String> {
        tuples::by_hand(tx, "S", &object).await.unwrap().into_iter().map(|row| row.key.user).collect()
    };
    commit!(catalog, |tx| {
        assert_eq!(users(tx).await, ["user:a"]);
        let stored = tuples::stored(tx, "S", &source).await.unwrap().unwrap();
        assert_eq!((stored.0.key, stored.1), (source.clone(), Origin::Source));
        assert!(tuples::stored(tx, "other", &source).await.unwrap().is_none());
        tuples::set_origin(tx, "S", &source, Origin::Hand).await.unwrap();
        assert_eq!(users(tx).await.len(), 2);
        assert!(tuples::by_hand(tx, "other", &object).await.unwrap().is_empty());
        // Held once, in place of what was held before.
        assert!(!held::any(tx, "S").await.unwrap());
        for row in tuples::by_hand(tx, "S", &object).await.unwrap().iter().cycle().take(3) {
            held::hold(tx, "S", row).await.unwrap();
        }
        assert!(held::any(tx, "S").await.unwrap() && !held::any(tx, "other").await.unwrap());
    });
    let first = catalog.held_tuples("S", 0, 1).await.unwrap();
    let second = catalog.held_tuples("S", first[0].change, 9).await.unwrap();
    assert_eq!((first[0].key.user.as_str(), second[0].key.user.as_str(), second.len()), ("user:a", "user:b", 1));
    commit!(catalog, |tx| {
        assert!(held::remove(tx, "S", &hand).await.unwrap() && !held::remove(tx, "S", &hand).await.unwrap());
    });
    assert_eq!(catalog.held_tuples("S", 0, 9).await.unwrap(), second);
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

/// The longest names that the service takes must fit into the indexes of every engine, also where they can't be
/// compressed.
async fn long_names_fit(place: Place) {
    let catalog = place.open().await;
    let mut state = 1_u64;
    let mut noise = |size: usize| -> String {
        let next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b'!' + ((state >> 33) % 90) as u8)
        };
        std::iter::repeat_with(next).take(size).collect()
    };
    let (id, source, object, user) = (noise(1_024), noise(1_022), noise(500), noise(512));
    commit!(catalog, |tx| {
        documents::put(tx, 1, &DocumentRow { source, ..document(0, &id) }).await.unwrap();
        documents::next_version(tx, 1, &id, false).await.unwrap();
        let key = TupleKey { user, ..tuple("", &"r".repeat(50), &format!("{}:{object}", "t".repeat(254))) };
        tuples::write(tx, &"S".repeat(26), &key, Origin::Hand, 1, "t").await.unwrap();
    });
    assert!(catalog.document_by_id(1, &id).await.unwrap().is_some());
}
