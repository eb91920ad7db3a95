//! Collections: administration. A reader never lists them; it asks, and gets what it may read.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::record_change;
use crate::catalog::collections::CollectionSettings;
use crate::commit::collections::{DeleteCollection, PutCollection};
use crate::http::extract::{Caller, Place, StrictJson};
use crate::http::problem::ApiProblem;
use crate::identity::Scope;
use crate::index::Analyser;
use crate::service::Service;
use crate::snapshot::CollectionState;
use crate::wire::{CollectionView, Collections, PutCollection as PutCollectionBody};

pub async fn list(State(service): State<Arc<Service>>, caller: Caller) -> Result<Json<Collections>, ApiProblem> {
    caller.require(Scope::DocumentsWrite)?;
    let snapshot = service.published.load();
    let collections = snapshot
        .collections
        .values()
        .filter(|collection| caller.principal.reaches(&collection.name))
        .map(|collection| view(collection))
        .collect();
    Ok(Json(Collections { collections }))
}

pub async fn get(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Place(name): Place<String>,
) -> Result<Json<CollectionView>, ApiProblem> {
    caller.require(Scope::DocumentsWrite)?;
    let snapshot = service.published.load();
    let collection = snapshot.collection(&name).filter(|_| caller.principal.reaches(&name));
    collection.map(|collection| Json(view(collection))).ok_or_else(ApiProblem::not_found)
}

pub async fn put(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Place(name): Place<String>,
    StrictJson(request): StrictJson<PutCollectionBody>,
) -> Result<Json<CollectionView>, ApiProblem> {
    caller.require(Scope::Admin)?;
    let is_good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > 64 || !name.chars().all(is_good) {
        return Err(ApiProblem::invalid("", "the name must be 1 to 64 of a-z, 0-9, `-`, `_`, `.`"));
    }
    let existing = service.published.load().collection(&name).cloned();
    let settings = settings(&service, existing.as_deref(), request)?;
    let committed = service.committer.submit(PutCollection { name: name.clone(), settings }).await?;
    record_change(&service, &caller, "collections.put", committed.revision, vec![name.clone()]).await?;
    let snapshot = service.published.load();
    snapshot.collection(&name).map(|collection| Json(view(collection))).ok_or_else(ApiProblem::not_found)
}

/// The request over what exists, or over the defaults.
fn settings(
    service: &Service,
    existing: Option<&CollectionState>,
    request: PutCollectionBody,
) -> Result<CollectionSettings, ApiProblem> {
    let old = existing.map(|collection| collection.settings.as_ref());
    let keep = |given: Option<String>, of: fn(&CollectionSettings) -> String, default: &str| {
        given.or_else(|| old.map(of)).unwrap_or_else(|| default.to_owned())
    };
    let given = request.embedder.map(|name| match service.embedders.find(&name) {
        Some(embedder) => embedder.id().to_owned(),
        None => name,
    });
    let embedder = keep(given, |old| old.embedder.clone(), service.embedders.default_id());
    let dimensions = match (old, service.embedders.get(&embedder)) {
        (Some(old), _) if old.embedder == embedder => old.dimensions,
        (_, Some(embedder)) => embedder.dimensions(),
        (_, None) => {
            let known: Vec<_> = service.embedders.iter().map(|(name, _)| name).collect();
            return Err(ApiProblem::invalid("/embedder", &format!("must be one of: {}", known.join(", "))));
        }
    };
    let analyser = keep(request.analyser, |old| old.analyser.clone(), "simple");
    if Analyser::by_name(&analyser).is_none() {
        return Err(ApiProblem::invalid("/analyser", "must be `simple` or the name of a supported language"));
    }
    let relation = keep(request.relation, |old| old.relation.clone(), "can_view");
    let object_type = keep(request.object_type, |old| old.object_type.clone(), "document");
    let section_type = match (request.section_type, old) {
        (Some(given), _) => Some(given).filter(|given| !given.is_empty()),
        (None, Some(old)) => old.section_type.clone(),
        (None, None) => (object_type == "document").then(|| "section".to_owned()),
    };
    Ok(CollectionSettings {
        embedder,
        dimensions,
        analyser,
        store: keep(request.store, |old| old.store.clone(), &service.default_store),
        object_type,
        section_type,
        relation,
        // What a request leaves out stays as it is.
        default_acl: request.default_acl.or_else(|| old.and_then(|old| old.default_acl.clone())),
        fields: if request.fields.is_empty() {
            old.map(|old| old.fields.clone()).unwrap_or_default()
        } else {
            request.fields
        },
        caller_context: if request.caller_context.is_empty() {
            old.map(|old| old.caller_context.clone()).unwrap_or_default()
        } else {
            request.caller_context
        },
    })
}

pub async fn delete(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Place(name): Place<String>,
) -> Result<StatusCode, ApiProblem> {
    caller.require(Scope::Admin)?;
    let id = service.published.load().collection(&name).map(|collection| collection.id);
    let committed = service.committer.submit(DeleteCollection { name: name.clone() }).await?;
    if let Some(id) = id.filter(|_| committed.output) {
        service.indexes.remove(id);
    }
    record_change(&service, &caller, "collections.delete", committed.revision, vec![name]).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn view(collection: &CollectionState) -> CollectionView {
    let settings = &collection.settings;
    CollectionView {
        name: collection.name.to_string(),
        embedder: settings.embedder.clone(),
        dimensions: settings.dimensions,
        analyser: settings.analyser.clone(),
        store: settings.store.clone(),
        object_type: settings.object_type.clone(),
        section_type: settings.section_type.clone(),
        relation: settings.relation.clone(),
        fields: settings.fields.clone(),
        caller_context: settings.caller_context.clone(),
    }
}
