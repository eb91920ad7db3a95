//! Conditions on metadata: checked once against the declared fields, then evaluated per document.

use std::collections::BTreeMap;

use crate::wire::{FieldProblem, FieldType, Fields};

/// The metadata fields that a collection declares.
#[derive(Debug, Clone, Default)]
pub struct DeclaredFields;

/// The declared values of one document, in compact form.
#[derive(Debug, Clone, Default)]
pub struct FieldValues;

/// A document as a filter sees it.
#[derive(Debug, Clone, Copy)]
pub struct FilterSubject<'a> {
    pub document_id: &'a str,
    pub source: &'a str,
    pub title: &'a str,
    pub updated_at: jiff::Timestamp,
    pub values: &'a FieldValues,
}

/// A filter that fits the declared fields.
#[derive(Debug, Clone)]
pub struct MetadataFilter;

/// A filter that can't be used; `pointer` is a JSON pointer into the request body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct FilterError {
    pub pointer: String,
    pub detail: &'static str,
}

#[allow(clippy::unimplemented, reason = "first signatures")]
impl DeclaredFields {
    /// # Errors
    /// A name that is built in (`document_id`, `source`, `title`, `updated_at`).
    pub fn new(_fields: &BTreeMap<String, FieldType>) -> Result<Self, FilterError> {
        unimplemented!()
    }

    /// The declared values of a document's metadata. A value of a wrong type is left out and named in the list
    /// (pointers begin with `/metadata`).
    pub fn values(&self, _metadata: &Fields) -> (FieldValues, Vec<FieldProblem>) {
        unimplemented!()
    }
}

#[allow(clippy::unimplemented, reason = "first signatures")]
impl MetadataFilter {
    /// Checks a filter; pointers in errors begin with `/filter`.
    ///
    /// # Errors
    /// More than 64 leaves or 8 levels; an operator or value that doesn't fit the field.
    pub fn compile(_filter: &crate::wire::Filter, _fields: &DeclaredFields) -> Result<Self, FilterError> {
        unimplemented!()
    }

    /// Whether the document satisfies the filter.
    pub fn matches(&self, _document: &FilterSubject<'_>) -> bool {
        unimplemented!()
    }
}
