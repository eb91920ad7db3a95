//! How long resolving takes on a generated store under the default model. Ignored by default; meant for a release build:
//! `cargo test --release -p usher-authz timing -- --ignored --nocapture`.

use std::time::Instant;

use super::super::*;
use usher_base::effort::Effort;

const DOCUMENTS: usize = 87_500;
const GROUPS: usize = 2_000;
const FOLDERS: usize = 500;

fn tuple(object: String, relation: &str, subject: String) -> Tuple {
    Tuple {
        object: ObjectRef::parse(&object).unwrap(),
        relation: relation.to_owned(),
        subject: SubjectRef::parse(&subject).unwrap(),
        condition: None,
    }
}

/// Four tuples per document: label, parent, a group, a person.
fn documents(scale: usize) -> impl Iterator<Item = Tuple> {
    (0..DOCUMENTS * scale).flat_map(move |at| {
        let document = || format!("document:source/{at}");
        let group = (at * 7919) % (GROUPS * scale);
        [
            tuple(document(), "classification", "classification:open".to_owned()),
            tuple(document(), "parent", format!("folder:{}", at % (FOLDERS * scale))),
            tuple(document(), "viewer", format!("group:{group}#member")),
            tuple(document(), "viewer", format!("user:{}", at % 977)),
        ]
    })
}

fn rest(scale: usize) -> Vec<Tuple> {
    let mut tuples: Vec<Tuple> =
        (0..60).map(|at| tuple(format!("group:{}", at * 31), "member", "user:reader".into())).collect();
    tuples.push(tuple("classification:open".into(), "cleared", "user:*".into()));
    for at in 1..FOLDERS * scale {
        tuples.push(tuple(format!("folder:{at}"), "parent", format!("folder:{}", at / 8)));
        tuples.push(tuple(format!("folder:{at}"), "blocked", format!("user:{at}")));
    }
    tuples
}

fn best<T>(label: &str, times: usize, mut run: impl FnMut() -> T) -> T {
    let mut found: Vec<f64> = Vec::new();
    let mut last = None;
    for _ in 0..times {
        let start = Instant::now();
        last = Some(run());
        found.push(start.elapsed().as_secs_f64() * 1e6);
    }
    found.sort_by(f64::total_cmp);
    println!("{label}: least {:.1} us, p50 {:.1} us of {times}", found[0], found[found.len() / 2]);
    last.unwrap()
}

fn measure(scale: usize) {
    let model = Model::compile("default", serde_json::from_str(DEFAULT_MODEL_JSON).unwrap()).unwrap();
    let parent = model.check_binding("document", "can_view", Some("section")).unwrap();
    let bound = vec![
        BoundType { object_type: "document".into(), parent_tupleset: None, parent_type: None, single_valued: None },
        BoundType {
            object_type: "section".into(),
            parent_tupleset: parent,
            parent_type: Some("document".into()),
            single_valued: None,
        },
    ];
    let binding =
        Binding { object_type: "document".into(), relation: "can_view".into(), section_type: Some("section".into()) };
    let start = Instant::now();
    let mut edit = Graph::new(bound).edit();
    for tuple in documents(scale).chain(rest(scale)) {
        edit.write(&tuple).unwrap();
    }
    let (graph, _) = edit.finish();
    println!(
        "built {} tuples, {} audiences in {:.1} s; {} bytes per tuple",
        graph.tuple_count(),
        graph.live_audiences(),
        start.elapsed().as_secs_f64(),
        graph.memory_bytes() / graph.tuple_count()
    );
    let context = Context::at("2025-06-01T00:00:00Z".parse().unwrap());
    let reader = SubjectRef::parse("user:reader").unwrap();
    let set = best("resolve", 501, || AllowedSet::resolve(&graph, &model, &binding, &reader, &context).unwrap());
    println!("  {} allowed, {:?}, {} bytes", set.bitmap().len(), set.stats(), set.memory_bytes());
    assert!(set.bitmap().len() > 2_000);
    let nobody = SubjectRef::parse("user:stranger").unwrap();
    let set = best("resolve, reaches nothing but the label", 21, || {
        AllowedSet::resolve(&graph, &model, &binding, &nobody, &context).unwrap()
    });
    println!("  {} allowed, {:?}", set.bitmap().len(), set.stats());
    best("clone", 21, || graph.clone());
    let mut at = 0;
    let (next, change) = best("edit of one document", 101, || {
        at += 1;
        let mut edit = graph.edit();
        edit.write(&tuple(format!("document:source/{at}"), "viewer", "user:reader".into())).unwrap();
        edit.finish()
    });
    best("edit of one group", 101, || {
        at += 1;
        let mut edit = graph.edit();
        edit.write(&tuple(format!("group:{at}"), "member", "user:fresh".into())).unwrap();
        edit.finish()
    });
    let set = AllowedSet::resolve(&graph, &model, &binding, &reader, &context).unwrap();
    best("carry over one document", 101, || set.carry(&Effort::unbounded(), &[&change], &next, &model, &context));
    let document = ObjectRef::parse("document:source/31").unwrap();
    best("check, cold", 101, || {
        Evaluator::new(&graph, &model, &reader, &context).check(&document, "can_view").unwrap()
    });
}

#[test]
#[ignore = "a measurement"]
fn timing() {
    measure(1);
}

#[test]
#[ignore = "a measurement of 3.5 million tuples"]
fn timing_large() {
    measure(10);
}
