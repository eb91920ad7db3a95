//! Wiring: opens the stores, makes what a first start needs, starts the tasks, serves until told to stop.

use std::path::PathBuf;
use std::sync::Arc;

use crate::audit::seen::Seen;
use crate::audit::{self, Audit};
use crate::authority::changes::ChangeLog;
use crate::authority::{Authority, External, Resolver};
use crate::catalog::{Catalog, CatalogError, Location, meta};
use crate::commit::carrier::CarryError;
use crate::commit::{Carrier, CommitError, Committer, Writer};
use crate::config::Config;
use crate::duties::expiry::Sweep;
use crate::duties::reindex::Reindexer;
use crate::embed::rerank::Reranker;
use crate::embed::{Embedders, Failure};
use crate::gate::Gate;
use crate::identity::Authenticator;
use crate::identity::key::KeyHasher;
use crate::index::qdrant::{Connection, QdrantError};
use crate::indexes::points::{Points, ReconciledTotals};
use crate::indexes::{IndexHome, Indexes, VectorHome};
use crate::limits::CacheLimits;
use crate::limits::places::{Places, Shares};
use crate::limits::rates::Rates;
use crate::openfga::Remote;
use crate::openfga::mirror::{Feed, MirrorError};
use crate::openfga::publish::{self, Publisher};
use crate::progress::Stage;
use crate::service::Service;
use crate::service::measures::{MEASURES, Scene};
use crate::snapshot::load::LoadError;
use crate::snapshot::names::ChunkKeys;
use crate::snapshot::{AudienceNumbers, Publishing};
use crate::telemetry::Metrics;
use crate::tokens::cursor::Cursors;
use crate::tokens::receipt::Receipts;
use crate::tokens::revision::RevisionTokens;

mod company;
mod connections;
mod first;
mod folder;
mod following;
mod history;
mod listening;
mod machine;
mod stores;

use company::{Company, Work};
use first::First;
pub use first::{ADMIN_KEY_FILE, fill_secret, open_secret};
pub(crate) use folder::prepare_folder;
use folder::refuse_without_catalog;
pub use history::{EPOCH_FILE, accept_restored};
use listening::DRAIN;
pub use listening::{ListenError, Listeners, Listening, Serving};
pub use machine::{Stopped, leave_record, record_to_leave};

/// Folder in the data folder: what `usher restore` is about to put in place.
pub const RESTORING: &str = "restoring";
/// Requests with documents that are read and stored at one time; others wait with their bodies.
const UPLOADS: Shares = Shares { all: 16, credential: 8, subject: 8 };
/// Streamed lists that are being read; what waits in each of them has a limit of its own.
const STREAMS: Shares = Shares { all: 16, credential: 8, subject: 8 };
/// Long questions of administrators at one time.
const SURVEYS: Shares = Shares { all: 2, credential: 1, subject: 1 };
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error(
        "{}: vectors of stored passages lie in files, not in the catalog: move everything with `usher export` and \
         `usher import`",
        path.display()
    )]
    VectorsElsewhere { path: PathBuf },
    #[error(transparent)]
    Qdrant(#[from] QdrantError),
    #[error("{} is a file; name a folder", path.display())]
    NoFolder { path: PathBuf },
    #[error("{}: {source}", path.display())]
    Folder { path: PathBuf, source: std::io::Error },
    #[error("{} is in use by another Usher process", path.display())]
    Locked { path: PathBuf },
    #[error(
        "the catalog is at revision {found} and lacks what was answered at {answered}: an older copy was restored, and \
         withdrawn rights may be back. Restore a newer one; or withdraw them again and run `usher accept-restored` \
         (docs/moving.md)"
    )]
    SetBack { found: u64, answered: u64 },
    #[error(
        "a backup was restored under this process, which had seen revision {seen}: its memory can't be used any more. \
         Start it again; it is refused then until a newer backup is there or the restored one is accepted"
    )]
    OtherHistory { seen: u64 },
    #[error("{catalog} is missing or empty beside the data in the folder; restore a backup")]
    NoCatalog { catalog: String },
    #[error(
        "{} is there, and `catalog_url` names another catalog: use a data folder of its own, or move everything with \
         `usher export` and `usher import`",
        path.display()
    )]
    OtherCatalog { path: PathBuf },
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Indexes(crate::indexes::IndexFollowError),
    #[error("records of changes can't be brought into the audit: {0}")]
    Records(#[from] CarryError),
    #[error("the first start could not be completed: {0}")]
    FirstStart(#[from] CommitError),
    #[error("the built-in authorization model can't be read: {0}")]
    DefaultModel(#[from] serde_json::Error),
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    #[error("the system gives no randomness: {0}")]
    Randomness(#[from] getrandom::Error),
    #[error("repairing an index: {0}")]
    Repair(#[from] crate::indexes::IndexFollowError),
    #[error(
        "the catalog holds names in spellings of an older release or another `email_case`: `usher normalise` shows what \
         becomes of them, and with --apply brings them into the present one (docs/identity.md)"
    )]
    Spelling,
    #[error("an import into {} was cut short; run it again", path.display())]
    Unfinished { path: PathBuf },
    #[error("a restoration into {} was cut short; run `usher restore` again", path.display())]
    Restoring { path: PathBuf },
    #[error("the authorization server: {0}")]
    Authorization(#[from] MirrorError),
    #[error("the reranker {failure}")]
    Reranker { failure: Failure },
    #[error("`openfga`: {0}")]
    Address(#[from] crate::config::AddressError),
    #[error("serving: {0}")]
    Io(#[from] std::io::Error),
    #[error(
        "collection `{collection}` was made with the embedder `{embedder}`, which is not configured ({configured}); \
         {cure}"
    )]
    Embedder { collection: String, embedder: String, configured: String, cure: String },
}

/// An opened service with its background tasks.
pub struct Running {
    pub service: Arc<Service>,
    /// Held for the process's life: a second one must not open the folder.
    _lock: std::fs::File,
    tasks: Vec<tokio::task::JoinHandle<()>>,
    writer: tokio::task::JoinHandle<()>,
    company: Company,
}

impl Running {
    /// Ends the background tasks, lets the writer finish what waits, and closes the catalog. The folder can be opened
    /// again when this returns, unless somebody still holds the service.
    pub async fn stop(self) {
        for task in self.tasks {
            task.abort();
            let _ = task.await;
        }
        self.company.give_back().await;
        let (catalog, audit) = (self.service.catalog.clone(), self.service.audit.clone());
        drop(self.service);
        if tokio::time::timeout(DRAIN, self.writer).await.is_err() {
            tracing::warn!("some writes did not finish in time");
        }
        if let Err(error) = audit.end().await {
            tracing::warn!(%error, "refused credentials were counted, and the audit does not say how many");
        }
        catalog.close().await;
    }
}

async fn open_reranker(config: &Config) -> Result<Option<Reranker>, ServeError> {
    let Some(settings) = config.reranker.clone() else { return Ok(None) };
    let opened = crate::spans::blocking(move || Reranker::open(settings)).await;
    let opened = opened.unwrap_or_else(|_| Err(Failure::Model));
    opened.map(Some).map_err(|failure| ServeError::Reranker { failure })
}

/// Opens the data folder and brings everything up to date. What it is doing shows in the progress of `metrics`.
///
/// # Errors
/// When the folder is in use, damaged, or of a newer release.
pub async fn open(config: &Config, embedders: Embedders, metrics: Metrics) -> Result<Running, ServeError> {
    let progress = metrics.progress().clone();
    progress.enter(Stage::Catalog, 0);
    let lock = prepare_folder(&config.data)?;
    refuse_without_catalog(config)?;
    let catalog = stores::catalog(config, &progress).await?;
    let company = Company::of(&catalog)?;
    let agreed = Agreed::of(config, &catalog, &company).await?;
    let instance = agreed.name("instance");
    let place = match &config.qdrant {
        None => IndexHome::Files(config.vectors),
        Some(settings) => IndexHome::Qdrant { connection: Connection::new(settings.clone())?, instance },
    };
    let reranker = open_reranker(config).await?;
    // Revisions of another epoch mean other states: their tokens are not valid here.
    let in_folder = |name: &'static str| {
        let path = config.data.join(name);
        move |source| ServeError::Folder { path, source }
    };
    let mut seen = Seen::open(&config.data).map_err(in_folder(audit::seen::FILE))?;
    let epoch = history::examine(&catalog, &config.data, &mut seen).await?;
    let audit = Audit::open(&config.data, agreed.derive("audit digests"), seen).map_err(in_folder(audit::FILE))?;
    let carrier = Carrier::begin(company.carries(), catalog.clone(), audit.clone(), &config.data).await?;
    let indexes = Arc::new(Indexes::new(config.data.join("indexes"), config.queries.max_deadline, place));
    if indexes.home() == VectorHome::Catalog && company.may_lack_vectors() {
        stores::refuse_without_vectors(config, &catalog).await?;
    }
    let snapshot = stores::snapshot(&catalog, &indexes, &progress).await?;
    stores::mend(&catalog, &indexes, &snapshot, &embedders, &progress).await?;
    progress.enter(Stage::Tasks, 0);
    let publishing = Publishing::begin(snapshot);
    let published = publishing.published();
    let default_store = agreed.default_store.clone();
    let changes = Arc::new(ChangeLog::default());
    let chunk_keys = ChunkKeys::new(agreed.derive("chunk keys"));
    let writer = Writer {
        catalog: catalog.clone(),
        published: publishing,
        changes: changes.clone(),
        chunk_keys: chunk_keys.clone(),
        indexes: indexes.clone(),
        external: config.openfga.as_ref().map(|_| default_store.as_str().into()),
        carrier: carrier.clone(),
        footing: company.footing(),
    };
    let (committer, writer) = Committer::start(writer);
    let numbers = Arc::new(AudienceNumbers::new(agreed.derive("audience numbers")));
    let reconciled = Arc::new(ReconciledTotals::default());
    let points = Points::new(published.clone(), numbers.clone(), reconciled.clone());
    let mut work = Work::default();
    let lease = company.lease(&mut work);
    work.tasks.push(tokio::spawn(indexes.clone().follow(catalog.clone(), Arc::new(points), lease)));
    let resolver = Resolver::new(changes, CacheLimits::of(config.reader_cache_bytes));
    let authenticator =
        Authenticator { keys: KeyHasher::new(agreed.derive("api keys")), issuers: config.issuers.clone() };
    let feed = match &config.openfga {
        None => None,
        Some(openfga) => {
            let server = openfga.connect()?;
            let external = External::new(default_store.clone(), server, openfga.timeout, openfga.max_model_age);
            Some(Arc::new(Feed {
                remote: Remote::new(Arc::new(external)),
                catalog: catalog.clone(),
                published: published.clone(),
                committer: committer.clone(),
                server_store: openfga.store.clone(),
                pace: openfga.pace.clone(),
            }))
        }
    };
    let first =
        First { config, store: &default_store, catalog: &catalog, published: &published, committer: &committer };
    first.make(&embedders, feed.as_deref()).await?;
    first.admin_key(&authenticator.keys).await?;
    authenticator.issuers.warm_up();
    company.because_of_others(&mut work, &catalog, &published, carrier, feed.as_ref());
    let remote = feed.as_ref().map(|feed| feed.remote.clone());
    if let Some(feed) = feed {
        let remote = feed.remote.clone();
        work.tasks.push(tokio::spawn(publish::watch(remote.clone(), catalog.clone(), published.clone())));
        let (catalog, published, committer) = (catalog.clone(), published.clone(), committer.clone());
        work.duties.push(Arc::new(Publisher { remote, catalog, published, committer }));
        work.duties.push(feed);
    }
    let external = remote.as_ref().map(|remote| remote.external.clone());
    let numbers = indexes.keep_audiences().then_some(numbers);
    let authority = Arc::new(Authority::new(resolver, CacheLimits::of(config.mask_cache_bytes), numbers, external));
    #[cfg(usher_mutants)]
    let _ = authority.published.set(published.clone());
    let gate = Gate::new(authority.clone(), chunk_keys.clone(), published.clone());
    let service = Arc::new(Service {
        catalog,
        published,
        others: company.others(),
        committer,
        indexes,
        authority,
        gate,
        remote,
        authenticator,
        embedders,
        reranker,
        revisions: RevisionTokens::new(&agreed.derive(&format!("revision tokens{epoch}"))),
        cursors: Cursors::new(&agreed.derive("cursors")),
        receipts: Receipts::new(&agreed.derive("receipts")),
        audit,
        chunk_keys,
        metrics,
        limits: config.queries.clone(),
        queries: Places::new(config.limits.queries),
        rates: Rates::new(|class| config.limits.rate(class)),
        body_deadline: config.limits.body,
        computing: Places::new(config.limits.computing),
        layouts: Places::new(config.limits.layouts),
        evaluations: Places::new(config.limits.evaluations),
        uploads: Places::new(UPLOADS),
        answers: Places::new(crate::http::unsent::WAITING),
        streams: Places::new(STREAMS),
        surveys: Places::new(SURVEYS),
        default_store,
        reconciled,
    });
    let measured = Arc::downgrade(&service);
    service.metrics.measure(MEASURES, move || measured.upgrade().map(Scene::of))?;
    let Work { mut tasks, mut duties } = work;
    duties.push(Arc::new(Sweep { service: service.clone() }));
    duties.push(Arc::new(Reindexer { service: service.clone() }));
    tasks.extend(duties.into_iter().map(|duty| company.run(duty)));
    tasks.push(tokio::spawn(crate::duties::expiry::warn_of_keys(service.published.clone())));
    if config.drift_objects_per_s > 0 {
        tasks.push(tokio::spawn(crate::duties::drift::watch(service.clone(), config.drift_objects_per_s)));
    }
    tasks.push(tokio::spawn(following::watch(service.clone())));
    Ok(Running { service, _lock: lock, tasks, writer, company })
}

/// What all processes of a catalog agree on; the first one to come decides it.
struct Agreed {
    /// The instance's secret, from which all others are derived.
    root: [u8; 32],
    default_store: String,
}

/// Id of the store that the first start makes.
const FIRST_STORE: &str = "first store";

impl Agreed {
    async fn of(config: &Config, catalog: &Catalog, company: &Company) -> Result<Self, ServeError> {
        let mut tx = catalog.begin().await?;
        let root = match meta::read(&mut tx, "secret").await? {
            Some(stored) => stored.try_into().map_err(|_| CatalogError::Malformed { what: "secret" })?,
            None => {
                if matches!(config.catalog, Location::Postgres(_)) && config.data.join(audit::FILE).exists() {
                    return Err(ServeError::NoCatalog { catalog: config.catalog.to_string() });
                }
                let mut root = [0; 32];
                getrandom::fill(&mut root)?;
                meta::set(&mut tx, "secret", &root).await?;
                root
            }
        };
        // The oldest store is the default one; ULIDs sort by time.
        let oldest = crate::catalog::stores::all(&mut tx).await?.into_iter().next().map(|store| store.id);
        let default_store = match (oldest, meta::read(&mut tx, FIRST_STORE).await?) {
            (Some(id), _) => id,
            (None, Some(id)) => String::from_utf8(id).map_err(|_| CatalogError::Malformed { what: "first store" })?,
            (None, None) => {
                let id = ulid::Ulid::generate().to_string();
                meta::set(&mut tx, FIRST_STORE, id.as_bytes()).await?;
                id
            }
        };
        company.agree(&mut tx).await?;
        tx.commit().await?;
        Ok(Self { root, default_store })
    }

    /// A name that tells nothing of the secret.
    fn name(&self, purpose: &str) -> String {
        self.derive(purpose).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    fn derive(&self, purpose: &str) -> [u8; 32] {
        blake3::derive_key(&format!("usher 2026-11 {purpose}"), &self.root)
    }
}
