//! Every operation of the native API: where it is, who answers it, what it needs, what it answers. The router is built from
//! this table, and the description of the API.

use std::sync::Arc;

use axum::Router;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter};
use schemars::{Schema, SchemaGenerator};
use serde_json::{Value, json};

use super::problem::{
    AUTHORIZATION, CATALOG, CONFLICT, DEADLINE, INTERNAL, INVALID, MEDIA_TYPE, OUTCOME, OVERLOADED, ProblemKind, RATE,
    REVISION, SCOPE, STARTING, STORAGE, SUBJECT, TIMEOUT, TOKEN_EXPIRED, TOO_LARGE, UNAUTHENTICATED,
};
use crate::identity::Scope;
use crate::limits::rates::Class;
use crate::service::Service;
use crate::wire::bounds;

mod collections;
mod documents;
mod headers;
mod questions;
mod rights;
mod service;

pub(in crate::http) use headers::HEADERS;

/// All of them, by what they are about.
pub(in crate::http) fn operations() -> impl Iterator<Item = &'static Operation> {
    [questions::OPERATIONS, documents::OPERATIONS, rights::OPERATIONS, collections::OPERATIONS, service::OPERATIONS]
        .into_iter()
        .flatten()
}

/// Adds routes to a router.
pub(in crate::http) fn routed<'o>(
    operations: impl Iterator<Item = &'o Operation>,
    router: Router<Arc<Service>>,
) -> Router<Arc<Service>> {
    operations.fold(router, |router, it| router.route(it.path, (it.handler)(it.method.filter())))
}

/// The operation among these that answers a request; one that only asks for the head is a `GET`.
pub(in crate::http) fn find<'o>(
    mut operations: impl Iterator<Item = &'o Operation>,
    method: &Method,
    path: &str,
) -> Option<&'o Operation> {
    operations.find(|operation| operation.path == path && operation.method.answers(method))
}

/// A method of HTTP that an operation has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Verb {
    /// As in the description of the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Put => "put",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }

    fn answers(self, method: &Method) -> bool {
        (*method == Method::HEAD && self == Self::Get) || method.as_str().eq_ignore_ascii_case(self.name())
    }

    fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Put => MethodFilter::PUT,
            Self::Patch => MethodFilter::PATCH,
            Self::Delete => MethodFilter::DELETE,
        }
    }
}

/// Adds a type to the description and refers to it.
pub(in crate::http) type Shape = fn(&mut SchemaGenerator) -> Schema;

/// The credential that an operation needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    Nothing,
    /// Any that is valid.
    Credential,
    Scope(Scope),
}

pub(in crate::http) struct Operation {
    pub method: Verb,
    pub path: &'static str,
    pub handler: fn(MethodFilter) -> MethodRouter<Arc<Service>>,
    pub id: &'static str,
    pub summary: &'static str,
    pub needs: Needs,
    /// What its rate is counted with, where a credential is needed.
    pub class: Class,
    pub parameters: &'static [&'static Parameter],
    pub request: Option<Shape>,
    pub answers: &'static [(u16, &'static str, Option<Shape>)],
    pub problems: &'static [&'static [ProblemKind]],
}

impl Operation {
    /// What the rate of a request is counted with; nothing where no credential is needed.
    pub fn class(&self) -> Option<Class> {
        (self.needs != Needs::Nothing).then_some(self.class)
    }
}

pub(in crate::http) struct Parameter {
    pub name: &'static str,
    /// `path`, `query` or `header`.
    pub place: &'static str,
    pub is_required: bool,
    pub schema: fn() -> Value,
    /// Whether the text is JSON, which the schema describes.
    pub is_json: bool,
    pub example: Option<&'static str>,
    pub description: &'static str,
}

pub(in crate::http) fn text(pattern: &str) -> Value {
    json!({"type": "string", "pattern": pattern})
}

pub(in crate::http) fn any_text() -> Value {
    text(bounds::TEXT)
}

/// What stands in a path.
fn part() -> Value {
    json!({"type": "string", "pattern": bounds::TEXT, "minLength": 1})
}

fn count() -> Value {
    json!({"type": "integer", "minimum": 1, "maximum": bounds::MAX_PAGE})
}

fn switch() -> Value {
    json!({"type": "boolean"})
}

fn collection_name() -> Value {
    json!({"type": "string", "pattern": bounds::COLLECTION_NAME, "maxLength": bounds::MAX_COLLECTION_NAME})
}

pub(in crate::http) const fn parameter(
    place: &'static str,
    name: &'static str,
    description: &'static str,
) -> Parameter {
    Parameter { name, place, is_required: true, schema: any_text, is_json: false, example: None, description }
}

pub(in crate::http) const fn with(schema: fn() -> Value, parameter: Parameter) -> Parameter {
    Parameter { schema, ..parameter }
}

const fn such_as(example: &'static str, parameter: Parameter) -> Parameter {
    Parameter { example: Some(example), ..parameter }
}

pub(in crate::http) const fn optional(parameter: Parameter) -> Parameter {
    Parameter { is_required: false, ..parameter }
}

const SOURCE: Parameter = such_as("hr", parameter("query", "source", "The part of the ids before the first `/`."));
const LIMIT: Parameter = optional(with(count, parameter("query", "limit", "1 to 1,000; default 100.")));
const CURSOR: Parameter = optional(with(
    || text(bounds::CURSOR),
    parameter("query", "cursor", "`next_cursor` of the page before, for the same caller and parameters."),
));
const SUBJECT_TOKEN: Parameter = optional(with(
    || json!({"type": "string", "minLength": 1}),
    parameter("header", "Usher-Subject-Token", "Token of the person that a service asks for."),
));
const ACT_AS: Parameter = such_as(
    "user:anne",
    optional(with(
        || json!({"type": "string", "pattern": bounds::READER, "maxLength": bounds::MAX_OBJECT}),
        parameter(
            "header",
            "Usher-Subject",
            "Subject to read as, such as `user:anne`; needs the scope `act_as` and a type that the key lists.",
        ),
    )),
);

/// Problems of every operation with a credential.
const CALLER: &[ProblemKind] = &[
    INVALID,
    UNAUTHENTICATED,
    TOKEN_EXPIRED,
    SCOPE,
    SUBJECT,
    RATE,
    AUTHORIZATION,
    CATALOG,
    REVISION,
    STARTING,
    STORAGE,
    INTERNAL,
];
/// Of those that compute for somebody.
const COMPUTED: &[ProblemKind] = &[OVERLOADED, DEADLINE];
const BODY: &[ProblemKind] = &[TOO_LARGE, MEDIA_TYPE, TIMEOUT];
const WRITE: &[ProblemKind] = &[CONFLICT, OVERLOADED, OUTCOME];

/// A shape by its type.
pub(in crate::http) const fn of<T: schemars::JsonSchema>() -> Option<Shape> {
    Some(SchemaGenerator::subschema_for::<T>)
}
