//! A growing vector in pages behind `Arc`: cloning copies a short spine, writing copies one page.

use std::sync::Arc;

/// Elements per page. Small pages make a scattered batch of changes cheap.
const PAGE: usize = 256;
/// Pages per group. A clone counts groups, so that it stays in the microseconds for millions of elements.
const GROUP: usize = 64;

type Page<T> = Arc<Vec<T>>;

#[derive(Debug, Clone)]
pub(super) struct Paged<T> {
    groups: Vec<Arc<Vec<Page<T>>>>,
}

impl<T> Default for Paged<T> {
    fn default() -> Self {
        Paged { groups: Vec::new() }
    }
}

impl<T: Clone + Default> Paged<T> {
    pub(super) fn get(&self, index: u32) -> Option<&T> {
        let index = index as usize;
        let page = index / PAGE;
        self.groups.get(page / GROUP)?.get(page % GROUP)?.get(index % PAGE)
    }

    /// The element at `index`, the vector grown with default elements up to it. Copies its page, and the group of pages,
    /// where they are shared.
    pub(super) fn get_mut(&mut self, index: u32) -> &mut T {
        let index = index as usize;
        let page = index / PAGE;
        while self.groups.len() <= page / GROUP {
            self.groups.push(Arc::default());
        }
        #[allow(clippy::indexing_slicing, reason = "the loops grow both spines, and every page holds PAGE elements")]
        {
            let group = Arc::make_mut(&mut self.groups[page / GROUP]);
            while group.len() <= page % GROUP {
                group.push(Arc::new(vec![T::default(); PAGE]));
            }
            &mut Arc::make_mut(&mut group[page % GROUP])[index % PAGE]
        }
    }

    /// All elements of pages that were ever written to, with their indices, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let pages = self.groups.iter().enumerate().flat_map(|(group, pages)| {
            pages.iter().enumerate().map(move |(page, elements)| ((group * GROUP + page) * PAGE, elements))
        });
        // An index fits `u32`, because elements are only ever entered by one.
        pages.flat_map(|(first, elements)| (first as u32..).zip(elements.iter()))
    }

    /// Bytes of spine and pages, without what the elements own.
    pub(super) fn shallow_bytes(&self) -> usize {
        let pages: usize = self.groups.iter().map(|group| group.len()).sum();
        pages * (size_of::<usize>() + size_of::<Vec<T>>() + 16 + PAGE * size_of::<T>())
    }

    #[cfg(test)]
    pub(super) fn shared_pages(&self, other: &Self) -> usize {
        let pages = self.groups.iter().flat_map(|group| group.iter());
        let others = other.groups.iter().flat_map(|group| group.iter());
        pages.zip(others).filter(|(a, b)| Arc::ptr_eq(a, b)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_copies_one_page() {
        let mut first: Paged<u32> = Paged::default();
        *first.get_mut(1000) = 7;
        let mut second = first.clone();
        *second.get_mut(3) = 1;
        assert_eq!(first.get(3), Some(&0));
        assert_eq!(second.get(3), Some(&1));
        assert_eq!(second.get(1000), Some(&7));
        assert_eq!(first.shared_pages(&second), 3);
        assert_eq!(first.get(5000), None);
    }

    #[test]
    fn groups_may_have_gaps() {
        let mut sparse: Paged<u32> = Paged::default();
        let far = (PAGE * GROUP * 3 + 5) as u32;
        *sparse.get_mut(far) = 9;
        assert_eq!(sparse.get(0), None);
        assert_eq!(sparse.iter().filter(|(_, held)| **held != 0).map(|(at, _)| at).collect::<Vec<_>>(), [far]);
        *sparse.get_mut(2) = 4;
        assert_eq!(sparse.get(2), Some(&4));
        assert_eq!(sparse.iter().filter(|(_, held)| **held != 0).count(), 2);
    }
}
