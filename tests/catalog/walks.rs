//! Lists of tuples: by which way the engines read them, and what a page costs.

use usher::catalog::names::{self, NamedAs};
use usher::catalog::sql::{Query, Row, query_built};
use usher::catalog::tuples::{self, TupleFilter};
use usher::catalog::{Catalog, CatalogTx, documents};
use usher::wire::TupleKey;

use crate::{Case, Kind, Place};

pub const ALL: &[(&str, Case)] = &[
    ("lists_of_tuples_walk_along_one_index", |place| Box::pin(lists_of_tuples_walk_along_one_index(place))),
    ("lists_of_documents_and_names_walk_along_one_index", |place| {
        Box::pin(lists_of_documents_and_names_walk_along_one_index(place))
    }),
    ("names_are_listed_each_once_whatever_they_begin_with", |place| {
        Box::pin(names_are_listed_each_once_whatever_they_begin_with(place))
    }),
    ("pages_of_tuples_cost_the_same_wherever_they_are", |place| {
        Box::pin(pages_of_tuples_cost_the_same_wherever_they_are(place))
    }),
];

fn explained(is_postgres: bool, statement: &str) -> Query {
    let explain = if is_postgres { "EXPLAIN" } else { "EXPLAIN QUERY PLAN" };
    query_built(format!("{explain} {statement}"))
}

fn plan(is_postgres: bool, rows: &[Row]) -> String {
    let column = if is_postgres { "QUERY PLAN" } else { "detail" };
    let lines: Vec<String> = rows.iter().map(|row| row.try_get(column).unwrap()).collect();
    lines.join("\n")
}

/// A view in which the planner takes an index wherever it can: a table with nothing in it is read whole otherwise.
async fn planning(catalog: &Catalog, is_postgres: bool) -> CatalogTx {
    let mut view = catalog.read().await.unwrap();
    if is_postgres {
        for setting in ["seqscan", "sort", "bitmapscan"] {
            query_built(format!("SET LOCAL enable_{setting} = off")).execute(&mut view).await.unwrap();
        }
    }
    view
}

async fn lists_of_documents_and_names_walk_along_one_index(place: Place) {
    let catalog = place.open().await;
    let is_postgres = matches!(place.kind, Kind::Postgres);
    let mut view = planning(&catalog, is_postgres).await;
    for (n, statement) in documents::WALKS.into_iter().enumerate() {
        let mut asked = explained(is_postgres, statement).bind(1).bind("x".to_owned()).bind(10);
        if n > 0 {
            asked = asked.bind("s".to_owned());
        }
        let plan = plan(is_postgres, &asked.fetch_all(&mut view).await.unwrap());
        println!("{statement}\n  {plan}");
        assert!(!plan.contains("Sort") && !plan.contains("TEMP B-TREE"), "{plan}");
        assert!(plan.contains("id>?") || plan.contains("id > "), "{plan}");
        assert!(n == 0 || plan.contains("documents_source"), "{plan}");
    }
    let asked = explained(is_postgres, documents::PAGES).bind(1).bind(0).bind(10);
    let pages = plan(is_postgres, &asked.fetch_all(&mut view).await.unwrap());
    assert!(!pages.contains("Sort") && !pages.contains("TEMP B-TREE"), "{pages}");
    assert!(pages.contains("ordinal>?") || pages.contains("ordinal >= "), "{pages}");
    for (statement, column) in names::WALKS.into_iter().zip(["subject", "object_id"]) {
        // PostgreSQL plans the second part when it runs.
        let statement = if is_postgres { format!("ANALYZE {statement}") } else { statement.to_owned() };
        let asked = explained(is_postgres, &statement).bind("S".to_owned()).bind("a".to_owned()).bind("b".to_owned());
        let plan = plan(is_postgres, &asked.bind(10).fetch_all(&mut view).await.unwrap());
        println!("{statement}\n  {plan}");
        // Both parts, the first name and the one after a name, enter the index at the name.
        let entered = if is_postgres { format!("{column} > ") } else { format!("{column}>?") };
        assert_eq!(plan.matches(&entered).count(), 2, "{plan}");
        assert!(!plan.contains("Seq Scan") && !plan.contains("SCAN tuples"), "{plan}");
    }
}

async fn names_are_listed_each_once_whatever_they_begin_with(place: Place) {
    let catalog = place.open().await;
    let mut tx = catalog.begin().await.unwrap();
    let users =
        ["user:a", "user:a!", "user:a-b", "user:é", "user:*", "users:a", "use:a", "group:g#member", "group:g!#x"];
    for user in users {
        for n in 0..3 {
            let object = format!("{}:{n}", user.split(':').next().unwrap());
            let key = TupleKey { user: user.into(), relation: "r".into(), object, condition: None };
            tuples::write(&mut tx, "S", &key, tuples::Origin::Hand, 1, "t").await.unwrap();
            tuples::write(&mut tx, "T", &key, tuples::Origin::Hand, 1, "t").await.unwrap();
        }
    }
    tx.commit().await.unwrap();
    for (named_as, of, expected) in [
        (NamedAs::User, "user", vec!["user:*", "user:a", "user:a!", "user:a-b", "user:é"]),
        (NamedAs::User, "group", vec!["group:g!#x", "group:g#member"]),
        (NamedAs::User, "none", vec![]),
        (NamedAs::Object, "user", vec!["user:0", "user:1", "user:2"]),
        (NamedAs::Object, "us", vec![]),
    ] {
        for limit in 1..6 {
            let (mut found, mut after): (Vec<String>, String) = Default::default();
            loop {
                let page = catalog.names("S", named_as, of, &after, limit).await.unwrap();
                assert!(page.len() <= limit as usize);
                let Some(last) = page.last() else { break };
                after = last.clone();
                found.extend(page);
            }
            assert_eq!(found, expected, "{of}, {limit}");
        }
    }
}

async fn lists_of_tuples_walk_along_one_index(place: Place) {
    let catalog = place.open().await;
    let is_postgres = matches!(place.kind, Kind::Postgres);
    let mut view = planning(&catalog, is_postgres).await;
    for (statement, parameters) in tuples::WALKS {
        let mut asked = explained(is_postgres, statement).bind("S".to_owned()).bind(0).bind(10);
        for _ in 3..parameters {
            asked = asked.bind("x".to_owned());
        }
        let plan = plan(is_postgres, &asked.fetch_all(&mut view).await.unwrap());
        println!("{statement}\n  {plan}");
        let is_sorted = plan.contains("Sort") || plan.contains("TEMP B-TREE");
        let is_scan = plan.contains("Seq Scan") || plan.contains("SCAN");
        let is_walk = plan.contains("Index Scan using") || plan.contains("USING INDEX");
        assert!(is_walk && !is_sorted && !is_scan, "{statement}\n{plan}");
        // The index is entered at the store and the place, not only at the store.
        assert!(plan.contains("change>?") || plan.contains("change > "), "{plan}");
    }
}

async fn pages_of_tuples_cost_the_same_wherever_they_are(place: Place) {
    const TUPLES: usize = 8_000;
    let catalog = place.open().await;
    let mut tx = catalog.begin().await.unwrap();
    for n in 0..TUPLES {
        let relation = if n % 2 == 0 { "viewer" } else { "owner" };
        let (user, object) = (format!("user:{}", n % 7), format!("document:{}", n / 4));
        let key = TupleKey { user, relation: relation.into(), object, condition: None };
        tuples::write(&mut tx, "S", &key, tuples::Origin::Hand, 1, "t").await.unwrap();
    }
    tx.commit().await.unwrap();
    let filters = [
        TupleFilter::default(),
        TupleFilter { object_type: Some("document".into()), ..Default::default() },
        TupleFilter { user: Some("user:3".into()), ..Default::default() },
        TupleFilter { relation: Some("owner".into()), ..Default::default() },
    ];
    for filter in filters {
        let (mut after, mut times, mut count) = (0, Vec::new(), 0);
        loop {
            let begin = std::time::Instant::now();
            let page = catalog.tuples("S", &filter, after, 100).await.unwrap();
            times.push(begin.elapsed());
            count += page.rows.len();
            let Some(next) = page.next else { break };
            after = next;
        }
        let expected = match (&filter.user, &filter.relation) {
            (Some(_), _) => (0..TUPLES).filter(|n| n % 7 == 3).count(),
            (_, Some(_)) => TUPLES / 2,
            _ => TUPLES,
        };
        assert_eq!(count, expected);
        let half = times.len() / 2;
        let median = |times: &[std::time::Duration]| {
            let mut times = times.to_vec();
            times.sort_unstable();
            times[times.len() / 2]
        };
        let (first, last) = (median(&times[..half]), median(&times[half..]));
        println!("{count} tuples in pages of 100: a page took {first:.1?} in the first half, {last:.1?} in the second");
        assert!(last < 5 * first + std::time::Duration::from_millis(20), "{filter:?}: {first:?} {last:?}");
    }
}
