//! What the engine's files hold.

use std::fs;

use ::tantivy::Term;

use super::TantivyKeywords;
use crate::{KeywordIndex, KeywordOp, Tokens};

#[test]
fn removed_words_are_in_no_dictionary_after_compaction() {
    let folder = tempfile::tempdir().unwrap();
    let index = TantivyKeywords::create(folder.path(), "simple").unwrap();
    for (position, first) in (1u64..).zip((0..300u32).step_by(50)) {
        let add =
            |chunk: u32| KeywordOp::Add { chunk, tokens: Tokens::of_words(["common", &format!("canary{chunk}")]) };
        index.apply(&(first..first + 50).map(add).collect::<Vec<_>>(), position).unwrap();
    }
    index.apply(&[KeywordOp::Remove { chunks: 0..100 }], 7).unwrap();
    index.compact().unwrap();
    let view = index.view.load();
    let [segment] = view.segments.as_slice() else { panic!("{} segments", view.segments.len()) };
    for chunk in 0..300 {
        let term = Term::from_field_text(index.fields.tokens, &format!(":canary{chunk}\0canary{chunk}"));
        assert_eq!(segment.postings.get_term_info(&term).unwrap().is_some(), chunk >= 100);
    }
    // No file of an earlier segment is left.
    let dictionaries = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    assert_eq!(dictionaries.filter(|path| path.extension().is_some_and(|end| end == "term")).count(), 1);
    assert_eq!((segment.live, segment.documents.len(), view.position), (200, 200, 7));
    // The writer goes on.
    index.apply(&[KeywordOp::Add { chunk: 300, tokens: Tokens::of_words(["more"]) }], 8).unwrap();
    assert_eq!(index.position().unwrap(), 8);
}
