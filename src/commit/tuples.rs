//! Writing relationship tuples: validation against the model and the predecessor, catalog, graph, in that order.

use std::collections::HashSet;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::{Change, CommitError, Draft, Edited};
use crate::audit::Told;
use crate::authz::{Graph, GraphEdit, Model, Tuple, TupleError};
use crate::catalog::tuples::Origin;
use crate::catalog::{self, held};
use crate::wire::TupleKey;

#[derive(Debug, thiserror::Error)]
pub enum TupleWriteError {
    #[error("{tuple}: {source}")]
    Invalid { place: String, tuple: String, source: TupleError },
    #[error("{tuple} is named twice in one request")]
    Repeated { place: String, tuple: String },
    #[error("{tuple} exists already")]
    Exists { tuple: String },
    #[error("{tuple} exists already with another condition; delete it first, then write it")]
    OtherCondition { tuple: String },
    #[error("{tuple} does not exist")]
    Missing { tuple: String },
    #[error("neither writes nor deletes")]
    Nothing,
    #[error("{tuple} gives a relation of an object to itself")]
    Implicit { place: String, tuple: String },
}

impl TupleWriteError {
    /// JSON pointer to the tuple in a request to write; empty where it came from elsewhere, or none is meant.
    pub fn place(&self) -> &str {
        match self {
            Self::Invalid { place, .. } | Self::Repeated { place, .. } | Self::Implicit { place, .. } => place,
            Self::Exists { .. } | Self::OtherCondition { .. } | Self::Missing { .. } | Self::Nothing => "",
        }
    }

    /// Whether it says that a tuple is there, or not; everything else is wrong with the request itself.
    pub fn is_about_existence(&self) -> bool {
        matches!(self, Self::Exists { .. } | Self::OtherCondition { .. } | Self::Missing { .. })
    }
}

/// What to do with a write that exists, or a delete that doesn't.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tolerance {
    #[default]
    Error,
    Ignore,
    /// Skip it even if the stored one has another condition: what is there was put there by hand.
    Keep,
}

/// Deletes first, then writes; all or nothing.
#[derive(Debug, Clone, Default)]
pub struct WriteTuples {
    pub store: String,
    pub writes: Vec<TupleKey>,
    pub deletes: Vec<TupleKey>,
    pub on_duplicate: Tolerance,
    pub on_missing: Tolerance,
    /// Absent: the newest model.
    pub model: Option<String>,
    /// Refuse if the service's revision is newer.
    pub expected_revision: Option<u64>,
    /// A tuple may be deleted and written again, with another condition.
    pub may_replace: bool,
    /// Validate, then undo.
    pub dry_run: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TuplesWritten {
    pub written: usize,
    pub deleted: usize,
    /// Tuples that were there and are the administrator's now, whoever had written them.
    pub claimed: usize,
    /// Of the deleted ones, those that were only held.
    pub released: usize,
}

impl Change for WriteTuples {
    type Output = TuplesWritten;

    fn apply<'a>(&'a mut self, draft: &'a mut Draft) -> BoxFuture<'a, Result<TuplesWritten, CommitError>> {
        async move {
            // `next` carries the number of the group being made.
            if self.expected_revision.is_some_and(|expected| expected + 1 != draft.next.revision) {
                return Err(CommitError::RevisionConflict);
            }
            if draft.is_external(&self.store) && !self.dry_run {
                return Err(CommitError::Mirrored { what: "writing tuples here" });
            }
            let store = draft.next.store(&self.store).ok_or(CommitError::UnknownStore)?;
            let model = match &self.model {
                Some(id) => store.model(id).ok_or(CommitError::UnknownModel)?.clone(),
                None => store.latest_model().ok_or(CommitError::NoModel)?.clone(),
            };
            let (mut deletes, writes) = self.parse(&model)?;
            let let_go = let_go(draft, &self.store, &mut deletes, &writes).await?;
            let tolerance = (self.on_duplicate, self.on_missing);
            let mut written = apply(draft, &self.store, &deletes, &writes, tolerance, Origin::Hand).await?;
            (written.deleted, written.released) = (written.deleted + let_go, let_go);
            if self.dry_run { Err(CommitError::DryRun(written)) } else { Ok(written) }
        }
        .boxed()
    }

    fn told(&self, output: &TuplesWritten, edited: &Edited) -> Option<Told> {
        let items = edited.deleted.iter().chain(&edited.written).map(show).collect();
        let mut told = Told::new("relationships.write", items).with("store", self.store.as_str().into());
        if output.claimed + output.released > 0 {
            // What became whose shows in what was asked for.
            let asked = |keys: &[TupleKey]| keys.iter().map(show).collect::<Vec<_>>().into();
            told = told
                .with("claimed", output.claimed.into())
                .with("released", output.released.into())
                .with("asked_writes", asked(&self.writes))
                .with("asked_deletes", asked(&self.deletes));
        } else if edited.is_empty() {
            return None;
        }
        Some(told)
    }
}

impl WriteTuples {
    /// The tuples to delete and to write, checked against the model but not against what is stored.
    ///
    /// # Errors
    /// When one is malformed, not admitted or named twice, or there is none.
    pub fn parse(&self, model: &Arc<Model>) -> Result<(Vec<Tuple>, Vec<Tuple>), TupleWriteError> {
        if self.writes.is_empty() && self.deletes.is_empty() {
            return Err(TupleWriteError::Nothing);
        }
        let deletes = parse_deletes(&self.deletes)?;
        let writes = parse_writes(&self.writes, model)?;
        refuse_repeated(&deletes, &writes, self.may_replace)?;
        Ok((deletes, writes))
    }
}

/// Ends the holding of tuples that an administrator decides about: what is written again holds, and what is deleted is
/// gone. Takes those out of `deletes` that were only held; how many.
async fn let_go(
    draft: &mut Draft,
    store: &str,
    deletes: &mut Vec<Tuple>,
    writes: &[Tuple],
) -> Result<usize, CommitError> {
    if !held::any(&mut draft.tx, store).await? {
        return Ok(0);
    }
    for tuple in writes {
        held::remove(&mut draft.tx, store, &TupleKey::from(tuple)).await?;
    }
    let graph = draft.store_mut(store)?.graph.clone();
    let (mut kept, mut let_go) = (Vec::with_capacity(deletes.len()), 0);
    for tuple in deletes.drain(..) {
        let was_held = held::remove(&mut draft.tx, store, &TupleKey::from(&tuple)).await?;
        if was_held && graph.get(&tuple.object, &tuple.relation, &tuple.subject).is_none() {
            let_go += 1;
        } else {
            kept.push(tuple);
        }
    }
    *deletes = kept;
    Ok(let_go)
}

fn invalid(place: String, key: &TupleKey, source: TupleError) -> TupleWriteError {
    TupleWriteError::Invalid { place, tuple: show(key), source }
}

/// `object#relation@user`, as OpenFGA's messages write tuples.
pub fn show(key: &TupleKey) -> String {
    format!("{}#{}@{}", key.object, key.relation, key.user)
}

/// Parses and validates tuples that are to be written under `model`.
pub fn parse_writes(keys: &[TupleKey], model: &Arc<Model>) -> Result<Vec<Tuple>, TupleWriteError> {
    keys.iter()
        .enumerate()
        .map(|(n, key)| {
            let place = || format!("/writes/{n}");
            let tuple = Tuple::parse(key).map_err(|error| invalid(place(), key, error))?;
            if key.user == format!("{}#{}", key.object, key.relation) {
                return Err(TupleWriteError::Implicit { place: place(), tuple: show(key) });
            }
            model.check_write(&tuple).map_err(|error| invalid(place(), key, error))?;
            Ok(tuple)
        })
        .collect()
}

/// Deletes are only parsed: what the newest model no longer admits can still be removed.
fn parse_deletes(keys: &[TupleKey]) -> Result<Vec<Tuple>, TupleWriteError> {
    keys.iter()
        .enumerate()
        .map(|(n, key)| {
            let bare = TupleKey { condition: None, ..key.clone() };
            Tuple::parse(&bare).map_err(|error| invalid(format!("/deletes/{n}"), key, error))
        })
        .collect()
}

fn refuse_repeated(deletes: &[Tuple], writes: &[Tuple], may_replace: bool) -> Result<(), TupleWriteError> {
    let mut seen = HashSet::new();
    let mut refuse = |n: usize, tuple: &Tuple, list: &'static str| {
        let tuple = show(&TupleKey::from(tuple));
        let among = if may_replace { list } else { "" };
        let is_first = seen.insert((among, tuple.clone()));
        if is_first { Ok(()) } else { Err(TupleWriteError::Repeated { place: format!("/{list}/{n}"), tuple }) }
    };
    deletes.iter().enumerate().try_for_each(|(n, tuple)| refuse(n, tuple, "deletes"))?;
    writes.iter().enumerate().try_for_each(|(n, tuple)| refuse(n, tuple, "writes"))
}

/// An edit of a graph, with what of a request it does.
#[derive(Debug)]
pub struct Planned {
    pub edit: GraphEdit,
    /// As they were, conditions included.
    pub deleted: Vec<Tuple>,
    pub written: Vec<Tuple>,
    /// Those that were there already, as they were to be.
    pub met: Vec<Tuple>,
}

/// Deletes and writes parsed tuples on a graph, in that order. Nothing else is touched.
///
/// # Errors
/// When a tuple to delete is missing, or one to write is there already, and that is not tolerated.
pub fn plan(
    graph: &Graph,
    deletes: &[Tuple],
    writes: &[Tuple],
    on_duplicate: Tolerance,
    on_missing: Tolerance,
) -> Result<Planned, TupleWriteError> {
    let mut planned = Planned { edit: graph.edit(), deleted: Vec::new(), written: Vec::new(), met: Vec::new() };
    for tuple in deletes {
        match planned.edit.delete(&tuple.object, &tuple.relation, &tuple.subject) {
            Ok(deleted) => planned.deleted.push(deleted),
            Err(_) if on_missing == Tolerance::Error => {
                return Err(TupleWriteError::Missing { tuple: show(&TupleKey::from(tuple)) });
            }
            Err(_) => {}
        }
    }
    for tuple in writes {
        let shown = || show(&TupleKey::from(tuple));
        if let Some(existing) = planned.edit.get(&tuple.object, &tuple.relation, &tuple.subject) {
            match on_duplicate {
                Tolerance::Keep => continue,
                Tolerance::Ignore if existing.condition == tuple.condition => {
                    planned.met.push(tuple.clone());
                    continue;
                }
                Tolerance::Ignore => return Err(TupleWriteError::OtherCondition { tuple: shown() }),
                Tolerance::Error => return Err(TupleWriteError::Exists { tuple: shown() }),
            }
        }
        planned.edit.write(tuple).map_err(|_| TupleWriteError::Exists { tuple: shown() })?;
        planned.written.push(tuple.clone());
    }
    Ok(planned)
}

/// Applies parsed tuples to catalog and graph of the draft. What is written belongs to `origin`; what an administrator
/// writes and finds there belongs to the administrator from then on, and no source takes it away.
pub async fn apply(
    draft: &mut Draft,
    store: &str,
    deletes: &[Tuple],
    writes: &[Tuple],
    (on_duplicate, on_missing): (Tolerance, Tolerance),
    origin: Origin,
) -> Result<TuplesWritten, CommitError> {
    let (revision, now) = (draft.next.revision, draft.now_text());
    let Planned { edit, deleted, written, met } =
        plan(&draft.store_mut(store)?.graph, deletes, writes, on_duplicate, on_missing)?;
    let mut claimed = 0;
    if origin == Origin::Hand {
        for tuple in &met {
            claimed += catalog::tuples::set_origin(&mut draft.tx, store, &TupleKey::from(tuple), origin).await?;
        }
    }
    for tuple in &deleted {
        catalog::tuples::delete(&mut draft.tx, store, &TupleKey::from(tuple), revision, &now).await?;
    }
    for tuple in &written {
        catalog::tuples::write(&mut draft.tx, store, &TupleKey::from(tuple), origin, revision, &now).await?;
    }
    draft.edited.deleted.extend(deleted.iter().map(TupleKey::from));
    draft.edited.written.extend(written.iter().map(TupleKey::from));
    let (graph, change) = edit.finish();
    draft.store_mut(store)?.take_graph(graph, deleted.iter().chain(&written), revision);
    draft.note_change(store, change);
    Ok(TuplesWritten { written: written.len(), deleted: deleted.len(), claimed, released: 0 })
}
