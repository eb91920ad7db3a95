//! One world for both sides: documents in folders, nested groups, labels, exclusions and intervals of time, and four
//! relations that combine them.

use serde_json::{Value, json};

/// Documents of one folder.
const FOLDER: u32 = 50;
pub const GROUPS: u32 = 400;
/// Readers and how many groups each of them reaches; a group reaches one document in four hundred.
pub const READERS: [(&str, u32); 3] = [("user:few", 2), ("user:some", 20), ("user:many", 200)];
/// What is asked of each reader.
pub const RELATIONS: [(&str, &str); 4] = [
    ("union", "can_union"),
    ("intersection", "can_intersection"),
    ("exclusion", "can_exclusion"),
    ("conditional", "can_conditional"),
];

#[derive(Clone)]
pub struct Tuple {
    pub user: String,
    pub relation: &'static str,
    pub object: String,
    pub condition: Option<Value>,
}

impl Tuple {
    pub fn json(&self) -> Value {
        let mut json = json!({"user": self.user, "relation": self.relation, "object": self.object});
        if let Some(condition) = &self.condition {
            json["condition"] = condition.clone();
        }
        json
    }
}

fn tuple(user: impl Into<String>, relation: &'static str, object: impl Into<String>) -> Tuple {
    Tuple { user: user.into(), relation, object: object.into(), condition: None }
}

/// All tuples; about 2.1 per document.
pub fn tuples(documents: u32) -> impl Iterator<Item = Tuple> {
    let folders = documents.div_ceil(FOLDER);
    (0..documents).flat_map(document).chain((0..folders).flat_map(folder)).chain(people())
}

/// Each document: its folder, its label, and for one in ten a person of its own.
pub fn document(number: u32) -> impl Iterator<Item = Tuple> {
    let object = format!("document:d{number}");
    let label = if number % 10 == 3 { "secret" } else { "open" };
    let direct = number.is_multiple_of(10).then(|| tuple(format!("user:u{}", number % 997), "viewer", object.clone()));
    [
        tuple(format!("folder:f{}", number / FOLDER), "parent", object.clone()),
        tuple(format!("classification:{label}"), "classification", object),
    ]
    .into_iter()
    .chain(direct)
}

fn folder(number: u32) -> impl Iterator<Item = Tuple> {
    let object = format!("folder:f{number}");
    let group = format!("group:g{}#member", number % GROUPS);
    let until = if number % 10 == 7 { "2020-01-01T00:00:00Z" } else { "2090-01-01T00:00:00Z" };
    let mut timed = tuple(group.clone(), "timed_viewer", object.clone());
    timed.condition = Some(json!({"name": "until", "context": {"until": until}}));
    let blocked = number.is_multiple_of(41);
    let other = format!("group:g{}#member", (number + 14) % GROUPS);
    let blocked = blocked.then(|| tuple(other, "blocked", object.clone()));
    [tuple(group, "viewer", object), timed].into_iter().chain(blocked)
}

/// A team per reader, which is in the groups that the reader reaches.
fn people() -> impl Iterator<Item = Tuple> {
    let teams = READERS.into_iter().flat_map(|(reader, groups)| {
        let team = reader.replace("user:", "team:");
        let inside = format!("{team}#member");
        let groups =
            (0..groups).map(move |at| tuple(inside.clone(), "member", format!("group:g{}", at * 7_919 % GROUPS)));
        std::iter::once(tuple(reader, "member", team)).chain(groups)
    });
    teams.chain(std::iter::once(tuple("user:*", "cleared", "classification:open")))
}

/// The model, as OpenFGA's JSON.
pub fn model() -> Value {
    let this = json!({"this": {}});
    let computed = |relation: &str| json!({"computedUserset": {"relation": relation}});
    let from = |tupleset: &str, relation: &str| json!({"tupleToUserset": {"tupleset": {"relation": tupleset}, "computedUserset": {"relation": relation}}});
    let union = |children: Vec<Value>| json!({"union": {"child": children}});
    let direct = |types: Value| json!({"directly_related_user_types": types});
    let users = json!([{"type": "user"}, {"type": "group", "relation": "member"}]);
    let timed = json!([{"type": "group", "relation": "member", "condition": "until"}]);
    json!({
        "schema_version": "1.1",
        "type_definitions": [
            {"type": "user"},
            {"type": "team", "relations": {"member": this}, "metadata": {"relations": {"member": direct(json!([{"type": "user"}]))}}},
            {"type": "group", "relations": {"member": this},
             "metadata": {"relations": {"member": direct(json!([{"type": "user"}, {"type": "team", "relation": "member"}]))}}},
            {"type": "classification", "relations": {"cleared": this},
             "metadata": {"relations": {"cleared": direct(json!([{"type": "user"}, {"type": "user", "wildcard": {}}]))}}},
            {"type": "folder", "relations": {"viewer": this, "timed_viewer": this, "blocked": this},
             "metadata": {"relations": {"viewer": direct(users.clone()), "timed_viewer": direct(timed.clone()),
                                        "blocked": direct(users.clone())}}},
            {"type": "document",
             "relations": {
                "parent": this, "classification": this, "blocked": union(vec![this.clone(), from("parent", "blocked")]),
                "viewer": union(vec![this.clone(), from("parent", "viewer")]),
                "timed_viewer": union(vec![this, from("parent", "timed_viewer")]),
                "can_union": computed("viewer"),
                "can_intersection": {"intersection": {"child": [computed("viewer"), from("classification", "cleared")]}},
                "can_exclusion": {"difference": {"base": computed("viewer"), "subtract": computed("blocked")}},
                "can_conditional": computed("timed_viewer"),
             },
             "metadata": {"relations": {
                "parent": direct(json!([{"type": "folder"}])), "classification": direct(json!([{"type": "classification"}])),
                "blocked": direct(users.clone()), "viewer": direct(users), "timed_viewer": direct(timed),
             }}},
        ],
        "conditions": {"until": {
            "name": "until", "expression": "current_time < until",
            "parameters": {"current_time": {"type_name": "TYPE_NAME_TIMESTAMP"}, "until": {"type_name": "TYPE_NAME_TIMESTAMP"}},
        }},
    })
}
