//! A sorted list that shares structure with its predecessors: short ones are one slice, long ones a spine of slices, so
//! that an edge more on a group of a hundred thousand copies a chunk and the spine, never the list.

use std::{slice, sync::Arc};

/// Longest chunk; a longer one is cut in pieces of half the length.
const CHUNK: usize = 512;

#[derive(Debug, Clone, Default)]
pub(super) enum SortedList<T> {
    #[default]
    Empty,
    One(Arc<[T]>),
    /// Never empty, and no chunk is.
    Many(Arc<[Arc<[T]>]>),
}

impl<T: Copy + Ord> SortedList<T> {
    /// From sorted, distinct elements.
    pub(super) fn from_sorted(elements: &[T]) -> SortedList<T> {
        match elements.len() {
            0 => SortedList::Empty,
            1..=CHUNK => SortedList::One(elements.into()),
            _ => SortedList::Many(elements.chunks(CHUNK / 2).map(Arc::from).collect()),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            SortedList::Empty => 0,
            SortedList::One(chunk) => chunk.len(),
            SortedList::Many(chunks) => chunks.iter().map(|chunk| chunk.len()).sum(),
        }
    }

    /// The elements from `low` to `high`, both included. O(log n) to start.
    pub(super) fn range(&self, low: T, high: T) -> Range<'_, T> {
        let (chunk, rest): (&[T], &[Arc<[T]>]) = match self {
            SortedList::Empty => (&[], &[]),
            SortedList::One(chunk) => (chunk, &[]),
            SortedList::Many(chunks) => {
                let at = chunks.partition_point(|chunk| chunk.last().is_some_and(|last| *last < low));
                match chunks.get(at..).and_then(|tail| tail.split_first()) {
                    Some((chunk, rest)) => (chunk, rest),
                    None => (&[], &[]),
                }
            }
        };
        let start = chunk.partition_point(|element| *element < low);
        Range { current: chunk.get(start..).unwrap_or(&[]).iter(), rest: rest.iter(), high }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = T> + '_ {
        let (chunk, rest): (&[T], &[Arc<[T]>]) = match self {
            SortedList::Empty => (&[], &[]),
            SortedList::One(chunk) => (chunk, &[]),
            SortedList::Many(chunks) => (&[], chunks),
        };
        chunk.iter().copied().chain(rest.iter().flat_map(|chunk| chunk.iter().copied()))
    }

    /// The list without `removes` and with `adds`; both sorted and distinct. Untouched chunks are shared.
    pub(super) fn apply(&self, adds: &[T], removes: &[T]) -> SortedList<T> {
        if adds.is_empty() && removes.is_empty() {
            return self.clone();
        }
        let SortedList::Many(chunks) = self else {
            let mut merged = Vec::new();
            merge(self.iter(), adds, removes, &mut merged);
            return SortedList::from_sorted(&merged);
        };
        let (mut adds, mut removes) = (adds, removes);
        let mut spine: Vec<Arc<[T]>> = Vec::with_capacity(chunks.len() + 1);
        let mut merged = Vec::new();
        for (at, chunk) in chunks.iter().enumerate() {
            let bound = chunks.get(at + 1).and_then(|next| next.first()).copied();
            let (add, later_adds) = split_below(adds, bound);
            let (remove, later_removes) = split_below(removes, bound);
            (adds, removes) = (later_adds, later_removes);
            if add.is_empty() && remove.is_empty() {
                spine.push(chunk.clone());
                continue;
            }
            merged.clear();
            merge(chunk.iter().copied(), add, remove, &mut merged);
            let piece = if merged.len() > CHUNK { CHUNK / 2 } else { CHUNK };
            spine.extend(merged.chunks(piece).map(Arc::from));
        }
        match spine.as_slice() {
            [] => SortedList::Empty,
            [only] => SortedList::One(only.clone()),
            _ => SortedList::Many(spine.into()),
        }
    }

    /// Bytes on the heap, shared or not.
    pub(super) fn heap_bytes(&self) -> usize {
        match self {
            SortedList::Empty => 0,
            SortedList::One(chunk) => 16 + size_of_val::<[T]>(chunk),
            SortedList::Many(chunks) => 16 + chunks.iter().map(|chunk| 32 + size_of_val::<[T]>(chunk)).sum::<usize>(),
        }
    }
}

fn split_below<T: Ord>(sorted: &[T], bound: Option<T>) -> (&[T], &[T]) {
    let at = bound.map_or(sorted.len(), |bound| sorted.partition_point(|element| *element < bound));
    sorted.split_at_checked(at).unwrap_or((sorted, &[]))
}

fn merge<T: Copy + Ord>(old: impl Iterator<Item = T>, adds: &[T], removes: &[T], into: &mut Vec<T>) {
    let (mut adds, mut removes) = (adds.iter().copied().peekable(), removes.iter().copied().peekable());
    for element in old {
        while let Some(add) = adds.next_if(|add| *add < element) {
            into.push(add);
        }
        adds.next_if_eq(&element);
        while removes.next_if(|remove| *remove < element).is_some() {}
        if removes.next_if_eq(&element).is_none() {
            into.push(element);
        }
    }
    into.extend(adds);
}

/// Elements between two bounds, in order.
#[derive(Debug, Clone)]
pub(super) struct Range<'a, T> {
    current: slice::Iter<'a, T>,
    rest: slice::Iter<'a, Arc<[T]>>,
    high: T,
}

impl<T: Copy + Ord> Iterator for Range<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        loop {
            if let Some(element) = self.current.next() {
                return (*element <= self.high).then_some(*element);
            }
            self.current = self.rest.next()?.iter();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn behaves_like_a_set() {
        let mut state = 1u64;
        let mut random = move |bound: u64| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) % bound
        };
        let mut list: SortedList<u32> = SortedList::Empty;
        let mut model: BTreeSet<u32> = BTreeSet::new();
        for round in 0..400 {
            let size = if round % 50 == 0 { 3000 } else { 20 };
            let touched: BTreeSet<u32> = (0..random(size)).map(|_| random(5000) as u32).collect();
            let (removes, adds): (Vec<u32>, Vec<u32>) =
                touched.into_iter().partition(|element| model.contains(element) && random(3) > 0);
            let adds: Vec<u32> = adds.into_iter().filter(|element| !model.contains(element)).collect();
            list = list.apply(&adds, &removes);
            model.extend(&adds);
            model.retain(|element| removes.binary_search(element).is_err());
            assert_eq!(list.len(), model.len());
            assert!(list.iter().eq(model.iter().copied()));
            let (low, high) = (random(5000) as u32, random(5000) as u32);
            if low <= high {
                assert!(list.range(low, high).eq(model.range(low..=high).copied()));
            }
        }
        let all: Vec<u32> = model.into_iter().collect();
        assert_eq!(list.apply(&[], &all).len(), 0);
    }

    #[test]
    fn a_change_shares_the_other_chunks() {
        let elements: Vec<u32> = (0..10_000).collect();
        let list = SortedList::from_sorted(&elements);
        let next = list.apply(&[20_000], &[5]);
        let (SortedList::Many(old), SortedList::Many(new)) = (&list, &next) else { panic!("long lists have spines") };
        let shared = new.iter().filter(|chunk| old.iter().any(|other| Arc::ptr_eq(chunk, other))).count();
        assert_eq!(shared, old.len() - 2);
    }
}
