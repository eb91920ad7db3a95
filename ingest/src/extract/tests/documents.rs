//! OpenDocument, RTF and books.

use super::*;

pub fn open(kind: &str, styles: &str, automatic: &str, body: &str) -> Vec<u8> {
    let content = format!(
        "<office:document-content><office:automatic-styles>{automatic}</office:automatic-styles><office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>"
    );
    let mime = format!("application/vnd.oasis.opendocument.{kind}");
    let styles = format!("<office:document-styles>{styles}</office:document-styles>");
    docx(&[
        ("mimetype", &mime),
        ("content.xml", &content),
        ("styles.xml", &styles),
        ("meta.xml", "<m><dc:title>Named</dc:title></m>"),
    ])
}

#[test]
fn open_texts_show_what_a_reader_sees() {
    let styles = "<style:style style:name=\"Ghost\" style:family=\"text\"><style:text-properties text:display=\"none\"/></style:style>\
        <style:style style:name=\"Up\" style:family=\"text\"><style:text-properties style:text-position=\"super 58%\"/></style:style>\
        <text:outline-style><text:outline-level-style text:level=\"1\" style:num-format=\"1\"/>\
        <text:outline-level-style text:level=\"2\" style:num-format=\"1\" text:display-levels=\"2\"/></text:outline-style>\
        <style:header><text:p>top</text:p></style:header>";
    let automatic = "<style:style style:name=\"T1\" style:family=\"text\" style:parent-style-name=\"Ghost\"/>\
        <style:style style:name=\"P9\" style:family=\"paragraph\"><style:text-properties text:display=\"none\"/></style:style>\
        <text:list-style style:name=\"L1\"><text:list-level-style-number text:level=\"1\" style:num-format=\"a\" style:num-suffix=\")\"/>\
        <text:list-level-style-bullet text:level=\"2\" text:bullet-char=\"x\"/></text:list-style>";
    let body = "<text:tracked-changes><text:changed-region><text:deletion><text:p>gone</text:p></text:deletion></text:changed-region></text:tracked-changes>\
        <text:table-of-content><text:p>Contents</text:p></text:table-of-content>\
        <text:h text:outline-level=\"1\"><text:number>1</text:number>Pay</text:h>\
        <text:p>Two<text:s text:c=\"2\"/>blanks\n   and 10<text:span text:style-name=\"Up\">21</text:span> more<text:span text:style-name=\"T1\">ghost</text:span>.<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>note</text:p></text:note-body></text:note></text:p>\
        <text:p text:style-name=\"P9\">ghost</text:p><text:h text:outline-level=\"2\">Base</text:h>\
        <text:list text:style-name=\"L1\"><text:list-item><text:p>one</text:p><text:list><text:list-item><text:p>deep</text:p></text:list-item></text:list></text:list-item><text:list-item><text:p>two</text:p><text:p>more</text:p></text:list-item></text:list>\
        <text:list text:style-name=\"L1\" text:continue-numbering=\"true\"><text:list-item><text:p>three</text:p></text:list-item></text:list>\
        <text:p><text:ruby><text:ruby-base>契</text:ruby-base><text:ruby-text>けい</text:ruby-text></text:ruby><text:ruby><text:ruby-base>約</text:ruby-base><text:ruby-text>やく</text:ruby-text></text:ruby>だ</text:p>\
        <text:p>a<draw:frame><svg:title>ghost</svg:title><draw:text-box><text:p>boxed</text:p></draw:text-box></draw:frame><office:annotation><text:p>comment</text:p></office:annotation>b</text:p>\
        <table:table><table:table-row><table:table-cell><text:p>Site</text:p></table:table-cell><table:table-cell><text:p>Load</text:p><text:p>kN</text:p></table:table-cell></table:table-row>\
        <table:table-row table:visibility=\"collapse\"><table:table-cell><text:p>ghost</text:p></table:table-cell></table:table-row></table:table>\
        <text:section text:display=\"none\"><text:p>ghost</text:p></text:section>";
    let bytes = open("text", styles, automatic, body);
    let doc = run("a.odt", &bytes).unwrap();
    assert_eq!(
        doc.text,
        "# 1 Pay\n\nTwo  blanks and 10^21 more.\n\nnote\n\n## 1.1 Base\n\na) one\n\n- deep\n\nb) two\n\nmore\n\nc) three\n\n\
         契約(けいやく)だ\n\nab\n\nboxed\n\nSite | Load kN"
    );
    assert_eq!(doc.title.as_deref(), Some("Named"));
    let counted = |what: &str| doc.removed.get(what).copied().unwrap_or_default();
    assert_eq!((counted("hidden characters"), counted("comments"), counted("headers and footers")), (15, 1, 1));
    assert_eq!((counted("deleted revisions"), counted("cells of hidden rows and columns")), (1, 1));
    let titled = "<text:p text:style-name=\"Title\">Lease</text:p><text:p>text</text:p>";
    assert_eq!(text("a.odt", &open("text", "", "", titled)), "# Lease\n\ntext");
    let job = Job { name: "a.odt".into(), sections: vec![SectionPlace::Heading("Base".into())], ..Job::default() };
    let doc = extract(&job, &bytes).unwrap();
    assert!(doc.text.starts_with("# Pay\n\n") && doc.text.contains("## Base\n\n- one") && doc.sections[0].len() == 1);
}

#[test]
fn open_sheets_and_slides() {
    let cell = |text: &str| format!("<table:table-cell><text:p>{text}</text:p></table:table-cell>");
    let automatic = "<style:style style:name=\"ta2\" style:family=\"table\"><style:table-properties table:display=\"false\"/></style:style>";
    let body = format!(
        "<table:table table:name=\"Stock\"><table:table-column/><table:table-column table:visibility=\"collapse\"/><table:table-column table:number-columns-repeated=\"16000\"/>\
         <table:table-row>{}{}{}<table:table-cell table:number-columns-repeated=\"16000\"/></table:table-row>\
         <table:table-row table:number-rows-repeated=\"2\">{}<table:table-cell/><table:table-cell office:value-type=\"float\" office:value=\"7\"/></table:table-row>\
         <table:table-row table:number-rows-repeated=\"1000000\"><table:table-cell table:number-columns-repeated=\"16384\"/></table:table-row></table:table>\
         <table:table table:name=\"Secret\" table:style-name=\"ta2\"><table:table-row>{}</table:table-row></table:table>\
         <table:table table:name=\"Empty\"/>",
        cell("Item"),
        cell("ghost"),
        cell("Price"),
        cell("Oak"),
        cell("ghost")
    );
    let doc = run("a.ods", &open("spreadsheet", "", automatic, &body)).unwrap();
    assert_eq!(doc.text, "## Stock\n\nItem | Price\n\nOak | 7\n\nOak | 7");
    assert_eq!((doc.removed["hidden sheets"], doc.removed["cells of hidden rows and columns"]), (1, 1));
    let much = format!(
        "<table:table table:name=\"S\"><table:table-row table:number-rows-repeated=\"1000000\">{}</table:table-row></table:table>",
        cell("x").repeat(2)
    );
    assert!(matches!(run("a.ods", &open("spreadsheet", "", "", &much)), Err(ExtractError::Limit(_))));

    let automatic = "<style:style style:name=\"dp2\" style:family=\"drawing-page\"><style:drawing-page-properties presentation:visibility=\"hidden\"/></style:style>";
    let body = "<draw:page><draw:frame presentation:class=\"outline\"><draw:text-box><text:p>point</text:p></draw:text-box></draw:frame>\
        <draw:frame presentation:class=\"title\"><draw:text-box><text:p>Kiln plan</text:p></draw:text-box></draw:frame>\
        <draw:frame presentation:class=\"footer\"><draw:text-box><text:p>foot</text:p></draw:text-box></draw:frame>\
        <presentation:notes><draw:frame presentation:class=\"notes\"><draw:text-box><text:p>say this</text:p></draw:text-box></draw:frame></presentation:notes></draw:page>\
        <draw:page draw:style-name=\"dp2\"><draw:custom-shape><text:p>ghost</text:p></draw:custom-shape></draw:page>\
        <draw:page><draw:custom-shape><text:p>free</text:p></draw:custom-shape></draw:page>";
    let doc = run("a.odp", &open("presentation", "", automatic, body)).unwrap();
    assert_eq!(doc.text, "# Kiln plan\n\npoint\n\nNotes: say this\n\n# Slide 2\n\nfree");
    assert_eq!((doc.removed["hidden slides"], doc.removed["headers and footers"]), (1, 1));
}

#[test]
fn rtf_is_read_by_the_characters_of_its_fonts() {
    let rtf = |body: &str| {
        format!(
            "{{\\rtf1\\ansi\\ansicpg1252\\deff0{{\\fonttbl{{\\f0\\fcharset0 Arial;}}{{\\f1\\fcharset204 Arial Cyr;}}{{\\f2\\fcharset128 Mincho;}}{{\\f3\\fcharset2 Symbol;}}}}\
             {{\\stylesheet{{\\s0 Normal;}}{{\\s1\\b heading 1;}}{{\\s7 toc 1;}}}}{{\\info{{\\title Named}}{{\\author Ghost}}}}{{\\*\\generator ghost;}}{body}}}"
        )
    };
    for (body, expected) in [
        ("caf\\'e9 \\u8364? \\u-10179?\\u-8704?\\par", "café € 😀"),
        ("{\\f1 \\'cf\\'f0\\'e8\\'e2\\'e5\\'f2}\\par", "Привет"),
        ("{\\f2 \\'93\\'fa\\'96\\'7b}\\par", "日本"),
        ("{\\uc2\\u26085\\'93\\'fa}{\\uc0\\u26412}\\par", "日本"),
        ("{\\upr{ghost}{\\*\\ud{\\u1071?}}}\\par", "Я"),
        ("seen {\\v ghost}{\\deleted ghost}{\\*\\unknown ghost}end\\par", "seen end"),
        ("\\pard\\s1 Head\\par\\pard text\\par\\pard\\s7 Head 1\\par", "# Head\n\ntext"),
        ("\\pard\\outlinelevel1 Sub\\par\\pard x\\par", "## Sub\n\nx"),
        (
            "\\trowd\\intbl Site\\cell Load\\cell\\row\\trowd{\\pard\\intbl North\\par}{\\pard\\intbl 2\\par}\\cell 17\\cell\\row\\pard end\\par",
            "Site | Load\n\nNorth 2 | 17\n\nend",
        ),
        ("text{\\footnote \\chftn a note}more\\par next\\par", "textmore\n\na note\n\nnext"),
        ("{\\listtext\\pard 1.\\tab}first\\par{\\listtext\\f3\\'b7\\tab}second\\par", "1. first\n\n- second"),
        ("10{\\super 21} newton, H{\\sub 2}O\\par", "10^21 newton, H2O"),
        ("{\\field{\\*\\fldinst HYPERLINK \"http://ghost\"}{\\fldrslt link}}\\par", "link"),
        ("a{\\shp{\\*\\shpinst{\\sp{\\sn ghost}{\\sv ghost}}{\\shptxt boxed\\par}}{\\shprslt ghost}}\\par", "aboxed"),
        ("{\\header ghost}{\\pict 89504e47}{\\object{\\*\\objdata 00}{\\result shown}}\\par", "shown"),
        (
            "\\ldblquote a\\rdblquote\\emdash b\\~c\\_d\\-e\\{\\}\\\\\\par",
            "\u{201c}a\u{201d}\u{2014}b\u{a0}c\u{2011}de{}\\",
        ),
        ("{\\pict\\bin5 {}{}}x}y\\par", "y"),
    ] {
        assert_eq!(run("a.rtf", rtf(body).as_bytes()).map(|d| d.text).as_deref(), Ok(expected), "{body}");
    }
    let doc = run("a.doc", rtf("{\\header x}text\\par").as_bytes()).unwrap();
    assert_eq!((doc.title.as_deref(), doc.removed["headers and footers"]), (Some("Named"), 1));
    assert!(matches!(run("a.rtf", format!("{{\\rtf1{}", "{".repeat(5_000)).as_bytes()), Err(ExtractError::Limit(_))));
    assert!(matches!(run("a.rtf", b"no rtf"), Err(ExtractError::Broken(_))));
}

#[test]
fn books_are_read_page_by_page() {
    let package = "<package><metadata><dc:title>Kilns</dc:title><dc:creator>Ana</dc:creator></metadata><manifest>\
        <item id=\"b\" href=\"text/b%20c.xhtml\" media-type=\"application/xhtml+xml\"/><item id=\"a\" href=\"text/a.xhtml\" media-type=\"application/xhtml+xml\"/>\
        <item id=\"i\" href=\"i.png\" media-type=\"image/png\"/></manifest><spine><itemref idref=\"b\"/><itemref idref=\"a\"/><itemref idref=\"i\"/></spine></package>";
    let page = |text: &str| format!("<html><head><title/><script src=\"x\"/></head><body>{text}</body></html>");
    let bytes = docx(&[
        ("mimetype", "application/epub+zip"),
        (
            "META-INF/container.xml",
            "<container><rootfiles><rootfile full-path=\"OEBPS/book.opf\"/></rootfiles></container>",
        ),
        ("OEBPS/book.opf", package),
        ("OEBPS/text/a.xhtml", &page("<h1>Second</h1><p>two<a id=\"x\"/> more</p>")),
        ("OEBPS/text/b c.xhtml", &page("<h1>First</h1><p>caf\u{e9}</p>")),
    ]);
    let doc = run("a.epub", &bytes).unwrap();
    assert_eq!(doc.text, "# First\n\ncafé\n\n# Second\n\ntwo more");
    assert_eq!((doc.title.as_deref(), doc.metadata["author"].as_str()), (Some("Kilns"), Some("Ana")));
    assert_eq!(doc.headings.len(), 2);
    assert!(doc.headings.iter().all(|h| doc.text[h.start..].starts_with("# ")));
}
