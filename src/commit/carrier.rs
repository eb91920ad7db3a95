//! Records of changes, on their way from the commits that they belong to into the audit file.
//!
//! A record is committed with its change, so neither is there without the other, whoever still waits for an answer. After
//! the commit the lines go to the audit file, then the change is acknowledged, and with a later commit (or alone, where
//! none comes) the catalog forgets them. What a kill leaves is carried at the next start, without what the file holds
//! already: each record has an id.
//!
//! In a shared catalog each process carries what belongs to its own data folder. What a process leaves that does not come
//! back is taken by the one that holds the lease, once it has waited for a while.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::task::JoinSet;

use crate::audit::{self, Audit, AuditError};
use crate::catalog::records::{self, FolderName, RecordsRow};
use crate::catalog::{Catalog, CatalogError, CatalogTx};
use crate::lease::Duty;

/// Records of another process that have waited so long are taken over.
const ABANDONED: Duration = Duration::from_secs(60);
/// How long one look at the catalog, or forgetting one row, may keep the writer from what waits.
const BRIEF: Duration = Duration::from_secs(2);
/// Pause between two looks for such.
const LOOK: Duration = Duration::from_secs(10);

/// Why records stay in the catalog for now.
#[derive(Debug, thiserror::Error)]
pub enum CarryError {
    #[error(transparent)]
    Audit(#[from] AuditError),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error("the audit can't be read: {0}")]
    Io(#[from] std::io::Error),
}

/// Which records in the catalog a process carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carries {
    /// All: the catalog is a file in its folder, whatever that was called. A command on the machine leaves some, too.
    All,
    /// Those that belong to its folder.
    Own,
}

/// Carries the records of one process; clones share the work.
#[derive(Clone)]
pub struct Carrier {
    carries: Carries,
    catalog: Catalog,
    audit: Audit,
    state: Arc<Mutex<State>>,
    running: Arc<Mutex<JoinSet<()>>>,
}

/// By the rows' numbers.
#[derive(Default)]
struct State {
    under_way: BTreeSet<u64>,
    /// In the file; the catalog may forget them.
    carried: BTreeSet<u64>,
    /// Something is in the catalog that did not get into the file.
    is_behind: bool,
}

impl Carrier {
    /// Carries what the last process of this folder has left, and begins.
    ///
    /// # Errors
    /// When that can't be carried: then nothing may be changed.
    pub async fn begin(carries: Carries, catalog: Catalog, audit: Audit, folder: &Path) -> Result<Self, CarryError> {
        let state = Arc::new(Mutex::new(State { is_behind: true, ..State::default() }));
        let carrier = Self { carries, catalog, audit, state, running: Arc::default() };
        let left = carrier.left().await?;
        for row in &left {
            let known = audit::ids_from(folder, row.file_from)?;
            let lacking =
                row.records.lines().filter(|line| audit::id_of(line.as_bytes()).is_none_or(|id| !known.contains(&id)));
            let lines: String = lacking.map(|line| format!("{line}\n")).collect();
            if !lines.is_empty() {
                carrier.audit.queue(lines.into_bytes(), 0, None).await?;
            }
            carrier.state.lock().carried.insert(row.sequence);
        }
        if !left.is_empty() {
            tracing::info!(commits = left.len(), "carried records into the audit that the last stop had left");
        }
        carrier.state.lock().is_behind = false;
        Ok(carrier)
    }

    /// Rows that are this process's and not yet on their way.
    async fn left(&self) -> Result<Vec<RecordsRow>, CatalogError> {
        let own = self.audit.folder();
        let rows = brief(self.catalog.waiting_records()).await?;
        let state = self.state.lock();
        let is_known =
            |row: &RecordsRow| state.under_way.contains(&row.sequence) || state.carried.contains(&row.sequence);
        let is_carried = |row: &RecordsRow| self.carries == Carries::All || row.folder == own;
        Ok(rows.into_iter().filter(|row| !is_known(row) && is_carried(row)).collect())
    }

    /// Adds the records of a commit, as part of it.
    pub(super) async fn enter(&self, tx: &mut CatalogTx, lines: &[String]) -> Result<Option<RecordsRow>, CatalogError> {
        if lines.is_empty() {
            return Ok(None);
        }
        let row = records::insert(tx, self.audit.folder(), self.audit.length(), &lines.concat()).await?;
        Ok(Some(row))
    }

    /// Forgets what the audit has, as part of a commit; what [`Self::forgotten`] is to be told when that is done.
    pub(super) async fn forget(&self, tx: &mut CatalogTx) -> Result<BTreeSet<u64>, CatalogError> {
        let carried = self.state.lock().carried.clone();
        for sequence in &carried {
            records::remove(tx, *sequence).await?;
        }
        Ok(carried)
    }

    pub(super) fn forgotten(&self, sequences: &BTreeSet<u64>) {
        self.state.lock().carried.retain(|sequence| !sequences.contains(sequence));
    }

    /// Brings the records of a commit into the audit, beside whatever else happens, and then says whether they are there.
    pub(super) fn carry(
        &self,
        row: Option<RecordsRow>,
        revision: u64,
        then: impl FnOnce(Result<(), AuditError>) + Send + 'static,
    ) {
        let Some(RecordsRow { sequence, records, .. }) = row else { return then(Ok(())) };
        self.state.lock().under_way.insert(sequence);
        let written = self.audit.queue(records.into_bytes(), revision, None);
        let state = self.state.clone();
        let mut running = self.running.lock();
        while running.try_join_next().is_some() {}
        running.spawn(async move {
            let outcome = written.await;
            state.lock().took(sequence, outcome.is_ok());
            then(outcome);
        });
    }

    /// A commit whose outcome is not known may have left records.
    pub fn look_again(&self) {
        self.state.lock().is_behind = true;
    }

    /// Brings into the audit what could not be brought before.
    ///
    /// # Errors
    /// When it still can't be.
    pub async fn catch_up(&self) -> Result<(), CarryError> {
        if !self.state.lock().is_behind {
            return Ok(());
        }
        self.rest().await;
        for row in self.left().await? {
            self.audit.queue(row.records.into_bytes(), 0, None).await?;
            self.state.lock().carried.insert(row.sequence);
        }
        self.state.lock().is_behind = false;
        Ok(())
    }

    /// What is done while nothing else is: the rest is carried, and forgotten.
    pub(super) async fn tidy(&self) {
        if self.carries == Carries::All {
            self.look_again();
        }
        let tidied = async {
            self.catch_up().await?;
            let carried = self.state.lock().carried.clone();
            for sequence in &carried {
                brief(self.catalog.forget_records(*sequence)).await?;
            }
            self.forgotten(&carried);
            Ok::<_, CarryError>(())
        };
        if let Err(error) = tidied.await {
            tracing::debug!(%error, "records of changes wait in the catalog");
        }
    }

    /// Waits for what is under way.
    async fn rest(&self) {
        let mut running = std::mem::take(&mut *self.running.lock());
        while running.join_next().await.is_some() {}
    }

    #[cfg(usher_mutants)]
    pub(super) fn audit(&self) -> Audit {
        self.audit.clone()
    }

    /// Brings everything to its end.
    pub async fn end(&self) {
        self.rest().await;
        self.tidy().await;
    }
}

/// What can be tried again is given up soon where the catalog doesn't answer.
async fn brief<T>(look: impl Future<Output = Result<T, CatalogError>>) -> Result<T, CatalogError> {
    tokio::time::timeout(BRIEF, look).await.unwrap_or(Err(CatalogError::Silent))
}

impl State {
    fn took(&mut self, sequence: u64, is_written: bool) {
        self.under_way.remove(&sequence);
        if is_written {
            self.carried.insert(sequence);
        } else {
            self.is_behind = true;
        }
    }
}

/// Takes over the records of processes that don't come back, for all.
pub struct Abandoned {
    carrier: Carrier,
    /// How long they wait before, and the pause between two looks.
    after: Duration,
    look: Duration,
}

impl Duty for Abandoned {
    fn name(&self) -> &str {
        "audit"
    }

    fn work(&self) -> BoxFuture<'_, ()> {
        self.take().boxed()
    }
}

impl Abandoned {
    pub fn of(carrier: Carrier) -> Self {
        Self { carrier, after: ABANDONED, look: LOOK }
    }

    async fn take(&self) {
        let Carrier { catalog, audit, .. } = &self.carrier;
        let mut waiting: BTreeMap<(u64, FolderName), Instant> = BTreeMap::new();
        loop {
            if let Ok(rows) = catalog.waiting_records().await {
                let rows = rows.into_iter().filter(|row| row.folder != audit.folder());
                let now = Instant::now();
                let mut still = BTreeMap::new();
                for row in rows {
                    let place = (row.sequence, row.folder);
                    let since = waiting.get(&place).copied().unwrap_or(now);
                    still.insert(place, since);
                    if now.duration_since(since) < self.after {
                        continue;
                    }
                    match catalog.adopt_records(&row, audit.folder(), audit.length()).await {
                        Ok(true) => {
                            tracing::warn!("took over records of a change that another process has left");
                            self.carrier.look_again();
                        }
                        Ok(false) => {}
                        Err(error) => tracing::debug!(%error, "records of another process can't be taken over"),
                    }
                }
                waiting = still;
            }
            tokio::time::sleep(self.look).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::seen::Seen;

    async fn process(catalog: &Catalog, folder: &Path) -> Carrier {
        std::fs::create_dir_all(folder).unwrap();
        let audit = Audit::open(folder, [7; 32], Seen::open(folder).unwrap()).unwrap();
        Carrier::begin(Carries::Own, catalog.clone(), audit, folder).await.unwrap()
    }

    fn lines(folder: &Path) -> Vec<String> {
        std::fs::read_to_string(folder.join(audit::FILE)).unwrap().lines().map(str::to_owned).collect()
    }

    /// Of two processes on one catalog each carries its own, and one takes what another has left for good.
    #[tokio::test]
    async fn records_of_a_process_that_does_not_come_back_are_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(folder.path(), 2).await.unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        let (gone, here) = (process(&catalog, &one).await, process(&catalog, &other).await);
        catalog.add_records(gone.audit.folder(), 0, "{\"id\":\"left\"}\n").await.unwrap();
        here.look_again();
        here.tidy().await;
        assert!(lines(&other).is_empty(), "it is another's");
        let look = Duration::from_millis(5);
        let duty = Abandoned { carrier: here.clone(), after: Duration::from_millis(50), look };
        let taking = async {
            while lines(&other).is_empty() {
                tokio::time::sleep(look).await;
                here.tidy().await;
            }
        };
        tokio::select! {
            () = duty.take() => {}
            () = taking => {}
        }
        here.tidy().await;
        assert_eq!(lines(&other), ["{\"id\":\"left\"}"]);
        assert!(catalog.waiting_records().await.unwrap().is_empty());
        // It comes back all the same, and has nothing more to carry.
        drop(gone);
        process(&catalog, &one).await;
        assert!(lines(&one).is_empty());
    }
}
