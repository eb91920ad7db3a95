use super::*;
use crate::planted::plant;

/// These hashes say that a benchmark of today runs on the corpus of the last one. They change only with the generator.
#[test]
fn the_small_corpus_is_pinned() {
    let corpus = Corpus::new(1, Size::S, Shape::Mixed);
    assert_eq!(corpus.documents().len(), 2_000);
    assert!((9_000..11_000).contains(&corpus.chunk_count()), "{}", corpus.chunk_count());
    assert_eq!(
        corpus.hashes().to_string(),
        "tuples d5c011e52999a881, texts 556021c6956d3ba0, vectors f5c9ded0667f57e1"
    );
}

#[test]
fn a_larger_corpus_begins_with_the_smaller_one() {
    for shape in [Shape::Mixed, Shape::Deep, Shape::Unique] {
        let (small, large) = (Corpus::new(5, Size::S, shape), Corpus::new(5, Size::M, shape));
        for (a, b) in small.documents().iter().zip(large.documents()) {
            assert_eq!(format!("{a:?}"), format!("{b:?}"));
        }
        for document in small.documents().iter().step_by(397) {
            assert_eq!(small.texts(document).chunks, large.texts(document).chunks);
            assert_eq!(small.vectors(document), large.vectors(document));
        }
        let larger: std::collections::HashSet<_> = large.access.tuples().into_iter().collect();
        assert!(small.access.tuples().iter().all(|tuple| larger.contains(tuple)));
    }
}

#[test]
fn access_has_the_intended_shares_and_depths() {
    let corpus = Corpus::new(2, Size::M, Shape::Mixed);
    let documents = corpus.documents();
    let share = |is: fn(&Rule) -> bool| {
        documents.iter().filter(|document| is(&document.rule)).count() as f64 / documents.len() as f64
    };
    for (wanted, is) in [
        (0.70, (|rule| matches!(rule, Rule::Folder)) as fn(&Rule) -> bool),
        (0.12, |rule| matches!(rule, Rule::Users(_))),
        (0.08, |rule| matches!(rule, Rule::Group(_))),
        (0.04, |rule| matches!(rule, Rule::Both(..))),
        (0.03, |rule| matches!(rule, Rule::Except(_))),
        (0.02, |rule| matches!(rule, Rule::During { .. })),
        (0.005, |rule| matches!(rule, Rule::Public)),
        (0.005, |rule| matches!(rule, Rule::Nobody)),
    ] {
        let found = share(is);
        assert!((found - wanted).abs() < wanted * 0.3, "{wanted}: {found}");
    }
    assert!(corpus.access.folders.iter().map(|folder| folder.depth).max() <= Some(11));
    assert!(corpus.access.users.iter().any(Vec::is_empty));
    let mut sizes: Vec<u32> = documents.iter().map(|document| document.chunks).collect();
    sizes.sort_unstable();
    assert!((2..=3).contains(&sizes[sizes.len() / 2]));
    assert!(*sizes.last().unwrap_or(&0) > 40);
}

#[test]
fn planted_readers_have_their_share() {
    for shape in [Shape::Mixed, Shape::Unique, Shape::Exclusive] {
        let corpus = Corpus::new(3, Size::S, shape);
        let readers = plant(&corpus.access, 3, 2);
        for fraction in planted::FRACTIONS {
            for layout in [Layout::Compact, Layout::Fragmented] {
                let cell: Vec<_> =
                    readers.iter().filter(|one| one.fraction == fraction && one.layout == layout).collect();
                assert_eq!(cell.len(), 2, "{shape:?} {fraction} {layout:?}");
                for reader in cell {
                    let found = f64::from(reader.chunks) / f64::from(corpus.chunk_count());
                    assert!((found - fraction).abs() <= fraction * 0.05 + 1e-9, "{fraction}: {found}");
                }
            }
        }
        let grants = |fraction, layout| {
            let one = readers.iter().find(|one| one.fraction == fraction && one.layout == layout);
            one.map_or(0, |one| one.tuples.len())
        };
        if shape == Shape::Mixed {
            assert!(grants(0.1, Layout::Fragmented) > 3 * grants(0.1, Layout::Compact));
        }
    }
}
