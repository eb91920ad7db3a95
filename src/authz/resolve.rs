//! Reader to allowed audiences.

use roaring::RoaringBitmap;

use super::{
    audience::AudienceOrdinal,
    check::CheckError,
    condition::{ConditionUse, Context},
    graph::{Graph, GraphChange},
    model::Model,
    tuple::SubjectRef,
};

/// What "may read" means for a collection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Binding {
    pub object_type: String,
    pub relation: String,
    pub section_type: Option<String>,
    pub section_relation: String,
}

#[derive(Debug, Clone)]
pub struct AllowedSet {}

/// What carrying a set over changes gave.
#[derive(Debug, Clone)]
pub enum Carried {
    /// Exact for the newer graph as it is.
    Unchanged,
    /// Exact for the newer graph in this form.
    Extended(AllowedSet),
    /// Must be resolved again.
    Dropped,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    #[error("only a plain object can be a reader")]
    NotAnObject,
    #[error("an object of a type that a collection binds cannot be a reader")]
    BoundSubject,
    #[error(transparent)]
    Check(#[from] CheckError),
}

/// Work done by one resolve, for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ResolveStats {
    pub audiences_reached: u32,
    pub audiences_evaluated: u32,
    pub nodes_visited: u32,
}

impl AllowedSet {
    /// An audience whose check is an error is denied; see [`AllowedSet::denied_by_error`].
    pub fn resolve(
        _graph: &Graph,
        _model: &Model,
        _binding: &Binding,
        _subject: &SubjectRef,
        _context: &Context,
    ) -> Result<AllowedSet, ResolveError> {
        unimplemented!()
    }
    pub fn contains(&self, _audience: AudienceOrdinal) -> bool {
        unimplemented!()
    }
    pub fn bitmap(&self) -> &RoaringBitmap {
        unimplemented!()
    }
    pub fn conditions(&self) -> ConditionUse {
        unimplemented!()
    }
    /// Audiences whose check was an error, and which are therefore denied.
    pub fn denied_by_error(&self) -> u32 {
        unimplemented!()
    }
    pub fn stats(&self) -> ResolveStats {
        unimplemented!()
    }
    pub fn carry(&self, _changes: &[&GraphChange], _graph: &Graph, _model: &Model, _context: &Context) -> Carried {
        unimplemented!()
    }
}
