//! A store for the tests: a graph, a model, and the questions with the error codes that OpenFGA's surface gives.

use std::{collections::BTreeMap, collections::BTreeSet};

use serde_json::Value;
use usher::limits::Effort;
use usher::{
    authz::{
        AuthorizationModel, BoundType, CheckError, Context, Evaluator, Graph, ListUsersFilter, Model, ObjectRef,
        ObjectsQuestion, SubjectRef, Tuple, TupleError, UnknownName, list_objects, list_users,
    },
    wire,
};

pub const VALIDATION: u16 = 2000;
pub const TOO_COMPLEX: u16 = 2002;
pub const UNKNOWN_TYPE: u16 = 2021;
pub const UNKNOWN_RELATION: u16 = 2022;
pub const INVALID_TUPLE: u16 = 2027;

/// Whatever answers: the evaluator in this process, or a service over HTTP.
pub trait Store {
    /// Makes the model the newest of the store.
    fn put_model(&mut self, json: &str);
    fn write(&mut self, tuples: &[wire::TupleKey]);
    fn delete(&mut self, tuples: &[wire::TupleKey]);
    fn check(&self, key: &wire::TupleKey, context: &Fields, contextual: &[wire::TupleKey]) -> Result<bool, u16>;
    fn list_objects(
        &self,
        object_type: &str,
        relation: &str,
        user: &str,
        context: &Fields,
        contextual: &[wire::TupleKey],
    ) -> Result<BTreeSet<String>, u16>;
    fn list_users(
        &self,
        object: &str,
        relation: &str,
        filter: &str,
        context: &Fields,
        contextual: &[wire::TupleKey],
    ) -> Result<BTreeSet<String>, u16>;
}

/// Makes empty stores; `bind` asks for every type to be bound, if that is possible at all.
pub trait Stores {
    const CAN_BIND: bool;

    fn empty(&self, bind: bool) -> Box<dyn Store>;
}

/// Stores of this process.
pub struct Evaluated;

impl Stores for Evaluated {
    const CAN_BIND: bool = true;

    fn empty(&self, bind: bool) -> Box<dyn Store> {
        Box::new(World { graph: Graph::new(Vec::new()), model: None, bind })
    }
}

struct World {
    graph: Graph,
    model: Option<Model>,
    bind: bool,
}

pub type Fields = BTreeMap<String, Value>;

fn model(json: &str) -> Model {
    let source: AuthorizationModel = serde_json::from_str(json).unwrap();
    let again: AuthorizationModel = serde_json::from_value(serde_json::to_value(&source).unwrap()).unwrap();
    assert_eq!(source, again, "a model survives being stored");
    Model::compile("01HVMMBCMGZNT3SED4Z17ECXCA", source).unwrap()
}

/// Every type of the model bound: objects then share the edges of their audiences wherever they can.
fn all_bound(model: &Model) -> Vec<BoundType> {
    let types = model.source().type_definitions.iter();
    types
        .map(|definition| {
            // As a type of sections where exactly one relation of another bound type would serve as the parent.
            let parent = definition.metadata.as_ref().and_then(|metadata| {
                metadata.relations.iter().find_map(|(relation, restricted)| {
                    let [only] = restricted.directly_related_user_types.as_slice() else { return None };
                    let plain = only.relation.is_empty() && only.wildcard.is_none();
                    (plain && only.subject_type != definition.name)
                        .then(|| (relation.clone(), only.subject_type.clone()))
                })
            });
            let (parent_tupleset, parent_type) = parent.unzip();
            BoundType { object_type: definition.name.clone(), parent_tupleset, parent_type, single_valued: None }
        })
        .collect()
}

impl Store for World {
    fn put_model(&mut self, json: &str) {
        let model = model(json);
        self.graph = self.graph.rebind(if self.bind { all_bound(&model) } else { Vec::new() });
        self.model = Some(model);
    }

    fn write(&mut self, tuples: &[wire::TupleKey]) {
        let mut edit = self.graph.edit();
        for key in tuples {
            let tuple = Tuple::parse(key).unwrap();
            self.model().check_write(&tuple).unwrap_or_else(|error| panic!("{key:?}: {error}"));
            assert!(self.model().admits(&tuple));
            edit.write(&tuple).unwrap();
        }
        self.graph = edit.finish().0;
    }

    fn delete(&mut self, tuples: &[wire::TupleKey]) {
        let mut edit = self.graph.edit();
        for key in tuples {
            let tuple = Tuple::parse(key).unwrap();
            assert_eq!(edit.delete(&tuple.object, &tuple.relation, &tuple.subject), Ok(tuple));
        }
        self.graph = edit.finish().0;
    }

    fn check(&self, key: &wire::TupleKey, context: &Fields, contextual: &[wire::TupleKey]) -> Result<bool, u16> {
        let tuple = Tuple::parse(key).map_err(|_| VALIDATION)?;
        self.model().check_query(&tuple.object.object_type, &tuple.relation, &tuple.subject).map_err(|_| VALIDATION)?;
        let contextual = self.contextual(contextual).map_err(|_| INVALID_TUPLE)?;
        let context = Context(context.clone());
        let mut evaluator =
            Evaluator::new(&self.graph, self.model(), &tuple.subject, &context).with_contextual(&contextual);
        let answer = evaluator.check(&tuple.object, &tuple.relation);
        let again = evaluator.check(&tuple.object, &tuple.relation);
        assert_eq!(answer, again, "a warm evaluator answers as a cold one");
        answer.map_err(code)
    }

    fn list_objects(
        &self,
        object_type: &str,
        relation: &str,
        user: &str,
        context: &Fields,
        contextual: &[wire::TupleKey],
    ) -> Result<BTreeSet<String>, u16> {
        let contextual = self.contextual(contextual).map_err(list_code)?;
        let subject = SubjectRef::parse(user).map_err(|_| VALIDATION)?;
        self.model().check_query(object_type, relation, &subject).map_err(query_code)?;
        let context = Context(context.clone());
        let mut found = Vec::new();
        let question = ObjectsQuestion {
            object_type,
            relation,
            subject: &subject,
            context: &context,
            contextual: &contextual,
            effort: &Effort::unbounded(),
        };
        list_objects(&self.graph, self.model(), &question, &mut found).map_err(code)?;
        let names: BTreeSet<String> = found.iter().map(ObjectRef::to_string).collect();
        assert_eq!(names.len(), found.len(), "no duplicates");
        Ok(names)
    }

    fn list_users(
        &self,
        object: &str,
        relation: &str,
        filter: &str,
        context: &Fields,
        contextual: &[wire::TupleKey],
    ) -> Result<BTreeSet<String>, u16> {
        let contextual = self.contextual(contextual).map_err(list_code)?;
        let object = ObjectRef::parse(object).map_err(|_| VALIDATION)?;
        let (filter_type, filter_relation) = match filter.split_once('#') {
            Some((filter_type, relation)) => (filter_type, Some(relation.to_owned())),
            None => (filter, None),
        };
        let filter = ListUsersFilter { object_type: filter_type.to_owned(), relation: filter_relation };
        if !self.model().has_type(filter_type) || !self.model().has_type(&object.object_type) {
            return Err(UNKNOWN_TYPE);
        }
        let known = filter.relation.as_deref().is_none_or(|relation| self.model().has_relation(filter_type, relation));
        if !known || !self.model().has_relation(&object.object_type, relation) {
            return Err(UNKNOWN_RELATION);
        }
        let context = Context(context.clone());
        let found = list_users(
            &self.graph,
            self.model(),
            &object,
            relation,
            &filter,
            &context,
            &contextual,
            &Effort::unbounded(),
        )
        .map_err(code)?;
        Ok(found.iter().map(SubjectRef::to_string).collect())
    }
}

impl World {
    fn model(&self) -> &Model {
        self.model.as_ref().unwrap()
    }

    fn contextual(&self, keys: &[wire::TupleKey]) -> Result<Vec<Tuple>, TupleError> {
        let mut tuples = Vec::new();
        for key in keys {
            let tuple = Tuple::parse(key)?;
            self.model().check_contextual(&tuple)?;
            tuples.push(tuple);
        }
        Ok(tuples)
    }
}

fn code(error: CheckError) -> u16 {
    match error {
        CheckError::TooComplex | CheckError::Spent(_) => TOO_COMPLEX,
        CheckError::Condition(_) => VALIDATION,
    }
}

/// ListObjects and ListUsers tell faults of conditions from other faults of contextual tuples.
fn list_code(error: TupleError) -> u16 {
    match error {
        TupleError::UnknownCondition(_)
        | TupleError::ConditionNotAllowed { .. }
        | TupleError::ConditionRequired { .. }
        | TupleError::UnknownParameter { .. }
        | TupleError::ParameterType { .. } => VALIDATION,
        _ => INVALID_TUPLE,
    }
}

fn query_code(error: UnknownName) -> u16 {
    match error {
        UnknownName::UnknownType(_) => UNKNOWN_TYPE,
        UnknownName::UnknownRelation { .. } => UNKNOWN_RELATION,
        UnknownName::UnknownSubjectType(_) | UnknownName::UnknownSubjectRelation { .. } => VALIDATION,
    }
}
