//! Rules of documents as tuples: what they stand for, what changes when they do, and what becomes of what others wrote.
//!
//! A source takes away only what it added. What an administrator wrote on a document stays, whatever the source sends;
//! when the document goes, bans and labels stay where they are, and grants are held until somebody writes them again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{Rejection, clauses};
use crate::authz::{Effect, Model, ObjectRef, SubjectRef, Tuple};
use crate::catalog::documents::DocumentRow;
use crate::catalog::outbox::OutboxRow;
use crate::catalog::tuples::{Origin, by_hand};
use crate::catalog::{self, held};
use crate::commit::acl::{self, Target};
use crate::commit::tuples::{self, Tolerance, TupleWriteError};
use crate::commit::{CommitError, Draft};
use crate::snapshot::CollectionState;
use crate::snapshot::names::{CLASSIFICATION, document_object, objects_of};
use crate::wire::{Acl, Section, TupleKey};

/// The tuples that the rules of one document stand for, valid under the store's newest model.
pub(super) struct Rules {
    /// In their one spelling.
    pub tuples: Vec<TupleKey>,
    parsed: Vec<Tuple>,
}

impl Rules {
    /// `apart` is the collection's number where the document's object is one of its own; `is_labelled`: an administrator's
    /// label is about to be written on it.
    pub async fn of(
        draft: &mut Draft,
        collection: &CollectionState,
        id: &str,
        apart: Option<u32>,
        acl: &Acl,
        sections: &[Section],
        is_labelled: bool,
    ) -> Result<Result<Self, Rejection>, CommitError> {
        let model = model_of(draft, collection)?;
        let binding = &collection.binding;
        let parent = model.check_binding(&binding.object_type, &binding.relation, binding.section_type.as_deref())?;
        let own = document_object(&binding.object_type, id, apart);
        let written = by_hand(&mut draft.tx, &collection.settings.store, &own).await?;
        let target = Target {
            model: &model,
            object_type: &binding.object_type,
            section_type: binding.section_type.as_deref(),
            section_parent: parent.as_deref(),
            apart,
            is_labelled: is_labelled || written.iter().any(|row| row.key.relation == CLASSIFICATION),
        };
        let keys = match acl::tuples(&target, id, acl, sections) {
            Ok(keys) => keys,
            Err(error) => return Ok(Err(error.into())),
        };
        let mut parsed = match tuples::parse_writes(&keys, &model) {
            Ok(parsed) => parsed,
            Err(error) => return Ok(Err(error.into())),
        };
        let narrows = |tuple: &Tuple| {
            let effect = effect(&model, collection, tuple);
            effect.narrows && !effect.widens
        };
        if let Err(error) = merge(&mut parsed, narrows) {
            return Ok(Err(error.into()));
        }
        if let Some(error) = swallowed(draft, &collection.settings.store, &parsed, narrows).await? {
            return Ok(Err(error.into()));
        }
        Ok(Ok(Self { tuples: parsed.iter().map(TupleKey::from).collect(), parsed }))
    }

    pub fn parsed(&self) -> &[Tuple] {
        &self.parsed
    }

    /// Whether the rules stand for what they stood for: an earlier release may have made other tuples of them, and the
    /// collection may have had other default rules. Clauses are shared and stay; a label that the service gives by itself
    /// may have made way for an administrator's.
    pub fn are_as(&self, previous: &[TupleKey]) -> bool {
        let previous = parsed(previous);
        let (previous, own) = (set(&previous), set(&self.parsed));
        let has_label = self.parsed.iter().any(|tuple| tuple.relation == CLASSIFICATION);
        let is_kept = |tuple: &&Tuple| {
            let made_way = tuple.relation == CLASSIFICATION && !has_label;
            !is_own(tuple) || made_way || own.contains(*tuple) || crate::mutants::active("narrower_is_the_same")
        };
        own.is_subset(&previous) && previous.iter().all(is_kept)
    }

    /// Adds tuples that stay as they are.
    pub fn keep(&mut self, tuples: impl Iterator<Item = Tuple>) {
        for tuple in tuples {
            self.tuples.push(TupleKey::from(&tuple));
            self.parsed.push(tuple);
        }
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
        let previous = parsed(previous);
        let own = set(&self.parsed);
        let gone: Vec<Tuple> =
            previous.iter().filter(|tuple| is_own(tuple) && !own.contains(*tuple)).cloned().collect();
        let deletes = of_source(draft, collection, gone).await?;
        let previous = set(&previous);
        // What is taken away to come back with another condition comes back.
        let replaced: HashSet<_> = deletes.iter().map(Tuple::key).collect();
        let is_new = |tuple: &&Tuple| !is_own(tuple) || !previous.contains(*tuple) || replaced.contains(&tuple.key());
        let writes = self.parsed.iter().filter(is_new).cloned().collect();
        change_tuples(draft, collection, id, deletes, writes).await
    }
}

/// To be looked up in: rules name thousands of principals.
fn set(tuples: &[Tuple]) -> HashSet<&Tuple> {
    tuples.iter().collect()
}

/// Makes one tuple of those that differ in their condition alone: of bans the one that always holds. Two spellings of one
/// tuple are one.
///
/// # Errors
/// Where nothing says which is meant.
fn merge(tuples: &mut Vec<Tuple>, narrows: impl Fn(&Tuple) -> bool) -> Result<(), TupleWriteError> {
    let mut merged: Vec<Tuple> = Vec::with_capacity(tuples.len());
    let mut places: HashMap<(ObjectRef, String, SubjectRef), usize> = HashMap::new();
    for tuple in tuples.drain(..) {
        let key = (tuple.object.clone(), tuple.relation.clone(), tuple.subject.clone());
        let Some(held) = places.get(&key).and_then(|place| merged.get_mut(*place)) else {
            places.insert(key, merged.len());
            merged.push(tuple);
            continue;
        };
        if held.condition == tuple.condition {
            continue;
        }
        if !narrows(&tuple) || (held.condition.is_some() && tuple.condition.is_some()) {
            let (place, tuple) = (String::new(), tuples::show(&TupleKey::from(&tuple)));
            return Err(TupleWriteError::Repeated { place, tuple });
        }
        held.condition = None;
    }
    *tuples = merged;
    Ok(())
}

/// A ban that would not be stored, because somebody wrote it by hand with a condition.
async fn swallowed(
    draft: &mut Draft,
    store: &str,
    tuples: &[Tuple],
    narrows: impl Fn(&Tuple) -> bool,
) -> Result<Option<TupleWriteError>, CommitError> {
    let bans: HashMap<_, &Tuple> =
        tuples.iter().filter(|tuple| narrows(tuple)).map(|tuple| (tuple.key(), tuple)).collect();
    let objects: HashSet<&ObjectRef> = bans.values().map(|tuple| &tuple.object).collect();
    for object in objects {
        for row in by_hand(&mut draft.tx, store, object).await? {
            let Ok(written) = Tuple::parse(&row.key) else { continue };
            let is_weaker = |ban: &&Tuple| written.condition.is_some() && ban.condition != written.condition;
            if bans.get(&written.key()).is_some_and(is_weaker) {
                return Ok(Some(TupleWriteError::OtherCondition { tuple: tuples::show(&row.key) }));
            }
        }
    }
    Ok(None)
}

/// What the tuple's relation does to who reads the collection's documents.
pub(super) fn effect(model: &Model, collection: &CollectionState, tuple: &Tuple) -> Effect {
    let binding = &collection.binding;
    let roots = std::iter::once(&binding.object_type).chain(binding.section_type.as_ref());
    let roots = roots.map(|of| (of.as_str(), binding.relation.as_str()));
    model.effect(&tuple.object.object_type, &tuple.relation, roots)
}

/// Stored rules as tuples; one that can't be read stands for nothing.
pub(super) fn parsed(keys: &[TupleKey]) -> Vec<Tuple> {
    keys.iter().filter_map(|key| Tuple::parse(key).ok()).collect()
}

/// Whether the tuple belongs to the document or one of its sections alone (clauses are shared and stay).
fn is_own(tuple: &Tuple) -> bool {
    tuple.object.object_type != "clause"
}

/// Whether the tuple belongs to a section of the document with this object.
pub(super) fn is_of_section(tuple: &Tuple, document: &ObjectRef) -> bool {
    is_own(tuple) && tuple.object != *document
}

/// Those of the tuples that a source added and nobody has written since; what waits to be added is among them.
async fn of_source(
    draft: &mut Draft,
    collection: &CollectionState,
    mut tuples: Vec<Tuple>,
) -> Result<Vec<Tuple>, CommitError> {
    if crate::mutants::active("sources_own_what_they_say") {
        return Ok(tuples);
    }
    let objects: HashSet<ObjectRef> = tuples.iter().map(|tuple| tuple.object.clone()).collect();
    for object in objects {
        let rows = by_hand(&mut draft.tx, &collection.settings.store, &object).await?;
        let written: Vec<Tuple> = rows.iter().filter_map(|row| Tuple::parse(&row.key).ok()).collect();
        let written: HashSet<_> = written.iter().map(Tuple::key).collect();
        tuples.retain(|tuple| !written.contains(&tuple.key()));
    }
    Ok(tuples)
}

/// Takes away all tuples that a source gave a document, and holds the grants that others wrote on it. Says whether that
/// waits for the server that owns the tuples.
pub(super) async fn remove(
    draft: &mut Draft,
    collection: &CollectionState,
    row: &DocumentRow,
) -> Result<bool, CommitError> {
    let own = parsed(&row.source_tuples).into_iter().filter(is_own).collect();
    let mut deletes = of_source(draft, collection, own).await?;
    let (object, sections) = objects_of(&collection.binding, collection.id, row);
    for object in std::iter::once(object).chain(sections) {
        deletes.extend(hold(draft, collection, &object).await?);
    }
    change_tuples(draft, collection, &row.id, deletes, Vec::new()).await
}

/// Holds the grants by hand on sections that a new version no longer has.
pub(super) async fn hold_of_sections(
    draft: &mut Draft,
    collection: &CollectionState,
    old: &DocumentRow,
    new: &DocumentRow,
) -> Result<(), CommitError> {
    let (_, stay) = objects_of(&collection.binding, collection.id, new);
    let (_, sections) = objects_of(&collection.binding, collection.id, old);
    let mut deletes = Vec::new();
    for object in sections.into_iter().filter(|object| !stay.contains(object)) {
        deletes.extend(hold(draft, collection, &object).await?);
    }
    // The document is read by its own rules meanwhile.
    change_tuples(draft, collection, &old.id, deletes, Vec::new()).await.map(|_| ())
}

/// Holds the grants by hand on an object that goes; what is to be taken out of the graph. An object of that name which
/// comes later is another one, and whoever was let in here was not let in there.
async fn hold(draft: &mut Draft, collection: &CollectionState, object: &ObjectRef) -> Result<Vec<Tuple>, CommitError> {
    let store = &collection.settings.store;
    let rows = by_hand(&mut draft.tx, store, object).await?;
    if crate::mutants::active("grants_outlive_their_object") {
        return Ok(Vec::new());
    }
    // Without a model nobody reads anything.
    let Some(model) = draft.next.store(store).and_then(|store| store.latest_model()).cloned() else {
        return Ok(Vec::new());
    };
    let mut held = Vec::new();
    for row in rows {
        let Ok(tuple) = Tuple::parse(&row.key) else { continue };
        // A second label hides the document, and one that goes may show it.
        if tuple.relation == CLASSIFICATION || !effect(&model, collection, &tuple).widens {
            continue;
        }
        held::hold(&mut draft.tx, store, &row).await?;
        held.push(tuple);
    }
    Ok(held)
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
        let tolerance = (Tolerance::Keep, Tolerance::Keep);
        tuples::apply(draft, &store, &deletes, &writes, tolerance, Origin::Source).await?;
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

pub(super) fn model_of(draft: &Draft, collection: &CollectionState) -> Result<Arc<Model>, CommitError> {
    let store = draft.next.store(&collection.settings.store).ok_or(CommitError::UnknownStore)?;
    store.latest_model().cloned().ok_or(CommitError::NoModel)
}
