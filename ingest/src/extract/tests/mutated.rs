//! Files that are damaged in any way end with text or an error.

use proptest::prelude::*;

use super::*;

/// Files by name, each as parts with their content; one part alone is the file itself.
fn files() -> Vec<(&'static str, Vec<(&'static str, &'static str)>)> {
    let rels = "<Relationships><Relationship Id=\"r1\" Type=\"x/slide\" Target=\"s.xml\"/><Relationship Id=\"r2\" Type=\"x/worksheet\" Target=\"s.xml\"/>\
        <Relationship Id=\"r3\" Type=\"x/numbering\" Target=\"n.xml\"/><Relationship Id=\"r4\" Type=\"x/footnotes\" Target=\"f.xml\"/><Relationship Id=\"r5\" Type=\"x/chart\" Target=\"c.xml\"/></Relationships>";
    let word = "<w:document><w:body><w:p><w:pPr><w:pStyle w:val=\"a\"/><w:numPr><w:ilvl w:val=\"1\"/><w:numId w:val=\"1\"/></w:numPr><w:rPr><w:del/></w:rPr></w:pPr>\
        <w:r><w:rPr><w:vertAlign w:val=\"superscript\"/></w:rPr><w:t>a1</w:t><w:ruby><w:rt><w:r><w:t>r</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>b</w:t></w:r></w:rubyBase></w:ruby>\
        <w:footnoteReference w:id=\"1\"/><c:chart r:id=\"r5\"/><w:fldChar w:fldCharType=\"begin\"/></w:r></w:p><w:tbl><w:tr><w:tc><w:p><w:r><w:t>c</w:t></w:r></w:p></w:tc></w:tr></w:tbl>\
        <mc:AlternateContent><mc:Choice><w:p/></mc:Choice><mc:Fallback><w:p/></mc:Fallback></mc:AlternateContent><w:altChunk r:id=\"r5\"/></w:body></w:document>";
    let numbering = "<w:numbering><w:abstractNum w:abstractNumId=\"0\"><w:lvl w:ilvl=\"1\"><w:start w:val=\"4294967295\"/><w:numFmt w:val=\"lowerLetter\"/><w:lvlText w:val=\"%1.%2\"/></w:lvl></w:abstractNum>\
        <w:num w:numId=\"1\"><w:abstractNumId w:val=\"0\"/></w:num></w:numbering>";
    let slide = "<p:sld><p:sp><p:spPr><a:xfrm><a:off x=\"1\" y=\"1\"/><a:ext cx=\"1\" cy=\"1\"/></a:xfrm></p:spPr><p:ph type=\"title\"/><p:txBody><a:p><a:pPr lvl=\"1\"><a:buAutoNum type=\"x\" startAt=\"7\"/></a:pPr><a:r><a:rPr baseline=\"1\"/><a:t>x1</a:t></a:r></a:p></p:txBody></p:sp>\
        <p:graphicFrame><a:tbl><a:tr><a:tc><a:txBody><a:p><a:r><a:t>c</a:t></a:r></a:p></a:txBody></a:tc></a:tr></a:tbl></p:graphicFrame></p:sld>";
    let sheet = "<worksheet><cols><col min=\"1\" max=\"2\" hidden=\"1\"/></cols><sheetData><row r=\"1\"><c r=\"C1\" t=\"s\"><v>0</v></c><c r=\"ZZZZ9\" s=\"1\"><v>-45415.5</v></c><c t=\"inlineStr\"><is><t>x</t></is></c></row></sheetData></worksheet>";
    let styles = "<styleSheet><numFmts><numFmt numFmtId=\"9\" formatCode=\"[h]:mm;[$x-1]#,##0.0#E+0 &quot;a&quot;\\;_ *-;yyyy\"/></numFmts><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"9\"/></cellXfs></styleSheet>";
    let open = "<d><s:automatic-styles><s:style s:name=\"a\" s:family=\"text\" s:parent-style-name=\"a\"><s:text-properties s:text-position=\"super 1%\"/></s:style><t:list-style s:name=\"L\"><t:list-level-style-number t:level=\"1\" s:num-format=\"i\" t:display-levels=\"9\"/></t:list-style></s:automatic-styles>\
        <o:body><t:list t:style-name=\"L\"><t:list-item t:start-value=\"9\"><t:p>x<t:span t:style-name=\"a\">1</t:span><t:note><t:note-body><t:p>n</t:p></t:note-body></t:note><t:s t:c=\"99999999\"/></t:p></t:list-item></t:list><t:h t:outline-level=\"200\">h</t:h>\
        <b:table b:name=\"n\"><b:table-column b:number-columns-repeated=\"9\" b:visibility=\"filter\"/><b:table-row b:number-rows-repeated=\"9\"><b:table-cell b:number-columns-repeated=\"50\"><t:p>c</t:p></b:table-cell></b:table-row></b:table><d:page><d:frame p:class=\"title\"><t:p>t</t:p></d:frame></d:page></o:body></d>";
    let book = "<p><item id=\"a\" href=\"a.xhtml\" media-type=\"x/html\"/><itemref idref=\"a\"/></p>";
    let rtf = "{\\rtf1\\ansicpg1252{\\fonttbl{\\f1\\fcharset128 x;}}{\\stylesheet{\\s1 heading 1;}}\\pard\\s1 h\\par\\f1\\'93\\'fa\\u-10179?\\u-8704?\\uc9\\u8364 {\\footnote n}{\\v g}\\trowd\\intbl c\\cell\\row{\\listtext 1.}x\\bin3 abc{\\*\\x y}\\par}";
    let mail = "From x\nFrom: =?utf-8?B?SsO8?= <a@b>\nSubject: =?q?x?=\nContent-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain; charset=x\nContent-Transfer-Encoding: base64\n\nYWJj\n--b\nContent-Type: message/rfc822\n\nSubject: y\n\nz\n--b\nContent-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n<p>=FC=\n</p>\n--b--\n";
    let notebook = "{\"cells\": [{\"cell_type\": \"markdown\", \"source\": [\"# a\\n\", \"---\\n===\"]}, {\"cell_type\": \"code\", \"source\": \"x\", \"outputs\": [{\"output_type\": \"display_data\", \"data\": {\"text/html\": \"<p>\", \"image/png\": \"aaaa\"}}]}]}";
    vec![
        (
            "a.docx",
            vec![
                ("word/document.xml", word),
                ("word/_rels/document.xml.rels", rels),
                ("word/n.xml", numbering),
                ("word/f.xml", "<f><footnote w:id=\"1\"><w:p><w:r><w:t>n</w:t></w:r></w:p></footnote></f>"),
                ("word/c.xml", slide),
            ],
        ),
        (
            "a.pptx",
            vec![
                ("ppt/presentation.xml", "<p><sldId r:id=\"r1\"/><sldSz cx=\"9\" cy=\"9\"/></p>"),
                ("ppt/_rels/presentation.xml.rels", rels),
                ("ppt/s.xml", slide),
            ],
        ),
        (
            "a.xlsx",
            vec![
                ("xl/workbook.xml", "<w><sheet name=\"n\" r:id=\"r2\"/></w>"),
                ("xl/_rels/workbook.xml.rels", rels),
                ("xl/s.xml", sheet),
                ("xl/styles.xml", styles),
                ("xl/sharedStrings.xml", "<sst><si><t>s</t></si></sst>"),
            ],
        ),
        (
            "a.odt",
            vec![
                ("mimetype", "application/vnd.oasis.opendocument.text"),
                ("content.xml", open),
                ("O/content.xml", "<math><mfrac><mi>a</mi><mi>b</mi></mfrac></math>"),
            ],
        ),
        ("a.ods", vec![("mimetype", "application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", open)]),
        ("a.odp", vec![("mimetype", "application/vnd.oasis.opendocument.presentation"), ("content.xml", open)]),
        (
            "a.epub",
            vec![
                ("mimetype", "application/epub+zip"),
                ("META-INF/container.xml", "<c><rootfile full-path=\"b.opf\"/></c>"),
                ("b.opf", book),
                ("a.xhtml", "<html><title/><body><h1>a</h1><p/>b<a/></body></html>"),
            ],
        ),
        ("a.rtf", vec![("", rtf)]),
        ("a.eml", vec![("", mail)]),
        ("a.mbox", vec![("", mail)]),
        ("a.ipynb", vec![("", notebook)]),
        ("a.jsonl", vec![("", "{\"title\": \"a\", \"b\": [1, {\"c\": \"\\ud83d\\ude00\"}]}\n{}\n")]),
        ("a.csv", vec![("", "a;b;\"c\nd\"\n1;2;3\n")]),
    ]
}

/// Takes pieces away, doubles them, and puts bytes between.
fn damaged(bytes: &[u8], cuts: &[(u16, u8, u8)]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for (at, length, kind) in cuts {
        let start = usize::from(*at) % out.len().max(1);
        let end = (start + usize::from(*length)).min(out.len());
        let piece = out[start.min(out.len())..end].to_vec();
        match kind % 4 {
            0 => drop(out.splice(start..end, [])),
            1 => drop(out.splice(start..start, piece)),
            2 => drop(out.splice(start..end, [*kind])),
            _ => drop(out.splice(start..start, format!("{}", i32::from(*length) - 100).into_bytes())),
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn damaged_files_give_canonical_text_or_an_error(
        which in 0..13usize,
        part in any::<prop::sample::Index>(),
        cuts in proptest::collection::vec((any::<u16>(), 0..60u8, any::<u8>()), 0..5),
        parted in any::<bool>(),
    ) {
        let files = files();
        let (name, parts) = &files[which];
        let chosen = part.index(parts.len());
        let parts: Vec<(&str, Vec<u8>)> = parts.iter().enumerate().map(|(n, (name, content))| {
            let bytes = if n == chosen { damaged(content.as_bytes(), &cuts) } else { content.as_bytes().to_vec() };
            (*name, bytes)
        }).collect();
        let bytes = match parts.as_slice() {
            [("", bytes)] => bytes.clone(),
            parts => {
                let texts: Vec<(&str, String)> = parts.iter().map(|(name, bytes)| (*name, String::from_utf8_lossy(bytes).into_owned())).collect();
                docx(&texts.iter().map(|(name, text)| (*name, text.as_str())).collect::<Vec<_>>())
            }
        };
        let sections = if parted { vec![SectionPlace::Heading("h".into())] } else { Vec::new() };
        if let Ok(doc) = extract(&Job { name: (*name).into(), sections, ..Job::default() }, &bytes) {
            prop_assert!(unicode_normalization::is_nfc(&doc.text));
            prop_assert!(!doc.text.contains(['\r', '\0']));
            for chunk in &doc.chunks {
                prop_assert!(doc.text.get(chunk.start..chunk.end).is_some());
            }
            for heading in &doc.headings {
                prop_assert!(doc.text.is_char_boundary(heading.start));
            }
        }
    }
}

#[test]
fn what_is_damaged_here_is_read_when_it_is_whole() {
    for (name, parts) in files() {
        let bytes = match parts.as_slice() {
            [("", content)] => content.as_bytes().to_vec(),
            parts => docx(parts),
        };
        let read = run(name, &bytes);
        assert!(read.as_ref().is_ok_and(|doc| !doc.text.is_empty()), "{name}: {read:?}");
    }
}
