//! Restricted parts of Markdown end where the file says, whatever is left out of its text.

use proptest::prelude::*;
use usher_base::outline::{Named, headings};

use super::*;

fn of_salaries(text: &str) -> Result<Extracted, ExtractError> {
    extract(
        &Job { name: "a.md".into(), sections: vec![SectionPlace::Heading("Salaries".into())], ..Job::default() },
        text.as_bytes(),
    )
}

/// All that is open of a document.
fn open(doc: &Extracted) -> String {
    let is_inside = |at: usize| doc.sections.iter().flatten().any(|span| (span.start..span.end).contains(&at));
    let mut open = format!(
        "{:?} {:?} {:?}",
        doc.title,
        doc.metadata,
        doc.headings.iter().filter(|h| !is_inside(h.start)).collect::<Vec<_>>()
    );
    for chunk in doc.chunks.iter().filter(|chunk| !is_inside(chunk.start)) {
        open.push_str(&format!("\n{:?} {}", chunk.heading_path, &doc.text[chunk.start..chunk.end]));
    }
    open
}

#[test]
fn a_character_that_would_make_a_heading_refuses_a_file_with_restricted_parts() {
    for (part, character, line) in [
        ("#\u{200b} Fake\n\nSECRET", "U+200B", 5),
        ("\u{ad}# Fake\n\nSECRET", "U+00AD", 5),
        ("x\n\n\u{feff}# Fake\n\nSECRET", "U+FEFF", 7),
        ("SECRET\u{2028}# Fake", "U+2028", 5),
        ("SECRET\u{b}# Fake", "U+000B", 5),
        ("SECRET\u{c}# Fake", "U+000C", 5),
        ("SECRET\u{85}# Fake", "U+0085", 5),
        ("\u{c}# 12 SECRETo4 people", "U+000C", 5),
        ("```\nx\n\u{c}```\n# comment in shell SECRET\n```", "U+000C", 7),
        ("```\nx\n\u{200b}```\n# comment in shell SECRET\n```", "U+200B", 7),
        ("`a\u{b}# b`  SECRET", "U+000B", 5),
        ("#\u{3164}Fake SECRET", "U+3164", 5),
        ("```\nx\n\u{1fef}\u{1fef}\u{1fef}\n# comment SECRET\n```", "U+1FEF", 7),
        ("#\u{9f} Fake\n\nSECRET", "U+009F", 5),
        ("SECRET\u{2028}===\nx", "U+2028", 5),
        ("## \u{200b}Fake\n\n\u{200b}# Fake SECRET", "U+200B", 7),
        ("a[^1]\n\n# Open\n\nx\n\n[^1]:\u{200b} SECRET\n\n\u{200b}[^2]: SECRET", "U+200B", 13),
        ("[a b]\n\n# Open\n\nx\n\n[a b]: <http://x/\u{2028}SECRET>", "U+2028", 11),
    ] {
        let text = format!("open\n\n# Salaries\n\n{part}\n");
        match of_salaries(&text) {
            Err(ExtractError::Broken(why)) => {
                let named = format!("line {line} holds {character}, ");
                assert!(why.starts_with(&named), "{part:?}: {why}");
            }
            other => panic!("{part:?}: {other:?}"),
        }
        // Without restricted parts there is nothing to end.
        run("a.md", text.as_bytes()).unwrap();
    }
}

#[test]
fn a_character_that_makes_no_heading_does_no_harm() {
    for part in [
        "SEC\u{200b}RET\n\n\u{c}\n\nmore",
        "SECRET\u{2028}more\u{b}more",
        "\u{200b}\n\n## De\u{ad}eper\n\n`#\u{200b} code` e\u{301} SECRET",
        "    #\u{200b} code\n\n> #\u{200b} quoted SECRET",
        "# \u{200b}\n\nSECRET",
        "a[^1]\n\n[^1]: no\u{200b}te SECRET",
    ] {
        let doc = of_salaries(&format!("o\u{200b}pen\n\n# Sal\u{ad}aries\n\n{part}\n\n# Op\u{200b}en\n\nend")).unwrap();
        let open = open(&doc);
        assert!(!open.contains("SECRET") && open.contains("Open") && open.contains("end"), "{part:?}: {open}");
        assert!(doc.text.contains("SECRET"), "{part:?}");
    }
    // By an entity.
    let doc = of_salaries("# Sal&#x200B;aries\n\nSECRET\n\n# Open\n\nx\n\n# Salaries\n\nSECRET").unwrap();
    assert_eq!(doc.sections[0].len(), 2);
}

/// Front matter stands at the top of the file, not of what is left of it.
#[test]
fn what_comes_to_the_top_becomes_no_front_matter() {
    for top in ["\n", "---\na: b\n---\n", "<!-- x -->\n\n", "\u{200b}\n"] {
        let doc = of_salaries(&format!("{top}---\n# Salaries\n\nSECRET\n\n---\n\n# Salaries\n\nSECRET")).unwrap();
        assert_eq!(doc.sections[0].len(), 2, "{top:?}");
        assert!(!open(&doc).contains("SECRET"), "{top:?}");
    }
}

/// Where headings are elements, no character makes one, and what is left out of theirs does not hide them.
#[test]
fn other_formats_have_the_headings_that_they_mark() {
    let page = "<title>T</title><h1>To\u{2028}p</h1><p>opena</p><h2>Sal&#x200B;ar&shy;ies</h2><p>SECRET&#x2028;# Fake\u{c}# Fake</p>\
                <h2>&#x2028;</h2><pre>\n# SECRET\u{b}# SECRET</pre><h2>Op\u{200b}en</h2><p>openb</p>";
    let styled = |style: &str, text: &str| {
        format!("<w:p><w:pPr><w:pStyle w:val=\"{style}\"/></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>")
    };
    let body = [
        styled("Heading1", "To\u{2028}p"),
        para("opena"),
        styled("Heading2", "Sal\u{200b}ar\u{ad}ies"),
        para("SECRET\u{2028}# Fake\u{85}# Fake"),
        styled("Heading2", "\u{200b}"),
        para("\u{ad}# SECRET"),
        styled("Heading2", "Op\u{200b}en"),
        para("openb"),
    ];
    let word = docx(&[("word/document.xml", &word(&body.concat()))]);
    for (name, bytes) in [("a.html", page.as_bytes()), ("a.docx", &word)] {
        let job = Job { name: name.into(), sections: vec![SectionPlace::Heading("Salaries".into())], ..Job::default() };
        let doc = extract(&job, bytes).unwrap();
        let (open, span) = (open(&doc), doc.sections[0][0]);
        assert!(!open.contains("SECRET") && !open.contains("Fake") && open.contains("openb"), "{name}: {open}");
        assert!(doc.text[span.start..span.end].starts_with("## Salaries\n\nSECRET"), "{name}: {}", doc.text);
        assert_eq!(
            doc.headings.iter().map(|h| h.text.as_str()).collect::<Vec<_>>(),
            ["To p", "Salaries", "Open"],
            "{name}"
        );
    }
}

const PIECES: &[&str] = &[
    "<!-- -->",
    "<!-- x\n-->",
    "<b hidden>x</b>",
    "<b hidden>",
    "<img hidden>",
    "=",
    "-",
    "1",
    ".",
    "# ",
    "## ",
    "#",
    "Salaries",
    "```",
    "~~~",
    "    ",
    "> ",
    "- ",
    "---",
    "===",
    "[^1]",
    "[^1]: ",
    "[x]",
    "[x]: /",
    "`",
    "<div>",
    "</div>",
    "<!-- ",
    "-->",
    "<b hidden>",
    "</b>",
    "*",
    "|",
    "\\",
    " ",
    "\t",
    "\r\n",
    "\n",
    "\n\n",
    "\n",
    "\n\n",
    "&#x200b;",
    "\u{200b}",
    "\u{2028}",
    "\u{2029}",
    "\u{c}",
    "\u{b}",
    "\u{85}",
    "\u{3164}",
    "\u{ad}",
    "\u{feff}",
    "\u{1fef}",
    "\u{301}",
    "\u{338}",
    "\u{200d}",
    "\u{200c}",
    "\u{915}",
    "\0",
    "\u{2000}",
    "\u{202e}",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn nothing_of_a_restricted_part_of_the_file_is_open(
        picked in proptest::collection::vec((proptest::sample::select(PIECES), any::<bool>()), 1..40),
        top in proptest::sample::select(vec!["open\n\n", "", "---\na: b\n---\n", "\n", "\u{200b}"]),
    ) {
        let mut text = format!("{top}# Salaries\n\n");
        for (index, (piece, has_word)) in picked.iter().enumerate() {
            text.push_str(piece);
            if *has_word {
                text.push_str(&format!("q{index}z"));
            }
        }
        text.push_str("\n\n# Open\n\nend\n");
        let raw = text.replace("\r\n", "\n");
        let parts = Named::of(&headings(&raw).unwrap()).parts_under("Salaries", raw.len());
        if let Ok(doc) = of_salaries(&text) {
            let open = open(&doc);
            for index in 0..picked.len() {
                let word = format!("q{index}z");
                let is_secret = raw.find(&word).is_some_and(|at| parts.iter().any(|part| part.contains(&at)));
                prop_assert!(!(is_secret && open.contains(&word)), "{word} of {text:?} is open: {open}");
            }
        }
    }
}
