//! The form of the permission filter, chosen by measured cost (`docs/distributed.md` has the table).
//!
//! Every form covers the mask; which one is sent changes time and approximation, never what can be returned.

use std::sync::Arc;

use qdrant_client::qdrant::{
    AcornSearchParams, Condition, Filter, HasIdCondition, QuantizationSearchParams, Range, SearchParams,
    condition::ConditionOneOf,
};

use super::client::Quantisation;
use super::{AUDIENCE, DOCUMENT, METADATA, ids};
use crate::ChunkMask;
use crate::filter::{Restriction, RestrictionTest};
use crate::mask::Description;

/// Up to so many readable chunks, their ids are sent and all of them are compared.
const IDS_UP_TO: u32 = 1_000;
/// Up to so many readable chunks, all that pass the filter are compared.
const EXACT_UP_TO: u32 = 20_000;
/// Width of the walk through the graph: where nearly everything is readable, and where a filter thins it out.
const WIDE: u64 = 128;
const WIDER: u64 = 512;
const NEARLY_ALL: f64 = 0.9;
/// Below this readable share the walk looks past points that are not readable (ACORN, Patel et al. 2024).
const SPARSE_SHARE: f64 = 0.4;

/// What is sent to Qdrant about permissions.
#[derive(Debug, Clone)]
pub enum Permission {
    /// Everything is readable.
    All,
    /// The readable chunks themselves.
    Ids(Arc<[u32]>),
    /// The audience is one of the allowed.
    AnyOf(Arc<Description>),
    /// The audience is none of the denied.
    ExceptOf(Arc<Description>),
}

/// A permission filter and how to search under it.
#[derive(Debug, Clone)]
pub struct Form {
    pub permission: Permission,
    /// Compare every point that passes.
    pub is_exact: bool,
    pub ef: u64,
    pub acorn: bool,
    restriction: Option<Restriction>,
}

/// The cheapest form for a mask.
pub fn choose(mask: &ChunkMask) -> Form {
    let readable = mask.count();
    let is_exact = readable <= EXACT_UP_TO;
    let share = f64::from(readable) / f64::from(mask.len().max(1));
    let acorn = share < SPARSE_SHARE;
    let form = |permission| Form {
        permission,
        is_exact,
        ef: if share < NEARLY_ALL { WIDER } else { WIDE },
        acorn,
        restriction: mask.description().and_then(|description| description.restriction.clone()),
    };
    let Some(description) = mask.description().filter(|_| readable > IDS_UP_TO) else {
        return form(Permission::Ids(mask.iter().collect()));
    };
    if description.denied.is_empty() {
        form(Permission::All)
    } else if description.allowed.len() <= description.denied.len() {
        form(Permission::AnyOf(description.clone()))
    } else {
        form(Permission::ExceptOf(description.clone()))
    }
}

impl Form {
    /// A form by hand, for measurements.
    pub fn of(permission: Permission, is_exact: bool, ef: u64, acorn: bool) -> Self {
        Self { permission, is_exact, ef, acorn, restriction: None }
    }

    /// Qdrant's filter, of points of other documents than these; absent where nothing is to be left out.
    pub(super) fn filter_without(&self, documents: &[u32]) -> Option<Filter> {
        if documents.is_empty() {
            return self.filter();
        }
        let numbers: Vec<i64> = documents.iter().copied().map(i64::from).collect();
        let without = Condition::matches(DOCUMENT, numbers);
        Some(Filter { must_not: vec![without], ..self.filter().unwrap_or_default() })
    }

    fn filter(&self) -> Option<Filter> {
        let mut must = Vec::new();
        match &self.permission {
            Permission::All => {}
            Permission::Ids(chunks) => {
                let has_id = HasIdCondition { has_id: ids(chunks.iter().copied()) };
                // An id says all: the rest is left to the mask.
                return Some(Filter::must([ConditionOneOf::HasId(has_id).into()]));
            }
            Permission::AnyOf(description) => must.push(Condition::matches(AUDIENCE, description.allowed.clone())),
            Permission::ExceptOf(description) => {
                let denied: Vec<i64> = description.denied.clone();
                let others = qdrant_client::qdrant::r#match::MatchValue::ExceptIntegers(denied.into());
                must.push(Condition::matches(AUDIENCE, others));
            }
        }
        must.extend(self.restriction.as_ref().map(condition));
        (!must.is_empty()).then(|| Filter::must(must))
    }

    pub(super) fn params(&self, quantisation: &Quantisation) -> SearchParams {
        SearchParams {
            hnsw_ef: Some(self.ef),
            exact: Some(self.is_exact),
            // The originals decide the order.
            quantization: (*quantisation != Quantisation::None).then_some(QuantizationSearchParams {
                rescore: Some(true),
                oversampling: Some(3.0),
                ignore: Some(self.is_exact),
            }),
            acorn: self.acorn.then_some(AcornSearchParams { enable: Some(true), max_selectivity: None }),
            ..SearchParams::default()
        }
    }
}

fn condition(restriction: &Restriction) -> Condition {
    match restriction {
        Restriction::All(parts) => Filter::must(parts.iter().map(condition)).into(),
        Restriction::Any(parts) => Filter::should(parts.iter().map(condition)).into(),
        Restriction::Not(part) => Filter::must_not([condition(part)]).into(),
        Restriction::Test { field, test } => {
            let key = format!("{METADATA}.{field}");
            match test {
                RestrictionTest::Texts(texts) => Condition::matches(key, texts.clone()),
                RestrictionTest::Bool(value) => Condition::matches(key, *value),
                RestrictionTest::Between { least, most } => {
                    Condition::range(key, Range { gte: *least, lte: *most, ..Range::default() })
                }
                RestrictionTest::Exists => Filter::must_not([Condition::is_empty(key)]).into(),
            }
        }
    }
}
