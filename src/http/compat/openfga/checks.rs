//! Check and BatchCheck.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::Answer;
use super::answers::{Decision, DecisionError, Decisions, OneDecision};
use super::error::FgaError;
use super::request::{Body, Call, Scene, evaluate};
use super::rules;
use super::shapes::{
    Brought, Consistency, PlainContext, Premises, QuestionShape, TupleKeys, nullable, object, objects,
};
use crate::authz::{Evaluator, ObjectRef, SubjectRef};
use crate::identity::Scope;
use crate::limits::Effort;
use crate::wire::Fields;

/// Checks of one batch.
const MAX_CHECKS: usize = 50;
/// Longest correlation id, characters.
const MAX_CORRELATION: usize = 36;

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "OpenFgaCheck", extend("required" = ["tuple_key"]))]
pub struct Check {
    #[serde(deserialize_with = "object")]
    #[schemars(with = "QuestionShape")]
    tuple_key: Option<QuestionShape>,
    #[serde(flatten)]
    premises: Premises,
}

/// One decision to be made.
#[derive(Clone, PartialEq)]
struct Question {
    key: QuestionShape,
    brought: Brought,
}

impl Question {
    fn new(
        key: Option<QuestionShape>,
        tuples: Option<TupleKeys>,
        context: Option<Fields>,
    ) -> Result<Question, FgaError> {
        let key = key.ok_or_else(FgaError::no_tuple_key)?;
        rules::tuple(&key)?;
        Ok(Question { key, brought: Brought::of(tuples, context)? })
    }

    fn decide(&self, scene: &Scene, effort: &Effort) -> Result<bool, FgaError> {
        let object = ObjectRef::parse(&self.key.object).map_err(|error| FgaError::malformed("object", error))?;
        let subject = SubjectRef::parse(&self.key.user).map_err(|error| FgaError::malformed("user", error))?;
        let relation = &self.key.relation;
        scene
            .model
            .check_query(&object.object_type, relation, &subject)
            .map_err(|error| FgaError::validation(error.to_string()))?;
        let tuples = self.brought.admitted(&scene.model).map_err(|error| FgaError::invalid_tuple(&error))?;
        let mut evaluator = Evaluator::new(&scene.store.graph, &scene.model, &subject, &self.brought.context)
            .with_contextual(&tuples)
            .within(effort);
        Ok(evaluator.check(&object, relation)?)
    }
}

pub async fn check(call: Call, Body(body): Body<Check>) -> Result<Answer, FgaError> {
    call.require(Scope::RelationshipsRead)?;
    let Premises { contextual_tuples, context, authorization_model_id: model_id, .. } = body.premises;
    rules::model_id(model_id.as_deref())?;
    let question = Question::new(body.tuple_key, contextual_tuples, context)?;
    let scene = call.scene(model_id.as_deref()).await?;
    let model = scene.model.clone();
    let asked = question.key.show();
    let allowed = evaluate(&call, move |effort| question.decide(&scene, effort)).await?;
    call.record("relationships.check", vec![asked]).await?;
    Ok(Answer::ok(Decision { allowed, resolution: "" }).by_model(model.id()))
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "OpenFgaBatchCheck", extend("required" = ["checks"]))]
pub struct BatchCheck {
    #[serde(deserialize_with = "objects")]
    #[schemars(length(min = 1, max = MAX_CHECKS))]
    checks: Vec<BatchItem>,
    #[schemars(regex(pattern = rules::ID_OR_NEWEST))]
    authorization_model_id: Option<String>,
    #[serde(rename = "consistency")]
    _consistency: Consistency,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "OpenFgaBatchItem", extend("required" = ["tuple_key", "correlation_id"]))]
pub struct BatchItem {
    #[serde(deserialize_with = "object")]
    #[schemars(with = "QuestionShape")]
    tuple_key: Option<QuestionShape>,
    #[serde(deserialize_with = "object")]
    contextual_tuples: Option<TupleKeys>,
    #[schemars(with = "PlainContext")]
    context: Option<Fields>,
    /// Another one for each check.
    #[serde(deserialize_with = "nullable")]
    #[schemars(regex(pattern = rules::CORRELATION), length(max = MAX_CORRELATION))]
    correlation_id: String,
}

pub async fn batch_check(call: Call, Body(body): Body<BatchCheck>) -> Result<Answer, FgaError> {
    call.require(Scope::RelationshipsRead)?;
    rules::model_id(body.authorization_model_id.as_deref())?;
    let mut items = Vec::with_capacity(body.checks.len());
    for item in body.checks {
        let question = Question::new(item.tuple_key, item.contextual_tuples, item.context)?;
        items.push((item.correlation_id, question));
    }
    let scene = call.scene(body.authorization_model_id.as_deref()).await?;
    if items.is_empty() || items.len() > MAX_CHECKS {
        return Err(FgaError::validation("1 to 50 checks are needed"));
    }
    check_correlation(&items)?;
    // Equal questions are decided once.
    let mut distinct: Vec<Question> = Vec::new();
    let mut places = Vec::with_capacity(items.len());
    for (id, question) in items {
        let place = distinct.iter().position(|known| *known == question).unwrap_or_else(|| {
            distinct.push(question);
            distinct.len() - 1
        });
        places.push((id, place));
    }
    let asked = distinct.iter().map(|question| question.key.show()).collect();
    // One after the other: a batch is one request, with one request's share of the machine.
    let of = scene.clone();
    let decide = move |effort: &Effort| {
        let decided = distinct.iter().map(|question| item_answer(question.decide(&of, effort)));
        Ok(decided.collect::<Vec<OneDecision>>())
    };
    let answers = evaluate(&call, decide).await?;
    call.record("relationships.check", asked).await?;
    let answer = |(id, place): (String, usize)| Some((id, answers.get(place)?.clone()));
    let result = places.into_iter().filter_map(answer).collect();
    Ok(Answer::ok(Decisions { result }).by_model(scene.model.id()))
}

fn check_correlation(items: &[(String, Question)]) -> Result<(), FgaError> {
    let is_good = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let mut seen = HashSet::new();
    for (id, _) in items {
        if id.is_empty() || id.len() > MAX_CORRELATION || !id.chars().all(is_good) || !seen.insert(id) {
            return Err(FgaError::validation(
                "every check needs a correlation_id of its own, 1 to 36 of [A-Za-z0-9_-]",
            ));
        }
    }
    Ok(())
}

fn item_answer(decision: Result<bool, FgaError>) -> OneDecision {
    match decision {
        Ok(allowed) => OneDecision::Allowed(allowed),
        Err(error) => {
            let (input_error, internal_error) =
                if error.is_input() { (Some(error.code), None) } else { (None, Some(error.code)) };
            OneDecision::Error(DecisionError { input_error, internal_error, message: error.message })
        }
    }
}
