//! `GET /v1/documents`: what a reader may read of a collection, a page at a time.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::{Attempts, caller_context_of, json, next_page, page, page_after, page_size, record, seal};
use crate::http::extract::{Caller, Parameters};
use crate::http::problem::ApiProblem;
use crate::identity::Scope;
use crate::query::QueryError;
use crate::service::Service;
use crate::wire::{DocumentList, DocumentListed};

/// Bytes of titles and metadata of a page, but for the first document.
const MAX_PAGE_BYTES: usize = 4 * 1024 * 1024;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListParameters {
    collection: String,
    limit: Option<usize>,
    cursor: Option<String>,
    context: Option<String>,
}

/// A collection that the reader can't see is as empty as one that doesn't exist.
pub async fn documents(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Parameters(parameters): Parameters<ListParameters>,
) -> Result<Response, ApiProblem> {
    caller.require(Scope::DocumentsRead)?;
    let reader = caller.principal.reader()?;
    let limit = page_size(parameters.limit)?;
    let subjects: Vec<String> = reader.subjects.iter().map(ToString::to_string).collect();
    let mut bound = vec!["documents", &caller.principal.credential_id, &parameters.collection];
    bound.extend(subjects.iter().map(String::as_str));
    bound.extend(parameters.context.as_deref());
    let from = page_after(&service, parameters.cursor.as_deref(), &bound)?.unwrap_or_default();
    // A cursor's place was an ordinal when it was sealed.
    let from = u32::try_from(from).unwrap_or(u32::MAX);

    let caller_context = caller_context_of(parameters.context.as_deref())?;
    let names = [parameters.collection.clone()];
    let turn = service.read_turn(caller.principal.payer());
    let attempts = Attempts::of(&service);
    let (found, heads, next, revision, place) = loop {
        let snapshot = service.published.load();
        let revision = snapshot.revision;
        let view = super::view(&service, &turn, snapshot, &reader, &caller_context, &names).await?;
        // A cursor says only that something readable follows.
        let found = service.gate.verify_documents(&view, &parameters.collection, from, limit + 1).await?;
        let (found, next) = page(found, limit);
        let place = turn.place().await.map_err(|_| QueryError::Deadline { stage: "read" })?;
        let heads = service.catalog.document_heads(&found).await?;
        // Both are in the order of ordinals.
        if heads.len() == found.len() {
            break (found, heads, next, revision, place);
        }
        attempts.another(revision).await?;
    };
    // A page of much metadata is a short one.
    let (mut bytes, mut size) = (0, 0);
    for head in &heads {
        bytes += serde_json::to_vec(&head.metadata).map_or(0, |json| json.len()) + head.title.len();
        if bytes > MAX_PAGE_BYTES && size > 0 {
            break;
        }
        size += 1;
    }
    let mut found = found;
    let next = found.get(size).map(|first| first.ordinal()).or(next.map(|first| first.ordinal()));
    found.truncate(size);
    let next_cursor = next.map(|first| next_page(&service, first.into(), &bound)).transpose()?;
    let listed = found.iter().zip(heads).map(|(document, head)| DocumentListed {
        id: document.id().to_owned(),
        version: head.version,
        title: head.title,
        url: head.url,
        metadata: head.metadata,
        updated_at: head.updated_at,
    });
    let documents: Vec<DocumentListed> = listed.collect();
    let ids = documents.iter().map(|document| document.id.clone()).collect();
    record(&service, &caller, "documents.list", revision, ids).await?;
    json(place, DocumentList { documents, next_cursor, revision: seal(&service, revision)? }).await
}
