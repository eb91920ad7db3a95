//! Asking the server that owns the tuples: deadlines, a circuit breaker, and the confirmation of what is to be returned.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use parking_lot::Mutex;

use super::server::{AuthorizationServer, CheckItem, Lenience, MAX_CHECKS, ServerError};
use crate::authz::{Context, SubjectRef};
use crate::outside::{Breaker, Pauses};
use crate::wire::TupleKey;

/// A server that fails several calls in a row is left alone for a while.
const FAILURES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A store whose tuples an OpenFGA server owns.
pub struct External {
    /// Id of the local store that mirrors it.
    pub store: String,
    server: Arc<dyn AuthorizationServer>,
    timeout: Duration,
    breaker: Breaker,
    freshness: Mutex<Freshness>,
    /// Tuples (object, relation, user) that were written through here since the mirror last began to read.
    written: Mutex<HashSet<(String, String, String)>>,
    /// Without a newer look at the server's model than this, nothing is answered.
    max_model_age: Duration,
}

/// When the mirror last knew that it was up to date.
#[derive(Debug, Default, Clone)]
struct Freshness {
    model_at: Option<Instant>,
    changes_at: Option<Instant>,
    problem: Option<String>,
}

impl External {
    pub fn new(
        store: String,
        server: Arc<dyn AuthorizationServer>,
        timeout: Duration,
        max_model_age: Duration,
    ) -> Self {
        Self {
            store,
            server,
            timeout,
            breaker: Breaker::new(Pauses {
                failures: FAILURES,
                first: FIRST_PAUSE,
                longest: LONGEST_PAUSE,
                probe: timeout,
            }),
            freshness: Mutex::default(),
            written: Mutex::default(),
            max_model_age,
        }
    }

    /// Runs one call under the deadline and the breaker.
    ///
    /// # Errors
    /// What the call returns, or [`ServerError::Unavailable`].
    pub async fn call<T, F>(&self, call: impl FnOnce(Arc<dyn AuthorizationServer>) -> F) -> Result<T, ServerError>
    where
        F: Future<Output = Result<T, ServerError>>,
    {
        if !self.breaker.admits() {
            return Err(ServerError::Unavailable("it failed several times and is tried again soon".to_owned()));
        }
        let outcome = match tokio::time::timeout(self.timeout, call(self.server.clone())).await {
            Ok(outcome) => outcome,
            Err(_) => Err(ServerError::Unavailable(format!("no reply within {} ms", self.timeout.as_millis()))),
        };
        // Any other answer, a refusal too, shows that the server works.
        self.breaker.note(matches!(outcome, Err(ServerError::Unavailable(_))));
        outcome
    }

    /// Deletes, then writes, in one transaction of the server; see [`AuthorizationServer::write`].
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn write(
        &self,
        writes: &[TupleKey],
        deletes: &[TupleKey],
        lenience: Lenience,
    ) -> Result<(), ServerError> {
        let names: Vec<_> = writes.iter().chain(deletes).map(name_of).collect();
        let (writes, deletes) = (writes.to_vec(), deletes.to_vec());
        self.call(|server| async move { server.write(&writes, &deletes, lenience).await }).await?;
        self.written.lock().extend(names);
        Ok(())
    }

    /// The mirror is about to read the server's log or tuples.
    pub fn begin_reading(&self) {
        self.written.lock().clear();
    }

    /// Whether the tuple was written through here since the mirror began to read: then what it read can be older.
    pub fn wrote_meanwhile(&self, key: &TupleKey) -> bool {
        self.written.lock().contains(&name_of(key))
    }

    /// Which of the objects every subject has the relation to, as the server says now. All questions about one object
    /// go in one call; calls run side by side.
    ///
    /// # Errors
    /// When any call fails, or the server's model has not been looked at recently: then nothing is confirmed.
    pub async fn confirmed(
        &self,
        model: &str,
        relation: &str,
        objects: Vec<String>,
        subjects: &[SubjectRef],
        context: &Arc<Context>,
    ) -> Result<HashSet<String>, ServerError> {
        let age = self.freshness.lock().model_at.map(|at| at.elapsed());
        if age.is_none_or(|age| age > self.max_model_age) {
            return Err(ServerError::Unavailable("its model has not been seen recently".to_owned()));
        }
        if subjects.is_empty() || subjects.len() > MAX_CHECKS {
            return Ok(HashSet::new());
        }
        let per_call = MAX_CHECKS / subjects.len();
        let calls = objects.chunks(per_call).map(|objects| async move {
            let items: Vec<CheckItem> = objects
                .iter()
                .flat_map(|object| {
                    subjects.iter().map(|subject| CheckItem {
                        object: object.clone(),
                        relation: relation.to_owned(),
                        subject: subject.to_string(),
                        context: context.clone(),
                    })
                })
                .collect();
            let model = model.to_owned();
            let answers = self.call(|server| async move { server.check(&model, &items).await }).await?;
            let verdicts = answers
                .chunks(subjects.len())
                .map(|of_one| of_one.len() == subjects.len() && of_one.iter().all(|allowed| *allowed));
            let confirmed =
                objects.iter().zip(verdicts).filter(|(_, allowed)| *allowed).map(|(object, _)| object.clone());
            Ok::<_, ServerError>(confirmed.collect::<Vec<_>>())
        });
        Ok(try_join_all(calls).await?.into_iter().flatten().collect())
    }

    /// The mirror has seen the server's newest model just now.
    pub fn saw_model(&self) {
        self.freshness.lock().model_at = Some(Instant::now());
    }

    /// The mirror had everything that the server's log held at `begun`.
    pub fn saw_changes(&self, begun: Instant) {
        let mut freshness = self.freshness.lock();
        freshness.changes_at = Some(begun);
        freshness.problem = None;
    }

    /// The mirror can't follow; the reason is shown to operators. Unless the server may be back in a moment, nothing is
    /// answered until it follows again.
    pub fn failed(&self, error: &dyn std::fmt::Display, is_passing: bool) {
        let mut freshness = self.freshness.lock();
        freshness.problem = Some(error.to_string());
        if !is_passing {
            freshness.model_at = None;
        }
    }

    /// How old the mirror may be; absent before it was ever complete.
    pub fn lag(&self) -> Option<Duration> {
        self.freshness.lock().changes_at.map(|at| at.elapsed())
    }

    /// Why the mirror is not following at the moment.
    pub fn problem(&self) -> Option<String> {
        self.freshness.lock().problem.clone()
    }

    /// Whether queries can be answered: the model was seen recently, and the mirror was complete once.
    pub fn is_ready(&self) -> bool {
        let freshness = self.freshness.lock();
        freshness.changes_at.is_some() && freshness.model_at.is_some_and(|at| at.elapsed() <= self.max_model_age)
    }
}

fn name_of(key: &TupleKey) -> (String, String, String) {
    (key.object.clone(), key.relation.clone(), key.user.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::server::fake::FakeServer;
    use crate::authz::ObjectRef;

    fn external(server: Arc<FakeServer>) -> External {
        let external = External::new("s".into(), server, Duration::from_millis(50), Duration::from_secs(60));
        external.saw_model();
        external
    }

    fn subjects(names: &[&str]) -> Vec<SubjectRef> {
        names.iter().map(|id| SubjectRef::Object(ObjectRef::new("user", id).unwrap())).collect()
    }

    #[tokio::test]
    async fn every_subject_must_be_allowed_and_what_is_missing_is_denied() {
        let server = Arc::new(FakeServer::default());
        server.allow("document:1", "user:ann");
        server.allow("document:1", "user:bob");
        server.allow("document:2", "user:ann");
        let external = external(server.clone());
        let objects = || vec!["document:1".to_owned(), "document:2".to_owned(), "document:3".to_owned()];
        let context = Arc::new(Context::new());
        let both = external.confirmed("m", "can_view", objects(), &subjects(&["ann", "bob"]), &context).await.unwrap();
        assert_eq!(both, HashSet::from(["document:1".to_owned()]));
        let ann = external.confirmed("m", "can_view", objects(), &subjects(&["ann"]), &context).await.unwrap();
        assert_eq!(ann.len(), 2);
        assert!(external.confirmed("m", "can_view", objects(), &[], &context).await.unwrap().is_empty());
        // Many objects go in several calls.
        let many = (0..120).map(|n| format!("document:{n}")).collect();
        assert_eq!(external.confirmed("m", "can_view", many, &subjects(&["ann"]), &context).await.unwrap().len(), 2);
        assert_eq!(server.calls(), 1 + 1 + 3);
        // A reply that is cut short denies the rest.
        server.cut_replies_to(1);
        let cut = external.confirmed("m", "can_view", objects(), &subjects(&["ann"]), &context).await.unwrap();
        assert_eq!(cut, HashSet::from(["document:1".to_owned()]));
    }

    #[tokio::test]
    async fn an_old_look_at_the_model_answers_nothing() {
        let server = Arc::new(FakeServer::default());
        server.allow("document:1", "user:ann");
        let external = External::new("s".into(), server, Duration::from_millis(50), Duration::ZERO);
        let context = Arc::new(Context::new());
        let ask = || external.confirmed("m", "r", vec!["document:1".into()], &[], &context);
        assert!(ask().await.is_err());
        external.saw_model();
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert!(ask().await.is_err());
    }

    #[tokio::test]
    async fn a_silent_server_is_left_alone_and_found_again() {
        let server = Arc::new(FakeServer::default());
        server.allow("document:1", "user:ann");
        let external = external(server.clone());
        let context = Arc::new(Context::new());
        let ann = subjects(&["ann"]);
        let ask = || external.confirmed("m", "r", vec!["document:1".into()], &ann, &context);
        server.be_silent(true);
        for _ in 0..FAILURES {
            assert!(ask().await.is_err());
        }
        let before = (server.calls(), Instant::now());
        assert!(ask().await.is_err());
        assert_eq!(server.calls(), before.0, "not asked while it is left alone");
        assert!(before.1.elapsed() < Duration::from_millis(20));
        server.be_silent(false);
        tokio::time::sleep(FIRST_PAUSE + Duration::from_millis(20)).await;
        assert_eq!(ask().await.unwrap().len(), 1);
        assert_eq!(ask().await.unwrap().len(), 1);
        // Calls that fail together make the pause no longer.
        server.be_silent(true);
        let together = futures::future::join_all((0..4 * FAILURES).map(|_| ask())).await;
        assert!(together.iter().all(Result::is_err));
        server.be_silent(false);
        tokio::time::sleep(FIRST_PAUSE + Duration::from_millis(20)).await;
        assert_eq!(ask().await.unwrap().len(), 1);
    }
}
