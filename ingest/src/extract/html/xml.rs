//! XHTML, in which an element may be closed by its own tag, and text may stand in sections of its own. To a parser of HTML
//! the one would be open to the end, and the other a comment.

const VOID: [&str; 14] =
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"];

pub fn as_html(page: &str) -> String {
    let mut out = String::with_capacity(page.len());
    let mut rest = page;
    while let Some((before, inside)) = rest.split_once('<') {
        out.push_str(before);
        if let Some(section) = inside.strip_prefix("![CDATA[") {
            let (text, after) = section.split_once("]]>").unwrap_or((section, ""));
            out.push_str(&text.replace('&', "&amp;").replace('<', "&lt;"));
            rest = after;
            continue;
        }
        let comment = inside.strip_prefix("!--").and_then(|comment| comment.split_once("-->"));
        let end = comment.map(|(_, after)| inside.len().saturating_sub(after.len())).or_else(|| end_of_tag(inside));
        let (tag, after) = inside.split_at_checked(end.unwrap_or(inside.len())).unwrap_or((inside, ""));
        rest = after;
        out.push('<');
        let name: &str = tag.split(|c: char| c.is_whitespace() || matches!(c, '/' | '>')).next().unwrap_or_default();
        let is_empty = name.starts_with(|c: char| c.is_ascii_alphabetic()) && tag.ends_with("/>");
        match tag.strip_suffix("/>").filter(|_| is_empty && !VOID.contains(&name.to_ascii_lowercase().as_str())) {
            Some(tag) => out.push_str(&format!("{tag}></{name}>")),
            None => out.push_str(tag),
        }
    }
    out.push_str(rest);
    out
}

/// Where a tag ends, its last sign included.
fn end_of_tag(tag: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in tag.char_indices() {
        match (quote, c) {
            (None, '>') => return Some(at.saturating_add(1)),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    None
}
