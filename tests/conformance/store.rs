//! Whole applications: one model, common tuples, tests with tuples of their own.

use std::collections::BTreeSet;

use usher::wire;

use crate::{
    Tally,
    format::{StoreFile, StoreTest},
    world::{Store, Stores},
};

pub fn run<S: Stores>(stores: &S, text: &str, model_beside: Option<&str>, tally: &mut Tally) {
    let file: StoreFile = serde_saphyr::from_str(text).unwrap();
    let model = file.model_json.as_deref().or(model_beside).expect("a model in the file or beside it");
    for bind in [false, true].into_iter().filter(|bind| S::CAN_BIND || !bind) {
        for test in &file.tests {
            let mut store = stores.empty(bind);
            store.put_model(model);
            store.write(&file.tuples);
            store.write(&test.tuples);
            run_test(store.as_ref(), test, &format!("{}: {}", file.name, test.name), tally);
        }
    }
}

fn run_test(store: &dyn Store, test: &StoreTest, label: &str, tally: &mut Tally) {
    for check in &test.check {
        for (relation, expected) in &check.assertions {
            let key = wire::TupleKey {
                user: check.user.clone(),
                relation: relation.clone(),
                object: check.object.clone(),
                condition: None,
            };
            let answer = store.check(&key, &check.context, &[]);
            tally.note("check", answer == Ok(*expected), || format!("{label}: {key:?}: {answer:?}"));
        }
    }
    for list in &test.list_objects {
        for (relation, expected) in &list.assertions {
            let answer = store.list_objects(&list.object_type, relation, &list.user, &list.context, &[]);
            let expected: BTreeSet<String> = expected.iter().cloned().collect();
            tally.note("list_objects", answer.as_ref() == Ok(&expected), || {
                format!("{label}: {} {relation} {}: {answer:?}", list.user, list.object_type)
            });
        }
    }
    for list in &test.list_users {
        for (relation, expected) in &list.assertions {
            let [filter] = list.user_filter.as_slice() else { panic!("one filter per listing") };
            let filter = match &filter.relation {
                Some(relation) => format!("{}#{relation}", filter.object_type),
                None => filter.object_type.clone(),
            };
            let answer = store.list_users(&list.object, relation, &filter, &list.context, &[]);
            let expected: BTreeSet<String> = expected.users.iter().cloned().collect();
            tally.note("list_users", answer.as_ref() == Ok(&expected), || {
                format!("{label}: {} {relation} {filter}: {answer:?}", list.object)
            });
        }
    }
}
