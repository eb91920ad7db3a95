//! Text of style sheets in pieces: blocks, parts between separators, without comments and escapes.

/// What stands before the next block or the next `;`, and the block with what follows it.
#[allow(clippy::type_complexity, reason = "a prelude, a block and the rest")]
pub fn next_block(css: &str) -> Option<(&str, Option<(&str, &str)>)> {
    let at = find(css, 0, |c, depth| depth == 0 && matches!(c, '{' | ';'))?;
    let prelude = css.get(..at)?;
    let after = css.get(at.saturating_add(1)..)?;
    if css.get(at..)?.starts_with(';') {
        return Some((prelude, None));
    }
    let mut open = 1usize;
    let end = find(after, 0, |c, _| {
        match c {
            '{' => open = open.saturating_add(1),
            '}' => open = open.saturating_sub(1),
            _ => {}
        }
        open == 0
    });
    let end = end.unwrap_or(after.len());
    Some((prelude, Some((after.get(..end)?, after.get(end.saturating_add(1)..).unwrap_or_default()))))
}

/// The first character outside of quotes that is wanted, with how many brackets are open around it.
fn find(css: &str, from: usize, mut wanted: impl FnMut(char, usize) -> bool) -> Option<usize> {
    let (mut quote, mut depth, mut is_escaped) = (None, 0usize, false);
    for (at, c) in css.get(from..)?.char_indices() {
        if std::mem::take(&mut is_escaped) {
            continue;
        }
        match (quote, c) {
            (_, '\\') => is_escaped = true,
            (Some(open), c) if open == c || c == '\n' => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, c) => {
                depth = if matches!(c, ')' | ']') { depth.saturating_sub(1) } else { depth };
                if wanted(c, depth) {
                    return Some(from.saturating_add(at));
                }
                depth = if matches!(c, '(' | '[') { depth.saturating_add(1) } else { depth };
            }
        }
    }
    None
}

/// Parts between separators that stand in no brackets and no quotes.
pub fn divided(css: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut from = 0;
    let mut braces = 0usize;
    while let Some(at) = find(css, from, |c, depth| {
        match c {
            '{' => braces = braces.saturating_add(1),
            '}' => braces = braces.saturating_sub(1),
            _ => {}
        }
        depth == 0 && (c == separator || (c == '}' && separator == ';')) && braces == 0
    }) {
        parts.push(css.get(from..at).unwrap_or_default());
        from = at.saturating_add(1);
    }
    parts.push(css.get(from..).unwrap_or_default());
    parts
}

pub fn without_comments(css: &str) -> String {
    let mut out = String::with_capacity(css.len());
    let mut rest = css;
    while let Some((before, after)) = rest.split_once("/*") {
        out.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    out.replace("<!--", " ").replace("-->", " ")
}

/// Without comments, and with what is written by escapes.
pub fn plain(block: &str) -> String {
    let block = without_comments(block);
    if !block.contains('\\') {
        return block;
    }
    let mut out = String::with_capacity(block.len());
    let mut chars = block.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let mut digits = String::new();
        while let Some(digit) = chars.next_if(|c| c.is_ascii_hexdigit() && digits.len() < 6) {
            digits.push(digit);
        }
        if digits.is_empty() {
            out.extend(chars.next());
            continue;
        }
        chars.next_if(|c| c.is_whitespace());
        // Only letters: another character would end what it stands in.
        out.extend(
            u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32).filter(|c| c.is_ascii_alphanumeric()),
        );
    }
    out
}
