//! ListObjects, StreamedListObjects and ListUsers.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use axum::body::{Body as AnswerBody, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::answer::{Answer, MODEL_ID, header_value};
use super::error::FgaError;
use super::request::{Body, Call, Scene, evaluate};
use super::rules;
use super::shapes::{Brought, Consistency, Premises, TupleShape, nullable, object, objects};
use crate::authz::{
    ListUsersFilter, ObjectRef, ObjectSink, ObjectsQuestion, SubjectRef, list_objects as list,
    list_users as list_of_users,
};
use crate::identity::Scope;
use crate::wire::Fields;

/// Most objects or users of one answer; a stream has no such bound.
const MAX_RESULTS: usize = 1000;
/// How long objects are looked for: what is found by then still has to be answered within the deadline of the call.
const LISTING: Duration = Duration::from_millis(2_700);
/// Found objects that wait for a slow reader of a stream.
const WAITING: usize = 64;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ListObjects {
    #[serde(rename = "type", deserialize_with = "nullable")]
    object_type: String,
    #[serde(deserialize_with = "nullable")]
    relation: String,
    #[serde(deserialize_with = "nullable")]
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

    /// The order of what is refused is OpenFGA's: contextual tuples, type, relation, user.
    fn list(&self, scene: &Scene, sink: &mut dyn ObjectSink) -> Result<(), FgaError> {
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
    let mut sink = Bounded { objects: Vec::new(), until: Instant::now() + LISTING };
    let work = move || question.list(&scene, &mut sink).map(|()| sink.objects);
    // The sink ends the walk in time, with what was found; a single endless decision must not hold the caller longer.
    let objects = evaluate(work).await?;
    Ok(Answer::ok(json!({"objects": objects})).by_model(model.id()))
}

/// Hands objects to the connection as they are found; a reader that went away ends the listing.
struct Streamed {
    lines: mpsc::Sender<Result<ObjectRef, FgaError>>,
    until: Instant,
}

impl ObjectSink for Streamed {
    fn take(&mut self, object: ObjectRef) {
        // Whether anybody still reads is asked below.
        let _ = self.lines.blocking_send(Ok(object));
    }

    fn wants_more(&mut self) -> bool {
        !self.lines.is_closed() && Instant::now() < self.until
    }
}

/// One JSON object per line. A failure after the first line is a line of its own; before it, it also is the status.
pub async fn streamed_list_objects(call: Call, Body(body): Body<ListObjects>) -> Result<Response, FgaError> {
    call.require(Scope::RelationshipsRead)?;
    let (question, scene) = match Objects::of(&call, body).await {
        Ok(question) => question,
        Err(error) => return Ok(stream(error.status(), futures::stream::iter([line(&Err(error))]))),
    };
    let model = header_value(scene.model.id());
    let (lines, mut found) = mpsc::channel(WAITING);
    tokio::task::spawn_blocking(move || {
        let mut sink = Streamed { lines, until: Instant::now() + LISTING };
        if let Err(error) = question.list(&scene, &mut sink) {
            let _ = sink.lines.blocking_send(Err(error));
        }
    });
    let first = found.recv().await;
    let status = match &first {
        Some(Err(error)) => error.status(),
        _ => StatusCode::OK,
    };
    let rest = futures::stream::unfold(found, async |mut found| {
        let next = found.recv().await?;
        Some((line(&next), found))
    });
    let first = futures::stream::iter(first.as_ref().map(line));
    let mut response = stream(status, first.chain(rest));
    if let Some(model) = model {
        response.headers_mut().insert(MODEL_ID, model);
    }
    Ok(response)
}

fn stream(status: StatusCode, lines: impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (status, kind, AnswerBody::from_stream(lines)).into_response()
}

fn line(found: &Result<ObjectRef, FgaError>) -> Result<Bytes, Infallible> {
    let value = match found {
        Ok(object) => json!({"result": {"object": object.to_string()}}),
        Err(error) => json!({"error": error.streamed()}),
    };
    Ok(Bytes::from(format!("{value}\n")))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ListUsers {
    #[serde(deserialize_with = "object")]
    object: Option<ObjectShape>,
    #[serde(deserialize_with = "nullable")]
    relation: String,
    #[serde(deserialize_with = "objects")]
    user_filters: Vec<FilterShape>,
    /// A list, unlike elsewhere.
    #[serde(deserialize_with = "objects")]
    contextual_tuples: Vec<TupleShape>,
    context: Option<Fields>,
    authorization_model_id: Option<String>,
    #[serde(rename = "consistency")]
    _consistency: Consistency,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ObjectShape {
    #[serde(rename = "type", deserialize_with = "nullable")]
    object_type: String,
    #[serde(deserialize_with = "nullable")]
    id: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct FilterShape {
    #[serde(rename = "type", deserialize_with = "nullable")]
    object_type: String,
    #[serde(deserialize_with = "nullable")]
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

    fn list(&self, scene: &Scene) -> Result<Vec<SubjectRef>, FgaError> {
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
        Ok(list_of_users(graph, model, &object, &self.relation, &self.filter, context, &tuples)?)
    }
}

pub async fn list_users(call: Call, Body(body): Body<ListUsers>) -> Result<Answer, FgaError> {
    call.require(Scope::RelationshipsRead)?;
    rules::model_id(body.authorization_model_id.as_deref())?;
    let model_id = body.authorization_model_id.clone();
    let question = Users::of(body)?;
    let scene = call.scene(model_id.as_deref()).await?;
    let model = scene.model.clone();
    let users = evaluate(move || question.list(&scene)).await?;
    let users: Vec<Value> = users.iter().take(MAX_RESULTS).map(user).collect();
    Ok(Answer::ok(json!({"users": users})).by_model(model.id()))
}

fn user(subject: &SubjectRef) -> Value {
    match subject {
        SubjectRef::Object(object) => json!({"object": {"type": object.object_type, "id": object.id}}),
        SubjectRef::Userset(object, relation) => {
            json!({"userset": {"type": object.object_type, "id": object.id, "relation": relation}})
        }
        SubjectRef::Wildcard(subject_type) => json!({"wildcard": {"type": subject_type}}),
    }
}
