//! Making, listing and revoking API keys.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::record;
use crate::authz::names::READER_TYPES;
use crate::catalog::keys::{KeyRow, KeySettings};
use crate::commit::keys::{CreateKey, RevokeKey, Revoked};
use crate::http::extract::{Caller, Parameters, PathParts, StrictJson};
use crate::http::problem::ApiProblem;
use crate::identity::key::{KeyHasher, ceiling};
use crate::identity::{IdentityError, Principal, Scope, Scopes, parse_subject};
use crate::instant;
use crate::service::Service;
use crate::wire::bounds::MAX_KEY_NAME;
use crate::wire::{CreateKey as CreateKeyBody, KeyCreated, KeyView, Keys};

const DEFAULT_LIFE: SignedDuration = SignedDuration::from_hours(24 * 90);

pub async fn create(
    State(service): State<Arc<Service>>,
    caller: Caller,
    StrictJson(request): StrictJson<CreateKeyBody>,
) -> Result<(StatusCode, Json<KeyCreated>), ApiProblem> {
    caller.require(Scope::Admin)?;
    let (key, row) = make(&service.authenticator.keys, Some(&caller.principal), request)?;
    let committed = service.committer.submit(caller.asked(), CreateKey { row }).await?;
    let snapshot = service.published.load();
    let warnings = warnings(&committed.output, |name| snapshot.collection(name).is_some());
    Ok((StatusCode::CREATED, Json(KeyCreated { key, view: view(&committed.output), warnings })))
}

/// A new key from a request: the secret and what is stored. It has nothing that its maker lacks; without a maker it is made
/// on the machine, where whoever may write the data folder may make any key.
pub fn make(
    keys: &KeyHasher,
    maker: Option<&Principal>,
    request: CreateKeyBody,
) -> Result<(String, KeyRow), ApiProblem> {
    if request.name.trim().is_empty() || request.name.len() > MAX_KEY_NAME {
        return Err(ApiProblem::invalid("/name", "must be 1 to 128 bytes"));
    }
    for (n, scope) in request.scopes.iter().enumerate() {
        if Scope::parse(scope).is_none() {
            let known: Vec<_> = Scope::names().collect();
            return Err(ApiProblem::invalid(&format!("/scopes/{n}"), &format!("must be one of: {}", known.join(", "))));
        }
    }
    if let Some(n) = request.act_as_types.iter().position(|name| !READER_TYPES.contains(&name.as_str())) {
        return Err(ApiProblem::invalid(&format!("/act_as_types/{n}"), "must be `user`, `agent` or `service`"));
    }
    let subject = match request.subject.as_deref().map(parse_subject) {
        None => None,
        // Whoever makes a key for somebody could read as that one with it.
        Some(Ok(subject)) if maker.is_some_and(|maker| !maker.may_name(&subject)) => {
            return Err(IdentityError::Beyond.into());
        }
        Some(Ok(subject)) => Some(subject.to_string()),
        Some(Err(_)) => {
            return Err(ApiProblem::invalid("/subject", "must be `user:…`, `agent:…` or `service:…`"));
        }
    };
    let settings = KeySettings {
        name: request.name,
        scopes: request.scopes,
        subject,
        collections: request.collections,
        sources: request.sources,
        act_as_types: request.act_as_types,
    };
    let (scopes, ceiling) = (Scopes::parse(settings.scopes.iter().map(String::as_str)), ceiling(&settings));
    if let Some(n) = scopes.iter().position(|scope| !ceiling.can_hold(scope)) {
        let problem = "reaches everything, so a key of some `collections` or `sources` can't have it; leave these out, \
                       or the scope";
        return Err(ApiProblem::invalid(&format!("/scopes/{n}"), problem));
    }
    if maker.is_some_and(|maker| !maker.may_grant(&scopes, &ceiling)) {
        return Err(IdentityError::Beyond.into());
    }
    let now = Timestamp::now();
    let expires_at = match &request.expires_at {
        None => now.checked_add(DEFAULT_LIFE).unwrap_or(now),
        Some(time) => match instant::parse(time) {
            Some(time) if time > now => time,
            _ => return Err(ApiProblem::invalid("/expires_at", "must be an RFC 3339 time in the future")),
        },
    };
    keys.make(settings, now, expires_at).map_err(|_| crate::query::QueryError::Randomness.into())
}

/// What a key names and there is not: it reaches less than was meant, and more once somebody makes it. And whom it was to
/// read as, where that is nobody.
pub fn warnings(row: &KeyRow, is_there: impl Fn(&str) -> bool) -> Vec<String> {
    let settings = &row.settings;
    let named = settings.collections.iter().flatten().filter(|name| !is_there(name));
    let mut warnings: Vec<_> = named.map(|name| format!("there is no collection `{name}`")).collect();
    let has = |wanted: Scope| settings.scopes.iter().any(|scope| Scope::parse(scope) == Some(wanted));
    let acts = has(Scope::ActAs) && !settings.act_as_types.is_empty();
    if has(Scope::ActAs) && !acts {
        warnings.push("the scope `act_as` acts for nobody without types to act as".to_owned());
    }
    if has(Scope::Query) && settings.subject.is_none() && !acts {
        let problem = "without a subject, or `act_as` and types to act as, it reads as nobody but whose token a request \
                       shows in `Usher-Subject-Token`";
        warnings.push(problem.to_owned());
    }
    warnings
}

pub async fn list(State(service): State<Arc<Service>>, caller: Caller) -> Result<Json<Keys>, ApiProblem> {
    caller.require(Scope::Admin)?;
    let snapshot = service.published.load();
    let ids = snapshot.keys.keys().cloned().collect();
    record(&service, &caller, "keys.list", snapshot.revision, ids).await?;
    Ok(Json(Keys { keys: snapshot.keys.values().map(|row| view(row)).collect() }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokeParameters {
    /// Also the last key that may make others.
    #[serde(default)]
    force: bool,
}

pub async fn revoke(
    State(service): State<Arc<Service>>,
    caller: Caller,
    PathParts(id): PathParts<String>,
    Parameters(parameters): Parameters<RevokeParameters>,
) -> Result<StatusCode, ApiProblem> {
    caller.require(Scope::Admin)?;
    match service.committer.submit(caller.asked(), RevokeKey { id, even_last: parameters.force }).await?.output {
        Revoked::Now | Revoked::Before => Ok(StatusCode::NO_CONTENT),
        Revoked::Unknown => Err(ApiProblem::no_key()),
    }
}

fn view(row: &KeyRow) -> KeyView {
    let settings = &row.settings;
    KeyView {
        id: row.id.clone(),
        name: settings.name.clone(),
        scopes: settings.scopes.clone(),
        subject: settings.subject.clone(),
        collections: settings.collections.clone(),
        sources: settings.sources.clone(),
        act_as_types: settings.act_as_types.clone(),
        created_at: row.created_at.clone(),
        expires_at: row.expires_at.clone(),
        revoked_at: row.revoked_at.clone(),
    }
}
