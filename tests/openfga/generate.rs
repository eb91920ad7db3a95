//! Random models, tuples and questions: every operator nested in every other, recursion, wildcards, usersets,
//! conditions. Most are sound; some are not, since refusing is compared too.

use serde_json::{Map, Value, json};
use usher_support::Random;

use crate::values::{self, CONDITIONS, Condition};

const SUBJECTS: [&str; 2] = ["user", "bot"];
pub const OBJECTS: [&str; 3] = ["group", "folder", "doc"];
const SUBJECT_IDS: [&str; 5] = ["a", "b", "c", "d*d", "é|@f"];
pub const OBJECT_IDS: [&str; 4] = ["1", "2", "3", "x/y.z"];
const TUPLESET: &str = "parent";

#[derive(Debug, Clone)]
pub enum Rule {
    This,
    Computed(String),
    From(String),
    Union(Vec<Rule>),
    Intersection(Vec<Rule>),
    Difference(Box<Rule>, Box<Rule>),
}

#[derive(Debug, Clone)]
pub enum Form {
    Object,
    Wildcard,
    Userset(String),
}

#[derive(Debug, Clone)]
pub struct Restriction {
    pub of: String,
    form: Form,
    condition: Option<&'static str>,
}

#[derive(Debug, Clone)]
pub struct Relation {
    pub of: String,
    pub name: String,
    pub rule: Rule,
    pub restrictions: Vec<Restriction>,
}

pub struct World {
    pub relations: Vec<Relation>,
    conditions: Vec<&'static Condition>,
}

fn relation_names(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("r{at}")).collect()
}

impl World {
    pub fn new(rng: &mut Random) -> World {
        let mut conditions: Vec<&Condition> = Vec::new();
        if rng.chance(60) {
            for _ in 0..=rng.below(3) {
                let chosen = &CONDITIONS[rng.below(CONDITIONS.len())];
                if !conditions.iter().any(|held| held.name == chosen.name) {
                    conditions.push(chosen);
                }
            }
        }
        let counts = OBJECTS.map(|_| 2 + rng.below(3));
        let mut relations = Vec::new();
        for (of, count) in OBJECTS.iter().zip(counts) {
            let parents: Vec<Restriction> = OBJECTS
                .iter()
                .filter(|_| rng.chance(50))
                .map(|parent| Restriction { of: (*parent).to_owned(), form: Form::Object, condition: None })
                .collect();
            let has_parents = !parents.is_empty();
            if has_parents {
                let rule = Rule::This;
                let name = TUPLESET.to_owned();
                relations.push(Relation { of: (*of).to_owned(), name, rule, restrictions: parents });
            }
            for (at, name) in relation_names(count).into_iter().enumerate() {
                // The first is always direct, so that something leads in.
                let rule = if at == 0 { Rule::This } else { rule(rng, at, count, has_parents, 0) };
                let restrictions = if rule.is_direct() { restrictions(rng, counts, &conditions) } else { Vec::new() };
                relations.push(Relation { of: (*of).to_owned(), name, rule, restrictions });
            }
        }
        World { relations, conditions }
    }

    /// The body of WriteAuthorizationModel.
    pub fn model(&self) -> Value {
        let mut types: Vec<Value> = SUBJECTS.iter().map(|name| json!({"type": name})).collect();
        for of in OBJECTS {
            let own = || self.relations.iter().filter(|relation| relation.of == of);
            let rules: Map<String, Value> = own().map(|r| (r.name.clone(), r.rule.json())).collect();
            let restrictions: Map<String, Value> = own()
                .map(|relation| {
                    let related: Vec<Value> = relation.restrictions.iter().map(Restriction::json).collect();
                    (relation.name.clone(), json!({"directly_related_user_types": related}))
                })
                .collect();
            types.push(json!({"type": of, "relations": rules, "metadata": {"relations": restrictions}}));
        }
        let conditions: Map<String, Value> =
            self.conditions.iter().map(|held| (held.name.to_owned(), values::definition(held))).collect();
        json!({"schema_version": "1.1", "type_definitions": types, "conditions": conditions})
    }

    pub fn has_conditions(&self) -> bool {
        !self.conditions.is_empty()
    }

    /// A tuple that the model admits, nearly always.
    pub fn tuple(&self, rng: &mut Random) -> Value {
        let direct: Vec<&Relation> = self.relations.iter().filter(|r| !r.restrictions.is_empty()).collect();
        let relation = direct[rng.below(direct.len())];
        let restriction = &relation.restrictions[rng.below(relation.restrictions.len())];
        let user = if rng.chance(5) { self.subject(rng) } else { restriction.subject(rng) };
        let mut tuple =
            json!({"user": user, "relation": relation.name, "object": format!("{}:{}", relation.of, object_id(rng))});
        let condition = match restriction.condition {
            Some(name) if !rng.chance(4) => Some(name),
            None if rng.chance(3) => self.conditions.first().map(|held| held.name),
            _ => None,
        };
        if let Some(name) = condition {
            tuple["condition"] = json!({"name": name, "context": self.stored(rng, name)});
        }
        tuple
    }

    fn stored(&self, rng: &mut Random, name: &str) -> Value {
        let parameters = CONDITIONS.iter().find(|held| held.name == name).map_or(&[][..], |held| held.parameters);
        let mut fields = Map::new();
        for (parameter, ..) in parameters {
            if rng.chance(40) {
                fields.insert((*parameter).to_owned(), values::value(rng, parameter));
            }
        }
        Value::from(fields)
    }

    /// A context with most of the parameters.
    pub fn context(&self, rng: &mut Random) -> Value {
        let mut fields = Map::new();
        for condition in &self.conditions {
            for (parameter, ..) in condition.parameters {
                if rng.chance(80) {
                    fields.insert((*parameter).to_owned(), values::value(rng, parameter));
                }
            }
        }
        if rng.chance(5) {
            fields.insert("unrelated".to_owned(), json!(1));
        }
        Value::from(fields)
    }

    /// Any relation, or seldom one that does not exist.
    pub fn relation(&self, rng: &mut Random) -> (String, String) {
        let relation = &self.relations[rng.below(self.relations.len())];
        let name = if rng.chance(2) { "none".to_owned() } else { relation.name.clone() };
        (relation.of.clone(), name)
    }

    /// A plain object, a userset, or a wildcard.
    pub fn subject(&self, rng: &mut Random) -> String {
        match rng.below(100) {
            0..65 => format!("{}:{}", SUBJECTS[rng.below(2)], SUBJECT_IDS[rng.below(SUBJECT_IDS.len())]),
            65..72 => format!("{}:*", SUBJECTS[rng.below(2)]),
            72..80 => format!("{}:{}", OBJECTS[rng.below(3)], object_id(rng)),
            _ => {
                let (of, name) = self.relation(rng);
                format!("{of}:{}#{name}", object_id(rng))
            }
        }
    }

    /// What ListUsers looks for.
    pub fn filter(&self, rng: &mut Random) -> Value {
        if rng.chance(60) {
            return json!({"type": SUBJECTS[rng.below(2)]});
        }
        let (of, name) = self.relation(rng);
        if rng.chance(20) { json!({"type": of}) } else { json!({"type": of, "relation": name}) }
    }

    pub fn find(&self, of: &str, name: &str) -> Option<&Relation> {
        self.relations.iter().find(|relation| relation.of == of && relation.name == name)
    }
}

/// Objects in a row, each a userset of the next one.
pub struct Chain {
    pub of: String,
    pub relation: String,
    /// Who is at its end.
    pub subject: String,
    pub tuples: Vec<Value>,
}

impl World {
    /// A row about as long as the depth limit, through a relation that admits its own usersets.
    pub fn chain(&self, rng: &mut Random) -> Option<Chain> {
        let plain = |restriction: &&Restriction| restriction.condition.is_none();
        let relation = self.relations.iter().find(|relation| {
            let itself = (relation.of.as_str(), relation.name.as_str());
            relation.restrictions.iter().filter(plain).any(|restriction| restriction.userset() == Some(itself))
        })?;
        let end = relation.restrictions.iter().filter(plain).find(|restriction| restriction.userset().is_none())?;
        let (of, name) = (&relation.of, &relation.name);
        let subject = end.subject(rng);
        let length = 20 + rng.below(9);
        let tuples = (0..length).map(|at| {
            let user = if at + 1 == length { subject.clone() } else { format!("{of}:k{}#{name}", at + 1) };
            json!({"user": user, "relation": name, "object": format!("{of}:k{at}")})
        });
        Some(Chain { of: of.clone(), relation: name.clone(), subject: subject.clone(), tuples: tuples.collect() })
    }
}

pub fn object_id(rng: &mut Random) -> &'static str {
    OBJECT_IDS[rng.below(OBJECT_IDS.len())]
}

fn rule(rng: &mut Random, at: usize, count: usize, has_parents: bool, depth: usize) -> Rule {
    // Mostly relations before this one, so that most models have no cycle of computed relations alone.
    let other = |rng: &mut Random| {
        let below = if rng.chance(85) { at } else { count };
        format!("r{}", rng.below(below))
    };
    let operand = |rng: &mut Random| rule(rng, at, count, has_parents, depth + 1);
    let operands = |rng: &mut Random| (0..2 + rng.below(2)).map(|_| operand(rng)).collect();
    match rng.below(if depth < 2 { 100 } else { 58 }) {
        0..22 => Rule::This,
        22..40 => Rule::Computed(other(rng)),
        40..58 if has_parents => Rule::From(format!("r{}", rng.below(count))),
        40..58 => Rule::Computed(other(rng)),
        58..74 => Rule::Union(operands(rng)),
        74..86 => Rule::Intersection(operands(rng)),
        _ => Rule::Difference(Box::new(operand(rng)), Box::new(operand(rng))),
    }
}

fn restrictions(rng: &mut Random, counts: [usize; 3], conditions: &[&'static Condition]) -> Vec<Restriction> {
    let mut restrictions: Vec<Restriction> = Vec::new();
    for _ in 0..1 + rng.below(3) {
        let (of, form) = match rng.below(100) {
            0..45 => (SUBJECTS[rng.below(2)], Form::Object),
            45..60 => (SUBJECTS[rng.below(2)], Form::Wildcard),
            60..66 => (OBJECTS[rng.below(3)], Form::Object),
            _ => {
                let of = rng.below(3);
                (OBJECTS[of], Form::Userset(format!("r{}", rng.below(counts[of]))))
            }
        };
        let condition = if rng.chance(35) { rng.pick(conditions).map(|held| held.name) } else { None };
        restrictions.push(Restriction { of: of.to_owned(), form, condition });
    }
    // The server lets `[group]` stand for `[group#member]` too where that is admitted with a condition only: a grant
    // without the condition that the model demands. Usher refuses such tuples, so no model has both.
    let admits_plainly = |restrictions: &[Restriction], of: &str| {
        restrictions.iter().any(|r| r.of == of && matches!(r.form, Form::Object) && r.condition.is_none())
    };
    let held = restrictions.clone();
    restrictions.retain(|r| r.userset().is_none() || r.condition.is_none() || !admits_plainly(&held, &r.of));
    restrictions
}

impl Restriction {
    fn json(&self) -> Value {
        let mut shape = json!({"type": self.of});
        match &self.form {
            Form::Object => {}
            Form::Wildcard => shape["wildcard"] = json!({}),
            Form::Userset(relation) => shape["relation"] = json!(relation),
        }
        if let Some(condition) = self.condition {
            shape["condition"] = json!(condition);
        }
        shape
    }

    fn subject(&self, rng: &mut Random) -> String {
        let id = if SUBJECTS.contains(&self.of.as_str()) {
            SUBJECT_IDS[rng.below(SUBJECT_IDS.len())]
        } else {
            object_id(rng)
        };
        match &self.form {
            Form::Object => format!("{}:{id}", self.of),
            Form::Wildcard => format!("{}:*", self.of),
            Form::Userset(relation) => format!("{}:{id}#{relation}", self.of),
        }
    }

    /// The relation whose subjects this one brings in.
    pub fn userset(&self) -> Option<(&str, &str)> {
        match &self.form {
            Form::Userset(relation) => Some((&self.of, relation)),
            _ => None,
        }
    }
}

impl Rule {
    fn is_direct(&self) -> bool {
        match self {
            Rule::This => true,
            Rule::Computed(_) | Rule::From(_) => false,
            Rule::Union(operands) | Rule::Intersection(operands) => operands.iter().any(Rule::is_direct),
            Rule::Difference(base, subtract) => base.is_direct() || subtract.is_direct(),
        }
    }

    fn json(&self) -> Value {
        let children = |operands: &[Rule]| json!({"child": operands.iter().map(Rule::json).collect::<Vec<_>>()});
        match self {
            Rule::This => json!({"this": {}}),
            Rule::Computed(relation) => json!({"computedUserset": {"relation": relation}}),
            Rule::From(relation) => {
                json!({"tupleToUserset": {"tupleset": {"relation": TUPLESET}, "computedUserset": {"relation": relation}}})
            }
            Rule::Union(operands) => json!({"union": children(operands)}),
            Rule::Intersection(operands) => json!({"intersection": children(operands)}),
            Rule::Difference(base, subtract) => {
                json!({"difference": {"base": base.json(), "subtract": subtract.json()}})
            }
        }
    }
}
