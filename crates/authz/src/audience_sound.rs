//! Audience soundness on random models and tuples: equal audience means equal checks, the allowed set is what checking
//! every object one by one gives, and a set carried over a change is the set resolved anew.
//!
//! Each case is made from one seed, which a failure names. `USHER_SOAK=<cases>` runs more than the few thousand of an
//! ordinary test run; `USHER_SEED=<seed>` runs one.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::*;
use usher_base::effort::Effort;

mod generate;
mod impacts;
mod naive;

use generate::{USERS, binding, bound, contexts, readers, sample, subjects, tuple};
use naive::{Answer, Naive};
use usher_support::Random;

/// What the tests know of a store besides its graph.
struct Store {
    graph: Graph,
    tuples: BTreeMap<(ObjectRef, String, SubjectRef), Tuple>,
    changes: Vec<GraphChange>,
    /// Every ordinal ever seen on an object, with the canonical grants that it stood for.
    ordinals: HashMap<u32, BTreeSet<String>>,
}

impl Store {
    /// One edit of random writes and deletes.
    fn mutate(&mut self, random: &mut Random, models: &[&Model], operations: usize, only: Option<&str>) {
        let mut edit = self.graph.edit();
        for _ in 0..operations {
            if !self.tuples.is_empty() && random.one_in(3) {
                let keys: Vec<_> = self.tuples.keys().cloned().collect();
                let key = random.one_of(&keys);
                if only.is_some_and(|only| only != key.0.object_type) {
                    continue;
                }
                let held = self.tuples.remove(key);
                assert_eq!(edit.delete(&key.0, &key.1, &key.2).ok(), held);
                assert_eq!(edit.delete(&key.0, &key.1, &key.2), Err(TupleMissing));
            } else {
                let tuple = tuple(random, models, only);
                let key = (tuple.object.clone(), tuple.relation.clone(), tuple.subject.clone());
                let exists = self.tuples.contains_key(&key);
                assert_eq!(edit.write(&tuple), if exists { Err(TupleExists) } else { Ok(()) });
                self.tuples.entry(key.clone()).or_insert(tuple);
                assert_eq!(edit.get(&key.0, &key.1, &key.2).as_ref(), self.tuples.get(&key));
            }
        }
        if random.one_in(8) {
            // A rolled back edit leaves nothing behind but names.
            return self.rebuild_expectation();
        }
        let (graph, change) = edit.finish();
        self.graph = graph;
        self.changes.push(change);
    }

    fn rebuild_expectation(&mut self) {
        self.tuples = stored(&self.graph)
            .into_iter()
            .map(|tuple| ((tuple.object.clone(), tuple.relation.clone(), tuple.subject.clone()), tuple))
            .collect();
    }

    fn objects(&self, object_type: &str) -> Vec<NodeId> {
        self.graph.objects_of_type(object_type)
    }

    /// The graph holds what was written, and audiences are the classes of equal grants.
    fn assert_consistent(&mut self) {
        assert_eq!(self.graph.tuple_count(), self.tuples.len());
        let held: BTreeSet<String> = stored(&self.graph).iter().map(|tuple| format!("{tuple:?}")).collect();
        let expected: BTreeSet<String> = self.tuples.values().map(|tuple| format!("{tuple:?}")).collect();
        assert_eq!(held, expected);
        let mut by_grants: BTreeMap<(String, BTreeSet<String>), AudienceOrdinal> = BTreeMap::new();
        for object_type in ["document", "section"] {
            for node in self.objects(object_type) {
                let audience = self.graph.audience(node);
                if audience == AudienceOrdinal::NOBODY {
                    continue;
                }
                let object = self.graph.object(node).unwrap();
                let grants = self.grants(&object);
                let same = by_grants.entry((object_type.to_owned(), grants.clone())).or_insert(audience);
                assert_eq!(*same, audience, "equal grants, equal audience: {object}");
                let first = self.ordinals.entry(audience.0).or_insert_with(|| grants.clone());
                assert_eq!(*first, grants, "an ordinal means the same for ever: {object}");
                assert!(audience.0 < self.graph.audience_count());
            }
        }
        let distinct: BTreeSet<AudienceOrdinal> = by_grants.values().copied().collect();
        assert_eq!(distinct.len(), by_grants.len(), "different grants, different audience");
    }

    fn describe(&self) -> String {
        let tuple = |tuple: &Tuple| {
            let condition = tuple.condition.as_ref().map(|held| format!(" {} {}", held.name, held.context));
            format!("\n{} {} {}{}", tuple.object, tuple.relation, tuple.subject, condition.unwrap_or_default())
        };
        self.tuples.values().map(tuple).collect()
    }

    /// Canonical grants by text.
    fn grants(&self, object: &ObjectRef) -> BTreeSet<String> {
        let of = self.tuples.values().filter(|tuple| tuple.object == *object);
        of.map(|tuple| {
            let subject = match &tuple.subject {
                SubjectRef::Object(parent) if tuple.relation == "document" => {
                    format!("{:?}", self.grants(parent))
                }
                SubjectRef::Object(own) if own == object => "self".to_owned(),
                SubjectRef::Userset(own, relation) if own == object => format!("self#{relation}"),
                subject => subject.to_string(),
            };
            format!("{} {subject} {:?}", tuple.relation, tuple.condition)
        })
        .collect()
    }
}

fn stored(graph: &Graph) -> Vec<Tuple> {
    ["user", "agent", "group", "folder", "document", "section"]
        .into_iter()
        .flat_map(|object_type| graph.objects_of_type(object_type))
        .flat_map(|node| graph.tuples(node))
        .collect()
}

/// A chain of nested groups or folders around the depth limit.
fn deepen(random: &mut Random, edit: &mut GraphEdit, model: &Model, tuples: &mut Vec<Tuple>) {
    let length = 22 + random.below(6);
    let (kind, relation, form) =
        if random.one_in(2) { ("group", "member", "#member") } else { ("folder", "parent", "") };
    let mut add = |text: (String, &str, String)| {
        let tuple = Tuple {
            object: ObjectRef::parse(&text.0).unwrap(),
            relation: text.1.to_owned(),
            subject: SubjectRef::parse(&text.2).unwrap(),
            condition: None,
        };
        if model.check_write(&tuple).is_ok() && edit.write(&tuple).is_ok() {
            tuples.push(tuple);
        }
    };
    for at in 0..length {
        add((format!("{kind}:deep{at}"), relation, format!("{kind}:deep{}{form}", at + 1)));
    }
    add((format!("{kind}:deep{length}"), if kind == "group" { "member" } else { "viewer" }, "user:0".to_owned()));
    add(("document:0".to_owned(), if kind == "group" { "viewer" } else { "parent" }, format!("{kind}:deep0{form}")));
}

fn assert_set(store: &Store, plain: &Graph, model: &Model, set: &AllowedSet, subject: &SubjectRef, context: &Context) {
    let mut evaluator = Evaluator::new(plain, model, subject, context);
    for object_type in ["document", "section"] {
        for node in store.objects(object_type) {
            let object = store.graph.object(node).unwrap();
            let expected = evaluator.check_node(node, "can_view") == Ok(true);
            let audience = store.graph.audience(node);
            assert_eq!(set.contains(audience), expected, "{subject} {object} {context:?} {set:?} {}", store.describe());
        }
    }
}

fn live(store: &Store, set: &AllowedSet) -> BTreeSet<u32> {
    let nodes = ["document", "section"].into_iter().flat_map(|kind| store.objects(kind));
    nodes.map(|node| store.graph.audience(node)).filter(|held| set.contains(*held)).map(|held| held.0).collect()
}

fn case(seed: u64) {
    let mut random = Random::new(seed);
    let sample = sample(&mut random);
    let older = generate::sample(&mut random);
    let model = &sample.model;
    let models: Vec<&Model> = if random.one_in(3) { vec![model, &older.model] } else { vec![model] };
    let sections = sample.sections;
    let mut store = Store {
        graph: Graph::new(bound(sections)),
        tuples: BTreeMap::new(),
        changes: Vec::new(),
        ordinals: HashMap::new(),
    };
    for _ in 0..1 + random.below(4) {
        let operations = 4 + random.below(14);
        store.mutate(&mut random, &models, operations, None);
    }
    if random.one_in(6) {
        let mut edit = store.graph.edit();
        let mut written = Vec::new();
        deepen(&mut random, &mut edit, model, &mut written);
        store
            .tuples
            .extend(written.into_iter().map(|t| ((t.object.clone(), t.relation.clone(), t.subject.clone()), t)));
        store.graph = edit.finish().0;
    }
    store.assert_consistent();
    if std::env::var_os("USHER_SEED").is_some() {
        println!("{}", serde_json::to_string(model.source()).unwrap());
    }
    let contexts = contexts();
    assert_checks(&mut random, &store, model, &contexts);
    assert_lists(&mut random, &store, model, &contexts);

    // Sets with the number of changes that they are exact after.
    let mut cached: Vec<(SubjectRef, Context, AllowedSet, usize)> = Vec::new();
    let binding = binding(sections);
    for round in 0..4 {
        let plain = store.graph.rebind(Vec::new());
        for subject in readers() {
            let context = random.one_of(&contexts).clone();
            let fresh = AllowedSet::resolve(&store.graph, model, &binding, &subject, &context).unwrap();
            assert_set(&store, &plain, model, &fresh, &subject, &context);
            assert_contexts(&store, model, &fresh, &subject, &context, &contexts, &binding);
            cached.push((subject, context, fresh, store.changes.len()));
        }
        let only = [None, Some("document"), Some("section"), Some("group")][random.below(4)]
            .filter(|only| *only != "section" || sections);
        let operations = 1 + random.below(3);
        let (older, seen) = (store.graph.clone(), store.changes.len());
        store.mutate(&mut random, &models, operations, only);
        store.assert_consistent();
        // A slow resolver still reads the snapshot before this change.
        let late = readers().swap_remove(random.below(USERS));
        let context = random.one_of(&contexts).clone();
        let set = AllowedSet::resolve(&older, model, &binding, &late, &context).unwrap();
        cached.push((late, context, set, seen));
        let plain = store.graph.rebind(Vec::new());
        for (subject, context, set, seen) in &mut cached {
            if round < 3 && random.one_in(3) {
                continue;
            }
            let changes: Vec<&GraphChange> = store.changes[*seen..].iter().collect();
            match set.carry(&Effort::unbounded(), &changes, &store.graph, model, context) {
                Carried::Unchanged => {}
                Carried::Extended(next) => *set = next,
                Carried::Dropped => {
                    *set = AllowedSet::resolve(&store.graph, model, &binding, subject, context).unwrap();
                }
            }
            *seen = store.changes.len();
            assert_set(&store, &plain, model, set, subject, context);
            assert_contexts(&store, model, set, subject, context, &contexts, &binding);
        }
    }
}

/// A set that says for whom else it is exact, is.
fn assert_contexts(
    store: &Store,
    model: &Model,
    set: &AllowedSet,
    subject: &SubjectRef,
    own: &Context,
    contexts: &[Context],
    binding: &Binding,
) {
    for context in contexts {
        let covered = match (set.conditions(), context.current_time(), own.current_time()) {
            (ConditionUse::None, _, _) => true,
            (ConditionUse::Until(until), Some(now), Some(from)) => from <= now && now < until,
            (ConditionUse::Until(_) | ConditionUse::Context, _, _) => context == own,
        };
        if covered {
            let other = AllowedSet::resolve(&store.graph, model, binding, subject, context).unwrap();
            assert_eq!(live(store, set), live(store, &other), "{subject} {:?} {own:?} {context:?}", set.conditions());
        }
    }
}

/// The evaluator against the naive one, and checks by audience against checks by object.
fn assert_checks(random: &mut Random, store: &Store, model: &Model, contexts: &[Context]) {
    let tuples: Vec<Tuple> = store.tuples.values().cloned().collect();
    let plain = store.graph.rebind(Vec::new());
    let contextual: Vec<Tuple> =
        if random.one_in(2) { (0..3).map(|_| tuple(random, &[model], None)).collect() } else { Vec::new() };
    for subject in subjects() {
        let context = random.one_of(contexts);
        let bound_subject = ["document", "section"].contains(&subject.subject_type());
        let mut shared = Evaluator::new(&store.graph, model, &subject, context).with_contextual(&contextual);
        let mut own = Evaluator::new(&plain, model, &subject, context).with_contextual(&contextual);
        let mut audiences = Evaluator::new(&store.graph, model, &subject, context);
        let mut naive = Naive::new(model, &tuples, &contextual, &subject, context);
        for object_type in ["group", "folder", "document", "section"] {
            let mut objects: Vec<ObjectRef> =
                (0..6).map(|id| ObjectRef::new(object_type, &id.to_string()).unwrap()).collect();
            objects.push(ObjectRef::new(object_type, "deep3").unwrap());
            for object in objects {
                for relation in ["member", "other", "viewer", "blocked", "can_view"] {
                    if !model.has_relation(object_type, relation) {
                        continue;
                    }
                    let answer = shared.check(&object, relation);
                    let what = || format!("{subject} {relation} {object} {context:?} {contextual:?}");
                    assert_eq!(answer, own.check(&object, relation), "shared edges: {}", what());
                    naive.steps = 0;
                    if let Ok(expected) = naive.check(&object, relation) {
                        assert_eq!(answer == Ok(true), expected == Answer::True, "naive {expected:?}: {}", what());
                    }
                    let node = store.graph.node(&object).filter(|_| contextual.is_empty());
                    let plain_subject = matches!(subject, SubjectRef::Object(_)) && !bound_subject;
                    if let Some(node) = node.filter(|_| plain_subject && matches!(object_type, "document" | "section"))
                    {
                        let audience = store.graph.audience(node);
                        let by_audience = audiences.check_audience(audience, relation);
                        assert_eq!(by_audience == Ok(true), answer == Ok(true), "audience: {}", what());
                    }
                }
            }
        }
    }
}

/// ListObjects is Check over all objects of the type.
fn assert_lists(random: &mut Random, store: &Store, model: &Model, contexts: &[Context]) {
    // About documents more often than not: their sections must not be answered from shared audiences then.
    let about = (!random.one_in(3)).then_some("document");
    let contextual: Vec<Tuple> =
        if random.one_in(3) { Vec::new() } else { (0..3).map(|_| tuple(random, &[model], about)).collect() };
    for subject in subjects() {
        let context = random.one_of(contexts);
        for (object_type, relation) in [("document", "can_view"), ("section", "can_view"), ("folder", "viewer")] {
            let mut found = Vec::new();
            let question = ObjectsQuestion {
                object_type,
                relation,
                subject: &subject,
                context,
                contextual: &contextual,
                effort: &Effort::unbounded(),
            };
            let listed = list_objects(&store.graph, model, &question, &mut found).map(|()| found);
            let mut names: BTreeSet<ObjectRef> =
                store.objects(object_type).into_iter().filter_map(|node| store.graph.object(node)).collect();
            names.extend(contextual.iter().map(|tuple| tuple.object.clone()));
            if let SubjectRef::Userset(object, _) = &subject {
                names.insert(object.clone());
            }
            let mut failed = false;
            let mut expected = BTreeSet::new();
            let mut evaluator = Evaluator::new(&store.graph, model, &subject, context).with_contextual(&contextual);
            for object in names.into_iter().filter(|object| object.object_type == object_type) {
                match evaluator.check(&object, relation) {
                    Ok(true) => {
                        expected.insert(object);
                    }
                    Ok(false) => {}
                    Err(_) => failed = true,
                }
            }
            match listed {
                Ok(listed) => {
                    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), expected, "{subject} {contextual:?}")
                }
                Err(_) => assert!(failed, "{subject} {object_type}"),
            }
        }
    }
}

#[test]
fn audience_sound() {
    if let Some(seed) = std::env::var("USHER_SEED").ok().and_then(|seed| seed.parse().ok()) {
        return case(seed);
    }
    let cases: u64 = std::env::var("USHER_SOAK").ok().and_then(|cases| cases.parse().ok()).unwrap_or(1_500);
    let first = if cases > 1_500 { 1_000_000 } else { 1 };
    println!("audience_sound: seeds {first} to {}", first + cases - 1);
    for seed in first..first + cases {
        if let Err(panic) = std::panic::catch_unwind(|| case(seed)) {
            println!("audience_sound: failed with USHER_SEED={seed}");
            std::panic::resume_unwind(panic);
        }
    }
}
