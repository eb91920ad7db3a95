//! Tuples and their log.

use serde_json::json;
use usher::catalog::documents::DocumentRow;
use usher::catalog::tuples::{Origin, TupleFilter};
use usher::catalog::{CatalogTx, documents, held, tuples};
use usher::wire::{Condition, TupleKey};

use super::{document, tuple};
use crate::{Case, Place};

cases!(
    tuples_belong_to_somebody_and_some_are_held,
    tuples_are_paged_and_filtered,
    the_log_of_tuples_is_read_both_ways,
    a_tuple_is_stored_once,
    long_names_fit
);

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
