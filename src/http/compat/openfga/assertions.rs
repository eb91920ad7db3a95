//! Assertions: questions with expected answers that tools keep beside a model. They are stored, never run.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::answer::Answer;
use super::answers::{Asked, Assertion, Assertions, Tuple};
use super::error::FgaError;
use super::request::{Body, Call};
use super::rules;
use super::shapes::{Brought, PlainContext, QuestionShape, TupleShape, object, objects};
use crate::authz::{ObjectRef, SubjectRef};
use crate::commit::stores::PutAssertions;
use crate::identity::Scope;
use crate::wire::{Fields, TupleKey};

const MAX_ASSERTIONS: usize = 100;
/// Contextual tuples of one assertion.
const MAX_CONTEXTUAL: usize = 20;

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "OpenFgaPutAssertions")]
pub struct Put {
    #[serde(deserialize_with = "objects")]
    #[schemars(with = "Option<Vec<AssertionShape>>", length(max = MAX_ASSERTIONS))]
    assertions: Vec<AssertionShape>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "OpenFgaAssertionSent", extend("required" = ["tuple_key"]))]
struct AssertionShape {
    #[serde(deserialize_with = "object")]
    #[schemars(with = "QuestionShape")]
    tuple_key: Option<QuestionShape>,
    expectation: Option<bool>,
    #[serde(deserialize_with = "objects")]
    #[schemars(with = "Option<Vec<TupleShape>>", length(max = MAX_CONTEXTUAL))]
    contextual_tuples: Vec<TupleShape>,
    #[schemars(with = "PlainContext")]
    context: Option<Fields>,
}

pub async fn put(call: Call, Body(body): Body<Put>) -> Result<Answer, FgaError> {
    call.require(Scope::Admin)?;
    if body.assertions.len() > MAX_ASSERTIONS {
        return Err(FgaError::bad("assertions_too_many_items", "at most 100 assertions are allowed"));
    }
    let mut parsed = Vec::with_capacity(body.assertions.len());
    for assertion in body.assertions {
        let key = assertion.tuple_key.ok_or_else(FgaError::no_tuple_key)?;
        rules::tuple(&key)?;
        if assertion.contextual_tuples.len() > MAX_CONTEXTUAL {
            return Err(FgaError::validation("at most 20 contextual tuples are allowed in an assertion"));
        }
        let brought = Brought::new(assertion.contextual_tuples, assertion.context.clone())?;
        parsed.push((key, assertion.expectation.unwrap_or_default(), brought, assertion.context));
    }
    let scene = call.scene(Some(&call.model)).await?;
    let mut assertions = Vec::with_capacity(parsed.len());
    for (key, expectation, brought, context) in parsed {
        let object = ObjectRef::parse(&key.object).map_err(|error| FgaError::malformed("object", error))?;
        let subject = SubjectRef::parse(&key.user).map_err(|error| FgaError::malformed("user", error))?;
        scene
            .model
            .check_query(&object.object_type, &key.relation, &subject)
            .map_err(|error| FgaError::validation(error.to_string()))?;
        let tuples = brought.admitted(&scene.model).map_err(|error| FgaError::validation(error.to_string()))?;
        let QuestionShape { object, relation, user } = key;
        assertions.push(Assertion {
            tuple_key: Asked { object, relation, user },
            expectation,
            contextual_tuples: tuples.iter().map(|sent| Tuple::from(&TupleKey::from(sent))).collect(),
            context,
        });
    }
    let assertions = serde_json::to_value(assertions).map_err(|_| FgaError::internal())?;
    let change = PutAssertions { store: call.store.clone(), model: call.model.clone(), assertions };
    call.service.committer.submit(call.asked(), change).await?;
    Ok(Answer::no_content().by_model(&call.model))
}

pub async fn get(call: Call) -> Result<Answer, FgaError> {
    call.require(Scope::RelationshipsRead)?;
    call.scene(Some(&call.model)).await?;
    let assertions = call.service.catalog.assertions(&call.store, &call.model).await?;
    let assertions = assertions.unwrap_or_else(|| json!([]));
    let body = Assertions { authorization_model_id: call.model.clone(), assertions };
    Ok(Answer::ok(body).by_model(&call.model))
}
