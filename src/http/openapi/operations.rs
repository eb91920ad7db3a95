//! Every operation of the native API: where it is, what it needs, what it answers.

use schemars::{Schema, SchemaGenerator};
use serde_json::{Value, json};

use crate::http::problem::{
    AUTHORIZATION, CATALOG, CONFLICT, DEADLINE, EMBEDDER, INDEX, INTERNAL, INVALID, INVALID_FILTER, Kind, MEDIA_TYPE,
    NOT_FOUND, OUTCOME, OVERLOADED, RATE, REVISION, SCOPE, STARTING, STORAGE, SUBJECT, TIMEOUT, TOKEN_EXPIRED,
    TOO_LARGE, UNAUTHENTICATED, VERSION,
};
use crate::identity::Scope;
use crate::limits::rates::Class;
use crate::wire::bounds;
use crate::wire::{
    AclView, Answer, AskImpact, AskReaders, CollectionView, Collections, CreateKey, DocumentList, DocumentStates,
    DocumentView, DocumentsPut, Explain, Explained, Health, ImpactTold, KeyCreated, Keys, ModelChanged, PutAcl,
    PutCollection, PutDocuments, PutModel, Query, ReadRelationships, Readers, ReceiptKeys, Recheck, Rechecked,
    ReindexCollection, RelationshipChanges, RelationshipNames, RelationshipsRead, RelationshipsWritten, Report,
    SourceRemoved, StoredDocuments, WhoAmI, WriteRelationships,
};

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
    pub method: &'static str,
    pub path: &'static str,
    pub id: &'static str,
    pub summary: &'static str,
    pub needs: Needs,
    /// What its rate is counted with, where a credential is needed.
    pub class: Class,
    pub parameters: &'static [&'static Parameter],
    pub request: Option<Shape>,
    pub answers: &'static [(u16, &'static str, Option<Shape>)],
    pub problems: &'static [&'static [Kind]],
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

const FORCE: Parameter =
    optional(with(switch, parameter("query", "force", "Also the last working key with the scope `admin`.")));
const DOCUMENT: Parameter = such_as(
    "hr/leave.md",
    with(part, parameter("path", "id", "Id of the document, percent-encoded: `hr%2Fleave.md`.")),
);
const KEY: Parameter = with(part, parameter("path", "id", "Id of the key, the part between the underscores."));
const COLLECTION_NAME: Parameter = such_as("main", with(part, parameter("path", "name", "Name of the collection.")));
const NEW_COLLECTION_NAME: Parameter = with(collection_name, COLLECTION_NAME);
const COLLECTION: Parameter = such_as("main", parameter("query", "collection", "Name of the collection."));
const SOURCE: Parameter = such_as("hr", parameter("query", "source", "The part of the ids before the first `/`."));
const OF_SOURCE: Parameter = optional(SOURCE);
const REMOVED: Parameter =
    optional(with(count, parameter("query", "limit", "Documents to remove at most: 1 to 1,000; default 1,000.")));
const DRY_RUN: Parameter = optional(with(switch, parameter("query", "dry_run", "Only count what would be removed.")));
const NAME_TYPE: Parameter = such_as(
    "user",
    with(
        || text(bounds::LISTED_TYPE),
        parameter("query", "type", "Type of the names, such as `user`, `agent` or `group`."),
    ),
);
const AFTER_NAME: Parameter =
    optional(parameter("query", "cursor", "`next_cursor` of the page before: its last name."));
const AFTER_ID: Parameter = optional(parameter("query", "cursor", "`next_cursor` of the page before: its last id."));
const LIMIT: Parameter = optional(with(count, parameter("query", "limit", "1 to 1,000; default 100.")));
const CURSOR: Parameter = optional(with(
    || text(bounds::CURSOR),
    parameter("query", "cursor", "`next_cursor` of the page before, for the same caller and parameters."),
));
const CONTEXT: Parameter = Parameter {
    is_json: true,
    ..optional(with(
        || json!({"type": "object"}),
        parameter(
            "query",
            "context",
            "Context of conditions, a JSON object; only keys that the collection lists as caller-asserted. As in a query.",
        ),
    ))
};
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
const IF_MATCH: Parameter = optional(with(
    || text(bounds::IF_MATCH),
    parameter("header", "If-Match", "Refuse (412) unless this version is stored: the `ETag` of it, or its number."),
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
const CALLER: &[Kind] = &[
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
const COMPUTED: &[Kind] = &[OVERLOADED, DEADLINE];
const BODY: &[Kind] = &[TOO_LARGE, MEDIA_TYPE, TIMEOUT];
const WRITE: &[Kind] = &[CONFLICT, OVERLOADED, OUTCOME];

/// A header of answers.
pub(in crate::http) struct Header {
    pub name: &'static str,
    pub description: &'static str,
    pub schema: fn() -> Value,
    /// Whether every answer has it that may have it.
    pub is_always: bool,
    /// Whether OpenFGA's surface lacks it.
    pub is_native_alone: bool,
    /// Of an operation, for a status, and whether the answer is a problem.
    pub of: fn(&Operation, u16, bool) -> bool,
}

pub(super) const HEADERS: &[Header] = &[
    Header {
        name: "Usher-Request-ID",
        description: "The service's name of the request, as in its log and in the audit.",
        schema: || json!({"type": "string", "format": "uuid"}),
        is_always: true,
        is_native_alone: false,
        of: |_, _, _| true,
    },
    Header {
        name: "X-Request-ID",
        description: "The caller's name of the request where it gave one, or the service's.",
        schema: || json!({"type": "string", "minLength": 1, "maxLength": 128}),
        is_always: true,
        is_native_alone: false,
        of: |_, _, _| true,
    },
    Header {
        name: "WWW-Authenticate",
        description: "Which kind of credential is needed.",
        schema: || json!({"type": "string", "enum": ["Bearer"]}),
        is_always: true,
        is_native_alone: true,
        of: |_, status, _| status == 401,
    },
    Header {
        name: "Retry-After",
        description: "Seconds after which the same request may be sent again.",
        schema: || json!({"type": "integer", "minimum": 1}),
        is_always: true,
        is_native_alone: false,
        of: |_, status, is_problem| is_problem && matches!(status, 429 | 503),
    },
    Header {
        name: "RateLimit",
        description: "What is left of the rate of the operation's class, where it has one.",
        schema: || json!({"type": "string"}),
        is_always: false,
        is_native_alone: false,
        of: |operation, status, _| operation.needs != Needs::Nothing && status != 401,
    },
    Header {
        name: "RateLimit-Policy",
        description: "The rate of the operation's class, where it has one.",
        schema: || json!({"type": "string"}),
        is_always: false,
        is_native_alone: false,
        of: |operation, status, _| operation.needs != Needs::Nothing && status != 401,
    },
    Header {
        name: "ETag",
        description: "The version of the document, for `If-Match`.",
        schema: || json!({"type": "string", "pattern": "^\"[0-9]+\"$"}),
        is_always: true,
        is_native_alone: false,
        of: |operation, status, _| operation.id == "documents_get" && status == 200,
    },
    Header {
        name: "Usher-Revision",
        description: "The revision from which on the change holds, for `min_revision` and `Usher-Min-Revision`.",
        schema: || json!({"type": "string", "pattern": bounds::REVISION}),
        is_always: true,
        is_native_alone: false,
        of: |operation, status, _| {
            let changes =
                [("documents_delete", 204), ("openfga_write", 200), ("openfga_write_authorization_model", 201)];
            changes.contains(&(operation.id, status))
        },
    },
    Header {
        name: "openfga-store-id",
        description: "The store that the address names.",
        schema: || json!({"type": "string"}),
        is_always: false,
        is_native_alone: false,
        of: |operation, _, _| operation.path.contains("{store}"),
    },
    Header {
        name: "openfga-authorization-model-id",
        description: "The model that was asked.",
        schema: || json!({"type": "string"}),
        is_always: false,
        is_native_alone: false,
        of: |operation, status, _| operation.path.contains("{store}") && status < 300,
    },
];

/// A shape by its type.
pub(in crate::http) const fn of<T: schemars::JsonSchema>() -> Option<Shape> {
    Some(SchemaGenerator::subschema_for::<T>)
}

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        method: "post",
        path: "/v1/query",
        id: "query",
        summary: "Find the best passages that the caller may read",
        needs: Needs::Scope(Scope::Query),
        class: Class::Query,
        parameters: &[&SUBJECT_TOKEN, &ACT_AS],
        request: of::<Query>(),
        answers: &[(200, "Passages, best first.", of::<Answer>())],
        problems: &[CALLER, COMPUTED, BODY, &[INVALID_FILTER, EMBEDDER, INDEX]],
    },
    Operation {
        method: "post",
        path: "/v1/recheck",
        id: "recheck",
        summary: "Say which passages are still as they were and readable",
        needs: Needs::Scope(Scope::Query),
        class: Class::Query,
        parameters: &[&SUBJECT_TOKEN, &ACT_AS],
        request: of::<Recheck>(),
        answers: &[(200, "One status per item, in order.", of::<Rechecked>())],
        problems: &[CALLER, COMPUTED, BODY],
    },
    Operation {
        method: "post",
        path: "/v1/documents",
        id: "documents_put",
        summary: "Store documents with their access rules; at most 256 documents and 32 MiB",
        needs: Needs::Scope(Scope::DocumentsWrite),
        class: Class::Write,
        parameters: &[],
        request: of::<PutDocuments>(),
        answers: &[(200, "One result per document, in order; a refused one has a problem.", of::<DocumentsPut>())],
        problems: &[CALLER, BODY, WRITE, &[NOT_FOUND]],
    },
    Operation {
        method: "get",
        path: "/v1/documents",
        id: "documents_list",
        summary: "List the documents of a collection that the caller may read",
        needs: Needs::Scope(Scope::DocumentsRead),
        class: Class::Read,
        parameters: &[&COLLECTION, &LIMIT, &CURSOR, &CONTEXT, &SUBJECT_TOKEN, &ACT_AS],
        request: None,
        answers: &[(200, "A page; empty where there is nothing that the caller may read.", of::<DocumentList>())],
        problems: &[CALLER, COMPUTED],
    },
    Operation {
        method: "get",
        path: "/v1/documents/state",
        id: "documents_state",
        summary: "List what is stored of a source, for an ingester that compares; no text",
        needs: Needs::Scope(Scope::DocumentsWrite),
        class: Class::Read,
        parameters: &[&COLLECTION, &SOURCE, &LIMIT, &CURSOR],
        request: None,
        answers: &[(200, "A page, in the order of ids.", of::<DocumentStates>())],
        problems: &[CALLER, &[NOT_FOUND]],
    },
    Operation {
        method: "get",
        path: "/v1/documents/{id}",
        id: "documents_get",
        summary: "Read what the caller may read of a document",
        needs: Needs::Scope(Scope::DocumentsRead),
        class: Class::Read,
        parameters: &[&DOCUMENT, &COLLECTION, &CONTEXT, &SUBJECT_TOKEN, &ACT_AS],
        request: None,
        answers: &[(200, "The readable parts; the header `ETag` names the version.", of::<DocumentView>())],
        problems: &[CALLER, COMPUTED, &[NOT_FOUND]],
    },
    Operation {
        method: "delete",
        path: "/v1/documents/{id}",
        id: "documents_delete",
        summary: "Remove a document, its vectors and its access rules",
        needs: Needs::Scope(Scope::DocumentsWrite),
        class: Class::Write,
        parameters: &[&DOCUMENT, &COLLECTION, &IF_MATCH],
        request: None,
        answers: &[(204, "It is gone, or was never there; the header `Usher-Revision` names the revision.", None)],
        problems: &[CALLER, WRITE, &[NOT_FOUND, VERSION]],
    },
    Operation {
        method: "get",
        path: "/v1/documents/{id}/acl",
        id: "documents_get_acl",
        summary: "Read the access rules of a document as they were last sent",
        needs: Needs::Scope(Scope::DocumentsWrite),
        class: Class::Read,
        parameters: &[&DOCUMENT, &COLLECTION],
        request: None,
        answers: &[(200, "The rules.", of::<AclView>())],
        problems: &[CALLER, &[NOT_FOUND]],
    },
    Operation {
        method: "put",
        path: "/v1/documents/{id}/acl",
        id: "documents_put_acl",
        summary: "Replace the access rules of a document; its text stays",
        needs: Needs::Scope(Scope::DocumentsWrite),
        class: Class::Write,
        parameters: &[&DOCUMENT, &COLLECTION],
        request: of::<PutAcl>(),
        answers: &[(200, "One result, with a problem if the rules were refused.", of::<DocumentsPut>())],
        problems: &[CALLER, BODY, WRITE, &[NOT_FOUND]],
    },
    Operation {
        method: "post",
        path: "/v1/relationships/write",
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
        method: "post",
        path: "/v1/relationships/read",
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
        method: "get",
        path: "/v1/relationships/users",
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
        method: "get",
        path: "/v1/relationships/objects",
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
        method: "get",
        path: "/v1/relationships/changes",
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
        method: "post",
        path: "/v1/relationships/impact",
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
        method: "get",
        path: "/v1/relationships/report",
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
        method: "get",
        path: "/v1/collections",
        id: "collections_list",
        summary: "List the collections that the key reaches",
        needs: Needs::Scope(Scope::DocumentsWrite),
        class: Class::Read,
        parameters: &[],
        request: None,
        answers: &[(200, "Collections with their settings.", of::<Collections>())],
        problems: &[CALLER],
    },
    Operation {
        method: "get",
        path: "/v1/collections/{name}",
        id: "collections_get",
        summary: "Read the settings of a collection",
        needs: Needs::Scope(Scope::DocumentsWrite),
        class: Class::Read,
        parameters: &[&COLLECTION_NAME],
        request: None,
        answers: &[(200, "The settings.", of::<CollectionView>())],
        problems: &[CALLER, &[NOT_FOUND]],
    },
    Operation {
        method: "put",
        path: "/v1/collections/{name}",
        id: "collections_put",
        summary: "Make a collection, or change what of it can be changed",
        needs: Needs::Scope(Scope::Admin),
        class: Class::Write,
        parameters: &[&NEW_COLLECTION_NAME],
        request: of::<PutCollection>(),
        answers: &[(200, "The settings as they are now.", of::<CollectionView>())],
        problems: &[CALLER, BODY, WRITE, &[NOT_FOUND]],
    },
    Operation {
        method: "delete",
        path: "/v1/collections/{name}",
        id: "collections_delete",
        summary: "Remove a collection with all its documents",
        needs: Needs::Scope(Scope::Admin),
        class: Class::Write,
        parameters: &[&COLLECTION_NAME],
        request: None,
        answers: &[(204, "It is gone, or was never there.", None)],
        problems: &[CALLER, WRITE],
    },
    Operation {
        method: "get",
        path: "/v1/collections/{name}/documents",
        id: "collections_documents",
        summary: "List what is stored of a collection, whoever may read it; within the sources that the key may write",
        needs: Needs::Scope(Scope::DocumentsWrite),
        class: Class::Read,
        parameters: &[&COLLECTION_NAME, &OF_SOURCE, &LIMIT, &AFTER_ID],
        request: None,
        answers: &[(200, "A page, in the order of ids.", of::<StoredDocuments>())],
        problems: &[CALLER, &[NOT_FOUND]],
    },
    Operation {
        method: "delete",
        path: "/v1/collections/{name}/documents",
        id: "collections_documents_delete",
        summary: "Remove the documents of a source, at most 1,000 at once, or only count them",
        needs: Needs::Scope(Scope::DocumentsWrite),
        class: Class::Write,
        parameters: &[&COLLECTION_NAME, &SOURCE, &DRY_RUN, &REMOVED],
        request: None,
        answers: &[(200, "How many are gone, and how many are left.", of::<SourceRemoved>())],
        problems: &[CALLER, WRITE, &[NOT_FOUND]],
    },
    Operation {
        method: "post",
        path: "/v1/collections/{name}/reindex",
        id: "collections_reindex",
        summary: "Index a collection anew beside itself, and switch to the new indexes as soon as they hold everything",
        needs: Needs::Scope(Scope::Admin),
        class: Class::Write,
        parameters: &[&COLLECTION_NAME],
        request: of::<ReindexCollection>(),
        answers: &[(202, "It has begun; the collection says how far it is.", of::<CollectionView>())],
        problems: &[CALLER, BODY, WRITE, &[NOT_FOUND]],
    },
    Operation {
        method: "delete",
        path: "/v1/collections/{name}/reindex",
        id: "collections_reindex_cancel",
        summary: "Give up the new indexes; those that are searched stay",
        needs: Needs::Scope(Scope::Admin),
        class: Class::Write,
        parameters: &[&COLLECTION_NAME],
        request: None,
        answers: &[(204, "There are none, or there were none.", None)],
        problems: &[CALLER, WRITE, &[NOT_FOUND]],
    },
    Operation {
        method: "post",
        path: "/v1/keys",
        id: "keys_create",
        summary: "Make an API key; its secret is shown once",
        needs: Needs::Scope(Scope::Admin),
        class: Class::Write,
        parameters: &[],
        request: of::<CreateKey>(),
        answers: &[(201, "The key with its secret.", of::<KeyCreated>())],
        problems: &[CALLER, BODY, WRITE],
    },
    Operation {
        method: "get",
        path: "/v1/keys",
        id: "keys_list",
        summary: "List the API keys, without their secrets",
        needs: Needs::Scope(Scope::Admin),
        class: Class::Read,
        parameters: &[],
        request: None,
        answers: &[(200, "Keys, also revoked and expired ones.", of::<Keys>())],
        problems: &[CALLER],
    },
    Operation {
        method: "delete",
        path: "/v1/keys/{id}",
        id: "keys_revoke",
        summary: "Revoke an API key at once",
        needs: Needs::Scope(Scope::Admin),
        class: Class::Write,
        parameters: &[&KEY, &optional(FORCE)],
        request: None,
        answers: &[(204, "It is revoked.", None)],
        problems: &[CALLER, WRITE, &[NOT_FOUND]],
    },
    Operation {
        method: "post",
        path: "/v1/explain",
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
        method: "post",
        path: "/v1/explain/readers",
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
        method: "post",
        path: "/v1/models",
        id: "models_put",
        summary: "Write an authorization model, or only show which tuples would die under it",
        needs: Needs::Scope(Scope::Admin),
        class: Class::Write,
        parameters: &[],
        request: of::<PutModel>(),
        answers: &[(200, "What changes.", of::<ModelChanged>())],
        problems: &[CALLER, BODY, WRITE, &[NOT_FOUND]],
    },
    Operation {
        method: "get",
        path: "/v1/whoami",
        id: "whoami",
        summary: "Say who the caller is, for whom it acts and what it may do",
        needs: Needs::Credential,
        class: Class::Read,
        parameters: &[&SUBJECT_TOKEN, &ACT_AS],
        request: None,
        answers: &[(200, "The credential, and whom it reads as.", of::<WhoAmI>())],
        problems: &[CALLER],
    },
    Operation {
        method: "get",
        path: "/v1/health/live",
        id: "health_live",
        summary: "Say that the process runs",
        needs: Needs::Nothing,
        class: Class::Read,
        parameters: &[],
        request: None,
        answers: &[(200, "It runs.", of::<Health>())],
        problems: &[],
    },
    Operation {
        method: "get",
        path: "/v1/health/ready",
        id: "health_ready",
        summary: "Say whether every part can serve",
        needs: Needs::Nothing,
        class: Class::Read,
        parameters: &[],
        request: None,
        answers: &[
            (200, "It can, perhaps without an embedder.", of::<Health>()),
            (503, "It can't, or has not started yet.", of::<Health>()),
        ],
        problems: &[],
    },
    Operation {
        method: "get",
        path: "/v1/health/startup",
        id: "health_startup",
        summary: "Say whether the start is complete",
        needs: Needs::Nothing,
        class: Class::Read,
        parameters: &[],
        request: None,
        answers: &[(200, "It is.", of::<Health>()), (503, "It isn't; `startup` says how far it is.", of::<Health>())],
        problems: &[],
    },
    Operation {
        method: "get",
        path: "/v1/receipts/keys",
        id: "receipts_keys",
        summary: "Read the public key that verifies the receipts of answers",
        needs: Needs::Nothing,
        class: Class::Read,
        parameters: &[],
        request: None,
        answers: &[(200, "A JWK set.", of::<ReceiptKeys>())],
        problems: &[&[STARTING]],
    },
    Operation {
        method: "get",
        path: "/openapi.json",
        id: "openapi",
        summary: "Read this description",
        needs: Needs::Nothing,
        class: Class::Read,
        parameters: &[],
        request: None,
        answers: &[(200, "OpenAPI 3.1.", of::<serde_json::Value>())],
        problems: &[&[STARTING]],
    },
];
