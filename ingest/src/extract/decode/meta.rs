//! What a page says of its encoding, looked for as browsers do: in the attributes of `meta` elements or
//! in the declaration of XML. What stands in a comment or in running text says nothing.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252, X_USER_DEFINED};

/// Bytes that are looked at. Browsers take the first kilobyte at once, and begin anew where a `meta` comes later.
const LOOKED_AT: usize = 64 * 1024;

pub fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes.get(..LOOKED_AT).unwrap_or(bytes);
    let found = by_meta(head).or_else(|| by_xml(head))?;
    // It was read so far, so it can't be that.
    Some(if found == UTF_16BE || found == UTF_16LE {
        UTF_8
    } else if found == X_USER_DEFINED {
        WINDOWS_1252
    } else {
        found
    })
}

fn by_xml(head: &[u8]) -> Option<&'static Encoding> {
    let inside = head.strip_prefix(b"<?xml")?;
    let end = inside.iter().position(|byte| *byte == b'>')?;
    let inside = String::from_utf8_lossy(inside.get(..end)?).into_owned();
    let (_, after) = inside.split_once("encoding")?;
    let value = after.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    Encoding::for_label(value.get(1..)?.split(quote).next()?.trim().as_bytes())
}

fn by_meta(head: &[u8]) -> Option<&'static Encoding> {
    let mut rest = head;
    while let Some(at) = rest.iter().position(|byte| *byte == b'<') {
        rest = rest.get(at..)?;
        if let Some(comment) = rest.strip_prefix(b"<!--") {
            // Its own dashes may be those that end it.
            let from = rest.get(2..).unwrap_or(comment);
            let end = from.windows(3).position(|window| window == b"-->")?;
            rest = from.get(end.saturating_add(3)..)?;
            continue;
        }
        let inside = rest.get(1..)?;
        let inside = inside.strip_prefix(b"/").unwrap_or(inside);
        match inside.first()? {
            b'!' | b'?' => {
                let end = rest.iter().position(|byte| *byte == b'>')?;
                rest = rest.get(end..)?;
            }
            byte if byte.is_ascii_alphabetic() => {
                let end = inside.iter().position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/'))?;
                let (name, attributes) = inside.split_at_checked(end)?;
                let (found, after) = attributes_of(attributes);
                let is_meta = name.eq_ignore_ascii_case(b"meta") && !rest.starts_with(b"</");
                if let Some(encoding) = is_meta.then(|| of_meta(&found)).flatten() {
                    return Some(encoding);
                }
                rest = after;
            }
            _ => rest = inside,
        }
    }
    None
}

fn of_meta(attributes: &[(String, String)]) -> Option<&'static Encoding> {
    let of = |wanted: &str| attributes.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let is_pragma = of("http-equiv").is_some_and(|value| value.eq_ignore_ascii_case("content-type"));
    let by_content = || is_pragma.then(|| of("content")).flatten().and_then(within_content);
    match of("charset") {
        Some(label) => Encoding::for_label(label.trim().as_bytes()),
        None => by_content(),
    }
}

/// The label behind `charset=` in a content type.
fn within_content(content: &str) -> Option<&'static Encoding> {
    let mut rest = content;
    loop {
        let at = rest.to_ascii_lowercase().find("charset")?;
        rest = rest.get(at.saturating_add("charset".len())..)?;
        let Some(value) = rest.trim_start().strip_prefix('=') else { continue };
        let value = value.trim_start();
        let label = match value.chars().next()? {
            quote @ ('"' | '\'') => value.get(1..)?.split_once(quote)?.0,
            _ => value.split(|c: char| c.is_ascii_whitespace() || c == ';').next()?,
        };
        return Encoding::for_label(label.trim().as_bytes());
    }
}

/// Attributes of a tag in small letters, the first of each name, and what follows the tag.
fn attributes_of(bytes: &[u8]) -> (Vec<(String, String)>, &[u8]) {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut rest = bytes;
    let skip = |rest: &mut &[u8], test: fn(u8) -> bool| -> usize {
        let length = rest.iter().position(|byte| !test(*byte)).unwrap_or(rest.len());
        *rest = rest.get(length..).unwrap_or_default();
        length
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).to_ascii_lowercase();
    loop {
        skip(&mut rest, |byte| byte.is_ascii_whitespace() || byte == b'/');
        if rest.first().is_none_or(|byte| *byte == b'>') {
            return (found, rest);
        }
        let before = rest;
        // A name may begin with the sign.
        let first = rest.first().copied();
        rest = rest.get(1..).unwrap_or_default();
        let length = skip(&mut rest, |byte| !byte.is_ascii_whitespace() && !matches!(byte, b'=' | b'>' | b'/'));
        let name = text(before.get(..length.saturating_add(usize::from(first.is_some()))).unwrap_or_default());
        skip(&mut rest, |byte| byte.is_ascii_whitespace());
        let mut value = String::new();
        if let Some(after) = rest.strip_prefix(b"=") {
            rest = after;
            skip(&mut rest, |byte| byte.is_ascii_whitespace());
            match rest.first() {
                Some(quote @ (b'"' | b'\'')) => {
                    let inside = rest.get(1..).unwrap_or_default();
                    let Some(end) = inside.iter().position(|byte| byte == quote) else { return (found, &[]) };
                    value = text(inside.get(..end).unwrap_or_default());
                    rest = inside.get(end.saturating_add(1)..).unwrap_or_default();
                }
                _ => {
                    let before = rest;
                    let length = skip(&mut rest, |byte| !byte.is_ascii_whitespace() && byte != b'>');
                    value = text(before.get(..length).unwrap_or_default());
                }
            }
        }
        if found.iter().all(|(known, _)| *known != name) {
            found.push((name, value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_browsers_look_at_declares_an_encoding() {
        for (page, name) in [
            ("<meta charset=gbk>", Some("GBK")),
            ("<html><META CharSet='Shift_JIS'/>", Some("Shift_JIS")),
            ("<meta http-equiv=\"Content-Type\" content=\"text/html; charset=koi8-r\">", Some("KOI8-R")),
            ("<meta content='text/html;charset=\"big5\"' http-equiv=content-type>", Some("Big5")),
            ("<meta name=a content='text/html; charset=big5'>", None),
            ("<!-- <meta charset=gbk> --><meta charset=latin1>", Some("windows-1252")),
            ("<!--><meta charset=gbk>", Some("GBK")),
            ("<p title='<meta charset=gbk>'><meta charset=euc-kr>", Some("EUC-KR")),
            ("<p>charset=gbk</p>", None),
            ("<script>var charset = 'gbk'</script>", None),
            ("<meta charset=nonsense><meta charset=gbk>", Some("GBK")),
            ("<meta charset=utf-16>", Some("UTF-8")),
            ("<meta charset=x-user-defined>", Some("windows-1252")),
            ("<?xml version='1.0' encoding='iso-8859-2'?><html>", Some("ISO-8859-2")),
            ("<?xml encoding='iso-8859-2'?><meta charset=gbk>", Some("GBK")),
            ("</meta charset=gbk>", None),
            ("<meta", None),
            ("<meta charset", None),
            ("<meta charset=\"gbk", None),
        ] {
            assert_eq!(declared(page.as_bytes()).map(Encoding::name), name, "{page}");
        }
        let late = format!("{}<meta charset=gbk>", " ".repeat(LOOKED_AT));
        assert_eq!(declared(late.as_bytes()), None);
    }
}
