//! A server of the tests' own, for orders of events that a real one can't be made to show.

use std::collections::HashSet;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;

use super::*;

#[derive(Default)]
pub struct FakeServer {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    allowed: HashSet<(String, String)>,
    calls: usize,
    cut: Option<usize>,
    is_silent: bool,
}

impl FakeServer {
    pub fn allow(&self, object: &str, subject: &str) {
        self.state.lock().allowed.insert((object.to_owned(), subject.to_owned()));
    }

    pub fn calls(&self) -> usize {
        self.state.lock().calls
    }

    pub fn cut_replies_to(&self, items: usize) {
        self.state.lock().cut = Some(items);
    }

    pub fn be_silent(&self, is_silent: bool) {
        self.state.lock().is_silent = is_silent;
    }

    fn refuse<T: Send + 'static>() -> BoxFuture<'static, Result<T, ServerError>> {
        async { Err(ServerError::Refused("the fake doesn't know this".to_owned())) }.boxed()
    }
}

impl AuthorizationServer for FakeServer {
    fn check_store(&self) -> BoxFuture<'_, Result<(), ServerError>> {
        async { Ok(()) }.boxed()
    }

    fn check<'a>(&'a self, _: &'a str, items: &'a [CheckItem]) -> BoxFuture<'a, Result<Vec<bool>, ServerError>> {
        let (mut answers, is_silent) = {
            let mut state = self.state.lock();
            state.calls += 1;
            let answer = |item: &CheckItem| state.allowed.contains(&(item.object.clone(), item.subject.clone()));
            let mut answers: Vec<bool> = items.iter().map(answer).collect();
            answers.truncate(state.cut.unwrap_or(usize::MAX));
            (answers, state.is_silent)
        };
        async move {
            if is_silent {
                tokio::time::sleep(Duration::from_secs(3600)).await;
            }
            Ok(std::mem::take(&mut answers))
        }
        .boxed()
    }

    fn latest_model(&self) -> BoxFuture<'_, Result<Option<(String, AuthorizationModel)>, ServerError>> {
        Self::refuse()
    }

    fn write_model<'a>(&'a self, _: &'a AuthorizationModel) -> BoxFuture<'a, Result<String, ServerError>> {
        Self::refuse()
    }

    fn changes<'a>(&'a self, _: &'a Position) -> BoxFuture<'a, Result<ChangePage, ServerError>> {
        Self::refuse()
    }

    fn tuples<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(Vec<TupleKey>, String), ServerError>> {
        Self::refuse()
    }

    fn write<'a>(
        &'a self,
        _: &'a [TupleKey],
        _: &'a [TupleKey],
        _: Lenience,
    ) -> BoxFuture<'a, Result<(), ServerError>> {
        Self::refuse()
    }
}
