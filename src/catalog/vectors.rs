//! Vectors that the catalog keeps: where several processes share it, and while a collection is re-indexed.
//!
//! They lie beside their chunks, in one of two columns by the parity of the generation: a collection has a current one and
//! at most one other. Whatever removes a chunk removes its vectors.

use std::ops::Range;

use super::*;

fn column(generation: u32) -> &'static str {
    if generation.is_multiple_of(2) { "vector" } else { "vector_odd" }
}

pub(super) fn covered_name(collection: u32) -> String {
    format!("vectors covered/{collection}")
}

pub(super) fn left_name(collection: u32) -> String {
    format!("vectors left/{collection}")
}

/// The bytes of the vector that lies in the column of this parity.
pub(super) fn in_column(vectors: &[(u32, Vec<f32>)], parity: u32) -> Option<Vec<u8>> {
    vectors.iter().find(|(generation, _)| generation % 2 == parity).map(|(_, vector)| to_bytes(vector))
}

fn to_bytes(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn from_bytes(bytes: &[u8]) -> Result<Vec<f32>, CatalogError> {
    let (numbers, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(CatalogError::Malformed { what: "vector" });
    }
    Ok(numbers.iter().map(|number| f32::from_le_bytes(*number)).collect())
}

/// Live chunks of a range, ascending, each with its vector of the generation where the catalog keeps one.
pub async fn of_chunks(
    tx: &mut CatalogTx,
    pair: Pair,
    chunks: Range<u32>,
) -> Result<Vec<(u32, Option<Vec<f32>>)>, CatalogError> {
    let rows = query_built(format!(
        "SELECT ordinal, {} AS stored FROM chunks WHERE collection = $1 AND ordinal >= $2 AND ordinal < $3
          ORDER BY ordinal",
        column(pair.generation)
    ))
    .bind(i64::from(pair.collection))
    .bind(i64::from(chunks.start))
    .bind(i64::from(chunks.end))
    .fetch_all(tx)
    .await?;
    rows.iter()
        .map(|row| {
            let bytes: Option<&[u8]> = row.try_get("stored")?;
            Ok((unsigned(row.try_get("ordinal")?, "chunk")?, bytes.map(from_bytes).transpose()?))
        })
        .collect()
}

/// Vectors of those of the chunks that have one of the generation.
pub async fn of_these(tx: &mut CatalogTx, pair: Pair, chunks: &[u32]) -> Result<Vec<(u32, Vec<f32>)>, CatalogError> {
    let column = column(pair.generation);
    let rows = query_built(format!(
        "SELECT ordinal, {column} AS stored FROM chunks
          WHERE collection = $1 AND ordinal IN (SELECT value FROM json_each($2)) AND {column} IS NOT NULL
          ORDER BY ordinal"
    ))
    .bind(i64::from(pair.collection))
    .bind(json(&chunks)?)
    .fetch_all(tx)
    .await?;
    rows.iter()
        .map(|row| Ok((unsigned(row.try_get("ordinal")?, "chunk")?, from_bytes(row.try_get("stored")?)?)))
        .collect()
}

/// Gives a stored chunk its vector of a generation; one that is gone stays so.
pub async fn put(tx: &mut CatalogTx, pair: Pair, chunk: u32, vector: &[f32]) -> Result<(), CatalogError> {
    query_built(format!("UPDATE chunks SET {} = $3 WHERE collection = $1 AND ordinal = $2", column(pair.generation)))
        .bind(i64::from(pair.collection))
        .bind(i64::from(chunk))
        .bind(to_bytes(vector))
        .execute(tx)
        .await?;
    Ok(())
}

/// Removes the vectors of a generation from a range of chunks.
pub async fn clear(tx: &mut CatalogTx, pair: Pair, chunks: Range<u32>) -> Result<(), CatalogError> {
    let column = column(pair.generation);
    query_built(format!(
        "UPDATE chunks SET {column} = NULL
          WHERE collection = $1 AND ordinal >= $2 AND ordinal < $3 AND {column} IS NOT NULL"
    ))
    .bind(i64::from(pair.collection))
    .bind(i64::from(chunks.start))
    .bind(i64::from(chunks.end))
    .execute(tx)
    .await?;
    Ok(())
}

/// Whether a stored chunk of the range lacks its vector of the generation.
pub async fn is_missing<'a>(on: impl Into<On<'a>>, pair: Pair, chunks: Range<u32>) -> Result<bool, CatalogError> {
    let found = query_built(format!(
        "SELECT ordinal FROM chunks WHERE collection = $1 AND ordinal >= $2 AND ordinal < $3 AND {} IS NULL LIMIT 1",
        column(pair.generation)
    ))
    .bind(i64::from(pair.collection))
    .bind(i64::from(chunks.start))
    .bind(i64::from(chunks.end))
    .fetch_optional(on);
    Ok(found.await?.is_some())
}

/// Chunks below this have their vectors of the generation, wherever these lie, or are gone.
pub async fn covered(tx: &mut CatalogTx, pair: Pair) -> Result<u32, CatalogError> {
    let Some(row) = collections::read(tx, pair.collection).await? else { return Ok(0) };
    let generations = row.settings.generations;
    if pair.generation == generations.current {
        return Ok(documents::next_ordinals(tx, pair.collection).await?.1);
    }
    match generations.next {
        Some(next) if next.number == pair.generation => next_covered(tx, pair.collection).await,
        _ => Ok(0),
    }
}

/// Chunks below this have their vectors of the next generation in the catalog, or are gone.
pub async fn next_covered(tx: &mut CatalogTx, collection: u32) -> Result<u32, CatalogError> {
    number(meta::read(tx, &covered_name(collection)).await?)
}

pub async fn set_next_covered(tx: &mut CatalogTx, collection: u32, end: u32) -> Result<(), CatalogError> {
    meta::set(tx, &covered_name(collection), &end.to_be_bytes()).await
}

/// Forgets how far a next generation was: there is none any more.
pub async fn forget_covered(tx: &mut CatalogTx, collection: u32) -> Result<(), CatalogError> {
    meta::remove(tx, &covered_name(collection)).await
}

/// The generation of which something is left that nobody needs.
pub async fn left(tx: &mut CatalogTx, collection: u32) -> Result<Option<u32>, CatalogError> {
    let stored = meta::read(tx, &left_name(collection)).await?;
    stored.map(|value| number(Some(value))).transpose()
}

/// Remembers that vectors, and perhaps a collection elsewhere, of a generation are to be removed.
pub async fn set_left(tx: &mut CatalogTx, pair: Pair) -> Result<(), CatalogError> {
    meta::set(tx, &left_name(pair.collection), &pair.generation.to_be_bytes()).await
}

pub async fn forget_left(tx: &mut CatalogTx, collection: u32) -> Result<(), CatalogError> {
    meta::remove(tx, &left_name(collection)).await
}

fn number(stored: Option<Vec<u8>>) -> Result<u32, CatalogError> {
    let Some(value) = stored else { return Ok(0) };
    Ok(u32::from_be_bytes(value.try_into().map_err(|_| CatalogError::Malformed { what: "number of a generation" })?))
}
