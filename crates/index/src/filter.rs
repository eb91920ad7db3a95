//! Conditions on metadata: checked once against the declared fields, then evaluated per document.
//!
//! A filter narrows what a reader may read and never widens it. A leaf is true or false for every document, but for a
//! field that isn't declared it is *unknown*, as in Kleene's logic: `not` of it is unknown too, and only `true` lets a
//! document pass. So a misspelt field matches nothing, also under `not`, and still leaves the other side of an `or`.
//!
//! A declared field without a value is not equal to anything: `ne` and `nin` hold for it, every other comparison fails.

mod evaluate;
mod fields;
mod restrict;

pub use self::fields::{DeclaredFields, FieldValues, normal};
pub use self::restrict::{Restriction, RestrictionTest};

use std::collections::BTreeSet;

use self::evaluate::Node;
use usher_base::wire;

/// Most leaves of one filter.
pub const MAX_LEAVES: usize = 64;
/// Most values in all lists of one filter.
pub const MAX_VALUES: usize = 1_024;
/// Most levels of one filter; a single leaf is one level.
pub const MAX_DEPTH: usize = 8;

/// A document as a filter sees it.
#[derive(Debug, Clone, Copy)]
pub struct FilterSubject<'a> {
    pub document_id: &'a str,
    pub source: &'a str,
    pub title: &'a str,
    pub updated_at: jiff::Timestamp,
    pub values: &'a FieldValues,
}

/// A filter that fits the declared fields. Evaluating it costs about a comparison per leaf.
#[derive(Debug, Clone)]
pub struct MetadataFilter {
    root: Node,
}

/// A filter or declaration that can't be used, and where in the request body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct FilterError {
    /// JSON pointer (RFC 6901).
    pub pointer: String,
    pub problem: FilterProblem,
}

/// What is wrong with a part of a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FilterProblem {
    #[error("a filter has at most 64 leaves")]
    TooManyLeaves,
    #[error("the lists of a filter have at most 1,024 values in all")]
    TooManyValues,
    #[error("a filter has at most 8 levels")]
    TooDeep,
    #[error("this field takes text")]
    TextExpected,
    #[error("this field takes a number")]
    NumberExpected,
    #[error("this field takes true or false")]
    BoolExpected,
    #[error("this field takes a time as in RFC 3339, for example 2026-01-31T12:00:00Z")]
    TimeExpected,
    #[error("this operator takes a list of values")]
    ListExpected,
    #[error("exists takes true, false or nothing")]
    ExistsValue,
    #[error("this operator does not apply to this type of field")]
    Operator,
    #[error("this name is taken by a built-in field")]
    BuiltIn,
}

/// Whether a filter's field is a built-in one or among those that are declared.
pub fn is_known(name: &str, fields: &DeclaredFields) -> bool {
    evaluate::find(name, fields).is_some()
}

/// Names of the fields of a filter that compiles, each once.
pub fn names(filter: &wire::Filter) -> BTreeSet<&str> {
    match filter {
        wire::Filter::And(all) => all.and.iter().flat_map(names).collect(),
        wire::Filter::Or(any) => any.or.iter().flat_map(names).collect(),
        wire::Filter::Not(not) => names(&not.not),
        wire::Filter::Leaf(leaf) => BTreeSet::from([leaf.field.as_str()]),
    }
}

impl MetadataFilter {
    /// Checks a filter; pointers in errors begin with `/filter`. Values of undeclared fields aren't looked at.
    ///
    /// # Errors
    /// More than [`MAX_LEAVES`], [`MAX_VALUES`] or [`MAX_DEPTH`]; an operator or value that doesn't fit the field.
    pub fn compile(filter: &wire::Filter, fields: &DeclaredFields) -> Result<Self, FilterError> {
        let root = evaluate::compile(filter, fields, "/filter", 1, &mut evaluate::Size::default())?;
        Ok(Self { root })
    }

    /// What an engine can be told of the filter: every document that satisfies the filter satisfies this. `None`: nothing.
    pub fn restriction(&self, fields: &DeclaredFields) -> Option<Restriction> {
        restrict::at_least(&self.root, fields)
    }

    /// Whether the document satisfies the filter.
    pub fn matches(&self, document: &FilterSubject<'_>) -> bool {
        self.root.holds(document) == Some(true)
    }
}

#[cfg(test)]
mod tests;
