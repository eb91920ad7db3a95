//! Which documents hold the phrases of a query: their words one after the other, in the spelling of the query but for case,
//! accents and the like.

use std::sync::Arc;

use ::tantivy::postings::{Postings, SegmentPostings, TermInfo};
use ::tantivy::schema::IndexRecordOption;
use ::tantivy::{DocSet, TERMINATED, TantivyError};

use super::segments::SegmentView;
use crate::analyse::{Phrase, PhraseWord, SEPARATOR, folded};
use crate::{ChunkMask, IndexError, Work};

/// Documents after whose postings the effort is looked at.
const STEP: usize = 1024;

/// A document, and where the phrase may begin in it.
type Places = Vec<(u32, Vec<u32>)>;

/// Every spelling of a form in a segment, with where its postings are.
pub(super) fn each_spelling(
    segment: &Arc<SegmentView>,
    form: &str,
    mut each: impl FnMut(&[u8], &TermInfo),
) -> Result<(), IndexError> {
    if !segment.speaks(form) {
        return Ok(());
    }
    let (first, end) = (format!("{form}{SEPARATOR}"), format!("{form}\u{1}"));
    let range = segment.postings.terms().range().ge(first.as_bytes()).lt(end.as_bytes());
    let mut terms = range.into_stream().map_err(TantivyError::from)?;
    while terms.advance() {
        each(terms.key().get(first.len()..).unwrap_or_default(), terms.value());
    }
    Ok(())
}

/// The documents of the segment that hold all phrases, ascending; none asked, none said.
pub(super) fn holders(
    segment: &Arc<SegmentView>,
    phrases: &[Phrase],
    mask: &ChunkMask,
    work: &mut Work,
) -> Result<Option<Vec<u32>>, IndexError> {
    let mut all: Option<Vec<u32>> = None;
    for phrase in phrases {
        let mut places: Option<Places> = None;
        for word in &phrase.words {
            places = Some(step(segment, word, places, mask, work)?);
        }
        let found = places.unwrap_or_default().into_iter().map(|(document, _)| document);
        all = Some(match all {
            Some(before) => found.filter(|document| before.binary_search(document).is_ok()).collect(),
            None => found.collect(),
        });
    }
    Ok(all)
}

/// The places that stay possible with one more word.
fn step(
    segment: &Arc<SegmentView>,
    word: &PhraseWord,
    places: Option<Places>,
    mask: &ChunkMask,
    work: &mut Work,
) -> Result<Places, IndexError> {
    let mut infos = Vec::new();
    for form in &word.forms {
        each_spelling(segment, form, |spelling, info| {
            let is_it = std::str::from_utf8(spelling).is_ok_and(|spelling| folded(spelling) == word.folded);
            infos.extend(is_it.then(|| info.clone()));
        })?;
    }
    let mut lists: Vec<SegmentPostings> = Vec::new();
    for info in &infos {
        let postings = segment.postings.read_postings_from_terminfo(info, IndexRecordOption::WithFreqsAndPositions);
        lists.push(postings.map_err(TantivyError::from)?);
        work.postings_read += u64::from(info.doc_freq);
    }
    let (mut found, mut read) = (Places::new(), Vec::new());
    let mut positions = |lists: &mut [SegmentPostings], document: u32| {
        let mut all: Vec<u32> = Vec::new();
        for list in lists {
            if list.doc() < document {
                list.seek(document);
            }
            if list.doc() == document {
                list.positions(&mut read);
                all.extend(&read);
            }
        }
        all.sort_unstable();
        all.dedup();
        all
    };
    if let Some(places) = places {
        for (at, (document, mut starts)) in places.into_iter().enumerate() {
            if at % STEP == 0 {
                work.effort.spend(1)?;
            }
            let here = positions(&mut lists, document);
            starts.retain(|start| here.binary_search(&(start + word.offset)).is_ok());
            if !starts.is_empty() {
                found.push((document, starts));
            }
        }
        return Ok(found);
    }
    let mut at = 0;
    loop {
        if at % STEP == 0 {
            work.effort.spend(1)?;
        }
        at += 1;
        let next = lists.iter().map(DocSet::doc).min().unwrap_or(TERMINATED);
        if next == TERMINATED {
            return Ok(found);
        }
        let is_masked = segment.documents.get(next as usize).is_some_and(|document| mask.contains(document.chunk));
        if is_masked {
            let starts = positions(&mut lists, next);
            found.push((next, starts));
        }
        for list in &mut lists {
            if list.doc() == next {
                list.advance();
            }
        }
    }
}
