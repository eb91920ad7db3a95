//! Check: one subject, one graph, one model, one context.

use super::{
    audience::AudienceOrdinal,
    condition::{ConditionError, ConditionUse, Context},
    graph::Graph,
    intern::NodeId,
    model::Model,
    tuple::{ObjectRef, SubjectRef, Tuple},
};

/// The third truth value, where nothing decides against it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    #[error("the check needs more than 25 levels of usersets and tuplesets, or more work than is allowed")]
    TooComplex,
    #[error(transparent)]
    Condition(#[from] ConditionError),
}

#[derive(Debug)]
pub struct Evaluator<'a> {
    _graph: &'a Graph,
}

impl<'a> Evaluator<'a> {
    pub fn new(_graph: &'a Graph, _model: &'a Model, _subject: &SubjectRef, _context: &'a Context) -> Evaluator<'a> {
        unimplemented!()
    }
    /// Adds tuples for this evaluator only; each must have passed [`Model::check_contextual`].
    pub fn with_contextual(self, _tuples: &[Tuple]) -> Evaluator<'a> {
        unimplemented!()
    }
    /// An unknown type or relation is false.
    pub fn check(&mut self, _object: &ObjectRef, _relation: &str) -> Result<bool, CheckError> {
        unimplemented!()
    }
    pub fn check_node(&mut self, _node: NodeId, _relation: &str) -> Result<bool, CheckError> {
        unimplemented!()
    }
    pub fn check_audience(&mut self, _audience: AudienceOrdinal, _relation: &str) -> Result<bool, CheckError> {
        unimplemented!()
    }
    /// How all answers so far depend on the context.
    pub fn conditions(&self) -> ConditionUse {
        unimplemented!()
    }
}
