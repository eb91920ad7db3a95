//! Who may do what, by computing every fact of one subject: a least fixpoint over all relations, stratum by stratum.
//!
//! A fact is (object, relation) with its height, the least number of userset and tupleset hops of a proof. A relation
//! that subtracts another is computed after that one is complete. Proofs of 25 hops and more don't count.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The model's limit on hops.
const LIMIT: usize = 25;

/// A relationship tuple; a condition is an interval of time, seconds, or nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tuple {
    pub object: String,
    pub relation: String,
    pub user: String,
    pub during: Option<(i64, i64)>,
}

#[derive(Debug, Clone)]
enum Rewrite {
    This,
    Computed(String),
    FromTupleset { tupleset: String, computed: String },
    Union(Vec<Rewrite>),
    Intersection(Vec<Rewrite>),
    Difference(Box<Rewrite>, Box<Rewrite>),
}

/// Types with their relations, read from the JSON form of an authorization model.
#[derive(Debug, Clone)]
pub struct Model {
    relations: BTreeMap<(String, String), Rewrite>,
    /// Usersets that may be written directly to a relation.
    usersets: BTreeMap<(String, String), Vec<(String, String)>>,
    strata: BTreeMap<(String, String), usize>,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn rewrite(value: &Value) -> Rewrite {
    let children = |value: &Value| -> Vec<Rewrite> {
        value["child"].as_array().map(|list| list.iter().map(rewrite).collect()).unwrap_or_default()
    };
    if let Some(computed) = value.get("computedUserset") {
        Rewrite::Computed(text(&computed["relation"]))
    } else if let Some(from) = value.get("tupleToUserset") {
        Rewrite::FromTupleset {
            tupleset: text(&from["tupleset"]["relation"]),
            computed: text(&from["computedUserset"]["relation"]),
        }
    } else if let Some(union) = value.get("union") {
        Rewrite::Union(children(union))
    } else if let Some(intersection) = value.get("intersection") {
        Rewrite::Intersection(children(intersection))
    } else if let Some(difference) = value.get("difference") {
        Rewrite::Difference(Box::new(rewrite(&difference["base"])), Box::new(rewrite(&difference["subtract"])))
    } else {
        Rewrite::This
    }
}

impl Model {
    pub fn of_json(json: &str) -> Result<Self, serde_json::Error> {
        let value: Value = serde_json::from_str(json)?;
        let (mut relations, mut usersets) = (BTreeMap::new(), BTreeMap::new());
        for definition in value["type_definitions"].as_array().into_iter().flatten() {
            for (name, body) in definition["relations"].as_object().into_iter().flatten() {
                let key = (text(&definition["type"]), name.clone());
                let types = &definition["metadata"]["relations"][name]["directly_related_user_types"];
                let named = types.as_array().into_iter().flatten().filter(|of| of["relation"].is_string());
                let named = named.map(|of| (text(&of["type"]), text(&of["relation"]))).collect();
                usersets.insert(key.clone(), named);
                relations.insert(key, rewrite(body));
            }
        }
        let mut model = Self { relations, usersets, strata: BTreeMap::new() };
        model.stratify();
        Ok(model)
    }

    /// Whether the model has the relation.
    pub fn has_relation(&self, object_type: &str, relation: &str) -> bool {
        self.relations.contains_key(&(object_type.to_owned(), relation.to_owned()))
    }

    /// A relation's stratum is at least that of every relation that it may use, and above that of every one that it
    /// subtracts.
    fn stratify(&mut self) {
        let keys: Vec<_> = self.relations.keys().cloned().collect();
        let mut strata: BTreeMap<_, usize> = keys.iter().map(|key| (key.clone(), 0)).collect();
        for _ in 0..=keys.len() {
            for key in &keys {
                let Some(body) = self.relations.get(key) else { continue };
                let mut needed = 0;
                self.uses(key, body, false, &mut |used, subtracted| {
                    let at = strata.get(used).copied().unwrap_or_default() + usize::from(subtracted);
                    needed = needed.max(at);
                });
                strata.insert(key.clone(), needed);
            }
        }
        self.strata = strata;
    }

    fn uses(
        &self,
        of: &(String, String),
        body: &Rewrite,
        subtracted: bool,
        note: &mut impl FnMut(&(String, String), bool),
    ) {
        match body {
            Rewrite::This => {
                for userset in self.usersets.get(of).into_iter().flatten() {
                    note(userset, subtracted);
                }
            }
            Rewrite::Computed(relation) => note(&(of.0.clone(), relation.clone()), subtracted),
            Rewrite::FromTupleset { computed, .. } => {
                for key in self.relations.keys().filter(|(_, relation)| relation == computed) {
                    note(key, subtracted);
                }
            }
            Rewrite::Union(list) | Rewrite::Intersection(list) => {
                list.iter().for_each(|child| self.uses(of, child, subtracted, note));
            }
            Rewrite::Difference(base, subtract) => {
                self.uses(of, base, subtracted, note);
                self.uses(of, subtract, true, note);
            }
        }
    }
}

/// All facts of one subject.
pub struct Facts<'a> {
    tuples: Vec<&'a Tuple>,
    heights: BTreeMap<(String, String), usize>,
}

fn type_of(object: &str) -> &str {
    object.split(':').next().unwrap_or_default()
}

/// Every (object, relation) that `subject` has at the instant `now`.
pub fn facts<'a>(model: &'a Model, tuples: &'a BTreeSet<Tuple>, subject: &str, now: i64) -> Facts<'a> {
    let live = tuples.iter().filter(|tuple| tuple.during.is_none_or(|(start, end)| start <= now && now < end));
    let mut facts = Facts { tuples: live.collect(), heights: BTreeMap::new() };
    let mut objects: BTreeSet<&str> = BTreeSet::new();
    for tuple in &facts.tuples {
        objects.insert(&tuple.object);
        objects.insert(tuple.user.split('#').next().unwrap_or_default());
    }
    let highest = model.strata.values().copied().max().unwrap_or_default();
    for stratum in 0..=highest {
        loop {
            let mut changed = false;
            for object in &objects {
                for ((_, relation), body) in
                    model.relations.iter().filter(|((object_type, _), _)| object_type == type_of(object))
                {
                    let key = ((*object).to_owned(), relation.clone());
                    let own = model.strata.get(&(type_of(object).to_owned(), relation.clone())).copied();
                    if own != Some(stratum) {
                        continue;
                    }
                    let height = facts.height(object, relation, body, subject);
                    if height.is_some_and(|height| facts.heights.get(&key).is_none_or(|old| height < *old)) {
                        changed = true;
                        facts.heights.insert(key, height.unwrap_or_default());
                    }
                }
            }
            if !changed {
                break;
            }
        }
    }
    facts
}

impl Facts<'_> {
    /// Whether the subject has the relation, within the limit of hops.
    pub fn has(&self, object: &str, relation: &str) -> bool {
        self.heights.get(&(object.to_owned(), relation.to_owned())).is_some_and(|height| *height < LIMIT)
    }

    fn known(&self, object: &str, relation: &str) -> Option<usize> {
        self.heights.get(&(object.to_owned(), relation.to_owned())).copied()
    }

    fn height(&self, object: &str, relation: &str, body: &Rewrite, subject: &str) -> Option<usize> {
        match body {
            Rewrite::This => self
                .tuples
                .iter()
                .filter(|tuple| tuple.object == object && tuple.relation == relation)
                .filter_map(|tuple| match tuple.user.split_once('#') {
                    Some((userset, of)) => Some(self.known(userset, of)? + 1),
                    None if tuple.user == subject => Some(0),
                    None => (tuple.user == format!("{}:*", type_of(subject))).then_some(0),
                })
                .min(),
            Rewrite::Computed(other) => self.known(object, other),
            Rewrite::FromTupleset { tupleset, computed } => self
                .tuples
                .iter()
                .filter(|tuple| tuple.object == object && tuple.relation == *tupleset)
                .filter_map(|tuple| Some(self.known(&tuple.user, computed)? + 1))
                .min(),
            Rewrite::Union(list) => list.iter().filter_map(|child| self.height(object, relation, child, subject)).min(),
            Rewrite::Intersection(list) => {
                let heights: Option<Vec<usize>> =
                    list.iter().map(|child| self.height(object, relation, child, subject)).collect();
                heights?.into_iter().max()
            }
            Rewrite::Difference(base, subtract) => {
                let base = self.height(object, relation, base, subject)?;
                self.height(object, relation, subtract, subject).is_none().then_some(base)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuple(object: &str, relation: &str, user: &str) -> Tuple {
        Tuple { object: object.into(), relation: relation.into(), user: user.into(), during: None }
    }

    #[test]
    fn unions_intersections_exclusions_and_parents() {
        let model = Model::of_json(
            r#"{"type_definitions": [
                {"type": "group", "relations": {"member": {"this": {}}}},
                {"type": "doc", "relations": {"parent": {"this": {}}, "viewer": {"union": {"child": [{"this": {}},
                    {"tupleToUserset": {"tupleset": {"relation": "parent"}, "computedUserset": {"relation": "viewer"}}}]}},
                  "banned": {"this": {}},
                  "can": {"difference": {"base": {"computedUserset": {"relation": "viewer"}},
                                         "subtract": {"computedUserset": {"relation": "banned"}}}}}}]}"#,
        )
        .unwrap();
        let tuples = BTreeSet::from([
            tuple("group:g", "member", "user:ann"),
            tuple("doc:top", "viewer", "group:g#member"),
            tuple("doc:leaf", "parent", "doc:top"),
            tuple("doc:bad", "parent", "doc:top"),
            tuple("doc:bad", "banned", "user:*"),
        ]);
        let ann = facts(&model, &tuples, "user:ann", 0);
        assert!(ann.has("doc:leaf", "can") && ann.has("doc:bad", "viewer"));
        assert!(!ann.has("doc:bad", "can") && !facts(&model, &tuples, "user:bob", 0).has("doc:leaf", "can"));
    }
}
