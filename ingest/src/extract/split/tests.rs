use proptest::prelude::*;

use usher_base::outline::Heading;

use super::super::{Extracted, Job, Page, extract};
use super::*;

fn markdown(text: &str) -> Extracted {
    extract(&Job { name: "a.md".into(), ..Job::default() }, text.as_bytes()).unwrap()
}

fn texts(doc: &Extracted) -> Vec<&str> {
    doc.chunks.iter().map(|c| &doc.text[c.start..c.end]).collect()
}

#[test]
fn small_parts_take_in_what_lies_below_them_but_never_their_siblings() {
    let doc = markdown("# T\n\nintro\n\n## A\n\na\n\n### A1\n\ndeep\n\n## B\n\nb\n");
    assert_eq!(texts(&doc), ["# T\n\nintro\n\n## A\n\na\n\n### A1\n\ndeep\n\n## B\n\nb"]);
    let doc = markdown("## A\n\na\n\n## B\n\nb\n");
    assert_eq!(texts(&doc), ["## A\n\na", "## B\n\nb"]);
    assert_eq!(doc.chunks[1].heading_path, ["B"]);
}

#[test]
fn long_parts_are_split_with_overlap_inside_the_part_only() {
    let para = |n: usize| format!("Paragraph {n} speaks of the matter at hand. ").repeat(8);
    let body: String = (0..12).map(|n| format!("{}\n\n", para(n))).collect();
    let doc = markdown(&format!("# Long\n\n{body}## Next\n\nshort\n"));
    assert!(doc.chunks.len() > 4);
    for pair in doc.chunks.windows(2) {
        assert!(pair[0].start < pair[1].start);
        if pair[0].heading_path != pair[1].heading_path {
            assert!(pair[0].end <= pair[1].start, "no overlap across parts");
        }
    }
    assert_eq!(doc.chunks.last().unwrap().heading_path, ["Long", "Next"]);
    assert!(doc.chunks.iter().all(|c| doc.text[c.start..c.end].chars().count() <= WHOLE));
}

#[test]
fn pages_are_borders_and_numbers() {
    let text = "one\n\ntwo\n\nthree".to_owned();
    let pages = vec![Page { start: 0, number: 1 }, Page { start: 5, number: 2 }, Page { start: 10, number: 3 }];
    let doc = Extracted { text, pages, ..Extracted::default() };
    let chunks = split(&doc, &[]);
    assert_eq!(chunks.iter().map(|c| c.page).collect::<Vec<_>>(), [Some(1), Some(2), Some(3)]);
}

#[test]
fn text_without_structure_is_split_in_bounded_time() {
    let doc = Extracted { text: "x".repeat(3_000_000), ..Extracted::default() };
    let start = std::time::Instant::now();
    let chunks = split(&doc, &[]);
    assert!(chunks.len() >= 2_500);
    assert!(start.elapsed().as_secs() < 20);
}

/// Each chunk but the last of a part ends with a sentence, whatever it is written in.
#[test]
fn chunks_end_with_sentences() {
    for (sentence, ends) in [
        (
            "Dr. Smith of the 3. Department said, e.g. in No. 7, that goods cost 5.000 francs (see below). ",
            &[".", ")."][..],
        ),
        ("„Wir kommen morgen!“ Sagte er, z. B. am 5. Mai. Das Lager bleibt geschlossen? ", &[".", "!“", "?"]),
        ("员工手册规定每年休假十五天，请假需提前两天申请。部门主管批准后生效！", &["。", "！"]),
        ("「契約書を提出する。」毎月の報告は五日までです。", &["。", "。」"]),
        ("พนักงานทุกคนต้องส่งใบลา ก่อนวันหยุดอย่างน้อยสองวัน หัวหน้าฝ่ายเป็นผู้อนุมัติ ", &["ลา", "วัน", "มัติ"]),
        ("कर्मचारी पुस्तिका के अनुसार प्रति वर्ष पंद्रह दिन की छुट्टी मिलती है। ", &["।"]),
        ("هل يجب تقديم الطلب قبل يومين؟ نعم، يوافق عليه المدير. ", &["؟", "."]),
    ] {
        let doc = markdown(&format!("# Title\n\n{}", sentence.repeat(90)));
        assert!(doc.chunks.len() > 2, "{sentence}");
        let all = texts(&doc);
        for text in &all[..all.len() - 1] {
            let is_end = ends.iter().any(|end| text.trim_end().ends_with(end));
            assert!(is_end && !text.ends_with("Dr.") && !text.ends_with(" 3.") && !text.ends_with("No."), "{text}");
            assert!(text.chars().count() <= WHOLE);
        }
        assert!(all[0].starts_with("# Title\n\n") && all[0].chars().count() > 300, "a heading stays with its text");
    }
}

#[test]
fn chunks_begin_and_end_at_paragraphs_where_they_can() {
    let paragraph = |n: usize| format!("Part {n}. {}", "The store keeps goods for a year. ".repeat(10).trim_end());
    let text = (0..12).map(paragraph).collect::<Vec<_>>().join("\n\n\n\n");
    for chunk in texts(&markdown(&text)) {
        assert!(chunk.ends_with("year.") && (chunk.starts_with("Part") || chunk.starts_with("The store")), "{chunk}");
    }
    // A letter is never parted from its marks.
    let marked = "e\u{301}\u{323}".repeat(3_000);
    let doc = Extracted { text: marked, ..Extracted::default() };
    for chunk in split(&doc, &[]) {
        assert!(doc.text[chunk.start..].starts_with('e'));
    }
}

proptest! {
    /// Every chunk is text of the document, in order, crosses no cut, and nothing but white space is lost.
    #[test]
    fn chunks_cover_the_text_and_never_cross_a_cut(
        blocks in proptest::collection::vec(("(# |## |### )?", "[a-zé \\.\u{1F600}\u{4e2d}]{0,400}"), 1..30),
        mut cuts in proptest::collection::vec(0usize..6_000, 0..4),
    ) {
        let mut doc = Extracted::default();
        for (marks, text) in blocks {
            if !doc.text.is_empty() {
                doc.text.push_str("\n\n");
            }
            if !marks.is_empty() {
                let heading = Heading { start: doc.text.len(), level: marks.len() as u8 - 1, text: text.clone() };
                doc.headings.push(heading);
            }
            let start = doc.text.len();
            doc.text.push_str(&marks);
            doc.text.push_str(&text);
            if start % 3 == 0 && start < doc.text.len() {
                doc.units.push(start..doc.text.len());
            }
        }
        cuts.retain(|c| doc.text.is_char_boundary(*c));
        cuts.sort_unstable();
        let restricted: Vec<_> = cuts.chunks_exact(2).map(|c| c[0]..c[1]).collect();
        let cuts: Vec<usize> = restricted.iter().flat_map(|r| [r.start, r.end]).collect();
        let chunks = split(&doc, &restricted);
        let mut covered = vec![false; doc.text.len()];
        let mut last = 0;
        for chunk in &chunks {
            prop_assert!(doc.text.get(chunk.start..chunk.end).is_some_and(|t| !t.trim().is_empty()));
            prop_assert!(chunk.start >= last);
            last = chunk.start;
            prop_assert!(!cuts.iter().any(|c| chunk.start < *c && *c < chunk.end));
            covered[chunk.start..chunk.end].fill(true);
        }
        for (at, c) in doc.text.char_indices() {
            prop_assert!(covered[at] || c.is_whitespace(), "lost {c:?} at {at}");
        }
    }
}
