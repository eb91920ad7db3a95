//! Relationship tuples and the log of their changes.

use super::*;
use crate::authz::ObjectRef;
use crate::wire::{Condition, TupleKey};

/// A stored tuple with its place in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct TupleRow {
    pub change: u64,
    pub key: TupleKey,
    pub at: String,
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeRow {
    pub change: u64,
    pub revision: u64,
    pub key: TupleKey,
    pub written: bool,
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

fn split(object: &str) -> Result<(String, String), CatalogError> {
    let (object_type, id) = object.split_once(':').ok_or(CatalogError::Malformed { what: "object" })?;
    Ok((object_type.to_owned(), id.to_owned()))
}

impl Catalog {
    /// Tuples of a store after position `after`, oldest first.
    pub async fn tuples(
        &self,
        store: &str,
        filter: &TupleFilter,
        after: u64,
        limit: u32,
    ) -> Result<Vec<TupleRow>, CatalogError> {
        select(self.readers(), store, filter, after, limit).await
    }

    /// The log of a store after position `after`, oldest first; optionally of one object type, optionally only from a
    /// time on.
    pub async fn tuple_changes(
        &self,
        store: &str,
        object_type: Option<&str>,
        after: u64,
        from: Option<&str>,
        limit: u32,
    ) -> Result<Vec<ChangeRow>, CatalogError> {
        let rows = query(
            "SELECT change, revision, operation, object_type, object_id, relation, subject, condition_name,
                    condition_context, changed_at
               FROM tuple_changes WHERE store = $1 AND change > $2
               AND ($3 IS NULL OR object_type = $3) AND ($4 IS NULL OR changed_at >= $4)
             ORDER BY change LIMIT $5",
        )
        .bind(store.to_owned())
        .bind(signed(after)?)
        .bind(object_type.map(str::to_owned))
        .bind(from.map(str::to_owned))
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await?;
        rows.iter().map(change).collect()
    }
}

fn change(row: &Row) -> Result<ChangeRow, CatalogError> {
    Ok(ChangeRow {
        change: unsigned(row.try_get("change")?, "change")?,
        revision: unsigned(row.try_get("revision")?, "revision")?,
        key: key(row)?,
        written: row.try_get::<&str>("operation")? == "write",
        at: row.try_get("changed_at")?,
    })
}

/// [`Catalog::tuples`] as a transaction sees them, or a pool.
pub async fn select<'e>(
    on: impl Into<On<'e>>,
    store: &str,
    filter: &TupleFilter,
    after: u64,
    limit: u32,
) -> Result<Vec<TupleRow>, CatalogError> {
    let rows = query(
        "SELECT change, object_type, object_id, relation, subject, condition_name, condition_context, written_at
           FROM tuples WHERE store = $1 AND change > $2
           AND ($3 IS NULL OR object_type = $3) AND ($4 IS NULL OR object_id = $4)
           AND ($5 IS NULL OR relation = $5) AND ($6 IS NULL OR subject = $6)
         ORDER BY change LIMIT $7",
    )
    .bind(store.to_owned())
    .bind(signed(after)?)
    .bind(filter.object_type.clone())
    .bind(filter.object_id.clone())
    .bind(filter.relation.clone())
    .bind(filter.user.clone())
    .bind(i64::from(limit))
    .fetch_all(on)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(TupleRow {
                change: unsigned(row.try_get("change")?, "change")?,
                key: key(row)?,
                at: row.try_get("written_at")?,
            })
        })
        .collect()
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

/// How many tuples a store has.
pub async fn count(tx: &mut CatalogTx, store: &str) -> Result<u64, CatalogError> {
    let count = query("SELECT count(*) FROM tuples WHERE store = $1").bind(store.to_owned());
    unsigned(count.fetch_value(tx).await?, "count")
}

/// The log of a store before position `before`, newest first; absent: from its end.
pub async fn changes_before(
    tx: &mut CatalogTx,
    store: &str,
    before: Option<u64>,
    limit: u32,
) -> Result<Vec<ChangeRow>, CatalogError> {
    let rows = query(
        "SELECT change, revision, operation, object_type, object_id, relation, subject, condition_name,
                condition_context, changed_at
           FROM tuple_changes WHERE store = $1 AND change < $2 ORDER BY change DESC LIMIT $3",
    )
    .bind(store.to_owned())
    .bind(before.map_or(Ok(i64::MAX), signed)?)
    .bind(i64::from(limit))
    .fetch_all(&mut *tx)
    .await?;
    rows.iter().map(change).collect()
}

/// Stores a tuple and logs it. `context` is the canonical text of the condition's context.
pub async fn write(
    tx: &mut CatalogTx,
    store: &str,
    tuple: &TupleKey,
    revision: u64,
    now: &str,
) -> Result<(), CatalogError> {
    let change = log(tx, store, tuple, "write", revision, now).await?;
    let (object_type, object_id) = split(&tuple.object)?;
    let (name, context) = condition(tuple)?;
    query(
        "INSERT INTO tuples (change, store, object_type, object_id, relation, subject, condition_name,
                             condition_context, written_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
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

async fn log(
    tx: &mut CatalogTx,
    store: &str,
    tuple: &TupleKey,
    operation: &str,
    revision: u64,
    now: &str,
) -> Result<i64, CatalogError> {
    let (object_type, object_id) = split(&tuple.object)?;
    let (name, context) = condition(tuple)?;
    query(
        "INSERT INTO tuple_changes (revision, store, operation, object_type, object_id, relation, subject,
                                    condition_name, condition_context, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING change",
    )
    .bind(signed(revision)?)
    .bind(store.to_owned())
    .bind(operation.to_owned())
    .bind(object_type)
    .bind(object_id)
    .bind(tuple.relation.clone())
    .bind(tuple.user.clone())
    .bind(name)
    .bind(context)
    .bind(now.to_owned())
    .fetch_value(tx)
    .await
}

fn condition(tuple: &TupleKey) -> Result<(Option<String>, Option<String>), CatalogError> {
    match &tuple.condition {
        None => Ok((None, None)),
        Some(condition) => Ok((Some(condition.name.clone()), condition.context.as_ref().map(json).transpose()?)),
    }
}
