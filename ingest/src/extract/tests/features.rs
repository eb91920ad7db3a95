//! What the table of `docs/ingest.md` says of each format is what its reader does.

use std::collections::BTreeMap;

use super::office::{book, shape, show, slide};
use super::*;

const WORDS: &str = "goods of the second class that are stored in the cold hall";

/// Rows of a long table, whose first one names the columns.
fn rows(row: impl Fn(usize, &str, &str) -> String) -> String {
    let rest = (2..42usize).map(|n| row(n, &(n * 7).to_string(), WORDS));
    std::iter::once(row(1, "Numeral", "Explanation")).chain(rest).collect()
}

fn page(more: &str) -> String {
    let table = rows(|n, a, b| {
        let cell = if n == 1 { "th" } else { "td" };
        format!("<tr><{cell}>{a}</{cell}><{cell}>{b}</{cell}></tr>")
    });
    format!("<h1>Head</h1><p hidden>ghost</p><table>{table}</table>{more}")
}

fn open(kind: &str, body: &str) -> Vec<u8> {
    super::documents::open(kind, "", "", body)
}

fn open_table(name: &str, more: &str) -> String {
    let cell = |text: &str| format!("<table:table-cell><text:p>{text}</text:p></table:table-cell>");
    let rows = rows(|_, a, b| format!("<table:table-row>{}{}</table:table-row>", cell(a), cell(b)));
    let hidden = format!("<table:table-row table:visibility=\"collapse\">{}</table:table-row>", cell("ghost"));
    format!("<table:table table:name=\"{name}\">{rows}{hidden}{more}</table:table>")
}

fn message(head: &str) -> String {
    format!(
        "{head}From: a@x\nSubject: Head\nDate: Fri, 3 May 2024 10:00:00 +0000\nMIME-Version: 1.0\n\
         Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: text/html\n\n{}\n\
         --m\nContent-Type: text/plain; name=a.txt\nContent-Disposition: attachment; filename=a.txt\n\nwritten within\n\
         --m\nContent-Type: application/pdf; name=a.pdf\nContent-Disposition: attachment; filename=a.pdf\n\
         Content-Transfer-Encoding: base64\n\n{}\n--m--\n",
        page(""),
        super::records::base64(&pdf(&["a page"]))
    )
}

/// By the name that the table has for the format: a file of it that has all that the format may have.
fn samples() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let markdown = format!(
        "---\nyear: 2024\n---\n# Head\n\n<p hidden>ghost</p>\n\n{}",
        rows(|n, a, b| format!("| {a} | {b} |\n{}", if n == 1 { "|---|---|\n" } else { "" }))
    );
    let csv = rows(|_, a, b| format!("{a},{b}\n"));
    let records = rows(|_, a, b| format!("{{\"title\": \"{a}\", \"body\": \"{b}\"}}\n"));
    let cell = |text: &str| format!("<w:tc>{}</w:tc>", para(text));
    let docx_table = rows(|_, a, b| format!("<w:tr>{}{}</w:tr>", cell(a), cell(b)));
    let body = format!(
        "<w:p><w:pPr><w:outlineLvl w:val=\"0\"/></w:pPr><w:r><w:t>Head</w:t></w:r></w:p>\
         <w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>ghost</w:t></w:r></w:p><w:tbl>{docx_table}</w:tbl><w:altChunk r:id=\"c\"/>"
    );
    let main = word(&body).replace("xmlns:w=\"w\"", "xmlns:w=\"w\" xmlns:r=\"r\"");
    let word_document = docx(&[
        ("word/document.xml", &main),
        (
            "word/_rels/document.xml.rels",
            "<Relationships><Relationship Id=\"c\" Type=\"http://x/aFChunk\" Target=\"c.txt\"/></Relationships>",
        ),
        ("word/c.txt", "written within"),
    ]);
    let cell = |text: &str| format!("<a:tc><a:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></a:txBody></a:tc>");
    let table = rows(|_, a, b| format!("<a:tr>{}{}</a:tr>", cell(a), cell(b)));
    let hidden = shape("", &["ghost"]).replace("id=\"1\"", "id=\"1\" hidden=\"1\"");
    let slides =
        slide(&format!("{}{hidden}<p:graphicFrame><a:tbl>{table}</a:tbl></p:graphicFrame>", shape("title", &["Head"])));
    let sheet = rows(|n, a, b| {
        format!("<row r=\"{n}\"><c r=\"A{n}\" t=\"str\"><v>{a}</v></c><c r=\"B{n}\" t=\"str\"><v>{b}</v></c></row>")
    });
    let sheet = format!(
        "<sheetData>{sheet}<row r=\"99\" hidden=\"1\"><c r=\"A99\" t=\"str\"><v>ghost</v></c></row></sheetData>"
    );
    let head = "<text:h text:outline-level=\"1\">Head</text:h><text:p><text:hidden-text text:string-value=\"ghost\"/></text:p>";
    let show_page = format!(
        "<draw:page draw:name=\"p\"><draw:frame presentation:class=\"title\"><draw:text-box><text:p>Head</text:p></draw:text-box></draw:frame><draw:frame>{}</draw:frame></draw:page>",
        open_table("t", "")
    );
    let rtf_rows = rows(|_, a, b| format!("\\trowd\\intbl {a}\\cell {b}\\cell\\row "));
    let rtf = format!(
        "{{\\rtf1{{\\stylesheet{{\\s1 heading 1;}}}}\\pard\\s1 Head\\par\\pard{{\\v ghost}}{rtf_rows}\\pard end\\par}}"
    );
    let package = "<package><metadata><dc:creator>Ana</dc:creator></metadata><manifest>\
        <item id=\"a\" href=\"a.xhtml\" media-type=\"application/xhtml+xml\"/></manifest><spine><itemref idref=\"a\"/></spine></package>";
    let epub = docx(&[
        ("mimetype", "application/epub+zip"),
        ("META-INF/container.xml", "<container><rootfiles><rootfile full-path=\"book.opf\"/></rootfiles></container>"),
        ("book.opf", package),
        ("a.xhtml", &format!("<html><body>{}</body></html>", page(""))),
    ]);
    let notebook = serde_json::json!({"metadata": {"kernelspec": {"language": "python"}}, "cells": [
        {"cell_type": "markdown", "source": "# Head\n\n<p hidden>ghost</p>"},
        {"cell_type": "code", "source": "x", "outputs": [
            {"output_type": "execute_result", "data": {"text/html": [page("")]}}]}]});
    vec![
        ("Markdown", "a.md", markdown.into_bytes()),
        ("HTML", "a.html", page("").into_bytes()),
        ("plain text", "a.txt", b"# Head\nwords".to_vec()),
        ("source code", "a.rs", b"fn head() {}".to_vec()),
        ("CSV, TSV", "a.csv", csv.into_bytes()),
        ("JSON, JSONL", "a.jsonl", records.into_bytes()),
        ("PDF", "a.pdf", pdf(&["a page", "another"])),
        ("DOCX", "a.docx", word_document),
        ("PPTX", "a.pptx", show(&[&slides], &[])),
        ("XLSX", "a.xlsx", book(&[("Head", "", &sheet)], &[])),
        ("ODT", "a.odt", open("text", &format!("{head}{}", open_table("t", "")))),
        ("ODS", "a.ods", open("spreadsheet", &open_table("Head", ""))),
        ("ODP", "a.odp", open("presentation", &show_page)),
        ("RTF", "a.rtf", rtf.into_bytes()),
        ("EPUB", "a.epub", epub),
        ("EML, EMLX, MHT", "a.eml", message("").into_bytes()),
        ("MBOX", "a.mbox", message("From a@x Fri May  3 10:00:00 2024\n").into_bytes()),
        ("notebooks", "a.ipynb", notebook.to_string().into_bytes()),
    ]
}

/// The cells of a row: headings, tables, hidden text, metadata, documents within, pages, recognition.
fn seen(name: &str, bytes: &[u8]) -> [&'static str; 7] {
    let job =
        Job { name: name.into(), recognised: BTreeMap::from([(1, "found in a picture".to_owned())]), ..Job::default() };
    let doc = run(name, bytes).unwrap();
    let yes = |is: bool| if is { "yes" } else { "–" };
    let is_row = doc.text.contains(&format!("14 | {WORDS}"));
    let table = match doc.text.matches("Numeral").count() {
        2.. if is_row => "names",
        _ => {
            if is_row {
                "rows"
            } else {
                "–"
            }
        }
    };
    assert!(!doc.text.contains("ghost"), "{name}: {}", doc.text);
    let recognised = extract(&job, bytes).map(|doc| doc.text.contains("found in a picture"));
    [
        yes(!doc.headings.is_empty()),
        table,
        yes(doc.removed.keys().any(|kind| kind.contains("hidden"))),
        yes(!doc.metadata.is_empty()),
        yes(doc.text.contains("written within")),
        yes(doc.pages.iter().any(|page| page.number > 0)),
        yes(recognised == Ok(true)),
    ]
}

/// Cells that no sample here shows: tables of a PDF are told by places (`pdf_text.rs`), and its hidden text and pictures by
/// what is painted.
const ELSEWHERE: &[(&str, usize)] = &[("PDF", 1), ("PDF", 2), ("PDF", 6)];

#[test]
fn the_documentation_says_what_each_format_gives() {
    let text = include_str!("../../../../docs/ingest.md");
    let head = "| format | headings | tables | hidden text left out | metadata | documents within | pages | pictures recognised |";
    let table = text.split_once(head).expect("the table").1;
    let lines = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let told: BTreeMap<&str, Vec<&str>> = lines
        .map(|line| {
            let mut cells = line.trim_matches('|').split('|').map(str::trim);
            (cells.next().unwrap(), cells.collect())
        })
        .collect();
    let samples = samples();
    for (format, name, bytes) in &samples {
        let seen = seen(name, bytes);
        let told = told.get(format).unwrap_or_else(|| panic!("no row of {format}: {}", seen.join(" | ")));
        for (at, (told, seen)) in
            told.iter().zip(seen).enumerate().filter(|(at, _)| !ELSEWHERE.contains(&(format, *at)))
        {
            assert_eq!(*told, seen, "{format}, cell {at}: {seen:?}");
        }
        assert_eq!(told.len(), 7, "{format}");
    }
    // Pictures are the one kind that only recognition reads.
    assert_eq!(told.get("PNG, JPEG, TIFF").map(Vec::as_slice), Some(&["–", "–", "–", "–", "–", "yes", "yes"][..]));
    assert_eq!(told.len(), samples.len() + 1);
}
