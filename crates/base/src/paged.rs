//! A growing vector that snapshots share: pages behind `Arc` in groups behind `Arc`, of which cloning copies a short
//! spine, and writing one page.

use std::sync::Arc;

/// Elements per page. Small pages make a scattered batch of changes cheap.
const PAGE: usize = 256;
/// Pages per group. A clone counts groups, so that it stays in the microseconds for millions of elements.
const GROUP: usize = 64;

type Page<T> = Arc<Vec<T>>;

/// Elements by number. A number that was jumped over holds a default element, or none where nothing near it was written.
#[derive(Debug, Clone)]
pub struct Paged<T> {
    groups: Vec<Arc<Vec<Page<T>>>>,
    len: u32,
}

impl<T> Default for Paged<T> {
    fn default() -> Self {
        Self { groups: Vec::new(), len: 0 }
    }
}

impl<T: Clone + Default> Paged<T> {
    /// One more than the highest number that was ever written to.
    pub fn len(&self) -> u32 {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn get(&self, index: u32) -> Option<&T> {
        let at = index as usize;
        let page = at / PAGE;
        self.groups.get(page / GROUP)?.get(page % GROUP)?.get(at % PAGE).filter(|_| index < self.len)
    }

    /// The element at `index` for writing, the vector grown up to it. Copies its page, and the group of pages, where they
    /// are shared.
    pub fn get_mut(&mut self, index: u32) -> &mut T {
        self.len = self.len.max(index.saturating_add(1));
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

    pub fn push(&mut self, value: T) {
        *self.get_mut(self.len) = value;
    }

    /// All elements that there are, with their numbers, in order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let pages = self.groups.iter().enumerate().flat_map(|(group, pages)| {
            pages.iter().enumerate().map(move |(page, elements)| ((group * GROUP + page) * PAGE, elements))
        });
        // A number fits `u32`, because elements are only ever entered by one.
        let all = pages.flat_map(|(first, elements)| (first as u32..).zip(elements.iter()));
        all.take_while(|(index, _)| *index < self.len)
    }

    /// Numbers of the elements that differ between the two, in order; pages that both share are passed over. An element
    /// that one of them has not is compared as a default one.
    pub fn differences<'a>(
        &'a self,
        other: &'a Self,
        is_same: impl Fn(&T, &T) -> bool + 'a,
    ) -> impl Iterator<Item = u32> + 'a {
        let pages = self.len.max(other.len).div_ceil(PAGE as u32);
        let differing = (0..pages).filter(|page| {
            let (own, others) = (self.page(*page), other.page(*page));
            !matches!((own, others), (Some(own), Some(others)) if Arc::ptr_eq(own, others))
        });
        let absent = T::default();
        differing.flat_map(|page| page * PAGE as u32..(page + 1) * PAGE as u32).filter(move |index| {
            let (own, others) = (self.get(*index), other.get(*index));
            !is_same(own.unwrap_or(&absent), others.unwrap_or(&absent))
        })
    }

    fn page(&self, page: u32) -> Option<&Page<T>> {
        let page = page as usize;
        self.groups.get(page / GROUP)?.get(page % GROUP)
    }

    /// Number of the last element for which `not_after` holds, given that it holds for a prefix and that no number was
    /// jumped over.
    pub fn partition_last(&self, not_after: impl Fn(&T) -> bool) -> Option<u32> {
        let (mut low, mut high) = (0, self.len);
        while low < high {
            let middle = low.midpoint(high);
            if self.get(middle).is_some_and(&not_after) { low = middle + 1 } else { high = middle }
        }
        low.checked_sub(1)
    }

    /// Bytes of spine and pages, without what the elements own.
    pub fn shallow_bytes(&self) -> usize {
        let pages: usize = self.groups.iter().map(|group| group.len()).sum();
        pages * (size_of::<usize>() + size_of::<Vec<T>>() + 16 + PAGE * size_of::<T>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared_pages<T>(first: &Paged<T>, second: &Paged<T>) -> usize {
        let pages = first.groups.iter().flat_map(|group| group.iter());
        let others = second.groups.iter().flat_map(|group| group.iter());
        pages.zip(others).filter(|(a, b)| Arc::ptr_eq(a, b)).count()
    }

    #[test]
    fn a_write_copies_one_page_and_a_clone_keeps_its_own_state() {
        let mut current = Paged::default();
        (0..1001).for_each(|i| current.push(i));
        let before = current.clone();
        *current.get_mut(3) = -1;
        current.push(1001);
        assert_eq!((before.len(), before.get(3), before.get(1001)), (1001, Some(&3), None));
        assert_eq!((current.len(), current.get(3), current.get(1001)), (1002, Some(&-1), Some(&1001)));
        assert_eq!(shared_pages(&before, &current), 2, "of four pages, the first and the last were written to");
        assert_eq!(current.iter().map(|(at, _)| at).collect::<Vec<_>>(), (0..1002).collect::<Vec<_>>());
    }

    #[test]
    fn groups_may_have_gaps() {
        let mut sparse: Paged<u32> = Paged::default();
        let far = (PAGE * GROUP * 3 + 5) as u32;
        *sparse.get_mut(far) = 9;
        assert_eq!((sparse.get(0), sparse.get(far), sparse.get(far + 1)), (None, Some(&9), None));
        assert_eq!(sparse.iter().filter(|(_, held)| **held != 0).map(|(at, _)| at).collect::<Vec<_>>(), [far]);
        *sparse.get_mut(2) = 4;
        assert_eq!(sparse.get(2), Some(&4));
        assert_eq!(sparse.iter().filter(|(_, held)| **held != 0).count(), 2);
    }

    #[test]
    fn differences_are_those_of_the_elements_and_shared_pages_are_not_compared() {
        let mut before = Paged::default();
        (0..2000_u32).for_each(|i| before.push(Some(i)));
        let mut after = before.clone();
        *after.get_mut(700) = None;
        *after.get_mut(3) = Some(3);
        (2000..2600).for_each(|i| after.push(Some(i)));
        let expected: Vec<u32> = std::iter::once(700).chain(2000..2600).collect();
        assert_eq!(after.differences(&before, |a, b| a == b).collect::<Vec<_>>(), expected);
        assert_eq!(before.differences(&after, |a, b| a == b).collect::<Vec<_>>(), expected);
        let compared = std::cell::Cell::new(0);
        let count = |a: &Option<u32>, b: &Option<u32>| {
            compared.set(compared.get() + 1);
            a == b
        };
        assert_eq!(before.differences(&before.clone(), count).count(), 0);
        assert_eq!(compared.get(), 0);
        // Two pages were written to, one was filled and three begun.
        assert!(
            after
                .differences(&before, |a, b| {
                    compared.set(compared.get() + 1);
                    a == b
                })
                .count()
                > 0
        );
        assert_eq!(compared.get(), 6 * PAGE);
    }

    #[test]
    fn partition_last_finds_the_boundary() {
        let mut numbers = Paged::default();
        (0..5000).for_each(|i| numbers.push(i * 2));
        for probe in [0, 1, 2, 2047, 2048, 4097, 9998, 20000] {
            let expected = numbers.iter().filter(|(_, n)| **n <= probe).map(|(at, _)| at).last();
            assert_eq!(numbers.partition_last(|n| *n <= probe), expected, "{probe}");
        }
        assert_eq!(numbers.partition_last(|n| *n < 0), None);
    }
}
