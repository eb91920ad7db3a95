//! What belongs to a restricted part in a reader's eyes lies in it, and changes no byte outside it.

use super::*;

/// The text inside and outside of the part under the heading `Salaries`, and all else that is open.
fn parted(name: &str, bytes: &[u8]) -> (String, String) {
    let job = Job { name: name.into(), sections: vec![SectionPlace::Heading("Salaries".into())], ..Job::default() };
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

/// A page with `part` under `Salaries`.
fn page(part: &str, end: &str) -> String {
    format!("<html><body><h1>Top</h1><p>opena</p><h2>Salaries</h2>{part}<h2>Open</h2><p>openb</p>{end}</body></html>")
}

#[test]
fn only_headings_of_the_page_itself_divide_it() {
    for (open, close) in [
        ("<blockquote>", "</blockquote>"),
        ("<ul><li>", "</li></ul>"),
        ("<ol><li><p>x</p>", "</li></ol>"),
        ("<dl><dt>x</dt><dd>", "</dd></dl>"),
        ("<aside>", "</aside>"),
        ("<figure>", "</figure>"),
        ("<figure><figcaption>", "</figcaption></figure>"),
        ("<details open><summary>x</summary>", "</details>"),
        ("<dialog open>", "</dialog>"),
        ("<fieldset><legend>x</legend>", "</fieldset>"),
        ("<table><caption>", "</caption><tr><td>x</td></tr></table>"),
        ("<table><tr><td>", "</td></tr></table>"),
        ("<address>", "</address>"),
        ("<slot>", "</slot>"),
        ("<x-quote>", "</x-quote>"),
        ("<button>", "</button>"),
        ("<div><section><blockquote><div>", "</div></blockquote></section></div>"),
    ] {
        for level in [1, 2, 3] {
            let quoted = format!("<p>secreta</p>{open}<h{level}>secreth</h{level}>{close}<p>secretb</p>");
            let (inside, _) = apart("a.html", page(&quoted, "").as_bytes());
            assert!(inside.contains("secreth") && !inside.contains("# secreth"), "{open} {inside}");
        }
    }
    for (open, close) in [
        ("<section>", "</section>"),
        ("<article><header>", "</header></article>"),
        ("<div><div>", "</div></div>"),
        ("<hgroup>", "</hgroup>"),
        ("<center><font>", "</font></center>"),
    ] {
        let part = format!("<p>secreta</p>{open}<h2>opens</h2><p>opent</p>{close}<p>openu</p>");
        let (inside, _) = apart("a.html", page(&part, "").as_bytes());
        assert_eq!(inside, "## Salaries\n\nsecreta\n\n", "{open}");
    }
    let list = run("a.html", b"<ul><li><h3>Head</h3><p>text</p></li></ul>").unwrap();
    assert_eq!((list.text.as_str(), list.headings.len()), ("- Head\n\ntext", 0));
}

#[test]
fn notes_of_a_page_stand_where_they_are_called() {
    let pandoc = |n: u32, text: &str| {
        format!(
            "<li id=\"fn{n}\" role=\"doc-endnote\"><p>{text}<a href=\"#fnref{n}\" role=\"doc-backlink\">x</a></p></li>"
        )
    };
    let list =
        |notes: &str| format!("<section class=\"footnotes\" role=\"doc-endnotes\"><hr><ol>{notes}</ol></section>");
    let call = |n: u32| format!("<a href=\"#fn{n}\" id=\"fnref{n}\" role=\"doc-noteref\"><sup>{n}</sup></a>");
    let of = |secret: &str| {
        let part = format!("<p>secreta{} secretb</p><p>secretc</p>", call(1));
        let notes = format!("{}{}{}", pandoc(1, secret), pandoc(2, "openfoot"), pandoc(3, "lost"));
        let text = page(&part, &list(&notes)).replace("openb", &format!("openb{}", call(2)));
        apart("a.html", text.as_bytes())
    };
    let (inside, open) = of("secretfoot");
    assert_eq!(inside, "## Salaries\n\nsecreta 1 secretb\n\nsecretfootx\n\nsecretc\n\n");
    assert!(open.contains("openb 2\n\nopenfootx") && !open.contains("lost"), "{open}");
    assert_eq!(of("secretfoot that is longer <b>than that</b>").1, open);

    let others: [(&str, &str, &str); 9] = [
        (
            "LibreOffice",
            "<a class=\"sdfootnoteanc\" name=\"sdfootnote1anc\" href=\"#sdfootnote1sym\"><sup>1</sup></a>",
            "<div id=\"sdfootnote1\"><p class=\"sdfootnote\"><a name=\"sdfootnote1sym\" href=\"#sdfootnote1anc\">1</a>secretfoot</p>\
             <p>secretmore</p></div><div title=\"footer\"><p>secretpage</p></div>",
        ),
        (
            "Word",
            "<a href=\"#_ftn1\" name=\"_ftnref1\">[1]</a>",
            "<div style='mso-element:footnote-list'><hr><div style='mso-element:footnote' id=ftn1><p><a href=\"#_ftnref1\" \
             name=\"_ftn1\">[1]</a> secretfoot</p><p>secretmore</p></div></div>",
        ),
        (
            "EPUB",
            "<a epub:type=\"noteref\" href=\"#n1\">1</a>",
            "<aside epub:type=\"footnote\" id=\"n1\"><p>secretfoot</p></aside>",
        ),
        (
            "Kramdown",
            "<sup id=\"fnref:1\"><a href=\"#fn:1\" class=\"footnote\">1</a></sup>",
            "<div class=\"footnotes\"><ol><li id=\"fn:1\"><p>secretfoot</p></li></ol></div>",
        ),
        (
            "Asciidoctor",
            "<sup class=\"footnote\">[<a id=\"_footnoteref_1\" class=\"footnote\" href=\"#_footnotedef_1\">1</a>]</sup>",
            "<div id=\"footnotes\"><hr><div class=\"footnote\" id=\"_footnotedef_1\"><a href=\"#_footnoteref_1\">1</a>. \
             secretfoot</div></div>",
        ),
        (
            "Sphinx",
            "<a class=\"footnote-reference brackets\" href=\"#id2\" id=\"id1\">1</a>",
            "<dl class=\"footnote brackets\"><dt id=\"id2\">1</dt><dd><p>secretfoot</p></dd></dl>",
        ),
        (
            "dl",
            "<a href=\"#d1\" role=\"doc-noteref\">1</a>",
            "<dl class=\"footnotes\"><dt id=\"d1\">1</dt><dd>secretfoot</dd><dt id=\"d2\">2</dt><dd>secretlost</dd></dl>",
        ),
        (
            "MediaWiki",
            "<sup id=\"cite_ref-1\"><a href=\"#cite_note-1\">[1]</a></sup>",
            "<ol class=\"references\"><li id=\"cite_note-1\"><a href=\"#cite_ref-1\">^</a> secretfoot</li></ol>",
        ),
        (
            "by hand",
            "<a name=\"r\" href=\"#n\">*</a>",
            "<p>openlast</p><p><a name=\"n\" href=\"#r\">*</a> secretfoot</p>",
        ),
    ];
    for (name, call, note) in others {
        let text = page(&format!("<p>secreta{call}</p><p>secretb</p>"), note);
        let (inside, _) = apart("a.html", text.as_bytes());
        let at = |word: &str| inside.find(word).unwrap_or_else(|| panic!("{name}: {inside}"));
        assert!(at("secreta") < at("secretfoot") && at("secretfoot") < at("secretb"), "{name}: {inside}");
    }
    // Who only speaks of a note does not call it.
    let notes = list(&pandoc(1, "secretfoot"));
    for spoken in ["<a href=\"#fn1\">note 1</a>", "<a href=\"#fn1\">1</a>"] {
        let text = page(&format!("<p>secreta{}</p>", call(1)), &notes).replace("openb", &format!("openb {spoken}"));
        apart("a.html", text.as_bytes());
        let text = page("<p>secreta</p>", &notes.replace("role=\"doc-backlink\"", "").replace("#fnref1", "#x"))
            .replace("openb", "openb <a href=\"#fn1\">the note on pay</a>");
        assert!(!apart("a.html", text.as_bytes()).1.contains("secretfoot"));
    }
    // Called from a table, and from a heading.
    let text = page(&format!("<table><tr><td>secreta{}</td></tr></table>", call(1)), &list(&pandoc(1, "secretfoot")));
    apart("a.html", text.as_bytes());
    let text = page("<p>secreta</p>", &list(&pandoc(1, "secretfoot")));
    let text = text.replace("Salaries", &format!("Salaries {}", call(1)));
    let job =
        Job { name: "a.html".into(), sections: vec![SectionPlace::Heading("Salaries 1".into())], ..Job::default() };
    let doc = extract(&job, text.as_bytes()).unwrap();
    assert_eq!(
        &doc.text[doc.sections[0][0].start..doc.sections[0][0].end],
        "## Salaries 1\n\nsecretfootx\n\nsecreta\n\n"
    );
}

#[test]
fn each_note_of_a_list_of_notes_stands_where_it_is_called() {
    let call = |n: u8| format!("<a class=\"footnote-reference\" href=\"#n{n}\" id=\"c{n}\">{n}</a>");
    let note = |n: u8, text: &str| {
        format!(
            "<dt class=label id=n{n}><span><a class=fn-backref href=\"#c{n}\">{n}</a></span></dt><dd><p>{text}</p></dd>"
        )
    };
    let list = format!("<dl class=\"footnote brackets\">{}{}</dl>", note(1, "secretnote"), note(2, "opennote"));
    let whole = format!(
        "<h1>Top</h1><h2>Salaries</h2><p>secretx {}</p><h2>Other</h2><p>openy {}</p>{list}<p>openend</p>",
        call(1),
        call(2)
    );
    let (inside, outside) = apart("a.html", whole.as_bytes());
    assert!(inside.contains("secretnote") && outside.contains("opennote"), "{inside}\n---\n{outside}");
    let doc = extract(&Job { name: "a.html".into(), ..Job::default() }, whole.as_bytes()).unwrap();
    assert!(!doc.removed.contains_key("notes that nothing calls"), "{:?}", doc.removed);
    // Items that nothing calls stay where they are.
    let uncalled = format!("<h1>Top</h1><p>a {}</p>{list}", call(1));
    assert!(text_of("a.html", &uncalled).contains("opennote"));
}

#[test]
fn a_link_to_a_place_that_leads_back_is_no_note() {
    let text = page("<p id=\"s\">secreta <a href=\"#toc\">Top</a></p>", "")
        .replace("<p>opena</p>", "<p>opena <a id=\"toc\" href=\"#s\">Pay</a></p>");
    apart("a.html", text.as_bytes());
    let toc = "<h1>Top</h1><ul><li><a id=\"t1\" href=\"#s1\">1</a></li></ul><h2 id=\"s1\"><a href=\"#t1\">One</a></h2><p>x</p>";
    assert_eq!(text_of("a.html", toc), "# Top\n\n- 1\n\n## One\n\nx");
}

#[test]
fn a_hidden_note_stays_hidden_and_titles_of_drawings_are_no_titles() {
    let call = "<p>secreta<a href=\"#n\" role=\"doc-noteref\">1</a></p>";
    let hidden = "<div hidden><aside role=\"doc-footnote\" id=\"n\">ghost</aside></div>";
    let (inside, open) = apart("a.html", page(call, hidden).as_bytes());
    assert!(!inside.contains("ghost") && !open.contains("ghost"));
    let drawn = page("<p>secreta</p><svg><title>secrettitle</title><text>secretsvg</text></svg>", "");
    apart("a.html", drawn.as_bytes());
    let formula =
        page("<p>secreta <math><mi>secretx</mi><annotation encoding=\"tex\">ghost</annotation></math></p>", "");
    assert!(!apart("a.html", formula.as_bytes()).0.contains("ghost"));
}

#[test]
fn a_table_of_contents_of_a_page_repeats_nothing_of_a_part() {
    for begin in [
        "<div id=\"toc\" class=\"toc\">",
        "<div class=\"contents topic\" id=\"contents\">",
        "<div id=\"Table of Contents1\" dir=\"ltr\">",
        "<section role=\"doc-toc\">",
        "<nav>",
    ] {
        let end = begin.split([' ', '>']).next().unwrap().replace('<', "</");
        let toc = format!("{begin}<ul><li><a href=\"#s\">secretsub</a></li></ul>{end}><p>opena</p>");
        let text = page("<h3 id=\"s\">secretsub</h3><p>secreta</p>", "").replace("<p>opena</p>", &toc);
        let (_, open) = apart("a.html", text.as_bytes());
        assert!(open.contains("opena"), "{begin}");
    }
}

fn text_of(name: &str, content: &str) -> String {
    run(name, content.as_bytes()).unwrap().text
}

#[test]
fn hidden_elements_in_markdown_are_left_out_and_move_no_border() {
    let text = |markdown: &str| text_of("a.md", markdown);
    assert_eq!(text("a <span hidden>ghost <b>x</b></span>b"), "a b");
    assert_eq!(text("x\n\n<div style=\"display: none\">\n\nghost <div>\n\n</div>\n\n</div>\n\nb"), "x\n\n\n\nb");
    assert_eq!(text("a <script>bad()</script>b <em style='opacity:0'>ghost</em> c"), "a b  c");
    assert_eq!(text("a\n\n<p hidden>ghost\n\nb\n\n<div>seen</div>"), "a\n\n\n\nb\n\n<div>seen</div>");
    assert_eq!(text("a <span hidden>ghost\nghost\n\nb"), "a \n\nb");
    assert_eq!(
        text("```\n<div hidden>shown</div>\n```\n\n`<b hidden>x</b>`"),
        "```\n<div hidden>shown</div>\n```\n\n`<b hidden>x</b>`"
    );
    assert_eq!(text("a\n\n<div hidden>\n\nghost"), "a");
    assert_eq!(text("a <i aria-hidden=\"true\">x</i>b"), "a <i aria-hidden=\"true\">x</i>b");
    let doc = run("a.md", b"a <i hidden>x</i>\n\n<template>y</template>\n\n<!-- z -->").unwrap();
    assert_eq!((doc.removed["hidden elements"], doc.removed["embedded elements"], doc.removed["comments"]), (1, 1, 1));

    // None of these lines is a heading, and none becomes one.
    for line in [
        "<div hidden>x</div>\n# secrethead",
        "<div hidden>\n\nx\n\n</div>\n# secrethead",
        "<div>\n<!-- x -->\n# secrethead",
        "<div>\n<script>x</script>\n# secrethead",
        "<!-- x --># secrethead",
        "<script>x</script># secrethead",
        "<span hidden>x</span># secrethead",
        "<span hidden>\nx</span>\n# secrethead",
        "<b hidden>\n\nx</b># secrethead",
        "#<!-- x --> secrethead",
        "##<b hidden>x</b> secrethead",
        "x\n==<!-- x -->=\nsecrethead",
        "x\n-<b hidden>x</b>--\nsecrethead",
        "x\n=== <!-- x -->\nsecrethead",
        "#<!-- x --><!-- y --> secrethead",
    ] {
        let part = format!("# Top\n\nopena\n\n## Salaries\n\n{line}\n\nsecreta\n\n## Open\n\nopenb");
        let (inside, open) = apart("a.md", part.as_bytes());
        assert!(inside.contains("secreta") && open.contains("openb"), "{line}\n{inside}");
    }
}

#[test]
fn a_note_of_markdown_outside_of_the_part_that_calls_it_refuses_the_file() {
    let of = |part: &str, open: &str, end: &str| {
        let text = format!("# Top\n\nopena\n\n## Salaries\n\n{part}\n\n## Open\n\n{open}\n\n{end}\n");
        let sections = vec![SectionPlace::Heading("Salaries".into()), SectionPlace::Heading("Other".into())];
        extract(&Job { name: "a.md".into(), sections, ..Job::default() }, text.as_bytes())
    };
    let refused = |part: &str, open: &str, end: &str| match of(part, open, end) {
        Err(ExtractError::Broken(why)) => assert!(why.contains("move the definition into the section"), "{why}"),
        other => panic!("{part} {open} {end}: {other:?}"),
    };
    refused("pay[^1]", "x", "[^1]: secret");
    refused("pay[^1]\n\n- [^2] more\n\n[^1]: inside", "x", "[^2]: secret");
    refused("[pay][P  q]", "x", "[p q]: http://secret 'secret'");
    refused("![pay][]", "x", "[pay]: http://secret");
    refused("[pay]", "x", "[PAY]: http://secret");
    refused("[stra\u{df}e]", "x", "[STRASSE]: http://secret");
    refused("pay[^1]", "x", "## Other\n\ntext\n\n[^1]: of other readers");
    let why = of("pay[^Note]", "x", "[^note]: secret").unwrap_err().to_string();
    assert!(why.contains("`[^") && why.contains("line 13"), "{why}");
    for (part, open, end) in [
        ("pay[^1]\n\n[^1]: secret", "x", ""),
        ("pay[^1]", "open too[^1]", "[^1]: known"),
        ("pay[^1]\n\n[^1]: known", "open too[^1]", ""),
        ("pay", "x[^1]", "[^1]: open"),
        ("pay `[^1]`", "x", "[^1]: nothing calls it"),
        ("[pay](http://x)", "[x]", "[x]: http://open"),
    ] {
        of(part, open, end).unwrap();
    }
    let whole = Job { name: "a.md".into(), sections: vec![], ..Job::default() };
    extract(&whole, b"# A\n\ntext[^1]\n\n# B\n\n[^1]: note").unwrap();
}

#[test]
fn title_and_metadata_name_no_restricted_part() {
    let mail = |subject: &str, body: &str| {
        format!(
            "From: secretfrom@x\nTo: secretto@x, b@x\nSubject: {subject}\nDate: Fri, 3 May 2024 10:00:00 +0000\n\
             Content-Type: text/html\n\n{body}"
        )
    };
    apart("a.eml", mail("Salaries", "<p>secretbody</p>").as_bytes());
    for (name, file) in [
        ("a.html", "<title>Salaries secretly - site</title><h1>Salaries</h1><p>secretx</p><h1>Other</h1>opena"),
        ("a.html", "<title>secret plan</title><h1>Salaries</h1><p>A secret plan.</p><h1>Other</h1>opena"),
        (
            "a.md",
            "---\ntitle: SALARIES, secret\nof: salaries of secret\ntags: [x, secret Salaries]\n---\n# Salaries\n\nsecretx\n\n# Other\n\nopena",
        ),
        ("a.md", "---\ntitle: Secret *sub*\n---\n# Salaries\n\nsecretx\n\n## Secret **sub**\n\n# Other\n\nopena"),
    ] {
        apart(name, file.as_bytes());
    }
    // What the rest says too, or what is of the document as a whole, stays.
    let job = |text: &str| Job {
        sections: vec![SectionPlace::Heading("Salaries".into())],
        name: text.into(),
        ..Job::default()
    };
    let file = "---\ntitle: Handbook\nyear: 2024\n---\n# Handbook\n\n## Salaries\n\n2024: 7, as the Handbook says";
    let doc = extract(&job("a.md"), file.as_bytes()).unwrap();
    assert_eq!((doc.title.as_deref(), doc.metadata["year"].as_u64()), (Some("Handbook"), Some(2024)));
    let doc = extract(&job("a.eml"), mail("Open", "<h1>Salaries</h1>7").as_bytes()).unwrap();
    assert_eq!(doc.title.as_deref(), Some("Open"));
    assert_eq!(doc.metadata["to"], serde_json::json!(["secretto@x", "b@x"]));
    let doc = extract(&job("a.eml"), mail("Salaries", "7").as_bytes()).unwrap();
    assert_eq!((doc.title, doc.metadata.len(), doc.removed.len()), (None, 0, 1));
}
