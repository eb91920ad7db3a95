//! Random authorization models: the default one with other rules for who may read, over the same kinds of tuples.

use serde_json::{Value, json};

use usher_support::Random;

fn computed(relation: &str) -> Value {
    json!({"computedUserset": {"relation": relation}})
}

fn from(tupleset: &str, relation: &str) -> Value {
    json!({"tupleToUserset": {"tupleset": {"relation": tupleset}, "computedUserset": {"relation": relation}}})
}

fn any(child: Vec<Value>) -> Value {
    json!({"union": {"child": child}})
}

fn all(child: Vec<Value>) -> Value {
    json!({"intersection": {"child": child}})
}

fn but_not(base: Value, subtract: Value) -> Value {
    json!({"difference": {"base": base, "subtract": subtract}})
}

/// Who may read a document.
fn document_rule(rng: &mut Random) -> Value {
    let [viewer, editor, owner, cleared, blocked] = ["viewer", "editor", "owner", "cleared", "blocked"].map(computed);
    match rng.below(8) {
        0 => all(vec![but_not(viewer, blocked), cleared]),
        1 => any(vec![but_not(all(vec![viewer, cleared]), blocked), owner]),
        2 => all(vec![viewer, cleared]),
        // Who edits is not kept out by being blocked.
        3 => but_not(all(vec![viewer, cleared]), but_not(blocked, editor)),
        4 => but_not(any(vec![editor, all(vec![viewer, cleared])]), blocked),
        // A folder's own rule decides, too.
        5 => but_not(all(vec![cleared, any(vec![viewer, from("inherits", "can_list")])]), blocked),
        6 => any(vec![all(vec![viewer.clone(), cleared, editor.clone()]), but_not(viewer, any(vec![blocked, editor]))]),
        _ => but_not(all(vec![viewer, cleared]), blocked),
    }
}

/// Who may read a section: always a part of who may read its document.
fn section_rule(rng: &mut Random) -> Value {
    let (viewer, blocked, document) = (computed("viewer"), computed("blocked"), from("document", "can_view"));
    match rng.below(4) {
        0 => all(vec![document, but_not(viewer, blocked)]),
        1 => all(vec![document, viewer]),
        2 => all(vec![any(vec![viewer, from("document", "owner")]), document]),
        _ => but_not(all(vec![viewer, document]), blocked),
    }
}

fn definition<'m>(model: &'m mut Value, name: &str) -> Option<&'m mut Value> {
    model["type_definitions"].as_array_mut()?.iter_mut().find(|definition| definition["type"] == name)
}

/// A model drawn from the default one. Tuples that are valid under one draw are valid under every other, but for
/// `suspended`, which some draws have and others don't.
pub fn draw(default: &Value, rng: &mut Random) -> Value {
    let mut model = default.clone();
    let is_suspending = rng.chance(40);
    let can_list = match rng.below(3) {
        0 => computed("viewer"),
        1 => but_not(computed("viewer"), computed("blocked")),
        _ => all(vec![computed("viewer"), any(vec![computed("editor"), from("inherits", "can_list")])]),
    };
    let (document, section) = (document_rule(rng), section_rule(rng));
    if let Some(group) = definition(&mut model, "group").filter(|_| is_suspending) {
        group["relations"]["member"] = but_not(json!({"this": {}}), computed("suspended"));
        group["relations"]["suspended"] = json!({"this": {}});
        group["metadata"]["relations"]["suspended"] =
            json!({"directly_related_user_types": [{"type": "user"}, {"type": "agent"}]});
    }
    if let Some(folder) = definition(&mut model, "folder") {
        folder["relations"]["can_list"] = can_list;
    }
    // `x from y` needs only one of y's types to have x, and folders have it.
    if let Some(held) = definition(&mut model, "document") {
        held["relations"]["can_view"] = document;
    }
    if let Some(held) = definition(&mut model, "section") {
        held["relations"]["can_view"] = section;
    }
    if let Some(fields) = model.as_object_mut() {
        fields.remove("id");
    }
    model
}
