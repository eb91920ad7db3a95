//! What nobody sees of HTML within Markdown: comments, scripts, hidden elements. Code that shows such markup stays.
//!
//! The rest keeps its structure: where a line would become a heading because the markup before it is gone, or that within
//! it, an empty element stays. Otherwise a restricted part would end there.

use std::ops::Range;

use pulldown_cmark::{Event, Parser, Tag};
use usher_base::outline;

use super::super::{Builder, html};

/// Elements without an end, and those whose end may be left out.
const VOID: [&str; 12] = ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"];
const UNENDED: [&str; 8] = ["p", "li", "dt", "dd", "tr", "td", "th", "option"];
/// Elements in which a tag is no tag.
const RAW: [&str; 4] = ["script", "style", "iframe", "noscript"];

pub fn without(text: &str, builder: &mut Builder) -> String {
    if !text.contains('<') {
        return text.to_owned();
    }
    let text = cut(text, comments(text, builder));
    let elements = elements(&text, builder);
    cut(&text, elements)
}

/// Definitions of links that lead nowhere, by which Markdown is commented: `[//]: # (text)`. What stands in them no reader
/// sees, and nothing calls them.
pub fn without_remarks(text: &str, builder: &mut Builder) -> String {
    if !text.contains("]:") {
        return text.to_owned();
    }
    let parser = Parser::new_ext(text, outline::options());
    let definitions = parser.reference_definitions().iter();
    let remarks = definitions.filter(|(_, it)| matches!(&*it.dest, "" | "#") && it.title.is_some());
    let mut cuts: Vec<Cut> = remarks.map(|(_, it)| (it.span.clone(), String::new())).collect();
    cuts.sort_by_key(|(range, _)| range.start);
    builder.count("comments", cuts.len() as u64);
    cut(text, cuts)
}

/// HTML in Markdown, in order.
struct Markup {
    range: Range<usize>,
    /// A block of its own, not a tag in running text.
    is_block: bool,
    /// Where the block of text ends that a tag stands in.
    end: usize,
}

fn markup(text: &str) -> Vec<Markup> {
    // The line break behind a block parts it from the next one.
    let trimmed = |end: usize| text.get(..end).map_or(end, |before| before.trim_end().len());
    let mut found = Vec::new();
    let mut ends: Vec<usize> = Vec::new();
    for (event, range) in Parser::new_ext(text, outline::options()).into_offset_iter() {
        match event {
            Event::Start(Tag::HtmlBlock) => {
                ends.push(range.end);
                found.push(Markup { end: trimmed(range.end), range, is_block: true });
            }
            Event::InlineHtml(_) => {
                let end = trimmed(ends.last().copied().unwrap_or(text.len()));
                found.push(Markup { end, range, is_block: false });
            }
            // An emphasis or a link is part of its block.
            Event::Start(Tag::Emphasis | Tag::Strong | Tag::Strikethrough | Tag::Link { .. } | Tag::Image { .. }) => {
                ends.push(ends.last().copied().unwrap_or(range.end));
            }
            Event::Start(_) => ends.push(range.end),
            Event::End(_) => drop(ends.pop()),
            _ => {}
        }
    }
    found
}

/// A part to be cut out, and what stands there instead.
type Cut = (Range<usize>, String);

fn cut(text: &str, cuts: Vec<Cut>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (range, instead) in cuts {
        if range.start >= at {
            out.push_str(text.get(at..range.start).unwrap_or_default());
            out.push_str(&instead);
        }
        at = at.max(range.end);
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

fn comments(text: &str, builder: &mut Builder) -> Vec<Cut> {
    let mut cuts = Vec::new();
    let mut line = Line::of(text);
    for Markup { range, is_block, .. } in markup(text) {
        let Some(html) = text.get(range.clone()) else { continue };
        let parts = between(html, "<!--", "-->");
        builder.count("comments", parts.len() as u64);
        let kept = cut(html, parts.iter().map(|part| (part.clone(), String::new())).collect());
        let keeps_some = !kept.trim().is_empty();
        cuts.extend(parts.into_iter().map(|part| shifted(part, range.start)).map(|part| {
            let stays = if is_block { keeps_some } else { line.parts_marks(part.start) };
            (part, if stays { "<!---->" } else { "" }.to_owned())
        }));
    }
    cuts
}

/// The line of a place in a text, for one place after the other: each line is gone through once.
struct Line<'t> {
    text: &'t str,
    at: usize,
    /// The first character of the line that is no mark of a block.
    first: Option<char>,
}

impl<'t> Line<'t> {
    fn of(text: &'t str) -> Self {
        Line { text, at: 0, first: None }
    }

    /// Whether what stands there in running text parts what would mean something together: its line holds nothing before it
    /// but marks of blocks, or begins like a tag or a definition.
    fn parts_marks(&mut self, at: usize) -> bool {
        let is_mark = |c: char| " \t>#=-_*+`~|:.)".contains(c) || c.is_ascii_digit();
        for c in self.text.get(self.at..at).unwrap_or_default().chars() {
            self.first = if c == '\n' { None } else { self.first.or(Some(c).filter(|c| !is_mark(*c))) };
        }
        self.at = self.at.max(at);
        self.first.is_none_or(|c| matches!(c, '<' | '['))
    }
}

fn shifted(part: Range<usize>, by: usize) -> Range<usize> {
    part.start.saturating_add(by)..part.end.saturating_add(by)
}

/// Parts from `open` to `close`, both included; one that is never closed runs to the end.
fn between(html: &str, open: &str, close: &str) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut from = 0;
    while let Some(start) = html.get(from..).and_then(|t| t.find(open)).map(|i| from.saturating_add(i)) {
        let inside = start.saturating_add(open.len());
        let end = html.get(inside..).and_then(|t| t.find(close));
        let end = end.map_or(html.len(), |i| inside.saturating_add(i).saturating_add(close.len()));
        parts.push(start..end);
        from = end;
    }
    parts
}

/// A tag in the text.
struct Seen {
    range: Range<usize>,
    name: String,
    attributes: String,
    closes: bool,
    /// Index of the markup that it stands in.
    within: usize,
}

fn elements(text: &str, builder: &mut Builder) -> Vec<Cut> {
    let markup = markup(text);
    let mut seen = Vec::new();
    for (within, Markup { range, .. }) in markup.iter().enumerate() {
        tags(text.get(range.clone()).unwrap_or_default(), range.start, within, &mut seen);
    }
    let mut cuts: Vec<Cut> = Vec::new();
    let (mut past, mut line) = (0, Line::of(text));
    for (index, tag) in seen.iter().enumerate() {
        if tag.closes || tag.range.start < past {
            continue;
        }
        let Some(what) = html::unseen(&tag.name, &tag.attributes) else { continue };
        let Some(around) = markup.get(tag.within) else { continue };
        let (end, last) = end_of(tag, seen.get(index.saturating_add(1)..).unwrap_or_default(), around, text.len());
        past = end;
        builder.count(if what.is_empty() { "hidden elements" } else { what }, 1);
        let name = &tag.name;
        let instead = if around.is_block {
            let before = text.get(around.range.start..tag.range.start).unwrap_or_default();
            // It may end in running text, of which the rest of the line stays.
            let after = last.and_then(|last| markup.get(last)).and_then(|last| match last.is_block {
                true => text.get(end..last.range.end),
                false => text.get(end..)?.split('\n').next(),
            });
            let is_whole = before.trim().is_empty() && after.unwrap_or_default().trim().is_empty();
            if is_whole { String::new() } else { format!("<{name}>\n</{name}>") }
        } else if line.parts_marks(tag.range.start) {
            format!("<{name}></{name}>")
        } else {
            String::new()
        };
        cuts.push((tag.range.start..end, instead));
    }
    cuts
}

/// Where an element ends that begins with `tag`, and in which markup, if it is closed.
fn end_of(tag: &Seen, later: &[Seen], around: &Markup, length: usize) -> (usize, Option<usize>) {
    let name = tag.name.as_str();
    if VOID.contains(&name) {
        return (tag.range.end, Some(tag.within));
    }
    let may_stay_open = UNENDED.contains(&name);
    // What is never closed ends with its block in running text, and otherwise never.
    let limit = if around.is_block && !may_stay_open { length } else { around.end };
    let mut depth = 1usize;
    for other in later.iter().take_while(|other| other.range.start < limit).filter(|other| other.name == name) {
        match other.closes {
            false if may_stay_open => return (other.range.start, Some(other.within)),
            false if RAW.contains(&name) => {}
            false => depth = depth.saturating_add(1),
            true => depth = depth.saturating_sub(1),
        }
        if depth == 0 {
            return (other.range.end, Some(other.within));
        }
    }
    (limit, None)
}

/// Tags of a piece of HTML that begins at `base`.
fn tags(html: &str, base: usize, within: usize, seen: &mut Vec<Seen>) {
    let mut from = 0;
    for (start, end) in ends_of_tags(html) {
        let inside = html.get(start.saturating_add(1)..).unwrap_or_default();
        let closes = inside.starts_with('/');
        let inside = inside.strip_prefix('/').unwrap_or(inside);
        let name = inside.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next().unwrap_or_default();
        if start < from || !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            continue;
        }
        let attributes = html.len().saturating_sub(inside.len()).saturating_add(name.len());
        seen.push(Seen {
            range: shifted(start..end.saturating_add(1), base),
            name: name.to_ascii_lowercase(),
            attributes: html.get(attributes..end).unwrap_or_default().trim_end_matches('/').to_owned(),
            closes,
            within,
        });
        from = end.saturating_add(1);
    }
}

/// For each `<` the first `>` behind it that stands in no quotes, counted from there. From the end on, so that what is never
/// closed is gone through once.
fn ends_of_tags(html: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    // The next end for what is in no quotes here, in double ones and in single ones.
    let (mut bare, mut double, mut single): (Option<usize>, Option<usize>, Option<usize>) = (None, None, None);
    for (at, byte) in html.bytes().enumerate().rev() {
        match byte {
            b'>' => bare = Some(at),
            b'"' => std::mem::swap(&mut bare, &mut double),
            b'\'' => std::mem::swap(&mut bare, &mut single),
            b'<' => found.extend(bare.map(|end| (at, end))),
            _ => {}
        }
    }
    found.reverse();
    found
}
