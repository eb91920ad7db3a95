//! Tuples that do nothing, found by what the store holds alone: nobody's questions are counted.

use std::sync::Arc;

use jiff::Timestamp;
use roaring::RoaringBitmap;

use crate::authz::{Model, State, SubjectRef, Tuple, names_nobody, reached_from};
use crate::catalog::tuples::{TupleFilter, TuplePage, TupleRow};
use crate::catalog::{Catalog, CatalogError};
use crate::commit::CommitError;
use crate::limits::effort::{Effort, Spent};
use crate::service::turn::{NotComputed, Turn};
use crate::snapshot::{Snapshot, StoreState};
use crate::wire::ReportKind;

/// Tuples read at once.
const PAGE: usize = 1_000;
/// Tuples that one request looks at.
const MAX_LOOKED_AT: usize = 50_000;

/// What decides whether a tuple belongs to a report.
pub struct Survey {
    kind: ReportKind,
    now: Timestamp,
    store: Arc<StoreState>,
    model: Arc<Model>,
    /// Relations that stand for reading.
    relations: Vec<String>,
    /// Numbers of the documents and sections of all collections, for the report on what waits.
    known: RoaringBitmap,
    /// Numbers of what documents' rules lead to, for the report on what is unused.
    reached: RoaringBitmap,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error(transparent)]
    Refused(#[from] CommitError),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    NotComputed(#[from] NotComputed),
    #[error(transparent)]
    Spent(#[from] Spent),
}

/// A page of a report.
#[derive(Debug)]
pub struct Page {
    pub rows: Vec<TupleRow>,
    /// Where to go on; absent at the end.
    pub next: Option<u64>,
}

impl Page {
    /// Up to `limit` tuples that are held, after place `after`.
    ///
    /// # Errors
    /// When the catalog can't be read.
    pub async fn held(catalog: &Catalog, store: &str, after: u64, limit: usize) -> Result<Self, CatalogError> {
        let rows = catalog.held_tuples(store, after, limit as u32).await?;
        let next = rows.last().map(|last| last.change).filter(|_| rows.len() == limit);
        Ok(Self { rows, next })
    }
}

impl Survey {
    /// O(documents), and for [`ReportKind::Unused`] O(everything that their rules lead to).
    ///
    /// # Errors
    /// When there is no such store, or no model in it, or it takes more than the effort allows.
    pub fn new(
        snapshot: &Snapshot,
        store: &str,
        kind: ReportKind,
        now: Timestamp,
        effort: &Effort,
    ) -> Result<Self, ReportError> {
        let state = snapshot.store(store).ok_or(CommitError::UnknownStore)?.clone();
        let model = state.latest_model().ok_or(CommitError::NoModel)?.clone();
        let mut survey = Self {
            kind,
            now,
            store: state,
            model,
            relations: Vec::new(),
            known: RoaringBitmap::new(),
            reached: RoaringBitmap::new(),
        };
        for collection in snapshot.collections.values().filter(|collection| collection.settings.store == store) {
            survey.relations.push(collection.binding.relation.clone());
            if matches!(kind, ReportKind::Waiting | ReportKind::Unused) {
                for entry in collection.documents() {
                    survey.known.insert(entry.node.0);
                    survey.known.extend(entry.sections.iter().map(|section| section.node.0));
                }
            }
        }
        if kind == ReportKind::Unused {
            survey.reached = reached_from(&survey.store.graph, &survey.known, effort)?;
        }
        Ok(survey)
    }

    fn is_of_document(&self, tuple: &Tuple) -> bool {
        self.store.bound.iter().any(|bound| bound.object_type == tuple.object.object_type)
    }

    fn number(&self, tuple: &Tuple) -> Option<u32> {
        self.store.graph.node(&tuple.object).map(|node| node.0)
    }

    /// Whether the tuple belongs to the report. One that came or went since the snapshot doesn't.
    fn lists(&self, tuple: &Tuple, effort: &Effort) -> Result<bool, Spent> {
        let graph = &self.store.graph;
        let Some(number) = self.number(tuple) else { return Ok(false) };
        if graph.get(&tuple.object, &tuple.relation, &tuple.subject).is_none() {
            return Ok(false);
        }
        let is_bound = !self.relations.is_empty();
        Ok(match self.kind {
            ReportKind::Expired => self.model.never_holds_again(tuple, self.now),
            ReportKind::NotAdmitted => !self.model.admits(tuple),
            ReportKind::Waiting => self.is_of_document(tuple) && !self.known.contains(number),
            ReportKind::Unused => is_bound && !self.is_of_document(tuple) && !self.reached.contains(number),
            // They are in no graph.
            ReportKind::Held => false,
            ReportKind::Empty => {
                let SubjectRef::Userset(object, _) = &tuple.subject else { return Ok(false) };
                let relations: Vec<&str> = self.relations.iter().map(String::as_str).collect();
                let state = State { graph, model: &self.model, effort };
                is_bound && names_nobody(state, object, &relations)?
            }
        })
    }

    /// Up to `limit` tuples of the report after place `after`. A page may be short, or empty, though more follows.
    ///
    /// # Errors
    /// When the catalog can't be read, or it takes more than the turn allows.
    pub async fn page(
        self: &Arc<Self>,
        catalog: &Catalog,
        turn: &Turn,
        after: u64,
        limit: usize,
    ) -> Result<Page, ReportError> {
        let mut page = Page { rows: Vec::new(), next: Some(after) };
        let mut looked_at = 0;
        while let Some(place) = page.next.filter(|_| page.rows.len() < limit && looked_at < MAX_LOOKED_AT) {
            let TuplePage { rows, next } =
                catalog.tuples(&self.store.row.id, &TupleFilter::default(), place, PAGE).await?;
            page.next = next;
            looked_at += rows.len();
            let (survey, wanted) = (self.clone(), limit - page.rows.len());
            let listed = turn.compute(move |effort| survey.listed(rows, wanted, effort)).await??;
            page.rows.extend(listed);
            if page.rows.len() == limit {
                page.next = page.rows.last().map(|last| last.change);
            }
        }
        Ok(page)
    }

    /// Those of the tuples that the report lists, at most `limit`.
    fn listed(&self, rows: Vec<TupleRow>, limit: usize, effort: &Effort) -> Result<Vec<TupleRow>, Spent> {
        let mut listed = Vec::new();
        for row in rows {
            if listed.len() == limit {
                break;
            }
            if let Ok(tuple) = Tuple::parse(&row.key)
                && self.lists(&tuple, effort)?
            {
                listed.push(row);
            }
        }
        Ok(listed)
    }
}
