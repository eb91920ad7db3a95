//! Questions, and asking again about their answers.

use axum::routing::on;

use super::{ACT_AS, BODY, CALLER, COMPUTED, Needs, Operation, SUBJECT_TOKEN, Verb, of};
use crate::http::problem::{EMBEDDER, INDEX, INVALID_FILTER};
use crate::http::routes::query;
use crate::identity::Scope;
use crate::limits::rates::Class;
use crate::wire::{Answer, Query, Recheck, Rechecked};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        method: Verb::Post,
        path: "/v1/query",
        handler: |verb| on(verb, query::query),
        id: "query",
        summary: "Find the best passages that the caller may read",
        needs: Needs::Scope(Scope::Query),
        class: Class::Query,
        parameters: &[&SUBJECT_TOKEN, &ACT_AS],
        request: of::<Query>(),
        answers: &[(200, "Passages, best first.", of::<Answer>())],
        problems: &[CALLER, COMPUTED, BODY, &[INVALID_FILTER, EMBEDDER, INDEX]],
    },
    Operation {
        method: Verb::Post,
        path: "/v1/recheck",
        handler: |verb| on(verb, query::recheck),
        id: "recheck",
        summary: "Say which passages are still as they were and readable",
        needs: Needs::Scope(Scope::Query),
        class: Class::Query,
        parameters: &[&SUBJECT_TOKEN, &ACT_AS],
        request: of::<Recheck>(),
        answers: &[(200, "One status per item, in order.", of::<Rechecked>())],
        problems: &[CALLER, COMPUTED, BODY],
    },
];
