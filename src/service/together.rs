//! Two writers on one catalog: whatever they do, each has, at every revision that it publishes, the state that a fresh
//! look at the catalog gives.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::audit::seen::Seen;
use crate::audit::{Asked, Audit};
use crate::authority::changes::ChangeLog;
use crate::authority::{Authority, CallerContext, Reader, Resolver};
use crate::authz::{ObjectRef, SubjectRef};
use crate::catalog::Catalog;
use crate::catalog::collections::CollectionSettings;
use crate::catalog::keys::{KeyRow, KeySettings};
use crate::commit::carrier::Carries;
use crate::commit::collections::{DeleteCollection, PutCollection};
use crate::commit::documents::{DeleteDocuments, Only, PreparedContent, PreparedVectors, PutDocuments, PutRules};
use crate::commit::keys::{CreateKey, RevokeKey};
use crate::commit::stores::{CreateStore, DeleteStore, PutAssertions, RenameStore, WriteModel};
use crate::commit::tuples::{Tolerance, WriteTuples};
use crate::commit::{Carrier, Change, CommitError, Committer, Shared, Writer};
use crate::indexes::{IndexHome, Indexes, VectorHome};
use crate::limits::{CacheLimits, Effort};
use crate::prepare;
use crate::progress::Progress;
use crate::snapshot::load::load;
use crate::snapshot::names::ChunkKeys;
use crate::snapshot::{Extent, Published, Publishing, Snapshot};
use crate::wire::TupleKey;
use usher_support::Random;

const STORE: &str = "01JD0000000000000000000000";
const PEOPLE: usize = 5;

fn subject(random: &mut Random) -> String {
    match random.below(4) {
        0 => "user:*".to_owned(),
        1 => format!("group:g{}#member", random.below(3)),
        _ => format!("user:p{}", random.below(PEOPLE)),
    }
}

fn subjects(random: &mut Random) -> Vec<String> {
    (0..1 + random.below(2)).map(|_| subject(random)).collect::<BTreeSet<_>>().into_iter().collect()
}

/// One process's writer and what it publishes.
struct Process {
    published: Arc<Published>,
    committer: Committer,
    authority: Authority,
    indexes: Arc<Indexes>,
}

impl Process {
    async fn start(catalog: &Catalog, folder: &Path) -> Self {
        let indexes =
            Arc::new(Indexes::new(folder.to_owned(), Duration::from_secs(1), IndexHome::Files(VectorHome::Catalog)));
        let mut tx = catalog.read().await.unwrap();
        let snapshot = load(&mut tx, None, &Progress::default()).await.unwrap();
        indexes.open_all(&mut tx, &snapshot, &Progress::default()).await.unwrap();
        drop(tx);
        let publishing = Publishing::begin(snapshot);
        let published = publishing.published();
        let changes = Arc::new(ChangeLog::default());
        std::fs::create_dir_all(folder).unwrap();
        let audit = Audit::open(folder, [7; 32], Seen::open(folder).unwrap()).unwrap();
        let writer = Writer {
            carrier: Carrier::begin(Carries::Own, catalog.clone(), audit, folder).await.unwrap(),
            footing: Box::new(Shared),
            catalog: catalog.clone(),
            published: publishing,
            changes: changes.clone(),
            chunk_keys: ChunkKeys::new([7; 32]),
            indexes: indexes.clone(),
            external: None,
        };
        let (committer, _) = Committer::start(writer);
        let authority =
            Authority::new(Resolver::new(changes, CacheLimits::of(1 << 20)), CacheLimits::of(1 << 20), None, None);
        Self { published, committer, authority, indexes }
    }

    /// The newest state of the catalog, as this process has it.
    async fn newest(&self, catalog: &Catalog) -> Arc<Snapshot> {
        self.published.at_least(catalog.head().await.unwrap().revision).await
    }

    async fn do_something(&self, random: &mut Random) -> &'static str {
        let snapshot = self.published.load();
        let collection = format!("c{}", random.below(2));
        match random.below(20) {
            0 => self.done("key", CreateKey { row: key(random) }).await,
            1 => {
                let id = snapshot.keys.keys().nth(random.below(4)).cloned().unwrap_or_default();
                self.done("revoke", RevokeKey { id, even_last: true }).await
            }
            2 => self.done("store", CreateStore::named("more".to_owned())).await,
            3 => {
                let id = snapshot.stores.keys().nth(random.below(3)).unwrap_or(&STORE.into()).to_string();
                let name = format!("name {}", random.below(100));
                match random.below(3) {
                    0 if id != STORE => self.done("no store", DeleteStore { id }).await,
                    _ => self.done("rename", RenameStore { id, name }).await,
                }
            }
            4 => self.done("model", WriteModel { store: STORE.into(), source: model(), id: None }).await,
            5 => {
                let model = snapshot.store(STORE).unwrap().latest_model().unwrap().id().to_owned();
                self.done("assertions", PutAssertions { store: STORE.into(), model, assertions: json!([]) }).await
            }
            6 if random.below(3) == 0 => {
                self.done("no collection", DeleteCollection { name: collection, even_filled: true }).await
            }
            6 => self.done("collection", PutCollection { name: collection, settings: settings(random) }).await,
            7 | 8 => {
                let ids = (0..1 + random.below(3)).map(|_| id(&collection, random)).collect();
                self.done("delete", DeleteDocuments { collection, ids, only: Only::Every }).await
            }
            9 => {
                let acl = serde_json::from_value(json!({"viewers": subjects(random)})).unwrap();
                let id = id(&collection, random);
                self.done("rules", PutRules { collection, id, acl }).await
            }
            10..14 => self.done("tuples", tuples(random)).await,
            _ => {
                let Some(held) = snapshot.collection(&collection) else { return "nothing" };
                let count = 1 + random.below(4);
                let documents = (0..count).map(|_| prepared(&collection, &held.settings, random)).collect::<Vec<_>>();
                self.done("documents", PutDocuments { collection, documents }).await
            }
        }
    }

    /// What two writers do may be refused, by what the other one did; but only for such reasons.
    async fn done<C: Change>(&self, what: &'static str, change: C) -> &'static str {
        match self.committer.submit(Asked::duty("test"), change).await {
            Ok(_) => what,
            Err(
                CommitError::Tuple(_)
                | CommitError::UnknownCollection
                | CommitError::UnknownDocument
                | CommitError::UnknownStore
                | CommitError::UnknownModel
                | CommitError::StoreInUse
                | CommitError::Outdated,
            ) => "refused",
            Err(error) => panic!("{what}: {error}"),
        }
    }
}

fn key(random: &mut Random) -> KeyRow {
    let settings = KeySettings {
        name: "k".into(),
        scopes: vec!["query".into()],
        subject: None,
        collections: None,
        sources: None,
        act_as_types: Vec::new(),
    };
    let id = format!("{:016x}", random.below(usize::MAX));
    KeyRow { id, hash: vec![1], settings, created_at: "a".into(), expires_at: "b".into(), revoked_at: None }
}

fn model() -> crate::authz::AuthorizationModel {
    serde_json::from_str(crate::authz::DEFAULT_MODEL_JSON).unwrap()
}

fn settings(random: &mut Random) -> CollectionSettings {
    let fields = if random.below(2) == 0 { json!({}) } else { json!({"year": "number"}) };
    let settings = json!({"embedder": "hash", "dimensions": 8, "analyser": "english", "store": STORE,
        "object_type": "document", "section_type": "section", "relation": "can_view", "default_acl": null,
        "fields": fields, "caller_context": []});
    serde_json::from_value(settings).unwrap()
}

fn id(collection: &str, random: &mut Random) -> String {
    format!("{collection}/{}", random.below(12))
}

fn tuples(random: &mut Random) -> WriteTuples {
    let mut keys = || -> Vec<TupleKey> {
        let keys = (0..random.below(3)).map(|_| match random.below(3) {
            0 => {
                let user = format!("user:p{}", random.below(PEOPLE));
                json!({"user": user, "relation": "member", "object": format!("group:g{}", random.below(3))})
            }
            1 => {
                let user = format!("group:g{}#member", random.below(3));
                json!({"user": user, "relation": "member", "object": "group:g0"})
            }
            _ => {
                let object = format!("document:c{}", random.below(2));
                json!({"user": subject(random), "relation": "blocked", "object": format!("{object}/{}", random.below(12))})
            }
        });
        let keys: Vec<Value> = keys.collect();
        keys.into_iter().map(|key| serde_json::from_value(key).unwrap()).collect()
    };
    WriteTuples {
        store: STORE.into(),
        writes: keys(),
        deletes: keys(),
        on_duplicate: Tolerance::Ignore,
        on_missing: Tolerance::Ignore,
        may_replace: true,
        ..WriteTuples::default()
    }
}

fn prepared(
    collection: &str,
    settings: &CollectionSettings,
    random: &mut Random,
) -> crate::commit::documents::Prepared {
    let text = ["", "One passage.", "Two passages.\n\nThe secret one."][random.below(3)];
    let mut document = json!({"id": id(collection, random), "collection": collection, "title": "t",
        "content": {"type": "text/plain", "text": text}, "acl": {"viewers": subjects(random)},
        "metadata": {"year": random.below(3)}});
    if text.contains("secret") && random.below(2) == 0 {
        let start = text.find("The").unwrap();
        document["chunks"] = json!([{"start": 0, "end": start}, {"start": start, "end": text.len()}]);
        document["sections"] =
            json!([{"id": "s", "span": {"start": start, "end": text.len()}, "acl": {"viewers": subjects(random)}}]);
    }
    if random.below(8) == 0 {
        document["expires_at"] =
            json!(if random.below(2) == 0 { "2020-01-01T00:00:00Z" } else { "2090-01-01T00:00:00Z" });
    }
    let document: crate::wire::Document = serde_json::from_value(document).unwrap();
    let mut prepared = prepare::rules(document, settings).unwrap();
    let (chunks, sections) = prepare::layout(&prepared.document, &Effort::unbounded()).unwrap();
    let rows = vec![0.0; chunks.len() * settings.dimensions];
    let vectors = vec![PreparedVectors { embedder: settings.embedder.clone(), rows }];
    prepared.content = Some(PreparedContent { chunks, sections, vectors });
    prepared
}

/// Everything of a snapshot that can be asked for, without the numbers that are a process's own.
fn told(snapshot: &Arc<Snapshot>, authority: &Authority) -> BTreeMap<String, String> {
    let mut told = BTreeMap::new();
    let mut tell = |what: String, is: String| assert!(told.insert(what, is).is_none());
    tell("revision".into(), format!("{} {:?}", snapshot.revision, snapshot.origin));
    tell("keys".into(), format!("{:?}", snapshot.keys));
    for (id, store) in &snapshot.stores {
        let models: Vec<&str> = store.models.iter().map(|model| model.id()).collect();
        let tuples: BTreeSet<String> = store.graph.all_tuples().map(|tuple| format!("{tuple:?}")).collect();
        assert_eq!(tuples.len(), store.graph.tuple_count());
        tell(format!("store {id}"), format!("{:?} {models:?} {:?} {tuples:#?}", store.row, store.bound));
    }
    for (name, collection) in &snapshot.collections {
        let numbers = (collection.next_document(), collection.next_chunk(), collection.last_operation);
        let fields = format!("{:?}", collection.fields);
        tell(format!("collection {name}"), format!("{} {numbers:?} {:?} {fields}", collection.id, collection.settings));
        let graph = &snapshot.store(&collection.settings.store).unwrap().graph;
        let mut first_of = BTreeMap::new();
        for document in collection.documents() {
            let classes: Vec<String> = std::iter::once(document.node)
                .chain(document.sections.iter().map(|section| section.node))
                .map(|node| {
                    let audience = graph.audience(node);
                    let first = first_of.entry(audience).or_insert_with(|| graph.object(node).unwrap().to_string());
                    format!("{first} {}", graph.is_ambiguous(audience))
                })
                .collect();
            let sections: Vec<_> =
                document.sections.iter().map(|held| (held.first, held.count, held.start, held.end)).collect();
            let hiding = (document.parked, document.awaits_rules, document.expires_at);
            let chunks = document.first_chunk..document.first_chunk + document.chunk_count;
            let found: Vec<bool> = chunks
                .clone()
                .map(|chunk| collection.document_of_chunk(chunk).is_some_and(|found| found.id == document.id))
                .collect();
            assert!(found.iter().all(|found| *found), "{name} {} {chunks:?}", document.id);
            assert!(collection.document_by_id(&document.id).is_some_and(|found| Arc::ptr_eq(found, document)));
            tell(
                format!("document {name} {}", document.ordinal),
                format!(
                    "{} {} {chunks:?} {sections:?} {hiding:?} {} {:?} {classes:?}",
                    document.id, document.version, document.updated_at, document.fields
                ),
            );
        }
        tell(
            format!("live {name}"),
            format!("{:?}", collection.live_chunks().filter(|range| !range.is_empty()).collect::<Vec<_>>()),
        );
        tell(
            format!("extents {name}"),
            format!(
                "{:?}",
                collection
                    .extents()
                    .filter(|(_, extent)| !matches!(extent, Extent::Empty))
                    .map(|(at, extent)| (at, shape(extent)))
                    .collect::<Vec<_>>()
            ),
        );
    }
    let now = Timestamp::now();
    for person in 0..PEOPLE {
        let subject = SubjectRef::Object(ObjectRef::new("user", &format!("p{person}")).unwrap());
        let reader = Reader { subjects: vec![subject], collections: None, context: Default::default() };
        let view = authority
            .view(snapshot.clone(), &reader, &CallerContext::default(), &[], now, &Effort::unbounded())
            .unwrap();
        let mut readable = Vec::new();
        for of in &view.collections {
            let documents = of.state.documents().filter(|document| of.may_read_document(document));
            readable.extend(documents.map(|document| {
                let sections: Vec<bool> = document.sections.iter().map(|held| of.may_read_section(held)).collect();
                format!("{} {sections:?}", document.id)
            }));
        }
        tell(format!("readable by {person}"), format!("{readable:?}"));
    }
    told
}

fn shape(extent: Extent) -> String {
    match extent {
        Extent::Plain { first_chunk, chunk_count, .. } => format!("{first_chunk} {chunk_count}"),
        other => format!("{other:?}"),
    }
}

fn assert_same(who: &str, held: &BTreeMap<String, String>, fresh: &BTreeMap<String, String>) {
    for key in held.keys().chain(fresh.keys()) {
        assert_eq!(held.get(key), fresh.get(key), "{who}: {key}");
    }
}

async fn two_writers(seed: u64, steps: usize) -> BTreeMap<&'static str, usize> {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(folder.path(), 4).await.unwrap();
    let mut random = Random::new(seed);
    let one = Process::start(&catalog, &folder.path().join("one")).await;
    let other = Process::start(&catalog, &folder.path().join("other")).await;
    one.done("store", CreateStore { id: STORE.to_owned(), name: "first".to_owned() }).await;
    one.done("model", WriteModel { store: STORE.to_owned(), source: model(), id: None }).await;
    let open = json!({"user": "user:*", "relation": "cleared", "object": "classification:open"});
    let open = vec![serde_json::from_value(open).unwrap()];
    one.done("open", WriteTuples { store: STORE.into(), writes: open, ..WriteTuples::default() }).await;
    let mut done = BTreeMap::new();
    for step in 0..steps {
        let process = if random.below(3) == 0 { &other } else { &one };
        *done.entry(process.do_something(&mut random).await).or_default() += 1;
        // Not at every step, so that several commits are followed at once.
        if random.below(4) > 0 && step + 1 < steps {
            continue;
        }
        let fresh = load(&mut catalog.read().await.unwrap(), None, &Progress::default()).await.unwrap();
        let fresh = Arc::new(fresh);
        let alone = Authority::new(
            Resolver::new(Arc::default(), CacheLimits::of(1 << 20)),
            CacheLimits::of(1 << 20),
            None,
            None,
        );
        let expected = told(&fresh, &alone);
        for (name, process) in [("one", &one), ("other", &other)] {
            let held = process.newest(&catalog).await;
            let who = format!("seed {seed}, step {step}, {name}");
            assert_same(&who, &told(&held, &process.authority), &expected);
            for collection in held.collections.values() {
                assert!(process.indexes.get(collection.pair()).is_some(), "{who}");
            }
        }
    }
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn each_writer_has_the_state_that_the_catalog_has() {
    let is_long = std::env::var_os("USHER_SOAK").is_some();
    let (runs, steps) = if is_long { (60, 400) } else { (6, 120) };
    let first: u64 = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let mut all = BTreeMap::<&str, usize>::new();
    for seed in first..first + runs {
        for (what, count) in two_writers(seed, steps).await {
            *all.entry(what).or_default() += count;
        }
    }
    println!("counted changes {all:?}");
    assert!(all.len() > 12, "{all:?}");
}
