//! Lists of tuples: by which way the engines read them, and what a page costs.

use usher::catalog::sql::query_built;
use usher::catalog::tuples::{self, TupleFilter};
use usher::wire::TupleKey;

use crate::{Case, Kind, Place};

pub const ALL: &[(&str, Case)] = &[
    ("lists_of_tuples_walk_along_one_index", |place| Box::pin(lists_of_tuples_walk_along_one_index(place))),
    ("pages_of_tuples_cost_the_same_wherever_they_are", |place| {
        Box::pin(pages_of_tuples_cost_the_same_wherever_they_are(place))
    }),
];

async fn lists_of_tuples_walk_along_one_index(place: Place) {
    let catalog = place.open().await;
    let mut view = catalog.read().await.unwrap();
    let is_postgres = matches!(place.kind, Kind::Postgres);
    if is_postgres {
        // A table with nothing in it is read whole otherwise.
        for setting in ["seqscan", "sort", "bitmapscan"] {
            query_built(format!("SET LOCAL enable_{setting} = off")).execute(&mut view).await.unwrap();
        }
    }
    for (statement, parameters) in tuples::WALKS {
        let explain = if is_postgres { "EXPLAIN" } else { "EXPLAIN QUERY PLAN" };
        let mut asked = query_built(format!("{explain} {statement}")).bind("S".to_owned()).bind(0).bind(10);
        for _ in 3..parameters {
            asked = asked.bind("x".to_owned());
        }
        let rows = asked.fetch_all(&mut view).await.unwrap();
        let column = if is_postgres { "QUERY PLAN" } else { "detail" };
        let plan: Vec<String> = rows.iter().map(|row| row.try_get(column).unwrap()).collect();
        let plan = plan.join("\n");
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
