//! `/v1/collections/{name}/documents`: what is stored of a collection, and the removal of all documents of a source.
//! For administrators and ingesters: within what the credential may write, whoever may read it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Deserialize;

use super::documents::await_indexes;
use super::{page, page_size, reached, record, seal};
use crate::catalog::CatalogError;
use crate::catalog::documents::DocumentRow;
use crate::commit::documents::{DeleteDocuments, Only};
use crate::http::extract::{Caller, Parameters, PathParts};
use crate::http::problem::ApiProblem;
use crate::identity::Scope;
use crate::service::Service;
use crate::wire::{SourceRemoved, StoredDocument, StoredDocuments, StoredState};

/// Documents that one commit removes, so that revocations don't wait for long.
const AT_ONCE: usize = 100;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListParameters {
    source: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

pub async fn list(
    State(service): State<Arc<Service>>,
    caller: Caller,
    PathParts(name): PathParts<String>,
    Parameters(parameters): Parameters<ListParameters>,
) -> Result<Json<StoredDocuments>, ApiProblem> {
    caller.require(Scope::DocumentsWrite)?;
    let limit = page_size(parameters.limit)?;
    let sources = match parameters.source {
        None => caller.principal.sources().map(<[String]>::to_vec),
        Some(source) if caller.principal.may_write_source(&source) => Some(vec![source]),
        Some(_) => return Err(ApiProblem::forbidden_source()),
    };
    let (snapshot, collection) = reached(&service, &caller, &name)?;
    // The cursor is the last id of the page before, which this credential may write.
    let after = parameters.cursor.unwrap_or_default();
    let (rows, next) = page(by_id(&service, collection.id, sources, &after, limit + 1).await?, limit);
    let next_cursor = rows.last().filter(|_| next.is_some()).map(|row| row.id.clone());
    let items = vec![name, format!("{} documents after {after}", rows.len())];
    record(&service, &caller, "documents.stored", snapshot.revision, items).await?;
    let now = Timestamp::now();
    let documents = rows.into_iter().map(|row| shown(row, now)).collect();
    Ok(Json(StoredDocuments { documents, next_cursor, revision: seal(&service, snapshot.revision)? }))
}

/// Documents in the order of ids: of all sources, or of some.
async fn by_id(
    service: &Service,
    collection: u32,
    sources: Option<Vec<String>>,
    after: &str,
    limit: usize,
) -> Result<Vec<DocumentRow>, CatalogError> {
    let Some(mut sources) = sources else {
        return service.catalog.documents_by_id(collection, None, after, limit as u32).await;
    };
    // A source's ids are the source itself and what begins with it and `/`; so they lie together but for the former.
    sources.sort();
    sources.dedup();
    let mut rows = Vec::new();
    for source in &sources {
        // What is beyond the first `limit` of one source is beyond those of all.
        rows.extend(service.catalog.documents_by_id(collection, Some(source), after, limit as u32).await?);
        rows.sort_by(|a: &DocumentRow, b| a.id.cmp(&b.id));
        rows.truncate(limit);
    }
    Ok(rows)
}

fn shown(row: DocumentRow, now: Timestamp) -> StoredDocument {
    let is_over = |end: &String| end.parse::<Timestamp>().is_ok_and(|end| end <= now);
    let state = match &row {
        row if row.parked => StoredState::Parked,
        row if row.awaits_rules => StoredState::AwaitsRules,
        row if row.expires_at.as_ref().is_some_and(is_over) => StoredState::Expired,
        _ => StoredState::Served,
    };
    StoredDocument {
        id: row.id,
        title: row.title,
        source: row.source,
        version: row.version,
        state,
        chunks: row.chunk_count,
        source_version: row.source_version,
        updated_at: row.updated_at,
        expires_at: row.expires_at,
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoveParameters {
    source: String,
    limit: Option<usize>,
    #[serde(default)]
    dry_run: bool,
}

pub async fn remove(
    State(service): State<Arc<Service>>,
    caller: Caller,
    PathParts(name): PathParts<String>,
    Parameters(RemoveParameters { source, limit, dry_run }): Parameters<RemoveParameters>,
) -> Result<Json<SourceRemoved>, ApiProblem> {
    caller.require(Scope::DocumentsWrite)?;
    let limit = page_size(Some(limit.unwrap_or(1000)))?;
    if !caller.principal.may_write_source(&source) {
        return Err(ApiProblem::forbidden_source());
    }
    let (snapshot, collection) = reached(&service, &caller, &name)?;
    let (mut removed, mut revision, mut awaits_rules) = (0, snapshot.revision, false);
    while !dry_run && removed < limit {
        let at_once = AT_ONCE.min(limit - removed) as u32;
        let rows = service.catalog.documents_by_id(collection.id, Some(&source), "", at_once).await?;
        let ids: Vec<String> = rows.into_iter().map(|row| row.id).collect();
        if ids.is_empty() {
            break;
        }
        let change = DeleteDocuments { collection: name.clone(), ids, only: Only::Every };
        let committed = service.committer.submit(caller.asked(), change).await?;
        removed += committed.output.documents.len();
        revision = committed.revision;
        awaits_rules |= committed.output.awaits_rules;
        // Somebody else has removed them.
        if committed.output.documents.is_empty() {
            break;
        }
    }
    if removed > 0 {
        revision = service.settled(revision, awaits_rules).await?;
        await_indexes(&service, &name).await;
    }
    let left = service.catalog.count_of_source(collection.id, &source).await?;
    if dry_run {
        record(&service, &caller, "documents.dry_run", revision, vec![name, format!("{left} documents of {source}")])
            .await?;
    }
    Ok(Json(SourceRemoved { removed: removed as u64, left, revision: seal(&service, revision)? }))
}
