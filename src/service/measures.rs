//! Metrics that are read from the parts of a running service, and the page of all metrics.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;

use super::Service;
use crate::catalog::keys::KeyRow;
use crate::identity::lifetime;
use crate::limits::places::Places;
use crate::snapshot::Snapshot;
use crate::telemetry::described::{COUNTED, Described, counter, gauge, table};
use crate::telemetry::measured::{Measure, Sample, by, one};

/// What is measured: a service as it is at one moment.
pub struct Scene {
    service: Arc<Service>,
    snapshot: Arc<Snapshot>,
    now: Timestamp,
}

impl Scene {
    pub fn of(service: Arc<Service>) -> Self {
        Self { snapshot: service.published.load(), service, now: Timestamp::now() }
    }

    fn places(&self) -> [(&'static str, &Places); 6] {
        let service = &self.service;
        [
            ("queries", &service.queries),
            ("computing", &service.computing),
            ("evaluations", &service.evaluations),
            ("uploads", &service.uploads),
            ("streams", &service.streams),
            ("surveys", &service.surveys),
        ]
    }

    fn keys(&self) -> impl Iterator<Item = &KeyRow> {
        self.snapshot.keys.values().map(AsRef::as_ref)
    }

    fn resolver(&self, count: fn(&crate::authority::resolver::ResolverCounts) -> &AtomicU64) -> Vec<Sample> {
        one(count(&self.service.authority.resolver().counts).load(Ordering::Relaxed))
    }

    fn left(&self, end: Option<Timestamp>) -> Vec<Sample> {
        let left = end.map(|end| u64::try_from(end.duration_since(self.now).as_secs()).unwrap_or_default());
        one(left.unwrap_or_default())
    }
}

const PLACES: &[(&str, &str)] = &[(
    "kind",
    "`queries`, `computing`, `evaluations`, `uploads`, `streams`, `surveys`; the README says what they are",
)];

pub static MEASURES: &[Measure<Scene>] = &[
    Measure {
        described: gauge(
            "usher_build_info",
            "1, with the version of the program",
            &[("version", "as `usher --version`")],
        ),
        read: |_| by([(env!("CARGO_PKG_VERSION"), 1)]),
    },
    Measure {
        described: gauge("usher_revision", "Revision of the newest state in memory", &[]),
        read: |scene| one(scene.snapshot.revision),
    },
    Measure {
        described: gauge("usher_catalog_wal_bytes", "Bytes of the catalog's write-ahead log; 0 with PostgreSQL", &[]),
        read: |scene| one(scene.service.catalog.log_bytes()),
    },
    Measure {
        described: gauge("usher_collections", "Collections", &[]),
        read: |scene| one(scene.snapshot.collections.len() as u64),
    },
    Measure {
        described: gauge("usher_documents", "Documents of all collections", &[]),
        read: |scene| one(scene.snapshot.collections.values().map(|it| it.document_count()).sum()),
    },
    Measure {
        described: gauge("usher_chunks", "Chunks of the current versions of documents", &[]),
        read: |scene| one(scene.snapshot.collections.values().map(|it| it.chunk_count()).sum()),
    },
    Measure {
        described: gauge("usher_tuples", "Tuples of all stores", &[]),
        read: |scene| one(scene.snapshot.stores.values().map(|it| it.graph.tuple_count() as u64).sum()),
    },
    Measure {
        described: gauge("usher_audiences", "Audiences of all stores", &[]),
        read: |scene| one(scene.snapshot.stores.values().map(|it| u64::from(it.graph.live_audiences())).sum()),
    },
    Measure {
        described: gauge("usher_writer_waiting", "Changes that wait for the writer, or are being made", &[]),
        read: |scene| one(scene.service.committer.waiting()),
    },
    Measure {
        described: gauge(
            "usher_index_lag_operations",
            "Positions of the catalog's log that the slowest index is behind",
            &[],
        ),
        read: |scene| {
            let lag = scene.snapshot.collections.values().filter_map(|collection| {
                let indexes = scene.service.indexes.get(collection.pair())?;
                Some(collection.last_operation.saturating_sub(indexes.reached()))
            });
            one(lag.max().unwrap_or_default())
        },
    },
    Measure {
        described: counter("usher_index_operations", "Positions of the catalog's log, summed over collections", &[]),
        read: |scene| one(scene.snapshot.collections.values().map(|it| it.last_operation).sum()),
    },
    Measure {
        described: counter("usher_index_comparisons_total", "Comparisons of an index elsewhere with the catalog", &[]),
        read: |scene| one(scene.service.reconciled.comparisons.load(Ordering::Relaxed)),
    },
    Measure {
        described: counter("usher_index_points_inserted_total", "Points that such a comparison has inserted", &[]),
        read: |scene| one(scene.service.reconciled.inserted.load(Ordering::Relaxed)),
    },
    Measure {
        described: counter(
            "usher_index_points_described_total",
            "Points that it has given another audience or version",
            &[],
        ),
        read: |scene| one(scene.service.reconciled.described.load(Ordering::Relaxed)),
    },
    Measure {
        described: counter("usher_index_points_removed_total", "Points that it has removed", &[]),
        read: |scene| one(scene.service.reconciled.removed.load(Ordering::Relaxed)),
    },
    Measure {
        described: gauge("usher_places", "Places for work of a kind that goes on at one time", PLACES),
        read: |scene| by(scene.places().map(|(kind, places)| (kind, places.shares().all as u64))),
    },
    Measure {
        described: gauge("usher_places_taken", "Of these, those that are taken", PLACES),
        read: |scene| by(scene.places().map(|(kind, places)| (kind, (places.shares().all - places.free()) as u64))),
    },
    Measure {
        described: gauge("usher_reader_cache_bytes", "Bytes of cached readers", &[]),
        read: |scene| one(scene.service.authority.resolver().cached_bytes()),
    },
    Measure {
        described: counter("usher_resolver_hits_total", "Readers that were cached", &[]),
        read: |scene| scene.resolver(|counts| &counts.hits),
    },
    Measure {
        described: counter("usher_resolver_carried_total", "Cached readers that were carried through changes", &[]),
        read: |scene| scene.resolver(|counts| &counts.carried),
    },
    Measure {
        described: counter("usher_resolver_extended_total", "Cached readers to which new audiences were added", &[]),
        read: |scene| scene.resolver(|counts| &counts.extended),
    },
    Measure {
        described: counter("usher_resolver_dropped_total", "Cached readers that a change has dropped", &[]),
        read: |scene| scene.resolver(|counts| &counts.dropped),
    },
    Measure {
        described: counter("usher_resolver_dropped_needlessly_total", "Of these, those that came out the same", &[]),
        read: |scene| scene.resolver(|counts| &counts.dropped_needlessly),
    },
    Measure {
        described: counter("usher_resolver_resolved_total", "Readers that were resolved from the graph", &[]),
        read: |scene| scene.resolver(|counts| &counts.resolved),
    },
    Measure {
        described: counter("usher_resolver_audiences_evaluated_total", "Audiences that were decided for readers", &[]),
        read: |scene| scene.resolver(|counts| &counts.audiences_evaluated),
    },
    Measure {
        described: gauge("usher_keys", "API keys", &[("state", "`working`, `over`: ended or revoked")]),
        read: |scene| {
            let working = scene.keys().filter(|key| lifetime::end(key, scene.now).is_some()).count();
            by([("working", working as u64), ("over", (scene.snapshot.keys.len() - working) as u64)])
        },
    },
    Measure {
        described: gauge("usher_keys_ending_soon", "Working keys that end within 30 days", &[]),
        read: |scene| {
            let ends = |key: &&KeyRow| {
                lifetime::end(key, scene.now).is_some_and(|end| end.duration_since(scene.now) < lifetime::SOON)
            };
            one(scene.keys().filter(ends).count() as u64)
        },
    },
    Measure {
        described: gauge(
            "usher_admin_keys_end_seconds",
            "Until the last key ends that can make others; nobody gets in over the API then",
            &[],
        ),
        read: |scene| scene.left(lifetime::admin_end(scene.keys(), scene.now)),
    },
    Measure {
        described: gauge("usher_admin_key_next_end_seconds", "Until the next of these keys ends", &[]),
        read: |scene| {
            let admins = scene.keys().filter(|key| lifetime::is_admin(key));
            scene.left(admins.filter_map(|key| lifetime::end(key, scene.now)).min())
        },
    },
    Measure {
        described: counter("usher_audit_records_total", "Records that were written to the audit file", &[]),
        read: |scene| one(scene.service.audit.records()),
    },
    Measure {
        described: gauge("usher_audit_bytes", "Bytes of the audit file", &[]),
        read: |scene| one(scene.service.audit.length()),
    },
    Measure {
        described: gauge(
            "usher_embedder_info",
            "1 for each embedder",
            &[("name", "as configured"), ("id", "what a collection remembers")],
        ),
        read: |scene| {
            let embedders = scene.service.embedders.iter();
            let sample = |(name, id): (String, String)| Sample { labels: vec![name, id], value: 1.0 };
            embedders.map(|(name, it)| sample((name.to_string(), it.id().to_owned()))).collect()
        },
    },
    Measure {
        described: gauge("usher_embedder_answering", "1 if the embedder answered last", &[("name", "as configured")]),
        read: |scene| {
            by(scene.service.embedders.iter().map(|(name, it)| (name.to_string(), u64::from(it.is_answering()))))
        },
    },
];

/// Every metric that there is.
pub fn described() -> Vec<Described> {
    let mut all: Vec<Described> = COUNTED.to_vec();
    all.extend(MEASURES.iter().map(|measure| measure.described));
    #[cfg(target_os = "linux")]
    all.extend(crate::telemetry::process::PROCESS.iter().map(|measure| measure.described));
    all
}

/// `docs/metrics.md`.
pub fn page() -> String {
    let intro = include_str!("measures.md");
    format!("{intro}\n{}", table(&described()))
}
