//! What a store weighs: bytes per tuple, per audience and per cached reader.

use std::time::Instant;

use serde_json::{Value, json};
use usher::authz::{AllowedSet, Binding, BoundType, Context, Graph, Model, SubjectRef};
use usher_bench::stats::ms;

use crate::{ours, world};

/// Tuples per document of the world, about.
const PER_DOCUMENT: f64 = 2.1;

fn resident() -> f64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: f64 = pages.split_whitespace().nth(1).and_then(|pages| pages.parse().ok()).unwrap_or_default();
    pages * 4096.0
}

/// A graph of the world; with `own`, every document also has a grant that no other has.
fn graph(documents: u32, own: bool) -> anyhow::Result<Graph> {
    let bound = BoundType {
        object_type: "document".to_owned(),
        parent_tupleset: None,
        parent_type: None,
        single_valued: Some("classification".to_owned()),
    };
    let mut edit = Graph::new(vec![bound]).edit();
    for tuple in world::tuples(documents) {
        let _ = edit.write(&ours::parsed(&tuple)?);
    }
    // The same tuples again in both, so that only the audiences differ.
    for number in 0..documents {
        let group = if own { number } else { number / 50 };
        let viewer = world::Tuple {
            user: format!("group:own{group}#member"),
            relation: "viewer",
            object: format!("document:d{number}"),
            condition: None,
        };
        let _ = edit.write(&ours::parsed(&viewer)?);
    }
    Ok(edit.finish().0)
}

/// Measures about so many million tuples.
pub fn measure(millions: u32) -> anyhow::Result<Value> {
    let documents = (f64::from(millions) * 1e6 / (PER_DOCUMENT + 1.0)) as u32;
    let (before, start) = (resident(), Instant::now());
    let shared = graph(documents, false)?;
    let (built, resident) = (ms(start.elapsed()) / 1e3, resident() - before);
    let (tuples, audiences) = (shared.tuple_count(), shared.live_audiences());
    let model = Model::compile("bench", serde_json::from_value(world::model())?)?;
    let binding =
        Binding { object_type: "document".to_owned(), relation: "can_exclusion".to_owned(), section_type: None };
    let context = Context::at(jiff::Timestamp::now());
    let mut readers = Vec::new();
    for (user, _) in world::READERS {
        let start = Instant::now();
        let set = AllowedSet::resolve(&shared, &model, &binding, &SubjectRef::parse(user)?, &context)?;
        readers.push(json!({
            "reader": user, "audiences": set.bitmap().len(), "set_bytes": set.memory_bytes(),
            "mask_bytes": documents.div_ceil(8), "resolve_ms": ms(start.elapsed()),
        }));
    }
    let shared_bytes = shared.memory_bytes();
    drop(shared);
    let own = graph(documents, true)?;
    let more = own.live_audiences().saturating_sub(audiences);
    // Half of the difference are the names of the groups, which both sides of the division would have in a real store.
    let per_audience = (own.memory_bytes() as f64 - shared_bytes as f64) / f64::from(more.max(1));
    println!(
        "{tuples} tuples, {documents} documents, {audiences} audiences: {} bytes per tuple ({:.0} resident), built in \
         {built:.1} s; an audience of its own costs {per_audience:.0} bytes with its group's name; readers {}",
        shared_bytes / tuples,
        resident / tuples as f64,
        json!(readers)
    );
    Ok(json!({
        "kind": "memory", "tuples": tuples, "documents": documents, "audiences": audiences,
        "bytes_per_tuple": shared_bytes as f64 / tuples as f64, "resident_per_tuple": resident / tuples as f64,
        "bytes_per_own_audience": per_audience, "build_s": built, "readers": readers,
    }))
}
