//! Collections and what is stored of them.

use axum::routing::on;

use super::{
    BODY, CALLER, LIMIT, Needs, Operation, Parameter, SOURCE, Verb, WRITE, collection_name, count, of, optional,
    parameter, part, such_as, switch, with,
};
use crate::http::problem::NOT_FOUND;
use crate::http::routes::{collections, stored};
use crate::identity::Scope;
use crate::limits::rates::Class;
use crate::wire::{CollectionView, Collections, PutCollection, ReindexCollection, SourceRemoved, StoredDocuments};

const FILLED: Parameter =
    optional(with(switch, parameter("query", "force", "Also a collection that holds documents, with all of them.")));
const COLLECTION_NAME: Parameter = such_as("main", with(part, parameter("path", "name", "Name of the collection.")));
const NEW_COLLECTION_NAME: Parameter = with(collection_name, COLLECTION_NAME);
const OF_SOURCE: Parameter = optional(SOURCE);
const REMOVED: Parameter =
    optional(with(count, parameter("query", "limit", "Documents to remove at most: 1 to 1,000; default 1,000.")));
const DRY_RUN: Parameter = optional(with(switch, parameter("query", "dry_run", "Only count what would be removed.")));
const AFTER_ID: Parameter = optional(parameter("query", "cursor", "`next_cursor` of the page before: its last id."));

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        method: Verb::Get,
        path: "/v1/collections",
        handler: |verb| on(verb, collections::list),
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
        method: Verb::Get,
        path: "/v1/collections/{name}",
        handler: |verb| on(verb, collections::get),
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
        method: Verb::Put,
        path: "/v1/collections/{name}",
        handler: |verb| on(verb, collections::put),
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
        method: Verb::Delete,
        path: "/v1/collections/{name}",
        handler: |verb| on(verb, collections::delete),
        id: "collections_delete",
        summary: "Remove a collection; one that holds documents only by `force`",
        needs: Needs::Scope(Scope::Admin),
        class: Class::Write,
        parameters: &[&COLLECTION_NAME, &FILLED],
        request: None,
        answers: &[(204, "It is gone, or was never there.", None)],
        problems: &[CALLER, WRITE],
    },
    Operation {
        method: Verb::Get,
        path: "/v1/collections/{name}/documents",
        handler: |verb| on(verb, stored::list),
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
        method: Verb::Delete,
        path: "/v1/collections/{name}/documents",
        handler: |verb| on(verb, stored::remove),
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
        method: Verb::Post,
        path: "/v1/collections/{name}/reindex",
        handler: |verb| on(verb, collections::reindex),
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
        method: Verb::Delete,
        path: "/v1/collections/{name}/reindex",
        handler: |verb| on(verb, collections::cancel_reindex),
        id: "collections_reindex_cancel",
        summary: "Give up the new indexes; those that are searched stay",
        needs: Needs::Scope(Scope::Admin),
        class: Class::Write,
        parameters: &[&COLLECTION_NAME],
        request: None,
        answers: &[(204, "There are none, or there were none.", None)],
        problems: &[CALLER, WRITE, &[NOT_FOUND]],
    },
];
