//! Documents, their texts and vectors, and the log of operations.

use std::ops::Range;

use usher::catalog::collections::{Generations, NextGeneration, Pair};
use usher::catalog::documents::{ChunkRow, DocumentRow, Rules, SectionRow};
use usher::catalog::operations::OperationKind;
use usher::catalog::{CatalogTx, collections, documents, operations, vectors};
use usher::index::Analyser;

use super::{chunk, counts, document, settings};
use crate::{Case, Place};

cases!(
    documents_come_back_whole,
    an_update_replaces_a_document_and_no_other,
    documents_are_paged_in_the_order_of_bytes,
    versions_go_on_after_a_removal,
    ordinals_are_remembered,
    texts_are_cut_at_every_border,
    a_chunk_has_the_language_of_what_all_its_readers_see,
    a_text_without_chunks_and_a_chunk_without_text,
    chunks_are_found_by_their_key_and_never_twice,
    vectors_lie_beside_their_chunks,
    generations_know_how_far_they_are,
    the_log_of_operations_is_ordered_and_cut
);

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

async fn a_chunk_has_the_language_of_what_all_its_readers_see(place: Place) {
    let catalog = place.open().await;
    let german = "Der Betriebsrat hat die Vereinbarungen über flexible Arbeitszeiten in allen Häusern unterschrieben. ";
    let spanish = "Los trabajadores deberán presentar la solicitud de vacaciones con dos meses de antelación al jefe. ";
    let english =
        "The committee has discussed the agreements on flexible working hours with all of its houses abroad. ";
    let analyser = Analyser::by_name("auto").unwrap();
    // How much hidden text there is before moves nothing, nor does its language.
    for (ordinal, (hidden, times)) in (0..).zip([(spanish, 1), (english, 900), (spanish, 700)]) {
        let hidden = hidden.repeat(times);
        let text = format!("{hidden}{german}{english}");
        let ends = [hidden.len(), hidden.len() + german.len(), text.len()];
        let section = |id: &str, number: u32, start: usize, end: usize, is_apart| SectionRow {
            id: id.into(),
            first: number,
            count: 1,
            start,
            end,
            is_apart,
        };
        let is_apart = ordinal != 1;
        let sections = vec![section("a", 0, 0, ends[0], is_apart), section("b", 2, ends[1], ends[2], is_apart)];
        let first_chunk = ordinal * 10;
        let title = "Kap".to_owned();
        let row =
            DocumentRow { first_chunk, chunk_count: 3, sections, title, ..document(ordinal, &format!("l{ordinal}")) };
        let mut chunks = vec![chunk(0, 0..20), chunk(1, ends[0]..ends[1]), chunk(2, ends[1]..ends[2])];
        for (part, chunk) in (0u8..).zip(&mut chunks) {
            chunk.key = [ordinal as u8 * 10 + part; 16];
            chunk.heading_path = vec!["Kap".into(), "Überschrift".into()];
        }
        commit!(catalog, |tx| {
            documents::put(tx, 1, &row).await.unwrap();
            documents::put_text(tx, 1, &row, &text, &chunks, 1).await.unwrap();
        });
        let mut view = catalog.read().await.unwrap();
        let read = catalog.keyword_texts(&mut view, 1, first_chunk + 1, 2, &analyser).await.unwrap();
        let forms: Vec<Vec<String>> = read
            .iter()
            .map(|text| text.tokens(&analyser).terms.into_iter().map(|token| token.form).collect())
            .collect();
        for (forms, code) in forms.iter().zip(["de", "en"]) {
            assert!(forms.iter().all(|form| form.starts_with(&format!("{code}:"))), "{ordinal} {forms:?}");
            // A heading that is the title counts once; those of an older row may be hidden from some.
            assert_eq!(forms.iter().filter(|form| form.ends_with(":kap")).count(), 1, "{forms:?}");
            assert_eq!(forms.iter().any(|form| form.ends_with(":uberschrift")), is_apart, "{forms:?}");
        }
        assert_eq!(forms.len(), 2);
    }
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
        commit!(catalog, |tx| { operations::cut(tx, 1, applied).await.unwrap() });
        let mut view = catalog.read().await.unwrap();
        assert_eq!(catalog.operations(&mut view, 1, 0, 1_000).await.unwrap().len(), left);
        assert_eq!(catalog.operations_cut(&mut view, 1).await.unwrap(), cut);
        assert_eq!(catalog.operations(&mut view, 2, 0, 1_000).await.unwrap().len(), 300);
    }
    assert_eq!(catalog.last_operation(1).await.unwrap(), given[299]);
}
