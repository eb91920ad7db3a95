//! Making, changing and removing collections.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::documents::remove_document;
use super::stores::rebind;
use super::{Change, CommitError, Draft, Edited};
use crate::audit::Told;
use crate::authz::{BindingError, Model};
use crate::catalog::operations::{self, OperationKind};
use crate::catalog::{self, collections::CollectionSettings};
use crate::snapshot::{CollectionState, document_entry};

/// Creates a collection, or changes what may be changed of it (default rules, fields, caller context).
#[derive(Debug)]
pub struct PutCollection {
    pub name: String,
    pub settings: CollectionSettings,
}

impl Change for PutCollection {
    /// Whether anything is other than before.
    type Output = bool;

    fn apply<'a>(&'a mut self, draft: &'a mut Draft) -> BoxFuture<'a, Result<bool, CommitError>> {
        async move {
            match draft.next.collection(&self.name).cloned() {
                Some(existing) => change(draft, &existing, &self.settings).await,
                None => create(draft, &self.name, &self.settings).await,
            }
        }
        .boxed()
    }

    fn told(&self, is_changed: &bool, _: &Edited) -> Option<Told> {
        if !is_changed {
            return None;
        }
        let settings = serde_json::to_value(&self.settings).unwrap_or_default();
        Some(Told::new("collections.put", vec![self.name.clone()]).with("settings", settings))
    }
}

async fn create(draft: &mut Draft, name: &str, settings: &CollectionSettings) -> Result<bool, CommitError> {
    let store = draft.next.store(&settings.store).ok_or(CommitError::UnknownStore)?;
    let model = store.latest_model().ok_or(CommitError::NoModel)?;
    model.check_binding(&settings.object_type, &settings.relation, settings.section_type.as_deref())?;
    check_roles(draft, model, settings)?;
    let now = draft.now_text();
    let id = catalog::collections::insert(&mut draft.tx, name, settings, &now).await?;
    let mut state = CollectionState::new(id, name, settings.clone())?;
    state.documents_revision = draft.next.revision;
    draft.indexes.create(id, settings)?;
    draft.next.collections.insert(name.into(), Arc::new(state));
    rebind(draft, &settings.store)?;
    Ok(true)
}

/// Refuses types whose objects mean something else already: rules of a document decide about that document alone.
fn check_roles(draft: &Draft, model: &Model, settings: &CollectionSettings) -> Result<(), BindingError> {
    for object_type in std::iter::once(&settings.object_type).chain(&settings.section_type) {
        if let Some(heir) = model.heir_of(object_type, &settings.relation) {
            return Err(BindingError::Inherited { object_type: object_type.clone(), heir: heir.to_owned() });
        }
    }
    let others = draft.next.collections.values().filter(|other| other.settings.store == settings.store);
    for other in others {
        let theirs = &other.settings;
        let is = |own: Option<&String>, their: Option<&String>| own.filter(|own| their == Some(own)).cloned();
        let taken = is(Some(&settings.object_type), theirs.section_type.as_ref()).map(|of| (of, "sections"));
        let taken =
            taken.or_else(|| is(settings.section_type.as_ref(), Some(&theirs.object_type)).map(|of| (of, "documents")));
        if let Some((object_type, role)) = taken {
            return Err(BindingError::OtherRole { object_type, role, collection: other.name.to_string() });
        }
    }
    Ok(())
}

async fn change(
    draft: &mut Draft,
    existing: &CollectionState,
    settings: &CollectionSettings,
) -> Result<bool, CommitError> {
    let old = &existing.settings;
    // Only re-indexing changes these.
    let settings = &CollectionSettings { generations: old.generations.clone(), ..settings.clone() };
    let fixed = [
        ("embedder", old.embedder == settings.embedder && old.dimensions == settings.dimensions),
        ("analyser", old.analyser == settings.analyser),
        ("store", old.store == settings.store),
        ("object_type", old.object_type == settings.object_type),
        ("section_type", old.section_type == settings.section_type),
        ("relation", old.relation == settings.relation),
    ];
    if let Some((what, _)) = fixed.iter().find(|(_, is_same)| !is_same) {
        return Err(CommitError::Fixed { what });
    }
    if **old == *settings {
        return Ok(false);
    }
    catalog::collections::update(&mut draft.tx, existing.id, settings).await?;
    let mut next = existing.clone();
    next.take_settings(settings.clone(), draft.next.revision)?;
    if old.fields != settings.fields {
        // Typed values of newly declared fields come from the stored metadata.
        let fields = next.fields.clone();
        for ordinal in existing.documents().map(|entry| entry.ordinal).collect::<Vec<_>>() {
            let row = catalog::documents::read(&mut draft.tx, existing.id, ordinal).await?;
            if let (Some(row), Some(entry)) = (row, existing.document(ordinal)) {
                let sections: Vec<_> = entry.sections.iter().map(|section| section.node).collect();
                next.put(document_entry(&row, &fields, entry.node, &sections)?);
            }
        }
    }
    let id = next.id;
    if old.fields != settings.fields && draft.indexes.keep_audiences() {
        let (kind, chunks, revision) = (OperationKind::Describe, next.next_chunk(), draft.next.revision);
        next.last_operation = operations::log(&mut draft.tx, id, kind, 0, chunks, revision).await?;
    }
    draft.next.collections.insert(existing.name.clone(), Arc::new(next));
    Ok(true)
}

/// Removes a collection with its documents and the tuples that ingest wrote for them. Says whether it existed.
#[derive(Debug)]
pub struct DeleteCollection {
    pub name: String,
    /// Also one that holds documents.
    pub even_filled: bool,
}

impl Change for DeleteCollection {
    type Output = bool;

    fn apply<'a>(&'a mut self, draft: &'a mut Draft) -> BoxFuture<'a, Result<bool, CommitError>> {
        async move {
            let Some(collection) = draft.next.collection(&self.name).cloned() else { return Ok(false) };
            let documents = collection.documents().count();
            if documents > 0 && !self.even_filled {
                return Err(CommitError::Filled { documents });
            }
            for entry in collection.documents() {
                remove_document(draft, &self.name, entry).await?;
            }
            catalog::collections::delete(&mut draft.tx, collection.id).await?;
            draft.next.collections.remove(self.name.as_str());
            rebind(draft, &collection.settings.store)?;
            Ok(true)
        }
        .boxed()
    }

    fn told(&self, existed: &bool, _: &Edited) -> Option<Told> {
        existed.then(|| Told::new("collections.delete", vec![self.name.clone()]))
    }
}
