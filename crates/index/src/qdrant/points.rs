//! Writing points. Everything here may be repeated, come late, or come from two appliers at once.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use qdrant_client::qdrant::{
    Condition, DeletePoints, Filter, NamedVectors, PointStruct, ScrollPoints, SetPayloadPoints, Struct, UpdateMode,
    UpdateResult, UpdateStatus, UpsertPoints, Value, Vector, value::Kind,
};

use super::client::Connection;
use super::layout::below;
use super::{
    AUDIENCE, DENSE, DOCUMENT, METADATA, QdrantCollection, SEQUENCE, SPARSE, VERSION, WATERMARK, chunk_of, integer,
};
use crate::sparse::SparseVector;
use crate::{IndexError, pieces};

/// Points sent in one call, and ids in one condition.
const BATCH: usize = 256;
const IDS: u32 = 10_000;

/// What a point's payload says, besides the number of the operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    pub audience: i64,
    pub document: u32,
    pub version: u64,
    /// The source, and the declared fields that the document has.
    pub metadata: BTreeMap<String, serde_json::Value>,
}

/// A chunk as it is inserted.
#[derive(Debug, Clone)]
pub struct Point {
    pub chunk: u32,
    pub expected: Expected,
    pub dense: Option<Vec<f32>>,
    pub sparse: Option<SparseVector>,
}

/// What is stored of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredPoint {
    pub chunk: u32,
    pub audience: Option<i64>,
    pub version: Option<u64>,
    pub sequence: Option<u64>,
}

/// Whether an update is in effect; "acknowledged" is not enough.
pub(super) fn is_completed(result: Option<&UpdateResult>) -> bool {
    result.is_some_and(|result| result.status == i32::from(UpdateStatus::Completed))
}

pub(super) fn signed(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}

impl Expected {
    fn payload(&self, sequence: u64) -> HashMap<String, Value> {
        let mut payload = HashMap::from([
            (AUDIENCE.to_owned(), self.audience.into()),
            (DOCUMENT.to_owned(), i64::from(self.document).into()),
            (VERSION.to_owned(), signed(self.version).into()),
            (SEQUENCE.to_owned(), signed(sequence).into()),
        ]);
        let fields = self.metadata.iter().map(|(field, value)| (field.clone(), value_of(value))).collect();
        payload.insert(METADATA.to_owned(), Value { kind: Some(Kind::StructValue(Struct { fields })) });
        payload
    }
}

fn value_of(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Bool(value) => (*value).into(),
        serde_json::Value::Number(number) => number.as_f64().unwrap_or_default().into(),
        serde_json::Value::String(text) => text.clone().into(),
        serde_json::Value::Array(list) => list.iter().map(value_of).collect::<Vec<Value>>().into(),
        // No field has another form.
        _ => Value { kind: None },
    }
}

impl QdrantCollection {
    /// Inserts points; those that are there stay as they are.
    ///
    /// # Errors
    /// When Qdrant fails; some may be inserted then.
    pub async fn insert(&self, points: Vec<Point>, sequence: u64) -> Result<(), IndexError> {
        let points: Vec<PointStruct> = points
            .into_iter()
            .map(|point| {
                let dense = point.dense.map(|vector| (DENSE.to_owned(), Vector::new_dense(vector)));
                let sparse =
                    point.sparse.map(|vector| (SPARSE.to_owned(), Vector::new_sparse(vector.indices, vector.values)));
                let vectors = NamedVectors { vectors: dense.into_iter().chain(sparse).collect() };
                PointStruct {
                    id: Some(u64::from(point.chunk).into()),
                    payload: point.expected.payload(sequence),
                    vectors: Some(vectors.into()),
                }
            })
            .collect();
        for batch in points.chunks(BATCH) {
            self.insert_into(&self.alias, batch.to_vec()).await?;
        }
        Ok(())
    }

    /// Inserts points into the collection of this name or alias; those that are there stay as they are.
    pub(super) async fn insert_into(&self, name: &str, points: Vec<PointStruct>) -> Result<(), IndexError> {
        let request = UpsertPoints {
            collection_name: name.to_owned(),
            wait: Some(true),
            points,
            ordering: Connection::ordering(),
            update_mode: Some(UpdateMode::InsertOnly.into()),
            ..UpsertPoints::default()
        };
        let client = self.connection.client();
        let call = || client.upsert_points(request.clone());
        self.connection.write("insert points", call, |made| is_completed(made.result.as_ref())).await?;
        Ok(())
    }

    /// Gives points that an earlier operation touched last what they are to say now.
    ///
    /// # Errors
    /// When Qdrant fails.
    pub async fn describe(&self, chunks: &[u32], expected: &Expected, sequence: u64) -> Result<(), IndexError> {
        self.describe_below(chunks, expected, sequence, sequence).await
    }

    /// As [`Self::describe`] where a comparison found them wrong; `sequence` is that of the newest operation then.
    ///
    /// # Errors
    /// When Qdrant fails.
    pub async fn correct(&self, chunks: &[u32], expected: &Expected, sequence: u64) -> Result<(), IndexError> {
        self.describe_below(chunks, expected, sequence, sequence.saturating_add(1)).await
    }

    async fn describe_below(
        &self,
        chunks: &[u32],
        expected: &Expected,
        sequence: u64,
        below: u64,
    ) -> Result<(), IndexError> {
        for part in chunks.chunks(IDS as usize) {
            self.set_where(older(part.iter().copied(), below), expected.payload(sequence)).await?;
        }
        Ok(())
    }

    /// Sets these fields of all points that pass.
    pub(super) async fn set_where(&self, filter: Filter, payload: HashMap<String, Value>) -> Result<(), IndexError> {
        let request = SetPayloadPoints {
            collection_name: self.alias.clone(),
            wait: Some(true),
            payload,
            points_selector: Some(filter.into()),
            ordering: Connection::ordering(),
            ..SetPayloadPoints::default()
        };
        let client = self.connection.client();
        let call = || client.set_payload(request.clone());
        self.connection.write("change points", call, |made| is_completed(made.result.as_ref())).await?;
        Ok(())
    }

    /// Removes the points of these chunks that an earlier operation touched last.
    ///
    /// # Errors
    /// When Qdrant fails.
    pub async fn delete(&self, chunks: Range<u32>, sequence: u64) -> Result<(), IndexError> {
        for part in pieces(chunks, IDS) {
            self.delete_where(older(part, sequence)).await?;
        }
        Ok(())
    }

    /// Removes points that stand for nothing; `sequence` is that of the newest operation when this was found.
    ///
    /// # Errors
    /// When Qdrant fails.
    pub async fn delete_orphans(&self, chunks: &[u32], sequence: u64) -> Result<(), IndexError> {
        for part in chunks.chunks(IDS as usize) {
            self.delete_where(older(part.iter().copied(), sequence.saturating_add(1))).await?;
        }
        Ok(())
    }

    /// Removes all points that pass.
    pub(super) async fn delete_where(&self, filter: Filter) -> Result<(), IndexError> {
        let request = DeletePoints {
            collection_name: self.alias.clone(),
            wait: Some(true),
            points: Some(filter.into()),
            ordering: Connection::ordering(),
            ..DeletePoints::default()
        };
        let client = self.connection.client();
        let call = || client.delete_points(request.clone());
        self.connection.write("remove points", call, |gone| is_completed(gone.result.as_ref())).await?;
        Ok(())
    }

    /// What is stored, by chunk ascending, from chunk `from` on; at most `limit`.
    ///
    /// # Errors
    /// When Qdrant fails.
    pub async fn stored(&self, from: u32, limit: u32) -> Result<Vec<StoredPoint>, IndexError> {
        let request = ScrollPoints {
            collection_name: self.alias.clone(),
            filter: Some(Filter::must_not([Condition::has_id([WATERMARK])])),
            offset: Some(u64::from(from).into()),
            limit: Some(limit),
            with_payload: Some(vec![AUDIENCE, VERSION, SEQUENCE].into()),
            read_consistency: self.connection.read_consistency(),
            ..ScrollPoints::default()
        };
        let client = self.connection.client();
        let answer = self.connection.read("list points", || client.scroll(request.clone())).await?;
        let number = |payload: &HashMap<String, Value>, key| integer(payload, key).and_then(|n| u64::try_from(n).ok());
        let points = answer.result.into_iter().filter_map(|point| {
            Some(StoredPoint {
                chunk: chunk_of(point.id.as_ref()?)?,
                audience: integer(&point.payload, AUDIENCE),
                version: number(&point.payload, VERSION),
                sequence: number(&point.payload, SEQUENCE),
            })
        });
        Ok(points.collect())
    }
}

/// These chunks, as far as an operation before `sequence` touched them last.
fn older(chunks: impl IntoIterator<Item = u32>, sequence: u64) -> Filter {
    Filter::must([
        Condition::has_id(chunks.into_iter().map(u64::from)),
        Condition::range(SEQUENCE, below(signed(sequence))),
    ])
}
