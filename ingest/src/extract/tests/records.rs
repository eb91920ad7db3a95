//! Mail, notebooks and records.

use serde_json::json;

use super::*;

fn headings(doc: &Extracted) -> Vec<(u8, &str)> {
    doc.headings.iter().map(|h| (h.level, h.text.as_str())).collect()
}

const HEAD: &str = "From: =?utf-8?B?SsO8cmdlbg==?= <j@example.org>\r\nTo: team@example.org, \"Ana R.\" <a@example.org>\r\n\
    Subject: =?utf-8?Q?=C3=9Cbergabe_der_Schl=C3=BCssel?=\r\nDate: Fri, 3 May 2024 10:00:00 +0200\r\nMIME-Version: 1.0\r\n";

#[test]
fn mail_is_decoded_and_its_headers_are_metadata() {
    let png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk";
    let csv = "TmFtZTtQcmVpcwpNw7xsbGVyOzcK";
    let bytes = format!(
        "{HEAD}Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n\
         --a\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nonly in pl=\r\nain\r\n\
         --a\r\nContent-Type: multipart/related; boundary=r\r\n\r\n--r\r\nContent-Type: text/html; charset=iso-8859-1\r\n\
         Content-Transfer-Encoding: quoted-printable\r\n\r\n<h1>Empfang</h1><p>F=FCr alle <b hidden>ghost</b></p>\r\n\
         --r\r\nContent-Type: image/png; name=a.png\r\nContent-ID: <x>\r\nContent-Transfer-Encoding: base64\r\n\r\n{png}\r\n--r--\r\n--a--\r\n\
         --m\r\nContent-Type: text/csv; name=list.csv\r\nContent-Disposition: attachment; filename=list.csv\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{csv}\r\n\
         --m\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename=photo.png\r\nContent-Transfer-Encoding: base64\r\n\r\n{png}\r\n--m--\r\n"
    );
    let doc = run("a.eml", bytes.as_bytes()).unwrap();
    assert_eq!(
        doc.text,
        "# Übergabe der Schlüssel\n\nFrom: Jürgen <j@example.org>\nTo: team@example.org, Ana R. <a@example.org>\n\
         Date: 2024-05-03T10:00:00+02:00\n\n# Empfang\n\nFür alle\n\n## Attachment: list.csv\n\nName | Preis\n\nMüller | 7\n\n\
         Attachment: photo.png"
    );
    assert_eq!(headings(&doc), [(1, "Übergabe der Schlüssel"), (2, "Empfang"), (2, "Attachment: list.csv")]);
    assert_eq!(doc.title.as_deref(), Some("Übergabe der Schlüssel"));
    assert_eq!(doc.metadata["from"], "Jürgen <j@example.org>");
    assert_eq!(doc.metadata["to"], json!(["team@example.org", "Ana R. <a@example.org>"]));
    assert_eq!(doc.metadata["date"], "2024-05-03T10:00:00+02:00");
    assert_eq!(doc.metadata["attachments"], json!(["list.csv", "photo.png"]));
    assert_eq!(doc.metadata["attachment_types"], json!(["image/png", "text/csv"]));
    // The heading of an attachment may be a restricted part.
    let parted = Job { name: "a.eml".into(), has_parts: true, ..Job::default() };
    assert_eq!(extract(&parted, bytes.as_bytes()).unwrap().metadata.get("attachments"), None);
    let counted = |what: &str| doc.removed.get(what).copied().unwrap_or_default();
    assert_eq!((counted("other forms of a text"), counted("pictures"), counted("hidden elements")), (1, 1, 1));
    assert_eq!(counted("attachments that are not read"), 1);
    assert!(doc.warnings.iter().any(|w| w.contains("photo.png")), "{:?}", doc.warnings);
    // By its headers, whatever it is called.
    assert_eq!(run("a", bytes.as_bytes()).unwrap().text, doc.text);
}

#[test]
fn a_mail_to_very_many_keeps_its_metadata_small() {
    let to: Vec<String> = (0..3_000).map(|n| format!("p{n}@example.org")).collect();
    let doc = run("a.eml", format!("Subject: s\nFrom: a@x\nTo: {}\n\ntext", to.join(",\n ")).as_bytes()).unwrap();
    assert_eq!(doc.metadata["to"].as_array().map(Vec::len), Some(50));
    assert!(doc.text.contains("p900@example.org"));
}

#[test]
fn what_programs_write_around_a_message_is_none_of_it() {
    let message = "Subject: One\nFrom: a@x\n\nfirst\n";
    for around in [
        format!("\u{feff}{message}"),
        format!("From - Fri May  3 10:00:00 2024\n{message}"),
        format!("{}\n{message}<?xml version=\"1.0\"?><plist/>", message.len()),
    ] {
        assert_eq!(text("a.emlx", around.as_bytes()), "# One\n\nFrom: a@x\n\nfirst", "{around}");
    }
}

#[test]
fn forwarded_mail_and_attached_documents_lie_below() {
    let word = docx(&[("word/document.xml", &word(&para("kiln schedule")))]);
    let encoded = base64(&word);
    let bytes = format!(
        "{HEAD}Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n\r\nsee below\r\n\
         --m\r\nContent-Type: message/rfc822\r\n\r\nSubject: Inner\r\nFrom: b@example.org\r\n\r\ninner text\r\n\
         --m\r\nContent-Type: application/octet-stream; name=\"=?utf-8?Q?Pl=C3=A4ne.docx?=\"\r\nContent-Transfer-Encoding: base64\r\n\r\n{encoded}\r\n--m--\r\n"
    );
    let doc = run("a.eml", bytes.as_bytes()).unwrap();
    assert!(doc.text.contains("see below\n\n## Inner\n\nFrom: b@example.org\n\ninner text"), "{}", doc.text);
    assert!(doc.text.ends_with("## Attachment: Pläne.docx\n\nkiln schedule"), "{}", doc.text);
}

pub fn base64(bytes: &[u8]) -> String {
    let signs = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let n = (0..3).fold(0u32, |n, i| n << 8 | u32::from(chunk.get(i).copied().unwrap_or(0)));
        (0..4).for_each(|i| {
            let sign = char::from(signs[(n >> (18 - 6 * i) & 63) as usize]);
            out.push(if i <= chunk.len() { sign } else { '=' });
        });
    }
    let lines: Vec<&str> = out.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    lines.join("\r\n")
}

#[test]
fn a_body_without_charset_is_decoded_like_a_file() {
    let latin =
        [HEAD.as_bytes(), b"Content-Transfer-Encoding: 8bit\r\n\r\nGr\xfc\xdfe aus K\xf6ln, sch\xf6ne Gr\xfc\xdfe\r\n"]
            .concat();
    assert!(text("a.eml", &latin).ends_with("Grüße aus Köln, schöne Grüße"));
    let page = [HEAD.as_bytes(), b"Content-Type: text/html\r\n\r\n<meta charset=\"windows-1252\"><p>caf\xe9 \x80</p>"]
        .concat();
    assert!(text("a.eml", &page).ends_with("café €"));
}

#[test]
fn mailboxes_give_all_their_messages() {
    let bytes = b"From a@x Fri May  3 10:00:00 2024\nSubject: One\nFrom: a@x\n\nfirst\n>From here\n\nFrom nobody, a sentence\n\n\
        From b@x Fri May  3 11:00:00 2024\nSubject: Two\nFrom: b@x\n\nsecond\n";
    for name in ["a.mbox", "a"] {
        let bytes = if name == "a" { [&bytes[..], b"\n"].concat() } else { bytes.to_vec() };
        let named = String::from_utf8(bytes).unwrap().replacen(
            "From: a@x\n",
            "From: a@x\nDate: Fri, 3 May 2024 10:00:00 +0000\n",
            1,
        );
        let doc = run(name, named.as_bytes()).unwrap();
        assert_eq!(headings(&doc), [(1, "One"), (1, "Two")], "{name}");
        assert!(doc.text.contains("first\nFrom here\n\nFrom nobody, a sentence\n\n# Two"), "{}", doc.text);
    }
}

#[test]
fn attachments_are_found_by_their_name_and_page() {
    let attached = |name: &str, bytes: &[u8]| {
        format!(
            "--m\r\nContent-Type: application/octet-stream; name=\"{name}\"\r\nContent-Disposition: attachment\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n{}\r\n",
            base64(bytes)
        )
    };
    let inner = "Content-Type: message/rfc822\r\n\r\nSubject: Forwarded\r\nFrom: b@x\r\n\r\nwritten before\r\n";
    let bytes = format!(
        "{HEAD}Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: text/plain\r\n\r\nsee below\r\n{}--m\r\n{inner}{}--m--\r\n",
        attached("plan.pdf", &pdf(&["first page of it", "second page of it"])),
        attached("note.txt", b"and a note"),
    );
    let doc = run("a.eml", bytes.as_bytes()).unwrap();
    assert_eq!(doc.metadata["attachments"], json!(["plan.pdf", "Forwarded", "note.txt"]));
    let place = |text: &str| {
        let chunk = doc.chunks.iter().find(|chunk| doc.text[chunk.start..chunk.end].contains(text)).unwrap();
        (chunk.page, chunk.heading_path.last().map(String::as_str).unwrap_or_default().to_owned())
    };
    assert_eq!(place("see below"), (None, "Übergabe der Schlüssel".to_owned()));
    assert_eq!(place("first page of it"), (Some(1), "Attachment: plan.pdf".to_owned()));
    assert_eq!(place("second page of it"), (Some(2), "Attachment: plan.pdf".to_owned()));
    assert_eq!(place("written before"), (None, "Forwarded".to_owned()));
    assert_eq!(place("and a note"), (None, "Attachment: note.txt".to_owned()));
    // All that is attached is bounded together.
    let mut builder = Builder::new(false);
    let data = vec![0; 60 * 1024 * 1024];
    let mut read = || nested::read_apart("a.bin", &data, &mut builder);
    assert!((0..4).all(|_| read().is_ok()));
    assert!(matches!(read(), Err(ExtractError::Limit(why)) if why.contains("bytes of documents in one")));
}

#[test]
fn a_saved_page_is_the_page() {
    let bytes = "From: <Saved by Blink>\r\nSnapshot-Content-Location: https://x/\r\nSubject: x\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/related; type=\"text/html\"; boundary=\"b\"\r\n\r\n--b\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\
        Content-Location: https://x/\r\n\r\n<title>Tide</title><h1>Head</h1><p>caf=C3=A9</p>\r\n--b\r\nContent-Type: text/css\r\n\r\np{}\r\n--b--\r\n";
    let doc = run("a.mht", bytes.as_bytes()).unwrap();
    assert_eq!((doc.text.as_str(), doc.title.as_deref()), ("# Head\n\ncafé", Some("Tide")));
}

#[test]
fn mail_that_is_too_deep_or_too_much_ends() {
    let deep = "Content-Type: message/rfc822\r\n\r\n".repeat(3_000);
    assert!(matches!(run("a.eml", deep.as_bytes()), Err(ExtractError::Limit(_))));
    let more = "Content-Type: message/rfc822\r\n\r\n".repeat(30_000);
    assert!(matches!(run("a.eml", more.as_bytes()), Err(ExtractError::Limit(_))));
    let mut inner = b"end".to_vec();
    for _ in 0..12 {
        let head = format!(
            "Subject: s\r\nFrom: a@x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/octet-stream; name=m.eml\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n--b--\r\n",
            base64(&inner)
        );
        inner = head.into_bytes();
    }
    assert!(matches!(run("a.eml", &inner), Err(ExtractError::Limit(_))));
    let many = "From a@x\nSubject: s\n\nx\n\n".repeat(10_001);
    assert!(matches!(run("a.mbox", many.as_bytes()), Err(ExtractError::Limit(_))));
}

#[test]
fn notebooks_show_text_code_and_results() {
    let png = "iVBORw0KGgo".repeat(50);
    let book = json!({"metadata": {"kernelspec": {"language": "python"}}, "cells": [
        {"cell_type": "markdown", "source": ["# Tide analysis\n", "High water. ![a](data:image/png;base64,", png, ")\n", "<!-- ghost -->"]},
        {"cell_type": "code", "source": "x = 1\nplot(x)", "outputs": [
            {"output_type": "stream", "text": ["10%\r50%\rcaf\u{e9}\n", "\u{1b}[31mred\u{1b}[0m"]},
            {"output_type": "display_data", "data": {"image/png": png, "text/plain": "<Figure>"}},
            {"output_type": "execute_result", "data": {"text/html": ["<table><tr><th>A</th></tr><tr><td>1</td></tr></table>"], "text/plain": "   A\n0  1"}},
            {"output_type": "execute_result", "data": {"text/plain": "42"}},
            {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["\u{1b}[0;31mE\u{1b}[0m: v"]}]},
        {"cell_type": "markdown", "source": "## More\n\n```\n# no heading\n```"},
        {"cell_type": "raw", "source": "raw"}]});
    let doc = run("a.ipynb", book.to_string().as_bytes()).unwrap();
    assert_eq!(
        doc.text,
        "# Tide analysis\nHigh water. ![a](data:image/png)\n\nx = 1\nplot(x)\n\ncafé\nred\n\nA\n\n1\n\n42\n\nE: v\n\n\
         ## More\n\n```\n# no heading\n```\n\nraw"
    );
    assert_eq!(headings(&doc), [(1, "Tide analysis"), (2, "More")]);
    assert_eq!((doc.removed["pictures"], doc.removed["comments"]), (2, 1));
    assert_eq!((doc.metadata["language"].as_str(), doc.title.as_deref()), (Some("python"), Some("Tide analysis")));
    let old = json!({"worksheets": [{"cells": [
        {"cell_type": "heading", "level": 2, "source": "Old"},
        {"cell_type": "code", "input": ["y"], "outputs": [{"output_type": "pyout", "text": ["7"]}]}]}]});
    assert_eq!(text("a.ipynb", old.to_string().as_bytes()), "## Old\n\ny\n\n7");
    assert!(matches!(run("a.ipynb", b"{\"cells\": ["), Err(ExtractError::Broken(_))));
}

#[test]
fn records_are_read_by_their_fields() {
    let lines = "{\"title\": \"Caf\\u00e9\", \"body\": \"a\\nb\", \"tags\": [\"x\", 1], \"at\": {\"year\": 2024}}\n\n{\"body\": \"plain \\ud83d\\ude00\"}\n";
    let doc = run("a.jsonl", lines.as_bytes()).unwrap();
    assert_eq!(doc.text, "## Café\n\nbody: a\nb\ntags: x, 1\nat.year: 2024\n\nbody: plain 😀");
    assert_eq!(text("a.json", b"[{\"name\": \"A\", \"n\": null, \"l\": [{\"k\": \"v\"}]}]"), "## A\n\nl.k: v");
    assert_eq!(text("a.json", b"{\"a\": \"b\"}"), "{\"a\": \"b\"}");
    assert_eq!(text("a.json", b"{\"a\": \"caf\\u00e9\"}"), "{\n  \"a\": \"café\"\n}");
    let broken = run("a.json", b"{\"a\": ").unwrap();
    assert_eq!((broken.text.as_str(), broken.warnings.len()), ("{\"a\": ", 1));
    let broken = run("a.jsonl", b"{\"a\": 1}\nnot json").unwrap();
    assert_eq!((broken.text.as_str(), broken.warnings.len()), ("a: 1\n\nnot json", 1));
    let data = run("a.jsonl", format!("{{\"t\": \"x\", \"img\": \"{}\"}}", "A".repeat(2_000)).as_bytes()).unwrap();
    assert_eq!((data.text.as_str(), data.removed["encoded data"]), ("t: x", 1));
    // Spans count in the text as it is written.
    let sections = vec![SectionPlace::Span(Span { start: 1, end: 4 })];
    let parted = extract(&Job { name: "a.json".into(), sections, ..Job::default() }, b"[{\"a\": 1}]").unwrap();
    assert_eq!(parted.text, "[{\"a\": 1}]");
}

#[test]
fn tables_of_any_separator_become_rows() {
    for text in ["Name,Price\n\"Oak, old\",7\n", "Name;Price\n\"Oak, old\";7\n", "Name\tPrice\nOak, old\t7\n"] {
        assert_eq!(super::text("a.csv", text.as_bytes()), "Name | Price\n\nOak, old | 7");
    }
    assert_eq!(text("a.csv", b"a,b\n\"two\nlines\",\n,\n"), "a | b\n\ntwo lines | ");
    assert_eq!(text("a.csv", b"just a sentence\nand one more\n"), "just a sentence\nand one more");
}

#[test]
fn a_mail_is_read_as_mail_programs_show_it() {
    let said = |head: &str, body: &[u8]| {
        let head = format!("From: a@x.org\nMIME-Version: 1.0\n{head}\n\n");
        run("a.eml", &[head.as_bytes(), body].concat()).unwrap()
    };
    let alternative = |last: &str| {
        let body = format!("--B\nContent-Type: text/plain\n\nThe plain text has it all.\n--B\n{last}\n--B--\n");
        said("Subject: s\nContent-Type: multipart/alternative; boundary=B", body.as_bytes())
    };
    for empty in ["<html><body></body></html>", "<p hidden>ghost</p>", "<title>s</title>"] {
        let doc = alternative(&format!("Content-Type: text/html\n\n{empty}"));
        assert!(doc.text.ends_with("The plain text has it all."), "{}", doc.text);
        let wrapped =
            format!("Content-Type: multipart/related; boundary=C\n\n--C\nContent-Type: text/html\n\n{empty}\n--C--\n");
        assert!(alternative(&wrapped).text.ends_with("The plain text has it all."));
    }
    let doc = alternative("Content-Type: text/html\n\n<p>The page.</p>");
    assert!(doc.text.ends_with("\n\nThe page."), "{}", doc.text);
    let event = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Budget meeting\nLOCATION:Room 7\nDESCRIPTION:x\nEND:VEVENT\nEND:VCALENDAR";
    let doc = alternative(&format!("Content-Type: text/calendar; method=REQUEST\n\n{event}"));
    assert!(doc.text.ends_with("has it all.\n\nEvent: Budget meeting\nPlace: Room 7"), "{}", doc.text);
    assert_eq!(doc.removed["other forms of a text"], 1);
    let doc = said("Subject: s\nContent-Type: text/calendar", event.as_bytes());
    assert!(doc.text.ends_with("Place: Room 7\nDescription: x"), "{}", doc.text);

    let doc = said(
        "Subject: s\nContent-Type: text/plain; charset=utf-8; format=flowed; delsp=yes",
        b"A long para \ngraph.\n\n> said",
    );
    assert!(doc.text.ends_with("A long paragraph.\n\n> said"), "{}", doc.text);
}

#[test]
fn letters_of_mail_that_are_not_what_they_are_said_to_be_are_read_all_the_same() {
    let of = |head: &[u8], body: &[u8]| run("a.eml", &[b"From: a@x.org\n", head, b"\n\n", body].concat()).unwrap();
    for charset in ["us-ascii", "iso-8859-1", "windows-1252"] {
        let head = format!("Subject: s\nContent-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit");
        let doc = of(head.as_bytes(), "Grüße aus Köln".as_bytes());
        assert!(doc.text.ends_with("Grüße aus Köln") && doc.warnings.len() == 1, "{} {:?}", doc.text, doc.warnings);
    }
    let head = b"Subject: s\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: 8bit";
    let doc = of(head, b"Gr\xfc\xdfe");
    assert!(doc.text.ends_with("Grüße") && doc.warnings.is_empty(), "{} {:?}", doc.text, doc.warnings);
    for head in [
        &b"Subject: caf\xe9\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable"
            [..],
        b"Subject: caf\xe9\nContent-Type: text/plain",
    ] {
        let doc = of(head, b"text");
        assert_eq!((doc.title.as_deref(), doc.text.contains("# caf\u{e9}\n")), (Some("caf\u{e9}"), true));
    }
}
