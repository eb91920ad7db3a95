//! Deliberate bugs of the test build: views that are put together from two states. In every other build a view passes
//! through here unchanged.

use crate::authority::{Authority, AuthorityError, View};
use crate::catalog::collections::Pair;
use crate::snapshot::{CollectionState, Published};

/// What the search may see, where a bug mixes the pinned state with the newest one.
#[cfg(not(usher_mutants))]
pub(super) fn at_the_search(pinned: View, _: &Authority, _: &Published) -> Result<View, AuthorityError> {
    Ok(pinned)
}

#[cfg(usher_mutants)]
pub(super) fn at_the_search(
    mut pinned: View,
    authority: &Authority,
    published: &Published,
) -> Result<View, AuthorityError> {
    use crate::mutants::active;
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

/// The indexes that are searched, where a bug takes those of the newest state for the question of an older one.
#[cfg(not(usher_mutants))]
pub(super) fn pair(pinned: &CollectionState, _: &Published) -> Pair {
    pinned.pair()
}

#[cfg(usher_mutants)]
pub(super) fn pair(pinned: &CollectionState, published: &Published) -> Pair {
    let newest = published.load();
    let newest = newest.collection(&pinned.name).filter(|_| crate::mutants::active("search_the_newest_pair"));
    newest.map_or(pinned.pair(), |newest| newest.pair())
}

/// What the gate verifies on, where a bug mixes the newest state with the one of the search.
#[cfg(not(usher_mutants))]
pub(super) fn at_the_gate(newest: View, _: &View) -> View {
    newest
}

#[cfg(usher_mutants)]
pub(super) fn at_the_gate(mut newest: View, searched: &View) -> View {
    use crate::mutants::active;
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
#[cfg(usher_mutants)]
fn mix(
    view: &mut View,
    other: &View,
    of: impl Fn(crate::authority::CollectionView, &crate::authority::CollectionView) -> crate::authority::CollectionView,
) {
    let mixed = std::mem::take(&mut view.collections).into_iter().map(|one| match other.collection(one.state.id) {
        Some(other) => of(one, other),
        None => one,
    });
    view.collections = mixed.collect();
}
