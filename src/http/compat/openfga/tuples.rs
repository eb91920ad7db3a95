//! Write, Read and ReadChanges.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::answer::Answer;
use super::answers::{Change, Changes, Nothing, Operation, Stored, Tuple, Tuples};
use super::error::FgaError;
use super::request::{Body, Call, Parameters};
use super::rules;
use super::shapes::{Consistency, QuestionShape, TupleShape, nullable, number, object, objects};
use super::token::Listing;
use crate::catalog::tuples::TupleFilter;
use crate::commit::tuples::{Tolerance, WriteTuples};
use crate::identity::Scope;
use crate::instant;
use crate::wire::TupleKey;

/// Tuples of one Write, deletes included.
const MAX_TUPLES: usize = 100;

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "OpenFgaWrites", extend("required" = ["tuple_keys"]))]
struct Writes {
    #[serde(deserialize_with = "objects")]
    #[schemars(length(min = 1, max = MAX_TUPLES))]
    tuple_keys: Vec<TupleShape>,
    #[serde(deserialize_with = "nullable")]
    #[schemars(with = "Option<String>", extend("enum" = TOLERANCES))]
    on_duplicate: String,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "OpenFgaDeletes", extend("required" = ["tuple_keys"]))]
struct Deletes {
    #[serde(deserialize_with = "objects")]
    #[schemars(length(min = 1, max = MAX_TUPLES))]
    tuple_keys: Vec<QuestionShape>,
    #[serde(deserialize_with = "nullable")]
    #[schemars(with = "Option<String>", extend("enum" = TOLERANCES))]
    on_missing: String,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "OpenFgaWrite", extend("anyOf" = some_tuples()))]
pub struct Write {
    #[serde(deserialize_with = "object")]
    writes: Option<Writes>,
    #[serde(deserialize_with = "object")]
    deletes: Option<Deletes>,
    #[schemars(regex(pattern = rules::ID_OR_NEWEST))]
    authorization_model_id: Option<String>,
}

/// What is done with tuples that are there, or not; nothing is `error`.
const TOLERANCES: [Option<&str>; 4] = [Some("error"), Some("ignore"), Some(""), None];

/// There is something to write or to delete.
fn some_tuples() -> serde_json::Value {
    let some = serde_json::json!({"type": "object"});
    serde_json::json!([
        {"required": ["writes"], "properties": {"writes": some}},
        {"required": ["deletes"], "properties": {"deletes": some}},
    ])
}

fn tolerance(field: &str, option: &str) -> Result<Tolerance, FgaError> {
    match option {
        "" | "error" => Ok(Tolerance::Error),
        "ignore" => Ok(Tolerance::Ignore),
        _ => Err(FgaError::validation(format!("{field}: `error` or `ignore` is expected"))),
    }
}

pub async fn write(call: Call, Body(body): Body<Write>) -> Result<Answer, FgaError> {
    call.require(Scope::RelationshipsWrite)?;
    rules::model_id(body.authorization_model_id.as_deref())?;
    if let Some(writes) = &body.writes {
        rules::some_tuples("writes.tuple_keys", writes.tuple_keys.len())?;
        writes.tuple_keys.iter().try_for_each(|shape| rules::tuple(&shape.key))?;
    }
    if let Some(deletes) = &body.deletes {
        rules::some_tuples("deletes.tuple_keys", deletes.tuple_keys.len())?;
        deletes.tuple_keys.iter().try_for_each(rules::tuple)?;
    }
    let (writes, deletes) = (body.writes.unwrap_or_default(), body.deletes.unwrap_or_default());
    let on_duplicate = tolerance("on_duplicate", &writes.on_duplicate)?;
    let on_missing = tolerance("on_missing", &deletes.on_missing)?;
    let scene = call.scene(body.authorization_model_id.as_deref()).await?;
    if writes.tuple_keys.len() + deletes.tuple_keys.len() > MAX_TUPLES {
        return Err(FgaError::bad("exceeded_entity_limit", "at most 100 tuples can be written and deleted at once"));
    }
    let writes: Vec<TupleKey> = writes.tuple_keys.into_iter().map(TupleKey::from).collect();
    let deletes: Vec<TupleKey> = deletes.tuple_keys.into_iter().map(TupleKey::from).collect();
    let change = WriteTuples {
        store: call.store.clone(),
        writes,
        deletes,
        on_duplicate,
        on_missing,
        model: Some(scene.model.id().to_owned()),
        expected_revision: None,
        may_replace: false,
        dry_run: false,
    };
    let committed = call.service.write_tuples(call.asked(), change).await?;
    Answer::ok(Nothing {}).by_model(scene.model.id()).at_revision(&call.service, committed.revision)
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "OpenFgaRead")]
pub struct Read {
    #[serde(deserialize_with = "object")]
    #[schemars(schema_with = "filter_schema")]
    tuple_key: Option<QuestionShape>,
    #[serde(deserialize_with = "number")]
    #[schemars(schema_with = "size_schema")]
    page_size: Option<i64>,
    #[serde(deserialize_with = "nullable")]
    #[schemars(with = "Option<String>", regex(pattern = rules::TOKEN), length(max = rules::MAX_TOKEN))]
    continuation_token: String,
    #[serde(rename = "consistency")]
    _consistency: Consistency,
}

/// A type of objects, with the id of one or with a user.
fn filter_schema(_: &mut SchemaGenerator) -> Schema {
    let text = serde_json::json!({"type": ["string", "null"]});
    json_schema!({
        "type": ["object", "null"],
        "properties": {"user": text, "relation": text, "object": {"type": "string", "pattern": r"^[^:\x00]+:[^\x00]*$"}},
        "required": ["object"],
        "anyOf": [
            {"properties": {"object": {"pattern": "^[^:]+:."}}},
            {"required": ["user"], "properties": {"user": {"type": "string", "minLength": 1}}},
        ],
    })
}

/// A number, or one as text.
fn size_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "1 to 100; default 50.",
        "anyOf": [
            {"type": "integer", "minimum": 1, "maximum": rules::MAX_PAGE},
            {"type": "string", "pattern": "^(?:[1-9][0-9]?|100)$"},
            {"type": "null"},
        ],
    })
}

/// Tuples as they are stored, whatever the newest model makes of them.
pub async fn read(call: Call, Body(body): Body<Read>) -> Result<Answer, FgaError> {
    call.require(Scope::RelationshipsRead)?;
    let size = rules::page_size(body.page_size)?;
    let asked = body.tuple_key.as_ref().map(QuestionShape::show).unwrap_or_default();
    let filter = body.tuple_key.map(read_filter).transpose()?.unwrap_or_default();
    let after = Listing::Tuples.open_change(&body.continuation_token)?.map_or(0, |(change, _)| change);
    call.snapshot().await?;
    let page = call.service.catalog.tuples(&call.store, &filter, after, size).await?;
    let next = page.next.map(|place| Listing::Tuples.token(&place.to_string(), ""));
    call.record("relationships.read", vec![asked, format!("{} tuples after {after}", page.rows.len())]).await?;
    let stored = page.rows.into_iter().map(|row| Stored { key: Tuple::from(&row.key), timestamp: row.at });
    Ok(Answer::ok(Tuples { tuples: stored.collect(), continuation_token: next.unwrap_or_default() }))
}

/// An object type must be given, with an object id or a user.
fn read_filter(key: QuestionShape) -> Result<TupleFilter, FgaError> {
    let (object_type, id) = key.object.split_once(':').unwrap_or_default();
    if object_type.is_empty() {
        return Err(FgaError::validation("the object's type is needed: `type:` or `type:id`"));
    }
    if id.is_empty() && key.user.is_empty() {
        return Err(FgaError::validation("an object id or a user is needed"));
    }
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Ok(TupleFilter::new(given(object_type), given(id), given(&key.relation), given(&key.user).as_deref()))
}

#[derive(Deserialize)]
pub struct ChangesParameters {
    #[serde(rename = "type", default)]
    object_type: String,
    page_size: Option<i64>,
    #[serde(default)]
    continuation_token: String,
    #[serde(default)]
    start_time: String,
}

pub async fn changes(call: Call, Parameters(parameters): Parameters<ChangesParameters>) -> Result<Answer, FgaError> {
    call.require(Scope::RelationshipsRead)?;
    let size = rules::changes_page_size(parameters.page_size)?;
    let (object_type, given) = (parameters.object_type, parameters.continuation_token);
    let start = start_time(&parameters.start_time)?;
    let after = match Listing::Changes.open_change(&given)? {
        Some((_, of)) if of != object_type => {
            return Err(FgaError::bad(
                "query_string_type_continuation_token_mismatch",
                "the type in the query string and in the continuation token don't match",
            ));
        }
        Some((change, _)) => change,
        None => 0,
    };
    // A token is more exact than a time.
    let from = start.filter(|_| given.is_empty());
    let only = Some(object_type.as_str()).filter(|name| !name.is_empty());
    call.snapshot().await?;
    let rows = call.service.catalog.tuple_changes(&call.store, only, after, from.as_deref(), size as u32).await?;
    // At the end the same token comes back, so that a poller can go on with it.
    let next = rows.last().map_or(given, |row| Listing::Changes.token(&row.change.to_string(), &object_type));
    call.record("relationships.changes", vec![object_type, format!("{} changes after {after}", rows.len())]).await?;
    let changes = rows.into_iter().map(|row| Change {
        tuple_key: Tuple::from(&row.key),
        operation: if row.written { Operation::Write } else { Operation::Delete },
        timestamp: row.at,
    });
    Ok(Answer::ok(Changes { changes: changes.collect(), continuation_token: next }))
}

fn start_time(given: &str) -> Result<Option<String>, FgaError> {
    if given.is_empty() {
        return Ok(None);
    }
    let malformed = || FgaError::validation("start_time: an RFC 3339 time is expected");
    let time = instant::parse(given).ok_or_else(malformed)?;
    if time > jiff::Timestamp::now() {
        return Err(FgaError::validation("start_time: a time in the past is expected"));
    }
    Ok(Some(time.to_string()))
}
