//! Headings that a caller gives with its chunks, in a document with restricted parts.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::commit::documents::PreparedChunk;
use crate::outline::{self, Heading};

/// Where a heading stands first: in the text outside the restricted parts, and in each of them.
#[derive(Default)]
struct Found {
    outside: Option<usize>,
    inside: BTreeMap<usize, usize>,
}

/// Leaves of each chunk's path the headings that stand, before the chunk's end, in text that whoever may read the chunk
/// may read too: outside all restricted parts, or in the chunk's own. `own` are the text's own headings, of each part apart.
pub(super) fn keep_own(chunks: &mut [PreparedChunk], restricted: &[Range<usize>], text: &str, own: &[Heading]) {
    if restricted.is_empty() || crate::mutants::active("given_headings_as_they_are") {
        return;
    }
    let named = chunks.iter().flat_map(|chunk| &chunk.heading_path);
    let mut found: BTreeMap<String, Found> = named.map(|name| (outline::normal(name), Found::default())).collect();
    let part_of = |at: usize| restricted.iter().position(|part| part.contains(&at));
    let mut note = |name: &str, at: usize| {
        let Some(found) = found.get_mut(&outline::normal(name)) else { return };
        let first = match part_of(at) {
            Some(part) => found.inside.entry(part).or_insert(at),
            None => found.outside.get_or_insert(at),
        };
        *first = at.min(*first);
    };
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        // A part may begin or end within a line.
        let inner = restricted.iter().flat_map(|part| [part.start, part.end]);
        let mut cuts: Vec<usize> = inner.filter(|cut| at < *cut && *cut < at + line.len()).collect();
        cuts.push(at + line.len());
        let mut from = at;
        for to in cuts {
            note(text.get(from..to).unwrap_or_default().trim().trim_matches('#'), from);
            from = to;
        }
        at += line.len();
    }
    own.iter().for_each(|heading| note(&heading.text, heading.start));
    for chunk in chunks {
        let (own, end) = (part_of(chunk.start), chunk.end);
        chunk.heading_path.retain(|name| {
            let Some(found) = found.get(&outline::normal(name)) else { return false };
            let inside = own.and_then(|part| found.inside.get(&part));
            found.outside.iter().chain(inside).any(|at| *at < end)
        });
    }
}
