//! A growing vector in pages behind `Arc`: cloning copies the spine, writing copies one page.

use std::sync::Arc;

/// Elements per page. Small pages make a scattered batch of changes cheap, large ones a clone; 256 keeps both in the
/// tens of microseconds for millions of elements.
const PAGE: usize = 256;

#[derive(Debug, Clone)]
pub(super) struct Paged<T> {
    pages: Vec<Arc<Vec<T>>>,
}

impl<T> Default for Paged<T> {
    fn default() -> Self {
        Paged { pages: Vec::new() }
    }
}

impl<T: Clone + Default> Paged<T> {
    pub(super) fn get(&self, index: u32) -> Option<&T> {
        let index = index as usize;
        self.pages.get(index / PAGE)?.get(index % PAGE)
    }

    /// The element at `index`, the vector grown with default elements up to it. Copies its page when that is shared.
    pub(super) fn get_mut(&mut self, index: u32) -> &mut T {
        let index = index as usize;
        let page = index / PAGE;
        while self.pages.len() <= page {
            self.pages.push(Arc::new(vec![T::default(); PAGE]));
        }
        #[allow(clippy::indexing_slicing, reason = "the loop above grew the spine, and every page holds PAGE elements")]
        &mut Arc::make_mut(&mut self.pages[page])[index % PAGE]
    }

    /// All elements in order, default ones of the last page included.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.pages.iter().flat_map(|page| page.iter())
    }

    /// Bytes of spine and pages, without what the elements own.
    pub(super) fn shallow_bytes(&self) -> usize {
        self.pages.len() * (size_of::<usize>() + size_of::<Vec<T>>() + 16 + PAGE * size_of::<T>())
    }

    #[cfg(test)]
    pub(super) fn shared_pages(&self, other: &Self) -> usize {
        self.pages.iter().zip(&other.pages).filter(|(a, b)| Arc::ptr_eq(a, b)).count()
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
}
