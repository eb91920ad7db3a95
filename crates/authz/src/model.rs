//! Authorization models: the source as it is stored, and its compiled form.
//!
//! Compiling refuses what OpenFGA refuses, so that evaluation never meets a model it cannot follow. A compiled model is
//! immutable and knows no graph; [`link::Linked`] is its view in the numbers of one graph's interner.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;
use parking_lot::Mutex;

use super::{
    condition::{Condition, Environment, stored_of},
    intern::Interner,
    tuple::{SubjectRef, Tuple, TupleError},
};

mod binding;
mod compile;
mod effect;
mod error;
pub(super) mod link;
mod plan;
mod recursion;
mod rule;
mod source;
mod validate;

pub use effect::Effect;
pub use error::{BindingError, ModelError, RelationAt};
pub(super) use link::{Linked, RelationId, Rule};
pub(super) use plan::{Plan, TuplesetStep};
pub use source::{
    AuthorizationModel, Children, ConditionDefinition, Difference, Empty, ObjectRelation, ParameterDefinition,
    RelationMetadata, RelationReference, Rewrite, TupleToUserset, TypeDefinition, TypeMetadata,
};

/// Largest number of types.
pub(super) const MAX_TYPES: usize = 100;
/// Largest JSON form in bytes.
const MAX_BYTES: usize = 256 * 1024;

/// The form of subjects that a type restriction admits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Form {
    Object,
    Userset(String),
    Wildcard,
}

/// `type`, `type#relation` or `type:*`, with or without a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Restriction {
    pub(super) subject_type: String,
    pub(super) form: Form,
    pub(super) condition: Option<String>,
}

/// A relation of one type, its rewrite in the numbers of the model.
#[derive(Debug)]
pub(super) struct Relation {
    pub(super) object_type: String,
    pub(super) name: String,
    pub(super) rule: Rule,
    pub(super) restrictions: Vec<Restriction>,
    /// Whether the relation can reach itself, and then the strongly connected part of the model it belongs to.
    pub(super) recursion: recursion::Recursion,
}

/// A compiled authorization model.
#[derive(Debug)]
pub struct Model {
    id: String,
    source: AuthorizationModel,
    types: HashMap<String, HashMap<String, RelationId>>,
    relations: Vec<Relation>,
    conditions: HashMap<String, Condition>,
    environment: Environment,
    /// The view for the interner used last; a service has one per store, so one slot suffices.
    linked: Mutex<Option<Arc<Linked>>>,
}

impl Model {
    /// Compiles a model, refusing what OpenFGA refuses to write. O(size of the model).
    pub fn compile(id: &str, source: AuthorizationModel) -> Result<Model, ModelError> {
        compile::compile(id, source)
    }

    /// The model's id, a ULID where the service made it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The model as it was written.
    pub fn source(&self) -> &AuthorizationModel {
        &self.source
    }

    /// Whether the model defines the type.
    pub fn has_type(&self, object_type: &str) -> bool {
        self.types.contains_key(object_type)
    }

    /// Whether the type is defined and has the relation.
    pub fn has_relation(&self, object_type: &str, relation: &str) -> bool {
        self.relation_id(object_type, relation).is_some()
    }

    /// Whether the condition is defined.
    pub fn has_condition(&self, condition: &str) -> bool {
        self.conditions.contains_key(condition)
    }

    pub(super) fn relation_id(&self, object_type: &str, relation: &str) -> Option<RelationId> {
        self.types.get(object_type)?.get(relation).copied()
    }

    pub(super) fn relation(&self, id: RelationId) -> Option<&Relation> {
        self.relations.get(usize::from(id.0))
    }

    pub(super) fn relations(&self) -> impl Iterator<Item = (RelationId, &Relation)> {
        self.relations.iter().enumerate().map(|(at, relation)| (RelationId(at as u16), relation))
    }

    pub(super) fn condition(&self, name: &str) -> Option<&Condition> {
        self.conditions.get(name)
    }

    pub(super) fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The model in the numbers of an interner. Computed once per interner; O(relations) then.
    pub(super) fn link(&self, interner: &Arc<Interner>) -> Arc<Linked> {
        let mut slot = self.linked.lock();
        match &*slot {
            Some(linked) if linked.is_for(interner) => linked.clone(),
            _ => {
                let linked = Arc::new(Linked::new(self, interner));
                *slot = Some(linked.clone());
                linked
            }
        }
    }

    /// Whether a tuple may be written: strict, as OpenFGA's Write.
    pub fn check_write(&self, tuple: &Tuple) -> Result<(), TupleError> {
        // A userset that contains itself would say nothing; as a contextual tuple it is harmless and passes.
        if let SubjectRef::Userset(object, relation) = &tuple.subject
            && (object, relation) == (&tuple.object, &tuple.relation)
        {
            return Err(TupleError::Implicit);
        }
        self.check_contextual(tuple)
    }

    /// Whether a tuple may be sent with a request: as a write, but a userset may contain itself.
    pub fn check_contextual(&self, tuple: &Tuple) -> Result<(), TupleError> {
        let object_type = || tuple.object.object_type.clone();
        let relations =
            self.types.get(&tuple.object.object_type).ok_or_else(|| TupleError::UnknownType(object_type()))?;
        let unknown = || TupleError::UnknownRelation { object_type: object_type(), relation: tuple.relation.clone() };
        let relation = relations.get(&tuple.relation).and_then(|id| self.relation(*id)).ok_or_else(unknown)?;
        if relation.restrictions.is_empty() {
            return Err(TupleError::NotAssignable { object_type: object_type(), relation: tuple.relation.clone() });
        }
        let subject_type = tuple.subject.subject_type();
        let subject_relations =
            self.types.get(subject_type).ok_or_else(|| TupleError::UnknownType(subject_type.to_owned()))?;
        if let SubjectRef::Userset(_, relation) = &tuple.subject
            && !subject_relations.contains_key(relation)
        {
            return Err(TupleError::UnknownRelation {
                object_type: subject_type.to_owned(),
                relation: relation.clone(),
            });
        }
        if let Some(condition) = &tuple.condition
            && !self.conditions.contains_key(&condition.name)
        {
            return Err(TupleError::UnknownCondition(condition.name.clone()));
        }
        match relation.admission(tuple) {
            Admission::Admitted => {}
            Admission::Form => {
                return Err(TupleError::SubjectNotAllowed {
                    object_type: object_type(),
                    relation: tuple.relation.clone(),
                    form: tuple.subject.form(),
                });
            }
            Admission::NeedsCondition => {
                return Err(TupleError::ConditionRequired {
                    relation: tuple.relation.clone(),
                    form: tuple.subject.form(),
                });
            }
            Admission::OtherCondition(condition) => return Err(TupleError::ConditionNotAllowed { condition }),
        }
        match tuple.condition.as_ref().and_then(|condition| self.conditions.get(&condition.name)) {
            Some(condition) => condition.check_stored(&stored_of(tuple)),
            None => Ok(()),
        }
    }

    /// Whether a stored tuple counts under this model. Loose: a tuple that does not is skipped, never an error.
    pub fn admits(&self, tuple: &Tuple) -> bool {
        // What a read skips is exactly what a contextual tuple would be refused for.
        self.check_contextual(tuple).is_ok()
    }

    /// Whether the tuple's condition is not met at `now` nor at any later time, whatever else a request says. False for a
    /// condition that this can't be told of.
    pub fn never_holds_again(&self, tuple: &Tuple, now: Timestamp) -> bool {
        let condition = tuple.condition.as_ref().and_then(|stored| self.conditions.get(&stored.name));
        condition.is_some_and(|condition| condition.is_over(&self.environment, &stored_of(tuple), now))
    }
}

/// A question that names what the model does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownName {
    #[error("type `{0}` is not defined")]
    UnknownType(String),
    #[error("type `{object_type}` has no relation `{relation}`")]
    UnknownRelation { object_type: String, relation: String },
    #[error("the subject's type `{0}` is not defined")]
    UnknownSubjectType(String),
    #[error("the subject's type `{object_type}` has no relation `{relation}`")]
    UnknownSubjectRelation { object_type: String, relation: String },
}

impl Model {
    /// Whether the model has what a question about objects of a type names, in the order: type, relation, subject.
    pub fn check_query(&self, object_type: &str, relation: &str, subject: &SubjectRef) -> Result<(), UnknownName> {
        if !self.has_type(object_type) {
            return Err(UnknownName::UnknownType(object_type.to_owned()));
        }
        if !self.has_relation(object_type, relation) {
            let (object_type, relation) = (object_type.to_owned(), relation.to_owned());
            return Err(UnknownName::UnknownRelation { object_type, relation });
        }
        let subject_type = subject.subject_type();
        if !self.has_type(subject_type) {
            return Err(UnknownName::UnknownSubjectType(subject_type.to_owned()));
        }
        match subject {
            SubjectRef::Userset(object, relation) if !self.has_relation(&object.object_type, relation) => {
                let (object_type, relation) = (object.object_type.clone(), relation.clone());
                Err(UnknownName::UnknownSubjectRelation { object_type, relation })
            }
            _ => Ok(()),
        }
    }
}

enum Admission {
    Admitted,
    Form,
    NeedsCondition,
    OtherCondition(String),
}

impl Relation {
    /// By the subject's form and the condition that is named for that form, as OpenFGA does since 1.18.2.
    fn admission(&self, tuple: &Tuple) -> Admission {
        let subject_type = tuple.subject.subject_type();
        let of_form = |restriction: &&Restriction| {
            restriction.subject_type == subject_type
                && match (&tuple.subject, &restriction.form) {
                    (SubjectRef::Object(_), Form::Object) | (SubjectRef::Wildcard(_), Form::Wildcard) => true,
                    (SubjectRef::Userset(_, relation), Form::Userset(admitted)) => relation == admitted,
                    _ => false,
                }
        };
        if !self.restrictions.iter().any(|restriction| of_form(&restriction)) {
            return Admission::Form;
        }
        let wanted = tuple.condition.as_ref().map(|condition| condition.name.as_str());
        let admitted =
            self.restrictions.iter().filter(of_form).any(|restriction| restriction.condition.as_deref() == wanted);
        match (&tuple.condition, admitted) {
            (_, true) => Admission::Admitted,
            (None, false) => Admission::NeedsCondition,
            (Some(condition), false) => Admission::OtherCondition(condition.name.clone()),
        }
    }
}

#[cfg(test)]
mod tests;
