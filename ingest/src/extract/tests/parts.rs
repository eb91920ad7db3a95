//! What belongs to a restricted part in a reader's eyes lies in it, and changes no byte outside it.

use super::*;

/// The text inside and outside of the part under the heading `Salaries`, and all else that is open.
fn parted(name: &str, bytes: &[u8]) -> (String, String) {
    let job = Job { name: name.into(), sections: vec![Place::Heading("Salaries".into())] };
    let doc = extract(&job, bytes).unwrap();
    let (mut inside, mut outside, mut at) = (String::new(), String::new(), 0);
    for span in &doc.sections[0] {
        outside.push_str(&doc.text[at..span.start]);
        inside.push_str(&doc.text[span.start..span.end]);
        at = span.end;
    }
    outside.push_str(&doc.text[at..]);
    let within = |at: usize| doc.sections[0].iter().any(|span| (span.start..span.end).contains(&at));
    for chunk in doc.chunks.iter().filter(|chunk| !within(chunk.start)) {
        outside.push_str(&format!("\n{:?} {}", chunk.heading_path, &doc.text[chunk.start..chunk.end]));
    }
    outside.push_str(&format!("\n{:?} {:?}", doc.title, doc.metadata));
    (inside, outside)
}

/// Every word that begins with `secret` is inside, every one that begins with `open` outside.
fn apart(name: &str, bytes: &[u8]) -> (String, String) {
    let (inside, outside) = parted(name, bytes);
    assert!(!outside.contains("secret"), "{}\n--- open:\n{outside}", String::from_utf8_lossy(bytes));
    assert!(!inside.contains("open") && inside.contains("secret"), "--- restricted:\n{inside}");
    (inside, outside)
}

fn styled(style: &str, text: &str) -> String {
    format!("<w:p><w:pPr><w:pStyle w:val=\"{style}\"/></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>")
}

/// A Word document with `part` under `Salaries`, of the level given.
fn document(level: u8, part: &str) -> String {
    let heading = format!("Heading{level}");
    word(&format!(
        "{}{}{}{part}{}{}",
        styled("Heading1", "Top"),
        para("opena"),
        styled(&heading, "Salaries"),
        styled(&heading, "Open"),
        para("openb")
    ))
}

fn boxed(content: &str) -> String {
    format!(
        "<w:p><w:r><w:t>secretanchor</w:t></w:r><w:r><mc:AlternateContent><mc:Choice><w:drawing><w:txbxContent>{content}\
         </w:txbxContent></w:drawing></mc:Choice><mc:Fallback><w:pict><w:txbxContent>{content}</w:txbxContent></w:pict>\
         </mc:Fallback></mc:AlternateContent></w:r><w:r><w:t> secretrest</w:t></w:r></w:p>"
    )
}

#[test]
fn word_has_nine_levels_of_headings() {
    for (outer, inner) in [(6, 7), (6, 9), (7, 8), (8, 9)] {
        let part = format!("{}{}", styled(&format!("Heading{inner}"), "secretsub"), para("secretdeep"));
        apart("a.docx", &docx(&[("word/document.xml", &document(outer, &part))]));
    }
    let outline = "<w:p><w:pPr><w:outlineLvl w:val=\"7\"/></w:pPr><w:r><w:t>secretsub</w:t></w:r></w:p>";
    apart("a.docx", &docx(&[("word/document.xml", &document(7, outline))]));
    let named = r#"<w:styles xmlns:w="w"><w:style w:styleId="Mine"><w:name w:val="heading 9"/></w:style></w:styles>"#;
    let part = format!("{}{}", styled("Mine", "secretsub"), para("secretdeep"));
    apart("a.docx", &docx(&[("word/document.xml", &document(6, &part)), ("word/styles.xml", named)]));
}

#[test]
fn a_text_box_follows_its_paragraph_and_divides_nothing() {
    let of = |part: &str| apart("a.docx", &docx(&[("word/document.xml", &document(2, part))]));
    let (inside, open) = of(&boxed(&format!("{}{}", styled("Heading1", "secrethead"), para("secretbox"))));
    assert!(inside.ends_with("secretanchor secretrest\n\nsecrethead\n\nsecretbox\n\n"), "{inside}");
    let table = format!("<w:tbl><w:tr><w:tc>{}</w:tc><w:tc>{}</w:tc></w:tr></w:tbl>", para("secretc"), para("secretd"));
    let (inside, other) = of(&boxed(&table));
    assert!(inside.contains("secretrest\n\nsecretc | secretd"), "{inside}");
    assert_eq!(open, other);
    let (inside, _) =
        of(&format!("<w:tbl><w:tr><w:tc>{}</w:tc></w:tr></w:tbl>", boxed(&styled("Heading1", "secretx"))));
    assert!(inside.contains("\n\nsecretanchor secretrest secretx\n\n"), "{inside}");

    let heading =
        boxed(&para("secretbox")).replace("<w:p><w:r>", "<w:p><w:pPr><w:pStyle w:val=\"Heading2\"/></w:pPr><w:r>");
    let body = document(2, &para("secretbody")).replace(&styled("Heading2", "Salaries"), &heading);
    let body = body.replacen("secretanchor", "Salaries", 1).replace(" secretrest", "");
    let (inside, _) = apart("a.docx", &docx(&[("word/document.xml", &body)]));
    assert_eq!(inside, "## Salaries\n\nsecretbox\n\nsecretbody\n\n");
}

#[test]
fn notes_of_word_stand_where_they_are_called() {
    let call = |kind: &str, id: u32| format!("<w:r><w:{kind}Reference w:id=\"{id}\"/></w:r>");
    let part = format!(
        "<w:p><w:r><w:t>secreta</w:t></w:r>{}<w:r><w:t> secretb</w:t></w:r></w:p>\
         <w:tbl><w:tr><w:tc><w:p><w:r><w:t>secretcell</w:t></w:r>{}</w:p></w:tc></w:tr></w:tbl>\
         <w:p><w:del><w:r><w:t>gone</w:t></w:r>{}</w:del></w:p>",
        call("footnote", 2),
        call("endnote", 2),
        call("footnote", 4)
    );
    let body = document(2, &part).replace("openb</w:t></w:r>", &format!("openb</w:t></w:r>{}", call("footnote", 3)));
    let notes = |kind: &str, notes: &[(u32, &str)]| {
        let note =
            |(id, text): &(u32, &str)| format!("<w:{kind} w:id=\"{id}\">{}</w:{kind}>", styled("Heading1", text));
        format!("<w:{kind}s xmlns:w=\"w\">{}</w:{kind}s>", notes.iter().map(note).collect::<String>())
    };
    let feet = |secret: &str| notes("footnote", &[(1, ""), (2, secret), (3, "openfoot"), (4, "lost"), (5, "lost")]);
    let ends = notes("endnote", &[(2, "secretend")]);
    let of = |secret: &str| {
        let parts = [
            ("word/document.xml", body.as_str()),
            ("word/footnotes.xml", &feet(secret)),
            ("word/endnotes.xml", &ends),
            ("word/header1.xml", &word(&para("secrethead"))),
            ("word/footer1.xml", &word(&para("secretfoot"))),
        ];
        apart("a.docx", &docx(&parts))
    };
    let (inside, open) = of("secretfoot");
    assert_eq!(inside, "## Salaries\n\nsecreta secretb\n\nsecretfoot\n\nsecretcell secretend\n\n");
    assert!(open.contains("openb\n\nopenfoot") && !open.contains("lost"), "{open}");
    assert_eq!(of("secretfoot of quite another length").1, open);
    let parts = [("word/document.xml", body.as_str()), ("word/footnotes.xml", &feet("secretfoot"))];
    let doc = run("a.docx", &docx(&parts)).unwrap();
    assert_eq!(doc.removed["notes that nothing calls"], 2);
}

#[test]
fn what_was_moved_or_changed_in_word_counts_as_it_is_now() {
    let moved = "<w:p><w:r><w:t>opena</w:t></w:r><w:moveFrom><w:r><w:t>secretmoved</w:t></w:r></w:moveFrom></w:p>";
    let part = "<w:p><w:moveTo><w:r><w:t>secretmoved</w:t></w:r></w:moveTo></w:p>";
    let body = document(2, part).replace(&para("opena"), moved);
    let bytes = docx(&[("word/document.xml", &body)]);
    apart("a.docx", &bytes);
    assert_eq!(run("a.docx", &bytes).unwrap().removed["deleted revisions"], 1);
    // It was a heading, and it was hidden.
    let once = "<w:p><w:pPr><w:pPrChange><w:pPr><w:pStyle w:val=\"Heading1\"/></w:pPr></w:pPrChange></w:pPr><w:r><w:rPr>\
                <w:rPrChange><w:rPr><w:vanish/></w:rPr></w:rPrChange></w:rPr><w:t>secretbody</w:t></w:r></w:p>";
    apart("a.docx", &docx(&[("word/document.xml", &document(2, once))]));
    // A text box in a hidden run, and what follows a run inside it.
    let hidden =
        format!("<w:p><w:r><w:rPr><w:vanish/></w:rPr><w:txbxContent>{}</w:txbxContent></w:r></w:p>", para("ghost"));
    let (inside, _) =
        apart("a.docx", &docx(&[("word/document.xml", &document(2, &format!("{}{hidden}", para("secreta"))))]));
    assert!(!inside.contains("ghost"), "{inside}");
}

#[test]
fn a_table_of_contents_repeats_nothing_of_a_part() {
    let body = document(2, &styled("Heading3", "secretsub"));
    let body = body.replace(&para("opena"), &format!("{}{}", styled("TOC3", "secretsub 7"), para("opena")));
    apart("a.docx", &docx(&[("word/document.xml", &body)]));
}
