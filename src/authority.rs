//! Who may read what, answered for a reader on one snapshot.
//!
//! The embedded authority resolves on the catalog's own tuples. [`View`] is the only place that decides whether a chunk
//! is readable: masks are built from it before the search, and the gate asks it again, on the newest snapshot, after.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::authz::{Context, ResolveError, SubjectRef};
use crate::limits::CacheLimits;
use crate::limits::effort::{Effort, Spent};
use crate::snapshot::{AudienceNumbers, Snapshot};
use crate::wire::Fields;

pub mod changes;
pub mod external;
pub mod resolver;
pub mod server;
mod shares;
pub mod view;

pub use external::External;
pub use resolver::Resolver;
pub use view::{CollectionView, View};

/// Why a question about rights has no answer. Never read as "allowed", nor as "nothing found".
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    #[error("the collection's authorization store has no model")]
    NoModel,
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    #[error(transparent)]
    Server(#[from] server::ServerError),
}

/// The effective identity that retrieval runs for: every subject must be allowed, within the ceilings.
#[derive(Debug, Clone, PartialEq)]
pub struct Reader {
    /// The person, and every actor that acts for it; never empty.
    pub subjects: Vec<SubjectRef>,
    /// Collections that the credential reaches; `None` for all.
    pub collections: Option<Vec<String>>,
    /// Context of conditions from the credential.
    pub context: Fields,
}

impl Reader {
    pub fn reaches(&self, collection: &str) -> bool {
        self.collections.as_ref().is_none_or(|names| names.iter().any(|name| name == collection))
    }
}

/// What a query may add to the context of conditions: the caller's own keys, as far as the collection lists them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CallerContext(pub Fields);

/// Whom a view is for, and of what.
#[derive(Debug, Clone)]
pub struct Asked {
    pub reader: Reader,
    caller: CallerContext,
    collections: Vec<String>,
    effort: Effort,
}

/// Resolves readers; one for the whole service.
pub struct Authority {
    resolver: Resolver,
    masks: view::MaskCache,
    /// The store whose tuples an OpenFGA server owns.
    external: Option<Arc<External>>,
    /// What deliberate bugs mix views with.
    #[cfg(usher_mutants)]
    pub published: std::sync::OnceLock<Arc<crate::snapshot::Published>>,
}

impl Authority {
    /// With `numbers`, masks are described for an engine elsewhere.
    pub fn new(
        resolver: Resolver,
        masks: CacheLimits,
        numbers: Option<Arc<AudienceNumbers>>,
        external: Option<Arc<External>>,
    ) -> Self {
        Self {
            resolver,
            masks: view::MaskCache::new(masks, numbers),
            external,
            #[cfg(usher_mutants)]
            published: Default::default(),
        }
    }

    pub fn external(&self) -> Option<&Arc<External>> {
        self.external.as_ref()
    }

    /// What the reader may see of the named collections in the snapshot at the instant `now`. Unknown collections, and
    /// those beyond the credential's reach, are absent alike. Computes, perhaps long: not for a thread that serves
    /// connections.
    ///
    /// # Errors
    /// When rights can't be decided, or not within the effort; the whole request fails then.
    pub fn view(
        &self,
        snapshot: Arc<Snapshot>,
        reader: &Reader,
        caller: &CallerContext,
        collections: &[String],
        now: Timestamp,
        effort: &Effort,
    ) -> Result<View, AuthorityError> {
        let asked = Asked {
            reader: reader.clone(),
            caller: caller.clone(),
            collections: collections.to_vec(),
            // A view is no work: it keeps no place for it.
            effort: effort.bare(),
        };
        let view = self.view_of(snapshot, Arc::new(asked), now)?;
        #[cfg(usher_mutants)]
        let view = view::bugs::at_the_search(self, view)?;
        Ok(view)
    }

    /// What decides about candidates that were found under `searched`: the same reader's view of the newest snapshot, now.
    ///
    /// # Errors
    /// As [`Self::view`].
    pub fn verifying_view(
        &self,
        searched: &View,
        newest: Arc<Snapshot>,
        effort: &Effort,
    ) -> Result<View, AuthorityError> {
        let asked = Asked { effort: effort.bare(), ..Asked::clone(&searched.asked) };
        let view = self.view_of(newest, Arc::new(asked), Timestamp::now())?;
        #[cfg(usher_mutants)]
        let view = view::bugs::at_the_gate(view, searched);
        Ok(view)
    }

    /// The same reader's view of another snapshot, now.
    ///
    /// # Errors
    /// As [`Self::view`].
    pub fn renewed(&self, view: &View, snapshot: Arc<Snapshot>) -> Result<View, AuthorityError> {
        self.view_of(snapshot, view.asked.clone(), Timestamp::now())
    }

    /// [`Self::renewed`] beside the threads that serve connections.
    ///
    /// # Errors
    /// As [`Self::view`].
    pub async fn renewed_aside(self: &Arc<Self>, view: &View, snapshot: Arc<Snapshot>) -> Result<View, AuthorityError> {
        let (authority, asked) = (self.clone(), view.asked.clone());
        let work = move || authority.view_of(snapshot, asked, Timestamp::now());
        // One that broke off has decided nothing.
        crate::spans::blocking(work).await.unwrap_or(Err(ResolveError::Spent(Spent::Time).into()))
    }

    fn view_of(&self, snapshot: Arc<Snapshot>, asked: Arc<Asked>, now: Timestamp) -> Result<View, AuthorityError> {
        let Asked { reader, caller, collections, effort } = &*asked;
        let mut views = Vec::new();
        let wanted = snapshot.collections.values().filter(|collection| {
            reader.reaches(&collection.name)
                && (collections.is_empty() || collections.iter().any(|name| **name == *collection.name))
        });
        for collection in wanted {
            let Some(store) = snapshot.store(&collection.settings.store) else { continue };
            let context = context(reader, caller, &collection.settings.caller_context, now);
            let mut sets = Vec::with_capacity(reader.subjects.len());
            for subject in &reader.subjects {
                sets.push(self.resolver.resolve(
                    &snapshot,
                    &collection.settings.store,
                    &collection.binding,
                    subject,
                    &context,
                    now,
                    effort,
                )?);
            }
            views.push(CollectionView::new(collection.clone(), store.clone(), sets, Arc::new(context), now));
        }
        Ok(View { snapshot, now, collections: views, asked })
    }

    /// The mask of a collection for a view; cached where no filter narrows it.
    ///
    /// # Errors
    /// When it takes more than the effort allows.
    pub fn mask(
        &self,
        view: &CollectionView,
        filter: Option<&crate::index::filter::MetadataFilter>,
        effort: &Effort,
    ) -> Result<Arc<crate::index::ChunkMask>, Spent> {
        self.masks.mask(view, filter, effort)
    }

    pub fn resolver(&self) -> &Resolver {
        &self.resolver
    }
}

/// Context of conditions: what the caller may assert, then what the credential says, then the clock; later ones win, so
/// that a caller can override nothing.
fn context(reader: &Reader, caller: &CallerContext, allowed: &[String], now: Timestamp) -> Context {
    let mut fields: Fields =
        caller.0.iter().filter(|(key, _)| allowed.contains(key)).map(|(k, v)| (k.clone(), v.clone())).collect();
    fields.extend(reader.context.iter().map(|(k, v)| (k.clone(), v.clone())));
    fields.insert("current_time".to_owned(), Value::String(now.to_string()));
    Context(fields)
}
