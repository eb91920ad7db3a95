use std::ops::Range;

use super::*;

fn named(text: &str) -> Vec<(u8, String, usize)> {
    headings(text).unwrap().into_iter().map(|it| (it.level, it.text, it.start)).collect()
}

#[test]
fn headings_are_those_of_the_block_structure() {
    let text = "Intro\n\n  # A *b* `c` #\n\n    # code\n\n````\n```\n# fenced\n````\n\n<div>\n# html\n</div>\n\nTwo\nlines\n===\n\n\
                > # quoted\n\n- # listed\n\n#\n\n## Last\n";
    let found: Vec<_> = named(text).into_iter().map(|(level, text, _)| (level, text)).collect();
    let wanted = [(1, "A b c"), (1, "Two lines"), (2, "Last")];
    assert_eq!(found, wanted.map(|(level, text)| (level, text.to_owned())));
    assert_eq!(named(text)[0].2, text.find("  # A").unwrap(), "blanks before a heading belong to it");
    assert_eq!(named("---\ntitle: x\n---\n# A\n"), [(1, "A".to_owned(), 17)]);
    assert_eq!(named("para\n---\ntitle: x\n---\n").len(), 2, "front matter stands at the top only");
}

#[test]
fn a_rule_means_each_part_under_its_heading() {
    let text = "# A\n\n1\n\n## S\n\n2\n\n### S\n\n3\n\n## B\n\n4\n\n## S\u{308}\n\n5\n\n##  S\n\n6";
    let parts = Named::of(&headings(text).unwrap()).parts_under("S", text.len());
    let parts: Vec<_> = parts.into_iter().map(|part| text.get(part).unwrap()).collect();
    assert_eq!(parts, ["## S\n\n2\n\n### S\n\n3\n\n", "##  S\n\n6"]);
    assert!(Named::of(&headings(text).unwrap()).parts_under(" ", text.len()).is_empty());
}

#[test]
fn a_restricted_part_moves_neither_headings_nor_pieces_of_the_rest() {
    let seen = |hidden: &str| {
        let text = format!("# Top\n\nopen\n\n{hidden}## After [x]\n\nend\n");
        let hidden_from = 13;
        let restricted = [Range { start: hidden_from, end: hidden_from + hidden.len() }];
        let headings = headings_apart(&text, &restricted).unwrap();
        let outside = |piece: &Piece| !restricted[0].contains(&piece.start);
        let pieces = pieces(&text, &headings, &restricted).into_iter().filter(outside);
        pieces
            .map(|piece| (piece.path, piece.level, text.get(piece.start..piece.end).unwrap().to_owned()))
            .collect::<Vec<_>>()
    };
    let wanted = seen("# Secret\n\nx\n\n");
    assert_eq!(wanted.iter().map(|it| it.0.join("/")).collect::<Vec<_>>(), ["Top", "Top/After [x]"]);
    for hidden in [
        "```\nnever closed\n",
        "<!--\n",
        "[x]: https://example.org\n\n",
        "> quote\n",
        "- list\n",
        "## Other\n\nlonger\n\n# More\n",
    ] {
        assert_eq!(seen(hidden), wanted, "{hidden}");
    }
}

#[test]
fn a_restricted_part_lies_under_the_headings_before_it() {
    let text = "# Top\n\nopen\n\n## Pay\n\nx\n\n## More\n\ny\n\nrest\n";
    let (start, end) = (text.find("## Pay").unwrap(), text.find("rest").unwrap());
    let restricted = [Range { start, end }];
    let headings = headings_apart(text, &restricted).unwrap();
    let paths: Vec<_> = pieces(text, &headings, &restricted).into_iter().map(|piece| piece.path.join("/")).collect();
    assert_eq!(paths, ["Top", "Top/Pay", "Top/More", "Top"]);
}

#[test]
fn more_headings_than_a_text_may_have_are_not_read() {
    let text = "# h\n".repeat(MAX_HEADINGS);
    assert_eq!(headings(&text).unwrap().len(), MAX_HEADINGS);
    assert_eq!(headings(&format!("{text}# h\n")), Err(TooManyHeadings));
    // Those of the parts and of the rest together.
    let half = text.len() / 2;
    assert!(headings_apart(&format!("{text}# h\n"), &[Range { start: 0, end: half }]).is_err());
}

/// Paths are shared: what a text's headings take does not grow with the number of pieces below them.
#[test]
fn pieces_below_the_same_headings_share_them() {
    let text = format!("# {}\n{}", "x".repeat(400), "## y\n".repeat(100));
    let pieces = pieces(&text, &headings(&text).unwrap(), &[]);
    let first: Vec<_> = pieces.iter().map(|piece| std::sync::Arc::as_ptr(&piece.path[0]).cast::<u8>()).collect();
    assert_eq!(pieces.len(), 101);
    assert!(first.iter().all(|place| *place == first[0]));
}

#[test]
fn a_part_that_an_underline_ends_is_doubtful() {
    let doubtful = |text: &str| {
        let headings = headings(text).unwrap();
        let parts = Named::of(&headings).parts_under("Pay", text.len());
        ends_in_doubt(text, &parts[0])
    };
    assert!(doubtful("## Pay\n\nAnn earns 5\n---\nBob earns 6"));
    assert!(doubtful("# Pay\n\nx\n\nBob\n===\n"));
    assert!(!doubtful("## Pay\n\nAnn earns 5\n\n---\nBob earns 6"));
    assert!(!doubtful("## Pay\n\nAnn\n\n## Next\n\nBob\n---\n"));
    assert!(!doubtful("Pay\n---\n\nAnn\n\nNext\n---\n"));
    assert!(!doubtful("Pay\n---\n\nAnn\n\n## Next\n"));
}

#[test]
fn a_definition_that_restricted_parts_alone_call_lies_in_them() {
    let pay = "# Pay\n\nAnn earns[^5] as [agreed].\n\n";
    let checked = |text: &str| {
        let headings = headings(text).unwrap();
        refuse_definitions_elsewhere(text, &Named::of(&headings).parts_under("Pay", text.len()))
    };
    let elsewhere = |label: &str, line| Err(DefinitionMistake::Elsewhere { label: label.to_owned(), line });
    assert_eq!(checked(&format!("{pay}# Rest\n\n[^5]: five\n")), elsewhere("`[^5]`", 7));
    assert_eq!(checked(&format!("---\na: b\n---\n{pay}# Rest\n\n[Agreed]: /five\n")), elsewhere("`[Agreed]`", 10));
    // What is called from the open, too, or by nobody, tells nothing of the part.
    assert_eq!(checked(&format!("{pay}# Rest\n\nSee [^5].\n\n[^5]: five\n[other]: /x\n")), Ok(()));
    assert_eq!(checked(&format!("{pay}[^5]: five\n\n[agreed]: /x\n\n# Rest\n")), Ok(()));
    let many: String = (0..20_001).map(|n| format!("[{n}]: x\n")).collect();
    assert_eq!(checked(&format!("{pay}# Rest\n\n{many}")), Err(DefinitionMistake::TooMany));
    assert!(refuse_definitions_elsewhere(&many, &[]).is_ok());
}

#[test]
fn a_heading_is_what_a_person_sees_of_it() {
    let text = "# P\u{200b}ay\n\n1\n\n# \u{200b}\n\n2\n\n# Next&#x2060;\n\n3\n\n#\u{200b} Next\n";
    let headings = headings(text).unwrap();
    assert_eq!(headings.len(), 2);
    for (wanted, begins) in [("Pay", "# P"), ("\u{ad}Next", "# Next")] {
        let parts = Named::of(&headings).parts_under(wanted, text.len());
        assert!(parts.len() == 1 && text.get(parts[0].clone()).unwrap().starts_with(begins), "{wanted}");
    }
    assert!(Named::of(&headings).parts_under("\u{200b}", text.len()).is_empty());
}

#[test]
fn a_cleaned_text_has_the_marks_of_the_written_one_or_names_what_is_in_the_way() {
    let clean = |text: &str| invisible::cleaned(text).nfc().collect::<String>();
    let named = |text: &str| match cleaned_alike(text, clean) {
        Err(CleaningMistake::Otherwise { line, character }) => Some((line, character)),
        Err(other) => panic!("{text:?}: {other}"),
        Ok(cleaned) => {
            assert_eq!(cleaned, clean(text));
            None
        }
    };
    let at = |line, character: &str| Some((line, character.to_owned()));
    assert_eq!(
        named("# A\n\ne\u{301} \u{200b}x\u{c}\n\u{200b}\n# B\u{200b}\n\n[^1] \u{200d}[x]\n\n[^1]: y\n[x]: /z\n"),
        None
    );
    assert_eq!(named("e\u{301}\u{200b}\n\n\u{200b}x \u{200b}\n\n\u{200b}# A"), at(5, "U+200B"));
    // The same headings, at other places.
    assert_eq!(named("a\n\n# \u{2028}# A\n\n`\n# A\u{2028}`\n"), at(3, "U+2028"));
    assert_eq!(named("# A\n\n[\u{200b}^1]\n\n[^1]: x\n"), at(3, "U+200B"));
    assert_eq!(named("\u{ad}---\na: b\n---\n"), at(1, "U+00AD"));
}
