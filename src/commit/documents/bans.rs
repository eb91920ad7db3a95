//! What was written by hand on a name before anything stood there, or stands there no more. It keeps somebody out, so it binds
//! what comes instead: of two documents with one id both, and of a section that its document doesn't have the document.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};

use super::Rejection;
use super::rules::{self, Rules};
use crate::authz::{Model, ObjectRef, SubjectRef, Tuple};
use crate::catalog;
use crate::catalog::documents::{DocumentRow, Held, SectionRow};
use crate::catalog::tuples::{Origin, TupleRow, by_hand, by_hand_within};
use crate::commit::tuples::{self, Tolerance, TupleWriteError};
use crate::commit::{CommitError, Draft};
use crate::snapshot::CollectionState;
use crate::snapshot::names::{CLASSIFICATION, document_object, section_object, section_of, sections_within};

/// Where a document stands: on the plain name of its id, or on one of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    /// The collection's number, where the document's object is one of its own.
    pub apart: Option<u32>,
    /// The collection never held a document of this id.
    is_first: bool,
}

impl Standing {
    /// Another collection that holds, or held, a document with the plain name makes this one stand apart: one object must
    /// not carry the grants of two documents, and what an administrator wrote on it stays with the document that it was
    /// written for. Whoever stores a document is not told.
    pub async fn of(
        draft: &mut Draft,
        collection: &CollectionState,
        id: &str,
        existing: Option<&DocumentRow>,
    ) -> Result<Self, CommitError> {
        let was_apart = match existing {
            Some(row) => Some(row.apart),
            None => catalog::documents::held(&mut draft.tx, collection.id, id).await?.map(|held| held.is_apart),
        };
        let is_apart = match was_apart {
            Some(was_apart) => was_apart,
            None => holder(draft, collection, id).await?.is_some(),
        };
        Ok(Self { apart: is_apart.then_some(collection.id), is_first: was_apart.is_none() })
    }
}

/// What another collection that could share objects with this one keeps of the id, if it holds, or held, the document with
/// the plain name; and whether that document is there.
async fn holder(
    draft: &mut Draft,
    collection: &CollectionState,
    id: &str,
) -> Result<Option<(Held, bool)>, CommitError> {
    let settings = &collection.settings;
    let others = draft.next.collections.values().filter(|other| {
        let theirs = &other.settings;
        let shares_type = theirs.object_type == settings.object_type
            || (settings.section_type.is_some() && theirs.section_type == settings.section_type);
        other.id != collection.id && theirs.store == settings.store && shares_type
    });
    let others: Vec<_> = others.map(|other| (other.id, other.document_by_id(id).is_some())).collect();
    for (other, is_there) in others {
        if let Some(plain) = catalog::documents::held(&mut draft.tx, other, id).await?.filter(|it| !it.is_apart) {
            return Ok(Some((plain, is_there)));
        }
    }
    Ok(None)
}

/// Tuples that a new version takes over.
#[derive(Debug, Default)]
pub(super) struct Carried {
    writes: BTreeMap<Key, Tuple>,
    /// Those on sections that are gone: what they became is one tuple that an administrator can take away.
    moved: BTreeMap<Key, Tuple>,
}

/// What a tuple is known by.
type Key = (ObjectRef, String, SubjectRef);

fn key(tuple: &Tuple) -> Key {
    let (object, relation, subject) = tuple.key();
    (object.clone(), relation.to_owned(), subject.clone())
}

impl Carried {
    /// What a version with these sections takes over, where `old` is the one before it.
    pub async fn of(
        draft: &mut Draft,
        collection: &CollectionState,
        id: &str,
        standing: Standing,
        sections: &[SectionRow],
        old: Option<&DocumentRow>,
    ) -> Result<Self, CommitError> {
        let mut carried = Self::default();
        if crate::mutants::active("bans_stay_with_their_name") {
            return Ok(carried);
        }
        let (store, binding) = (&collection.settings.store, &collection.binding);
        let model = rules::model_of(draft, collection)?;
        let own = document_object(&binding.object_type, id, standing.apart);
        let is_new = |section: &str| old.is_none_or(|old| old.sections.iter().all(|held| *held.id != *section));
        let has = |section: &str| sections.iter().any(|held| *held.id == *section);

        if standing.apart.is_some() {
            // Positions in the log of tuples up to here were written when the plain name was nobody's, for whoever would
            // have it. Of an older release's it isn't known for whom they were written.
            // Where the other document is gone, this may be the one that it has become.
            let before = match holder(draft, collection, id).await? {
                Some((plain, is_there)) if is_there => plain.since.unwrap_or(u64::MAX),
                _ => u64::MAX,
            };
            let early = |rows: Vec<TupleRow>| rows.into_iter().filter(move |row| row.change <= before);
            if standing.is_first {
                let plain = document_object(&binding.object_type, id, None);
                let rows = by_hand(&mut draft.tx, store, &plain).await?;
                carried.take(&model, collection, early(rows), &own, false);
            }
            for (section, row) in under_plain_name(draft, collection, id).await? {
                let object = match has(&section) {
                    true if is_new(&section) => object_of_section(collection, id, standing, &section),
                    false if standing.is_first => own.clone(),
                    _ => continue,
                };
                carried.take(&model, collection, early(vec![row]), &object, false);
            }
        } else {
            for (section, row) in under_plain_name(draft, collection, id).await? {
                if !has(&section) {
                    carried.take(&model, collection, std::iter::once(row), &own, true);
                }
            }
        }
        // Names that are hashes are known from the version before alone; the others were found above.
        let gone = old.into_iter().flat_map(|old| &old.sections).filter(|held| !has(&held.id));
        let gone = gone.map(|gone| object_of_section(collection, id, standing, &gone.id));
        for object in gone.filter(|object| section_of(id, &object.to_string()).is_none()) {
            let rows = by_hand(&mut draft.tx, store, &object).await?;
            carried.take(&model, collection, rows.into_iter(), &own, true);
        }
        Ok(carried)
    }

    fn take(
        &mut self,
        model: &Model,
        collection: &CollectionState,
        rows: impl Iterator<Item = TupleRow>,
        object: &ObjectRef,
        is_move: bool,
    ) {
        for written in rows.filter_map(|row| Tuple::parse(&row.key).ok()) {
            let effect = rules::effect(model, collection, &written);
            let is_label = written.relation == CLASSIFICATION && written.object.object_type == object.object_type;
            if !is_label && (effect.widens || !effect.narrows) {
                continue;
            }
            let tuple = Tuple { object: object.clone(), ..written.clone() };
            match self.writes.entry(key(&tuple)) {
                Entry::Vacant(place) => drop(place.insert(tuple)),
                // Of two, the one that always holds.
                Entry::Occupied(mut other) if other.get().condition != tuple.condition => {
                    other.get_mut().condition = None
                }
                Entry::Occupied(_) => {}
            }
            if is_move {
                self.moved.insert(key(&written), written);
            }
        }
    }

    pub fn has_label(&self) -> bool {
        self.writes.values().any(|tuple| tuple.relation == CLASSIFICATION)
    }

    /// Leaves out what a stronger one covers; says what can't be taken over beside these rules.
    pub fn check(
        &mut self,
        draft: &Draft,
        collection: &CollectionState,
        rules: &Rules,
    ) -> Result<Result<(), Rejection>, CommitError> {
        let model = rules::model_of(draft, collection)?;
        let store = draft.next.store(&collection.settings.store).ok_or(CommitError::UnknownStore)?;
        let stored = |tuple: &Tuple| store.graph.get(&tuple.object, &tuple.relation, &tuple.subject);
        self.writes
            .retain(|_, tuple| stored(tuple).is_none_or(|it| it.condition.is_some() || tuple.condition.is_none()));
        let said: HashMap<_, &Tuple> = rules.parsed().iter().map(|said| (said.key(), said)).collect();
        for tuple in self.writes.values() {
            let shown = || tuples::show(&tuple.into());
            if let Err(source) = model.check_write(tuple) {
                return Ok(Err(TupleWriteError::Invalid { place: String::new(), tuple: shown(), source }.into()));
            }
            let said = said.get(&tuple.key()).map(|said| (*said).clone());
            if stored(tuple).into_iter().chain(said).any(|other| other.condition != tuple.condition) {
                return Ok(Err(TupleWriteError::OtherCondition { tuple: shown() }.into()));
            }
        }
        Ok(Ok(()))
    }

    /// Writes them, as an administrator's. Says whether a server has to take them first.
    pub async fn apply(self, draft: &mut Draft, collection: &CollectionState, id: &str) -> Result<bool, CommitError> {
        if self.writes.is_empty() && self.moved.is_empty() {
            return Ok(false);
        }
        let store = &collection.settings.store;
        let [moved, writes]: [Vec<Tuple>; 2] = [self.moved, self.writes].map(|it| it.into_values().collect());
        if draft.is_external(store) {
            return rules::change_tuples(draft, collection, id, moved, writes).await;
        }
        let tolerance = (Tolerance::Ignore, Tolerance::Ignore);
        tuples::apply(draft, store, &moved, &writes, tolerance, Origin::Hand).await?;
        Ok(false)
    }
}

fn object_of_section(collection: &CollectionState, id: &str, standing: Standing, section: &str) -> ObjectRef {
    let section_type = collection.binding.section_type.as_deref().unwrap_or_default();
    section_object(section_type, id, standing.apart, section)
}

/// What was written by hand on sections under the plain name of the id, with the sections' ids.
async fn under_plain_name(
    draft: &mut Draft,
    collection: &CollectionState,
    id: &str,
) -> Result<Vec<(String, TupleRow)>, CommitError> {
    let Some(section_type) = &collection.binding.section_type else { return Ok(Vec::new()) };
    let (from, to) = sections_within(id);
    let rows = by_hand_within(&mut draft.tx, &collection.settings.store, section_type, &from, &to).await?;
    Ok(rows.into_iter().filter_map(|row| Some((section_of(id, &row.key.object)?.to_owned(), row))).collect())
}
