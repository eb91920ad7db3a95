//! Letters that Markdown writes by names, numbers or with a backslash, as a reader sees them. What could mean something to a
//! parser once it is written out stays as it is.

use std::ops::Range;

use pulldown_cmark::{Event, Parser, Tag, TagEnd};
use usher_base::invisible::is_invisible;
use usher_base::outline;

/// Signs that mean nothing between letters and digits.
const PLAIN: &str = "_-.@/:'&+";

/// The text with its letters written out. `has_parts`: nothing is touched that could become a call of a note or a link.
pub fn out(text: &str, has_parts: bool) -> String {
    if !text.contains(['&', '\\']) {
        return text.to_owned();
    }
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut code = 0usize;
    for (event, range) in Parser::new_ext(text, outline::options()).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(_) | Tag::HtmlBlock) => code = code.saturating_add(1),
            Event::End(TagEnd::CodeBlock | TagEnd::HtmlBlock) => code = code.saturating_sub(1),
            Event::Text(seen) if code == 0 => {
                let line = text.get(..range.start).unwrap_or_default().rsplit('\n').next().unwrap_or_default();
                let rest = text.get(range.start..).unwrap_or_default().split('\n').next().unwrap_or_default();
                if has_parts && (line.contains('[') || rest.contains('[')) {
                    continue;
                }
                edits.extend(edit(text, &range, &seen, line));
            }
            _ => {}
        }
    }
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (range, instead) in edits {
        out.push_str(text.get(at..range.start).unwrap_or_default());
        out.push_str(&instead);
        at = range.end.max(at);
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// What a stretch of text becomes, if that is not what is written there. `line` is what stands before it on its line.
fn edit(text: &str, range: &Range<usize>, seen: &str, line: &str) -> Option<(Range<usize>, String)> {
    let written = text.get(range.clone())?;
    let after = text.get(range.end..)?;
    let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    if written.starts_with('&') && written.ends_with(';') && written != seen {
        let mut letters = seen.chars();
        let (letter, more) = (letters.next()?, letters.next());
        let behind_word = is_word(line.chars().next_back());
        let instead = match letter {
            _ if more.is_some() => None,
            c if c.is_alphabetic() => Some(c.to_string()),
            c if is_invisible(c) => (behind_word && is_word(after.chars().next())).then(String::new),
            c if c.is_whitespace() => line
                .replace("&nbsp;", "")
                .contains(char::is_alphabetic)
                .then(|| if line.ends_with(' ') { "" } else { " " }.to_owned()),
            c if !c.is_ascii() => Some(c.to_string()),
            '\'' | '"' if behind_word => Some(letter.to_string()),
            '&' if !begins_entity(after) => Some(letter.to_string()),
            _ => None,
        };
        return instead.map(|instead| (range.clone(), instead));
    }
    // The backslash before a sign is no part of the text that is seen.
    let sign = seen.chars().next().filter(|c| PLAIN.contains(*c) || *c == '#')?;
    let before = line.strip_suffix('\\')?;
    let is_between = is_word(before.chars().next_back()) && (sign == '#' || is_word(seen.chars().nth(1)));
    is_between.then(|| (range.start.saturating_sub(1)..range.start, String::new()))
}

fn begins_entity(after: &str) -> bool {
    let name = after.split(';').next().unwrap_or_default();
    let name = name.strip_prefix('#').unwrap_or(name);
    name.len() < after.len() && name.len() < 40 && name.chars().all(|c| c.is_ascii_alphanumeric())
}
