//! The parts of requests, read as OpenFGA reads JSON: an absent field, a null and an empty value are the same.

use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::error::FgaError;
use super::rules;
use crate::authz::{Context, Model, Tuple, TupleError};
use crate::wire::bounds::{MAX_RELATION, MAX_SUBJECT, NAME, OBJECT, SUBJECT};
use crate::wire::{Condition, Fields, TupleKey};

/// A null as the empty value.
pub fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// An object; what is derived would take a list of its fields too.
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(fields)).map(Object)
            }
        }

        from.deserialize_map(Fields(PhantomData))
    }
}

/// An [`Object`], or a null for none.
pub fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    Ok(Option::<Object<T>>::deserialize(from)?.map(|Object(value)| value))
}

/// A list of [`Object`]s, or a null for none.
pub fn objects<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    let objects = Option::<Vec<Object<T>>>::deserialize(from)?.unwrap_or_default();
    Ok(objects.into_iter().map(|Object(value)| value).collect())
}

/// A whole number, also as text.
pub fn number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    let whole = match Value::deserialize(from)? {
        Value::Null => return Ok(None),
        Value::Number(number) => number.as_i64().or_else(|| {
            let whole = number.as_f64().filter(|number| number.fract() == 0.0)?;
            (whole.abs() < i32::MAX.into()).then_some(whole as i64)
        }),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    whole.map(Some).ok_or_else(|| serde::de::Error::custom("a whole number is expected"))
}

/// A tuple to be written, or sent along.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "OpenFgaTupleSent")]
pub struct TupleShape {
    #[serde(flatten)]
    pub key: QuestionShape,
    #[serde(deserialize_with = "object")]
    pub condition: Option<ConditionShape>,
}

/// A tuple as a question, or to be deleted.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "OpenFgaTupleKey", extend("required" = ["user", "relation", "object"]))]
pub struct QuestionShape {
    #[serde(deserialize_with = "nullable")]
    #[schemars(regex(pattern = SUBJECT), length(max = MAX_SUBJECT), example = &"user:anne")]
    pub user: String,
    #[serde(deserialize_with = "nullable")]
    #[schemars(regex(pattern = NAME), length(max = MAX_RELATION), example = &"member")]
    pub relation: String,
    #[serde(deserialize_with = "nullable")]
    #[schemars(regex(pattern = OBJECT), length(max = rules::MAX_OBJECT), example = &"group:staff")]
    pub object: String,
}

impl QuestionShape {
    /// For a record: `object#relation@user`.
    pub fn show(&self) -> String {
        format!("{}#{}@{}", self.object, self.relation, self.user)
    }
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "OpenFgaConditionSent", extend("required" = ["name"]))]
pub struct ConditionShape {
    #[serde(deserialize_with = "nullable")]
    #[schemars(regex(pattern = NAME), length(max = MAX_RELATION))]
    pub name: String,
    #[schemars(with = "PlainContext")]
    pub context: Option<Fields>,
}

impl From<TupleShape> for TupleKey {
    fn from(shape: TupleShape) -> TupleKey {
        let condition = shape.condition.map(|condition| Condition {
            name: condition.name,
            context: condition.context.map(|fields| Value::Object(fields.into_iter().collect())),
        });
        TupleKey { condition, ..shape.key.into() }
    }
}

impl From<QuestionShape> for TupleKey {
    fn from(shape: QuestionShape) -> TupleKey {
        TupleKey { user: shape.user, relation: shape.relation, object: shape.object, condition: None }
    }
}

/// `{"tuple_keys": […]}`
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "OpenFgaTupleKeys")]
pub struct TupleKeys {
    #[serde(deserialize_with = "objects")]
    #[schemars(with = "Option<Vec<TupleShape>>", length(max = rules::MAX_CONTEXTUAL))]
    pub tuple_keys: Vec<TupleShape>,
}

/// How fresh an answer must be. Every answer is of the newest snapshot, so it is only checked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Consistency;

impl<'de> Deserialize<'de> for Consistency {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let known = match Value::deserialize(from)? {
            // Names that it does not know OpenFGA takes for no preference.
            Value::Null | Value::String(_) => true,
            Value::Number(number) => matches!(number.as_u64(), Some(0 | 100 | 200)),
            _ => false,
        };
        if known { Ok(Self) } else { Err(serde::de::Error::custom("the consistency preference is not known")) }
    }
}

impl JsonSchema for Consistency {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "OpenFgaConsistency".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Every answer is of the newest state.",
            "anyOf": [{"type": ["string", "null"]}, {"type": "integer", "enum": [0, 100, 200]}],
        })
    }
}

/// How the description says a context: no control characters anywhere.
pub struct PlainContext;

impl JsonSchema for PlainContext {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "OpenFgaContext".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["object", "null"],
            "propertyNames": {"pattern": rules::PLAIN},
            "additionalProperties": {"$ref": "#/components/schemas/PlainJson"},
        })
    }
}

/// What a request for a decision comes with, besides its question.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "OpenFgaPremises")]
pub struct Premises {
    #[serde(deserialize_with = "object")]
    pub contextual_tuples: Option<TupleKeys>,
    #[schemars(with = "PlainContext")]
    pub context: Option<Fields>,
    #[schemars(regex(pattern = rules::ID_OR_NEWEST))]
    pub authorization_model_id: Option<String>,
    #[serde(rename = "consistency")]
    _consistency: Consistency,
}

/// What a question brings along.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Brought {
    pub tuples: Vec<TupleShape>,
    pub context: Context,
}

impl Brought {
    /// # Errors
    /// When there is too much of it, or a field is out of its bounds.
    pub fn new(tuples: Vec<TupleShape>, context: Option<Fields>) -> Result<Self, FgaError> {
        rules::contextual(&tuples)?;
        let context = Context(context.unwrap_or_default());
        rules::context(&context.0)?;
        Ok(Self { tuples, context })
    }

    /// # Errors
    /// [`Brought::new`].
    pub fn of(tuples: Option<TupleKeys>, context: Option<Fields>) -> Result<Self, FgaError> {
        Self::new(tuples.unwrap_or_default().tuple_keys, context)
    }

    /// The contextual tuples, validated as for a write.
    ///
    /// # Errors
    /// The first that the model refuses.
    pub fn admitted(&self, model: &Model) -> Result<Vec<Tuple>, TupleError> {
        self.tuples
            .iter()
            .map(|shape| {
                let tuple = Tuple::parse(&shape.clone().into())?;
                model.check_contextual(&tuple)?;
                Ok(tuple)
            })
            .collect()
    }
}
