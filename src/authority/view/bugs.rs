//! Deliberate bugs of the test build: views that are put together from two states.

use super::super::Authority;
use super::{AuthorityError, CollectionView, View};
use crate::mutants::active;

/// What the search may see, where a bug mixes the pinned state with the newest one.
pub(in crate::authority) fn at_the_search(authority: &Authority, mut pinned: View) -> Result<View, AuthorityError> {
    let Some(published) = authority.published.get() else { return Ok(pinned) };
    if active("old_documents_under_new_rights") {
        let newest = authority.renewed(&pinned, published.load())?;
        mix(&mut pinned, &newest, |pinned, newest| newest.clone().with_documents_of(&pinned));
    }
    if active("new_documents_under_old_rights") {
        let newest = authority.renewed(&pinned, published.load())?;
        mix(&mut pinned, &newest, |pinned, newest| pinned.with_documents_of(newest));
    }
    Ok(pinned)
}

/// What the gate verifies on, where a bug mixes the newest state with the one of the search.
pub(in crate::authority) fn at_the_gate(mut newest: View, searched: &View) -> View {
    if active("new_audience_with_old_sets") {
        mix(&mut newest, searched, |newest, searched| newest.with_sets_of(searched));
    }
    if active("skip_the_version_check") || active("old_documents_under_new_rights") {
        mix(&mut newest, searched, |newest, searched| newest.with_documents_of(searched));
    }
    if active("new_documents_under_old_rights") {
        mix(&mut newest, searched, |newest, searched| searched.clone().with_documents_of(&newest));
    }
    newest
}

/// Replaces each collection of a view by what `of` makes of it and of the other view's.
fn mix(view: &mut View, other: &View, of: impl Fn(CollectionView, &CollectionView) -> CollectionView) {
    let mixed = std::mem::take(&mut view.collections).into_iter().map(|one| match other.collection(one.state.id) {
        Some(other) => of(one, other),
        None => one,
    });
    view.collections = mixed.collect();
}

impl CollectionView {
    fn with_sets_of(mut self, other: &Self) -> Self {
        self.sets = other.sets.clone();
        self
    }

    fn with_documents_of(mut self, other: &Self) -> Self {
        self.state = other.state.clone();
        self
    }
}
