//! Collections: administration. A reader never lists them; it asks, and gets what it may read.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use super::record;
use crate::authz::BindingError;
use crate::catalog::collections::CollectionSettings;
use crate::catalog::vectors;
use crate::commit::CommitError;
use crate::commit::collections::{DeleteCollection, PutCollection};
use crate::commit::reindex::{Begin, Cancel};
use crate::embed::Embedder;
use crate::http::extract::{Caller, Parameters, PathParts, StrictJson};
use crate::http::problem::ApiProblem;
use crate::identity::Scope;
use crate::index::Analyser;
use crate::prepare::{self, Unprocessable};
use crate::service::Service;
use crate::snapshot::CollectionState;
use crate::wire::bounds::is_collection_name;
use crate::wire::{CollectionView, Collections, PutCollection as PutCollectionBody, ReindexCollection, ReindexingView};

pub async fn list(State(service): State<Arc<Service>>, caller: Caller) -> Result<Json<Collections>, ApiProblem> {
    caller.require(Scope::DocumentsWrite)?;
    let snapshot = service.published.load();
    let reached = snapshot.collections.values().filter(|collection| caller.principal.reaches(&collection.name));
    let mut collections = Vec::new();
    for collection in reached {
        collections.push(view(&service, collection).await?);
    }
    let names = collections.iter().map(|collection| collection.name.clone()).collect();
    record(&service, &caller, "collections.list", snapshot.revision, names).await?;
    Ok(Json(Collections { collections }))
}

pub async fn get(
    State(service): State<Arc<Service>>,
    caller: Caller,
    PathParts(name): PathParts<String>,
) -> Result<Json<CollectionView>, ApiProblem> {
    caller.require(Scope::DocumentsWrite)?;
    if !caller.principal.reaches(&name) {
        return Err(ApiProblem::not_found());
    }
    let view = view_of(&service, &name).await?;
    record(&service, &caller, "collections.get", service.published.load().revision, vec![name]).await?;
    Ok(Json(view))
}

pub async fn put(
    State(service): State<Arc<Service>>,
    caller: Caller,
    PathParts(name): PathParts<String>,
    StrictJson(request): StrictJson<PutCollectionBody>,
) -> Result<Json<CollectionView>, ApiProblem> {
    caller.require(Scope::Admin)?;
    if !is_collection_name(&name) {
        return Err(ApiProblem::invalid(
            "",
            "the name must be 1 to 64 of A-Z, a-z, 0-9, `-`, `_`, `.`, and not dots alone",
        ));
    }
    if let Some(acl) = &request.default_acl {
        let problem = |error: Unprocessable| ApiProblem::invalid("/default_acl", &error.detail);
        prepare::sizes::of_rules(acl).map_err(problem)?;
    }
    let existing = service.published.load().collection(&name).cloned();
    let settings = settings(&service, existing.as_deref(), request)?;
    let section_type = settings.section_type.clone();
    let change = PutCollection { name: name.clone(), settings };
    service.committer.submit(caller.asked(), change).await.map_err(|error| match error {
        CommitError::Binding(error) => {
            ApiProblem::invalid(place_of(&error, section_type.as_deref()), &error.to_string())
        }
        error => error.into(),
    })?;
    view_of(&service, &name).await.map(Json)
}

/// Which of the types and the relation of a collection the model has no use for.
fn place_of(error: &BindingError, section_type: Option<&str>) -> &'static str {
    match error {
        BindingError::UnknownRelation { .. } => "/relation",
        BindingError::SameType | BindingError::SectionNotNarrowing { .. } => "/section_type",
        BindingError::UnknownType(object_type)
        | BindingError::Inherited { object_type, .. }
        | BindingError::OtherRole { object_type, .. } => {
            if section_type == Some(object_type) {
                "/section_type"
            } else {
                "/object_type"
            }
        }
    }
}

/// Begins to index a collection anew beside itself.
pub async fn reindex(
    State(service): State<Arc<Service>>,
    caller: Caller,
    PathParts(name): PathParts<String>,
    StrictJson(request): StrictJson<ReindexCollection>,
) -> Result<(StatusCode, Json<CollectionView>), ApiProblem> {
    caller.require(Scope::Admin)?;
    let snapshot = service.published.load();
    let old = snapshot.collection(&name).map(|state| state.settings.clone()).ok_or_else(ApiProblem::not_found)?;
    let embedder = match request.embedder {
        Some(embedder) => known(&service, &embedder)?,
        None => known(&service, &old.embedder)?,
    };
    let analyser = known_analyser(request.analyser.unwrap_or_else(|| old.analyser.clone()))?;
    let (dimensions, embedder) = (embedder.dimensions(), embedder.id().to_owned());
    let change = Begin { collection: name.clone(), embedder, dimensions, analyser };
    service.committer.submit(caller.asked(), change).await?;
    Ok((StatusCode::ACCEPTED, Json(view_of(&service, &name).await?)))
}

/// Gives up what [`reindex`] began.
pub async fn cancel_reindex(
    State(service): State<Arc<Service>>,
    caller: Caller,
    PathParts(name): PathParts<String>,
) -> Result<StatusCode, ApiProblem> {
    caller.require(Scope::Admin)?;
    service.committer.submit(caller.asked(), Cancel { collection: name }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The embedder with this name or id.
fn known<'a>(service: &'a Service, name: &str) -> Result<&'a Arc<dyn Embedder>, ApiProblem> {
    service.embedders.find(name).ok_or_else(|| {
        let known: Vec<_> = service.embedders.iter().map(|(name, _)| name).collect();
        ApiProblem::invalid("/embedder", &format!("must be one of: {}", known.join(", ")))
    })
}

fn known_analyser(name: String) -> Result<String, ApiProblem> {
    match Analyser::by_name(&name) {
        Some(_) => Ok(name),
        None => Err(ApiProblem::invalid("/analyser", "must be `auto`, `simple` or the name of a supported language")),
    }
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
    let dimensions = match old {
        Some(old) if old.embedder == embedder => old.dimensions,
        _ => known(service, &embedder)?.dimensions(),
    };
    let analyser = known_analyser(keep(request.analyser, |old| old.analyser.clone(), "auto"))?;
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
        generations: old.map(|old| old.generations.clone()).unwrap_or_default(),
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteParameters {
    /// Also a collection that holds documents.
    #[serde(default)]
    force: bool,
}

pub async fn delete(
    State(service): State<Arc<Service>>,
    caller: Caller,
    PathParts(name): PathParts<String>,
    Parameters(parameters): Parameters<DeleteParameters>,
) -> Result<StatusCode, ApiProblem> {
    caller.require(Scope::Admin)?;
    service.committer.submit(caller.asked(), DeleteCollection { name, even_filled: parameters.force }).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn view_of(service: &Service, name: &str) -> Result<CollectionView, ApiProblem> {
    let collection = service.published.load().collection(name).cloned().ok_or_else(ApiProblem::not_found)?;
    view(service, &collection).await
}

async fn view(service: &Service, collection: &CollectionState) -> Result<CollectionView, ApiProblem> {
    let settings = &collection.settings;
    let reindexing = match &settings.generations.next {
        None => None,
        Some(next) => Some(ReindexingView {
            embedder: next.embedder.clone(),
            dimensions: next.dimensions,
            analyser: next.analyser.clone(),
            done: vectors::next_covered(&mut service.catalog.read().await?, collection.id).await?,
            of: collection.next_chunk(),
        }),
    };
    Ok(CollectionView {
        name: collection.name.to_string(),
        embedder: settings.embedder.clone(),
        dimensions: settings.dimensions,
        analyser: settings.analyser.clone(),
        store: settings.store.clone(),
        object_type: settings.object_type.clone(),
        section_type: settings.section_type.clone(),
        relation: settings.relation.clone(),
        default_acl: settings.default_acl.clone(),
        fields: settings.fields.clone(),
        caller_context: settings.caller_context.clone(),
        reindexing,
    })
}
