//! Relationship-based authorization, pure: ids and data in, decisions out; no I/O, no async runtime.
//!
//! An [`AuthorizationModel`] compiles to a [`Model`]. Tuples live in an immutable [`Graph`], changed by a [`GraphEdit`]
//! that yields the next graph and a [`GraphChange`]. An [`Evaluator`] answers one subject's checks exactly as OpenFGA
//! would; [`AllowedSet`] answers which audiences a reader may see, and is carried over changes instead of being computed
//! again. [`list_objects`], [`list_users`] and [`expand`] serve the OpenFGA surface; [`explain`] retells a check; [`Impact`] says what a change would do. Nothing here may read a
//! clock, a file or the network, and no error may become a grant.

mod audience;
#[cfg(test)]
mod audience_sound;
mod check;
mod condition;
mod edge;
mod explain;
mod fast;
mod graph;
mod impact;
mod intern;
mod list;
mod model;
pub mod names;
mod reach;
mod resolve;
mod sorted;
#[cfg(test)]
mod testing;
mod tuple;

pub use audience::AudienceOrdinal;
pub use check::{CheckError, Evaluator};
pub use condition::{ConditionError, ConditionUse, Context, ExpressionError};
pub use explain::{Explanation, Path, explain};
pub use graph::{BoundType, Graph, GraphChange, GraphEdit, TupleExists, TupleMissing};
pub use impact::{Candidates, Impact, Judge, State, anybody, names_nobody, reached_from, readers_below};
pub use intern::{Interner, NodeId, Symbol};
pub use list::{ExpandNode, ListUsersFilter, ObjectSink, ObjectsQuestion, expand, list_objects, list_users};
pub use model::{
    AuthorizationModel, BindingError, Children, ConditionDefinition, Difference, Effect, Empty, Model, ModelError,
    ObjectRelation, ParameterDefinition, RelationAt, RelationMetadata, RelationReference, Rewrite, TupleToUserset,
    TypeDefinition, TypeMetadata, UnknownName,
};
pub use resolve::{AllowedSet, Binding, Carried, ResolveError, ResolveStats};
pub use tuple::{NameError, ObjectRef, SubjectRef, Tuple, TupleCondition, TupleError};

/// Deepest chain of userset and tupleset hops that a check follows; reaching it is [`CheckError::TooComplex`].
/// OpenFGA's default `resolve-node-limit`.
pub const MAX_DEPTH: u8 = 25;

/// The default authorization model as JSON: the body of WriteAuthorizationModel. Source and tests: `schema/authz/v1`.
pub const DEFAULT_MODEL_JSON: &str = include_str!("../../../schema/authz/v1/model.json");
