//! Declared fields, and a document's values of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::{FilterError, FilterProblem};
use usher_base::instant;
use usher_base::wire::bounds::BUILT_IN_FIELDS;
use usher_base::wire::{FieldProblem, FieldType, Fields};

/// The metadata fields that a collection declares. Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DeclaredFields {
    fields: Arc<BTreeMap<String, (u32, FieldType)>>,
}

/// The declared values of one document: the ones it has, by number of the field. Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FieldValues {
    values: Arc<[(u32, FieldValue)]>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum FieldValue {
    Keyword(Box<str>),
    Keywords(Box<[Box<str>]>),
    Number(f64),
    Bool(bool),
    Time(jiff::Timestamp),
}

impl DeclaredFields {
    /// Values belong to the declaration that made them: after a change of it they are made again.
    ///
    /// # Errors
    /// A name that is built in (`document_id`, `source`, `title`, `updated_at`); the pointer begins with `/fields`.
    pub fn new(fields: &BTreeMap<String, FieldType>) -> Result<Self, FilterError> {
        if let Some(name) = fields.keys().find(|name| BUILT_IN_FIELDS.contains(&name.as_str())) {
            return Err(FilterError { pointer: format!("/fields/{name}"), problem: FilterProblem::BuiltIn });
        }
        let numbered = fields.iter().zip(0..).map(|((name, kind), number)| (name.clone(), (number, *kind)));
        Ok(Self { fields: Arc::new(numbered.collect()) })
    }

    /// The number and type of a declared field.
    pub(super) fn find(&self, name: &str) -> Option<(u32, FieldType)> {
        self.fields.get(name).copied()
    }

    /// The name of a declared field.
    pub(super) fn name(&self, number: u32) -> Option<&str> {
        self.fields.iter().find(|(_, (known, _))| *known == number).map(|(name, _)| name.as_str())
    }

    /// A document's declared values as plain data for an engine elsewhere, times as seconds.
    pub fn plain(&self, values: &FieldValues) -> BTreeMap<String, Value> {
        let named = values.values.iter().filter_map(|(number, value)| {
            let value = match value {
                FieldValue::Keyword(text) => Value::from(&**text),
                FieldValue::Keywords(texts) => texts.iter().map(|text| Value::from(&**text)).collect(),
                FieldValue::Number(number) => Value::from(*number),
                FieldValue::Bool(value) => Value::from(*value),
                FieldValue::Time(time) => Value::from(seconds(*time)),
            };
            Some((self.name(*number)?.to_owned(), value))
        });
        named.collect()
    }

    /// The declared values of a document's metadata. `null` is no value. A value of a wrong type is left out and named
    /// in the list (pointers begin with `/metadata`).
    pub fn values(&self, metadata: &Fields) -> (FieldValues, Vec<FieldProblem>) {
        let (mut values, mut problems) = (Vec::new(), Vec::new());
        for (name, (number, kind)) in self.fields.iter() {
            let Some(value) = metadata.get(name).filter(|value| !value.is_null()) else { continue };
            match parse(value, *kind) {
                Ok(value) => values.push((*number, value)),
                Err(problem) => problems
                    .push(FieldProblem { pointer: format!("/metadata/{}", escape(name)), detail: problem.to_string() }),
            }
        }
        (FieldValues { values: values.into() }, problems)
    }
}

impl FieldValues {
    pub(super) fn find(&self, number: u32) -> Option<&FieldValue> {
        // Few fields; their numbers ascend.
        self.values.iter().find(|(field, _)| *field == number).map(|(_, value)| value)
    }
}

/// A value of a declared type. Documents say the same in several forms: front matter has numbers and switches as text,
/// and text as numbers.
fn parse(value: &Value, kind: FieldType) -> Result<FieldValue, FilterProblem> {
    match kind {
        FieldType::Keyword => keyword(value).map(FieldValue::Keyword),
        FieldType::Number => match value.as_str() {
            Some(text) => number(&text.trim().parse::<f64>().unwrap_or(f64::NAN).into()).map(FieldValue::Number),
            None => number(value).map(FieldValue::Number),
        },
        FieldType::Bool => match value.as_str().map(str::trim) {
            Some("true") => Ok(FieldValue::Bool(true)),
            Some("false") => Ok(FieldValue::Bool(false)),
            _ => value.as_bool().map(FieldValue::Bool).ok_or(FilterProblem::BoolExpected),
        },
        FieldType::Time => time(value).map(FieldValue::Time),
        FieldType::Keywords => {
            let list = match value {
                Value::Array(list) => list.as_slice(),
                Value::Object(_) => return Err(FilterProblem::ListExpected),
                one => std::slice::from_ref(one),
            };
            let texts: Result<Vec<Box<str>>, _> = list.iter().map(keyword).collect();
            Ok(FieldValue::Keywords(texts?.into()))
        }
    }
}

fn keyword(value: &Value) -> Result<Box<str>, FilterProblem> {
    match value {
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string().into()),
        value => text(value),
    }
}

/// Texts are compared in NFC.
pub(super) fn text(value: &Value) -> Result<Box<str>, FilterProblem> {
    value.as_str().map(normal).ok_or(FilterProblem::TextExpected)
}

/// The form in which texts are compared.
pub fn normal(text: &str) -> Box<str> {
    if is_nfc(text) { text.into() } else { text.nfc().collect::<String>().into() }
}

/// Numbers are compared as f64: integers beyond 2^53 lose their last digits.
pub(super) fn number(value: &Value) -> Result<f64, FilterProblem> {
    value.as_f64().filter(|number| number.is_finite()).ok_or(FilterProblem::NumberExpected)
}

/// RFC 3339; without a time it is midnight, without an offset UTC.
pub(super) fn time(value: &Value) -> Result<jiff::Timestamp, FilterProblem> {
    let text = value.as_str().map(str::trim).ok_or(FilterProblem::TimeExpected)?;
    let in_utc = || instant::of_utc(text.parse().ok()?);
    instant::parse(text).or_else(in_utc).ok_or(FilterProblem::TimeExpected)
}

/// Seconds since 1970, to the millisecond or better.
pub(super) fn seconds(time: jiff::Timestamp) -> f64 {
    time.as_millisecond() as f64 / 1_000.0
}

/// A name as a part of a JSON pointer.
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
