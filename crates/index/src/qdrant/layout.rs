//! How a collection is laid out in Qdrant, whose it is, and how far it is.

use std::collections::{BTreeMap, HashMap};

use qdrant_client::qdrant::{
    BinaryQuantization, BoolIndexParams, CollectionStatus, Condition, CreateAlias, CreateCollection,
    CreateFieldIndexCollection, Distance, FieldType, Filter, FloatIndexParams, GetPoints, HnswConfigDiff,
    IntegerIndexParams, KeywordIndexParams, NamedVectors, PayloadIndexParams, PointId, PointStruct, QuantizationConfig,
    ScalarQuantization, ScoredPoint, SparseIndexConfig, SparseVectorConfig, SparseVectorParams, StrictModeConfig,
    Value, VectorParams, VectorParamsMap, VectorsConfig, payload_index_params::IndexParams,
    quantization_config::Quantization, vectors_config::Config,
};

use super::client::{Connection, QdrantError, Quantisation};
use super::points::{is_completed, signed};
use super::{
    AUDIENCE, DENSE, DOCUMENT, METADATA, QdrantCollection, SEQUENCE, SPARSE, VERSION, WATERMARK, integer, text,
};
use crate::IndexError;
use usher_base::wire::FieldType as Declared;

/// Changes with what a point holds; a higher one is a newer release's.
const LAYOUT: i64 = 3;
/// Most values in one condition of a filter, and most ids.
const CONDITION_SIZE: u64 = 2_000_000;
/// Times that a new name is tried.
const NAMES: u32 = 3;

/// How far a collection is, whose it is, and what its points were made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watermark {
    pub instance: String,
    /// Chosen when the collection was made.
    pub generation: String,
    pub layout: i64,
    /// The last operation of the log that is in effect.
    pub position: u64,
    /// Whether it was filled to the end; before, it must not be searched.
    pub is_complete: bool,
    /// Which metadata the points carry.
    pub fields: String,
}

impl Watermark {
    pub(super) fn of(point: &ScoredPoint) -> Option<Self> {
        Self::read(&point.payload)
    }

    fn read(payload: &HashMap<String, Value>) -> Option<Self> {
        Some(Self {
            instance: text(payload, "instance")?.to_owned(),
            generation: text(payload, "generation")?.to_owned(),
            layout: integer(payload, "layout")?,
            position: u64::try_from(integer(payload, SEQUENCE)?).ok()?,
            is_complete: integer(payload, "complete")? == 1,
            fields: text(payload, "fields")?.to_owned(),
        })
    }
}

/// A name for the declared fields of a collection: points made with others lack some.
pub fn fields_name(fields: &BTreeMap<String, Declared>) -> String {
    let described = serde_json::to_string(fields).unwrap_or_default();
    // The second form of the values: texts in NFC.
    blake3::hash(format!("2 {described}").as_bytes()).to_hex().chars().take(16).collect()
}

impl QdrantCollection {
    /// Makes what is missing and says how far the collection is. Nothing that is not this instance's is touched.
    ///
    /// # Errors
    /// When the collection is another's, was laid out by a newer release, or Qdrant fails.
    pub async fn ensure(&self, fields: &BTreeMap<String, Declared>) -> Result<Watermark, IndexError> {
        let mark = match self.physical().await? {
            Some(_) => self.watermark().await?.ok_or_else(|| self.not_ours("it has no watermark"))?,
            None => self.make(fields).await?,
        };
        if mark.instance != self.instance {
            return Err(self.not_ours("another instance owns it").into());
        }
        if mark.layout > LAYOUT {
            return Err(QdrantError::Newer { alias: self.alias.clone() }.into());
        }
        if mark.layout < LAYOUT {
            // Points of an older release are made anew; nothing is searched before they are.
            let empty = Watermark { layout: LAYOUT, position: 0, is_complete: false, ..mark };
            self.reset(&empty).await?;
            self.clear().await?;
            return Ok(empty);
        }
        self.saw(mark.position);
        Ok(mark)
    }

    fn not_ours(&self, problem: &'static str) -> QdrantError {
        QdrantError::NotOurs { alias: self.alias.clone(), problem }
    }

    /// Last parts of the names of all aliases that begin with the configured prefix.
    ///
    /// # Errors
    /// When Qdrant fails.
    pub async fn names(connection: &Connection) -> Result<Vec<String>, IndexError> {
        let client = connection.client();
        let aliases = connection.read("list aliases", || client.list_aliases()).await?;
        let prefix = format!("{}-", connection.settings().prefix);
        let own = aliases.aliases.iter().filter_map(|alias| alias.alias_name.strip_prefix(&prefix));
        Ok(own.map(str::to_owned).collect())
    }

    /// The collection that the alias names.
    ///
    /// # Errors
    /// When a collection has the alias' name, which is none of ours; when Qdrant fails.
    pub async fn physical(&self) -> Result<Option<String>, IndexError> {
        let client = self.connection.client();
        let aliases = self.connection.read("list aliases", || client.list_aliases()).await?;
        let found = aliases.aliases.into_iter().find(|alias| alias.alias_name == self.alias);
        if found.is_none() {
            let exists =
                self.connection.read("look for a collection", || client.collection_exists(&self.alias)).await?;
            if exists {
                return Err(self.not_ours("a collection has the name of the alias").into());
            }
        }
        Ok(found.map(|alias| alias.collection_name))
    }

    /// Reads the watermark; absent where the point is.
    ///
    /// # Errors
    /// When Qdrant fails.
    pub async fn watermark(&self) -> Result<Option<Watermark>, IndexError> {
        let request = GetPoints {
            collection_name: self.alias.clone(),
            ids: vec![WATERMARK.into()],
            with_payload: Some(true.into()),
            read_consistency: self.connection.read_consistency(),
            ..GetPoints::default()
        };
        let client = self.connection.client();
        let answer = self.connection.read("read the watermark", || client.get_points(request.clone())).await?;
        Ok(answer.result.first().and_then(|point| Watermark::read(&point.payload)))
    }

    /// Makes an empty collection and gives it the alias.
    async fn make(&self, fields: &BTreeMap<String, Declared>) -> Result<Watermark, IndexError> {
        let mut last = QdrantError::Answer { problem: "no name was free" };
        for _ in 0..NAMES {
            let generation = generation()?;
            let name = format!("{}-{generation}", self.alias);
            let request = self.layout(&name);
            let client = self.connection.client();
            let made = self.connection.write(
                "make a collection",
                || client.create_collection(request.clone()),
                |made| made.result,
            );
            match made.await {
                Ok(_) => {
                    self.index_fields(&name, fields).await?;
                    let mark = Watermark {
                        instance: self.instance.clone(),
                        generation,
                        layout: LAYOUT,
                        position: 0,
                        is_complete: false,
                        fields: fields_name(fields),
                    };
                    self.put_watermark(&name, &mark).await?;
                    let alias = CreateAlias { collection_name: name.clone(), alias_name: self.alias.clone() };
                    self.connection
                        .write("name a collection", || client.create_alias(alias.clone()), |made| made.result)
                        .await?;
                    return Ok(mark);
                }
                Err(error) => last = error,
            }
        }
        Err(last.into())
    }

    #[allow(deprecated, reason = "servers before 1.20 know no other name for where vectors lie")]
    fn layout(&self, name: &str) -> CreateCollection {
        let settings = self.connection.settings();
        let dense = VectorParams {
            size: self.dimensions as u64,
            // Rows are unit vectors or zeros; what is stored is what was sent.
            distance: Distance::Dot.into(),
            on_disk: Some(settings.on_disk),
            ..VectorParams::default()
        };
        let quantisation = match settings.quantisation {
            Quantisation::None => None,
            Quantisation::Scalar => Some(Quantization::Scalar(ScalarQuantization {
                r#type: qdrant_client::qdrant::QuantizationType::Int8.into(),
                always_ram: Some(true),
                ..ScalarQuantization::default()
            })),
            Quantisation::Binary => Some(Quantization::Binary(BinaryQuantization {
                always_ram: Some(true),
                ..BinaryQuantization::default()
            })),
        };
        // No modifier: the weights come from outside, so that they say nothing about other texts.
        let sparse = SparseVectorParams { index: Some(SparseIndexConfig::default()), modifier: None };
        CreateCollection {
            collection_name: name.to_owned(),
            vectors_config: Some(VectorsConfig {
                config: Some(Config::ParamsMap(VectorParamsMap { map: HashMap::from([(DENSE.to_owned(), dense)]) })),
            }),
            sparse_vectors_config: Some(SparseVectorConfig { map: HashMap::from([(SPARSE.to_owned(), sparse)]) }),
            shard_number: Some(settings.shards),
            replication_factor: Some(settings.replication_factor),
            write_consistency_factor: Some(settings.write_consistency),
            hnsw_config: Some(HnswConfigDiff {
                m: Some(settings.hnsw_m),
                ef_construct: Some(settings.hnsw_ef_construct),
                ..HnswConfigDiff::default()
            }),
            quantization_config: quantisation
                .map(|quantization| QuantizationConfig { quantization: Some(quantization) }),
            strict_mode_config: Some(strict_mode()),
            ..CreateCollection::default()
        }
    }

    /// Makes the payload indexes that filters and conditions need; those that exist stay.
    ///
    /// # Errors
    /// When Qdrant fails.
    pub async fn index_fields(&self, name: &str, fields: &BTreeMap<String, Declared>) -> Result<(), IndexError> {
        let number = |lookup, range| {
            IndexParams::IntegerIndexParams(IntegerIndexParams {
                lookup: Some(lookup),
                range: Some(range),
                ..IntegerIndexParams::default()
            })
        };
        let mut wanted = vec![
            (AUDIENCE.to_owned(), FieldType::Integer, number(true, false)),
            (SEQUENCE.to_owned(), FieldType::Integer, number(false, true)),
            (VERSION.to_owned(), FieldType::Integer, number(true, true)),
            (DOCUMENT.to_owned(), FieldType::Integer, number(true, false)),
        ];
        // Points of one source lie together.
        let source = KeywordIndexParams { is_tenant: Some(true), ..KeywordIndexParams::default() };
        wanted.push((format!("{METADATA}.source"), FieldType::Keyword, IndexParams::KeywordIndexParams(source)));
        wanted.extend(fields.iter().map(|(field, kind)| {
            let (kind, params) = match kind {
                Declared::Keyword | Declared::Keywords => {
                    (FieldType::Keyword, IndexParams::KeywordIndexParams(KeywordIndexParams::default()))
                }
                Declared::Bool => (FieldType::Bool, IndexParams::BoolIndexParams(BoolIndexParams::default())),
                Declared::Number | Declared::Time => {
                    (FieldType::Float, IndexParams::FloatIndexParams(FloatIndexParams::default()))
                }
            };
            (format!("{METADATA}.{field}"), kind, params)
        }));
        for (field, kind, params) in wanted {
            let request = CreateFieldIndexCollection {
                collection_name: name.to_owned(),
                wait: Some(true),
                field_name: field,
                field_type: Some(kind.into()),
                field_index_params: Some(PayloadIndexParams { index_params: Some(params) }),
                ordering: Connection::ordering(),
                ..CreateFieldIndexCollection::default()
            };
            let client = self.connection.client();
            self.connection
                .write(
                    "index a field",
                    || client.create_field_index(request.clone()),
                    |made| is_completed(made.result.as_ref()),
                )
                .await?;
        }
        Ok(())
    }

    async fn put_watermark(&self, name: &str, mark: &Watermark) -> Result<(), IndexError> {
        let point = PointStruct {
            id: Some(PointId::from(WATERMARK)),
            payload: payload(mark),
            // Without vectors, so that no search of vectors meets it.
            vectors: Some(NamedVectors::default().into()),
        };
        self.insert_into(name, vec![point]).await
    }

    /// Notes how far the collection is. A position that was passed already stays, and so does one that is less than this
    /// process has seen: what lies between is missing there, and the watermark alone says so.
    ///
    /// # Errors
    /// When Qdrant fails, or was restored from an older copy.
    pub async fn advance(&self, mark: &Watermark) -> Result<(), IndexError> {
        let condition = Condition::range(SEQUENCE, between(signed(self.floor()), signed(mark.position)));
        self.set_watermark(mark, condition).await?;
        match self.look().await? {
            found if found >= mark.position => Ok(()),
            found => Err(self.went_back(found, mark.position).into()),
        }
    }

    /// Notes how far the collection is, also where that is less than it said: after a comparison with the catalog.
    ///
    /// # Errors
    /// When Qdrant fails.
    pub async fn reset(&self, mark: &Watermark) -> Result<(), IndexError> {
        self.set_watermark(mark, Condition::has_id([WATERMARK])).await?;
        self.floor.store(mark.position, std::sync::atomic::Ordering::Release);
        self.is_suspect.store(false, std::sync::atomic::Ordering::Release);
        Ok(())
    }

    async fn set_watermark(&self, mark: &Watermark, condition: Condition) -> Result<(), IndexError> {
        let filter = Filter::must([Condition::has_id([WATERMARK]), condition]);
        self.set_where(filter, payload(mark)).await
    }

    /// Whether Qdrant has finished building what it builds in the background.
    ///
    /// # Errors
    /// When Qdrant fails.
    pub async fn is_indexed(&self) -> Result<bool, IndexError> {
        let client = self.connection.client();
        let info = self.connection.read("describe a collection", || client.collection_info(&self.alias)).await?;
        Ok(info.result.is_some_and(|info| info.status == i32::from(CollectionStatus::Green)))
    }

    /// Removes the collection and its alias, if it is this instance's.
    ///
    /// # Errors
    /// When Qdrant fails.
    pub async fn remove(&self) -> Result<(), IndexError> {
        let Some(name) = self.physical().await? else { return Ok(()) };
        if self.watermark().await?.is_some_and(|mark| mark.instance == self.instance) {
            let client = self.connection.client();
            self.connection.write("remove an alias", || client.delete_alias(&*self.alias), |gone| gone.result).await?;
            self.connection
                .write("remove a collection", || client.delete_collection(&name), |gone| gone.result)
                .await?;
        }
        Ok(())
    }

    /// Removes all points but the watermark.
    ///
    /// # Errors
    /// When Qdrant fails.
    pub async fn clear(&self) -> Result<(), IndexError> {
        self.delete_where(Filter::must_not([Condition::has_id([WATERMARK])])).await
    }
}

/// Refuses what would be slow or would hide a mistake of ours: filters on fields without an index above all.
fn strict_mode() -> StrictModeConfig {
    StrictModeConfig {
        enabled: Some(true),
        unindexed_filtering_retrieve: Some(false),
        unindexed_filtering_update: Some(false),
        search_allow_exact: Some(true),
        max_query_limit: Some(100_000),
        condition_max_size: Some(CONDITION_SIZE),
        filter_max_conditions: Some(1_000),
        ..StrictModeConfig::default()
    }
}

fn payload(mark: &Watermark) -> HashMap<String, Value> {
    HashMap::from([
        (SEQUENCE.to_owned(), signed(mark.position).into()),
        ("complete".to_owned(), i64::from(mark.is_complete).into()),
        ("instance".to_owned(), mark.instance.clone().into()),
        ("generation".to_owned(), mark.generation.clone().into()),
        ("layout".to_owned(), mark.layout.into()),
        ("fields".to_owned(), mark.fields.clone().into()),
    ])
}

/// Below a number; sequence numbers stay under 2⁵³, so that they are exact here.
pub(super) fn below(sequence: i64) -> qdrant_client::qdrant::Range {
    qdrant_client::qdrant::Range { lt: Some(sequence as f64), ..Default::default() }
}

/// From one number on and below another.
fn between(first: i64, sequence: i64) -> qdrant_client::qdrant::Range {
    qdrant_client::qdrant::Range { gte: Some(first as f64), ..below(sequence) }
}

fn generation() -> Result<String, QdrantError> {
    let mut bytes = [0; 6];
    getrandom::fill(&mut bytes).map_err(|_| QdrantError::Answer { problem: "the system has no randomness" })?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
