//! Documents: storing, reading, their rules.

use axum::extract::DefaultBodyLimit;
use axum::routing::on;
use serde_json::json;

use super::{
    ACT_AS, BODY, CALLER, COMPUTED, CURSOR, LIMIT, Needs, Operation, Parameter, SOURCE, SUBJECT_TOKEN, Verb, WRITE, of,
    optional, parameter, part, such_as, text, with,
};
use crate::http::MAX_DOCUMENTS_BODY;
use crate::http::problem::{NOT_FOUND, VERSION};
use crate::http::routes::{documents, list};
use crate::identity::Scope;
use crate::limits::rates::Class;
use crate::wire::bounds;
use crate::wire::{AclView, DocumentList, DocumentStates, DocumentView, DocumentsPut, PutAcl, PutDocuments};

const DOCUMENT: Parameter = such_as(
    "hr/leave.md",
    with(part, parameter("path", "id", "Id of the document, percent-encoded: `hr%2Fleave.md`.")),
);
const COLLECTION: Parameter = such_as("main", parameter("query", "collection", "Name of the collection."));
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
const IF_MATCH: Parameter = optional(with(
    || text(bounds::IF_MATCH),
    parameter("header", "If-Match", "Refuse (412) unless this version is stored: the `ETag` of it, or its number."),
));

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        method: Verb::Post,
        path: "/v1/documents",
        handler: |verb| on(verb, documents::put).layer(DefaultBodyLimit::max(MAX_DOCUMENTS_BODY)),
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
        method: Verb::Get,
        path: "/v1/documents",
        handler: |verb| on(verb, list::documents),
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
        method: Verb::Get,
        path: "/v1/documents/state",
        handler: |verb| on(verb, documents::state),
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
        method: Verb::Get,
        path: "/v1/documents/{id}",
        handler: |verb| on(verb, documents::get),
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
        method: Verb::Delete,
        path: "/v1/documents/{id}",
        handler: |verb| on(verb, documents::delete),
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
        method: Verb::Get,
        path: "/v1/documents/{id}/acl",
        handler: |verb| on(verb, documents::get_acl),
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
        method: Verb::Put,
        path: "/v1/documents/{id}/acl",
        handler: |verb| on(verb, documents::put_acl),
        id: "documents_put_acl",
        summary: "Replace the access rules of a document; its text stays",
        needs: Needs::Scope(Scope::DocumentsWrite),
        class: Class::Write,
        parameters: &[&DOCUMENT, &COLLECTION],
        request: of::<PutAcl>(),
        answers: &[(200, "One result, with a problem if the rules were refused.", of::<DocumentsPut>())],
        problems: &[CALLER, BODY, WRITE, &[NOT_FOUND]],
    },
];
