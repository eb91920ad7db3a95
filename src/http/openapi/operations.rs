//! Every operation of the native API: where it is, what it needs, what it answers.

use schemars::{Schema, SchemaGenerator};

use crate::http::problem::{
    AUTHORIZATION, CATALOG, CONFLICT, DEADLINE, EMBEDDER, INDEX, INTERNAL, INVALID, INVALID_FILTER, Kind, MEDIA_TYPE,
    NOT_FOUND, OVERLOADED, RATE, REVISION, SCOPE, STARTING, STORAGE, SUBJECT, TIMEOUT, TOKEN_EXPIRED, TOO_LARGE,
    UNAUTHENTICATED, VERSION,
};
use crate::identity::Scope;
use crate::limits::rates::Class;
use crate::wire::{
    AclView, Answer, AskImpact, AskReaders, CollectionView, Collections, CreateKey, DocumentList, DocumentStates,
    DocumentView, DocumentsPut, Explain, Explained, Health, ImpactTold, KeyCreated, Keys, ModelChanged, PutAcl,
    PutCollection, PutDocuments, PutModel, Query, ReadRelationships, Readers, Recheck, Rechecked, ReindexCollection,
    RelationshipChanges, RelationshipNames, RelationshipsRead, RelationshipsWritten, Report, SourceRemoved,
    StoredDocuments, WhoAmI, WriteRelationships,
};

/// Adds a type to the description and refers to it.
pub(super) type Shape = fn(&mut SchemaGenerator) -> Schema;

/// The credential that an operation needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    Nothing,
    /// Any that is valid.
    Credential,
    Scope(Scope),
}

pub(super) struct Operation {
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

pub(super) struct Parameter {
    pub name: &'static str,
    /// `path`, `query` or `header`.
    pub place: &'static str,
    pub is_required: bool,
    /// JSON.
    pub schema: &'static str,
    pub description: &'static str,
}

const TEXT: &str = r#"{"type": "string"}"#;
const NAME: &str = r#"{"type": "string", "minLength": 1}"#;
const COUNT: &str = r#"{"type": "integer", "minimum": 1, "maximum": 1000}"#;
const SWITCH: &str = r#"{"type": "boolean"}"#;
const VERSION_TAG: &str = r#"{"type": "string", "pattern": "^\"?[0-9]{1,18}\"?$"}"#;
const TIME: &str = r#"{"type": "string", "format": "date-time"}"#;
const READER_NAME: &str = r#"{"type": "string", "pattern": "^(user|agent|service):[^\\s:#*]+$"}"#;
const KINDS: &str = r#"{"type": "string", "enum": ["expired", "waiting", "empty", "not_admitted", "unused", "held"]}"#;

const fn parameter(place: &'static str, name: &'static str, description: &'static str) -> Parameter {
    Parameter { name, place, is_required: true, schema: TEXT, description }
}

const fn with(schema: &'static str, parameter: Parameter) -> Parameter {
    Parameter { schema, ..parameter }
}

const fn optional(parameter: Parameter) -> Parameter {
    Parameter { is_required: false, ..parameter }
}

const FORCE: Parameter =
    optional(with(SWITCH, parameter("query", "force", "Also the last working key with the scope `admin`.")));
const DOCUMENT: Parameter = parameter("path", "id", "Id of the document, percent-encoded: `hr%2Fleave.md`.");
const KEY: Parameter = parameter("path", "id", "Id of the key, the part between the underscores.");
const COLLECTION_NAME: Parameter = parameter("path", "name", "Name of the collection.");
const COLLECTION: Parameter = parameter("query", "collection", "Name of the collection.");
const SOURCE: Parameter = parameter("query", "source", "The part of the ids before the first `/`.");
const OF_SOURCE: Parameter = optional(SOURCE);
const REMOVED: Parameter =
    optional(with(COUNT, parameter("query", "limit", "Documents to remove at most: 1 to 1,000; default 1,000.")));
const DRY_RUN: Parameter = optional(with(SWITCH, parameter("query", "dry_run", "Only count what would be removed.")));
const NAME_TYPE: Parameter = parameter("query", "type", "Type of the names, such as `user`, `agent` or `group`.");
const AFTER_NAME: Parameter =
    optional(parameter("query", "cursor", "`next_cursor` of the page before: its last name."));
const AFTER_ID: Parameter = optional(parameter("query", "cursor", "`next_cursor` of the page before: its last id."));
const LIMIT: Parameter = optional(with(COUNT, parameter("query", "limit", "1 to 1,000; default 100.")));
const CURSOR: Parameter = optional(parameter("query", "cursor", "`next_cursor` of the page before."));
const CONTEXT: Parameter = optional(parameter(
    "query",
    "context",
    "Context of conditions, a JSON object; only keys that the collection lists as caller-asserted. As in a query.",
));
const STORE: Parameter = optional(parameter("query", "store", "Id of the store; default: the service's own."));
const OBJECT_TYPE: Parameter = optional(parameter("query", "type", "Only changes of objects of this type."));
const REPORT_KIND: Parameter = with(
    KINDS,
    parameter(
        "query",
        "kind",
        "`expired`: the condition's time is over; `waiting`: of a document that is not stored; `empty`: for a userset in \
         which there is nobody; `not_admitted`: the newest model has no place for it; `unused`: no document's rules lead to \
         it; `held`: of a document or part that was deleted.",
    ),
);
const START_TIME: Parameter = optional(with(
    TIME,
    parameter("query", "start_time", "Only changes at this time or later; a cursor goes before it."),
));
const IF_MATCH: Parameter =
    optional(with(VERSION_TAG, parameter("header", "If-Match", "Refuse (412) unless this version is stored.")));
const SUBJECT_TOKEN: Parameter =
    optional(with(NAME, parameter("header", "Usher-Subject-Token", "Token of the person that a service asks for.")));
const ACT_AS: Parameter = optional(with(
    READER_NAME,
    parameter(
        "header",
        "Usher-Subject",
        "Subject to read as, such as `user:anne`; needs the scope `act_as` and a type that the key lists.",
    ),
));

/// Problems of every operation with a credential.
const CALLER: &[Kind] = &[UNAUTHENTICATED, TOKEN_EXPIRED, SCOPE, RATE, CATALOG, STARTING, INTERNAL];
/// Of those that read as somebody.
const READER: &[Kind] = &[SUBJECT, AUTHORIZATION, STORAGE];
const BODY: &[Kind] = &[INVALID, TOO_LARGE, MEDIA_TYPE, TIMEOUT];
const WRITE: &[Kind] = &[CONFLICT, OVERLOADED, STORAGE];
const PLACE: &[Kind] = &[INVALID, NOT_FOUND];

/// A shape by its type.
const fn of<T: schemars::JsonSchema>() -> Option<Shape> {
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
        problems: &[CALLER, READER, BODY, &[INVALID_FILTER, EMBEDDER, REVISION, INDEX, OVERLOADED, DEADLINE]],
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
        problems: &[CALLER, READER, BODY, &[REVISION]],
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
        problems: &[CALLER, BODY, WRITE, PLACE],
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
        problems: &[CALLER, READER, &[INVALID, DEADLINE]],
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
        problems: &[CALLER, PLACE],
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
        problems: &[CALLER, READER, PLACE, &[DEADLINE]],
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
        problems: &[CALLER, WRITE, PLACE, &[VERSION]],
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
        problems: &[CALLER, PLACE],
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
        problems: &[CALLER, BODY, WRITE, PLACE],
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
        problems: &[CALLER, BODY, WRITE, PLACE, &[VERSION]],
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
        problems: &[CALLER, BODY, PLACE],
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
        problems: &[CALLER, PLACE],
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
        problems: &[CALLER, PLACE],
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
        problems: &[CALLER, PLACE],
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
        problems: &[CALLER, BODY, PLACE, &[CONFLICT, STORAGE]],
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
        problems: &[CALLER, PLACE, &[CONFLICT, STORAGE]],
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
        parameters: &[&COLLECTION_NAME],
        request: of::<PutCollection>(),
        answers: &[(200, "The settings as they are now.", of::<CollectionView>())],
        problems: &[CALLER, BODY, WRITE, PLACE],
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
        problems: &[CALLER, PLACE],
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
        problems: &[CALLER, WRITE, PLACE],
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
        problems: &[CALLER, BODY, WRITE, PLACE],
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
        problems: &[CALLER, WRITE, PLACE],
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
        problems: &[CALLER, WRITE, &[NOT_FOUND, CONFLICT]],
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
        problems: &[CALLER, READER, BODY, PLACE, &[REVISION]],
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
        problems: &[CALLER, READER, BODY, PLACE, &[REVISION]],
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
        problems: &[CALLER, BODY, WRITE, PLACE],
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
        problems: &[CALLER, READER, &[INVALID]],
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
