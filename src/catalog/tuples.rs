//! Relationship tuples and the log of their changes.

use super::*;
use crate::authz::{ObjectRef, names};
use crate::wire::{Condition, TupleKey};

/// A stored tuple with its place in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct TupleRow {
    pub change: u64,
    pub key: TupleKey,
    pub at: String,
}
/// Which stored tuples to list; every given part must match.
#[derive(Debug, Clone, Default)]
pub struct TupleFilter {
    pub object_type: Option<String>,
    pub object_id: Option<String>,
    pub relation: Option<String>,
    pub user: Option<String>,
}

impl TupleFilter {
    /// A filter as callers write it: names in their one spelling. One that can't be a name is kept, and matches nothing.
    pub fn new(
        object_type: Option<String>,
        object_id: Option<String>,
        relation: Option<String>,
        user: Option<&str>,
    ) -> Self {
        let of = object_type.as_deref().unwrap_or_default();
        let object_id = object_id.map(|id| names::canonical_id(of, &id).unwrap_or(id));
        Self { object_type, object_id, relation, user: user.map(names::canonical_principal) }
    }
}

fn key(row: &Row) -> Result<TupleKey, CatalogError> {
    let name: Option<String> = row.try_get("condition_name")?;
    let context: Option<String> = row.try_get("condition_context")?;
    let condition = match name {
        None => None,
        Some(name) => {
            Some(Condition { name, context: context.map(|text| from_json(&text, "condition context")).transpose()? })
        }
    };
    Ok(TupleKey {
        user: row.try_get("subject")?,
        relation: row.try_get("relation")?,
        object: format!("{}:{}", row.try_get::<&str>("object_type")?, row.try_get::<&str>("object_id")?),
        condition,
    })
}

pub(super) fn split(object: &str) -> Result<(String, String), CatalogError> {
    let (object_type, id) = object.split_once(':').ok_or(CatalogError::Malformed { what: "object" })?;
    Ok((object_type.to_owned(), id.to_owned()))
}

/// A page of stored tuples.
#[derive(Debug, Clone, PartialEq)]
pub struct TuplePage {
    /// May be fewer than were asked for, or none, though more follow.
    pub rows: Vec<TupleRow>,
    /// Where to go on; absent at the end.
    pub next: Option<u64>,
}

/// Tuples that are read at once where not all of them may match.
const PART: usize = 1_000;
/// Tuples that one page looks at, at most.
const MAX_LOOKED_AT: usize = 50_000;

macro_rules! walk {
    ($table:literal, $columns:literal, $of:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM ",
            $table,
            " WHERE store = $1 AND change > $2",
            $of,
            " ORDER BY change LIMIT $3"
        )
    };
}

macro_rules! tuples_of {
    ($of:literal) => {
        walk!(
            "tuples",
            "change, object_type, object_id, relation, subject, condition_name, condition_context, written_at",
            $of
        )
    };
}

mod changes;

use changes::log;
pub use changes::{ChangeRow, changes_before};

const ALL: &str = tuples_of!("");
const OF_TYPE: &str = tuples_of!(" AND object_type = $4");
const OF_OBJECT: &str = tuples_of!(" AND object_type = $4 AND object_id = $5");
const OF_USER: &str = tuples_of!(" AND subject = $4");
/// Every list of tuples and of their changes, with the number of its parameters: each walks along one index, in its order
/// and without sorting, from where the page before has ended. A test reads the engines' plans for them.
pub const WALKS: [(&str, usize); 8] = [
    (ALL, 3),
    (OF_TYPE, 4),
    (OF_OBJECT, 5),
    (OF_USER, 4),
    (changes::CHANGES, 3),
    (changes::CHANGES_OF_TYPE, 4),
    (changes::CHANGES_SINCE, 4),
    (changes::CHANGES_OF_TYPE_SINCE, 5),
];

impl TupleFilter {
    /// The walk that passes over least, its further parameters, and whether all that it meets matches.
    fn walk(&self) -> (&'static str, Vec<String>, bool) {
        let Self { object_type, object_id, relation, user } = self;
        match (object_type, object_id, user) {
            (Some(object_type), Some(id), _) => {
                (OF_OBJECT, vec![object_type.clone(), id.clone()], relation.is_none() && user.is_none())
            }
            (_, _, Some(user)) => {
                let is_all = object_type.is_none() && object_id.is_none() && relation.is_none();
                (OF_USER, vec![user.clone()], is_all)
            }
            (Some(object_type), None, None) => (OF_TYPE, vec![object_type.clone()], relation.is_none()),
            (None, _, None) => (ALL, Vec::new(), object_id.is_none() && relation.is_none()),
        }
    }

    fn matches(&self, key: &TupleKey) -> bool {
        let (object_type, id) = key.object.split_once(':').unwrap_or_default();
        let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
        is(&self.object_type, object_type)
            && is(&self.object_id, id)
            && is(&self.relation, &key.relation)
            && is(&self.user, &key.user)
    }
}

impl Catalog {
    /// Tuples of a store after position `after`, oldest first. One walk along an index.
    pub async fn tuples(
        &self,
        store: &str,
        filter: &TupleFilter,
        after: u64,
        limit: usize,
    ) -> Result<TuplePage, CatalogError> {
        let (statement, of, is_all) = filter.walk();
        let mut page = TuplePage { rows: Vec::new(), next: Some(after) };
        let (mut place, mut looked_at) = (after, 0);
        while looked_at < MAX_LOOKED_AT {
            // One more than the page says whether anything follows.
            let part = if is_all { limit + 1 } else { PART };
            let found = rows(self.readers(), statement, store, &of, place, part).await?;
            let is_end = found.len() < part;
            looked_at += found.len();
            for row in found {
                if !filter.matches(&row.key) {
                    place = row.change;
                    continue;
                }
                if page.rows.len() == limit {
                    page.next = page.rows.last().map(|last| last.change);
                    return Ok(page);
                }
                place = row.change;
                page.rows.push(row);
            }
            if is_end {
                page.next = None;
                return Ok(page);
            }
        }
        page.next = Some(place);
        Ok(page)
    }
}

/// All tuples of a store after position `after`, oldest first, as a transaction sees them, or a pool.
pub async fn select<'e>(
    on: impl Into<On<'e>>,
    store: &str,
    after: u64,
    limit: usize,
) -> Result<Vec<TupleRow>, CatalogError> {
    rows(on, ALL, store, &[], after, limit).await
}

/// The place of the newest stored tuple of a store; 0 where there is none.
pub async fn last(tx: &mut CatalogTx, store: &str) -> Result<u64, CatalogError> {
    let last = query("SELECT max(change) FROM tuples WHERE store = $1").bind(store.to_owned());
    unsigned(last.fetch_value::<Option<i64>>(tx).await?.unwrap_or_default(), "change")
}

async fn rows<'e>(
    on: impl Into<On<'e>>,
    statement: &'static str,
    store: &str,
    of: &[String],
    after: u64,
    limit: usize,
) -> Result<Vec<TupleRow>, CatalogError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut walk = query(statement).bind(store.to_owned()).bind(signed(after)?).bind(limit);
    for value in of {
        walk = walk.bind(value.clone());
    }
    let rows = walk.fetch_all(on).await?;
    rows.iter().map(tuple_row).collect()
}

/// A row with a tuple, its place in the log and when it was written.
pub(super) fn tuple_row(row: &Row) -> Result<TupleRow, CatalogError> {
    Ok(TupleRow { change: unsigned(row.try_get("change")?, "change")?, key: key(row)?, at: row.try_get("written_at")? })
}

/// Who a tuple belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// An administrator, or the server that owns the tuples: it stays until it is removed there.
    Hand,
    /// The rules of a document, as its source sent them.
    Source,
}

/// Tuples of one object that were written by hand.
pub async fn by_hand(tx: &mut CatalogTx, store: &str, object: &ObjectRef) -> Result<Vec<TupleRow>, CatalogError> {
    let rows = query(
        "SELECT change, object_type, object_id, relation, subject, condition_name, condition_context, written_at
           FROM tuples WHERE store = $1 AND object_type = $2 AND object_id = $3 AND by_source = 0",
    )
    .bind(store.to_owned())
    .bind(object.object_type.clone())
    .bind(object.id.clone())
    .fetch_all(&mut *tx)
    .await?;
    rows.iter().map(tuple_row).collect()
}

/// Tuples that were written by hand on objects of a type whose ids lie from `from` to before `to`, in the order of bytes.
pub async fn by_hand_within(
    tx: &mut CatalogTx,
    store: &str,
    object_type: &str,
    from: &str,
    to: &str,
) -> Result<Vec<TupleRow>, CatalogError> {
    let rows = query(
        "SELECT change, object_type, object_id, relation, subject, condition_name, condition_context, written_at
           FROM tuples WHERE store = $1 AND object_type = $2 AND object_id >= $3 AND object_id < $4 AND by_source = 0",
    )
    .bind(store.to_owned())
    .bind(object_type.to_owned())
    .bind(from.to_owned())
    .bind(to.to_owned())
    .fetch_all(&mut *tx)
    .await?;
    rows.iter().map(tuple_row).collect()
}

/// The stored tuple of this object, relation and user, as they are stored, and whose it is.
pub async fn stored(
    tx: &mut CatalogTx,
    store: &str,
    tuple: &TupleKey,
) -> Result<Option<(TupleRow, Origin)>, CatalogError> {
    let (object_type, object_id) = split(&tuple.object)?;
    let found = query(
        "SELECT change, object_type, object_id, relation, subject, condition_name, condition_context, written_at, by_source
           FROM tuples WHERE store = $1 AND object_type = $2 AND object_id = $3 AND relation = $4 AND subject = $5",
    )
    .bind(store.to_owned())
    .bind(object_type)
    .bind(object_id)
    .bind(tuple.relation.clone())
    .bind(tuple.user.clone())
    .fetch_optional(tx)
    .await?;
    let Some(row) = found else { return Ok(None) };
    let origin = if row.try_get::<i64>("by_source")? == 0 { Origin::Hand } else { Origin::Source };
    Ok(Some((tuple_row(&row)?, origin)))
}

/// Says whose a stored tuple is; nothing where it is not stored. How many became another's: one or none.
pub async fn set_origin(
    tx: &mut CatalogTx,
    store: &str,
    tuple: &TupleKey,
    origin: Origin,
) -> Result<usize, CatalogError> {
    let (object_type, object_id) = split(&tuple.object)?;
    let changed = query(
        "UPDATE tuples SET by_source = $6
          WHERE store = $1 AND object_type = $2 AND object_id = $3 AND relation = $4 AND subject = $5
            AND by_source <> $6",
    )
    .bind(store.to_owned())
    .bind(object_type)
    .bind(object_id)
    .bind(tuple.relation.clone())
    .bind(tuple.user.clone())
    .bind(i64::from(origin == Origin::Source))
    .execute(tx)
    .await?;
    Ok(usize::from(changed > 0))
}

/// The tuples of one object, by the index of keys.
pub async fn of_object(tx: &mut CatalogTx, store: &str, object: &ObjectRef) -> Result<Vec<TupleKey>, CatalogError> {
    let rows = query(
        "SELECT object_type, object_id, relation, subject, condition_name, condition_context FROM tuples
          WHERE store = $1 AND object_type = $2 AND object_id = $3",
    )
    .bind(store.to_owned())
    .bind(object.object_type.clone())
    .bind(object.id.clone())
    .fetch_all(&mut *tx)
    .await?;
    rows.iter().map(key).collect()
}

/// Whether any tuple names this subject.
pub async fn is_subject(tx: &mut CatalogTx, store: &str, subject: &str) -> Result<bool, CatalogError> {
    let found = query("SELECT 1 FROM tuples WHERE store = $1 AND subject = $2 LIMIT 1");
    Ok(found.bind(store.to_owned()).bind(subject.to_owned()).fetch_optional(tx).await?.is_some())
}

/// How many tuples a store has.
pub async fn count(tx: &mut CatalogTx, store: &str) -> Result<u64, CatalogError> {
    let count = query("SELECT count(*) FROM tuples WHERE store = $1").bind(store.to_owned());
    unsigned(count.fetch_value(tx).await?, "count")
}

/// Stores a tuple and logs it. `context` is the canonical text of the condition's context.
pub async fn write(
    tx: &mut CatalogTx,
    store: &str,
    tuple: &TupleKey,
    origin: Origin,
    revision: u64,
    now: &str,
) -> Result<(), CatalogError> {
    let change = log(tx, store, tuple, "write", revision, now).await?;
    let (object_type, object_id) = split(&tuple.object)?;
    let (name, context) = condition_of(tuple)?;
    query(
        "INSERT INTO tuples (change, store, object_type, object_id, relation, subject, condition_name,
                             condition_context, written_at, by_source)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(change)
    .bind(store.to_owned())
    .bind(object_type)
    .bind(object_id)
    .bind(tuple.relation.clone())
    .bind(tuple.user.clone())
    .bind(name)
    .bind(context)
    .bind(now.to_owned())
    .bind(i64::from(origin == Origin::Source))
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Removes a tuple and logs it, without its condition, as OpenFGA does.
pub async fn delete(
    tx: &mut CatalogTx,
    store: &str,
    tuple: &TupleKey,
    revision: u64,
    now: &str,
) -> Result<(), CatalogError> {
    let bare = TupleKey { condition: None, ..tuple.clone() };
    log(tx, store, &bare, "delete", revision, now).await?;
    let (object_type, object_id) = split(&tuple.object)?;
    query(
        "DELETE FROM tuples
          WHERE store = $1 AND object_type = $2 AND object_id = $3 AND relation = $4 AND subject = $5",
    )
    .bind(store.to_owned())
    .bind(object_type)
    .bind(object_id)
    .bind(tuple.relation.clone())
    .bind(tuple.user.clone())
    .execute(&mut *tx)
    .await?;
    Ok(())
}

pub(super) fn condition_of(tuple: &TupleKey) -> Result<(Option<String>, Option<String>), CatalogError> {
    match &tuple.condition {
        None => Ok((None, None)),
        Some(condition) => Ok((Some(condition.name.clone()), condition.context.as_ref().map(json).transpose()?)),
    }
}
