//! What of a page nobody sees, by what its elements say of themselves.

use dom_query::NodeRef;

/// Hidden by attribute or by its own style. Classes are not resolved: a style sheet is not applied.
pub fn is_hidden(node: &NodeRef<'_>) -> bool {
    if node.has_attr("hidden") || node.attr("aria-hidden").is_some_and(|v| v.eq_ignore_ascii_case("true")) {
        return true;
    }
    if node.attr("type").is_some_and(|v| v.eq_ignore_ascii_case("hidden")) {
        return true;
    }
    let Some(style) = node.attr("style") else { return false };
    is_hiding(&style)
}

/// A table of contents or an index, which repeats what stands elsewhere, in restricted parts too.
pub fn is_contents(node: &NodeRef<'_>) -> bool {
    let has = |name: &str, words: &[&str]| has_word(node, name, words);
    has("role", &["doc-toc", "doc-index"])
        || has("epub:type", &["toc", "index"])
        || has("class", &["toc"])
        || has("id", &["toc"])
        || node.id_attr().is_some_and(|id| id.starts_with("Table of Contents"))
        || (has("class", &["contents"]) && has("class", &["topic"]))
}

/// Whether an attribute, a list of words, holds one of these.
pub fn has_word(node: &NodeRef<'_>, attribute: &str, words: &[&str]) -> bool {
    let value = node.attr(attribute);
    value.is_some_and(|value| value.split_whitespace().any(|word| words.iter().any(|w| word.eq_ignore_ascii_case(w))))
}

/// Whether a style of an element's own shows nothing of it, or shows it where nobody looks.
fn is_hiding(style: &str) -> bool {
    let style: String = style.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect();
    let declared = style.split(';').filter_map(|d| d.split_once(':'));
    let declared: Vec<(&str, &str)> = declared.map(|(k, v)| (k, v.trim_end_matches("!important"))).collect();
    let is = |key: &str, wanted: &[&str]| declared.iter().any(|(k, v)| *k == key && wanted.contains(v));
    let any = |keys: &[&str], test: &dyn Fn(Length<'_>) -> bool| {
        declared.iter().filter(|(k, _)| keys.contains(k)).any(|(_, v)| lengths(v).any(test))
    };
    let far = |length: Length<'_>| is_far(length);
    // A part of the element's own size, or of its container's, is a matter of layout.
    let far_and_fixed = |length: Length<'_>| length.1 != "%" && is_far(length);
    let is_placed = is("position", &["absolute", "fixed", "relative", "sticky"]);
    let is_clipped = declared.iter().any(|(key, value)| {
        let all = |test: fn(Length<'_>) -> bool| lengths(value).next().is_some() && lengths(value).all(test);
        match *key {
            "clip" => value.starts_with("rect(") && all(|(n, _)| n.abs() <= 1.0),
            "clip-path" if value.starts_with("inset(") => lengths(value).any(|(n, unit)| unit == "%" && n >= 50.0),
            "clip-path" => all(|(n, _)| n == 0.0),
            "transform" | "scale" => value.contains("scale(0)") || *value == "0",
            _ => false,
        }
    });
    let is_cut = is("overflow", &["hidden", "clip"])
        && any(&["width", "height", "max-width", "max-height"], &|(n, unit)| n <= 1.0 && matches!(unit, "" | "px"));
    is("display", &["none"])
        || is("visibility", &["hidden", "collapse"])
        || is("content-visibility", &["hidden"])
        || is("color", &["transparent"])
        || any(&["opacity", "font-size"], &|(n, _)| n < 0.05)
        || (is_placed && any(&["left", "top", "right", "bottom", "inset"], &far))
        || any(&["text-indent"], &far)
        || any(&["margin", "margin-left", "margin-top", "margin-right", "transform", "translate"], &far_and_fixed)
        || is_clipped
        || is_cut
}

/// A number and its unit.
type Length<'a> = (f32, &'a str);

/// All lengths in a value.
fn lengths(value: &str) -> impl Iterator<Item = Length<'_>> {
    let parts = value.split(['(', ')', ',', '/']);
    parts.filter_map(|part| {
        let end = part.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+'))).unwrap_or(part.len());
        Some((part.get(..end)?.parse().ok()?, part.get(end..)?))
    })
}

/// So far beyond an edge that nothing is seen any more.
fn is_far((number, unit): Length<'_>) -> bool {
    match unit {
        "%" | "vw" | "vh" | "vmin" | "vmax" => number <= -100.0,
        "em" | "rem" | "ch" | "ex" => number <= -50.0,
        _ => number <= -500.0,
    }
}
