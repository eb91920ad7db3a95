//! What a change is said to do, against every reader's check of every object before and after.

use super::*;
use crate::impact::{Impact, State, anybody};

/// What is done to an impact before it is compared.
type Bug = for<'a> fn(Impact<'a>) -> Impact<'a>;

/// How many answers changed, and how many readers were spared a look.
fn case(seed: u64, bug: Bug) -> (usize, usize) {
    let mut random = Random::new(seed);
    let sample = sample(&mut random);
    let model = &sample.model;
    let is_labelled = !random.one_in(4);
    let mut store = Store {
        graph: Graph::new(labelled(is_labelled, sample.sections)),
        tuples: BTreeMap::new(),
        changes: Vec::new(),
        ordinals: HashMap::new(),
    };
    for _ in 0..1 + random.below(4) {
        let operations = 4 + random.below(14);
        store.mutate(&mut random, &[model], operations, None);
    }
    if random.one_in(6) {
        let mut edit = store.graph.edit();
        let mut written = Vec::new();
        deepen(&mut random, &mut edit, model, &mut written);
        store.graph = edit.finish().0;
        store.rebuild_expectation();
    }
    let contexts = contexts();
    let (mut changes, mut spared) = (0, 0);
    for _ in 0..3 {
        let context = random.one_of(&contexts);
        let names = store.graph.interner().len();
        let mut proposed = Store {
            graph: store.graph.fork(),
            tuples: store.tuples.clone(),
            changes: Vec::new(),
            ordinals: HashMap::new(),
        };
        let operations = 1 + random.below(3);
        proposed.mutate(&mut random, &[model], operations, None);
        assert_eq!(store.graph.interner().len(), names, "a question gives nobody a number");
        let changed: Vec<Tuple> = store
            .tuples
            .iter()
            .filter(|(key, tuple)| proposed.tuples.get(*key) != Some(*tuple))
            .chain(proposed.tuples.iter().filter(|(key, tuple)| store.tuples.get(*key) != Some(*tuple)))
            .map(|(_, tuple)| tuple.clone())
            .collect();
        let (more, left) = compare((&store, &proposed), &changed, model, context, is_labelled, bug);
        changes += more;
        spared += left;
        store.assert_consistent();
        if random.one_in(2) {
            let operations = 1 + random.below(3);
            store.mutate(&mut random, &[model], operations, None);
        }
    }
    (changes, spared)
}

/// In most worlds a document may have one parent only, as it may have one label: with more, nobody reads it.
fn labelled(is_labelled: bool, sections: bool) -> Vec<BoundType> {
    let mut types = bound(sections);
    types[0].single_valued = is_labelled.then(|| "parent".to_owned());
    types
}

/// Brute force: whether the object has more than one of what it is to have one of.
fn is_ambiguous(store: &Store, is_labelled: bool, object: &ObjectRef) -> bool {
    let is_label = |(of, relation, _): &&(ObjectRef, String, SubjectRef)| of == object && relation == "parent";
    is_labelled && object.object_type == "document" && store.tuples.keys().filter(is_label).count() > 1
}

fn compare(
    (store, proposed): (&Store, &Store),
    changed: &[Tuple],
    model: &Model,
    context: &Context,
    is_labelled: bool,
    bug: Bug,
) -> (usize, usize) {
    let (mut changes, mut spared) = (0, 0);
    let copy = Model::compile(model.id(), model.source().clone()).unwrap();
    let effort = Effort::unbounded();
    let before = State { graph: &store.graph, model, effort: &effort };
    let after = State { graph: &proposed.graph, model: &copy, effort: &effort };
    let impact = bug(Impact::of(before, after, changed, &["can_view"], context).unwrap());
    let plain = [store.graph.rebind(Vec::new()), proposed.graph.rebind(Vec::new())];
    let mut names: BTreeSet<ObjectRef> = BTreeSet::new();
    for kind in ["document", "section"] {
        for graph in [&store.graph, &proposed.graph] {
            names.extend(graph.objects_of_type(kind).into_iter().filter_map(|node| graph.object(node)));
        }
    }
    let node = |object: &ObjectRef| proposed.graph.node(object).unwrap();
    let concerned: Vec<&ObjectRef> = names.iter().filter(|object| impact.concerns(node(object))).collect();
    let audiences: Vec<_> = concerned.iter().map(|object| impact.audiences(node(object))).collect();
    let candidates = impact.candidates(&audiences, &["can_view"]).unwrap();
    let mut readers = readers();
    readers.extend(["agent:1", "agent:nobody"].map(|text| SubjectRef::parse(text).unwrap()));
    for reader in &readers {
        let SubjectRef::Object(own) = reader else { panic!("{reader}") };
        let judged = if candidates.named.contains(own) {
            Some(reader.clone())
        } else {
            candidates.others.contains(&own.object_type).then(|| anybody(&own.object_type))
        };
        spared += usize::from(judged.is_none());
        let mut judge = judged.as_ref().map(|judged| impact.judge(judged));
        for object in &names {
            let [was, is] = [0, 1].map(|at| {
                let model = [model, &copy][at];
                !is_ambiguous([store, proposed][at], is_labelled, object)
                    && Evaluator::new(&plain[at], model, reader, context).check(object, "can_view") == Ok(true)
            });
            let told = match &mut judge {
                Some(judge) if impact.concerns(node(object)) => judge.reads(impact.audiences(node(object)), "can_view"),
                _ => (was, was),
            };
            let what = || format!("{reader} {object} {context:?} {changed:?} {candidates:?} {}", store.describe());
            assert_eq!(told, (was, is), "{}", what());
            changes += usize::from(was != is);
        }
    }
    (changes, spared)
}

#[test]
fn impacts_are_what_checking_everything_twice_says() {
    if let Some(seed) = std::env::var("USHER_SEED").ok().and_then(|seed| seed.parse().ok()) {
        case(seed, |impact| impact);
        return;
    }
    let cases: u64 = std::env::var("USHER_SOAK").ok().and_then(|cases| cases.parse().ok()).unwrap_or(1_500);
    let (mut changes, mut spared) = (0, 0);
    for seed in 1..=cases {
        match std::panic::catch_unwind(|| case(seed, |impact| impact)) {
            Ok((more, left)) => (changes, spared) = (changes + more, spared + left),
            Err(panic) => {
                println!("impacts: failed with USHER_SEED={seed}");
                std::panic::resume_unwind(panic);
            }
        }
    }
    println!("impacts: seeds 1 to {cases}: {changes} answers changed, {spared} readers spared");
    assert!(changes as u64 * 4 > cases && spared as u64 > cases, "the worlds are too dull to show anything");
}

#[test]
fn the_comparison_notices_deliberate_bugs() {
    let bugs: [(&str, Bug); 2] = [
        ("only named objects are looked at", |impact| impact.looking_at_named_objects_only()),
        ("a second label concerns only who is below it", |impact| impact.sparing_all_outsiders()),
    ];
    for (what, bug) in bugs {
        let noticed = (1..=1_500).find(|seed| std::panic::catch_unwind(|| case(*seed, bug)).is_err());
        println!("impacts: that {what} is noticed in the world of seed {noticed:?}");
        assert!(noticed.is_some(), "{what}");
    }
}

/// What is excluded can't be decided, so that nobody reads the document: also somebody far from the change. Too rare in
/// random worlds to rely on.
#[test]
fn a_change_that_can_not_be_decided_concerns_outsiders() {
    let model = testing::default_model();
    let of = |tuples: &[&str]| testing::with(&Graph::new(testing::bound()), tuples).0;
    let before = of(&[
        "classification:open cleared user:*",
        "document:1 classification classification:open",
        "document:1 viewer user:ann",
        "group:plain member user:bob",
        "group:round member group:about#member",
        "group:about member group:round#member",
    ]);
    let timed = testing::conditional("group:timed member group:plain#member", "during", serde_json::json!({}));
    let context = Context::new();
    let ann = testing::subject("user:ann");
    for (group, more, is_lost) in [("plain", None, false), ("round", None, true), ("timed", Some(timed), true)] {
        let blocked = testing::tuple(&format!("document:1 blocked group:{group}#member"));
        let changed: Vec<Tuple> = std::iter::once(blocked).chain(more).collect();
        let mut edit = before.fork().edit();
        changed.iter().for_each(|tuple| edit.write(tuple).unwrap());
        let after = edit.finish().0;
        let copy = testing::default_model();
        let effort = Effort::unbounded();
        let states = (
            State { graph: &before, model: &model, effort: &effort },
            State { graph: &after, model: &copy, effort: &effort },
        );
        let impact = || Impact::of(states.0, states.1, &changed, &["can_view"], &context).unwrap();
        let audiences = [impact().audiences(before.node(&testing::object("document:1")).unwrap())];
        let is_named = |impact: Impact<'_>| {
            let named = impact.candidates(&audiences, &["can_view"]).unwrap().named;
            named.iter().any(|reader| SubjectRef::Object(reader.clone()) == ann)
        };
        assert_eq!(impact().judge(&ann).reads(audiences[0], "can_view"), (true, !is_lost), "{group}");
        assert_eq!(is_named(impact()), is_lost, "{group}");
        assert!(!is_named(impact().sparing_all_outsiders()), "{group}: nothing else would find the reader");
    }
}
