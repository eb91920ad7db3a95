//! The same world in Usher: the snapshot, and the authority that a query asks.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::Timestamp;
use usher::authority::changes::ChangeLog;
use usher::authority::{Authority, Resolver};
use usher::authz::{Graph, Model, ObjectRef, Tuple};
use usher::catalog::collections::CollectionSettings;
use usher::catalog::documents::{DocumentRow, Rules};
use usher::catalog::stores::StoreRow;
use usher::limits::CacheLimits;
use usher::snapshot::{CollectionState, Snapshot, StoreState, document_entry};
use usher::wire::{Condition, TupleKey};

use crate::world;

const STORE: &str = "bench";

/// The tuple as the product reads it.
pub fn parsed(tuple: &world::Tuple) -> anyhow::Result<Tuple> {
    let condition: Option<Condition> = tuple.condition.clone().map(serde_json::from_value).transpose()?;
    let key = TupleKey {
        user: tuple.user.clone(),
        relation: tuple.relation.to_owned(),
        object: tuple.object.clone(),
        condition,
    };
    Ok(Tuple::parse(&key)?)
}

/// A snapshot with one store, and one collection of the same documents per relation.
pub fn snapshot(documents: u32) -> anyhow::Result<Arc<Snapshot>> {
    let model = Arc::new(Model::compile("bench", serde_json::from_value(world::model())?)?);
    let now = Timestamp::now();
    let row = StoreRow {
        id: STORE.to_owned(),
        name: STORE.to_owned(),
        created_at: now.to_string(),
        updated_at: now.to_string(),
    };
    let models = vec![model];
    let mut store = StoreState { row, graph: Graph::new(Vec::new()), models, bound: Vec::new(), audiences_revision: 0 };
    let mut snapshot = Snapshot {
        revision: 1,
        origin: None,
        committed_at: now,
        stores: BTreeMap::from([(Arc::from(STORE), Arc::new(store.clone()))]),
        collections: BTreeMap::new(),
        keys: Arc::default(),
    };
    for (number, (name, relation)) in (1..).zip(world::RELATIONS) {
        let collection = CollectionState::new(number, name, settings(relation))?;
        snapshot.collections.insert(name.into(), Arc::new(collection));
    }
    store.bound = snapshot.bound_types(STORE);
    let mut edit = Graph::new(store.bound.clone()).edit();
    for tuple in world::tuples(documents) {
        edit.write(&parsed(&tuple)?).ok().context("a tuple of the world comes twice")?;
    }
    let mut row = document(&now);
    for collection in snapshot.collections.values_mut() {
        let collection = Arc::make_mut(collection);
        for number in 0..documents {
            row.id = format!("d{number}");
            (row.ordinal, row.first_chunk) = (number, number);
            let node = edit.intern(&ObjectRef::new("document", &row.id)?);
            collection.put(document_entry(&row, &collection.fields, node, &[])?);
        }
    }
    store.graph = edit.finish().0;
    snapshot.stores.insert(STORE.into(), Arc::new(store));
    Ok(Arc::new(snapshot))
}

fn settings(relation: &str) -> CollectionSettings {
    CollectionSettings {
        embedder: "hash-v1".to_owned(),
        dimensions: 384,
        analyser: "simple".to_owned(),
        store: STORE.to_owned(),
        object_type: "document".to_owned(),
        section_type: None,
        relation: relation.to_owned(),
        default_acl: None,
        fields: BTreeMap::new(),
        caller_context: Vec::new(),
        generations: Default::default(),
    }
}

fn document(now: &Timestamp) -> DocumentRow {
    DocumentRow {
        ordinal: 0,
        id: String::new(),
        source: "bench".to_owned(),
        version: 1,
        title: String::new(),
        url: None,
        media_type: "text/plain".to_owned(),
        metadata: BTreeMap::new(),
        content_digest: String::new(),
        acl_digest: String::new(),
        source_hash: None,
        source_version: None,
        first_chunk: 0,
        chunk_count: 1,
        sections: Vec::new(),
        rules: Rules::default(),
        source_tuples: Vec::new(),
        parked: false,
        awaits_rules: false,
        apart: false,
        expires_at: None,
        updated_at: now.to_string(),
    }
}

/// An authority that has resolved nobody yet.
pub fn cold() -> Authority {
    Authority::new(
        Resolver::new(Arc::new(ChangeLog::default()), CacheLimits::of(64 << 20)),
        CacheLimits::of(64 << 20),
        None,
        None,
    )
}
