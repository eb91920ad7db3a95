//! Rules of documents as tuples: what they stand for, and what changes when they do.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Rejection, clauses};
use crate::authz::{Model, Tuple};
use crate::catalog;
use crate::catalog::outbox::OutboxRow;
use crate::commit::acl::{self, Target};
use crate::commit::tuples::{self, Tolerance};
use crate::commit::{CommitError, Draft};
use crate::snapshot::CollectionState;
use crate::wire::{Acl, Section, TupleKey};

/// The tuples that the rules of one document stand for, valid under the store's newest model.
pub(super) struct Rules {
    pub tuples: Vec<TupleKey>,
    pub parsed: Vec<Tuple>,
}

impl Rules {
    pub fn of(
        draft: &Draft,
        collection: &CollectionState,
        id: &str,
        acl: &Acl,
        sections: &[Section],
    ) -> Result<Result<Self, Rejection>, CommitError> {
        let model = model_of(draft, collection)?;
        let binding = &collection.binding;
        let parent = model.check_binding(&binding.object_type, &binding.relation, binding.section_type.as_deref())?;
        let target = Target {
            model: &model,
            object_type: &binding.object_type,
            section_type: binding.section_type.as_deref(),
            section_parent: parent.as_deref(),
        };
        let tuples = match acl::tuples(&target, id, acl, sections) {
            Ok(tuples) => tuples,
            Err(error) => return Ok(Err(error.into())),
        };
        Ok(match tuples::parse_writes(&tuples, &model) {
            Ok(parsed) => Ok(Self { tuples, parsed }),
            Err(error) => Err(error.into()),
        })
    }

    /// The three-way difference: only what the source changed since `previous` is written and deleted; what an
    /// administrator did by hand stays. Says whether a server has to take it first; until then the document is hidden.
    pub async fn apply(
        &self,
        draft: &mut Draft,
        collection: &CollectionState,
        id: &str,
        previous: &[TupleKey],
    ) -> Result<bool, CommitError> {
        let deletes: Vec<_> = previous
            .iter()
            .filter(|tuple| acl::is_own(tuple) && !self.tuples.contains(tuple))
            .filter_map(|tuple| Tuple::parse(&TupleKey { condition: None, ..(*tuple).clone() }).ok())
            .collect();
        let previous: HashSet<String> = previous.iter().map(|tuple| format!("{tuple:?}")).collect();
        let writes: Vec<_> = self
            .parsed
            .iter()
            .zip(&self.tuples)
            .filter(|(_, tuple)| !acl::is_own(tuple) || !previous.contains(&format!("{tuple:?}")))
            .map(|(parsed, _)| parsed.clone())
            .collect();
        change_tuples(draft, collection, id, deletes, writes).await
    }
}

/// Changes tuples that belong to a document: here, or, by way of the outbox, on the server that owns them. Says whether
/// they wait for the server.
pub(super) async fn change_tuples(
    draft: &mut Draft,
    collection: &CollectionState,
    id: &str,
    deletes: Vec<Tuple>,
    mut writes: Vec<Tuple>,
) -> Result<bool, CommitError> {
    let store = collection.settings.store.clone();
    if !draft.is_external(&store) {
        tuples::apply(draft, &store, &deletes, &writes, Tolerance::Keep, Tolerance::Keep).await?;
        clauses::collect(draft, &store, &deletes).await?;
        return Ok(false);
    }
    // What is there already, under whatever condition, was put there by hand or by an earlier attempt; but what is there
    // now can be gone when changes that still wait were made.
    if !catalog::outbox::has(&mut draft.tx, collection.id, id).await? {
        let graph = draft.next.store(&store).ok_or(CommitError::UnknownStore)?.graph.clone();
        writes.retain(|tuple| graph.get(&tuple.object, &tuple.relation, &tuple.subject).is_none());
    }
    if deletes.is_empty() && writes.is_empty() {
        return Ok(false);
    }
    let keys = |tuples: &[Tuple]| tuples.iter().map(TupleKey::from).collect::<Vec<_>>();
    draft.edited.to_delete.extend(keys(&deletes));
    draft.edited.to_write.extend(keys(&writes));
    let row = OutboxRow {
        sequence: 0,
        revision: draft.next.revision,
        store,
        collection: collection.id,
        document: id.to_owned(),
        deletes: keys(&deletes),
        writes: keys(&writes),
    };
    catalog::outbox::insert(&mut draft.tx, &row).await?;
    Ok(!crate::mutants::active("shown_before_the_outbox"))
}

fn model_of(draft: &Draft, collection: &CollectionState) -> Result<Arc<Model>, CommitError> {
    let store = draft.next.store(&collection.settings.store).ok_or(CommitError::UnknownStore)?;
    store.latest_model().cloned().ok_or(CommitError::NoModel)
}
