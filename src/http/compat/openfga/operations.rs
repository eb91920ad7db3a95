//! Every operation of this surface; the router is built from this table, and the description of the API.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::routing::{MethodFilter, MethodRouter, on};
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};

use super::answers::{
    Assertions, Changes, Decision, Decisions, Expanded, Healthz, ModelRead, ModelWritten, Models, Nothing, Objects,
    Store, StoreCreated, Stores, Tuples, Users,
};
use super::checks::{BatchCheck, Check};
use super::expand::Expand;
use super::lists::{ListObjects, ListUsers};
use super::stores::Named;
use super::tuples::{Read, Write};
use super::{answers, assertions, checks, expand, lists, models, rules, stores, tuples};
use crate::authz::AuthorizationModel;
use crate::http::operations::{
    Needs, Operation, Parameter, Shape, Verb, any_text, of, optional, parameter, text, with,
};
use crate::http::problem::{ProblemKind, STARTING};
use crate::identity::Scope;
use crate::limits::rates::Class;
use crate::service::Service;
use crate::wire::bounds;

const fn kind(status: StatusCode, code: &'static str, title: &'static str) -> ProblemKind {
    (status, code, title)
}

const VALIDATION: ProblemKind = kind(StatusCode::BAD_REQUEST, "validation_error", "A field is out of its bounds");
const NO_TOKEN: ProblemKind = kind(StatusCode::UNAUTHORIZED, "bearer_token_missing", "A credential is needed");
const UNAUTHENTICATED: ProblemKind = kind(StatusCode::UNAUTHORIZED, "unauthenticated", "The credential is not valid");
const CLAIMS: ProblemKind = kind(StatusCode::UNAUTHORIZED, "invalid_claims", "The token is not valid here");
const FORBIDDEN: ProblemKind = kind(StatusCode::FORBIDDEN, "forbidden", "The credential lacks the scope");
const RATE: ProblemKind = kind(StatusCode::TOO_MANY_REQUESTS, "rate_limit_exceeded", "Too much at once; try again");
const LATE: ProblemKind = kind(StatusCode::INTERNAL_SERVER_ERROR, "deadline_exceeded", "The call took too long");
const INTERNAL: ProblemKind = kind(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "Something went wrong here");
const AWAY: ProblemKind =
    kind(StatusCode::SERVICE_UNAVAILABLE, "internal_error", "What the service depends on does not answer");
const LARGE: ProblemKind =
    kind(StatusCode::PAYLOAD_TOO_LARGE, "validation_error", "The body is larger than 616,448 bytes");
const SLOW: ProblemKind = kind(StatusCode::REQUEST_TIMEOUT, "validation_error", "The body did not come in time");
const NO_STORE: ProblemKind = kind(StatusCode::NOT_FOUND, "store_id_not_found", "There is no such store");
const NO_LATEST: ProblemKind =
    kind(StatusCode::BAD_REQUEST, "latest_authorization_model_not_found", "There is no such store, or no model in it");
const NO_MODEL: ProblemKind = kind(StatusCode::BAD_REQUEST, "authorization_model_not_found", "There is no such model");
const TOKEN: ProblemKind =
    kind(StatusCode::BAD_REQUEST, "invalid_continuation_token", "The token is of no page of this list");
const PAGE: ProblemKind = kind(StatusCode::BAD_REQUEST, "page_size_invalid", "A page has 1 to 100 items");
const COMPLEX: ProblemKind =
    kind(StatusCode::BAD_REQUEST, "authorization_model_resolution_too_complex", "It takes too much to decide");
const NO_KEY: ProblemKind = kind(StatusCode::BAD_REQUEST, "tuple_key_value_not_specified", "The tuple is missing");
const NO_TYPE: ProblemKind = kind(StatusCode::BAD_REQUEST, "type_not_found", "The model has no such type");
const TYPE_NAME: ProblemKind = kind(StatusCode::BAD_REQUEST, "type_invalid_pattern", "A name of a type is malformed");
const NO_RELATION: ProblemKind = kind(StatusCode::BAD_REQUEST, "relation_not_found", "The model has no such relation");
const RELATION_NAME: ProblemKind =
    kind(StatusCode::BAD_REQUEST, "relations_invalid_pattern", "A name of a relation is malformed");
const TUPLE: ProblemKind = kind(StatusCode::BAD_REQUEST, "invalid_tuple", "The model does not admit a tuple");
const EXPAND: ProblemKind = kind(StatusCode::BAD_REQUEST, "invalid_expand_input", "Object and relation are needed");
const WRITE: ProblemKind =
    kind(StatusCode::BAD_REQUEST, "write_failed_due_to_invalid_input", "A tuple exists already, or does not exist");
const NOTHING: ProblemKind = kind(StatusCode::BAD_REQUEST, "invalid_write_input", "There is nothing to write");
const TWICE: ProblemKind = kind(
    StatusCode::BAD_REQUEST,
    "cannot_allow_duplicate_tuples_in_one_request",
    "A tuple is named twice in one request",
);
const TOO_MANY: ProblemKind =
    kind(StatusCode::BAD_REQUEST, "exceeded_entity_limit", "There are more of something than may be");
const ABORTED: ProblemKind = kind(StatusCode::CONFLICT, "Aborted", "The tuple exists with another condition");
const OTHER_TYPE: ProblemKind = kind(
    StatusCode::BAD_REQUEST,
    "query_string_type_continuation_token_mismatch",
    "The token is of a list with another type",
);
const FEW_TYPES: ProblemKind = kind(StatusCode::BAD_REQUEST, "type_definitions_too_few_items", "The model has no type");
const BAD_MODEL: ProblemKind =
    kind(StatusCode::BAD_REQUEST, "invalid_authorization_model", "The model contradicts itself");
const ASSERTIONS: ProblemKind =
    kind(StatusCode::BAD_REQUEST, "assertions_too_many_items", "At most 100 assertions are allowed");

/// Of every operation with a credential.
const CALLER: &[ProblemKind] =
    &[VALIDATION, NO_TOKEN, UNAUTHENTICATED, CLAIMS, FORBIDDEN, RATE, LATE, INTERNAL, AWAY, STARTING];
const BODY: &[ProblemKind] = &[LARGE, SLOW];
const SCENE: &[ProblemKind] = &[NO_LATEST, NO_MODEL];
const DECISION: &[ProblemKind] = &[COMPLEX, NO_KEY, TUPLE];
const PAGED: &[ProblemKind] = &[TOKEN, PAGE];

fn id() -> Value {
    text(rules::ID)
}

fn page_size() -> Value {
    json!({"type": "integer", "minimum": 1, "maximum": rules::MAX_PAGE})
}

fn token() -> Value {
    json!({"type": "string", "pattern": rules::TOKEN, "maxLength": rules::MAX_TOKEN})
}

fn start() -> Value {
    json!({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "maxLength": 0}]})
}

const STORE: Parameter = with(id, parameter("path", "store", "Id of the store."));
const MODEL: Parameter = with(id, parameter("path", "model", "Id of the authorization model."));
const PAGE_SIZE: Parameter = optional(with(page_size, parameter("query", "page_size", "1 to 100; default 50.")));
const CONTINUATION: Parameter =
    optional(with(token, parameter("query", "continuation_token", "`continuation_token` of the page before.")));
const NAMED: Parameter = optional(with(any_text, parameter("query", "name", "Only stores of this name.")));
const OF_TYPE: Parameter =
    optional(with(any_text, parameter("query", "type", "Only changes of objects of this type.")));
const START_TIME: Parameter = optional(with(
    start,
    parameter("query", "start_time", "Only changes at this past time or later; a token goes before it."),
));
const MIN_REVISION: Parameter = optional(with(
    || text(bounds::REVISION),
    parameter("header", "Usher-Min-Revision", "Answer from this revision or a newer one: `Usher-Revision` of a write."),
));

/// What a context's texts look like.
pub use super::rules::PLAIN;

/// The form of an operation's errors.
pub(in crate::http) fn error_of(operation: &Operation) -> Shape {
    #[derive(JsonSchema)]
    #[serde(untagged)]
    #[schemars(rename = "OpenFgaStreamRefused")]
    #[expect(dead_code, reason = "it is only described: one error is sent in one form or the other")]
    enum Either {
        Whole(answers::Error),
        Line(answers::StreamError),
    }
    let is_stream = operation.path.ends_with("/streamed-list-objects");
    if is_stream { SchemaGenerator::subschema_for::<Either> } else { SchemaGenerator::subschema_for::<answers::Error> }
}

const fn operation(
    method: Verb,
    path: &'static str,
    handler: fn(MethodFilter) -> MethodRouter<Arc<Service>>,
    class: Class,
    id: &'static str,
    summary: &'static str,
) -> Operation {
    Operation {
        method,
        path,
        handler,
        id,
        summary,
        needs: Needs::Scope(Scope::RelationshipsRead),
        class,
        parameters: &[],
        request: None,
        answers: &[],
        problems: &[],
    }
}

const ADMIN: Needs = Needs::Scope(Scope::Admin);

/// Paths are also served below `/fga`.
pub(in crate::http) const OPERATIONS: &[Operation] = &[
    Operation {
        parameters: &[&PAGE_SIZE, &CONTINUATION, &NAMED, &MIN_REVISION],
        answers: &[(200, "A page of stores.", of::<Stores>())],
        problems: &[CALLER, PAGED],
        ..operation(
            Verb::Get,
            "/stores",
            |verb| on(verb, stores::list),
            Class::Read,
            "openfga_list_stores",
            "OpenFGA: ListStores",
        )
    },
    Operation {
        needs: ADMIN,
        parameters: &[&MIN_REVISION],
        request: of::<Named>(),
        answers: &[(201, "The store.", of::<StoreCreated>())],
        problems: &[CALLER, BODY],
        ..operation(
            Verb::Post,
            "/stores",
            |verb| on(verb, stores::create),
            Class::Write,
            "openfga_create_store",
            "OpenFGA: CreateStore",
        )
    },
    Operation {
        parameters: &[&STORE, &MIN_REVISION],
        answers: &[(200, "The store.", of::<Store>())],
        problems: &[CALLER, &[NO_STORE]],
        ..operation(
            Verb::Get,
            "/stores/{store}",
            |verb| on(verb, stores::get),
            Class::Read,
            "openfga_get_store",
            "OpenFGA: GetStore",
        )
    },
    Operation {
        needs: ADMIN,
        parameters: &[&STORE, &MIN_REVISION],
        request: of::<Named>(),
        answers: &[(200, "The store under its new name.", of::<Store>())],
        problems: &[CALLER, BODY, &[NO_STORE]],
        ..operation(
            Verb::Patch,
            "/stores/{store}",
            |verb| on(verb, stores::rename),
            Class::Write,
            "openfga_update_store",
            "OpenFGA: UpdateStore",
        )
    },
    Operation {
        needs: ADMIN,
        parameters: &[&STORE, &MIN_REVISION],
        answers: &[(204, "It is gone, or was never there.", None)],
        problems: &[CALLER],
        ..operation(
            Verb::Delete,
            "/stores/{store}",
            |verb| on(verb, stores::delete),
            Class::Write,
            "openfga_delete_store",
            "OpenFGA: DeleteStore",
        )
    },
    Operation {
        parameters: &[&STORE, &PAGE_SIZE, &CONTINUATION, &MIN_REVISION],
        answers: &[(200, "A page of models, newest first.", of::<Models>())],
        problems: &[CALLER, PAGED],
        ..operation(
            Verb::Get,
            "/stores/{store}/authorization-models",
            |verb| on(verb, models::list),
            Class::Read,
            "openfga_read_authorization_models",
            "OpenFGA: ReadAuthorizationModels",
        )
    },
    Operation {
        needs: ADMIN,
        parameters: &[&STORE, &MIN_REVISION],
        request: of::<AuthorizationModel>(),
        answers: &[(201, "The id of the model, which is the newest one now.", of::<ModelWritten>())],
        problems: &[CALLER, BODY, &[NO_LATEST, FEW_TYPES, TOO_MANY, TYPE_NAME, RELATION_NAME, BAD_MODEL, ABORTED]],
        ..operation(
            Verb::Post,
            "/stores/{store}/authorization-models",
            |verb| on(verb, models::write),
            Class::Write,
            "openfga_write_authorization_model",
            "OpenFGA: WriteAuthorizationModel",
        )
    },
    Operation {
        parameters: &[&STORE, &MODEL, &MIN_REVISION],
        answers: &[(200, "The model.", of::<ModelRead>())],
        problems: &[CALLER, SCENE],
        ..operation(
            Verb::Get,
            "/stores/{store}/authorization-models/{model}",
            |verb| on(verb, models::get),
            Class::Read,
            "openfga_read_authorization_model",
            "OpenFGA: ReadAuthorizationModel",
        )
    },
    Operation {
        parameters: &[&STORE, &MODEL, &MIN_REVISION],
        answers: &[(200, "The assertions, as they were written.", of::<Assertions>())],
        problems: &[CALLER, SCENE],
        ..operation(
            Verb::Get,
            "/stores/{store}/assertions/{model}",
            |verb| on(verb, assertions::get),
            Class::Read,
            "openfga_read_assertions",
            "OpenFGA: ReadAssertions",
        )
    },
    Operation {
        needs: ADMIN,
        parameters: &[&STORE, &MODEL, &MIN_REVISION],
        request: of::<assertions::Put>(),
        answers: &[(204, "They are kept beside the model.", None)],
        problems: &[CALLER, BODY, SCENE, &[NO_KEY, ASSERTIONS]],
        ..operation(
            Verb::Put,
            "/stores/{store}/assertions/{model}",
            |verb| on(verb, assertions::put),
            Class::Write,
            "openfga_write_assertions",
            "OpenFGA: WriteAssertions",
        )
    },
    Operation {
        needs: Needs::Scope(Scope::RelationshipsWrite),
        parameters: &[&STORE, &MIN_REVISION],
        request: of::<Write>(),
        answers: &[(200, "It is written; the header `Usher-Revision` names the revision.", of::<Nothing>())],
        problems: &[CALLER, BODY, SCENE, &[WRITE, NOTHING, TWICE, TOO_MANY, ABORTED]],
        ..operation(
            Verb::Post,
            "/stores/{store}/write",
            |verb| on(verb, tuples::write),
            Class::Write,
            "openfga_write",
            "OpenFGA: Write; at most 100 tuples",
        )
    },
    Operation {
        parameters: &[&STORE, &MIN_REVISION],
        request: of::<Read>(),
        answers: &[(200, "A page of tuples.", of::<Tuples>())],
        problems: &[CALLER, BODY, PAGED],
        ..operation(
            Verb::Post,
            "/stores/{store}/read",
            |verb| on(verb, tuples::read),
            Class::Read,
            "openfga_read",
            "OpenFGA: Read",
        )
    },
    Operation {
        parameters: &[&STORE, &OF_TYPE, &PAGE_SIZE, &CONTINUATION, &START_TIME, &MIN_REVISION],
        answers: &[(200, "A page of changes, oldest first.", of::<Changes>())],
        problems: &[CALLER, PAGED, &[OTHER_TYPE]],
        ..operation(
            Verb::Get,
            "/stores/{store}/changes",
            |verb| on(verb, tuples::changes),
            Class::Read,
            "openfga_read_changes",
            "OpenFGA: ReadChanges",
        )
    },
    Operation {
        parameters: &[&STORE, &MIN_REVISION],
        request: of::<Check>(),
        answers: &[(200, "The decision.", of::<Decision>())],
        problems: &[CALLER, BODY, SCENE, DECISION],
        ..operation(
            Verb::Post,
            "/stores/{store}/check",
            |verb| on(verb, checks::check),
            Class::Check,
            "openfga_check",
            "OpenFGA: Check",
        )
    },
    Operation {
        parameters: &[&STORE, &MIN_REVISION],
        request: of::<BatchCheck>(),
        answers: &[(200, "A decision, or an error, for each check.", of::<Decisions>())],
        problems: &[CALLER, BODY, SCENE, DECISION],
        ..operation(
            Verb::Post,
            "/stores/{store}/batch-check",
            |verb| on(verb, checks::batch_check),
            Class::Check,
            "openfga_batch_check",
            "OpenFGA: BatchCheck; at most 50 checks",
        )
    },
    Operation {
        parameters: &[&STORE, &MIN_REVISION],
        request: of::<Expand>(),
        answers: &[(200, "One level of what decides.", of::<Expanded>())],
        problems: &[CALLER, BODY, SCENE, DECISION, &[EXPAND]],
        ..operation(
            Verb::Post,
            "/stores/{store}/expand",
            |verb| on(verb, expand::expand),
            Class::Check,
            "openfga_expand",
            "OpenFGA: Expand",
        )
    },
    Operation {
        parameters: &[&STORE, &MIN_REVISION],
        request: of::<ListObjects>(),
        answers: &[(200, "Objects, at most 1,000, as far as they were found in time.", of::<Objects>())],
        problems: &[CALLER, BODY, SCENE, DECISION, &[NO_TYPE, TYPE_NAME, NO_RELATION]],
        ..operation(
            Verb::Post,
            "/stores/{store}/list-objects",
            |verb| on(verb, lists::list_objects),
            Class::Check,
            "openfga_list_objects",
            "OpenFGA: ListObjects",
        )
    },
    Operation {
        parameters: &[&STORE, &MIN_REVISION],
        request: of::<ListObjects>(),
        answers: &[(
            200,
            "A stream: a line of JSON for each object, `{\"result\": {\"object\": …}}`; one with `error` ends it. An error \
             before the first object has its status, and the shape of such a line.",
            of::<Value>(),
        )],
        problems: &[CALLER, BODY, SCENE, DECISION, &[NO_TYPE, TYPE_NAME, NO_RELATION]],
        ..operation(
            Verb::Post,
            "/stores/{store}/streamed-list-objects",
            |verb| on(verb, lists::streamed_list_objects),
            Class::Check,
            "openfga_streamed_list_objects",
            "OpenFGA: StreamedListObjects",
        )
    },
    Operation {
        parameters: &[&STORE, &MIN_REVISION],
        request: of::<ListUsers>(),
        answers: &[(200, "Users of the one type that is asked for, at most 1,000.", of::<Users>())],
        problems: &[CALLER, BODY, SCENE, DECISION, &[NO_TYPE, TYPE_NAME, NO_RELATION]],
        ..operation(
            Verb::Post,
            "/stores/{store}/list-users",
            |verb| on(verb, lists::list_users),
            Class::Check,
            "openfga_list_users",
            "OpenFGA: ListUsers",
        )
    },
    Operation {
        needs: Needs::Nothing,
        answers: &[(200, "It serves.", of::<Healthz>())],
        problems: &[&[STARTING]],
        ..operation(
            Verb::Get,
            "/healthz",
            |verb| on(verb, stores::healthz),
            Class::Read,
            "openfga_healthz",
            "OpenFGA: whether the server serves",
        )
    },
];
