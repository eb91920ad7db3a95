//! ListObjects, ListUsers and Expand.

use super::{
    check::CheckError,
    condition::Context,
    graph::Graph,
    model::Model,
    tuple::{ObjectRef, SubjectRef, Tuple},
};

/// `type` or `type#relation`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListUsersFilter {
    pub object_type: String,
    pub relation: Option<String>,
}

/// One node of an expansion; its name is always `object#relation`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpandTree {
    pub root: ExpandNode,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpandNode {
    /// Sorted and distinct.
    Users(Vec<SubjectRef>),
    /// `object#relation`
    Computed(String),
    /// The tupleset `object#relation`, and the computed usersets it leads to.
    TupleToUserset {
        tupleset: String,
        computed: Vec<String>,
    },
    Union(Vec<ExpandNode>),
    Intersection(Vec<ExpandNode>),
    Difference {
        base: Box<ExpandNode>,
        subtract: Box<ExpandNode>,
    },
}

/// The objects of a type for which Check is true, unordered, without duplicates. A check error on any object fails.
pub fn list_objects(
    _graph: &Graph,
    _model: &Model,
    _object_type: &str,
    _relation: &str,
    _subject: &SubjectRef,
    _context: &Context,
    _contextual: &[Tuple],
) -> Result<Vec<ObjectRef>, CheckError> {
    unimplemented!()
}

/// Users with a path of their own to the relation, and wildcards with one.
pub fn list_users(
    _graph: &Graph,
    _model: &Model,
    _object: &ObjectRef,
    _relation: &str,
    _filter: &ListUsersFilter,
    _context: &Context,
    _contextual: &[Tuple],
) -> Result<Vec<SubjectRef>, CheckError> {
    unimplemented!()
}

/// One level of the relation's rewrite; `None` for an unknown type or relation.
pub fn expand(
    _graph: &Graph,
    _model: &Model,
    _object: &ObjectRef,
    _relation: &str,
    _contextual: &[Tuple],
) -> Option<ExpandTree> {
    unimplemented!()
}
