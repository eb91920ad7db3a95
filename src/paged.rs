//! A vector that snapshots share: pages behind `Arc`, of which a change copies only those that it touches.

use std::sync::Arc;

const PAGE: usize = 1024;

/// Growable array with cheap clones (`O(len / 1024)`) and copy-on-write pages.
#[derive(Debug, Clone)]
pub struct PagedVec<T> {
    pages: Vec<Arc<Vec<T>>>,
    len: usize,
}

impl<T> Default for PagedVec<T> {
    fn default() -> Self {
        Self { pages: Vec::new(), len: 0 }
    }
}

impl<T: Clone> PagedVec<T> {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn get(&self, index: usize) -> Option<&T> {
        self.pages.get(index / PAGE)?.get(index % PAGE)
    }

    /// The element for writing; its page is copied when a snapshot still holds it.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        Arc::make_mut(self.pages.get_mut(index / PAGE)?).get_mut(index % PAGE)
    }

    pub fn push(&mut self, value: T) {
        match self.pages.last_mut() {
            Some(page) if page.len() < PAGE => Arc::make_mut(page).push(value),
            _ => {
                let mut page = Vec::with_capacity(PAGE);
                page.push(value);
                self.pages.push(Arc::new(page));
            }
        }
        self.len += 1;
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.pages.iter().flat_map(|page| page.iter())
    }

    /// Index of the last element for which `not_after` holds, given that it holds for a prefix.
    pub fn partition_last(&self, not_after: impl Fn(&T) -> bool) -> Option<usize> {
        let page = self.pages.partition_point(|page| page.first().is_some_and(&not_after)).checked_sub(1)?;
        let within = self.pages.get(page)?.partition_point(&not_after).checked_sub(1)?;
        Some(page * PAGE + within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_keeps_its_own_state() {
        let mut current = PagedVec::default();
        (0..3000).for_each(|i| current.push(i));
        let before = current.clone();
        *current.get_mut(1500).unwrap() = -1;
        current.push(3000);
        assert_eq!((before.len(), before.get(1500)), (3000, Some(&1500)));
        assert_eq!((current.len(), current.get(1500), current.get(3000)), (3001, Some(&-1), Some(&3000)));
        assert!(Arc::ptr_eq(&before.pages[0], &current.pages[0]), "untouched pages are shared");
    }

    #[test]
    fn partition_last_finds_the_boundary() {
        let mut numbers = PagedVec::default();
        (0..5000).for_each(|i| numbers.push(i * 2));
        for probe in [0, 1, 2, 2047, 2048, 4097, 9998, 20000] {
            let expected = numbers.iter().rposition_of(|n| *n <= probe);
            assert_eq!(numbers.partition_last(|n| *n <= probe), expected, "{probe}");
        }
        assert_eq!(numbers.partition_last(|n| *n < 0), None);
    }

    trait RpositionOf<T> {
        fn rposition_of(self, test: impl Fn(&T) -> bool) -> Option<usize>;
    }
    impl<'a, T: 'a, I: Iterator<Item = &'a T>> RpositionOf<T> for I {
        fn rposition_of(self, test: impl Fn(&T) -> bool) -> Option<usize> {
            self.enumerate().filter(|(_, item)| test(item)).map(|(i, _)| i).last()
        }
    }
}
