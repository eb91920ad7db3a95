//! Headings that a caller gives with its chunks, in a document with restricted parts.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::commit::documents::PreparedChunk;
use crate::limits::{Effort, Spent, effort};
use crate::outline::{self, Heading};

/// Where a heading stands first: in the text outside the restricted parts, and in each of them.
#[derive(Default)]
struct Found {
    outside: Option<usize>,
    inside: BTreeMap<usize, usize>,
}

/// Leaves of each chunk's path the headings that stand, before the chunk's end, in text that whoever may read the chunk
/// may read too: outside all restricted parts, or in the chunk's own. `own` are the text's own headings, of each part apart;
/// the restricted parts are disjoint and ascending.
///
/// # Errors
/// When it takes more than the effort.
pub(super) fn keep_own(
    chunks: &mut [PreparedChunk],
    restricted: &[Range<usize>],
    text: &str,
    own: &[Heading],
    effort: &Effort,
) -> Result<(), Spent> {
    if restricted.is_empty() || crate::mutants::active("given_headings_as_they_are") {
        return Ok(());
    }
    let named = chunks.iter().flat_map(|chunk| &chunk.heading_path);
    let mut found: BTreeMap<String, Found> = named.map(|name| (outline::normal(name), Found::default())).collect();
    if found.is_empty() {
        return Ok(());
    }
    let wants_empty = found.contains_key("");
    let part_of = |at: usize| {
        let index = restricted.partition_point(|part| part.end <= at);
        restricted.get(index).filter(|part| part.contains(&at)).map(|_| index)
    };
    let mut note = |name: &str, at: usize| {
        let Some(found) = found.get_mut(&outline::normal(name)) else { return };
        let first = match part_of(at) {
            Some(part) => found.inside.entry(part).or_insert(at),
            None => found.outside.get_or_insert(at),
        };
        *first = at.min(*first);
    };
    // A part may begin or end within a line.
    let mut borders = restricted.iter().flat_map(|part| [part.start, part.end]).peekable();
    let mut at = 0;
    let mut steps = (1..=effort::SLICE).cycle();
    for line in text.split_inclusive('\n') {
        let end = at + line.len();
        while at < end {
            while borders.next_if(|border| *border <= at).is_some() {}
            let to = borders.peek().map_or(end, |border| end.min(*border));
            let name = text.get(at..to).unwrap_or_default().trim().trim_matches('#');
            if !name.is_empty() || wants_empty {
                note(name, at);
            }
            at = to;
            if steps.next() == Some(effort::SLICE) {
                effort.spend(1)?;
            }
        }
    }
    own.iter().for_each(|heading| note(&heading.text, heading.start));
    for chunk in chunks {
        let (own, end) = (part_of(chunk.start), chunk.end);
        chunk.heading_path.retain(|name| {
            let Some(found) = found.get(&outline::normal(name)) else { return false };
            let inside = own.and_then(|part| found.inside.get(&part));
            found.outside.iter().chain(inside).any(|at| *at < end)
        });
        if steps.next() == Some(effort::SLICE) {
            effort.spend(1)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn chunk(range: Range<usize>, path: &[&str]) -> PreparedChunk {
        let heading_path = path.iter().map(ToString::to_string).collect();
        PreparedChunk { start: range.start, end: range.end, heading_path, page: None }
    }

    #[test]
    fn headings_stay_where_they_may_be_read_and_lines_cost_no_look_at_each_part() {
        let part = "# Pay\n\nsecret\n\n";
        let many = 256;
        let text = format!("# Top\n\n{}# Open\n\nend{}", part.repeat(many), "\n".repeat(4_000_000));
        let begin = "# Top\n\n".len();
        let restricted: Vec<_> = (0..many).map(|n| begin + n * part.len()..begin + (n + 1) * part.len()).collect();
        let last = restricted.last().unwrap().clone();
        let mut chunks =
            vec![chunk(last.clone(), &["Top", "Pay"]), chunk(last.end..text.len(), &["Top", "Pay", "Open"])];
        let (effort, _wanted) = Effort::new("", Instant::now() + Duration::from_secs(60), 10_000);
        keep_own(&mut chunks, &restricted, &text, &[], &effort).unwrap();
        assert_eq!(chunks[0].heading_path, ["Top", "Pay"]);
        assert_eq!(chunks[1].heading_path, ["Top", "Open"]);
        // A step is many lines, and the work ends with the effort.
        let (effort, _wanted) = Effort::new("", Instant::now() + Duration::from_secs(60), 1_000);
        assert_eq!(keep_own(&mut chunks, &restricted, &text, &[], &effort), Err(Spent::Steps));
    }
}
