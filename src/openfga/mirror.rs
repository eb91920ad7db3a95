//! Follows the server that owns the tuples: its newest model, its log of changes, and, from time to time, all of its
//! tuples.
//!
//! The mirror only finds candidates; the server confirms what is returned. A mirror that is behind denies too much for
//! a moment and never shows too much. Three loops make it complete: the log from where it was read last; a second look at
//! the log's last seconds, since a server on an SQL database numbers changes before it commits them; and a comparison
//! with all stored tuples, at the start, after a break, and periodically.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

use super::Remote;
use crate::audit::Asked;
use crate::authority::External;
use crate::authority::server::{ChangePage, Position, ServerError, TupleChange};
use crate::authz::{AuthorizationModel, Tuple};
use crate::catalog::{Catalog, CatalogError};
use crate::commit::follow::{Follow, unmet};
use crate::commit::stores::WriteModel;
use crate::commit::{CommitError, Committer};
use crate::lease::Duty;
use crate::snapshot::Published;
use crate::wire::{Condition, TupleKey};

/// How far back the second look goes; a transaction that takes longer is found by the comparison.
const SECOND_LOOK: SignedDuration = SignedDuration::from_secs(15);
/// Difference of clocks that the first read of the log allows for.
const CLOCKS: SignedDuration = SignedDuration::from_secs(60);
/// Changes that go in one commit.
const BATCH: usize = 1000;
/// Changes of the log that are held before they are taken over.
const MOST_CHANGES: usize = 10_000;

/// Longest pause after something failed.
const LONGEST_RETRY: Duration = Duration::from_secs(2);

/// Pauses between two runs of each loop.
#[derive(Debug, Clone)]
pub struct Pace {
    /// Of the log of changes.
    pub poll: Duration,
    /// Of the newest model.
    pub model: Duration,
    pub second_look: Duration,
    pub compare: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            poll: Duration::from_millis(200),
            model: Duration::from_secs(1),
            second_look: Duration::from_secs(2),
            compare: Duration::from_secs(600),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error("the server's model or tuples can't be taken over: {0}")]
    Commit(#[from] CommitError),
    #[error("the server's store has no authorization model; write one, such as the default model of `usher model`")]
    NoModel,
}

impl MirrorError {
    /// Whether the next attempt may succeed without anybody's doing.
    fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Server(ServerError::Unavailable(_))
                | Self::Catalog(_)
                | Self::Commit(CommitError::Busy | CommitError::Storage(_))
        )
    }
}

/// Following the server's log and its tuples, which one process does for all; the others follow the catalog, and look at
/// the server's model themselves.
pub struct Feed {
    pub remote: Arc<Remote>,
    pub catalog: Catalog,
    pub published: Arc<Published>,
    pub committer: Committer,
    pub server_store: String,
    pub pace: Pace,
}

impl Feed {
    /// A mirror that goes on where the catalog says.
    ///
    /// # Errors
    /// When the catalog can't be read.
    pub async fn open(&self) -> Result<Mirror, CatalogError> {
        let now = Instant::now();
        let mut mirror = Mirror {
            remote: self.remote.clone(),
            catalog: self.catalog.clone(),
            published: self.published.clone(),
            committer: self.committer.clone(),
            server_store: self.server_store.clone(),
            pace: self.pace.clone(),
            place: None,
            last_change: None,
            saw_model_at: None,
            read_log_at: None,
            looked_twice_at: now,
            compared_at: now,
        };
        if let Some(stored) = mirror.catalog.meta(&mirror.place_name()).await? {
            let place: Reached = serde_json::from_slice(&stored)
                .map_err(|source| CatalogError::Corrupt { what: "position in the server's log", source })?;
            mirror.place = Some(place).filter(|place| place.server_store == mirror.server_store);
        }
        Ok(mirror)
    }

    /// Looks at the server's newest model again and again: answers depend on that, in every process. Runs until cancelled.
    pub async fn watch_model(self: Arc<Self>) {
        let external = &self.remote.external;
        loop {
            match newest_model(external).await {
                // Another one is taken over by the process that follows; until it is seen here, nothing is confirmed.
                Ok((id, _)) if self.held_model().is_some_and(|held| held == id) => external.saw_model(),
                Ok(_) => self.published.want(),
                Err(error) => external.failed(&error, error.is_passing()),
            }
            tokio::time::sleep(self.pace.model).await;
        }
    }

    fn held_model(&self) -> Option<String> {
        let snapshot = self.published.load();
        Some(snapshot.store(&self.remote.external.store)?.latest_model()?.id().to_owned())
    }
}

impl Duty for Feed {
    fn name(&self) -> &str {
        "openfga feed"
    }

    fn work(&self) -> BoxFuture<'_, ()> {
        let work = async {
            match self.open().await {
                Ok(mirror) => mirror.run().await,
                Err(error) => tracing::warn!(%error, "the place in the authorization server's log can't be read"),
            }
        };
        work.boxed()
    }

    fn done(&self) -> Option<Duration> {
        self.remote.external.lag()
    }

    fn done_elsewhere(&self, ago: Duration) {
        if let Some(begun) = Instant::now().checked_sub(ago) {
            self.remote.external.saw_changes(begun);
        }
    }
}

/// The newest model of the server's store.
async fn newest_model(external: &External) -> Result<(String, AuthorizationModel), MirrorError> {
    let newest = external.call(|server| async move {
        // A store that is gone looks like an empty one to every other call.
        server.check_store().await?;
        server.latest_model().await
    });
    newest.await?.ok_or(MirrorError::NoModel)
}

/// Where the mirror is, as the catalog remembers it.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct Reached {
    /// The server's store; another one begins anew.
    server_store: String,
    position: Position,
}

pub struct Mirror {
    remote: Arc<Remote>,
    catalog: Catalog,
    published: Arc<Published>,
    committer: Committer,
    server_store: String,
    pace: Pace,
    place: Option<Reached>,
    last_change: Option<Timestamp>,
    /// Absent: not yet, or not since something failed.
    saw_model_at: Option<Instant>,
    read_log_at: Option<Instant>,
    looked_twice_at: Instant,
    compared_at: Instant,
}

impl Mirror {
    /// Stored under this name since before it was called a mirror.
    fn place_name(&self) -> String {
        format!("replica/{}", self.remote.external.store)
    }

    /// Runs until cancelled.
    pub async fn run(mut self) {
        let mut retry = self.pace.poll;
        loop {
            let pause = match self.step().await {
                Ok(()) => {
                    retry = self.pace.poll;
                    remaining(self.saw_model_at, self.pace.model).min(remaining(self.read_log_at, self.pace.poll))
                }
                Err(error) => {
                    (self.saw_model_at, self.read_log_at) = (None, None);
                    if self.remote.external.problem().is_none() {
                        tracing::warn!(%error, "the authorization server can't be followed");
                    }
                    self.remote.external.failed(&error, error.is_passing());
                    // What was missed meanwhile can be more than the log's position covers.
                    if matches!(error, MirrorError::Server(ServerError::WrongStore(_))) {
                        self.place = None;
                    }
                    retry = (retry * 2).min(LONGEST_RETRY);
                    retry
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Does what is due: looks at the newest model, brings the tuples up to date.
    ///
    /// # Errors
    /// When the server or the catalog fails, or the server's model can't be used.
    pub async fn step(&mut self) -> Result<(), MirrorError> {
        if remaining(self.saw_model_at, self.pace.model).is_zero() {
            self.follow_model().await?;
            self.saw_model_at = Some(Instant::now());
        }
        if !remaining(self.read_log_at, self.pace.poll).is_zero() {
            return Ok(());
        }
        let begun = Instant::now();
        if self.place.is_none() || self.compared_at.elapsed() >= self.pace.compare {
            self.compare().await?;
        }
        self.follow_log().await?;
        self.look_twice().await?;
        self.remote.external.saw_changes(begun);
        self.read_log_at = Some(Instant::now());
        Ok(())
    }

    async fn follow_model(&self) -> Result<(), MirrorError> {
        let external = &self.remote.external;
        let (id, source) = newest_model(external).await?;
        let snapshot = self.published.load();
        let held = snapshot.store(&external.store).and_then(|store| store.latest_model());
        if held.is_none_or(|model| model.id() != id) {
            let change = WriteModel { store: external.store.clone(), source, id: Some(id.clone()) };
            self.committer.submit(Asked::duty("openfga feed"), change).await?;
            tracing::info!(model = %id, "took over the authorization server's model");
        }
        external.saw_model();
        Ok(())
    }

    async fn page(&self, position: Position) -> Result<ChangePage, ServerError> {
        self.remote.external.call(|server| async move { server.changes(&position).await }).await
    }

    /// Takes over the log from the last position to its end. What it says is taken when the end is reached: tuples that
    /// were written through Usher are newer here than its older pages.
    async fn follow_log(&mut self) -> Result<(), MirrorError> {
        while let Some(place) = self.place.clone() {
            self.remote.external.begin_reading();
            let (changes, position) = self.read_log(place.position.clone(), MOST_CHANGES).await?;
            if changes.is_empty() && position == place.position {
                return Ok(());
            }
            let is_end = changes.len() < MOST_CHANGES;
            self.last_change = changes.iter().map(|change| change.at).max().max(self.last_change);
            self.take(&changes, Some(Reached { position, ..place })).await?;
            if is_end {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Reads the log's last seconds once more: a change may have been committed after a later one was read.
    async fn look_twice(&mut self) -> Result<(), MirrorError> {
        let Some(last) = self.last_change else { return Ok(()) };
        if self.looked_twice_at.elapsed() < self.pace.second_look {
            return Ok(());
        }
        self.looked_twice_at = Instant::now();
        let from = last.checked_sub(SECOND_LOOK).unwrap_or(last);
        self.remote.external.begin_reading();
        let (changes, _) = self.read_log(Position::Since(from), usize::MAX).await?;
        self.take(&changes, None).await?;
        if Timestamp::now().duration_since(last) > SECOND_LOOK * 2 {
            self.last_change = None;
        }
        Ok(())
    }

    /// The log from a position to its end, or until there are `most` changes, and the position after them.
    async fn read_log(&self, from: Position, most: usize) -> Result<(Vec<TupleChange>, Position), MirrorError> {
        let mut position = from;
        let mut all = Vec::new();
        loop {
            let page = self.page(position.clone()).await?;
            let is_end = page.changes.is_empty() || page.token.is_empty();
            if !page.token.is_empty() {
                position = Position::Token(page.token);
            }
            all.extend(page.changes);
            if is_end || all.len() >= most {
                return Ok((all, position));
            }
        }
    }

    /// Takes over what the mirror does not hold yet, and then the place; with nothing to take nothing is committed.
    async fn take(&mut self, changes: &[TupleChange], place: Option<Reached>) -> Result<(), MirrorError> {
        let mut position = match &place {
            None => None,
            Some(place) => {
                let bytes = serde_json::to_vec(place)
                    .map_err(|source| CatalogError::Corrupt { what: "position in the server's log", source })?;
                Some((self.place_name(), bytes))
            }
        };
        let store = self.remote.external.store.clone();
        let snapshot = self.published.load();
        let unmet = snapshot.store(&store).map(|held| unmet(&held.graph, changes)).unwrap_or_default();
        let unmet: Vec<TupleChange> = unmet.into_iter().map(|(change, ..)| change.clone()).collect();
        let mut parts = unmet.chunks(BATCH);
        loop {
            let changes = parts.next().unwrap_or_default().to_vec();
            let is_last = parts.len() == 0;
            let position = position.take_if(|_| is_last);
            if !changes.is_empty() || position.is_some() {
                let read_from = Some(self.remote.external.clone());
                self.committer
                    .submit(Asked::duty("openfga feed"), Follow { store: store.clone(), changes, position, read_from })
                    .await?;
            }
            if is_last {
                break;
            }
        }
        if place.is_some() {
            self.place = place;
        }
        Ok(())
    }

    /// Compares the mirror with everything that the server stores, and mends it. What changes meanwhile is taken from
    /// the log, which is read from before the comparison on.
    async fn compare(&mut self) -> Result<(), MirrorError> {
        let begin = Timestamp::now().checked_sub(CLOCKS).unwrap_or(Timestamp::UNIX_EPOCH);
        self.remote.external.begin_reading();
        let mut theirs: HashMap<(String, String, String), Option<Condition>> = HashMap::new();
        let mut token = String::new();
        loop {
            let from = token.clone();
            let (keys, next) = self.remote.external.call(|server| async move { server.tuples(&from).await }).await?;
            for key in keys {
                theirs.insert((key.object, key.relation, key.user), key.condition);
            }
            if next.is_empty() {
                break;
            }
            token = next;
        }
        let moving: HashSet<(String, String, String)> = self
            .read_log(Position::Since(begin), usize::MAX)
            .await?
            .0
            .into_iter()
            .map(|change| (change.key.object, change.key.relation, change.key.user))
            .collect();
        let ours = self.held();
        let mut gone = Vec::new();
        for tuple in &ours {
            let key = TupleKey::from(tuple);
            let name = (key.object.clone(), key.relation.clone(), key.user.clone());
            if !theirs.contains_key(&name) && !moving.contains(&name) {
                gone.push(key);
            }
        }
        theirs.retain(|name, _| !moving.contains(name));
        let theirs = theirs.into_iter().map(|((object, relation, user), condition)| TupleKey {
            user,
            relation,
            object,
            condition,
        });
        // What is held alike needs no commit.
        let new: Vec<_> = theirs.filter(|key| !Tuple::parse(key).is_ok_and(|tuple| ours.contains(&tuple))).collect();
        if self.place.is_some() && !gone.is_empty() {
            tracing::warn!(tuples = gone.len(), "the mirror held tuples that the authorization server does not");
        }
        let changes = TupleChange::of_write(&gone, &new, Timestamp::now());
        self.take(&changes, None).await?;
        let place = Reached { server_store: self.server_store.clone(), position: Position::Since(begin) };
        self.take(&[], Some(place)).await?;
        self.compared_at = Instant::now();
        Ok(())
    }

    /// All tuples of the mirror.
    fn held(&self) -> HashSet<Tuple> {
        let snapshot = self.published.load();
        let Some(store) = snapshot.store(&self.remote.external.store) else { return HashSet::new() };
        store.graph.all_tuples().collect()
    }
}

/// Until `pause` has passed since the last run; none where there was none.
fn remaining(last: Option<Instant>, pause: Duration) -> Duration {
    last.map_or(Duration::ZERO, |at| pause.saturating_sub(at.elapsed()))
}
