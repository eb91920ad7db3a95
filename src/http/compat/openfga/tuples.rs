//! Write, Read and ReadChanges.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::FgaError;
use super::shapes::{Administrator, Lenient, PartialKey, model};
use super::stores::page_size;
use crate::audit::Record;
use crate::catalog::tuples::TupleFilter;
use crate::commit::tuples::{Tolerance, WriteTuples, show};
use crate::identity::Scope;
use crate::service::Service;
use crate::wire::TupleKey;

/// Tuples of one Write, deletes included.
const MAX_TUPLES: usize = 100;

#[derive(Default, Deserialize)]
pub struct Writes {
    #[serde(default)]
    tuple_keys: Vec<TupleKey>,
    #[serde(default)]
    on_duplicate: String,
}

#[derive(Default, Deserialize)]
pub struct Deletes {
    #[serde(default)]
    tuple_keys: Vec<TupleKey>,
    #[serde(default)]
    on_missing: String,
}

#[derive(Deserialize)]
pub struct Write {
    #[serde(default)]
    writes: Option<Writes>,
    #[serde(default)]
    deletes: Option<Deletes>,
    authorization_model_id: Option<String>,
}

fn tolerance(option: &str) -> Result<Tolerance, FgaError> {
    match option {
        "" | "error" => Ok(Tolerance::Error),
        "ignore" => Ok(Tolerance::Ignore),
        _ => Err(FgaError::validation("must be `error` or `ignore`")),
    }
}

pub async fn write(
    State(service): State<Arc<Service>>,
    admin: Administrator,
    Path(store): Path<String>,
    Lenient(body): Lenient<Write>,
) -> Result<(HeaderMap, Json<Value>), FgaError> {
    admin.require(Scope::RelationshipsWrite)?;
    let snapshot = service.published.load();
    let (_, model) = model(&snapshot, &store, body.authorization_model_id.as_deref())?;
    let (writes, deletes) = (body.writes.unwrap_or_default(), body.deletes.unwrap_or_default());
    if writes.tuple_keys.len() + deletes.tuple_keys.len() > MAX_TUPLES {
        return Err(FgaError::bad("exceeded_entity_limit", "at most 100 tuples can be written and deleted at once"));
    }
    let items = writes.tuple_keys.iter().chain(&deletes.tuple_keys).map(show).collect();
    let change = WriteTuples {
        store,
        on_duplicate: tolerance(&writes.on_duplicate)?,
        on_missing: tolerance(&deletes.on_missing)?,
        writes: writes.tuple_keys,
        deletes: deletes.tuple_keys,
        model: Some(model.id().to_owned()),
        expected_revision: None,
        may_replace: false,
        dry_run: false,
    };
    let committed = service.write_tuples(change).await?;
    let record = Record {
        at: jiff::Timestamp::now().to_string(),
        request_id: &admin.request_id,
        event: "relationships.write",
        subjects: Vec::new(),
        credential: &admin.principal.credential_id,
        revision: committed.revision,
        items,
        question: None,
    };
    let internal =
        || FgaError::new(axum::http::StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "Internal Server Error");
    service.audit.record(&record).await.map_err(|_| internal())?;
    let mut headers = HeaderMap::new();
    let token = service.revisions.seal(committed.revision).map_err(|_| internal())?;
    if let (Ok(token), Ok(model)) = (HeaderValue::from_str(&token), HeaderValue::from_str(model.id())) {
        headers.insert("usher-revision", token);
        headers.insert("openfga-authorization-model-id", model);
    }
    Ok((headers, Json(json!({}))))
}

#[derive(Deserialize)]
pub struct Read {
    tuple_key: Option<PartialKey>,
    page_size: Option<i64>,
    #[serde(default)]
    continuation_token: String,
}

/// Continuation tokens are positions with the object type that they were given for.
fn token(change: u64, object_type: &str) -> String {
    URL_SAFE.encode(format!("{change}|{object_type}"))
}

fn open_token(token: &str) -> Result<Option<(u64, String)>, FgaError> {
    if token.is_empty() {
        return Ok(None);
    }
    let invalid = || FgaError::bad("invalid_continuation_token", "Invalid continuation token");
    let bytes = URL_SAFE.decode(token).map_err(|_| invalid())?;
    let text = String::from_utf8(bytes).map_err(|_| invalid())?;
    let (change, object_type) = text.split_once('|').ok_or_else(invalid)?;
    Ok(Some((change.parse().map_err(|_| invalid())?, object_type.to_owned())))
}

pub async fn read(
    State(service): State<Arc<Service>>,
    admin: Administrator,
    Path(store): Path<String>,
    Lenient(body): Lenient<Read>,
) -> Result<Json<Value>, FgaError> {
    admin.require(Scope::RelationshipsRead)?;
    let size = page_size(body.page_size)?;
    let filter = match body.tuple_key {
        None => TupleFilter::default(),
        Some(key) if key.user.is_empty() && key.relation.is_empty() && key.object.is_empty() => TupleFilter::default(),
        Some(key) => read_filter(key)?,
    };
    let after = open_token(&body.continuation_token)?.map_or(0, |(change, _)| change);
    let rows = service.catalog.tuples(&store, &filter, after, size as u32 + 1).await?;
    let has_more = rows.len() > size;
    let page = rows.get(..size.min(rows.len())).unwrap_or_default();
    let next = page.last().filter(|_| has_more).map(|row| token(row.change, "")).unwrap_or_default();
    let tuples: Vec<Value> = page.iter().map(|row| json!({"key": row.key, "timestamp": row.at})).collect();
    Ok(Json(json!({"tuples": tuples, "continuation_token": next})))
}

fn read_filter(key: PartialKey) -> Result<TupleFilter, FgaError> {
    let Some((object_type, id)) = key.object.split_once(':') else {
        return Err(FgaError::validation("the object's type is needed: `type:` or `type:id`"));
    };
    if object_type.is_empty() || (id.is_empty() && key.user.is_empty()) {
        return Err(FgaError::validation("an object id or a user is needed"));
    }
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Ok(TupleFilter {
        object_type: given(object_type),
        object_id: given(id),
        relation: given(&key.relation),
        user: given(&key.user),
    })
}

#[derive(Deserialize)]
pub struct ChangesParameters {
    #[serde(rename = "type")]
    object_type: Option<String>,
    page_size: Option<i64>,
    continuation_token: Option<String>,
    start_time: Option<String>,
}

pub async fn changes(
    State(service): State<Arc<Service>>,
    admin: Administrator,
    Path(store): Path<String>,
    Query(parameters): Query<ChangesParameters>,
) -> Result<Json<Value>, FgaError> {
    admin.require(Scope::RelationshipsRead)?;
    let size = page_size(parameters.page_size)?;
    let object_type = parameters.object_type.unwrap_or_default();
    let given = parameters.continuation_token.unwrap_or_default();
    let after = match open_token(&given)? {
        Some((_, of)) if of != object_type => {
            return Err(FgaError::bad(
                "query_string_type_continuation_token_mismatch",
                "the type in the query string and in the continuation token don't match",
            ));
        }
        Some((change, _)) => change,
        None => 0,
    };
    let from = parameters.start_time.filter(|_| given.is_empty());
    let from = from
        .map(|time| time.parse::<jiff::Timestamp>().map(|time| time.to_string()))
        .transpose()
        .map_err(|_| FgaError::validation("start_time must be an RFC 3339 time"))?;
    let only = Some(object_type.as_str()).filter(|name| !name.is_empty());
    let rows = service.catalog.tuple_changes(&store, only, after, from.as_deref(), size as u32).await?;
    // At the end the same token comes back, so that a poller can go on with it.
    let next = rows.last().map_or(given, |row| token(row.change, &object_type));
    let changes: Vec<Value> = rows
        .iter()
        .map(|row| {
            let operation = if row.written { "TUPLE_OPERATION_WRITE" } else { "TUPLE_OPERATION_DELETE" };
            json!({"tuple_key": row.key, "operation": operation, "timestamp": row.at})
        })
        .collect();
    Ok(Json(json!({"changes": changes, "continuation_token": next})))
}
