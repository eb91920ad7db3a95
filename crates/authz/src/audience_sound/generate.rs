//! Random models, tuples and contexts, small enough that everything interesting happens often.

use std::collections::BTreeMap;

use serde_json::json;

use usher_support::Random;

use super::super::*;

pub const USERS: usize = 3;
pub const NOON: &str = "2025-06-01T12:00:00Z";

/// A model, with what its relations admit spelled out for the generator of tuples.
pub struct Sample {
    pub model: Model,
    pub sections: bool,
}

fn this() -> Rewrite {
    Rewrite::This(Empty {})
}

fn computed(relation: &str) -> Rewrite {
    Rewrite::ComputedUserset(ObjectRelation { object: String::new(), relation: relation.to_owned() })
}

fn from(relation: &str, tupleset: &str) -> Rewrite {
    let named = |relation: &str| ObjectRelation { object: String::new(), relation: relation.to_owned() };
    Rewrite::TupleToUserset(TupleToUserset { tupleset: named(tupleset), computed_userset: named(relation) })
}

fn union(child: Vec<Rewrite>) -> Rewrite {
    Rewrite::Union(Children { child })
}

fn intersection(child: Vec<Rewrite>) -> Rewrite {
    Rewrite::Intersection(Children { child })
}

fn but_not(base: Rewrite, subtract: Rewrite) -> Rewrite {
    Rewrite::Difference(Difference { base: Box::new(base), subtract: Box::new(subtract) })
}

fn has_this(rewrite: &Rewrite) -> bool {
    match rewrite {
        Rewrite::This(_) => true,
        Rewrite::ComputedUserset(_) | Rewrite::TupleToUserset(_) => false,
        Rewrite::Union(children) | Rewrite::Intersection(children) => children.child.iter().any(has_this),
        Rewrite::Difference(difference) => has_this(&difference.base) || has_this(&difference.subtract),
    }
}

/// A random rewrite over the given leaves; mostly unions.
fn rewrite(random: &mut Random, leaves: &[Rewrite], depth: usize) -> Rewrite {
    if depth == 0 || random.one_in(3) {
        return random.one_of(leaves).clone();
    }
    let operand = |random: &mut Random| rewrite(random, leaves, depth - 1);
    match random.below(8) {
        0 | 1 => intersection(vec![operand(random), operand(random)]),
        2 | 3 => but_not(operand(random), operand(random)),
        _ => union(vec![operand(random), operand(random)]),
    }
}

fn restrictions(random: &mut Random, usersets: &[(&str, &str)]) -> Vec<RelationReference> {
    let plain = |subject_type: &str| RelationReference { subject_type: subject_type.to_owned(), ..Default::default() };
    let mut found = vec![plain("user")];
    if random.one_in(2) {
        found.push(RelationReference { wildcard: Some(Empty {}), ..plain("user") });
    }
    if random.one_in(3) {
        found.push(plain("agent"));
    }
    for (subject_type, relation) in usersets {
        if random.one_in(2) {
            found.push(RelationReference { relation: (*relation).to_owned(), ..plain(subject_type) });
        }
    }
    for condition in ["limit", "during", "plain"] {
        if random.one_in(4) {
            let mut conditional = random.one_of(&found).clone();
            conditional.condition = condition.to_owned();
            found.push(conditional);
        }
    }
    found
}

struct Builder {
    types: BTreeMap<String, TypeDefinition>,
}

impl Builder {
    fn relation(&mut self, object_type: &str, relation: &str, rewrite: Rewrite, admitted: Vec<RelationReference>) {
        let definition = self.types.entry(object_type.to_owned()).or_insert_with(|| TypeDefinition {
            name: object_type.to_owned(),
            relations: BTreeMap::new(),
            metadata: Some(TypeMetadata::default()),
        });
        if has_this(&rewrite) {
            let metadata = definition.metadata.as_mut().unwrap();
            let entry = metadata.relations.entry(relation.to_owned()).or_default();
            entry.directly_related_user_types = admitted;
        }
        definition.relations.insert(relation.to_owned(), rewrite);
    }
}

fn conditions() -> BTreeMap<String, ConditionDefinition> {
    let definition = |name: &str, expression: &str, parameters: &[(&str, &str)]| {
        let parameters = parameters.iter().map(|(parameter, type_name)| {
            let definition = ParameterDefinition { type_name: (*type_name).to_owned(), generic_types: Vec::new() };
            ((*parameter).to_owned(), definition)
        });
        let definition = ConditionDefinition {
            name: name.to_owned(),
            expression: expression.to_owned(),
            parameters: parameters.collect(),
            other: BTreeMap::new(),
        };
        (name.to_owned(), definition)
    };
    const TIME: &str = "TYPE_NAME_TIMESTAMP";
    BTreeMap::from([
        definition("limit", "x < 5", &[("x", "TYPE_NAME_INT")]),
        definition(
            "during",
            "start <= current_time && current_time < end",
            &[("current_time", TIME), ("start", TIME), ("end", TIME)],
        ),
        definition("plain", "1 < 2", &[]),
    ])
}

/// One random model; most attempts compile.
fn attempt(random: &mut Random) -> Option<Sample> {
    let mut builder = Builder { types: BTreeMap::new() };
    let bare = |name: &str| TypeDefinition { name: name.to_owned(), relations: BTreeMap::new(), metadata: None };
    for name in ["user", "agent"] {
        builder.types.insert(name.to_owned(), bare(name));
    }
    let usersets: Vec<(&str, &str)> = if random.one_in(4) {
        vec![
            ("group", "member"),
            ("group", "other"),
            ("document", "viewer"),
            ("document", "can_view"),
            ("folder", "viewer"),
        ]
    } else {
        vec![("group", "member"), ("group", "other"), ("folder", "viewer")]
    };
    let plain =
        |subject_type: &str| vec![RelationReference { subject_type: subject_type.to_owned(), ..Default::default() }];
    let depth = random.below(3);
    for (relation, other) in [("member", "other"), ("other", "member")] {
        let leaves = if random.one_in(3) { vec![this(), computed(other)] } else { vec![this()] };
        let admitted = restrictions(random, &usersets);
        builder.relation("group", relation, rewrite(random, &leaves, depth.min(1)), admitted);
    }
    builder.relation("folder", "parent", this(), plain("folder"));
    for relation in ["viewer", "blocked"] {
        let leaves = vec![this(), this(), from(relation, "parent"), computed("blocked")];
        let leaves = if relation == "blocked" { leaves[..3].to_vec() } else { leaves };
        let admitted = restrictions(random, &usersets);
        builder.relation("folder", relation, rewrite(random, &leaves, 2), admitted);
    }
    builder.relation("document", "parent", this(), if random.one_in(8) { plain("document") } else { plain("folder") });
    let above = if random.one_in(2) { "viewer" } else { "blocked" };
    for relation in ["viewer", "blocked"] {
        let admitted = restrictions(random, &usersets);
        let leaves = [this(), this(), from(above, "parent")];
        builder.relation("document", relation, rewrite(random, &leaves, 2), admitted);
    }
    let leaves = [computed("viewer"), computed("viewer"), computed("blocked"), from(above, "parent"), this()];
    let admitted = restrictions(random, &usersets);
    builder.relation("document", "can_view", rewrite(random, &leaves, 2), admitted);
    let sections = !random.one_in(4);
    if sections {
        builder.relation("section", "document", this(), plain("document"));
        let admitted = restrictions(random, &usersets);
        builder.relation("section", "viewer", rewrite(random, &[this()], 1), admitted);
        let operand = random.one_of(&[computed("viewer"), this(), union(vec![computed("viewer"), this()])]).clone();
        let mut narrowed = intersection(vec![operand, from("can_view", "document")]);
        if random.one_in(2) {
            narrowed = but_not(narrowed, computed("blocked"));
        }
        let admitted = restrictions(random, &usersets);
        builder.relation("section", "blocked", this(), admitted);
        let admitted = restrictions(random, &usersets);
        builder.relation("section", "can_view", narrowed, admitted);
    }
    let source = AuthorizationModel {
        schema_version: "1.1".to_owned(),
        type_definitions: builder.types.into_values().collect(),
        conditions: conditions(),
    };
    let id = format!("model-{:016x}", random.next());
    Some(Sample { model: Model::compile(&id, source).ok()?, sections })
}

pub fn sample(random: &mut Random) -> Sample {
    loop {
        if let Some(sample) = attempt(random) {
            return sample;
        }
    }
}

pub fn bound(sections: bool) -> Vec<BoundType> {
    let mut types = vec![BoundType {
        object_type: "document".to_owned(),
        parent_tupleset: None,
        parent_type: None,
        single_valued: None,
    }];
    if sections {
        types.push(BoundType {
            object_type: "section".to_owned(),
            parent_tupleset: Some("document".to_owned()),
            parent_type: Some("document".to_owned()),
            single_valued: None,
        });
    }
    types
}

pub fn binding(sections: bool) -> Binding {
    Binding {
        object_type: "document".to_owned(),
        relation: "can_view".to_owned(),
        section_type: sections.then(|| "section".to_owned()),
    }
}

fn object(random: &mut Random, object_type: &str) -> ObjectRef {
    let count = match object_type {
        "user" => USERS,
        "agent" => 2,
        "group" | "folder" => 4,
        _ => 6,
    };
    ObjectRef::new(object_type, &random.below(count).to_string()).unwrap()
}

fn condition(random: &mut Random, name: &str) -> TupleCondition {
    let context = match name {
        "limit" if random.one_in(2) => json!({"x": random.below(10)}),
        "during" => match random.below(4) {
            0 => json!({"start": "2025-01-01T00:00:00Z", "end": "2025-05-01T00:00:00Z"}),
            1 => json!({"start": "2025-07-01T00:00:00Z", "end": "2026-01-01T00:00:00Z"}),
            2 => json!({"start": "2025-01-01T00:00:00Z"}),
            _ => json!({"start": "2025-01-01T00:00:00Z", "end": "2026-01-01T00:00:00Z"}),
        },
        _ => json!({}),
    };
    TupleCondition::new(name, Some(&context)).unwrap()
}

/// A random tuple that one of the models would let be written.
pub fn tuple(random: &mut Random, models: &[&Model], only: Option<&str>) -> Tuple {
    loop {
        let model = random.one_of(models);
        let definition = random.one_of(&model.source().type_definitions);
        if only.is_some_and(|only| only != definition.name) {
            continue;
        }
        let Some(metadata) = &definition.metadata else { continue };
        let relations: Vec<_> = metadata.relations.iter().collect();
        if relations.is_empty() {
            continue;
        }
        let (relation, admitted) = random.one_of(&relations);
        let Some(reference) = Some(random.one_of(&admitted.directly_related_user_types)) else { continue };
        let own = object(random, &definition.name);
        let subject = match (&reference.wildcard, reference.relation.as_str()) {
            (Some(_), _) => SubjectRef::Wildcard(reference.subject_type.clone()),
            (None, "") => SubjectRef::Object(object(random, &reference.subject_type)),
            (None, relation) => {
                let userset = if reference.subject_type == own.object_type && random.one_in(4) {
                    own.clone()
                } else {
                    object(random, &reference.subject_type)
                };
                SubjectRef::Userset(userset, relation.to_owned())
            }
        };
        let condition = (!reference.condition.is_empty()).then(|| condition(random, &reference.condition));
        let tuple = Tuple { object: own, relation: (*relation).clone(), subject, condition };
        if model.check_write(&tuple).is_ok() {
            return tuple;
        }
    }
}

pub fn contexts() -> Vec<Context> {
    let now = ("current_time".to_owned(), json!(NOON));
    vec![
        Context::new(),
        Context::from_iter([now.clone()]),
        Context::from_iter([now, ("x".to_owned(), json!(1))]),
        Context::from_iter([("current_time".to_owned(), json!("2025-08-01T00:00:00Z")), ("x".to_owned(), json!(9))]),
    ]
}

pub fn readers() -> Vec<SubjectRef> {
    let mut readers: Vec<SubjectRef> =
        (0..USERS).map(|user| SubjectRef::parse(&format!("user:{user}")).unwrap()).collect();
    readers.push(SubjectRef::parse("agent:0").unwrap());
    readers.push(SubjectRef::parse("user:nobody").unwrap());
    readers
}

/// Subjects of every form.
pub fn subjects() -> Vec<SubjectRef> {
    let mut subjects = readers();
    for text in [
        "user:*",
        "group:0#member",
        "group:1#other",
        "group:9#member",
        "folder:0#viewer",
        "document:0#viewer",
        "document:1#can_view",
        "document:0",
        "folder:1",
        "section:0#can_view",
    ] {
        subjects.push(SubjectRef::parse(text).unwrap());
    }
    subjects
}
