//! Which kind a file is of, and in which letters it is written, by its content and its name together.

use super::*;

#[test]
fn words_that_begin_like_a_program_or_a_picture_are_words() {
    for (name, bytes) in [
        ("NOTES", "BM minutes of the meeting: repaired"),
        ("README", "PK is the pension fund"),
        ("a.txt", "ID3 tags"),
        ("a", "GIF89a is a format of pictures"),
        ("a.log", "MZ, the marks of DOS"),
        ("TODO", "BZh rates; FLV, OTTO and %PDF-1.4 are spoken of"),
        ("a.unknown", "RIFF and \u{1f8}"),
        ("a.png", "not a picture at all"),
    ] {
        assert_eq!(text(name, bytes.as_bytes()), bytes, "{name}");
    }
    for (name, bytes, wanted) in [
        ("cp.txt", &b"MZ Motorr\xe4der: \xd6l wechseln"[..], "MZ Motorräder: Öl wechseln"),
        (
            "a",
            b"BMW f\xfcr die Gesch\xe4ftsf\xfchrung \x96 \x84Dienstwagen\x93",
            "BMW für die Geschäftsführung – „Dienstwagen“",
        ),
        ("id3.txt", b"ID3 tags f\xfcr Musik", "ID3 tags für Musik"),
    ] {
        assert_eq!(text(name, bytes), wanted, "{name}");
    }
    for bytes in [
        &b"BM\x36\0\x0c\0\0\0\0\0\x36\0\0\0\x28\0"[..],
        b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff",
        b"ID3\x03\0\0\0\0\x0f\x76TALB",
        b"%!PS-Adobe-3.0\ntext",
        b"-----BEGIN CERTIFICATE-----\nMII\n",
    ] {
        let read = run("file", bytes);
        assert!(matches!(read, Err(ExtractError::Unsupported(_))), "{read:?}");
    }
}

#[test]
fn units_of_two_and_four_bytes_are_known_without_a_mark() {
    let words = [
        "Rozliczenie delegacji następuje w ciągu tygodnia.",
        "Die Reise wird mit €5 vergütet.\r\nZweite Zeile.",
        "员工手册 规定 每年 休假 十五 天。\n请假 需 提前 两天 申请。\n部门 主管 批准 后 生效。\n",
        "Отпуск оформляется за две недели 😀",
        "hi",
    ];
    for words in words {
        let two = |bytes: fn(u16) -> [u8; 2]| words.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        let four = |bytes: fn(u32) -> [u8; 4]| words.chars().flat_map(|c| bytes(u32::from(c))).collect::<Vec<u8>>();
        let all = [two(u16::to_le_bytes), two(u16::to_be_bytes), four(u32::to_le_bytes), four(u32::to_be_bytes)];
        for (number, bytes) in all.into_iter().enumerate() {
            for name in ["a.txt", "a", "a.md"] {
                let read = run(name, &bytes).map(|doc| doc.text);
                assert_eq!(read.as_deref(), Ok(words.replace("\r\n", "\n").trim_end()), "{number} {name}");
            }
        }
    }
    for bytes in
        [&b"\x01\0\x02\0\x03\0\x04\0"[..], b"a\0\0\0\xff\xff\xff\xff", b"\0\0\0\0\0\0\0\0", b"RIFF\x24\0\0\0WAVE"]
    {
        assert!(run("a", bytes).is_err(), "{bytes:?}");
    }
}

#[test]
fn a_page_is_in_the_letters_that_it_declares() {
    let gbk = encoding_rs::GBK.encode("联通员工手册").0;
    assert_eq!(text("a.html", &[b"<meta charset=gbk><p>", &gbk[..4]].concat()), "联通");
    // What is declared in a comment or in running text is not.
    let page = [&b"<!-- charset=koi8-r --><meta charset=windows-1252><p>"[..], b"Gr\xfc\xdfe"].concat();
    assert_eq!(text("a.html", &page), "Grüße");
    // Converted, and the declaration left as it was.
    assert_eq!(text("a.html", "<meta charset=iso-8859-1><p>Grüße aus Łódź".as_bytes()), "Grüße aus Łódź");
    // Declared, but not so written.
    assert_eq!(text("a.html", b"<meta charset=utf-8><p>Sch\xf6ne Gr\xfc\xdfe aus K\xf6ln"), "Schöne Grüße aus Köln");
    // Late, where a browser would begin anew.
    let late =
        [format!("<title>x</title>{}<meta charset=koi8-r><p>", " ".repeat(3_000)).as_bytes(), b"\xef\xd4"].concat();
    assert_eq!(text("a.html", &late), "От");
    // One that is cut, among many that are whole.
    let cut = run(
        "a.txt",
        &["Schöne Grüße aus Köln und Düsseldorf, fünf Züge täglich nach Zürich über Würzburg".as_bytes(), b"\xc3"]
            .concat(),
    )
    .unwrap();
    assert!(cut.text.contains("Düsseldorf, fünf") && cut.removed["undecodable bytes"] == 1, "{}", cut.text);
}

#[test]
fn letters_that_are_struck_twice_are_read_once() {
    assert_eq!(
        text("a.txt", b"N\x08NA\x08AM\x08ME\x08E\n  _\x08f_\x08i_\x08l_\x08e and l\x08_i\x08_\n"),
        "NAME\n  file and li"
    );
    assert_eq!(text("a.log", b"\x08a\n\x08b 100%\x08"), "a\nb 100%");
}

#[test]
fn front_matter_gives_title_and_fields_in_each_notation() {
    for (text, title, body) in [
        ("---\ntitle: Dots\n...\nPear", Some("Dots"), "Pear"),
        ("\u{feff}---\r\ntitle: \"Harvest: plan\"\r\n---\r\nPlum", Some("Harvest: plan"), "Plum"),
        ("---\ntitle: 2024\n---\n# Body", Some("2024"), "# Body"),
        ("+++\ntitle = \"Hugo\"\ndate = 2024-01-05\ntags = [\"a\"]\n+++\n\nFig", Some("Hugo"), "Fig"),
        ("{\n\"title\": \"Object\",\n\"tags\": [\"a\"]\n}\n\nKiwi", Some("Object"), "Kiwi"),
        ("---\n\nA rule: see below\n\n---\n\nrest", None, "---\n\nA rule: see below\n\n---\n\nrest"),
        ("---\nWhat we all decided: nothing\n---\n\nrest", Some("x"), "---\nWhat we all decided: nothing\n---\n\nrest"),
    ] {
        let doc = run("a.md", text.as_bytes()).unwrap();
        assert_eq!(doc.text, body, "{text}");
        assert_eq!(doc.title.as_deref(), title.filter(|title| *title != "x"), "{text}");
    }
    let doc = run("a.md", b"+++\ntitle = \"Hugo\"\ndate = 2024-01-05\ntags = [\"a\"]\n[menu]\na = 1\n+++\nx").unwrap();
    assert_eq!(doc.metadata["date"], serde_json::json!("2024-01-05"));
    assert_eq!(doc.metadata["tags"], serde_json::json!(["a"]));
    assert_eq!(doc.removed["front matter fields"], 1);
    let broken = run("a.md", b"+++\ntitle = \n+++\ntext").unwrap();
    assert!(broken.text.starts_with("+++") && broken.warnings.len() == 1);
}

#[test]
fn remarks_in_markdown_are_left_out_and_counted() {
    let doc = run(
        "a.md",
        b"a\n\n[//]: # (ignore all rules)\n[comment]: <> (ignore all rules)\n\n[x]\n\n[x]: http://y (title)\n",
    )
    .unwrap();
    assert!(!doc.text.contains("ignore") && doc.text.contains("[x]: http://y (title)"), "{}", doc.text);
    assert_eq!(doc.removed["comments"], 2);
}

#[test]
fn letters_of_markdown_are_written_out_and_nothing_that_means_something() {
    for (markdown, wanted) in [
        ("M&uuml;ller &#38; S&#246;hne, AT&amp;T &mdash; don&#39;t", "Müller & Söhne, AT&T — don't"),
        ("Ge&shy;samt x&nbsp;y max\\_file\\_size e\\-mail C\\#", "Gesamt x y max_file_size e-mail C#"),
        (
            "`&uuml;` and `a\\_b`\n\n    &uuml;\n\n```\n&uuml; a\\_b\n```",
            "`&uuml;` and `a\\_b`\n\n    &uuml;\n\n```\n&uuml; a\\_b\n```",
        ),
        (
            "&#35; no heading\n\n&#49;. no list\n\n&lt;b&gt; &amp;uuml; \\*x\\* \\_x\\_",
            "&#35; no heading\n\n&#49;. no list\n\n&lt;b&gt; &amp;uuml; \\*x\\* \\_x\\_",
        ),
        ("&nbsp;&nbsp;&nbsp;&nbsp;no code\n\n&shy;# x", "&nbsp;&nbsp;&nbsp;&nbsp;no code\n\n&shy;# x"),
        ("[x](http://a/?b=1&copy=2) <a title='&uuml;'>y</a>", "[x](http://a/?b=1&copy=2) <a title='&uuml;'>y</a>"),
    ] {
        assert_eq!(text("a.md", markdown.as_bytes()), wanted, "{markdown}");
    }
}

#[test]
fn a_zero_in_a_text_makes_no_data_of_it() {
    let doc = run("a.txt", b"The contract runs\0 for three years.").unwrap();
    assert_eq!(doc.text, "The contract runs for three years.");
    assert_eq!(
        (doc.warnings.as_slice(), doc.removed["NUL characters"]),
        (&["1 NUL bytes in the text are left out".to_owned()][..], 1)
    );
    // Letters among as many zeros, or among other signs of data, are none.
    for data in [&b"a\0b\0\0\0cd\0\0efg\0h"[..], b"The contract\0 runs \x01\x02", b"three\0 ye\xff\xfears and a half"] {
        assert!(matches!(run("a.txt", data), Err(ExtractError::Unsupported(_))), "{data:?}");
    }
    assert!(run("a", b"The contract runs\0 for three years.").is_err());
}
