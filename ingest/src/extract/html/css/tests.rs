use super::*;

#[test]
fn declarations_are_read_as_browsers_read_them() {
    let of =
        |css: &str| -> Vec<(String, String)> { declarations(css).into_iter().map(|it| (it.name, it.value)).collect() };
    let one = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    for css in [
        "display:none",
        " DISPLAY : NONE ! important ;",
        "background-repeat: x; display/**/: none /* shown */;",
        "border: 1px; d\\69 splay: no\\6e e",
        "list-style: url(data:image/png;base64,x;y); display: none",
        "a:hover{color:red} display:none",
    ] {
        assert_eq!(of(css), one("display", "none"), "{css}");
    }
    assert_eq!(of("background: url('a;b') no-repeat"), one("background", "url('a;b') no-repeat"));
}

#[test]
fn rules_of_a_sheet_apply_where_they_fit() {
    for (css, hidden) in [
        (".x{display:none}", true),
        ("p.x , b { display : none }", true),
        ("/* .x{ */ #i{display:none}", true),
        ("@import 'a.css'; .x{display:none}", true),
        ("@charset \"utf-8\";@media screen and (min-width: 30em){.x{display:none}}", true),
        ("@media print{.x{display:none}}", false),
        ("@media (max-width:600px){.x{display:none}} .y{}", false),
        ("@media not print{@supports (display:grid){div > .x{display:none}}}", true),
        (".x{display:none} .x{display:block}", false),
        ("#i{display:none} .x{display:block}", true),
        (".x{display:none !important} #i{display:block}", true),
        (".x:hover{display:none}", false),
        (".x::before{display:none} .z{display:none}", false),
        ("[class~=x]:not(.q){display:none}", true),
        ("*{display:none}", true),
        (":root p.x{display:none}", true),
        (".x{display:foo;display:none;display:var(--y)}", true),
        ("@font-face{font-family:x;src:url(a)} @keyframes k{from{opacity:0}} .x{content:'}';display:none}", true),
        ("<!-- .x{display:none} -->", true),
        (".a{ .x{display:none} }", false),
        (".x{&.y{display:none}}", true),
        (".x{color:red; &.q{display:none} &:not(.q){display:none}}", true),
        ("div{ color:red; @media screen{ > .x, b { display: none } } }", true),
        (".x{ @media print{ display:none } }", false),
        (".x{ @supports (a:b){ display:none } }", true),
        (":root{--h:none} .x{display:var(--h)}", true),
        (":root{--h:none} div{--h:block} .x{display:var(--h)}", false),
        (":root{--h:block} .x{--h:var(--g);--g:none;display:var(--h)}", true),
        (".x{display:var(--h, none)}", true),
        (":root{--h:none} .x{display:var(--h);display:block}", false),
    ] {
        let document = dom_query::Document::from("<div><p class='x y' id=i>text</p></div>");
        let sheets = Sheets::read([css.to_owned()].into_iter());
        let found = document.select("p");
        let applied = sheets.applied(found.nodes().first().unwrap(), "p");
        assert_eq!(applied.is("display", &["none"]), hidden, "{css} {:?}", applied.get("display"));
    }
}
