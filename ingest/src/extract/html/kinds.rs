//! What kinds of elements there are.

use dom_query::NodeRef;

use super::{formulas, hiding, name_of};

/// The sign that shows up beside a heading for who points at it, to copy the address from.
pub fn is_handle(node: &NodeRef<'_>, name: &str) -> bool {
    let leads_here = name == "a" && node.attr("href").is_some_and(|href| href.starts_with('#'));
    let is_sign = || matches!(formulas::begin_of(node, 8).trim(), "¶" | "#" | "§" | "🔗" | "⚓" | "\u{f0c1}");
    let is_named = |above: &NodeRef<'_>| {
        let name = name_of(above);
        matches!(name.as_str(), "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "dt" | "caption" | "figcaption" | "p")
    };
    leads_here && is_sign() && node.ancestors_it(Some(4)).any(|above| is_named(&above))
}

/// What kind of thing an element is that is left out, if it is; the empty one is not worth counting.
pub fn dropped(node: &NodeRef<'_>, name: &str) -> Option<&'static str> {
    Some(match name {
        "script" => "scripts",
        "style" | "link" => "styles",
        "template" | "noscript" | "noframes" | "noembed" | "object" | "embed" | "iframe" | "canvas" | "video"
        | "audio" => "embedded elements",
        "head" | "title" | "meta" | "base" | "datalist" | "rp" | "progress" | "meter" => "",
        // Of drawings: what they are made of, and what they say to programs.
        "desc" | "metadata" | "defs" | "symbol" | "clippath" | "mask" | "pattern" | "marker" => "",
        "nav" => "navigation",
        "div" | "section" | "aside" | "ul" | "ol" if hiding::is_contents(node) => "navigation",
        // The source of a formula, beside the formula.
        "annotation" | "annotation-xml" => "hidden elements",
        // LibreOffice's, which stand on every page.
        "div" if node.attr("title").is_some_and(|title| matches!(&*title, "header" | "footer")) => {
            "headers and footers"
        }
        _ => return None,
    })
}

/// Whether a heading in such an element, and in no other, begins a section of the page. Within a quotation, a list, an
/// aside, or whatever else stands in the text as one thing, it does not.
pub fn holds_sections(name: &str) -> bool {
    let sections =
        ["html", "body", "main", "article", "section", "div", "header", "footer", "hgroup", "form", "center"];
    let inline = ["a", "b", "big", "em", "font", "i", "small", "span", "strong", "u"];
    sections.contains(&name) || inline.contains(&name)
}

/// Elements with lines of their own.
const BLOCKS: [&str; 43] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "caption",
    "center",
    "dd",
    "details",
    "dialog",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "hr",
    "html",
    "legend",
    "main",
    "ol",
    "optgroup",
    "p",
    "search",
    "section",
    "summary",
    "table",
    "tbody",
    "tfoot",
    "thead",
    "ul",
    "menu",
    "dir",
];

pub fn is_block(name: &str) -> bool {
    BLOCKS.contains(&name)
}
