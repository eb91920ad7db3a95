//! A filter for an engine elsewhere: not the same, but never narrower. What it lets through besides, the mask drops.

use super::DeclaredFields;
use super::evaluate::{Field, Node, Ordered, Test, TextTest};
use super::fields::seconds;

/// Beyond what is lost between an instant and its seconds.
const MARGIN: f64 = 0.002;

/// A condition on the metadata of a point.
#[derive(Debug, Clone, PartialEq)]
pub enum Restriction {
    All(Vec<Restriction>),
    Any(Vec<Restriction>),
    Not(Box<Restriction>),
    Test { field: String, test: RestrictionTest },
}

#[derive(Debug, Clone, PartialEq)]
pub enum RestrictionTest {
    /// One of these texts.
    Texts(Vec<String>),
    Bool(bool),
    /// Both ends belong to it.
    Between {
        least: Option<f64>,
        most: Option<f64>,
    },
    /// There is a value.
    Exists,
}

/// A restriction that every document satisfies for which the part is true.
pub(super) fn at_least(node: &Node, fields: &DeclaredFields) -> Option<Restriction> {
    match node {
        Node::And(parts) => {
            let parts: Vec<_> = parts.iter().filter_map(|part| at_least(part, fields)).collect();
            (!parts.is_empty()).then_some(Restriction::All(parts))
        }
        // One part of which nothing can be said makes the whole unsayable.
        Node::Or(parts) => {
            let parts: Option<Vec<_>> = parts.iter().map(|part| at_least(part, fields)).collect();
            parts.filter(|parts| !parts.is_empty()).map(Restriction::Any)
        }
        // What is exact can be negated; nothing else can.
        Node::Not(part) => match &**part {
            Node::Leaf { field, test } if !matches!(test, Test::Time { .. }) => leaf(*field, test, fields).map(not),
            _ => None,
        },
        Node::Leaf { field, test } => leaf(*field, test, fields),
        Node::Unknown => None,
    }
}

fn not(restriction: Restriction) -> Restriction {
    match restriction {
        Restriction::Not(inner) => *inner,
        other => Restriction::Not(Box::new(other)),
    }
}

/// Exact (times excepted), or nothing: a negation of it must be as right as itself. Empty lists are left out: engines
/// differ about them.
fn leaf(field: Field, test: &Test, fields: &DeclaredFields) -> Option<Restriction> {
    let name = match field {
        Field::Declared(number) => fields.name(number)?.to_owned(),
        Field::Source => "source".to_owned(),
        Field::DocumentId | Field::Title | Field::UpdatedAt => return None,
    };
    let test_of = |test| Restriction::Test { field: name.clone(), test };
    let sign = |negated: bool, restriction| if negated { not(restriction) } else { restriction };
    match test {
        Test::Exists(wanted) => Some(sign(!wanted, test_of(RestrictionTest::Exists))),
        Test::Text { negated, test: TextTest::In(texts) } if !texts.is_empty() => {
            let texts = texts.iter().map(|text| text.to_string()).collect();
            Some(sign(*negated, test_of(RestrictionTest::Texts(texts))))
        }
        Test::Bool { negated, values } if !values.is_empty() => {
            let any = values.iter().map(|value| test_of(RestrictionTest::Bool(*value))).collect();
            Some(sign(*negated, Restriction::Any(any)))
        }
        Test::Text { .. } | Test::Bool { .. } => None,
        Test::Number { negated, test } => Some(sign(*negated, ranges(test, |number| *number, 0.0, &test_of)?)),
        // Seconds lose digits: only what is not negated can be widened.
        Test::Time { negated: false, test } => ranges(test, |time| seconds(*time), MARGIN, &test_of),
        Test::Time { .. } => None,
    }
}

/// With a margin for what can't be said exactly. Bounds that are left out of a range are let in where a margin allows it,
/// and can't be said otherwise.
fn ranges<T>(
    test: &Ordered<T>,
    number: impl Fn(&T) -> f64,
    margin: f64,
    test_of: &impl Fn(RestrictionTest) -> Restriction,
) -> Option<Restriction> {
    let between = |least: Option<f64>, most: Option<f64>| {
        let (least, most) = (least.map(|bound| bound - margin), most.map(|bound| bound + margin));
        test_of(RestrictionTest::Between { least, most })
    };
    match test {
        Ordered::In(values) if values.is_empty() => None,
        Ordered::In(values) => {
            let each = values.iter().map(|value| between(Some(number(value)), Some(number(value))));
            Some(Restriction::Any(each.collect()))
        }
        Ordered::LessOrEqual(bound) => Some(between(None, Some(number(bound)))),
        Ordered::GreaterOrEqual(bound) => Some(between(Some(number(bound)), None)),
        Ordered::Less(bound) if margin > 0.0 => Some(between(None, Some(number(bound)))),
        Ordered::Greater(bound) if margin > 0.0 => Some(between(Some(number(bound)), None)),
        // The exact complement of a closed range.
        Ordered::Less(bound) => Some(exactly(test_of(RestrictionTest::Exists), between(Some(number(bound)), None))),
        Ordered::Greater(bound) => Some(exactly(test_of(RestrictionTest::Exists), between(None, Some(number(bound))))),
    }
}

/// There is a value, and it is not in the range.
fn exactly(exists: Restriction, range: Restriction) -> Restriction {
    Restriction::All(vec![exists, not(range)])
}
