//! The compiled form of a filter.

use std::cmp::Ordering;

use serde_json::Value;

use super::fields::{self, DeclaredFields, FieldValue};
use super::{FilterError, FilterProblem, FilterSubject, MAX_DEPTH, MAX_LEAVES, MAX_VALUES};
use usher_base::wire::{FieldType, Filter, FilterLeaf, FilterOp};

#[derive(Debug, Clone)]
pub(super) enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    Leaf {
        field: Field,
        test: Test,
    },
    /// A leaf on a field that isn't declared.
    Unknown,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Field {
    DocumentId,
    Source,
    Title,
    UpdatedAt,
    Declared(u32),
}

/// What a value must be. The negated operators are the negation of these.
#[derive(Debug, Clone)]
pub(super) enum Test {
    Exists(bool),
    Text { negated: bool, test: TextTest },
    Number { negated: bool, test: Ordered<f64> },
    Time { negated: bool, test: Ordered<jiff::Timestamp> },
    Bool { negated: bool, values: Vec<bool> },
}

#[derive(Debug, Clone)]
pub(super) enum TextTest {
    /// Sorted.
    In(Vec<Box<str>>),
    Prefix(Box<str>),
    Contains(Box<str>),
}

#[derive(Debug, Clone)]
pub(super) enum Ordered<T> {
    /// Sorted.
    In(Vec<T>),
    Less(T),
    LessOrEqual(T),
    Greater(T),
    GreaterOrEqual(T),
}

/// A value of a document.
#[derive(Clone, Copy)]
enum Stored<'a> {
    Text(&'a str),
    Texts(&'a [Box<str>]),
    Number(f64),
    Bool(bool),
    Time(jiff::Timestamp),
}

/// What was counted of a filter so far.
#[derive(Default)]
pub(super) struct Size {
    leaves: usize,
    values: usize,
}

/// Checks a part of a filter. The levels are bounded, so the recursion is too.
pub(super) fn compile(
    filter: &Filter,
    declared: &DeclaredFields,
    pointer: &str,
    level: usize,
    size: &mut Size,
) -> Result<Node, FilterError> {
    let fail = |problem| FilterError { pointer: pointer.to_owned(), problem };
    if level > MAX_DEPTH {
        return Err(fail(FilterProblem::TooDeep));
    }
    let mut list = |parts: &[Filter], name: &str| -> Result<Vec<Node>, FilterError> {
        let numbered = parts.iter().enumerate();
        numbered.map(|(at, part)| compile(part, declared, &format!("{pointer}/{name}/{at}"), level + 1, size)).collect()
    };
    match filter {
        Filter::And(and) => Ok(Node::And(list(&and.and, "and")?)),
        Filter::Or(or) => Ok(Node::Or(list(&or.or, "or")?)),
        Filter::Not(not) => {
            let inner = compile(&not.not, declared, &format!("{pointer}/not"), level + 1, size)?;
            Ok(Node::Not(Box::new(inner)))
        }
        Filter::Leaf(leaf) => {
            size.leaves += 1;
            if size.leaves > MAX_LEAVES {
                return Err(fail(FilterProblem::TooManyLeaves));
            }
            // Counted whether the field is declared or not.
            size.values += leaf.value.as_array().map_or(1, Vec::len);
            if size.values > MAX_VALUES {
                let pointer = format!("{pointer}/value");
                return Err(FilterError { pointer, problem: FilterProblem::TooManyValues });
            }
            let Some((field, kind)) = find(&leaf.field, declared) else { return Ok(Node::Unknown) };
            // Ids are what they are, byte by byte.
            let is_id = matches!(field, Field::DocumentId | Field::Source);
            let test = test(leaf, kind, if is_id { exact } else { fields::text })
                .map_err(|(part, problem)| FilterError { pointer: format!("{pointer}/{part}"), problem })?;
            Ok(Node::Leaf { field, test })
        }
    }
}

pub(super) fn find(name: &str, declared: &DeclaredFields) -> Option<(Field, FieldType)> {
    match name {
        "document_id" => Some((Field::DocumentId, FieldType::Keyword)),
        "source" => Some((Field::Source, FieldType::Keyword)),
        "title" => Some((Field::Title, FieldType::Keyword)),
        "updated_at" => Some((Field::UpdatedAt, FieldType::Time)),
        _ => declared.find(name).map(|(number, kind)| (Field::Declared(number), kind)),
    }
}

fn exact(value: &Value) -> Result<Box<str>, FilterProblem> {
    value.as_str().map(Into::into).ok_or(FilterProblem::TextExpected)
}

/// The test of a leaf, or the member of the leaf that is wrong.
fn test(
    leaf: &FilterLeaf,
    kind: FieldType,
    text: fn(&Value) -> Result<Box<str>, FilterProblem>,
) -> Result<Test, (String, FilterProblem)> {
    let value = |problem| ("value".to_owned(), problem);
    if leaf.op == FilterOp::Exists {
        return match &leaf.value {
            Value::Null => Ok(Test::Exists(true)),
            Value::Bool(wanted) => Ok(Test::Exists(*wanted)),
            _ => Err(value(FilterProblem::ExistsValue)),
        };
    }
    let negated = matches!(leaf.op, FilterOp::Ne | FilterOp::Nin);
    match kind {
        FieldType::Keyword | FieldType::Keywords => {
            let one = |make: fn(Box<str>) -> TextTest| text(&leaf.value).map(make).map_err(value);
            let test = match leaf.op {
                FilterOp::Prefix => one(TextTest::Prefix)?,
                FilterOp::Contains => one(TextTest::Contains)?,
                _ => {
                    let mut texts: Vec<Box<str>> = alternatives(leaf, text)?;
                    texts.sort_unstable();
                    TextTest::In(texts)
                }
            };
            Ok(Test::Text { negated, test })
        }
        FieldType::Number => Ok(Test::Number { negated, test: ordered(leaf, fields::number)? }),
        FieldType::Time => Ok(Test::Time { negated, test: ordered(leaf, fields::time)? }),
        FieldType::Bool => {
            let parse = |value: &Value| value.as_bool().ok_or(FilterProblem::BoolExpected);
            let mut values = alternatives(leaf, parse)?;
            values.sort_unstable();
            values.dedup();
            Ok(Test::Bool { negated, values })
        }
    }
}

fn ordered<T: PartialOrd>(
    leaf: &FilterLeaf,
    parse: impl Fn(&Value) -> Result<T, FilterProblem>,
) -> Result<Ordered<T>, (String, FilterProblem)> {
    let one = |make: fn(T) -> Ordered<T>| parse(&leaf.value).map(make).map_err(|problem| ("value".to_owned(), problem));
    match leaf.op {
        FilterOp::Lt => one(Ordered::Less),
        FilterOp::Lte => one(Ordered::LessOrEqual),
        FilterOp::Gt => one(Ordered::Greater),
        FilterOp::Gte => one(Ordered::GreaterOrEqual),
        _ => alternatives(leaf, parse).map(|mut values| {
            values.sort_unstable_by(order);
            Ordered::In(values)
        }),
    }
}

/// Of numbers that are all finite, and of times.
fn order<T: PartialOrd>(a: &T, b: &T) -> Ordering {
    a.partial_cmp(b).unwrap_or(Ordering::Equal)
}

/// The value of `eq` and `ne`, or the values of `in` and `nin`.
fn alternatives<T>(
    leaf: &FilterLeaf,
    parse: impl Fn(&Value) -> Result<T, FilterProblem>,
) -> Result<Vec<T>, (String, FilterProblem)> {
    match leaf.op {
        FilterOp::Eq | FilterOp::Ne => {
            parse(&leaf.value).map(|value| vec![value]).map_err(|problem| ("value".to_owned(), problem))
        }
        FilterOp::In | FilterOp::Nin => {
            let list = leaf.value.as_array().ok_or(("value".to_owned(), FilterProblem::ListExpected))?;
            let numbered = list.iter().enumerate();
            numbered.map(|(at, value)| parse(value).map_err(|problem| (format!("value/{at}"), problem))).collect()
        }
        _ => Err(("op".to_owned(), FilterProblem::Operator)),
    }
}

impl Node {
    /// True, false, or unknown.
    pub(super) fn holds(&self, document: &FilterSubject<'_>) -> Option<bool> {
        match self {
            Node::And(parts) => all(parts, document, false),
            Node::Or(parts) => all(parts, document, true),
            Node::Not(inner) => inner.holds(document).map(|holds| !holds),
            Node::Leaf { field, test } => Some(test.holds(field.value(document))),
            Node::Unknown => None,
        }
    }
}

/// `decisive` if one part is it; else unknown if one part is; else its opposite.
fn all(parts: &[Node], document: &FilterSubject<'_>, decisive: bool) -> Option<bool> {
    let mut unknown = false;
    for part in parts {
        match part.holds(document) {
            Some(holds) if holds == decisive => return Some(decisive),
            Some(_) => {}
            None => unknown = true,
        }
    }
    if unknown { None } else { Some(!decisive) }
}

impl Field {
    fn value<'a>(self, document: &FilterSubject<'a>) -> Option<Stored<'a>> {
        match self {
            Field::DocumentId => Some(Stored::Text(document.document_id)),
            Field::Source => Some(Stored::Text(document.source)),
            Field::Title => Some(Stored::Text(document.title)),
            Field::UpdatedAt => Some(Stored::Time(document.updated_at)),
            Field::Declared(number) => document.values.find(number).map(|value| match value {
                FieldValue::Keyword(text) => Stored::Text(text),
                FieldValue::Keywords(texts) => Stored::Texts(texts),
                FieldValue::Number(number) => Stored::Number(*number),
                FieldValue::Bool(value) => Stored::Bool(*value),
                FieldValue::Time(time) => Stored::Time(*time),
            }),
        }
    }
}

impl Test {
    fn holds(&self, value: Option<Stored<'_>>) -> bool {
        match (self, value) {
            (Test::Exists(wanted), value) => value.is_some() == *wanted,
            (Test::Text { negated, test }, Some(Stored::Text(text))) => test.holds(text) != *negated,
            (Test::Text { negated, test }, Some(Stored::Texts(texts))) => {
                texts.iter().any(|text| test.holds(text)) != *negated
            }
            (Test::Number { negated, test }, Some(Stored::Number(number))) => test.holds(number) != *negated,
            (Test::Time { negated, test }, Some(Stored::Time(time))) => test.holds(time) != *negated,
            (Test::Bool { negated, values }, Some(Stored::Bool(value))) => values.contains(&value) != *negated,
            (
                Test::Text { negated, .. }
                | Test::Number { negated, .. }
                | Test::Time { negated, .. }
                | Test::Bool { negated, .. },
                None,
            ) => *negated,
            // The value was made for another declaration; nothing is known about it.
            (_, Some(_)) => false,
        }
    }
}

impl TextTest {
    fn holds(&self, text: &str) -> bool {
        match self {
            TextTest::In(texts) => texts.binary_search_by(|known| (**known).cmp(text)).is_ok(),
            TextTest::Prefix(start) => text.starts_with(&**start),
            TextTest::Contains(part) => text.contains(&**part),
        }
    }
}

impl<T: PartialOrd> Ordered<T> {
    fn holds(&self, value: T) -> bool {
        match self {
            Ordered::In(values) => values.binary_search_by(|known| order(known, &value)).is_ok(),
            Ordered::Less(bound) => value < *bound,
            Ordered::LessOrEqual(bound) => value <= *bound,
            Ordered::Greater(bound) => value > *bound,
            Ordered::GreaterOrEqual(bound) => value >= *bound,
        }
    }
}
