//! Suites of staged tests: models, tuples and assertions in turn, on one store.

use std::collections::BTreeSet;

use usher::wire;

use crate::{
    Tally,
    format::{ListObjectsAssertion, ListUsersAssertion, Stage, Suite, Test},
    world::{Store, Stores},
};

/// How a test is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    Stored,
    /// Nothing stored, all tuples sent with each request.
    Contextual,
    /// Tuples written in another order, one edit each, then all deleted and written again.
    Shuffled,
    /// Every type bound, so that objects share the edges of their audiences.
    Bound,
    BoundContextual,
}

pub fn run<S: Stores>(stores: &S, text: &str, tally: &mut Tally) {
    let suite: Suite = serde_saphyr::from_str(text).unwrap();
    for test in &suite.tests {
        for run in [Run::Stored, Run::Shuffled, Run::Bound] {
            run_test(stores, test, run, tally);
        }
        if let [only] = test.stages.as_slice()
            && only.tuples.len() <= 100
        {
            run_test(stores, test, Run::Contextual, tally);
            run_test(stores, test, Run::BoundContextual, tally);
        }
    }
}

fn run_test<S: Stores>(stores: &S, test: &Test, run: Run, tally: &mut Tally) {
    let bind = matches!(run, Run::Bound | Run::BoundContextual);
    if bind && !S::CAN_BIND {
        return;
    }
    let mut store = stores.empty(bind);
    for (at, stage) in test.stages.iter().enumerate() {
        store.put_model(&stage.model_json);
        let contextual = match run {
            Run::Contextual | Run::BoundContextual => stage.tuples.as_slice(),
            Run::Shuffled => {
                for tuple in shuffled(&stage.tuples, test.name.len() as u64) {
                    store.write(&[tuple]);
                }
                if test.stages.len() == 1 {
                    store.delete(&stage.tuples);
                    store.write(&stage.tuples);
                }
                &[]
            }
            Run::Stored | Run::Bound => {
                store.write(&stage.tuples);
                &[]
            }
        };
        let label = format!("{} ({run:?}, stage {at})", test.name);
        assert_stage(store.as_ref(), stage, contextual, &label, tally);
    }
}

fn assert_stage(store: &dyn Store, stage: &Stage, contextual: &[wire::TupleKey], label: &str, tally: &mut Tally) {
    for assertion in &stage.check_assertions {
        let sent = [assertion.contextual_tuples.as_slice(), contextual].concat();
        let answer = store.check(&assertion.tuple, &assertion.context, &sent);
        let expected = assertion.error_code.map_or(Ok(assertion.expectation), Err);
        tally.note("check", answer == expected, || {
            format!("{label}: {:?}: expected {expected:?}, got {answer:?}", assertion.tuple)
        });
    }
    for assertion in &stage.list_objects_assertions {
        assert_objects(store, assertion, contextual, label, tally);
    }
    for assertion in &stage.list_users_assertions {
        assert_users(store, assertion, contextual, label, tally);
    }
}

fn assert_objects(
    store: &dyn Store,
    assertion: &ListObjectsAssertion,
    contextual: &[wire::TupleKey],
    label: &str,
    tally: &mut Tally,
) {
    let request = &assertion.request;
    let sent = [assertion.contextual_tuples.as_slice(), contextual].concat();
    let answer = store.list_objects(&request.object_type, &request.relation, &request.user, &assertion.context, &sent);
    let expected: Result<BTreeSet<String>, u16> =
        assertion.error_code.map_or_else(|| Ok(assertion.expectation.iter().cloned().collect()), Err);
    tally.note("list_objects", answer == expected, || {
        format!("{label}: {request:?}: expected {expected:?}, got {answer:?}")
    });
    for object in answer.into_iter().flatten() {
        let key = key(&object, &request.relation, &request.user);
        let checked = store.check(&key, &assertion.context, &sent);
        tally.note("listed objects pass check", checked == Ok(true), || format!("{label}: {key:?}: {checked:?}"));
    }
}

fn assert_users(
    store: &dyn Store,
    assertion: &ListUsersAssertion,
    contextual: &[wire::TupleKey],
    label: &str,
    tally: &mut Tally,
) {
    let request = &assertion.request;
    let sent = [assertion.contextual_tuples.as_slice(), contextual].concat();
    let answer = store.list_users(&request.object, &request.relation, &request.filters[0], &assertion.context, &sent);
    let expected: Result<BTreeSet<String>, u16> =
        assertion.error_code.map_or_else(|| Ok(assertion.expectation.iter().cloned().collect()), Err);
    tally.note("list_users", answer == expected, || {
        format!("{label}: {request:?}: expected {expected:?}, got {answer:?}")
    });
    for user in answer.into_iter().flatten() {
        let key = key(&request.object, &request.relation, &user);
        let checked = store.check(&key, &assertion.context, &sent);
        tally.note("listed users pass check", checked == Ok(true), || format!("{label}: {key:?}: {checked:?}"));
    }
}

fn key(object: &str, relation: &str, user: &str) -> wire::TupleKey {
    wire::TupleKey { user: user.to_owned(), relation: relation.to_owned(), object: object.to_owned(), condition: None }
}

fn shuffled(tuples: &[wire::TupleKey], seed: u64) -> Vec<wire::TupleKey> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut order: Vec<(u64, usize)> = (0..tuples.len())
        .map(|at| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state, at)
        })
        .collect();
    order.sort_unstable();
    order.into_iter().map(|(_, at)| tuples[at].clone()).collect()
}
