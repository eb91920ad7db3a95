//! What a person sees of a Word document, as Word and other programs write it, and nothing else.

use super::*;

/// Parts as `(name, content)`, the document among them.
fn body(content: &str, parts: &[(&str, &str)]) -> Extracted {
    let document = word(content);
    let mut all = vec![("word/document.xml", document.as_str())];
    all.extend_from_slice(parts);
    run("a.docx", &docx(&all)).unwrap()
}

fn run_of(properties: &str, text: &str) -> String {
    format!("<w:r><w:rPr>{properties}</w:rPr><w:t>{text}</w:t></w:r>")
}

fn relations(list: &[(&str, &str, &str)]) -> String {
    let one = |(id, kind, target): &(&str, &str, &str)| {
        format!("<Relationship Id=\"{id}\" Type=\"http://x/{kind}\" Target=\"{target}\"/>")
    };
    format!("<Relationships>{}</Relationships>", list.iter().map(one).collect::<String>())
}

#[test]
fn parts_are_found_by_relationships() {
    let root = relations(&[("a", "officeDocument", "/Word/Document2.xml"), ("b", "core-properties", "meta/c.xml")]);
    let own = relations(&[
        ("s", "styles", "looks/st.xml"),
        ("f", "footnotes", "../other/feet.xml"),
        ("h", "header", "x.xml"),
        ("i", "header", "x.xml"),
    ]);
    let styles = "<w:styles xmlns:w=\"w\"><w:style w:styleId=\"T\"><w:name w:val=\"heading 2\"/></w:style></w:styles>";
    let document = word(
        "<w:p><w:pPr><w:pStyle w:val=\"T\"/></w:pPr><w:r><w:t>Kiln</w:t></w:r></w:p>\
         <w:p><w:r><w:t>text</w:t><w:footnoteReference w:id=\"1\"/></w:r></w:p>",
    );
    let doc = run(
        "a.docx",
        &docx(&[
            ("_rels/.rels", &root),
            ("word/document2.xml", &document),
            ("word/_rels/document2.xml.rels", &own),
            ("word/looks/st.xml", styles),
            (
                "other/feet.xml",
                &format!(
                    "<w:footnotes xmlns:w=\"w\"><w:footnote w:id=\"1\">{}</w:footnote></w:footnotes>",
                    para("foot")
                ),
            ),
            ("meta/c.xml", "<c xmlns:dc=\"d\"><dc:title>Named</dc:title></c>"),
            ("word/styles.xml", "not this one"),
        ]),
    )
    .unwrap();
    assert_eq!((doc.text.as_str(), doc.title.as_deref()), ("## Kiln\n\ntext\n\nfoot", Some("Named")));
    assert_eq!(doc.removed["headers and footers"], 1);
}

#[test]
fn hidden_by_a_style_by_size_or_by_colour() {
    let styles = "<w:styles xmlns:w=\"w\"><w:style w:type=\"character\" w:styleId=\"Geheim\"><w:rPr><w:vanish/></w:rPr></w:style>\
        <w:style w:type=\"paragraph\" w:styleId=\"Weg\"><w:rPr><w:vanish/></w:rPr></w:style>\
        <w:style w:type=\"paragraph\" w:default=\"1\" w:styleId=\"N\"><w:rPr><w:sz w:val=\"22\"/></w:rPr></w:style></w:styles>";
    for (paragraph, properties, seen) in [
        ("", "<w:rStyle w:val=\"Geheim\"/>", false),
        ("", "<w:rStyle w:val=\"Geheim\"/><w:vanish w:val=\"0\"/>", true),
        ("<w:pStyle w:val=\"Weg\"/>", "", false),
        ("<w:pStyle w:val=\"Weg\"/>", "<w:vanish w:val=\"false\"/>", true),
        ("", "<w:vanish/>", false),
        ("", "<w:webHidden/>", true),
        ("", "<w:sz w:val=\"2\"/>", false),
        ("", "<w:color w:val=\"FFFFFF\"/>", false),
        ("", "<w:color w:val=\"FFFFFF\"/><w:shd w:val=\"clear\" w:fill=\"000080\"/>", true),
        ("<w:shd w:val=\"clear\" w:fill=\"000080\"/>", "<w:color w:val=\"FFFFFF\"/>", true),
        ("", "<w:color w:val=\"FFFFFF\"/><w:highlight w:val=\"red\"/>", true),
        // The mark of the paragraph is hidden, its text is not.
        ("<w:rPr><w:vanish/></w:rPr>", "", true),
    ] {
        let text = format!("<w:p><w:pPr>{paragraph}</w:pPr>{}</w:p>{}", run_of(properties, "marmot"), para("open"));
        let doc = body(&text, &[("word/styles.xml", styles)]);
        assert_eq!(doc.text.contains("marmot"), seen, "{paragraph} {properties}");
        assert_eq!(doc.removed.contains_key("hidden characters"), !seen, "{paragraph} {properties}");
    }
    let white = run_of("<w:color w:val=\"FFFFFF\"/>", "head");
    let table = format!("<w:tbl><w:tr><w:tc><w:p>{white}</w:p></w:tc></w:tr></w:tbl>");
    assert_eq!(body(&table, &[]).text, "head");
    let rows = format!(
        "<w:tbl><w:tr><w:trPr><w:hidden/></w:trPr><w:tc>{}</w:tc></w:tr><w:tr><w:tc>{}</w:tc></w:tr></w:tbl>",
        para("ghost"),
        para("row")
    );
    assert_eq!(body(&rows, &[]).text, "row");
}

#[test]
fn words_stay_words_and_numbers_numbers() {
    let above = |text: &str| run_of("<w:vertAlign w:val=\"superscript\"/>", text);
    let below = |text: &str| run_of("<w:vertAlign w:val=\"subscript\"/>", text);
    let plain = |text: &str| run_of("", text);
    for (runs, text) in [
        ([plain("Load 10"), above("21"), plain(" newton")], "Load 10^21 newton"),
        ([plain("the annex"), above("4"), plain(" for")], "the annex^4 for"),
        ([plain("10"), above("2"), above("1")], "10^21"),
        ([plain("10"), above("-6"), plain("m")], "10^-6 m"),
        ([plain("the 1"), above("st"), plain(" floor")], "the 1st floor"),
        ([plain("M"), above("me"), plain(" Curie")], "Mme Curie"),
        ([plain("Acme"), above("TM"), plain(" glue")], "Acme^TM glue"),
        ([plain("H"), below("2"), plain("O")], "H2O"),
        ([plain("annex"), above("4"), plain("for")], "annex^4 for"),
        ([plain("end."), above("7"), plain(" Next")], "end.7 Next"),
    ] {
        assert_eq!(body(&format!("<w:p>{}</w:p>", runs.concat()), &[]).text, text);
    }
    let ruby = |reading: &str, base: &str| {
        format!("<w:r><w:ruby><w:rt>{}</w:rt><w:rubyBase>{}</w:rubyBase></w:ruby></w:r>", plain(reading), plain(base))
    };
    let read =
        format!("<w:p>{}{}{}{}</w:p>", ruby("けい", "契"), ruby("やく", "約"), ruby("しょ", "書"), plain("を提出する"));
    assert_eq!(body(&read, &[]).text, "契約書(けいやくしょ)を提出する");
    let formula = "<w:p><m:oMath><m:f><m:num><m:r><m:t>a</m:t></m:r></m:num><m:den><m:r><m:t>b</m:t></m:r></m:den></m:f></m:oMath></w:p>";
    assert_eq!(body(formula, &[]).text, "a/b");
    let sign = "<w:p><w:r><w:t>angle </w:t><w:sym w:font=\"Symbol\" w:char=\"F061\"/></w:r></w:p>";
    assert_eq!(body(sign, &[]).text, "angle α");
}

#[test]
fn revisions_count_as_accepted() {
    let moved = "<w:p><w:r><w:t>Open items.</w:t></w:r><w:moveFrom><w:r><w:t> Renew the licence.</w:t></w:r></w:moveFrom></w:p>\
        <w:p><w:moveTo><w:r><w:t>Renew the licence.</w:t></w:r></w:moveTo></w:p>\
        <w:p><w:del><w:r><w:delText>Old 900.</w:delText></w:r></w:del><w:ins><w:r><w:t>New 950.</w:t></w:r></w:ins></w:p>";
    assert_eq!(body(moved, &[]).text, "Open items.\n\nRenew the licence.\n\nNew 950.");
    let mark = |how: &str| format!("<w:p><w:pPr><w:rPr>{how}</w:rPr></w:pPr><w:r><w:t>The con</w:t></w:r></w:p>");
    let joined = format!("{}{}{}", mark("<w:del/>"), para("tract"), para("ends"));
    assert_eq!(body(&joined, &[]).text, "The contract\n\nends");
    assert_eq!(body(&format!("{}{}", mark("<w:ins/>"), para("tract")), &[]).text, "The con\n\ntract");
    assert_eq!(body(&mark("<w:del/>"), &[]).text, "The con");
    let table = format!("{}<w:tbl><w:tr><w:tc>{}</w:tc></w:tr></w:tbl>", mark("<w:del/>"), para("cell"));
    assert_eq!(body(&table, &[]).text, "The con\n\ncell");
    // What stands in the code of a field is none of its result.
    let field = "<w:p><w:r><w:fldChar w:fldCharType=\"begin\"/></w:r><w:r><w:instrText>IF </w:instrText></w:r><w:r><w:t>code</w:t></w:r>\
        <w:r><w:fldChar w:fldCharType=\"separate\"/></w:r><w:r><w:t>shown</w:t></w:r><w:r><w:fldChar w:fldCharType=\"end\"/></w:r></w:p>";
    assert_eq!(body(field, &[]).text, "shown");
    let open = "<w:p><w:r><w:fldChar w:fldCharType=\"begin\"/></w:r><w:r><w:t>x</w:t></w:r></w:p>";
    assert_eq!(body(&format!("{open}{}", para("still there")), &[]).text, "still there");
}

fn numbered(list: &str, level: &str, text: &str) -> String {
    format!(
        "<w:p><w:pPr><w:numPr><w:ilvl w:val=\"{level}\"/><w:numId w:val=\"{list}\"/></w:numPr></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"
    )
}

const LISTS: &str = "<w:numbering xmlns:w=\"w\"><w:abstractNum w:abstractNumId=\"0\">\
    <w:lvl w:ilvl=\"0\"><w:start w:val=\"7\"/><w:numFmt w:val=\"decimal\"/><w:lvlText w:val=\"Clause %1.\"/></w:lvl>\
    <w:lvl w:ilvl=\"1\"><w:start w:val=\"1\"/><w:numFmt w:val=\"lowerLetter\"/><w:lvlText w:val=\"%1.%2)\"/></w:lvl>\
    <w:lvl w:ilvl=\"2\"><w:numFmt w:val=\"lowerRoman\"/><w:lvlText w:val=\"(%3)\"/></w:lvl></w:abstractNum>\
    <w:abstractNum w:abstractNumId=\"1\"><w:lvl w:ilvl=\"0\"><w:numFmt w:val=\"bullet\"/><w:lvlText w:val=\"\u{f0b7}\"/></w:lvl></w:abstractNum>\
    <w:abstractNum w:abstractNumId=\"2\"><w:lvl w:ilvl=\"0\"><w:pStyle w:val=\"H1\"/><w:numFmt w:val=\"upperRoman\"/><w:lvlText w:val=\"%1\"/></w:lvl>\
    <w:lvl w:ilvl=\"1\"><w:pStyle w:val=\"H2\"/><w:isLgl/><w:numFmt w:val=\"decimal\"/><w:lvlText w:val=\"%1.%2\"/></w:lvl></w:abstractNum>\
    <w:num w:numId=\"1\"><w:abstractNumId w:val=\"0\"/></w:num><w:num w:numId=\"2\"><w:abstractNumId w:val=\"1\"/></w:num>\
    <w:num w:numId=\"3\"><w:abstractNumId w:val=\"0\"/><w:lvlOverride w:ilvl=\"0\"><w:startOverride w:val=\"20\"/></w:lvlOverride></w:num>\
    <w:num w:numId=\"4\"><w:abstractNumId w:val=\"2\"/></w:num></w:numbering>";

#[test]
fn automatic_numbers_are_shown() {
    let text = [
        numbered("1", "0", "a"),
        numbered("1", "1", "b"),
        numbered("1", "1", "c"),
        numbered("1", "2", "d"),
        numbered("1", "0", "e"),
        numbered("1", "1", "f"),
        numbered("2", "0", "g"),
        numbered("3", "0", "h"),
        numbered("3", "0", "i"),
        numbered("9", "0", "j"),
        numbered("0", "0", "k"),
    ];
    let doc = body(&text.concat(), &[("word/numbering.xml", LISTS)]);
    let lines: Vec<&str> = doc.text.split("\n\n").collect();
    assert_eq!(
        lines,
        [
            "Clause 7. a",
            "7.a) b",
            "7.b) c",
            "(i) d",
            "Clause 8. e",
            "8.a) f",
            "- g",
            "Clause 20. h",
            "Clause 21. i",
            "- j",
            "k"
        ]
    );
    let styles = "<w:styles xmlns:w=\"w\"><w:style w:styleId=\"H1\"><w:name w:val=\"heading 1\"/><w:pPr><w:numPr><w:numId w:val=\"4\"/></w:numPr></w:pPr></w:style>\
        <w:style w:styleId=\"H2\"><w:name w:val=\"heading 2\"/><w:pPr><w:numPr><w:ilvl w:val=\"1\"/><w:numId w:val=\"4\"/></w:numPr></w:pPr></w:style></w:styles>";
    let styled = |style: &str, text: &str| {
        format!("<w:p><w:pPr><w:pStyle w:val=\"{style}\"/></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>")
    };
    let text = [styled("H1", "Pay"), styled("H2", "Base"), styled("H2", "Extra"), styled("H1", "Leave"), para("x")];
    let parts = [("word/numbering.xml", LISTS), ("word/styles.xml", styles)];
    let doc = body(&text.concat(), &parts);
    assert_eq!(doc.text, "# I Pay\n\n## 1.1 Base\n\n## 1.2 Extra\n\n# II Leave\n\nx");
    assert_eq!(doc.chunks.last().unwrap().heading_path, ["II Leave"]);
    // Numbers behind a restricted part would tell how many are in it.
    let document = word(&text.concat());
    let bytes = docx(&[("word/document.xml", &document), parts[0], parts[1]]);
    let job = Job { name: "a.docx".into(), sections: vec![SectionPlace::Heading("Extra".into())], ..Job::default() };
    let doc = extract(&job, &bytes).unwrap();
    assert_eq!(doc.text, "# Pay\n\n## Base\n\n## Extra\n\n# Leave\n\nx");
    assert_eq!((doc.sections[0].len(), doc.removed["automatic numbers"]), (1, 4));
}

#[test]
fn every_way_of_drawing_a_box_is_read_once() {
    let content = format!("<w:txbxContent>{}</w:txbxContent>", para("boxed"));
    let wrapped = |inside: &str| format!("<w:p><w:r><w:t>a</w:t></w:r><w:r>{inside}</w:r></w:p>");
    for inside in [
        format!(
            "<mc:AlternateContent><mc:Choice>{content}</mc:Choice><mc:Fallback><w:pict>{content}</w:pict></mc:Fallback></mc:AlternateContent>"
        ),
        format!(
            "<mc:AlternateContent><mc:Choice>{content}</mc:Choice><mc:Choice>{content}</mc:Choice></mc:AlternateContent>"
        ),
        format!("<mc:AlternateContent><mc:Fallback><w:pict>{content}</w:pict></mc:Fallback></mc:AlternateContent>"),
        format!("<w:pict>{content}</w:pict>"),
    ] {
        assert_eq!(body(&wrapped(&inside), &[]).text, "a\n\nboxed", "{inside}");
    }
    let drawn = [
        ("word/_rels/document.xml.rels", relations(&[("c", "chart", "charts/c1.xml"), ("d", "diagramData", "diagrams/d.xml"), ("s", "styles", "none.xml")])),
        ("word/charts/c1.xml", "<c:chart><c:title><a:p><a:r><a:t>Yield</a:t></a:r></a:p></c:title><c:cat><c:strCache><c:pt><c:v>North</c:v></c:pt></c:strCache></c:cat>\
            <c:val><c:numCache><c:pt><c:v>17</c:v></c:pt></c:numCache></c:val></c:chart>".to_owned()),
        ("word/diagrams/d.xml", "<dgm:pt><dgm:t><a:p><a:r><a:t>Order</a:t></a:r></a:p></dgm:t></dgm:pt>".to_owned()),
    ];
    let drawn: Vec<(&str, &str)> = drawn.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let text = wrapped("<w:drawing><c:chart r:id=\"c\"/><dgm:relIds r:dm=\"d\"/></w:drawing>");
    assert_eq!(body(&text, &drawn).text, "a\n\nYield\n\nNorth\n\nOrder");
}

#[test]
fn documents_in_the_text_are_read() {
    let rels =
        relations(&[("h", "aFChunk", "/word/part.html"), ("d", "aFChunk", "inner.docx"), ("l", "aFChunk", "lost.txt")]);
    let document =
        word(&format!("{}<w:altChunk r:id=\"h\"/>{}<w:altChunk r:id=\"l\"/>", para("before"), para("after")));
    let doc = run(
        "a.docx",
        &docx(&[
            ("word/document.xml", &document),
            ("word/_rels/document.xml.rels", &rels),
            ("word/part.html", "<h1>Inner</h1><p>kiln <b hidden>ghost</b></p>"),
        ]),
    )
    .unwrap();
    assert_eq!(doc.text, "before\n\n# Inner\n\nkiln\n\nafter");
    assert_eq!((doc.headings.len(), doc.removed["hidden elements"], doc.removed["embedded documents"]), (0, 1, 1));
    assert_eq!(doc.warnings.len(), 1);
}

#[test]
fn what_was_chosen_in_a_form_is_read() {
    let field = |data: &str, result: &str| {
        format!(
            "<w:p><w:r><w:t xml:space=\"preserve\">Level: </w:t></w:r><w:r><w:fldChar w:fldCharType=\"begin\"><w:ffData>{data}\
             </w:ffData></w:fldChar></w:r><w:r><w:instrText> FORM </w:instrText></w:r>\
             <w:r><w:fldChar w:fldCharType=\"separate\"/></w:r>{result}<w:r><w:fldChar w:fldCharType=\"end\"/></w:r></w:p>"
        )
    };
    let list = |chosen: &str| {
        let entries = "<w:listEntry w:val=\"Internal\"/><w:listEntry w:val=\"Restricted\"/>";
        format!("<w:ddList>{chosen}{entries}</w:ddList>")
    };
    let signs = |font: &str, code: &str| format!("<w:p><w:r><w:sym w:font=\"{font}\" w:char=\"{code}\"/></w:r></w:p>");
    for (content, wanted) in [
        (field(&list("<w:result w:val=\"1\"/>"), ""), "Level: Restricted"),
        (field(&list("<w:default w:val=\"1\"/>"), ""), "Level: Restricted"),
        (field(&list(""), ""), "Level: Internal"),
        (field(&list("<w:result w:val=\"9\"/>"), ""), "Level:"),
        // Some programs write it down too.
        (field(&list("<w:result w:val=\"1\"/>"), "<w:r><w:t>Restricted</w:t></w:r>"), "Level: Restricted"),
        (field("<w:checkBox><w:default w:val=\"1\"/></w:checkBox>", ""), "Level: ☒"),
        (field("<w:checkBox><w:default w:val=\"0\"/><w:checked/></w:checkBox>", ""), "Level: ☒"),
        (field("<w:checkBox><w:default w:val=\"1\"/><w:checked w:val=\"0\"/></w:checkBox>", ""), "Level: ☐"),
        (
            "<w:p><w:sdt><w:sdtPr><w:dropDownList><w:listItem w:displayText=\"A\" w:value=\"a\"/></w:dropDownList></w:sdtPr>\
             <w:sdtContent><w:r><w:t>Chosen</w:t></w:r></w:sdtContent></w:sdt></w:p>"
                .to_owned(),
            "Chosen",
        ),
        (signs("Wingdings", "F0FE"), "☑"),
        (signs("Wingdings 2", "F052"), "☑"),
        (signs("MS Gothic", "2612"), "☒"),
    ] {
        assert_eq!(body(&content, &[]).text, wanted, "{content}");
    }
}
