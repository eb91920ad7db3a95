//! What is read of a PDF's pages, by small files made here: what is drawn, in what fonts, in what order, seen by whom.

use super::*;

/// A file of one page with this content, these resources (fonts `F1` and `F2` apart), and more objects, from number 7 on.
pub(super) fn one(content: &str, resources: &str, objects: &[&str]) -> Vec<u8> {
    whole("", &[content], resources, objects)
}

pub(super) fn whole(page: &str, contents: &[&str], resources: &str, objects: &[&str]) -> Vec<u8> {
    let stream = |dict: &str, data: &str| format!("<< {dict} /Length {} >>\nstream\n{data}\nendstream", data.len());
    let first = 7 + objects.len();
    let kids: String = (0..contents.len()).map(|n| format!("{} 0 R ", first + 2 * n)).collect();
    let mut all = vec![
        "<< /Type /Catalog /Pages 2 0 R /OCProperties << /OCGs [6 0 R] /D << /OFF [6 0 R] >> >> >>".to_owned(),
        format!("<< /Type /Pages /Kids [{kids}] /Count {} /MediaBox [0 0 600 800] >>", contents.len()),
        format!("<< /Font << /F1 4 0 R /F2 5 0 R >> {resources} >>"),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Times-Roman /Encoding << /Differences [65 /fi /a.alt /uni00E9 /f_f_l /g17 /Euro] >> >>".to_owned(),
        "<< /Type /OCG /Name (draft) >>".to_owned(),
    ];
    all.extend(objects.iter().map(|object| match object.split_once("\nstream\n") {
        Some((dict, data)) => stream(dict, data),
        None => (*object).to_owned(),
    }));
    for (n, content) in contents.iter().enumerate() {
        all.push(format!(
            "<< /Type /Page /Parent 2 0 R /Resources 3 0 R /Contents {} 0 R {page} >>",
            first + 2 * n + 1
        ));
        all.push(stream("", content));
    }
    let mut bytes = b"%PDF-1.7\n".to_vec();
    let mut places = Vec::new();
    for (n, object) in all.iter().enumerate() {
        places.push(bytes.len());
        bytes.extend(format!("{} 0 obj\n{object}\nendobj\n", n + 1).bytes());
    }
    let table = bytes.len();
    bytes.extend(format!("xref\n0 {}\n0000000000 65535 f \n", all.len() + 1).bytes());
    places.iter().for_each(|at| bytes.extend(format!("{at:010} 00000 n \n").bytes()));
    bytes.extend(format!("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF", all.len() + 1).bytes());
    bytes
}

pub(super) fn shown(content: &str) -> String {
    text("a.pdf", &one(content, "", &[]))
}

#[test]
fn words_and_lines_are_told_by_their_places() {
    for (content, expected) in [
        ("/F1 12 Tf 72 700 Td [(Har) 20.5 (bour) -278.0 (permits)] TJ", "Harbour permits"),
        ("/F1 12 Tf 1 0 0 1 72 700 Tm (Late) Tj 1 0 0 1 102 700 Tm (fee) Tj", "Late fee"),
        (
            "/F1 1 Tf 12 0 0 12 72 700 Tm (must keep all of the) Tj 0 -1.2 TD (records of all visits) Tj T* (for years) Tj",
            "must keep all of the records of all visits for years",
        ),
        (
            "/F1 12 Tf 14 TL 72 700 Td (complete the manda-) Tj T* (tory safety instruc-) Tj (tion) '",
            "complete the mandatory safety instruction",
        ),
        ("/F1 12 Tf 1 0 0 1 135 700 Tm (allow) Tj ET BT 1 0 0 1 162.7 700 Tm (ance) Tj", "allowance"),
        // Drawn twice for boldness, set apart, raised.
        ("/F1 12 Tf 72 700 Td (Bold) Tj 0.3 0 Td (Bold) Tj", "Bold"),
        ("/F1 12 Tf 6 Tc 72 700 Td (CHAPTER) Tj", "CHAPTER"),
        ("/F1 12 Tf 72 700 Td (annex) Tj /F1 7 Tf 5 Ts (4) Tj", "annex 4"),
        // Of two texts on one place each stays whole.
        ("/F1 12 Tf 72 700 Td (participants) Tj ET BT /F1 12 Tf 90 700 Td (heritage) Tj", "participants\n\nheritage"),
        ("/F1 12 Tf 72 700 Td (Title) Tj 40 0 Td (. . . . . . .) Tj 80 0 Td (7) Tj", "Title\t7"),
    ] {
        assert_eq!(shown(&format!("BT {content} ET")), expected, "{content}");
    }
}

#[test]
fn columns_are_read_one_after_the_other_and_tables_row_by_row() {
    let at = |x: i32, y: i32, text: &str| format!("BT /F1 10 Tf {x} {y} Td ({text}) Tj ET\n");
    let left = ["This column tells about the", "northern gate and its many", "guards of the night."];
    let right = ["That column tells about the", "southern gate and its few", "guards of the day."];
    let lines =
        |x: i32, lines: &[&str]| -> String { (0..).zip(lines).map(|(n, line)| at(x, 600 - 12 * n, line)).collect() };
    let by_column = lines(72, &left) + &lines(300, &right);
    let by_row: String =
        (0..3).map(|n| at(72, 600 - 12 * n as i32, left[n]) + &at(300, 600 - 12 * n as i32, right[n])).collect();
    let expected = "This column tells about the northern gate and its many guards of the night.\n\n\
        That column tells about the southern gate and its few guards of the day.";
    assert_eq!(shown(&by_column), expected);
    assert_eq!(shown(&by_row), expected);
    let table = at(72, 700, "Item")
        + &at(200, 700, "Price")
        + &at(72, 685, "Valve with a")
        + &at(72, 673, "long name")
        + &at(200, 685, "18")
        + &at(72, 655, "Hose")
        + &at(200, 655, "7");
    assert_eq!(shown(&table), "Item\tPrice\nValve with a long name\t18\nHose\t7");
}

#[test]
fn forms_fields_and_stamps_are_part_of_the_page() {
    let inner = "/Type /XObject /Subtype /Form /BBox [0 0 600 800]\nstream\nBT /F1 12 Tf 72 600 Td (Turbine blades) Tj ET /X8 Do";
    let outer = "/Type /XObject /Subtype /Form /BBox [0 0 600 800] /Matrix [1 0 0 1 0 -50]\nstream\n/X7 Do";
    let resources = "/XObject << /X7 7 0 R /X8 8 0 R >>";
    let doc = run("a.pdf", &one("q /X8 Do Q", resources, &[inner, outer])).unwrap();
    assert_eq!(doc.text, "Turbine blades");
    let look = "/Type /XObject /Subtype /Form /BBox [0 0 150 20] /Resources 3 0 R\nstream\nBT /F1 12 Tf 2 5 Td (Quillfeather) Tj ET";
    let fields = "/Annots [<< /Subtype /Widget /FT /Tx /V (old) /Rect [72 700 222 720] /F 4 /AP << /N 7 0 R >> >> \
        << /Subtype /Widget /FT /Tx /V (Marjoram) /Rect [72 600 222 620] >> \
        << /Subtype /Widget /FT /Tx /V (secret) /Rect [72 500 222 520] /F 2 >> \
        << /Subtype /Text /Contents (remark) /Rect [72 400 92 420] >>]";
    let doc = run("a.pdf", &whole(fields, &[""], "", &[look])).unwrap();
    assert_eq!((doc.text.as_str(), doc.removed["hidden characters"]), ("Quillfeather\n\nMarjoram", 6));
    assert_eq!(doc.removed["comments"], 1);
}

#[test]
fn what_nobody_sees_is_counted_and_left_out() {
    let secret = "BT /F1 12 Tf 72 600 Td (secret) Tj ET";
    for (content, hides) in [
        (format!("BT 3 Tr ET {secret}"), true),
        (format!("1 g {secret}"), true),
        (format!("0 0 0 rg 60 590 200 40 re f 1 g {secret}"), false),
        (format!("60 590 200 40 re f {secret}"), true),
        (format!("{secret} 60 590 200 40 re f"), true),
        (format!("/G gs {secret}"), true),
        (format!("/OC /L BDC {secret} EMC"), true),
        (format!("q 300 300 50 50 re W n {secret} Q"), true),
        (format!("q 1 0 0 1 700 0 cm {secret} Q"), true),
        (format!("q 0.05 0 0 0.05 0 0 cm {secret} Q"), true),
        (format!("q 600 0 0 800 0 0 cm /I Do Q BT 3 Tr ET {secret}"), false),
    ] {
        let image =
            "/Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray\nstream\n0";
        let resources = "/ExtGState << /G << /ca 0 >> >> /Properties << /L 6 0 R >> /XObject << /I 7 0 R >>";
        let bytes = one(&format!("q {content} Q BT /F1 12 Tf 72 700 Td (seen) Tj ET"), resources, &[image]);
        let doc = run("a.pdf", &bytes).unwrap();
        let lost: u64 = doc.removed.values().sum();
        assert_eq!((doc.text.contains("secret"), lost), (!hides, if hides { 6 } else { 0 }), "{content}");
        assert!(doc.text.contains("seen"), "{content}");
    }
}

#[test]
fn fonts_say_what_their_codes_mean_or_the_codes_are_counted() {
    let doc = run("a.pdf", &one("BT /F2 12 Tf 72 700 Td (ABCDF) Tj (E) Tj ET", "", &[])).unwrap();
    assert_eq!((doc.text.as_str(), doc.removed["character codes without a meaning"]), ("fiaéffl€", 1));
    assert!(doc.warnings[0].starts_with("1 of 6 character codes"), "{:?}", doc.warnings);
    let cid = |encoding: &str, rest: &str| {
        format!(
            "<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding {encoding} {rest} /DescendantFonts [<< /Type /Font /Subtype /CIDFontType2 /BaseFont /X >>] >>"
        )
    };
    let map = "\nstream\n1 begincodespacerange <0000> <FFFF> endcodespacerange 1 beginbfchar <0001> <00660069> endbfchar \
        1 beginbfrange <0010> <0012> <D83DDE00> endbfrange";
    let with = |font: &str, codes: &str| {
        run(
            "a.pdf",
            &one(&format!("BT /C 12 Tf 72 700 Td <{codes}> Tj ET"), "/Font << /F1 4 0 R /C 8 0 R >>", &[map, font]),
        )
    };
    assert_eq!(with(&cid("/Identity-H", "/ToUnicode 7 0 R"), "00010012").unwrap().text, "fi😂");
    assert_eq!(with(&cid("/UniJIS-UCS2-H", ""), "65E5672C").unwrap().text, "日本");
    assert_eq!(with(&cid("/90ms-RKSJ-H", ""), "93FA967B41").unwrap().text, "日本A");
    assert_eq!(with(&cid("/UniJIS-UCS2-V", ""), "65E5672C").unwrap().text, "日本");
    let unknown = with(&cid("/Identity-H", ""), "00260028");
    assert!(
        matches!(&unknown, Err(ExtractError::Unsupported(why)) if why.contains("2 character codes 2")),
        "{unknown:?}"
    );
    let actual = "/Span << /ActualText (office) >> BDC BT /C 12 Tf 72 700 Td <000300040005> Tj ET EMC \
        /Span << /ActualText (a long text that nobody sees) >> BDC BT /F1 12 Tf 72 600 Td (seen) Tj ET EMC";
    let doc = run("a.pdf", &one(actual, "/Font << /F1 4 0 R /C 7 0 R >>", &[&cid("/Identity-H", "")])).unwrap();
    assert_eq!((doc.text.as_str(), doc.removed["alternative texts"]), ("office\n\nseen", 1));
}

#[test]
fn pages_are_turned_and_what_repeats_at_their_edges_is_text_once() {
    let turned = whole("/Rotate 90", &["BT /F1 12 Tf 0 1 -1 0 300 100 Tm (on its side) Tj ET"], "", &[]);
    assert_eq!(text("a.pdf", &turned), "on its side");
    let pages: Vec<String> = ["one", "two", "three", "four"]
        .iter()
        .zip(7..)
        .map(|(word, n)| {
            format!("BT /F1 10 Tf 72 770 Td (Handbook of gates) Tj ET BT /F1 10 Tf 72 500 Td (Gate {word}) Tj ET BT /F1 10 Tf 290 30 Td (- {n} -) Tj ET")
        })
        .collect();
    let doc = run("a.pdf", &whole("", &pages.iter().map(String::as_str).collect::<Vec<_>>(), "", &[])).unwrap();
    assert_eq!(doc.text, "Handbook of gates\n\nGate one\n\nGate two\n\nGate three\n\nGate four");
    assert_eq!((doc.removed["repeated headers and footers"], doc.removed["page numbers"]), (3, 4));
    assert_eq!(doc.chunks.iter().map(|c| c.page).collect::<Vec<_>>(), [1, 2, 3, 4].map(Some));
    // A word that goes on on the next page is found on the first.
    let divided =
        whole("", &["BT /F1 10 Tf 72 500 Td (a manda-) Tj ET", "BT /F1 10 Tf 72 700 Td (tory rule) Tj ET"], "", &[]);
    assert_eq!(text("a.pdf", &divided), "a mandatory\n\nrule");
}

#[test]
fn what_would_never_end_ends_at_a_limit() {
    let many: Vec<String> =
        (7..60).map(|n| format!("/Subtype /Form /BBox [0 0 9 9]\nstream\n/X{} Do", n + 1)).collect();
    let names: String = (7..61).map(|n| format!("/X{n} {n} 0 R ")).collect();
    let deep = one("/X7 Do", &format!("/XObject << {names} >>"), &many.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(matches!(run("a.pdf", &deep), Err(ExtractError::Limit(_))));
    // Each form draws the next ten times.
    let many: Vec<String> = (7..27)
        .map(|n| format!("/Subtype /Form /BBox [0 0 9 9]\nstream\n{}", format!("/X{} Do ", n + 1).repeat(10)))
        .collect();
    let wide = one("/X7 Do", &format!("/XObject << {names} >>"), &many.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(matches!(run("a.pdf", &wide), Err(ExtractError::Limit(_))));
    let saved = "q ".repeat(100_000) + &"[".repeat(100_000) + "/a BDC ".repeat(100_000).as_str();
    assert!(run("a.pdf", &one(&saved, "", &[])).is_err());
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(96))]
    /// Damage anywhere in a file gives text or an error, in the time of the test.
    #[test]
    fn no_damage_makes_the_reader_panic(
        changes in proptest::collection::vec((0usize..6_000, proptest::num::u8::ANY), 1..40),
        cut in 0usize..6_000,
    ) {
        let look = "/Type /XObject /Subtype /Form /BBox [0 0 150 20] /Matrix [1 0 0 1 3 4]\nstream\nBT /F1 12 Tf 2 5 Td (Quillfeather) Tj ET /X7 Do";
        let map = "\nstream\n1 begincodespacerange <0000> <FFFF> endcodespacerange 2 beginbfrange <0010> <0012> <D83DDE00> <20> <30> [<40>] endbfrange";
        let font = "<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /ToUnicode 8 0 R /DescendantFonts [<< /W [1 [500 600] 7 9 300] /DW 900 >>] >>";
        let content = "q 0.5 0 0 0.5 9 9 cm 1 g 10 10 500 600 re f /X7 Do BT /F1 12 Tf 14 TL 72 700 Td (complete the manda-) Tj T* [(to) -20 (ry)] TJ /C 9 Tf \
            <00100011> Tj ET Q /Span << /ActualText (x) >> BDC BT /F2 9 Tf 1 0 0 1 72 300 Tm (AB) Tj 1 0 0 1 300 300 Tm (CD) Tj ET EMC BI /W 1 /H 1 ID \0 EI";
        let resources = "/XObject << /X7 7 0 R >> /Font << /F1 4 0 R /F2 5 0 R /C 9 0 R >>";
        let mut bytes = whole("/Annots [<< /Subtype /Widget /FT /Tx /V (v) /Rect [9 9 99 99] /AP << /N 7 0 R >> >>]", &[content, content], resources, &[look, map, font]);
        for (at, byte) in changes {
            let length = bytes.len();
            bytes[at % length] = byte;
        }
        if cut > 4_000 {
            bytes.truncate(cut);
        }
        if let Ok(doc) = run("a.pdf", &bytes) {
            let clean = !doc.text.contains(['\u{1}', '\0']);
            proptest::prop_assert!(clean);
        }
    }
}
