//! In what order a PDF's lines are read, by small pages made here: columns, tables, initials, signs beside their line; and what
//! is told of letters and files that programs write in their own ways.

use super::pdf_text::{one, shown, whole};
use super::*;

fn at(x: f64, y: f64, text: &str) -> String {
    format!("BT /F1 10 Tf {x} {y} Td ({text}) Tj ET\n")
}

/// Lines below each other.
fn lines(x: f64, top: f64, leading: f64, lines: &[&str]) -> String {
    (0..).zip(lines).map(|(n, line)| at(x, top - leading * f64::from(n), line)).collect()
}

const LEFT: [&str; 4] = [
    "This column tells about the",
    "northern gate and its many",
    "guards of the night, who are",
    "paid twice a month.",
];
const RIGHT: [&str; 4] =
    ["That column tells about the", "southern gate and its few", "guards of the day, who are", "paid once a month."];

#[test]
fn columns_need_not_be_level() {
    let expected = "Rules of the gates of the town, for all guards of both of them\n\n\
        This column tells about the northern gate and its many guards of the night, who are paid twice a month.\n\n\
        That column tells about the southern gate and its few guards of the day, who are paid once a month.";
    let heading = at(72.0, 640.0, "Rules of the gates of the town, for all guards of both of them");
    for offset in [0.0, 2.0, 3.5, 5.0, 8.0] {
        let by_column = lines(72.0, 600.0, 12.0, &LEFT) + &lines(250.0, 600.0 - offset, 12.0, &RIGHT);
        assert_eq!(shown(&(heading.clone() + &by_column)), expected, "{offset}");
        let by_row: String = (0..4)
            .map(|n| {
                let y = 600.0 - 12.0 * n as f64;
                at(72.0, y, LEFT[n]) + &at(250.0, y - offset, RIGHT[n])
            })
            .collect();
        assert_eq!(shown(&(heading.clone() + &by_row)), expected, "{offset}");
    }
    // Notes in the margin, of a smaller leading.
    let noted = lines(72.0, 600.0, 12.0, &LEFT) + &lines(250.0, 597.0, 10.0, &["see also", "the rules", "of walls"]);
    assert_eq!(
        shown(&noted),
        "This column tells about the northern gate and its many guards of the night, who are paid twice a month.\n\n\
        see also the rules of walls"
    );
    // Columns that a gap narrower than a letter parts are told by the order of the file.
    let close =
        lines(72.0, 600.0, 12.0, &["aaaaaaaaaaaaaaaaaaaa"; 4]) + &lines(187.0, 600.0, 12.0, &["bbbb bbbb bbbb"; 4]);
    let text = shown(&close);
    assert!(text.starts_with("aaaaaaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaaaaaa"), "{text}");
}

#[test]
fn columns_of_scripts_without_spaces_need_not_be_level() {
    let font = "<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /UniJIS-UCS2-H /DescendantFonts [<< /Type /Font /Subtype /CIDFontType0 /BaseFont /X >>] >>";
    let line = |x: f64, y: f64, code: &str| format!("BT /C 10 Tf {x} {y} Td <{}> Tj ET\n", code.repeat(12));
    let content: String = (0..3)
        .map(|n| f64::from(600 - 14 * n))
        .map(|y| line(72.0, y, "65E5") + &line(220.0, y - 4.0, "672C"))
        .collect();
    let text = text("a.pdf", &one(&content, "/Font << /C 7 0 R >>", &[font]));
    assert_eq!(text, format!("{}\n\n{}", "日".repeat(36), "本".repeat(36)));
    // A short line was not full.
    let heading = "BT /C 10 Tf 72 614 Td <65E565E5> Tj ET\n".to_owned();
    let below: String = (0..2).map(|n| line(72.0, f64::from(600 - 14 * n), "672C")).collect();
    let text = super::text("a.pdf", &one(&(heading + &below), "/Font << /C 7 0 R >>", &[font]));
    assert_eq!(text, format!("日日\n{}", "本".repeat(24)));
}

#[test]
fn cells_of_several_lines_are_read_row_by_row() {
    let rows = [
        (["How many days of leave", "do I get in a year?"], ["Ten, and more for those who", "work the whole week."]),
        (["Who signs the claims of", "the sales team?"], ["The head of sales signs them,", "and the controller."]),
        (["What happens to leave that", "was not taken?"], ["It lapses in March unless", "illness prevented it."]),
    ];
    let expected: Vec<String> = rows.iter().map(|(a, b)| format!("{} {}\t{} {}", a[0], a[1], b[0], b[1])).collect();
    let expected = format!("Question\tAnswer\n{}", expected.join("\n"));
    let table = |pitch: f64, drop: f64, right: f64| {
        let head = at(72.0, 700.0, "Question") + &at(right, 700.0, "Answer");
        let cells = (0..).zip(rows).map(|(n, (a, b))| {
            let top = 680.0 - pitch * f64::from(n);
            lines(72.0, top, 12.0, &a) + &lines(right, top - drop, 12.0, &b)
        });
        head + &cells.collect::<String>()
    };
    for (pitch, drop) in [(32.0, 0.0), (36.0, 0.0), (36.0, 4.0), (40.0, 6.0)] {
        assert_eq!(shown(&table(pitch, drop, 300.0)), expected, "{pitch} {drop}");
    }
    // Rules part rows that stand as near to each other as the lines of a cell do, and cells that nearly touch.
    let rules: String = (0..4).map(|n| format!("70 {} m 460 {0} l S\n", 692 - 24 * n)).collect();
    assert_eq!(shown(&(rules.clone() + &table(24.0, 0.0, 300.0))), expected);
    let upright = "198 620 m 198 710 l S\n";
    assert_eq!(shown(&(rules + upright + &table(24.0, 0.0, 200.0))), expected);
    let small = at(72.0, 700.0, "Gate") + &at(98.0, 700.0, "7") + &at(72.0, 688.0, "x") + &at(98.0, 688.0, "Gate");
    assert_eq!(shown(&("95 680 m 95 710 l S\n".to_owned() + &small)), "Gate\t7\nx\tGate");
    // Paragraphs of two columns do not end at the same heights.
    let text = lines(72.0, 600.0, 12.0, &LEFT)
        + &lines(72.0, 546.0, 12.0, &LEFT)
        + &lines(300.0, 600.0, 12.0, &RIGHT[..2])
        + &lines(300.0, 570.0, 12.0, &RIGHT)
        + &lines(300.0, 516.0, 12.0, &RIGHT[..1]);
    let text = shown(&text);
    assert!(text.starts_with("This column tells about the northern") && !text.contains('\t'), "{text}");
    // A cell whose neighbours stand at its middle keeps its lines together.
    let middle = at(72.0, 700.0, "Code")
        + &at(150.0, 700.0, "Name")
        + &at(350.0, 700.0, "Price")
        + &at(72.0, 674.0, "RV-1")
        + &lines(150.0, 680.0, 12.0, &["Pump with a long name that", "wraps over two lines"])
        + &at(350.0, 674.0, "10")
        + &at(72.0, 650.0, "RV-2")
        + &at(150.0, 650.0, "Filter")
        + &at(350.0, 650.0, "20");
    assert_eq!(
        shown(&middle),
        "Code\tName\tPrice\nRV-1\tPump with a long name that wraps over two lines\t10\nRV-2\tFilter\t20"
    );
}

#[test]
fn a_large_sign_belongs_to_the_line_that_it_begins() {
    let body = |x: f64| lines(x, 700.0, 12.0, &["ealized through careful work", "and good luck."]);
    let large = |y: f64, size: f64, sign: &str| format!("BT /F1 {size} Tf 72 {y} Td ({sign}) Tj ET\n");
    for size in [18.0, 24.0, 30.0] {
        let page = large(688.0, size, "R") + &body(72.0 + 0.75 * size);
        assert_eq!(shown(&page), "Realized through careful work and good luck.", "{size}");
    }
    let cases =
        at(43.0, 694.0, "Either") + &large(690.0, 26.0, "{") + &lines(88.0, 700.0, 12.0, &["the first", "the second"]);
    let text = shown(&cases);
    assert!(text.starts_with("Either { the first") && text.ends_with("the second"), "{text}");
}

#[test]
fn letters_beside_their_line_and_over_each_other_are_one_word() {
    for (content, expected) in [
        ("/F1 10 Tf 72 700 Td (H) Tj -4 Ts (2) Tj 0 Ts (O is water) Tj", "H2O is water"),
        ("/F1 10 Tf 72 700 Td (m) Tj /F1 8.9 Tf -4.4 Ts (3) Tj 0 Ts /F1 10 Tf ( of it) Tj", "m3 of it"),
        ("/F1 10 Tf 72 700 Td [(Sch) 0 (\\250) 333 (opf)] TJ", "Schöpf"),
        ("/F1 10 Tf 72 700 Td (DAS ) Tj 25.3 2 Td (\\250) Tj -1.9 -2 Td (UBER) Tj", "DAS ÜBER"),
        ("/F1 10 Tf 72 700 Td [(Sert) 270] TJ -2 Ts (.) Tj 0 Ts (o) Tj", "Serṭo"),
        ("/F1 10 Tf 72 700 Td [(Sert) 270 (.)] TJ", "Sert."),
        ("/F1 10 Tf 72 700 Td (a ~ b ^ c) Tj", "a ~ b ^ c"),
    ] {
        assert_eq!(shown(&format!("BT {content} ET")), expected, "{content}");
    }
    // Words that were set apart until they filled the line.
    let full = at(72.0, 676.0, "finances five flights to it");
    let wide = at(72.0, 700.0, "The") + &at(118.7, 700.0, "town") + &at(168.2, 700.0, "pays");
    let again = at(72.0, 688.0, "and") + &at(118.7, 688.0, "more") + &at(169.9, 688.0, "kind");
    assert_eq!(shown(&(wide + &again + &full)), "The town pays and more kind finances five flights to it");
    // Figures stand as evenly.
    let figures: String = (0..3)
        .map(|n| 700.0 - 12.0 * f64::from(n))
        .map(|y| at(72.0, y, "100") + &at(120.0, y, "200") + &at(168.0, y, "300"))
        .collect();
    assert_eq!(shown(&figures), "100\t200\t300\n100\t200\t300\n100\t200\t300");
}

#[test]
fn what_is_drawn_to_the_left_is_read_as_it_is_written() {
    let font = "<< /Type /Font /Subtype /Type1 /BaseFont /X /FirstChar 65 /LastChar 69 /Widths [300 300 600 600 300] \
        /Encoding << /Differences [65 /uni0627 /uni0644 /uni064A /uni0645 /uni0646] >> >>";
    let read = |glyphs: &[(char, i32)]| {
        let content: String =
            glyphs.iter().map(|(c, x)| format!("BT /A 10 Tf {} 700 Td ({c}) Tj ET\n", 100 + x)).collect();
        text("a.pdf", &one(&content, "/Font << /A 7 0 R >>", &[font]))
    };
    // Alef, lam, yeh, meem, yeh, noon from the right; narrow letters come before wide ones.
    let word = [('A', 27), ('B', 24), ('C', 18), ('D', 12), ('C', 6), ('E', 3)];
    let reversed: Vec<_> = word.iter().rev().copied().collect();
    assert_eq!((read(&word).as_str(), read(&reversed).as_str()), ("اليمين", "اليمين"));
    let two: Vec<_> = word.iter().copied().chain([('D', -6), ('A', -9)]).collect();
    assert_eq!(read(&two), "اليمين ما");
}

#[test]
fn streams_end_where_viewers_see_their_end() {
    let content = at(72.0, 700.0, "Twenty days");
    let plain = String::from_utf8(one(&content, "", &[])).unwrap();
    let length = format!("/Length {}", content.len());
    for changed in [
        plain.replace("\nendstream", " endstream"),
        plain.replace("\nendstream", "\tendstream"),
        plain.replace(&length, &" ".repeat(length.len())),
    ] {
        assert_ne!(changed, plain);
        assert_eq!(text("a.pdf", changed.as_bytes()), "Twenty days");
    }
    let hex: String = at(0.0, 0.0, "Twenty days").bytes().map(|b| format!("{b:02x}")).collect();
    let form = format!("/Type /XObject /Subtype /Form /BBox [0 0 600 800] /Filter [/AHx]\nstream\n{hex}>");
    let short = one("q 1 0 0 1 72 600 cm /X Do Q", "/XObject << /X 7 0 R >>", &[&form]);
    assert_eq!(text("a.pdf", &short), "Twenty days");
    // A page whose content can't be found is no page without text.
    let lost = plain.replace("\nendstream", "\nendstreem");
    let lost = run("a.pdf", lost.as_bytes());
    assert!(matches!(&lost, Err(ExtractError::Broken(_))), "{lost:?}");
}

#[test]
fn a_page_over_a_limit_leaves_the_others() {
    let deep: Vec<String> =
        (7..60).map(|n| format!("/Subtype /Form /BBox [0 0 9 9]\nstream\n/X{} Do", n + 1)).collect();
    let names: String = (7..61).map(|n| format!("/X{n} {n} 0 R ")).collect();
    let deep: Vec<&str> = deep.iter().map(String::as_str).collect();
    let page = at(72.0, 700.0, "seen");
    let doc = run("a.pdf", &whole("", &[&page, "/X7 Do", &page], &format!("/XObject << {names} >>"), &deep)).unwrap();
    assert_eq!((doc.text.as_str(), doc.removed["unreadable pages"]), ("seen\n\nseen", 1));
    assert!(doc.warnings.iter().any(|w| w.contains("page 2") && w.contains("deeper")), "{:?}", doc.warnings);
}

#[test]
fn collections_say_what_glyphs_without_a_table_are() {
    let font = |encoding: &str, ordering: &str| {
        format!(
            "<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /{encoding} /DescendantFonts [<< /Type /Font /Subtype /CIDFontType0 \
            /BaseFont /X /CIDSystemInfo << /Registry (Adobe) /Ordering ({ordering}) /Supplement 2 >> >>] >>"
        )
    };
    for (encoding, ordering, codes, expected) in [
        ("Identity-H", "Japan1", "034B0D4A", "あ"),
        ("Identity-V", "Japan1", "034C", "ぃ"),
        ("H", "Japan1", "467C4B5C", "日本"),
        ("V", "Japan1", "467C4B5C", "日本"),
        ("Identity-H", "GB1", "11CF", "中"),
        ("Identity-H", "CNS1", "0253", "一"),
        ("Identity-H", "Korea1", "043E", "가"),
    ] {
        let bytes = one(
            &format!("BT /C 12 Tf 72 700 Td <{codes}> Tj ET"),
            "/Font << /C 7 0 R >>",
            &[&font(encoding, ordering)],
        );
        let doc = run("a.pdf", &bytes).unwrap();
        assert!(doc.text.contains(expected), "{encoding} {ordering}: {}", doc.text);
    }
    // Numbers of no collection mean nothing.
    let bytes = one("BT /C 12 Tf 72 700 Td <034A> Tj ET", "/Font << /C 7 0 R >>", &[&font("Identity-H", "Identity")]);
    assert!(run("a.pdf", &bytes).is_err());
}

#[test]
fn signs_lists_and_frames_are_what_they_show() {
    let map =
        "\nstream\n1 begincodespacerange <00> <FF> endcodespacerange 2 beginbfchar <41> <F0B7> <42> <E00C> endbfchar";
    let font = |name: &str| format!("<< /Type /Font /Subtype /TrueType /BaseFont /AAAAAA+{name} /ToUnicode 7 0 R >>");
    let signs = |name: &str| {
        run(
            "a.pdf",
            &one(
                "BT /S 12 Tf 72 700 Td (A) Tj /F1 12 Tf ( First) Tj ET",
                "/Font << /F1 4 0 R /S 8 0 R >>",
                &[map, &font(name)],
            ),
        )
    };
    let doc = signs("OpenSymbol").unwrap();
    assert_eq!((doc.text.as_str(), doc.warnings.len()), ("• First", 0));
    // A private character of a font of letters is any.
    assert!(!signs("Corporate").unwrap().text.contains('•'));
    let list = "/Annots [<< /Subtype /Widget /FT /Ch /V (b) /Opt [(Alder) [(b) (Birch)] (Cedar)] /Rect [72 600 222 680] >> \
        << /Subtype /Widget /FT /Ch /Ff 131072 /V (Oak) /Opt [(Oak) (Pine)] /Rect [72 500 222 520] >>]";
    let chosen = text("a.pdf", &whole(list, &[""], "", &[]));
    assert!(
        ["Alder", "Birch", "Cedar", "Oak"].iter().all(|o| chosen.contains(o)) && !chosen.contains("Pine"),
        "{chosen}"
    );
    // Filled by the even-odd rule, a rectangle in another leaves a frame.
    let frame = |fill: &str| format!("{} 60 660 200 60 re 61 661 198 58 re {fill}\n", at(72.0, 700.0, "framed"));
    assert_eq!(shown(&frame("f*")), "framed");
    assert!(
        run("a.pdf", &one(&frame("f"), "", &[]))
            .is_ok_and(|doc| doc.text.is_empty() && doc.removed["hidden characters"] == 6)
            || run("a.pdf", &one(&frame("f"), "", &[])).is_err()
    );
}
