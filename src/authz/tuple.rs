//! Relationship tuples and the syntax of their parts.

use std::{fmt, sync::Arc};

use crate::wire;

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
    /// `user:*`
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
    /// Canonical JSON object: sorted keys, no spaces, numbers as written; `{}` when nothing is stored.
    pub context: Arc<str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("malformed")]
    Malformed,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TupleError {
    #[error("the object is malformed")]
    Object(#[source] NameError),
}

impl ObjectRef {
    pub fn new(_object_type: &str, _id: &str) -> Result<ObjectRef, NameError> {
        unimplemented!()
    }
    pub fn parse(_text: &str) -> Result<ObjectRef, NameError> {
        unimplemented!()
    }
}
impl fmt::Display for ObjectRef {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        unimplemented!()
    }
}
impl SubjectRef {
    pub fn parse(_text: &str) -> Result<SubjectRef, NameError> {
        unimplemented!()
    }
    pub fn subject_type(&self) -> &str {
        unimplemented!()
    }
}
impl fmt::Display for SubjectRef {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        unimplemented!()
    }
}
impl Tuple {
    /// Syntax only.
    pub fn parse(_key: &wire::TupleKey) -> Result<Tuple, TupleError> {
        unimplemented!()
    }
    pub fn key(&self) -> (&ObjectRef, &str, &SubjectRef) {
        unimplemented!()
    }
}
impl From<&Tuple> for wire::TupleKey {
    fn from(_tuple: &Tuple) -> wire::TupleKey {
        unimplemented!()
    }
}
