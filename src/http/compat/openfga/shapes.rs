//! The parts of requests, read as OpenFGA reads JSON: an absent field, a null and an empty value are the same.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::error::FgaError;
use super::rules;
use crate::authz::{Context, Model, Tuple, TupleError};
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
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    whole.map(Some).ok_or_else(|| serde::de::Error::custom("a whole number is expected"))
}

/// A tuple to be written, or sent along.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct TupleShape {
    #[serde(flatten)]
    pub key: QuestionShape,
    #[serde(deserialize_with = "object")]
    pub condition: Option<ConditionShape>,
}

/// A tuple as a question, or to be deleted.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct QuestionShape {
    #[serde(deserialize_with = "nullable")]
    pub user: String,
    #[serde(deserialize_with = "nullable")]
    pub relation: String,
    #[serde(deserialize_with = "nullable")]
    pub object: String,
}

impl QuestionShape {
    /// For a record: `object#relation@user`.
    pub fn show(&self) -> String {
        format!("{}#{}@{}", self.object, self.relation, self.user)
    }
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ConditionShape {
    #[serde(deserialize_with = "nullable")]
    pub name: String,
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
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct TupleKeys {
    #[serde(deserialize_with = "objects")]
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

/// What a request for a decision comes with, besides its question.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Premises {
    #[serde(deserialize_with = "object")]
    pub contextual_tuples: Option<TupleKeys>,
    pub context: Option<Fields>,
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
