//! Assertions: questions with expected answers that tools keep beside a model. They are stored, never run.

use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{Answer, tuple};
use super::error::FgaError;
use super::request::{Body, Call};
use super::rules;
use super::shapes::{Brought, QuestionShape, TupleShape, object, objects};
use crate::authz::{ObjectRef, SubjectRef};
use crate::commit::stores::PutAssertions;
use crate::identity::Scope;
use crate::wire::{Fields, TupleKey};

const MAX_ASSERTIONS: usize = 100;
/// Contextual tuples of one assertion.
const MAX_CONTEXTUAL: usize = 20;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Put {
    #[serde(deserialize_with = "objects")]
    assertions: Vec<AssertionShape>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AssertionShape {
    #[serde(deserialize_with = "object")]
    tuple_key: Option<QuestionShape>,
    expectation: Option<bool>,
    #[serde(deserialize_with = "objects")]
    contextual_tuples: Vec<TupleShape>,
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
        let tuples: Vec<Value> = tuples.iter().map(|sent| tuple(&TupleKey::from(sent))).collect();
        assertions.push(json!({
            "tuple_key": {"object": key.object, "relation": key.relation, "user": key.user},
            "expectation": expectation,
            "contextual_tuples": tuples,
            "context": context,
        }));
    }
    let change =
        PutAssertions { store: call.store.clone(), model: call.model.clone(), assertions: Value::from(assertions) };
    call.service.committer.submit(call.asked(), change).await?;
    Ok(Answer::no_content().by_model(&call.model))
}

pub async fn get(call: Call) -> Result<Answer, FgaError> {
    call.require(Scope::RelationshipsRead)?;
    call.scene(Some(&call.model)).await?;
    let assertions = call.service.catalog.assertions(&call.store, &call.model).await?;
    let body = json!({"authorization_model_id": call.model, "assertions": assertions.unwrap_or_else(|| json!([]))});
    Ok(Answer::ok(body).by_model(&call.model))
}
