//! Relationship tuples: the syntax of their parts, and the canonical form of a stored condition.
//!
//! Syntax only: whether a model admits a tuple is [`super::Model`]'s question. Everything that enters the graph has come
//! through here, so the rest of the core never sees a name that could be taken for another, or two spellings of one.

use std::{fmt, sync::Arc};

use serde_json::Value;

use super::names::canonical_id;
use usher_base::wire;
pub(super) use usher_base::wire::bounds::{MAX_OBJECT, MAX_RELATION, MAX_SUBJECT, MAX_TYPE};

/// Largest stored context of a condition, in bytes of its canonical form.
const MAX_CONTEXT: usize = 32 * 1024;
/// Deepest nesting of lists and objects in a context.
const MAX_CONTEXT_DEPTH: usize = 32;

/// An object, `type:id`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectRef {
    pub object_type: String,
    pub id: String,
}

/// Whom a tuple relates to its object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SubjectRef {
    /// `user:anne`
    Object(ObjectRef),
    /// `group:x#member`
    Userset(ObjectRef, String),
    /// `user:*`: everybody of one type.
    Wildcard(String),
}

/// A relationship tuple; its identity is (object, relation, subject), never the condition.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tuple {
    pub object: ObjectRef,
    pub relation: String,
    pub subject: SubjectRef,
    pub condition: Option<TupleCondition>,
}

/// A condition's name with the part of its context that the tuple carries.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TupleCondition {
    pub name: String,
    /// Canonical JSON object: keys sorted at every level, no white space, numbers as they were written; `{}` when
    /// nothing is stored. Equal contexts are equal bytes.
    pub context: Arc<str>,
}

/// What is wrong with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("a part is empty")]
    Empty,
    #[error("it is too long")]
    TooLong,
    #[error("it does not have the form `type:id`")]
    Form,
    #[error("a character is not allowed")]
    Character,
    #[error("`*` is not allowed here")]
    Wildcard,
    #[error("its escapes (`%40`) are no UTF-8")]
    Escape,
}

/// Why a tuple is refused, by its syntax or by a model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TupleError {
    #[error("the object is malformed: {0}")]
    Object(#[source] NameError),
    #[error("the relation is malformed: {0}")]
    Relation(#[source] NameError),
    #[error("the subject is malformed: {0}")]
    Subject(#[source] NameError),
    #[error("the condition's name is malformed: {0}")]
    ConditionName(#[source] NameError),
    #[error("the condition's context must be a JSON object")]
    ContextNotObject,
    #[error("the condition's context is larger than 32 KiB or nested too deeply")]
    ContextTooLarge,
    #[error("the condition's context contains a control character")]
    ContextCharacter,
    #[error("type `{0}` is not defined")]
    UnknownType(String),
    #[error("type `{object_type}` has no relation `{relation}`")]
    UnknownRelation { object_type: String, relation: String },
    #[error("relation `{relation}` of type `{object_type}` cannot be assigned")]
    NotAssignable { object_type: String, relation: String },
    #[error("subjects of the form `{form}` cannot have relation `{relation}` of type `{object_type}`")]
    SubjectNotAllowed { object_type: String, relation: String, form: String },
    #[error("subjects of the form `{form}` need one of the conditions of relation `{relation}`")]
    ConditionRequired { relation: String, form: String },
    #[error("condition `{0}` is not defined")]
    UnknownCondition(String),
    #[error("condition `{condition}` is not allowed for this subject")]
    ConditionNotAllowed { condition: String },
    #[error("`{parameter}` is not a parameter of condition `{condition}`")]
    UnknownParameter { condition: String, parameter: String },
    #[error("`{parameter}` of condition `{condition}` does not have the declared type")]
    ParameterType { condition: String, parameter: String },
    #[error("a userset always has its own relation")]
    Implicit,
}

fn control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

/// A name of a type, relation or condition: none of `: # @`, no white space, no control character.
pub(super) fn check_name(name: &str, max: usize) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > max {
        return Err(NameError::TooLong);
    }
    if name.chars().any(|c| matches!(c, ':' | '#' | '@') || c.is_whitespace() || c.is_control()) {
        return Err(NameError::Character);
    }
    Ok(())
}

impl ObjectRef {
    /// From parts that are checked as by [`ObjectRef::parse`]; the id in its one spelling.
    pub fn new(object_type: &str, id: &str) -> Result<ObjectRef, NameError> {
        check_name(object_type, MAX_TYPE)?;
        if id.is_empty() {
            return Err(NameError::Empty);
        }
        if id == "*" {
            return Err(NameError::Wildcard);
        }
        if id.chars().any(|c| matches!(c, ':' | '#') || c.is_whitespace() || c.is_control()) {
            return Err(NameError::Character);
        }
        let id = canonical_id(object_type, id)?;
        if object_type.len() + 1 + id.len() > MAX_OBJECT {
            return Err(NameError::TooLong);
        }
        Ok(ObjectRef { object_type: object_type.to_owned(), id })
    }

    /// `type:id`, at most 256 bytes, with exactly one colon; `*` may occur in the id (and is escaped) but not be all of it.
    pub fn parse(text: &str) -> Result<ObjectRef, NameError> {
        let (object_type, id) = text.split_once(':').ok_or(NameError::Form)?;
        ObjectRef::new(object_type, id)
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.object_type, self.id)
    }
}

impl SubjectRef {
    /// `type:id`, `type:id#relation` or `type:*`, at most 512 bytes.
    pub fn parse(text: &str) -> Result<SubjectRef, NameError> {
        if text.len() > MAX_SUBJECT {
            return Err(NameError::TooLong);
        }
        if let Some((object, relation)) = text.rsplit_once('#') {
            check_name(relation, MAX_RELATION)?;
            let object = ObjectRef::parse(object)?;
            // SECURITY: `group:*#member` would read as "members of every group"; no such thing exists.
            if text.contains('*') {
                return Err(NameError::Wildcard);
            }
            return Ok(SubjectRef::Userset(object, relation.to_owned()));
        }
        match text.split_once(':') {
            Some((subject_type, "*")) => {
                check_name(subject_type, MAX_TYPE)?;
                Ok(SubjectRef::Wildcard(subject_type.to_owned()))
            }
            _ => Ok(SubjectRef::Object(ObjectRef::parse(text)?)),
        }
    }

    /// The type of the object, of the userset's object, or of those that the wildcard covers.
    pub fn subject_type(&self) -> &str {
        match self {
            SubjectRef::Object(object) | SubjectRef::Userset(object, _) => &object.object_type,
            SubjectRef::Wildcard(subject_type) => subject_type,
        }
    }

    /// The form that type restrictions speak of: `user`, `group#member`, `user:*`.
    pub(super) fn form(&self) -> String {
        match self {
            SubjectRef::Object(object) => object.object_type.clone(),
            SubjectRef::Userset(object, relation) => format!("{}#{relation}", object.object_type),
            SubjectRef::Wildcard(subject_type) => format!("{subject_type}:*"),
        }
    }
}

impl fmt::Display for SubjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SubjectRef::Object(object) => object.fmt(f),
            SubjectRef::Userset(object, relation) => write!(f, "{object}#{relation}"),
            SubjectRef::Wildcard(subject_type) => write!(f, "{subject_type}:*"),
        }
    }
}

impl TupleCondition {
    /// The canonical form of a condition on a tuple. An absent or null context is the empty one.
    pub fn new(name: &str, context: Option<&Value>) -> Result<TupleCondition, TupleError> {
        check_name(name, MAX_RELATION).map_err(TupleError::ConditionName)?;
        let mut text = String::new();
        match context {
            None | Some(Value::Null) => text.push_str("{}"),
            Some(value @ Value::Object(_)) => write_canonical(value, 0, &mut text)?,
            Some(_) => return Err(TupleError::ContextNotObject),
        }
        if text.len() > MAX_CONTEXT {
            return Err(TupleError::ContextTooLarge);
        }
        Ok(TupleCondition { name: name.to_owned(), context: text.into() })
    }

    /// The stored context as JSON.
    pub fn context_value(&self) -> Value {
        // INVARIANT: `context` was written by `write_canonical`, so it parses.
        serde_json::from_str(&self.context).unwrap_or_default()
    }
}

/// Numbers are printed as `serde_json` holds them: `10` and `10.0` stay apart, and no value passes through a float that
/// did not arrive as one.
fn write_canonical(value: &Value, depth: usize, into: &mut String) -> Result<(), TupleError> {
    if depth > MAX_CONTEXT_DEPTH || into.len() > MAX_CONTEXT {
        return Err(TupleError::ContextTooLarge);
    }
    let quoted = |text: &str, into: &mut String| {
        if control(text) {
            return Err(TupleError::ContextCharacter);
        }
        into.push_str(&Value::from(text).to_string());
        Ok(())
    };
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => into.push_str(&value.to_string()),
        Value::String(text) => quoted(text, into)?,
        Value::Array(elements) => {
            into.push('[');
            for (at, element) in elements.iter().enumerate() {
                if at > 0 {
                    into.push(',');
                }
                write_canonical(element, depth + 1, into)?;
            }
            into.push(']');
        }
        Value::Object(fields) => {
            let mut sorted: Vec<(&String, &Value)> = fields.iter().collect();
            sorted.sort_unstable_by_key(|(key, _)| *key);
            into.push('{');
            for (at, (key, field)) in sorted.into_iter().enumerate() {
                if at > 0 {
                    into.push(',');
                }
                quoted(key, into)?;
                into.push(':');
                write_canonical(field, depth + 1, into)?;
            }
            into.push('}');
        }
    }
    Ok(())
}

impl Tuple {
    /// Syntax only; see [`super::Model::check_write`] for the rest.
    pub fn parse(key: &wire::TupleKey) -> Result<Tuple, TupleError> {
        let object = ObjectRef::parse(&key.object).map_err(TupleError::Object)?;
        check_name(&key.relation, MAX_RELATION).map_err(TupleError::Relation)?;
        let subject = SubjectRef::parse(&key.user).map_err(TupleError::Subject)?;
        let condition = match &key.condition {
            Some(condition) => Some(TupleCondition::new(&condition.name, condition.context.as_ref())?),
            None => None,
        };
        Ok(Tuple { object, relation: key.relation.clone(), subject, condition })
    }

    /// What identifies the tuple in a store.
    pub fn key(&self) -> (&ObjectRef, &str, &SubjectRef) {
        (&self.object, &self.relation, &self.subject)
    }
}

impl From<&Tuple> for wire::TupleKey {
    fn from(tuple: &Tuple) -> wire::TupleKey {
        wire::TupleKey {
            user: tuple.subject.to_string(),
            relation: tuple.relation.clone(),
            object: tuple.object.to_string(),
            condition: tuple.condition.as_ref().map(|condition| wire::Condition {
                name: condition.name.clone(),
                context: Some(condition.context_value()),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn forms_of_subjects() {
        for text in [
            "user:anne",
            "user:*",
            "group:x#member",
            "user:a%2Ab",
            "user:issuer|42",
            "document:hr/a b".trim_end_matches(" b"),
        ] {
            assert_eq!(SubjectRef::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "anne",
            "user:",
            ":anne",
            "user:a:b",
            "user:a b",
            "user:a\u{7}",
            "group:*#member",
            "group:x#",
            "#member",
            "group:x#a#b",
            "group:x#*",
            "user:\u{2003}",
            "u ser:1",
            "user:a\u{85}b",
        ] {
            assert!(SubjectRef::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(ObjectRef::parse("document:*"), Err(NameError::Wildcard));
        assert!(ObjectRef::parse(&format!("d:{}", "x".repeat(254))).is_ok());
        assert_eq!(ObjectRef::parse(&format!("d:{}", "x".repeat(255))), Err(NameError::TooLong));
    }

    #[test]
    fn contexts_are_canonical() {
        let canonical = |value: Value| TupleCondition::new("c", Some(&value)).map(|c| c.context.to_string());
        assert_eq!(
            canonical(json!({"b": [1, {"z": 1, "a": "é\"\\"}], "a": 1.0})).unwrap(),
            r#"{"a":1.0,"b":[1,{"a":"é\"\\","z":1}]}"#
        );
        assert_ne!(canonical(json!({"a": 10})), canonical(json!({"a": 10.0})));
        let large: Value = serde_json::from_str(r#"{"a":9007199254740993}"#).unwrap();
        assert_eq!(canonical(large).unwrap(), r#"{"a":9007199254740993}"#);
        assert_eq!(canonical(json!({})), Ok("{}".to_owned()));
        assert_eq!(TupleCondition::new("c", None).unwrap().context.as_ref(), "{}");
        assert_eq!(canonical(json!([])), Err(TupleError::ContextNotObject));
        assert_eq!(canonical(json!({"a": "x\u{0}"})), Err(TupleError::ContextCharacter));
        assert_eq!(canonical(json!({"a": "x".repeat(40_000)})), Err(TupleError::ContextTooLarge));
        let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
        assert_eq!(canonical(json!({"a": deep})), Err(TupleError::ContextTooLarge));
    }
}
