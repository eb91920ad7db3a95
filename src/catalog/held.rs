//! Grants by hand on documents that were deleted: out of the graph, and kept until somebody decides about them.

use super::tuples::{TupleRow, condition_of, split, tuple_row};
use super::*;
use crate::wire::TupleKey;

impl Catalog {
    /// Held tuples of a store after position `after`, oldest first.
    pub async fn held_tuples(&self, store: &str, after: u64, limit: u32) -> Result<Vec<TupleRow>, CatalogError> {
        let rows = query(
            "SELECT change, object_type, object_id, relation, subject, condition_name, condition_context, written_at
               FROM held_tuples WHERE store = $1 AND change > $2 ORDER BY change LIMIT $3",
        )
        .bind(store.to_owned())
        .bind(signed(after)?)
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await?;
        rows.iter().map(tuple_row).collect()
    }
}

/// Keeps a stored tuple that is about to be removed; in place of one that was held before it.
pub async fn hold(tx: &mut CatalogTx, store: &str, row: &TupleRow) -> Result<(), CatalogError> {
    remove(tx, store, &row.key).await?;
    let (object_type, object_id) = split(&row.key.object)?;
    let (name, context) = condition_of(&row.key)?;
    query(
        "INSERT INTO held_tuples (change, store, object_type, object_id, relation, subject, condition_name,
                                  condition_context, written_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(signed(row.change)?)
    .bind(store.to_owned())
    .bind(object_type)
    .bind(object_id)
    .bind(row.key.relation.clone())
    .bind(row.key.user.clone())
    .bind(name)
    .bind(context)
    .bind(row.at.clone())
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Whether any tuple of the store is held.
pub async fn any(tx: &mut CatalogTx, store: &str) -> Result<bool, CatalogError> {
    let found = query("SELECT change FROM held_tuples WHERE store = $1 LIMIT 1").bind(store.to_owned());
    Ok(found.fetch_optional(tx).await?.is_some())
}

/// Lets go of a held tuple; says whether there was one.
pub async fn remove(tx: &mut CatalogTx, store: &str, tuple: &TupleKey) -> Result<bool, CatalogError> {
    let (object_type, object_id) = split(&tuple.object)?;
    let removed = query(
        "DELETE FROM held_tuples
          WHERE store = $1 AND object_type = $2 AND object_id = $3 AND relation = $4 AND subject = $5",
    )
    .bind(store.to_owned())
    .bind(object_type)
    .bind(object_id)
    .bind(tuple.relation.clone())
    .bind(tuple.user.clone())
    .execute(tx)
    .await?;
    Ok(removed > 0)
}
