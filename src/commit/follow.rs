//! Changes that come from the OpenFGA server that owns a store's tuples: what it logged, and what it has taken from us.

use std::collections::HashMap;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::documents::show_published;
use super::tuples::{self, Tolerance};
use super::{Change, CommitError, Draft, Edited};
use crate::audit::Told;
use crate::authority::External;
use crate::authority::server::TupleChange;
use crate::authz::{Graph, Tuple};
use crate::catalog::outbox::{self, OutboxRow};
use crate::catalog::tuples::Origin;
use crate::catalog::{self, held, meta};
use crate::wire::TupleKey;

/// Takes over changes of the server's log, with the position after them.
pub struct Follow {
    pub store: String,
    /// In the order of the log.
    pub changes: Vec<TupleChange>,
    /// Name and value of the position; stored in the same transaction.
    pub position: Option<(String, Vec<u8>)>,
    /// The server that they were read from. What was written through Usher since that reading began is newer; the log
    /// has it too, and is read on. Absent: they were written through Usher just now.
    pub read_from: Option<Arc<External>>,
}

impl Change for Follow {
    type Output = usize;

    fn apply<'a>(&'a mut self, draft: &'a mut Draft) -> BoxFuture<'a, Result<usize, CommitError>> {
        async move {
            if let Some((name, value)) = &self.position {
                meta::set(&mut draft.tx, name, value).await?;
            }
            let is_newest = |change: &&TupleChange| match &self.read_from {
                Some(external) => !external.wrote_meanwhile(&change.key),
                None => true,
            };
            take_over(draft, &self.store, self.changes.iter().filter(is_newest), Origin::Hand).await
        }
        .boxed()
    }

    fn told(&self, _: &usize, edited: &Edited) -> Option<Told> {
        let store = self.store.as_str().into();
        if self.read_from.is_none() {
            // The server has taken them, also where its log came first.
            let items = self.changes.iter().map(|change| tuples::show(&change.key)).collect();
            return Some(Told::new("relationships.write", items).with("store", store));
        }
        let items = edited.deleted.iter().chain(&edited.written).map(tuples::show).collect();
        (!edited.is_empty()).then(|| Told::new("relationships.follow", items).with("store", store))
    }
}

/// The last change of each tuple that the graph does not hold already, with the tuple that the graph holds instead.
pub fn unmet<'a>(
    graph: &Graph,
    changes: impl IntoIterator<Item = &'a TupleChange>,
) -> Vec<(&'a TupleChange, Tuple, Option<Tuple>)> {
    let mut last: HashMap<(&str, &str, &str), &TupleChange> = HashMap::new();
    for change in changes {
        last.insert((&change.key.object, &change.key.relation, &change.key.user), change);
    }
    let compared = last.into_values().filter_map(|change| {
        // What can't be a tuple here can't make anything readable either.
        let Ok(wanted) = Tuple::parse(&change.key) else {
            tracing::warn!(object = %change.key.object, "a tuple of the authorization server can't be read; skipped");
            return None;
        };
        let held = graph.get(&wanted.object, &wanted.relation, &wanted.subject);
        let is_met = match &held {
            Some(held) => change.is_written && held.condition == wanted.condition,
            None => !change.is_written,
        };
        (!is_met).then_some((change, wanted, held))
    });
    compared.collect()
}

/// Makes the store's tuples what the changes say; how many tuples were not so already.
async fn take_over<'a>(
    draft: &mut Draft,
    store: &str,
    changes: impl IntoIterator<Item = &'a TupleChange>,
    origin: Origin,
) -> Result<usize, CommitError> {
    let graph = draft.next.store(store).ok_or(CommitError::UnknownStore)?.graph.clone();
    let (mut deletes, mut writes) = (Vec::new(), Vec::new());
    for (change, wanted, held) in unmet(&graph, changes) {
        deletes.extend(held);
        writes.extend(Some(wanted).filter(|_| change.is_written));
    }
    if deletes.is_empty() && writes.is_empty() {
        return Ok(0);
    }
    let tolerance = (Tolerance::Ignore, Tolerance::Ignore);
    let done = tuples::apply(draft, store, &deletes, &writes, tolerance, origin).await?;
    for tuple in &writes {
        // Whoever writes it again has decided about one that was held.
        held::remove(&mut draft.tx, store, &TupleKey::from(tuple)).await?;
    }
    Ok(done.written + done.deleted)
}

/// The server has taken rows of the outbox: their tuples hold, and their documents are shown again.
pub struct Publish {
    pub rows: Vec<OutboxRow>,
    /// The server has refused the rows for good: their documents stay hidden, and the source's next attempt is taken as
    /// new.
    pub is_refused: bool,
}

impl Change for Publish {
    type Output = ();

    fn apply<'a>(&'a mut self, draft: &'a mut Draft) -> BoxFuture<'a, Result<(), CommitError>> {
        async move {
            for row in &self.rows {
                if !self.is_refused {
                    let changes = TupleChange::of_write(&row.deletes, &row.writes, draft.now);
                    take_over(draft, &row.store, &changes, Origin::Source).await?;
                    for tuple in &row.writes {
                        // The log of the server may have brought it before this.
                        catalog::tuples::set_origin(&mut draft.tx, &row.store, tuple, Origin::Source).await?;
                    }
                }
                outbox::remove(&mut draft.tx, row.sequence).await?;
                let name = draft.next.collections.values().find(|held| held.id == row.collection);
                let Some(name) = name.map(|held| held.name.to_string()) else { continue };
                if self.is_refused {
                    catalog::documents::forget_rules(&mut draft.tx, row.collection, &row.document).await?;
                } else if !outbox::has(&mut draft.tx, row.collection, &row.document).await? {
                    show_published(draft, &name, &row.document).await?;
                }
            }
            Ok(())
        }
        .boxed()
    }

    fn told(&self, (): &(), _: &Edited) -> Option<Told> {
        let event = if self.is_refused { "documents.rules_refused" } else { "documents.rules_taken" };
        (!self.rows.is_empty()).then(|| Told::new(event, self.rows.iter().map(|row| row.document.clone()).collect()))
    }
}
