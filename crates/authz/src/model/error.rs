//! Why a model or a binding is refused.

use super::super::{condition::ExpressionError, tuple::NameError};

/// Where in a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationAt {
    pub object_type: String,
    pub relation: String,
}

impl std::fmt::Display for RelationAt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}#{}", self.object_type, self.relation)
    }
}

/// Why an authorization model is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    #[error("the model defines no type")]
    Empty,
    #[error("the model defines more than 100 types")]
    TooManyTypes,
    #[error("the model is larger than 256 KiB")]
    TooLarge,
    #[error("schema version `{0}` is not supported (1.1 and 1.2 are)")]
    SchemaVersion(String),
    #[error("the name of type `{name}` is refused: {error}")]
    TypeName { name: String, error: NameError },
    #[error("the name of relation `{at}` is refused: {error}")]
    RelationName { at: RelationAt, error: NameError },
    #[error("`self` and `this` cannot be names: {0}")]
    ReservedName(String),
    #[error("type `{0}` is defined twice")]
    DuplicateType(String),
    #[error("`{at}` refers to relation `{referenced}`, which is not defined")]
    UndefinedRelation { at: RelationAt, referenced: String },
    #[error("`{0}` is defined by itself")]
    SelfReference(RelationAt),
    #[error("`{0}` is directly assignable, but has no type restrictions")]
    NoRestrictions(RelationAt),
    #[error("`{0}` has type restrictions, but is not directly assignable")]
    UnusedRestrictions(RelationAt),
    #[error("type restrictions are given for `{0}`, which is not defined")]
    UndefinedRestricted(RelationAt),
    #[error("`{at}` is restricted to `{restriction}`, which is not defined")]
    UndefinedRestriction { at: RelationAt, restriction: String },
    #[error("`{at}` is restricted with condition `{condition}`, which is not defined")]
    UndefinedCondition { at: RelationAt, condition: String },
    #[error("`{at}` uses `{tupleset}` as a tupleset, which must be exactly directly assignable")]
    TuplesetNotDirect { at: RelationAt, tupleset: String },
    #[error("`{at}` uses `{tupleset}` as a tupleset, which must not admit usersets or wildcards")]
    TuplesetRestriction { at: RelationAt, tupleset: String },
    #[error("`{at}`: no type that `{tupleset}` leads to has relation `{computed}`")]
    NoComputedRelation { at: RelationAt, tupleset: String, computed: String },
    #[error("`{0}`: a union or intersection needs at least two operands")]
    TooFewOperands(RelationAt),
    #[error("`{0}` is part of a cycle of computed relations")]
    ComputedCycle(RelationAt),
    #[error("`{0}` can never have a subject: it has no entry point")]
    NoEntryPoint(RelationAt),
    #[error("the model defines more than 25 conditions")]
    TooManyConditions,
    #[error("condition `{key}` is named `{name}`")]
    ConditionKey { key: String, name: String },
    #[error("the name of condition `{name}` is refused: {error}")]
    ConditionName { name: String, error: NameError },
    #[error("condition `{0}` has more than 25 parameters")]
    TooManyParameters(String),
    #[error("parameter `{parameter}` of condition `{condition}` has no valid type")]
    ParameterType { condition: String, parameter: String },
    #[error("the expression of condition `{0}` is longer than 512 bytes")]
    ExpressionTooLong(String),
    #[error("the expression of condition `{condition}` is refused: {error}")]
    Expression { condition: String, error: ExpressionError },
}

/// Why a collection cannot be bound to these types.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BindingError {
    #[error("the model has no type `{0}`")]
    UnknownType(String),
    #[error("type `{object_type}` has no relation `{relation}`")]
    UnknownRelation { object_type: String, relation: String },
    #[error("sections must have a type of their own")]
    SameType,
    /// Else a section could be readable where its document is not.
    #[error(
        "`{section_type}#{relation}` must be an intersection (or one less an exclusion) with the operand `{relation} \
         from` a relation that admits only `{object_type}`"
    )]
    SectionNotNarrowing { section_type: String, relation: String, object_type: String },
    /// Else the rules of one document would decide about others.
    #[error("documents or sections can't be of type `{object_type}`: type `{heir}` takes over what is granted on it")]
    Inherited { object_type: String, heir: String },
    /// Else the rules of a document would be those of another collection's section.
    #[error("type `{object_type}` is that of the {role} of collection `{collection}`")]
    OtherRole { object_type: String, role: &'static str, collection: String },
}
