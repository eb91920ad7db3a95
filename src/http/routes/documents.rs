//! Storing, reading, listing and removing documents.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::{Attempts, caller_context_of, reached, record, seal};
use crate::commit::documents::{DeleteDocuments, Only, PutDocuments, PutRules};
use crate::commit::{CommitError, Committed};
use crate::http::body::DocumentsJson;
use crate::http::extract::{Caller, Parameters, PathParts, StrictJson, single};
use crate::http::problem::{self, ApiProblem};
use crate::identity::{IdentityError, Scope};
use crate::prepare;
use crate::query::QueryError;
use crate::service::Service;
use crate::snapshot::names::objects_of;
use crate::snapshot::source_of;
use crate::wire::{
    AclView, Document, DocumentResult, DocumentState, DocumentStates, DocumentStatus, DocumentView, DocumentsPut,
    FieldProblem, Problem, PutAcl, SectionAcl,
};

mod preparing;

/// How long an acknowledgement waits for the keyword index; the documents are stored in any case.
const INDEX_WAIT: Duration = Duration::from_secs(20);
/// Preparations of a document that changes under them.
const ATTEMPTS: usize = 3;

pub async fn put(
    State(service): State<Arc<Service>>,
    caller: Caller,
    DocumentsJson(request): DocumentsJson,
) -> Result<Json<DocumentsPut>, ApiProblem> {
    caller.require(Scope::DocumentsWrite)?;
    let ids: Vec<String> = request.iter().map(|sent| sent.id.clone()).collect();
    let is_twice = |n: usize, id: &String| ids.iter().enumerate().any(|(other, held)| other != n && held == id);
    let mut results: Vec<Option<DocumentResult>> = ids.iter().map(|_| None).collect();
    let mut by_collection: BTreeMap<String, Vec<(usize, Document)>> = BTreeMap::new();
    let mut denied = Vec::new();
    for (n, sent) in request.into_iter().enumerate() {
        let document = match sent.document {
            Ok(document) if is_twice(n, &document.id) => {
                let pointer = format!("/documents/{n}/id");
                Err(FieldProblem { pointer, detail: "occurs twice in this request".to_owned() })
            }
            other => other,
        };
        let document = match document {
            Ok(document) => document,
            Err(error) => {
                if let Some(slot) = results.get_mut(n) {
                    *slot = Some(rejected(sent.id, problem::of_document(error)));
                }
                continue;
            }
        };
        if !caller.principal.may_write_source(source_of(&document.id)) {
            if let Some(slot) = results.get_mut(n) {
                *slot = Some(rejected(document.id.clone(), problem::of_source(n)));
            }
            denied.push(document.id);
            continue;
        }
        by_collection.entry(document.collection.clone()).or_default().push((n, document));
    }
    if by_collection.is_empty() && !denied.is_empty() {
        return Err(ApiProblem::forbidden_source());
    }
    let snapshot = service.published.load();
    if !denied.is_empty() {
        record(&service, &caller, "denied", snapshot.revision, denied).await?;
    }
    let is_there = |name: &str| caller.principal.reaches(name) && snapshot.collection(name).is_some();
    if !by_collection.is_empty() && !by_collection.keys().any(|name| is_there(name)) {
        return Err(ApiProblem::not_found());
    }
    let mut revision = snapshot.revision;
    for (collection, documents) in by_collection {
        // Out of reach and absent are alike.
        if !is_there(&collection) {
            for (n, document) in documents {
                if let Some(slot) = results.get_mut(n) {
                    *slot = Some(rejected(document.id, problem::of_collection(n)));
                }
            }
            continue;
        }
        for part in prepare::sizes::parts(documents) {
            let (order, documents): (Vec<usize>, Vec<Document>) = part.into_iter().unzip();
            let committed = store(&service, &caller, &collection, documents).await?;
            revision = revision.max(committed.revision);
            for (n, result) in order.into_iter().zip(committed.output) {
                if let Some(slot) = results.get_mut(n) {
                    *slot = Some(result);
                }
            }
        }
    }
    Ok(Json(DocumentsPut { results: results.into_iter().flatten().collect(), revision: seal(&service, revision)? }))
}

/// Prepares and commits documents of one collection; one that is refused gets a problem, the others are stored.
async fn store(
    service: &Service,
    caller: &Caller,
    collection: &str,
    documents: Vec<Document>,
) -> Result<Committed<Vec<DocumentResult>>, ApiProblem> {
    let mut attempt = 1;
    loop {
        let state = service.published.load().collection(collection).cloned().ok_or_else(ApiProblem::not_found)?;
        let mut prepared = Vec::new();
        let mut results: Vec<DocumentResult> = Vec::new();
        let all = preparing::all(service, &caller.principal.payer(), (&state.settings, state.id), &documents).await?;
        for (document, ready) in documents.iter().zip(all) {
            let id = document.id.clone();
            match ready {
                Ok(document) => {
                    let warnings = state.fields.values(&document.document.metadata).1;
                    prepared.push(document);
                    results.push(DocumentResult {
                        id,
                        status: DocumentStatus::Unchanged,
                        version: None,
                        problem: None,
                        warnings,
                    });
                }
                Err(problem) => results.push(rejected(id, problem)),
            }
        }
        let change = PutDocuments { collection: collection.to_owned(), documents: prepared };
        let committed = match service.committer.submit(caller.asked(), change).await {
            Err(CommitError::Outdated) if attempt < ATTEMPTS => {
                attempt += 1;
                continue;
            }
            other => other?,
        };
        let awaits_rules = committed.output.iter().flatten().any(|stored| stored.awaits_rules);
        let revision = service.settled(committed.revision, awaits_rules).await?;
        let mut stored = committed.output.into_iter();
        for result in results.iter_mut().filter(|result| result.problem.is_none()) {
            match stored.next() {
                Some(Ok(stored)) => (result.status, result.version) = (stored.status, stored.version),
                Some(Err(rejection)) => *result = rejected(result.id.clone(), problem::of_rejection(&rejection)),
                None => {}
            }
        }
        await_indexes(service, collection).await;
        return Ok(Committed { output: results, revision });
    }
}

fn rejected(id: String, problem: Problem) -> DocumentResult {
    DocumentResult { id, status: DocumentStatus::Rejected, version: None, problem: Some(problem), warnings: Vec::new() }
}

/// Waits until the keyword index shows what was just committed; the writer has woken it.
pub(super) async fn await_indexes(service: &Service, collection: &str) {
    let Some(state) = service.published.load().collection(collection).cloned() else { return };
    let Some(indexes) = service.indexes.get(state.pair()) else { return };
    if !tokio::time::timeout(INDEX_WAIT, indexes.at_least(state.last_operation)).await.unwrap_or(false) {
        tracing::warn!(collection, "the keyword index lags behind");
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InCollection {
    collection: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadParameters {
    collection: String,
    context: Option<String>,
}

/// A document as the caller's reader sees it.
pub async fn get(
    State(service): State<Arc<Service>>,
    caller: Caller,
    PathParts(id): PathParts<String>,
    Parameters(at): Parameters<ReadParameters>,
) -> Result<Response, ApiProblem> {
    caller.require(Scope::DocumentsRead)?;
    let reader = caller.principal.reader()?;
    let caller_context = caller_context_of(at.context.as_deref())?;
    let names = [at.collection.clone()];
    let turn = service.read_turn(caller.principal.payer());
    let attempts = Attempts::of(&service);
    let (document, text, revision, place) = loop {
        let snapshot = service.published.load();
        let revision = snapshot.revision;
        let view = super::view(&service, &turn, snapshot, &reader, &caller_context, &names).await?;
        let document = service.gate.verify_document(&view, &at.collection, &id).await?;
        let document = document.ok_or_else(ApiProblem::not_found)?;
        // Whoever reads large texts side by side must leave the catalog to others.
        let place = turn.place().await.map_err(|_| QueryError::Deadline { stage: "read" })?;
        if let Some(text) = service.catalog.document_text(&document).await? {
            break (document, text, revision, place);
        }
        attempts.another(revision).await?;
    };
    record(&service, &caller, "documents.get", revision, vec![id]).await?;
    let view = DocumentView {
        id: document.id().to_owned(),
        collection: at.collection,
        version: document.version(),
        title: text.title,
        url: text.url,
        metadata: text.metadata,
        content_hash: format!("b3:{}", blake3::hash(text.text.as_bytes()).to_hex()),
        text: text.text,
        revision: seal(&service, revision)?,
    };
    let etag = HeaderValue::from_str(&format!("\"{}\"", view.version));
    let mut response = super::json(place, view).await?;
    if let Ok(etag) = etag {
        response.headers_mut().insert(header::ETAG, etag);
    }
    Ok(response)
}

pub async fn delete(
    State(service): State<Arc<Service>>,
    caller: Caller,
    PathParts(id): PathParts<String>,
    Parameters(at): Parameters<InCollection>,
    headers: HeaderMap,
) -> Result<Response, ApiProblem> {
    caller.require(Scope::DocumentsWrite)?;
    if !caller.principal.may_write_source(source_of(&id)) {
        return Err(ApiProblem::forbidden_source());
    }
    if !caller.principal.reaches(&at.collection) {
        return Err(ApiProblem::not_found());
    }
    let only = single(&headers, "if-match")?.map(version).transpose()?.map_or(Only::Every, Only::Version);
    let change = DeleteDocuments { collection: at.collection.clone(), ids: vec![id], only };
    let committed = service.committer.submit(caller.asked(), change).await?;
    let revision = service.settled(committed.revision, committed.output.awaits_rules).await?;
    await_indexes(&service, &at.collection).await;
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Ok(token) = HeaderValue::from_str(&seal(&service, revision)?) {
        response.headers_mut().insert("usher-revision", token);
    }
    Ok(response)
}

/// The version that `If-Match` names, with quotation marks as in `ETag` or without. No other tag is that of a document.
fn version(tag: &str) -> Result<u64, ApiProblem> {
    let is_bare = (1..=18).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_digit());
    let strong = tag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let quoted = strong.or_else(|| tag.strip_prefix("W/\"").and_then(|rest| rest.strip_suffix('"')));
    let is_tag = quoted.is_some_and(|tag| tag.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"'));
    if !is_bare && !is_tag {
        let problem = "must be a version, such as `\"3\"` from the header `ETag`";
        return Err(IdentityError::Header { header: "if-match", problem }.into());
    }
    let version = if is_bare { Some(tag) } else { strong };
    version.and_then(|version| version.parse().ok()).ok_or_else(ApiProblem::version_conflict)
}

pub async fn put_acl(
    State(service): State<Arc<Service>>,
    caller: Caller,
    PathParts(id): PathParts<String>,
    Parameters(at): Parameters<InCollection>,
    StrictJson(request): StrictJson<PutAcl>,
) -> Result<Json<DocumentsPut>, ApiProblem> {
    caller.require(Scope::DocumentsWrite)?;
    if !caller.principal.may_write_source(source_of(&id)) {
        return Err(ApiProblem::forbidden_source());
    }
    if !caller.principal.reaches(&at.collection) {
        return Err(ApiProblem::not_found());
    }
    prepare::sizes::of_rules(&request.acl).map_err(|error| ApiProblem::invalid(&error.pointer, &error.detail))?;
    let change = PutRules { collection: at.collection, id: id.clone(), acl: request.acl };
    let committed = service.committer.submit(caller.asked(), change).await?;
    let awaits_rules = committed.output.as_ref().is_ok_and(|stored| stored.awaits_rules);
    let revision = service.settled(committed.revision, awaits_rules).await?;
    let result = match committed.output {
        Ok(stored) => {
            DocumentResult { id, status: stored.status, version: stored.version, problem: None, warnings: Vec::new() }
        }
        Err(rejection) => rejected(id, problem::of_rejection(&rejection)),
    };
    Ok(Json(DocumentsPut { results: vec![result], revision: seal(&service, revision)? }))
}

/// The rules of a document, for those who may replace them.
pub async fn get_acl(
    State(service): State<Arc<Service>>,
    caller: Caller,
    PathParts(id): PathParts<String>,
    Parameters(at): Parameters<InCollection>,
) -> Result<Json<AclView>, ApiProblem> {
    caller.require(Scope::DocumentsWrite)?;
    if !caller.principal.may_write_source(source_of(&id)) {
        return Err(ApiProblem::forbidden_source());
    }
    let (snapshot, collection) = reached(&service, &caller, &at.collection)?;
    let row = service.catalog.document_by_id(collection.id, &id).await?.ok_or_else(ApiProblem::not_found)?;
    record(&service, &caller, "documents.get_acl", snapshot.revision, vec![id]).await?;
    // Whether another collection holds the id shows in the name.
    let may_see = caller.principal.has(Scope::RelationshipsRead);
    let object = may_see.then(|| objects_of(&collection.binding, collection.id, &row).0.to_string());
    Ok(Json(AclView {
        object,
        id: row.id,
        collection: at.collection,
        acl: row.rules.acl,
        sections: row.rules.sections.into_iter().map(|(id, acl)| SectionAcl { id, acl }).collect(),
        acl_digest: row.acl_digest,
        parked: row.parked,
        revision: seal(&service, snapshot.revision)?,
    }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateParameters {
    collection: String,
    source: String,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// What the service holds of a source, for an ingester's comparison.
pub async fn state(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Parameters(parameters): Parameters<StateParameters>,
) -> Result<Json<DocumentStates>, ApiProblem> {
    caller.require(Scope::DocumentsWrite)?;
    if !caller.principal.may_write_source(&parameters.source) {
        return Err(ApiProblem::forbidden_source());
    }
    let limit = parameters.limit.unwrap_or(100);
    if !(1..=1000).contains(&limit) {
        return Err(ApiProblem::invalid("/limit", "must be 1 to 1,000"));
    }
    let (snapshot, collection) = reached(&service, &caller, &parameters.collection)?;
    // The cursor is the last id of the page before: the caller wrote these ids itself.
    let after = parameters.cursor.unwrap_or_default();
    let rows = service.catalog.documents_by_id(collection.id, Some(&parameters.source), &after, limit).await?;
    let next_cursor = if rows.len() == limit as usize { rows.last().map(|row| row.id.clone()) } else { None };
    let items = vec![parameters.collection, parameters.source, format!("{} documents after {after}", rows.len())];
    record(&service, &caller, "documents.state", snapshot.revision, items).await?;
    let documents = rows
        .into_iter()
        .map(|row| DocumentState {
            id: row.id,
            version: row.version,
            content_digest: row.content_digest,
            acl_digest: row.acl_digest,
            source_hash: row.source_hash,
            source_version: row.source_version,
        })
        .collect();
    Ok(Json(DocumentStates { documents, next_cursor }))
}
