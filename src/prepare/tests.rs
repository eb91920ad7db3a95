use serde_json::{Value, json};

use super::*;

fn laid_out(
    content: Value,
    sections: Value,
    chunks: Option<Value>,
) -> Result<(Vec<PreparedChunk>, Vec<SectionRow>), Unprocessable> {
    let mut document = json!({"id": "s/d", "collection": "c", "content": content, "sections": sections});
    if let Some(chunks) = chunks {
        document["chunks"] = chunks;
    }
    match layout(&serde_json::from_value(document).unwrap(), &Effort::unbounded()) {
        Ok(laid) => Ok(laid),
        Err(LayoutError::Unprocessable(error)) => Err(error),
        Err(LayoutError::Spent(_)) => panic!("without a bound"),
    }
}

fn rule(heading: &str) -> Value {
    json!([{"id": "s", "heading": heading, "acl": {"viewers": ["user:ann"]}}])
}

#[test]
fn code_that_looks_like_a_heading_ends_no_section() {
    let text = "# Salaries\n\nBase:\n\n    # comment\n    run\n\nAnn earns 5.";
    let (_, sections) = laid_out(json!({"type": "text/markdown", "text": text}), rule("Salaries"), None).unwrap();
    assert_eq!((sections[0].start, sections[0].end), (0, text.len()));
}

#[test]
fn a_heading_that_stands_twice_or_only_in_a_quotation_is_refused() {
    for text in ["# A\n\n1\n\n# B\n\n# A\n\n2", "> # A\n>\n> 1", "plain"] {
        assert!(laid_out(json!({"type": "text/markdown", "text": text}), rule("A"), None).is_err(), "{text}");
    }
}

#[test]
fn headings_of_given_chunks_are_kept_where_everybody_may_read_them() {
    let text = "## Handbook\n\nopen\n\n## Pay\n\nsecret\n\nrest\n";
    let (pay, rest) = (text.find("## Pay").unwrap(), text.find("rest").unwrap());
    let chunks = json!([
        {"start": 0, "end": pay, "heading_path": ["Handbook"]},
        {"start": pay, "end": rest, "heading_path": ["Handbook", "Pay"]},
        {"start": rest, "end": text.len(), "heading_path": ["Handbook", "Pay", "Nowhere"]},
    ]);
    let section = json!([{"id": "s", "span": {"start": pay, "end": rest}, "acl": {"nobody": true}}]);
    let (chunks, _) = laid_out(json!({"type": "text/html", "text": text}), section, Some(chunks)).unwrap();
    let paths: Vec<_> = chunks.iter().map(|chunk| chunk.heading_path.join("/")).collect();
    assert_eq!(paths, ["Handbook", "Handbook/Pay", "Handbook"]);
}

/// The text stays as it was sent, and its headings are those of it.
#[test]
fn characters_that_nobody_sees_end_no_section_and_hide_no_heading() {
    for part in [
        "#\u{200b} Fake\n\nSECRET",
        "\u{ad}# Fake\n\nSECRET",
        "SECRET\u{2028}# Fake",
        "SECRET\u{b}# Fake",
        "SECRET\u{c}# Fake",
        "\u{c}# 12 SECRETo4 people",
        "```\n\u{c}```\n# comment SECRET\n```",
        "`a\u{b}# b`  SECRET",
        "#\u{3164}Fake SECRET",
        "```\n\u{1fef}\u{1fef}\u{1fef}\n# comment SECRET\n```",
        "# \u{200b}\n\nSECRET",
    ] {
        let text = format!("open\n\n# Sal\u{200b}aries\n\n{part}\n\n# Open\n\nend\n");
        let content = json!({"type": "text/markdown", "text": text});
        let whole = json!([{"start": 0, "end": text.len(), "heading_path": ["SECRET", "Fake", "12 SECRETo4 people"]}]);
        for given in [None, Some(whole)] {
            let (chunks, sections) = laid_out(content.clone(), rule("Salaries"), given).unwrap();
            let (start, end) = (sections[0].start, sections[0].end);
            assert_eq!(text.get(end..), Some("# Open\n\nend\n"), "{part:?}");
            for chunk in chunks.iter().filter(|chunk| chunk.end <= start || end <= chunk.start) {
                let open = format!("{:?} {}", chunk.heading_path, text.get(chunk.start..chunk.end).unwrap());
                assert!(!open.contains("SECRET"), "{part:?}: {open}");
            }
        }
        // Of two headings that look the same, neither can be told to be meant.
        assert!(
            laid_out(
                json!({"type": "text/markdown", "text": format!("{text}\n# Salaries\n\nx")}),
                rule("Salaries"),
                None
            )
            .is_err()
        );
    }
    let chunks = json!([{"start": 0, "end": 4}, {"start": 5, "end": 11, "heading_path": ["P\u{200b}AY"]}]);
    let text = json!({"type": "text/html", "text": "open\nSECRET"});
    let (_, sections) = laid_out(text, rule("PAY"), Some(chunks)).unwrap();
    assert_eq!((sections[0].start, sections[0].end), (4, 11));
}

#[test]
fn text_between_chunks_belongs_to_the_section_that_follows() {
    let text = "open\nPAY\nsecret\nend";
    let (secret, end) = (text.find("secret").unwrap(), text.find("end").unwrap());
    let chunks = json!([
        {"start": 0, "end": 4},
        {"start": secret, "end": secret + 6, "heading_path": ["PAY"]},
        {"start": end, "end": text.len()},
    ]);
    let (_, sections) = laid_out(json!({"type": "text/html", "text": text}), rule("PAY"), Some(chunks)).unwrap();
    assert_eq!((sections[0].start, sections[0].end), (4, end));
}

/// A rule of dashes without an empty line before it makes a heading of the line above, which would open the rest.
#[test]
fn a_restricted_part_does_not_end_at_a_heading_that_only_dashes_make() {
    let of = |text: &str| laid_out(json!({"type": "text/markdown", "text": text}), rule("Pay"), None);
    let refused = of("## Pay\n\nAnn earns 5\n---\nBob earns 6").unwrap_err();
    assert!(refused.pointer == "/sections/0/heading" && refused.detail.contains("empty line"), "{refused:?}");
    for text in ["## Pay\n\nAnn\n\n---\nBob", "## Pay\n\nAnn\n\n## Next\n\nBob", "Pay\n---\n\nAnn\n\nNext\n---\n\nBob"]
    {
        of(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
    }
}
