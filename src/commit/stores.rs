//! Creating and removing OpenFGA stores, and adding authorization models.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;

use super::{Change, CommitError, Draft, Edited};
use crate::audit::Told;
use crate::authz::{AuthorizationModel, GraphChange, Model};
use crate::catalog::{self, stores::StoreRow};
use crate::snapshot::StoreState;

/// Makes an empty store.
#[derive(Debug)]
pub struct CreateStore {
    pub id: String,
    pub name: String,
}

impl CreateStore {
    /// A store with a new id.
    pub fn named(name: String) -> Self {
        Self { id: ulid::Ulid::generate().to_string(), name }
    }
}

impl Change for CreateStore {
    type Output = StoreRow;

    fn apply<'a>(&'a mut self, draft: &'a mut Draft) -> BoxFuture<'a, Result<StoreRow, CommitError>> {
        async move {
            let now = draft.now_text();
            let row =
                StoreRow { id: self.id.clone(), name: self.name.clone(), created_at: now.clone(), updated_at: now };
            catalog::stores::insert(&mut draft.tx, &row).await?;
            let state = StoreState::new(row.clone(), draft.next.revision);
            draft.next.stores.insert(row.id.as_str().into(), Arc::new(state));
            Ok(row)
        }
        .boxed()
    }

    fn told(&self, row: &StoreRow, _: &Edited) -> Option<Told> {
        Some(Told::new("stores.create", vec![row.id.clone()]).with("name", row.name.as_str().into()))
    }
}

/// Gives a store another name; nothing where there is no such store.
#[derive(Debug)]
pub struct RenameStore {
    pub id: String,
    pub name: String,
}

impl Change for RenameStore {
    type Output = Option<StoreRow>;

    fn apply<'a>(&'a mut self, draft: &'a mut Draft) -> BoxFuture<'a, Result<Option<StoreRow>, CommitError>> {
        async move {
            let now = draft.now_text();
            let Ok(state) = draft.store_mut(&self.id) else { return Ok(None) };
            state.row.name.clone_from(&self.name);
            state.row.updated_at = now;
            let row = state.row.clone();
            catalog::stores::rename(&mut draft.tx, &row).await?;
            Ok(Some(row))
        }
        .boxed()
    }

    fn told(&self, row: &Option<StoreRow>, _: &Edited) -> Option<Told> {
        let row = row.as_ref()?;
        Some(Told::new("stores.rename", vec![row.id.clone()]).with("name", row.name.as_str().into()))
    }
}

/// Keeps assertions beside a model, in place of those that were there.
#[derive(Debug)]
pub struct PutAssertions {
    pub store: String,
    pub model: String,
    /// A list, as it is given back.
    pub assertions: Value,
}

impl Change for PutAssertions {
    type Output = ();

    fn apply<'a>(&'a mut self, draft: &'a mut Draft) -> BoxFuture<'a, Result<(), CommitError>> {
        async move {
            let store = draft.next.store(&self.store).ok_or(CommitError::UnknownStore)?;
            store.model(&self.model).ok_or(CommitError::UnknownModel)?;
            let body = catalog::json(&self.assertions)?;
            catalog::stores::put_assertions(&mut draft.tx, &self.store, &self.model, &body).await?;
            Ok(())
        }
        .boxed()
    }

    fn told(&self, (): &(), _: &Edited) -> Option<Told> {
        Some(Told::new("assertions.write", vec![self.model.clone()]).with("store", self.store.as_str().into()))
    }
}

/// Removes a store with everything in it; refused while a collection binds it. Says whether it existed.
#[derive(Debug)]
pub struct DeleteStore {
    pub id: String,
}

impl Change for DeleteStore {
    type Output = bool;

    fn apply<'a>(&'a mut self, draft: &'a mut Draft) -> BoxFuture<'a, Result<bool, CommitError>> {
        async move {
            if draft.next.collections.values().any(|collection| collection.settings.store == self.id) {
                return Err(CommitError::StoreInUse);
            }
            catalog::stores::delete(&mut draft.tx, &self.id).await?;
            Ok(draft.next.stores.remove(self.id.as_str()).is_some())
        }
        .boxed()
    }

    fn told(&self, existed: &bool, _: &Edited) -> Option<Told> {
        existed.then(|| Told::new("stores.delete", vec![self.id.clone()]))
    }
}

/// Adds a model, which from then on is the store's newest. Tuples stay; which of them count is decided by the model.
#[derive(Debug)]
pub struct WriteModel {
    pub store: String,
    pub source: AuthorizationModel,
    /// The id that the server which owns the store gave it; absent: a new one.
    pub id: Option<String>,
}

/// A model that is the store's newest now.
#[derive(Debug, Clone)]
pub struct ModelAdded {
    pub id: String,
    /// It was not so already.
    pub is_new: bool,
}

impl Change for WriteModel {
    type Output = ModelAdded;

    fn apply<'a>(&'a mut self, draft: &'a mut Draft) -> BoxFuture<'a, Result<ModelAdded, CommitError>> {
        async move {
            draft.next.store(&self.store).ok_or(CommitError::UnknownStore)?;
            let id = match (&self.id, draft.is_external(&self.store)) {
                (Some(id), true) => id.clone(),
                (None, false) => ulid::Ulid::generate().to_string(),
                _ => return Err(CommitError::Mirrored { what: "writing a model here" }),
            };
            // The mirror may have seen a model that was written through here before the writer came to this line.
            if draft.next.store(&self.store).and_then(|store| store.latest_model()).is_some_and(|held| held.id() == id)
            {
                return Ok(ModelAdded { id, is_new: false });
            }
            let model = Model::compile(&id, self.source.clone())?;
            // A binding that the new model breaks would make its collection unreadable; refuse instead.
            for collection in draft.next.collections.values().filter(|c| c.settings.store == self.store) {
                let binding = &collection.binding;
                model.check_binding(&binding.object_type, &binding.relation, binding.section_type.as_deref())?;
            }
            let body = catalog::json(&self.source)?;
            let revision = draft.next.revision;
            catalog::stores::insert_model(&mut draft.tx, &self.store, &id, &body, revision).await?;
            let models = &mut draft.store_mut(&self.store)?.models;
            models.retain(|held| held.id() != id);
            models.push(Arc::new(model));
            rebind(draft, &self.store)?;
            Ok(ModelAdded { id, is_new: true })
        }
        .boxed()
    }

    fn told(&self, added: &ModelAdded, _: &Edited) -> Option<Told> {
        let told = Told::new("models.write", vec![added.id.clone()]).with("store", self.store.as_str().into());
        added.is_new.then_some(told)
    }
}

/// Regroups the objects of a store after its bound types or its model changed; every cached set is dropped.
pub fn rebind(draft: &mut Draft, store: &str) -> Result<(), CommitError> {
    draft.store_mut(store)?;
    let is_regrouped = draft.next.rebind(store);
    draft.note_change(store, if is_regrouped { GraphChange::regrouped() } else { GraphChange::all() });
    Ok(())
}
