//! What of a page nobody sees: by what its elements say of themselves, by the style sheets within the page, and by what
//! they inherit.

use dom_query::NodeRef;

use super::colour::{BLACK, Colour, LEAST, WHITE, share};
use super::css::{Applied, Sheets};

/// Pixels of letters that nobody can read.
const MIN_SIZE: f32 = 1.5;
const USUAL_SIZE: f32 = 16.0;

/// How the text of an element looks, as far as that can hide it. All of it is inherited, and what lies within may set it
/// anew.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    is_visible: bool,
    size: f32,
    /// None if it can't be told.
    colour: Option<Colour>,
    behind: Option<Colour>,
    /// Line breaks count.
    pub keeps_lines: bool,
    /// Lines of its own, whatever its name.
    pub is_block: bool,
    /// A class or a name, by which a style sheet elsewhere may say more; and there is one.
    is_styled_elsewhere: bool,
}

impl Look {
    /// Of a page as a whole, which may have style sheets elsewhere.
    pub const PAGE: Look = Look {
        is_visible: true,
        size: USUAL_SIZE,
        colour: Some(BLACK),
        behind: Some(WHITE),
        keeps_lines: false,
        is_block: false,
        is_styled_elsewhere: false,
    };

    /// Whether a person sees text that looks so.
    pub fn shows(&self) -> bool {
        let is_clear = self.colour.is_some_and(|colour| colour.is_clear);
        let is_alike = self.colour.zip(self.behind).is_some_and(|(text, behind)| text.is_near(&behind));
        self.is_visible && self.size >= MIN_SIZE && !is_clear && (!is_alike || self.is_styled_elsewhere)
    }
}

/// How an element within such text looks; none if nothing of it is shown, whatever lies within.
pub fn look(node: &NodeRef<'_>, name: &str, around: &Look, sheets: &Sheets, has_others: bool) -> Option<Look> {
    let style = sheets.applied(node, name);
    let has =
        |attribute: &str, wanted: &str| node.attr(attribute).is_some_and(|v| v.trim().eq_ignore_ascii_case(wanted));
    // A search on the page opens what is hidden until it is found.
    let hidden = node.attr("hidden").filter(|value| !value.eq_ignore_ascii_case("until-found"));
    let by_itself = hidden.is_some()
        || node.has_attr("popover")
        || (name == "dialog" && !node.has_attr("open"))
        || has("display", "none");
    let display = style.get("display");
    if display.map_or(by_itself, |display| display == "none") || (name == "input" && has("type", "hidden")) {
        return None;
    }
    let appears = sheets.appears(&style);
    if is_hiding(&style, appears) || has("opacity", "0") {
        return None;
    }
    let mut look = *around;
    look.is_block = display.is_some_and(|display| {
        let outer = display.split(' ').next().unwrap_or_default();
        matches!(outer, "block" | "flex" | "grid" | "table" | "list-item" | "flow-root" | "table-row" | "table-caption")
    });
    match style
        .get("visibility")
        .map(str::to_owned)
        .or_else(|| node.attr("visibility").map(|v| v.to_string()))
        .as_deref()
    {
        Some("visible" | "initial") => look.is_visible = true,
        Some("hidden" | "collapse") => look.is_visible = appears,
        _ => {}
    }
    look.size = size(node, name, &style, around.size);
    look.keeps_lines = match style.get("white-space") {
        Some("pre" | "pre-wrap" | "pre-line" | "break-spaces") => true,
        Some("normal" | "nowrap" | "initial") => false,
        _ => around.keeps_lines,
    };
    look.is_styled_elsewhere |= has_others && (node.id_attr().is_some() || node.has_attr("class"));
    paint(&mut look, node, name, &style);
    Some(look)
}

fn size(node: &NodeRef<'_>, name: &str, style: &Applied, around: f32) -> f32 {
    let shorthand = style.get("font").and_then(|font| {
        font.split(' ').find_map(|part| {
            let size = part.split('/').next().unwrap_or_default();
            pixels(size, around).filter(|_| size == "0" || size.ends_with(|c: char| !c.is_ascii_digit()))
        })
    });
    let own = style.get("font-size").and_then(|size| pixels(size, around)).or(shorthand);
    let by_attribute = node.attr("font-size").filter(|_| matches!(name, "text" | "tspan" | "g" | "svg"));
    own.or_else(|| by_attribute.and_then(|size| pixels(&size, around))).unwrap_or(match name {
        "font" if node.has_attr("size") => USUAL_SIZE,
        _ => around,
    })
}

/// A size of letters in pixels, within text of a size.
fn pixels(value: &str, around: f32) -> Option<f32> {
    let named = match value {
        "xx-small" | "x-small" | "small" | "medium" | "large" | "x-large" | "xx-large" | "initial" => Some(USUAL_SIZE),
        "smaller" => Some(around * 0.83),
        "larger" => Some(around * 1.2),
        _ => None,
    };
    let (number, unit) = number(value)?;
    named.or(Some(match unit {
        "" | "px" if number == 0.0 => 0.0,
        // Where it belongs to a drawing.
        "" | "px" => number,
        "pt" => number * 1.33,
        "em" => number * around,
        "%" => number * around / 100.0,
        "rem" => number * USUAL_SIZE,
        "ex" | "ch" => number * around / 2.0,
        "vw" | "vh" | "vmin" | "vmax" => number * 8.0,
        "pc" => number * 16.0,
        "in" => number * 96.0,
        "cm" => number * 38.0,
        "mm" => number * 3.8,
        _ => return None,
    }))
}

/// Colours of the text and of what lies behind it.
fn paint(look: &mut Look, node: &NodeRef<'_>, name: &str, style: &Applied) {
    let attribute = |name: &str| node.attr(name).map(|value| value.trim().to_ascii_lowercase());
    let parse = |value: &str| match Colour::parse(value) {
        // Attributes may leave the sign out.
        None if value.len() == 6 => Colour::parse(&format!("#{value}")),
        found => found,
    };
    let fill = style.get("-webkit-text-fill-color").or_else(|| style.get("color"));
    if name == "svg" {
        (look.colour, look.behind) = (None, None);
    }
    let by_attribute = || match name {
        "font" => attribute("color"),
        "body" => attribute("text"),
        // Of a drawing only this can be told.
        _ => attribute("fill")
            .filter(|fill| matches!(fill.as_str(), "none" | "transparent"))
            .map(|_| "transparent".into()),
    };
    match fill.map(str::to_owned).or_else(by_attribute) {
        Some(value) if matches!(value.as_str(), "inherit" | "currentcolor" | "unset" | "revert") => {}
        Some(value) => look.colour = parse(&value),
        // A link has a colour of its own.
        None if name == "a" && node.has_attr("href") => look.colour = None,
        None if name == "mark" => (look.colour, look.behind) = (Some(BLACK), None),
        None => {}
    }
    let is_cut_out = ["background-clip", "-webkit-background-clip", "background"]
        .iter()
        .any(|name| style.get(name).is_some_and(|value| value.split(' ').any(|word| word == "text")));
    if is_cut_out {
        look.colour = None;
    }
    let shorthand = style.get("background").map(str::to_owned);
    let colour = style.get("background-color").map(str::to_owned).or_else(|| attribute("bgcolor"));
    let has_picture = style.get("background-image").is_some_and(|value| value != "none")
        || shorthand.as_deref().is_some_and(|value| value.contains('('))
        || node.has_attr("background");
    if has_picture || is_cut_out {
        look.behind = None;
    } else if let Some(value) = colour.or(shorthand) {
        match value.split(' ').find_map(parse) {
            Some(found) if !found.is_clear => (look.behind, look.is_styled_elsewhere) = (Some(found), false),
            Some(_) => {}
            None if matches!(value.as_str(), "none" | "inherit" | "initial" | "unset") => {}
            None => look.behind = None,
        }
    } else if style.is("position", &["absolute", "fixed", "sticky"])
        || style.iter().any(|(name, value)| name.starts_with("margin") && value.contains('-'))
        || matches!(name, "button" | "input" | "select" | "textarea" | "svg")
    {
        // It lies over something else.
        look.behind = None;
    }
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

/// Whether a style shows nothing of an element, or shows it where nobody looks.
fn is_hiding(style: &Applied, appears: bool) -> bool {
    let any = |names: &[&str], test: &dyn Fn(Length<'_>) -> bool| {
        style.iter().filter(|(name, _)| names.contains(name)).any(|(_, value)| lengths(value).any(test))
    };
    let far = |length: Length<'_>| is_far(length);
    // A part of the element's own size, or of its container's, is a matter of layout.
    let far_and_fixed = |length: Length<'_>| length.1 != "%" && is_far(length);
    let far_either_way = |(number, unit): Length<'_>| is_far((number, unit)) || (unit == "px" && number >= 5_000.0);
    let is_taken_out = style.is("position", &["absolute", "fixed"]);
    let is_placed = is_taken_out || style.is("position", &["relative", "sticky"]);
    let is_clipped = style.iter().any(|(name, value)| {
        let all = |test: fn(Length<'_>) -> bool| lengths(value).next().is_some() && lengths(value).all(test);
        match name {
            // It has no effect on what stands in the text.
            "clip" => is_taken_out && value.starts_with("rect(") && all(|(n, _)| n.abs() <= 1.0),
            "clip-path" if value.starts_with("inset(") => lengths(value).any(|(n, unit)| unit == "%" && n >= 50.0),
            "clip-path" => all(|(n, _)| n == 0.0),
            "transform" | "scale" => value.contains("scale(0)") || value.contains("scale(0,") || value == "0",
            "filter" => value.contains("opacity(0)") || value.contains("opacity(0%)"),
            _ => false,
        }
    });
    let is_cut = ["overflow", "overflow-x", "overflow-y"].iter().any(|name| {
        style.get(name).is_some_and(|value| value.split(' ').any(|word| matches!(word, "hidden" | "clip")))
    }) && any(&["width", "height", "max-width", "max-height"], &|(n, unit)| {
        n == 0.0 || (n <= 1.0 && matches!(unit, "" | "px"))
    });
    style.is("content-visibility", &["hidden"])
        || (!appears && style.get("opacity").and_then(share).is_some_and(|opacity| opacity < LEAST))
        || style.get("zoom").and_then(share).is_some_and(|zoom| zoom > 0.0 && zoom < LEAST)
        || (is_placed && any(&["left", "top", "right", "bottom", "inset"], &far))
        || (is_taken_out && any(&["left", "top", "right", "bottom", "inset"], &far_either_way))
        || any(&["text-indent"], &far)
        || any(&["margin", "margin-left", "margin-top", "margin-right", "transform", "translate"], &far_and_fixed)
        || is_clipped
        || is_cut
}

/// A number and its unit.
type Length<'a> = (f32, &'a str);

fn number(part: &str) -> Option<Length<'_>> {
    let end = part.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+'))).unwrap_or(part.len());
    Some((part.get(..end)?.parse().ok()?, part.get(end..)?))
}

/// All lengths in a value.
fn lengths(value: &str) -> impl Iterator<Item = Length<'_>> {
    value.split(['(', ')', ',', '/', ' ']).filter_map(number)
}

/// So far beyond an edge that nothing is seen any more.
fn is_far((number, unit): Length<'_>) -> bool {
    match unit {
        "%" | "vw" | "vh" | "vmin" | "vmax" => number <= -100.0,
        "em" | "rem" | "ch" | "ex" => number <= -50.0,
        _ => number <= -500.0,
    }
}
