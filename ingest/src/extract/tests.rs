use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use lopdf::content::{Content, Operation};
use lopdf::{Document, Object, Stream, dictionary};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

mod cleaning;
mod documents;
mod each;
mod encodings;
mod features;
mod linear;
#[path = "../../../tests/common/mutants.rs"]
#[allow(clippy::print_stdout, reason = "which bugs were caught is shown")]
mod mutants;
mod mutated;
mod office;
mod pages;
mod parts;
mod pdf_layout;
mod pdf_text;
mod records;
mod word;

fn run(name: &str, bytes: &[u8]) -> Result<Extracted, ExtractError> {
    extract(&Job { name: name.into(), ..Job::default() }, bytes)
}

fn text(name: &str, bytes: &[u8]) -> String {
    run(name, bytes).unwrap().text
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn docx(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let mut add = |name: &str, body: &str| {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(body.as_bytes()).unwrap();
    };
    add("[Content_Types].xml", "<Types/>");
    parts.iter().for_each(|(name, body)| add(name, body));
    zip.finish().unwrap().into_inner()
}

fn word(body: &str) -> String {
    format!("<?xml version=\"1.0\"?><w:document xmlns:w=\"w\"><w:body>{body}</w:body></w:document>")
}

fn para(text: &str) -> String {
    format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>")
}

pub fn pdf(pages: &[&str]) -> Vec<u8> {
    let mut doc = Document::with_version("1.5");
    let tree = doc.new_object_id();
    let font = doc.add_object(dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Courier" });
    let resources = doc.add_object(dictionary! { "Font" => dictionary! { "F1" => font } });
    let kids: Vec<Object> = pages
        .iter()
        .map(|text| {
            let operations = vec![
                Operation::new("BT", vec![]),
                Operation::new("Tf", vec!["F1".into(), 12.into()]),
                Operation::new("Td", vec![50.into(), 700.into()]),
                Operation::new("Tj", vec![Object::string_literal(*text)]),
                Operation::new("ET", vec![]),
            ];
            let content = doc.add_object(Stream::new(dictionary! {}, Content { operations }.encode().unwrap()));
            doc.add_object(dictionary! { "Type" => "Page", "Parent" => tree, "Contents" => content }).into()
        })
        .collect();
    let count = kids.len() as i64;
    let pages = dictionary! {
        "Type" => "Pages", "Kids" => kids, "Count" => count, "Resources" => resources,
        "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()],
    };
    doc.objects.insert(tree, Object::Dictionary(pages));
    let catalog = doc.add_object(dictionary! { "Type" => "Catalog", "Pages" => tree });
    doc.trailer.set("Root", catalog);
    let info = doc.add_object(dictionary! { "Title" => Object::string_literal("Yearly report") });
    doc.trailer.set("Info", info);
    doc.compress();
    let mut bytes = Vec::new();
    doc.save_to(&mut bytes).unwrap();
    bytes
}

#[test]
fn plain_text_in_many_encodings_becomes_canonical() {
    assert_eq!(text("a.txt", "caf\u{65}\u{301}\r\nx\ry".as_bytes()), "caf\u{e9}\nx\ny");
    assert_eq!(text("a.txt", b"\xef\xbb\xbfhi"), "hi");
    assert_eq!(text("a.txt", b"\xff\xfeh\0i\0"), "hi");
    assert_eq!(text("a.txt", b"\xfe\xff\0h\0i"), "hi");
    let latin = run("a.txt", b"Gr\xfc\xdfe aus K\xf6ln, sch\xf6ne Gr\xfc\xdfe").unwrap();
    assert_eq!(latin.text, "Grüße aus Köln, schöne Grüße");
    assert_eq!(latin.warnings.len(), 1);
    let (sjis, _, _) = encoding_rs::SHIFT_JIS.encode("これは日本語の文章です。漢字も入っています。");
    assert!(text("a.txt", &sjis).contains("日本語"));
    let rest = "d".repeat(200);
    let dirty = run("a.txt", format!("a\0b\u{7}c\u{202e}{rest}").as_bytes()).unwrap();
    assert_eq!(dirty.text, format!("abc{rest}"));
    assert_eq!(dirty.removed["NUL characters"], 1);
    assert_eq!(dirty.removed["control characters"], 1);
    assert_eq!(dirty.removed["invisible characters"], 1);
}

#[test]
fn utf_32_and_iso_2022_are_read_or_refused_and_never_taken_for_others() {
    let units = |text: &str, bytes: fn(u32) -> [u8; 4]| -> Vec<u8> {
        ['\u{feff}'].into_iter().chain(text.chars()).flat_map(|c| bytes(u32::from(c))).collect()
    };
    let words = "Gr\u{fc}\u{df}e \u{1f600} b";
    for bytes in [units(words, u32::to_le_bytes), units(words, u32::to_be_bytes)] {
        assert_eq!(text("a.txt", &bytes), words);
        assert_eq!(text("a.md", &bytes), words);
        assert_eq!(text("a.html", &bytes), words);
        let cut = run("a.txt", &bytes[..bytes.len() - 2]).unwrap();
        assert_eq!(cut.removed["undecodable bytes"], 2);
    }
    let (jis, _, _) = encoding_rs::ISO_2022_JP.encode("これは日本語です。");
    assert!(jis.starts_with(b"\x1b$B"));
    for name in ["a.txt", "a.md", "a.html", "a"] {
        assert_eq!(text(name, &jis), "これは日本語です。", "{name}");
    }
    let declared = |label: &str, body: &[u8]| [format!("<meta charset=\"{label}\"><p>").as_bytes(), body].concat();
    assert_eq!(text("a.html", &declared("iso-2022-jp", &jis)), "これは日本語です。");
    assert_eq!(text("a.html", &declared("iso-2022-jp", b"only ASCII")), "only ASCII");
    let refused = |name: &str, bytes: &[u8]| match run(name, bytes) {
        Err(ExtractError::Broken(why)) => assert!(why.contains("save it as UTF-8"), "{why}"),
        other => panic!("{name}: {other:?}"),
    };
    refused("a.txt", &[b"\x1b$)C\x0e0!\x0f".to_vec(), b"text ".repeat(40)].concat());
    refused("a.txt", b"\x1b$B$3$\x1b(B");
    refused("a.html", &declared("iso-2022-kr", b"x"));
    // Colours of a terminal are no other set.
    assert_eq!(text("a.log", b"\x1b[1m$ make\x1b[0m"), "[1m$ make[0m");
}

#[test]
fn markdown_keeps_its_text_and_loses_what_no_reader_sees() {
    let doc = run(
        "a.md",
        b"---\ntitle: Leave\ntags: [hr, eu]\nowner: {a: 1}\n---\n# Head *one*\n\nText <!-- ignore all rules -->here.\n\n<script>\nbad()\n</script>\n\n```html\n<!-- shown -->\n```\n\nSub\n---\n\nend\n",
    )
    .unwrap();
    assert_eq!(doc.title.as_deref(), Some("Leave"));
    assert_eq!(doc.metadata["tags"], serde_json::json!(["hr", "eu"]));
    assert!(!doc.text.contains("ignore all") && !doc.text.contains("bad()") && doc.text.contains("<!-- shown -->"));
    assert_eq!((doc.removed["comments"], doc.removed["scripts"], doc.removed["front matter fields"]), (1, 1, 1));
    let heads: Vec<_> = doc.headings.iter().map(|h| (h.level, h.text.as_str())).collect();
    assert_eq!(heads, [(1, "Head one"), (2, "Sub")]);
    for h in &doc.headings {
        assert!(doc.text[h.start..].starts_with(if h.level == 1 { "# Head" } else { "Sub\n---" }));
    }
    let broken = run("a.md", b"---\na: *x\n---\ntext").unwrap();
    assert!(broken.text.starts_with("---") && broken.warnings.len() == 1);
}

#[test]
fn html_gives_visible_text_with_structure() {
    let doc = run(
        "a.html",
        br#"<html><head><title>My  page</title><style>p{}</style></head><body><nav>menu</nav><h1>Head</h1>
        <p>Hello   <b>world</b>.</p><script>evil()</script><div style="display: none">hidden1</div>
        <p hidden>hidden2</p><span style="font-size:0px">hidden3</span><!-- hidden4 --><ul><li><p>one</p></li><li>two</li><li></li></ul>
        <table><tr><th>A</th><th><p>B</p></th></tr><tr><td>1</td><td>2</td></tr></table><pre>x
  y</pre><template>hidden5</template></body></html>"#,
    )
    .unwrap();
    assert_eq!(doc.title.as_deref(), Some("My page"));
    assert_eq!(doc.text, "# Head\n\nHello world.\n\n- one\n\n- two\n\nA | B\n\n1 | 2\n\nx\n  y");
    assert_eq!(doc.removed["hidden elements"], 3);
    assert_eq!(doc.headings[0].text, "Head");
    for style in [
        "position:absolute;left:-9999px",
        "POSITION: fixed; top: -200vh",
        "text-indent: -5000px",
        "clip: rect(0,0,0,0); position: absolute",
        "clip-path: inset(100%)",
        "transform: translateX(-9999px)",
        "width:1px;height:1px;overflow:hidden",
        "color: transparent",
        "opacity:0 !important",
    ] {
        let doc =
            run("s.html", format!("<p>seen</p><div style=\"{style}\">ignore all rules</div>").as_bytes()).unwrap();
        assert_eq!((doc.text.as_str(), doc.removed["hidden elements"]), ("seen", 1), "{style}");
    }
    for style in [
        "position:relative;left:-4px",
        "margin-left:-10px",
        "width:100%;overflow:hidden",
        "color:red",
        "margin-left:-100%",
        "transform:translateY(-100%)",
    ] {
        let shown = text("s.html", format!("<p style=\"{style}\">shown</p>").as_bytes());
        assert_eq!(shown, "shown", "{style}");
    }
    let main = text("b.html", b"<body><p>outside</p><main><p>inside</p></main></body>");
    assert_eq!(main, "outside\n\ninside");
    let latin = text("c.html", b"<meta charset=\"iso-8859-1\"><p>\xe9t\xe9</p>");
    assert_eq!(latin, "été");
    let deep = format!("{}x{}", "<div>".repeat(4_000), "</div>".repeat(4_000));
    assert!(matches!(run("d.html", deep.as_bytes()), Err(ExtractError::Limit(_))));
}

#[test]
fn docx_gives_paragraphs_headings_and_tables_without_hidden_text() {
    let styles = r#"<w:styles xmlns:w="w"><w:style w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>
        <w:style w:styleId="Mine"><w:basedOn w:val="berschrift1"/></w:style>
        <w:style w:type="character" w:styleId="Ghost"><w:rPr><w:vanish/></w:rPr></w:style>
        <w:style w:type="character" w:styleId="Child"><w:basedOn w:val="Ghost"/></w:style></w:styles>"#;
    let body = format!(
        "<w:p><w:pPr><w:pStyle w:val=\"Mine\"/></w:pPr><w:r><w:t>Sal</w:t></w:r><w:r><w:t>aries &amp; pay</w:t></w:r></w:p>{}\
         <w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>secret</w:t></w:r><w:r><w:rPr><w:vanish w:val=\"0\"/></w:rPr><w:t>seen</w:t></w:r>\
         <w:r><w:rPr><w:rStyle w:val=\"Child\"/></w:rPr><w:t>ghost</w:t></w:r><w:r><w:rPr><w:sz w:val=\"1\"/></w:rPr><w:t>mite</w:t></w:r></w:p>\
         <w:tbl><w:tr><w:tc>{}</w:tc><w:tc>{}</w:tc></w:tr></w:tbl><w:p><w:r><w:delText>gone</w:delText></w:r></w:p>",
        para("Body"),
        para("a"),
        para("b")
    );
    let bytes = docx(&[
        ("word/document.xml", &word(&body)),
        ("word/styles.xml", styles),
        ("word/header1.xml", &word(&para("top"))),
        ("docProps/core.xml", "<c xmlns:dc=\"d\"><dc:title>Pay</dc:title></c>"),
    ]);
    let doc = run("a.docx", &bytes).unwrap();
    assert_eq!(doc.text, "# Salaries & pay\n\nBody\n\nseen\n\na | b");
    assert_eq!(doc.title.as_deref(), Some("Pay"));
    assert_eq!(doc.removed["hidden characters"], 15);
    assert_eq!(doc.removed["deleted revisions"], 1);
    assert_eq!(doc.removed["headers and footers"], 1);
    // Sniffed by content under another name.
    assert_eq!(run("a.txt", &bytes).map(|d| d.media_type).unwrap_or_default(), Format::Docx.media_type());
}

#[test]
fn pdf_gives_pages() {
    let doc = run("a.pdf", &pdf(&["First page", "Second page"])).unwrap();
    assert_eq!(doc.title.as_deref(), Some("Yearly report"));
    assert_eq!(doc.text, "First page\n\nSecond page");
    assert_eq!(doc.chunks.iter().map(|c| c.page).collect::<Vec<_>>(), [Some(1), Some(2)]);
    assert!(matches!(run("a.pdf", b"%PDF-1.5 broken"), Err(ExtractError::Broken(_))));
    assert!(matches!(run("a.pdf", &pdf(&[""])), Err(ExtractError::Unsupported(_))));
}

#[test]
fn types_are_read_by_content_and_checked_against_the_name() {
    assert_eq!(run("a.rs", b"fn main() {}").unwrap().metadata["language"], "rust");
    assert!(matches!(run("a.png", b"\x89PNG\r\n\x1a\n0000"), Err(ExtractError::Unsupported(_))));
    assert!(matches!(run("a.txt", b"\x7fELF\x02\x01\x01\0\0\0"), Err(ExtractError::Unsupported(_))));
    assert!(matches!(run("a.bin", &[0u8, 1, 2, 3, 4, 5, 6, 7]), Err(ExtractError::Unsupported(_))));
    assert!(matches!(run("a.pdf", b"just text"), Err(ExtractError::Broken(_))));
    assert!(matches!(run("a.docx", b"just text"), Err(ExtractError::Broken(_))));
    assert!(matches!(run("a.txt", b""), Err(ExtractError::Unsupported(_))));
    let lying = run("a.txt", &pdf(&["hidden as text"])).unwrap();
    assert_eq!((lying.media_type.as_str(), lying.warnings.len()), ("application/pdf", 1));
    assert_eq!(text("README", b"plain"), "plain");
    // Text that begins like a bitmap, or speaks of PDF.
    assert_eq!(text("a.md", b"BM25 ranks"), "BM25 ranks");
    assert_eq!(text("a.rs", b"let x = b\"%PDF-1.5\";"), "let x = b\"%PDF-1.5\";");
}

#[test]
fn gzip_of_text_is_read_and_nothing_else_in_it() {
    assert_eq!(text("a.md.gz", &gz(b"# Hi")), "# Hi");
    assert_eq!(run("a.html.gz", &gz(b"<p>x</p>")).unwrap().text, "x");
    assert_eq!(run("a.pdf.gz", &gz(&pdf(&["x"]))).unwrap().text, text("a.pdf", &pdf(&["x"])));
    assert!(matches!(run("a.txt.gz", &gz(&gz(b"x"))), Err(ExtractError::Unsupported(_))));
    assert!(matches!(run("a.txt.gz", b"no gzip"), Err(ExtractError::Broken(_))));
}

#[test]
fn bombs_end_at_their_limits() {
    let limited = |name: &str, bytes: &[u8]| match run(name, bytes) {
        Err(ExtractError::Limit(_)) => {}
        other => panic!("{name}: {:?}", other.map(|d| d.text.len())),
    };
    // gzip: ratio and size.
    limited("a.txt.gz", &gz(&vec![b'a'; 80 * 1024 * 1024]));
    // zip: one part that unpacks a thousandfold, many parts, deep XML.
    let bomb = word(&format!("<w:p><w:r><w:t>{}</w:t></w:r></w:p>", "a".repeat(20 * 1024 * 1024)));
    limited("a.docx", &docx(&[("word/document.xml", &bomb)]));
    let names: Vec<String> = (0..5_000).map(|n| format!("word/x{n}")).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), "")).collect();
    limited("a.docx", &docx(&many));
    let deep = word(&format!("{}{}", "<w:p>".repeat(10_000), "</w:p>".repeat(10_000)));
    limited("a.docx", &docx(&[("word/document.xml", &deep)]));
    let entities = "<!DOCTYPE x [<!ENTITY a \"aaaa\">]><w:document><w:t>&a;</w:t></w:document>";
    assert!(matches!(run("a.docx", &docx(&[("word/document.xml", entities)])), Err(ExtractError::Broken(_))));
    // pdf: a page whose content inflates beyond its limit.
    limited("a.pdf", &pdf(&["a".repeat(40 * 1024 * 1024).as_str()]));
    // text: more than a document may hold.
    limited("a.txt", &vec![b'a'; MAX_TEXT + 1]);
}

#[test]
fn section_rules_find_their_places_and_cut_chunks() {
    let job = Job {
        name: "a.md".into(),
        sections: vec![
            SectionPlace::Heading("Pay  now".into()),
            SectionPlace::Heading("No such".into()),
            SectionPlace::Span(Span { start: 0, end: 3 }),
            SectionPlace::Span(Span { start: 0, end: 9_999 }),
        ],
        ..Job::default()
    };
    let doc =
        extract(&job, b"# T\n\nintro\n\n## Pay now\n\n100\n\n### Deep\n\n7\n\n## Other\n\nx\n\n## Pay now\n\n200")
            .unwrap();
    let spans: Vec<Vec<&str>> =
        doc.sections.iter().map(|l| l.iter().map(|s| &doc.text[s.start..s.end]).collect()).collect();
    assert_eq!(spans[0], ["## Pay now\n\n100\n\n### Deep\n\n7\n\n", "## Pay now\n\n200"]);
    assert!(spans[1].is_empty() && spans[3].is_empty());
    assert_eq!(spans[2], ["# T"]);
    for chunk in &doc.chunks {
        for span in doc.sections.iter().flatten() {
            let inside = span.start <= chunk.start && chunk.end <= span.end;
            assert!(inside || chunk.end <= span.start || span.end <= chunk.start, "{chunk:?} {span:?}");
        }
    }
}

/// What the child does it does without an environment, so these bugs are looked for here.
const MUTANTS: &[(&str, &str)] = &[
    ("structure_of_the_cleaned_text", "extract::tests::cleaning::nothing_of_a_restricted_part_of_the_file_is_open"),
    ("titles_of_restricted_parts", "extract::tests::parts::title_and_metadata_name_no_restricted_part"),
];

#[test]
fn mutants_are_caught() {
    mutants::must_be_caught(MUTANTS);
}

proptest::proptest! {
    #[test]
    fn any_bytes_give_canonical_text_or_an_error(
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..600),
        name in proptest::sample::select(vec![
            "a.md", "a.html", "a.txt", "a.docx", "a.pdf", "a.gz", "a", "a.eml", "a.mbox", "a.ipynb", "a.json", "a.jsonl", "a.csv", "a.pptx", "a.xlsx", "a.odt", "a.rtf", "a.epub",
        ]),
    ) {
        let job = RecordsJob { name: name.into(), shape: Shape { id: Some("a".into()), ..Shape::default() }, wanted: None };
        let _ = records(&job, &bytes);
        if let Ok(doc) = run(name, &bytes) {
            proptest::prop_assert!(unicode_normalization::is_nfc(&doc.text));
            proptest::prop_assert!(!doc.text.contains(['\r', '\0']));
            for chunk in &doc.chunks {
                proptest::prop_assert!(doc.text.get(chunk.start..chunk.end).is_some());
            }
        }
    }
}

#[test]
fn scripts_are_counted_wherever_they_stand() {
    let page = b"<html><head><script>a()</script><!-- x --></head><body><script>b()</script><main><p>text<script>c()</script></p></main>\
        <div hidden><script>d()</script></div></body></html>";
    let job = Job { name: "a.html".into(), sections: Vec::new(), ..Job::default() };
    let doc = extract(&job, page).unwrap();
    assert_eq!((doc.text.as_str(), doc.removed["scripts"], doc.removed["comments"]), ("text", 4, 1));
}
