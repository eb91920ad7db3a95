//! What every catalog does, case by case.

use std::collections::BTreeMap;

use serde_json::json;
use usher::catalog::Catalog;
use usher::catalog::collections::CollectionSettings;
use usher::catalog::documents::{ChunkRow, DocumentRow, Rules, SectionRow};
use usher::catalog::portable::{META, TABLES};
use usher::wire::TupleKey;

use crate::Case;

macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        pub const ALL: &[(&str, Case)] = &[$((stringify!($name), |place| Box::pin($name(place)))),*];
    };
}

/// Runs changes in one transaction and commits it.
macro_rules! commit {
    ($catalog:expr, |$tx:ident| $body:block) => {{
        let mut transaction = $catalog.begin().await.unwrap();
        let output = {
            let $tx: &mut CatalogTx = &mut transaction;
            $body
        };
        transaction.commit().await.unwrap();
        output
    }};
}

#[path = "cases/collections.rs"]
mod collections;
#[path = "cases/documents.rs"]
mod documents;
#[path = "cases/moving.rs"]
mod moving;
#[path = "cases/transactions.rs"]
mod transactions;
#[path = "cases/tuples.rs"]
mod tuples;

pub use moving::{fill, rows};

pub fn all() -> impl Iterator<Item = &'static (&'static str, Case)> {
    let all = [transactions::ALL, collections::ALL, documents::ALL, tuples::ALL, moving::ALL];
    all.into_iter().flatten()
}

pub fn settings() -> CollectionSettings {
    CollectionSettings {
        embedder: "hash".into(),
        dimensions: 8,
        analyser: "en".into(),
        store: "S".into(),
        object_type: "document".into(),
        section_type: Some("section".into()),
        relation: "viewer".into(),
        default_acl: None,
        fields: BTreeMap::new(),
        caller_context: vec!["ip".into()],
        generations: Default::default(),
    }
}

pub fn document(ordinal: u32, id: &str) -> DocumentRow {
    DocumentRow {
        ordinal,
        id: id.into(),
        source: "wiki".into(),
        version: 1,
        title: "Über „Maße“ 𝄞".into(),
        url: Some("https://example.org/?a=%00".into()),
        media_type: "text/plain".into(),
        metadata: [("team".to_owned(), json!(["n\u{0}rd", 1.5, null]))].into(),
        content_digest: "c".into(),
        acl_digest: "a".into(),
        source_hash: None,
        source_version: Some(i64::MAX as u64),
        first_chunk: ordinal.wrapping_mul(10),
        chunk_count: 0,
        sections: vec![SectionRow { id: "s".into(), first: 0, count: 1, start: 0, end: 7, is_apart: true }],
        rules: Rules::default(),
        source_tuples: vec![tuple("user:ann", "viewer", "document:x")],
        parked: false,
        awaits_rules: true,
        apart: true,
        expires_at: None,
        updated_at: "2026-11-21T00:00:00Z".into(),
    }
}

pub fn tuple(user: &str, relation: &str, object: &str) -> TupleKey {
    TupleKey { user: user.into(), relation: relation.into(), object: object.into(), condition: None }
}

fn chunk(number: u32, range: std::ops::Range<usize>) -> ChunkRow {
    ChunkRow {
        number,
        start: range.start,
        end: range.end,
        heading_path: vec!["Über".into(), "Maße".into()],
        page: number.is_multiple_of(2).then_some(number),
        content_hash: [number as u8; 32],
        key: u128::from(number).to_be_bytes(),
        vectors: (0..number % 3)
            .map(|generation| (generation, vec![f32::from_bits(number), generation as f32]))
            .collect(),
    }
}

async fn counts(catalog: &Catalog) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for table in TABLES.iter().chain([&META]) {
        counts.insert(table.name.to_owned(), table.count(catalog).await.unwrap());
    }
    counts
}
