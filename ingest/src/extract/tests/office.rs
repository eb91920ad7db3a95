//! Slides, sheets and open documents.

use super::*;

pub fn slide(shapes: &str) -> String {
    format!("<p:sld xmlns:p=\"p\" xmlns:a=\"a\" xmlns:r=\"r\"><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:sld>")
}

pub fn shape(place: &str, lines: &[&str]) -> String {
    let place = if place.is_empty() { String::new() } else { format!("<p:ph type=\"{place}\"/>") };
    let lines: String = lines.iter().map(|line| format!("<a:p><a:r><a:t>{line}</a:t></a:r></a:p>")).collect();
    format!("<p:sp><p:nvSpPr><p:cNvPr id=\"1\"/><p:nvPr>{place}</p:nvPr></p:nvSpPr><p:txBody>{lines}</p:txBody></p:sp>")
}

fn relations(list: &[(&str, &str, &str)]) -> String {
    let one = |(id, kind, target): &(&str, &str, &str)| {
        format!("<Relationship Id=\"{id}\" Type=\"http://x/{kind}\" Target=\"{target}\"/>")
    };
    format!("<Relationships>{}</Relationships>", list.iter().map(one).collect::<String>())
}

pub fn show(slides: &[&str], more: &[(&str, &str)]) -> Vec<u8> {
    let ids: String = (0..slides.len()).map(|n| format!("<p:sldId id=\"{}\" r:id=\"r{n}\"/>", 256 + n)).collect();
    let main = format!(
        "<p:presentation xmlns:p=\"p\" xmlns:r=\"r\"><p:sldIdLst>{ids}</p:sldIdLst><p:sldSz cx=\"1000\" cy=\"500\"/></p:presentation>"
    );
    let targets: Vec<(String, String)> =
        (0..slides.len()).map(|n| (format!("r{n}"), format!("slides/s{}.xml", slides.len() - n))).collect();
    let rels: Vec<(&str, &str, &str)> =
        targets.iter().map(|(id, target)| (id.as_str(), "slide", target.as_str())).collect();
    let rels = relations(&rels);
    let names: Vec<String> = targets.iter().map(|(_, target)| format!("ppt/{target}")).collect();
    let mut parts = vec![("ppt/presentation.xml", main.as_str()), ("ppt/_rels/presentation.xml.rels", rels.as_str())];
    parts.extend(names.iter().map(String::as_str).zip(slides.iter().copied()));
    parts.extend_from_slice(more);
    docx(&parts)
}

#[test]
fn slides_come_in_their_order_with_titles_tables_and_notes() {
    let cell = |text: &str| format!("<a:tc><a:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></a:txBody></a:tc>");
    let table = format!(
        "<p:graphicFrame><a:tbl><a:tr>{}{}</a:tr><a:tr>{}{}</a:tr></a:tbl></p:graphicFrame>",
        cell("Site"),
        cell("Load"),
        cell("North"),
        cell("17")
    );
    let field = "<p:sp><p:txBody><a:p><a:fld type=\"slidenum\"><a:t>9</a:t></a:fld></a:p></p:txBody></p:sp>";
    let first = slide(
        &[
            shape("", &["box", "second line"]),
            shape("title", &["Kiln plan"]),
            table,
            field.into(),
            shape("ftr", &["footer"]),
        ]
        .concat(),
    );
    let hidden = slide(&shape("", &["ghost"])).replace("<p:sld ", "<p:sld show=\"0\" ");
    let outside = shape("", &["ghost"]).replace(
        "<p:txBody>",
        "<p:spPr><a:xfrm><a:off x=\"2000\" y=\"0\"/><a:ext cx=\"10\" cy=\"10\"/></a:xfrm></p:spPr><p:txBody>",
    );
    let unseen = shape("", &["ghost"]).replace("id=\"1\"", "id=\"1\" hidden=\"1\"");
    let list = "<p:sp><p:txBody><a:p><a:pPr><a:buAutoNum type=\"arabicPeriod\" startAt=\"4\"/></a:pPr><a:r><a:t>four</a:t></a:r></a:p>\
        <a:p><a:pPr><a:buAutoNum type=\"arabicPeriod\" startAt=\"4\"/></a:pPr><a:r><a:t>five</a:t></a:r></a:p>\
        <a:p><a:pPr><a:buChar char=\"x\"/></a:pPr><a:r><a:t>10</a:t></a:r><a:r><a:rPr baseline=\"30000\"/><a:t>21</a:t></a:r></a:p></p:txBody></p:sp>";
    let group = format!("<p:grpSp>{}</p:grpSp>", shape("", &["grouped"]));
    let last = slide(&[outside, unseen, list.into(), group].concat());
    let notes = slide(&[shape("body", &["say this"]), shape("sldNum", &["3"])].concat());
    let bytes = show(
        &[&first, &hidden, &last],
        &[
            ("ppt/slides/_rels/s1.xml.rels", &relations(&[("n", "notesSlide", "../notes/n.xml")])),
            ("ppt/notes/n.xml", &notes),
        ],
    );
    let doc = run("a.pptx", &bytes).unwrap();
    assert_eq!(
        doc.text,
        "# Kiln plan\n\nbox\nsecond line\n\nSite | Load\n\nNorth | 17\n\n# Slide 3\n\n4. four\n5. five\n- 10^21\n\ngrouped\n\nNotes: say this"
    );
    assert_eq!(doc.title.as_deref(), Some("Kiln plan"));
    assert_eq!(doc.chunks.iter().map(|c| c.page).collect::<Vec<_>>(), [Some(1), Some(3)]);
    assert_eq!(
        (doc.removed["hidden slides"], doc.removed["hidden characters"], doc.removed["headers and footers"]),
        (1, 10, 2)
    );
    assert_eq!(run("a.txt", &bytes).unwrap().media_type, Format::Pptx.media_type());
}

pub fn book(sheets: &[(&str, &str, &str)], parts: &[(&str, &str)]) -> Vec<u8> {
    let list: String = sheets
        .iter()
        .enumerate()
        .map(|(n, (name, state, _))| format!("<sheet name=\"{name}\" sheetId=\"{n}\" {state} r:id=\"r{n}\"/>"))
        .collect();
    let main = format!("<workbook xmlns:r=\"r\"><sheets>{list}</sheets></workbook>");
    let mut targets: Vec<(String, &str, String)> =
        (0..sheets.len()).map(|n| (format!("r{n}"), "worksheet", format!("/xl/w{n}.xml"))).collect();
    targets.push(("st".into(), "styles", "styles.xml".into()));
    targets.push(("ss".into(), "sharedStrings", "strings.xml".into()));
    let rels: Vec<(&str, &str, &str)> =
        targets.iter().map(|(id, kind, target)| (id.as_str(), *kind, target.as_str())).collect();
    let rels = relations(&rels);
    let bodies: Vec<(String, String)> = sheets
        .iter()
        .enumerate()
        .map(|(n, (_, _, body))| (format!("xl/w{n}.xml"), format!("<worksheet>{body}</worksheet>")))
        .collect();
    let mut all = vec![("xl/workbook.xml", main.as_str()), ("xl/_rels/workbook.xml.rels", rels.as_str())];
    all.extend(bodies.iter().map(|(name, body)| (name.as_str(), body.as_str())));
    all.extend_from_slice(parts);
    docx(&all)
}

#[test]
fn sheets_are_tables_of_what_is_shown() {
    let styles = "<styleSheet><numFmts><numFmt numFmtId=\"164\" formatCode=\"dd.mm.yyyy\"/><numFmt numFmtId=\"165\" formatCode=\"#,##0.00\\ [$€-407]\"/><numFmt numFmtId=\"166\" formatCode=\";;;\"/></numFmts>\
        <cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"164\"/><xf numFmtId=\"165\"/><xf numFmtId=\"10\"/><xf numFmtId=\"166\"/></cellXfs></styleSheet>";
    let strings =
        "<sst><si><t>Item</t></si><si><r><t>Oak </t></r><r><t>beam</t></r><rPh><t>spoken</t></rPh></si></sst>";
    let rows = "<cols><col min=\"5\" max=\"5\" hidden=\"1\"/></cols><sheetData>\
        <row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"C1\" t=\"inlineStr\"><is><t>Price</t></is></c><c r=\"D1\" t=\"str\"><v>Share</v></c><c r=\"E1\" t=\"str\"><v>ghost</v></c><c r=\"F1\" t=\"str\"><v>Since</v></c></row>\
        <row r=\"2\"><c r=\"A2\" t=\"s\"><v>1</v></c><c r=\"C2\" s=\"2\"><v>1234.5</v></c><c r=\"D2\" s=\"3\"><v>0.125</v></c><c r=\"F2\" s=\"1\"><v>45415</v></c></row>\
        <row r=\"3\" hidden=\"1\"><c r=\"A3\" t=\"str\"><v>ghost</v></c></row>\
        <row r=\"4\"><c r=\"A4\" t=\"b\"><v>1</v></c><c r=\"C4\"><v>0.30000000000000004</v></c><c r=\"D4\" s=\"4\"><v>7</v></c></row></sheetData>";
    let ghost = "<sheetData><row><c t=\"str\"><v>ghost</v></c></row></sheetData>";
    let more = "<sheetData><row><c t=\"str\"><v>a</v></c><c><v>7</v></c></row></sheetData>";
    let bytes = book(
        &[
            ("Stock", "", rows),
            ("Secret", "state=\"hidden\"", ghost),
            ("Very", "state=\"veryHidden\"", ghost),
            ("More", "", more),
            ("Empty", "", ""),
        ],
        &[("xl/styles.xml", styles), ("xl/strings.xml", strings)],
    );
    let doc = run("a.xlsx", &bytes).unwrap();
    assert_eq!(
        doc.text,
        "## Stock\n\nItem | Price | Share | Since\n\nOak beam | 1,234.50 € | 12.50% | 03.05.2024\n\nTRUE | 0.3\n\n## More\n\na | 7"
    );
    assert_eq!(
        (
            doc.removed["hidden sheets"],
            doc.removed["cells of hidden rows and columns"],
            doc.removed["hidden characters"]
        ),
        (2, 2, 1)
    );
}

#[test]
fn numbers_are_shown_in_their_formats() {
    for (code, value, shown) in [
        ("General", "1234567.25", "1234567.25"),
        ("General", "1e20", "1E20"),
        ("0.00", "1.005", "1.00"),
        ("0.0#", "2.5", "2.5"),
        ("#,##0", "1234567", "1,234,567"),
        ("#,##0;(#,##0)", "-1234", "(1,234)"),
        ("0;-0;\"none\"", "0", "none"),
        ("0%", "0.07", "7%"),
        ("0.00E+00", "12345", "1.23E4"),
        ("\"Nr. \"000", "7", "Nr. 007"),
        ("0,", "12345", "12"),
        ("# ?/?", "0.5", "0.5"),
        ("yyyy-mm-dd hh:mm", "45415.5", "2024-05-03 12:00"),
        ("d. mmmm yyyy", "45415", "3. May 2024"),
        ("dddd", "45415", "Friday"),
        ("h:mm AM/PM", "0.75", "6:00 PM"),
        ("[h]:mm", "1.5", "36:00"),
        ("mm:ss", "0.0020833333", "03:00"),
        ("d/m/yy", "1", "1/1/00"),
        ("d/m/yy", "-5", "-5"),
        ("[Red]-0.0", "3", "-3.0"),
        ("@", "12", "12"),
        ("0.00", "not a number", "not a number"),
    ] {
        let styles = format!(
            "<styleSheet><numFmts><numFmt numFmtId=\"200\" formatCode=\"{}\"/></numFmts><cellXfs><xf numFmtId=\"200\"/></cellXfs></styleSheet>",
            code.replace('"', "&quot;")
        );
        let rows = format!("<sheetData><row><c s=\"0\"><v>{value}</v></c></row></sheetData>");
        let doc = run("a.xlsx", &book(&[("S", "", &rows)], &[("xl/styles.xml", &styles)])).unwrap();
        assert_eq!(doc.text, format!("## S\n\n{shown}"), "{code} {value}");
    }
}
