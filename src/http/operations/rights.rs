//! Who may read what: tuples, models, explanations, what a change would do.

use axum::routing::on;
use serde_json::json;

use super::{
    BODY, CALLER, COMPUTED, CURSOR, LIMIT, Needs, Operation, Parameter, Verb, WRITE, of, optional, parameter, such_as,
    text, with,
};
use crate::http::problem::{CONFLICT, NOT_FOUND, VERSION};
use crate::http::routes::{explain, impact, models, names, readers, relationships, report};
use crate::identity::Scope;
use crate::limits::rates::Class;
use crate::wire::bounds;
use crate::wire::{
    AskImpact, AskReaders, Explain, Explained, ImpactTold, ModelChanged, PutModel, ReadRelationships, Readers,
    RelationshipChanges, RelationshipNames, RelationshipsRead, RelationshipsWritten, Report, WriteRelationships,
};

const NAME_TYPE: Parameter = such_as(
    "user",
    with(
        || text(bounds::LISTED_TYPE),
        parameter("query", "type", "Type of the names, such as `user`, `agent` or `group`."),
    ),
);
const AFTER_NAME: Parameter =
    optional(parameter("query", "cursor", "`next_cursor` of the page before: its last name."));
const STORE: Parameter = optional(parameter("query", "store", "Id of the store; default: the service's own."));
const OBJECT_TYPE: Parameter = optional(parameter("query", "type", "Only changes of objects of this type."));
const REPORT_KIND: Parameter = with(
    || json!({"type": "string", "enum": REPORTS}),
    parameter(
        "query",
        "kind",
        "`expired`: the condition's time is over; `waiting`: of a document that is not stored; `empty`: for a userset in \
         which there is nobody; `not_admitted`: the newest model has no place for it; `unused`: no document's rules lead to \
         it; `held`: of a document or part that was deleted.",
    ),
);
const REPORTS: [&str; 6] = ["expired", "waiting", "empty", "not_admitted", "unused", "held"];
const START_TIME: Parameter = optional(with(
    || json!({"type": "string", "format": "date-time"}),
    parameter("query", "start_time", "Only changes at this time or later; a cursor goes before it."),
));

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        method: Verb::Post,
        path: "/v1/relationships/write",
        handler: |verb| on(verb, relationships::write),
        id: "relationships_write",
        summary: "Write and delete relationship tuples in one transaction; at most 1,000",
        needs: Needs::Scope(Scope::RelationshipsWrite),
        class: Class::Write,
        parameters: &[],
        request: of::<WriteRelationships>(),
        answers: &[(200, "How many were written and deleted.", of::<RelationshipsWritten>())],
        problems: &[CALLER, BODY, WRITE, &[NOT_FOUND, VERSION]],
    },
    Operation {
        method: Verb::Post,
        path: "/v1/relationships/read",
        handler: |verb| on(verb, relationships::read),
        id: "relationships_read",
        summary: "List stored relationship tuples",
        needs: Needs::Scope(Scope::RelationshipsRead),
        class: Class::Read,
        parameters: &[],
        request: of::<ReadRelationships>(),
        answers: &[(200, "A page of tuples.", of::<RelationshipsRead>())],
        problems: &[CALLER, BODY, &[NOT_FOUND]],
    },
    Operation {
        method: Verb::Get,
        path: "/v1/relationships/users",
        handler: |verb| on(verb, names::users),
        id: "relationships_users",
        summary: "List the users that stored tuples name, of one type: people, agents, members of groups",
        needs: Needs::Scope(Scope::RelationshipsRead),
        class: Class::Read,
        parameters: &[&NAME_TYPE, &STORE, &LIMIT, &AFTER_NAME],
        request: None,
        answers: &[(200, "A page of names, each once.", of::<RelationshipNames>())],
        problems: &[CALLER, &[NOT_FOUND]],
    },
    Operation {
        method: Verb::Get,
        path: "/v1/relationships/objects",
        handler: |verb| on(verb, names::objects),
        id: "relationships_objects",
        summary: "List the objects that stored tuples name, of one type: groups, folders, documents",
        needs: Needs::Scope(Scope::RelationshipsRead),
        class: Class::Read,
        parameters: &[&NAME_TYPE, &STORE, &LIMIT, &AFTER_NAME],
        request: None,
        answers: &[(200, "A page of names, each once.", of::<RelationshipNames>())],
        problems: &[CALLER, &[NOT_FOUND]],
    },
    Operation {
        method: Verb::Get,
        path: "/v1/relationships/changes",
        handler: |verb| on(verb, relationships::changes),
        id: "relationships_changes",
        summary: "Follow what was written and deleted, oldest first",
        needs: Needs::Scope(Scope::RelationshipsRead),
        class: Class::Read,
        parameters: &[&STORE, &OBJECT_TYPE, &START_TIME, &LIMIT, &CURSOR],
        request: None,
        answers: &[(200, "A page of changes; the cursor is good for the next ones.", of::<RelationshipChanges>())],
        problems: &[CALLER, &[NOT_FOUND]],
    },
    Operation {
        method: Verb::Post,
        path: "/v1/relationships/impact",
        handler: |verb| on(verb, impact::ask),
        id: "relationships_impact",
        summary: "Say who would gain and lose which documents by a write, and write nothing; needs `relationships.read` too",
        needs: Needs::Scope(Scope::Explain),
        class: Class::Survey,
        parameters: &[],
        request: of::<AskImpact>(),
        answers: &[(200, "Readers with what they gain and lose.", of::<ImpactTold>())],
        problems: &[CALLER, COMPUTED, BODY, &[NOT_FOUND, CONFLICT]],
    },
    Operation {
        method: Verb::Get,
        path: "/v1/relationships/report",
        handler: |verb| on(verb, report::list),
        id: "relationships_report",
        summary: "List tuples that do nothing, one kind at a time; needs `relationships.read` too",
        needs: Needs::Scope(Scope::Explain),
        class: Class::Survey,
        parameters: &[&REPORT_KIND, &STORE, &LIMIT, &CURSOR],
        request: None,
        answers: &[(200, "A page, oldest first; it may be empty though more follows.", of::<Report>())],
        problems: &[CALLER, COMPUTED, &[NOT_FOUND, CONFLICT]],
    },
    Operation {
        method: Verb::Post,
        path: "/v1/explain",
        handler: |verb| on(verb, explain::explain),
        id: "explain",
        summary: "Explain why a subject may read a document, or why not, now or at a past revision",
        needs: Needs::Scope(Scope::Explain),
        class: Class::Survey,
        parameters: &[],
        request: of::<Explain>(),
        answers: &[(200, "What decides.", of::<Explained>())],
        problems: &[CALLER, COMPUTED, BODY, &[NOT_FOUND]],
    },
    Operation {
        method: Verb::Post,
        path: "/v1/explain/readers",
        handler: |verb| on(verb, readers::list),
        id: "explain_readers",
        summary: "List who may read a document, now or at a past revision",
        needs: Needs::Scope(Scope::Explain),
        class: Class::Survey,
        parameters: &[],
        request: of::<AskReaders>(),
        answers: &[(200, "Readers, by name or as `type:*`.", of::<Readers>())],
        problems: &[CALLER, COMPUTED, BODY, &[NOT_FOUND]],
    },
    Operation {
        method: Verb::Post,
        path: "/v1/models",
        handler: |verb| on(verb, models::put),
        id: "models_put",
        summary: "Write an authorization model, or only show which tuples would die under it",
        needs: Needs::Scope(Scope::Admin),
        class: Class::Write,
        parameters: &[],
        request: of::<PutModel>(),
        answers: &[(200, "What changes.", of::<ModelChanged>())],
        problems: &[CALLER, BODY, WRITE, &[NOT_FOUND]],
    },
];
