//! One immutable graph of one store's tuples; clones share structure.

use std::sync::Arc;

use super::{
    audience::AudienceOrdinal,
    intern::{Interner, NodeId},
    tuple::{ObjectRef, SubjectRef, Tuple},
};

/// A type whose objects are documents or sections of a collection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BoundType {
    pub object_type: String,
    /// For section types: the relation whose subjects are the documents, and their type.
    pub parent_tupleset: Option<String>,
    pub parent_type: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Graph {}

#[derive(Debug)]
pub struct GraphEdit {}

/// What an edit touched.
#[derive(Debug, Clone, Default)]
pub struct GraphChange {}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the tuple exists already")]
pub struct TupleExists;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the tuple does not exist")]
pub struct TupleMissing;

impl GraphChange {
    /// A change of everything: another model, another binding.
    pub fn all() -> GraphChange {
        unimplemented!()
    }
}

impl Graph {
    pub fn new(_bound: Vec<BoundType>) -> Graph {
        unimplemented!()
    }
    pub fn edit(&self) -> GraphEdit {
        unimplemented!()
    }
    pub fn rebind(&self, _bound: Vec<BoundType>) -> Graph {
        unimplemented!()
    }
    pub fn interner(&self) -> &Arc<Interner> {
        unimplemented!()
    }
    pub fn node(&self, _object: &ObjectRef) -> Option<NodeId> {
        unimplemented!()
    }
    pub fn object(&self, _node: NodeId) -> ObjectRef {
        unimplemented!()
    }
    /// The audience of an object of a bound type, with or without tuples; [`AudienceOrdinal::NOBODY`] for other types.
    pub fn audience(&self, _node: NodeId) -> AudienceOrdinal {
        unimplemented!()
    }
    pub fn audience_count(&self) -> u32 {
        unimplemented!()
    }
    pub fn tuple_count(&self) -> usize {
        unimplemented!()
    }
    pub fn get(&self, _object: &ObjectRef, _relation: &str, _subject: &SubjectRef) -> Option<Tuple> {
        unimplemented!()
    }
    pub fn tuples(&self, _node: NodeId) -> Vec<Tuple> {
        unimplemented!()
    }
    pub fn memory_bytes(&self) -> usize {
        unimplemented!()
    }
}

impl GraphEdit {
    pub fn intern(&mut self, _object: &ObjectRef) -> NodeId {
        unimplemented!()
    }
    pub fn write(&mut self, _tuple: &Tuple) -> Result<(), TupleExists> {
        unimplemented!()
    }
    pub fn delete(
        &mut self,
        _object: &ObjectRef,
        _relation: &str,
        _subject: &SubjectRef,
    ) -> Result<Tuple, TupleMissing> {
        unimplemented!()
    }
    pub fn get(&self, _object: &ObjectRef, _relation: &str, _subject: &SubjectRef) -> Option<Tuple> {
        unimplemented!()
    }
    pub fn finish(self) -> (Graph, GraphChange) {
        unimplemented!()
    }
}
