//! The log of tuples: every write and delete, in the order in which they became visible.

use super::super::*;
use super::{condition_of, key, split};
use crate::wire::TupleKey;

/// An entry of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeRow {
    pub change: u64,
    pub revision: u64,
    pub key: TupleKey,
    pub written: bool,
    pub at: String,
}

macro_rules! changes_of {
    ($of:literal) => {
        walk!(
            "tuple_changes",
            "change, revision, operation, object_type, object_id, relation, subject, condition_name, condition_context, \
             changed_at",
            $of
        )
    };
}

pub(super) const CHANGES: &str = changes_of!("");
pub(super) const CHANGES_OF_TYPE: &str = changes_of!(" AND object_type = $4");
pub(super) const CHANGES_SINCE: &str = changes_of!(" AND changed_at >= $4");
pub(super) const CHANGES_OF_TYPE_SINCE: &str = changes_of!(" AND object_type = $4 AND changed_at >= $5");

impl Catalog {
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
        let statement = match (object_type, from) {
            (None, None) => CHANGES,
            (Some(_), None) => CHANGES_OF_TYPE,
            (None, Some(_)) => CHANGES_SINCE,
            (Some(_), Some(_)) => CHANGES_OF_TYPE_SINCE,
        };
        let mut walk = query(statement).bind(store.to_owned()).bind(signed(after)?).bind(i64::from(limit));
        for value in object_type.into_iter().chain(from) {
            walk = walk.bind(value.to_owned());
        }
        let rows = walk.fetch_all(self.readers()).await?;
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

pub(super) async fn log(
    tx: &mut CatalogTx,
    store: &str,
    tuple: &TupleKey,
    operation: &str,
    revision: u64,
    now: &str,
) -> Result<i64, CatalogError> {
    let (object_type, object_id) = split(&tuple.object)?;
    let (name, context) = condition_of(tuple)?;
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
