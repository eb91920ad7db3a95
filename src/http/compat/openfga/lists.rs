//! ListObjects, StreamedListObjects and ListUsers.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::body::{Body as AnswerBody, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use super::answer::{Answer, MODEL_ID, header_value};
use super::answers::{self, StreamError};
use super::error::FgaError;
use super::request::{Body, Call, Scene, evaluate};
use super::rules;
use super::shapes::{Brought, Consistency, PlainContext, Premises, TupleShape, nullable, object, objects};
use crate::authz::{
    ListUsersFilter, ObjectRef, ObjectSink, ObjectsQuestion, SubjectRef, list_objects as list,
    list_users as list_of_users,
};
use crate::identity::Scope;
use crate::limits::Effort;
use crate::wire::Fields;
use crate::wire::bounds::{NAME, OBJECT_ID, SUBJECT};

/// Most objects or users of one answer; a stream has no such bound.
const MAX_RESULTS: usize = 1000;
/// How long objects are looked for: what is found by then still has to be answered within the deadline of the call.
const LISTING: Duration = Duration::from_millis(2_700);
/// Bytes that wait for a slow reader of a stream.
const MAX_WAITING: usize = 8 * 1024 * 1024;
/// Bytes of lines that are sent at once, and how long the first of them may wait for the others.
const BATCH: usize = 16 * 1024;
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "OpenFgaListObjects", extend("required" = ["type", "relation", "user"]))]
pub struct ListObjects {
    #[serde(rename = "type", deserialize_with = "nullable")]
    #[schemars(regex(pattern = NAME), length(max = rules::MAX_TYPE), example = &"group")]
    object_type: String,
    #[serde(deserialize_with = "nullable")]
    #[schemars(regex(pattern = NAME), length(max = rules::MAX_RELATION), example = &"member")]
    relation: String,
    #[serde(deserialize_with = "nullable")]
    #[schemars(regex(pattern = SUBJECT), length(max = rules::MAX_USER), example = &"user:anne")]
    user: String,
    #[serde(flatten)]
    premises: Premises,
}

/// A listing within its bounds, not yet compared with a model.
struct Objects {
    object_type: String,
    relation: String,
    user: String,
    brought: Brought,
}

impl Objects {
    async fn of(call: &Call, body: ListObjects) -> Result<(Self, Scene), FgaError> {
        call.require(Scope::RelationshipsRead)?;
        let Premises { contextual_tuples, context, authorization_model_id: model_id, .. } = body.premises;
        rules::model_id(model_id.as_deref())?;
        rules::object_type("type", &body.object_type)?;
        rules::relation("relation", &body.relation)?;
        rules::user(&body.user)?;
        let brought = Brought::of(contextual_tuples, context)?;
        let scene = call.scene(model_id.as_deref()).await?;
        Ok((Self { object_type: body.object_type, relation: body.relation, user: body.user, brought }, scene))
    }

    /// For a record.
    fn show(&self) -> String {
        format!("{}:#{}@{}", self.object_type, self.relation, self.user)
    }

    /// The order of what is refused is OpenFGA's: contextual tuples, type, relation, user.
    fn list(&self, scene: &Scene, sink: &mut dyn ObjectSink, effort: &Effort) -> Result<(), FgaError> {
        let tuples = self.brought.admitted(&scene.model).map_err(|error| FgaError::refused_in_listing(&error))?;
        let model = &scene.model;
        if !model.has_type(&self.object_type) {
            return Err(FgaError::unknown_type(&self.object_type));
        }
        if !model.has_relation(&self.object_type, &self.relation) {
            return Err(FgaError::unknown_relation(&self.object_type, &self.relation));
        }
        let subject = SubjectRef::parse(&self.user).map_err(|error| FgaError::malformed("user", error))?;
        model
            .check_query(&self.object_type, &self.relation, &subject)
            .map_err(|error| FgaError::validation(error.to_string()))?;
        let question = ObjectsQuestion {
            object_type: &self.object_type,
            relation: &self.relation,
            subject: &subject,
            context: &self.brought.context,
            contextual: &tuples,
            effort,
        };
        Ok(list(&scene.store.graph, model, &question, sink)?)
    }
}

/// Keeps the first objects that are found in time. As with OpenFGA, nothing says that there may be more.
struct Bounded {
    objects: Vec<String>,
    until: Instant,
}

impl ObjectSink for Bounded {
    fn take(&mut self, object: ObjectRef) {
        self.objects.push(object.to_string());
    }

    fn wants_more(&mut self) -> bool {
        self.objects.len() < MAX_RESULTS && Instant::now() < self.until
    }
}

pub async fn list_objects(call: Call, Body(body): Body<ListObjects>) -> Result<Answer, FgaError> {
    let (question, scene) = Objects::of(&call, body).await?;
    let model = scene.model.clone();
    let asked = question.show();
    let mut sink = Bounded { objects: Vec::new(), until: Instant::now() + LISTING };
    // The sink ends the walk in time, with what was found; a single endless decision is an error.
    let work = move |effort: &Effort| question.list(&scene, &mut sink, effort).map(|()| sink.objects);
    let objects = evaluate(&call, work).await?;
    call.record("relationships.list_objects", vec![asked, format!("{} objects", objects.len())]).await?;
    Ok(Answer::ok(answers::Objects { objects }).by_model(model.id()))
}

/// Hands objects to the connection as they are found, and never waits for it: what it has not taken yet is kept, up to a
/// limit that ends the listing with an error. A reader that went away ends it too.
struct Streamed {
    lines: mpsc::UnboundedSender<Bytes>,
    /// Bytes that were sent and not yet taken.
    waiting: Arc<AtomicUsize>,
    /// Lines that are not sent yet.
    batch: Vec<u8>,
    sent: Instant,
    until: Instant,
    has_sent: bool,
    is_full: bool,
}

impl Streamed {
    fn send(&mut self) {
        let batch = Bytes::from(std::mem::take(&mut self.batch));
        self.waiting.fetch_add(batch.len(), Ordering::Relaxed);
        (self.sent, self.has_sent) = (Instant::now(), true);
        // Whether anybody still reads is asked elsewhere.
        let _ = self.lines.send(batch);
    }

    fn end(mut self, outcome: Result<(), FgaError>) {
        let outcome = if self.is_full { Err(FgaError::slow_reader()) } else { outcome };
        if let Err(error) = outcome {
            self.batch.extend(line(&StreamError::from(&error)));
        }
        if !self.batch.is_empty() {
            self.send();
        }
    }
}

impl ObjectSink for Streamed {
    fn take(&mut self, object: ObjectRef) {
        let is_first = self.waiting.load(Ordering::Relaxed) == 0;
        self.batch.extend(line(&json!({"result": {"object": object.to_string()}})));
        if is_first || self.batch.len() >= BATCH || self.sent.elapsed() >= PAUSE {
            self.send();
        }
    }

    fn wants_more(&mut self) -> bool {
        self.is_full |= self.waiting.load(Ordering::Relaxed) >= MAX_WAITING;
        !self.is_full && !self.lines.is_closed() && Instant::now() < self.until
    }
}

/// One JSON object per line. A failure after the first line is a line of its own; before it, it also is the status.
pub async fn streamed_list_objects(call: Call, Body(body): Body<ListObjects>) -> Result<Response, FgaError> {
    call.require(Scope::RelationshipsRead)?;
    let failed = |error: FgaError| {
        let only = Bytes::from(line(&StreamError::from(&error)));
        stream(error.status(), futures::stream::iter([Ok(only)]))
    };
    let (question, scene) = match Objects::of(&call, body).await {
        Ok(question) => question,
        Err(error) => return Ok(failed(error)),
    };
    // Kept until the last line is taken.
    let place = call.service.streams.try_take(&call.caller.principal.payer()).map_err(|_| FgaError::rate_limited())?;
    let turn = call.turn().holding(place);
    let effort = turn.place().await?;
    // Before the first line leaves; how many there will be is not known yet.
    call.record("relationships.list_objects", vec![question.show()]).await?;
    let model = header_value(scene.model.id());
    let (lines, mut found) = mpsc::unbounded_channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    let (first, failure) = oneshot::channel();
    let mut sink = Streamed {
        lines,
        waiting: waiting.clone(),
        batch: Vec::new(),
        sent: Instant::now(),
        until: Instant::now() + LISTING,
        has_sent: false,
        is_full: false,
    };
    crate::spans::blocking(move || {
        let outcome = question.list(&scene, &mut sink, &effort);
        match outcome {
            // Nothing was found before: the answer as a whole is the error.
            Err(error) if !sink.has_sent && sink.batch.is_empty() => {
                let _ = first.send(error);
            }
            outcome => sink.end(outcome),
        }
    });
    let begin = found.recv().await;
    if begin.is_none()
        && let Ok(error) = failure.await
    {
        return Ok(failed(error));
    }
    let taken = move |batch: Bytes| {
        waiting.fetch_sub(batch.len(), Ordering::Relaxed);
        batch
    };
    let first = futures::stream::iter(begin);
    // With the turn in it: a reader that leaves ends the work.
    let rest = futures::stream::unfold((found, turn), async |(mut found, turn)| {
        let next = found.recv().await?;
        Some((next, (found, turn)))
    });
    let mut response = stream(StatusCode::OK, first.chain(rest).map(move |batch| Ok(taken(batch))));
    if let Some(model) = model {
        response.headers_mut().insert(MODEL_ID, model);
    }
    Ok(response)
}

fn stream(status: StatusCode, lines: impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (status, kind, AnswerBody::from_stream(lines)).into_response()
}

fn line(value: &impl Serialize) -> Vec<u8> {
    // INVARIANT: texts and numbers always serialise.
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "OpenFgaListUsers", extend("required" = ["object", "relation", "user_filters"]))]
pub struct ListUsers {
    #[serde(deserialize_with = "object")]
    #[schemars(with = "ObjectShape")]
    object: Option<ObjectShape>,
    #[serde(deserialize_with = "nullable")]
    #[schemars(regex(pattern = NAME), length(max = rules::MAX_RELATION), example = &"member")]
    relation: String,
    #[serde(deserialize_with = "objects")]
    #[schemars(length(min = 1, max = 1))]
    user_filters: Vec<FilterShape>,
    /// A list, unlike elsewhere.
    #[serde(deserialize_with = "objects")]
    #[schemars(with = "Option<Vec<TupleShape>>", length(max = rules::MAX_CONTEXTUAL))]
    contextual_tuples: Vec<TupleShape>,
    #[schemars(with = "PlainContext")]
    context: Option<Fields>,
    #[schemars(regex(pattern = rules::ID_OR_NEWEST))]
    authorization_model_id: Option<String>,
    #[serde(rename = "consistency")]
    _consistency: Consistency,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "OpenFgaObjectAsked", extend("required" = ["type", "id"]))]
struct ObjectShape {
    #[serde(rename = "type", deserialize_with = "nullable")]
    #[schemars(regex(pattern = NAME), length(max = rules::MAX_TYPE), example = &"group")]
    object_type: String,
    #[serde(deserialize_with = "nullable")]
    #[schemars(regex(pattern = OBJECT_ID), length(max = rules::MAX_OBJECT), example = &"staff")]
    id: String,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "OpenFgaUserFilter", extend("required" = ["type"]))]
struct FilterShape {
    #[serde(rename = "type", deserialize_with = "nullable")]
    #[schemars(regex(pattern = NAME), length(max = rules::MAX_TYPE), example = &"user")]
    object_type: String,
    #[serde(deserialize_with = "nullable")]
    #[schemars(with = "Option<String>", regex(pattern = rules::NAME_OR_NOTHING), length(max = rules::MAX_RELATION))]
    relation: String,
}

/// As [`Objects`].
struct Users {
    object: ObjectShape,
    relation: String,
    filter: ListUsersFilter,
    brought: Brought,
}

impl Users {
    fn of(body: ListUsers) -> Result<Self, FgaError> {
        let object = body.object.ok_or_else(|| FgaError::validation("object: it is needed, with `type` and `id`"))?;
        rules::object_type("object.type", &object.object_type)?;
        if object.id.is_empty() || object.id.len() > rules::MAX_OBJECT {
            return Err(FgaError::validation("object.id: 1 to 256 characters are expected"));
        }
        rules::relation("relation", &body.relation)?;
        let Ok([filter]) = <[FilterShape; 1]>::try_from(body.user_filters) else {
            return Err(FgaError::validation("user_filters: exactly one is needed"));
        };
        rules::object_type("user_filters.type", &filter.object_type)?;
        let relation = Some(filter.relation).filter(|relation| !relation.is_empty());
        if let Some(relation) = &relation {
            rules::relation("user_filters.relation", relation)?;
        }
        let filter = ListUsersFilter { object_type: filter.object_type, relation };
        let brought = Brought::new(body.contextual_tuples, body.context)?;
        Ok(Self { object, relation: body.relation, filter, brought })
    }

    fn list(&self, scene: &Scene, effort: &Effort) -> Result<Vec<SubjectRef>, FgaError> {
        let tuples = self.brought.admitted(&scene.model).map_err(|error| FgaError::refused_in_listing(&error))?;
        let model = &scene.model;
        let ListUsersFilter { object_type: filter_type, relation: filter_relation } = &self.filter;
        if !model.has_type(filter_type) {
            return Err(FgaError::unknown_type(filter_type));
        }
        if let Some(relation) = filter_relation.as_deref().filter(|relation| !model.has_relation(filter_type, relation))
        {
            return Err(FgaError::unknown_relation(filter_type, relation));
        }
        if !model.has_type(&self.object.object_type) {
            return Err(FgaError::unknown_type(&self.object.object_type));
        }
        if !model.has_relation(&self.object.object_type, &self.relation) {
            return Err(FgaError::unknown_relation(&self.object.object_type, &self.relation));
        }
        let object = ObjectRef::new(&self.object.object_type, &self.object.id)
            .map_err(|error| FgaError::malformed("object", error))?;
        let (graph, context) = (&scene.store.graph, &self.brought.context);
        Ok(list_of_users(graph, model, &object, &self.relation, &self.filter, context, &tuples, effort)?)
    }
}

pub async fn list_users(call: Call, Body(body): Body<ListUsers>) -> Result<Answer, FgaError> {
    call.require(Scope::RelationshipsRead)?;
    rules::model_id(body.authorization_model_id.as_deref())?;
    let model_id = body.authorization_model_id.clone();
    let question = Users::of(body)?;
    let scene = call.scene(model_id.as_deref()).await?;
    let model = scene.model.clone();
    let asked = format!("{}:{}#{}", question.object.object_type, question.object.id, question.relation);
    let users = evaluate(&call, move |effort| question.list(&scene, effort)).await?;
    call.record("relationships.list_users", vec![asked, format!("{} users", users.len())]).await?;
    let users = users.iter().take(MAX_RESULTS).map(answers::User::from).collect();
    Ok(Answer::ok(answers::Users { users }).by_model(model.id()))
}
