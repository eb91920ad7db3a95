//! Front matter: what a Markdown file says about itself at its very top, before its text.
//!
//! A text may also begin with a rule, and have another one further down. So what stands between counts only where it reads
//! as fields, line by line.

/// Bytes of front matter.
pub const MAX_FRONT_MATTER: usize = 64 * 1024;
/// Words and characters of a key. What is longer is a sentence with a colon.
const MAX_KEY_WORDS: usize = 3;
const MAX_KEY: usize = 64;
/// One of these is in every object that stands for front matter, and rarely in one that is an example.
const USUAL_KEYS: [&str; 8] = ["title", "date", "draft", "slug", "description", "tags", "layout", "author"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notation {
    Yaml,
    Toml,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrontMatter<'t> {
    pub notation: Notation,
    /// Without the lines that begin and end it; an object with its brackets.
    pub source: &'t str,
    /// Where the text after it begins, with the line break before it.
    pub body: usize,
}

/// Front matter of a text with `\n` line ends: YAML between lines of `---` (the last may be `...`), TOML between lines of
/// `+++`, or one JSON object.
pub fn front_matter(text: &str) -> Option<FrontMatter<'_>> {
    let (first, _) = text.split_once('\n')?;
    match first.trim_end() {
        "---" => between(text, first.len(), &["---", "..."], Notation::Yaml).filter(|matter| is_yaml(matter.source)),
        "+++" => between(text, first.len(), &["+++"], Notation::Toml).filter(|matter| is_toml(matter.source)),
        first if first.starts_with('{') => object(text),
        _ => None,
    }
}

/// What stands between the first line, of so many bytes, and the next one that is one of `ends`.
fn between<'t>(text: &'t str, first: usize, ends: &[&str], notation: Notation) -> Option<FrontMatter<'t>> {
    let start = first.saturating_add(1);
    let mut at = start;
    for line in text.get(start..)?.split_inclusive('\n') {
        if ends.contains(&line.trim_end()) {
            let source = text.get(start..at)?;
            // What follows keeps the line break before it.
            return Some(FrontMatter { notation, source, body: at.saturating_add(line.trim_end_matches('\n').len()) });
        }
        at = at.saturating_add(line.len());
        if at.saturating_sub(start) > MAX_FRONT_MATTER {
            return None;
        }
    }
    None
}

/// Whether each line is one of a mapping. After an empty line the first one was a rule.
fn is_yaml(source: &str) -> bool {
    let is_inside = |line: &str| {
        line.trim().is_empty() || line.starts_with([' ', '\t', '#', ']', '}']) || line == "-" || line.starts_with("- ")
    };
    let is_first_empty = source.lines().next().is_some_and(|line| line.trim().is_empty());
    let has_key = source.is_empty() || source.lines().any(has_yaml_key);
    !is_first_empty && has_key && source.lines().all(|line| is_inside(line) || has_yaml_key(line))
}

fn has_yaml_key(line: &str) -> bool {
    let quoted = ['"', '\''].into_iter().find_map(|quote| line.strip_prefix(quote)?.split_once(quote));
    let (key, after) = match quoted {
        Some((key, after)) => (key, after.trim_start().strip_prefix(':')),
        None => line.split_once(':').map_or((line, None), |(key, after)| (key, Some(after))),
    };
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '$' | '@' | ' ');
    let is_key = quoted.is_some() || (key.chars().all(is_plain) && key.split(' ').count() <= MAX_KEY_WORDS);
    let is_parted = after.is_some_and(|after| after.is_empty() || after.starts_with([' ', '\t']));
    is_parted && is_key && !key.trim().is_empty() && key.len() <= MAX_KEY
}

fn is_toml(source: &str) -> bool {
    let said = source.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    said.is_none_or(|line| {
        let key = line.split_once('=').map(|(key, _)| key.trim()).filter(|key| !key.is_empty() && key.len() <= MAX_KEY);
        line.starts_with('[') || key.is_some_and(|key| !key.contains(' ') || key.starts_with(['"', '\'']))
    })
}

/// One object, with nothing else on its last line.
fn object(text: &str) -> Option<FrontMatter<'_>> {
    let head = text.get(..text.floor_char_boundary(MAX_FRONT_MATTER))?;
    let mut values = serde_json::Deserializer::from_str(head).into_iter::<serde_json::Map<String, serde_json::Value>>();
    let found = values.next()?.ok()?;
    let end = values.byte_offset();
    let (source, after) = text.split_at_checked(end)?;
    let rest_of_line = after.split('\n').next().unwrap_or_default();
    let is_one = USUAL_KEYS.iter().any(|key| found.contains_key(*key)) && rest_of_line.trim().is_empty();
    is_one.then(|| FrontMatter { notation: Notation::Json, source, body: end.saturating_add(rest_of_line.len()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn front_matter_is_what_reads_as_fields_and_nothing_else() {
        let body = |text: &'static str| front_matter(text).and_then(|matter| text.get(matter.body..));
        for (text, rest) in [
            ("---\ntitle: x\n---\n# A\n", "\n# A\n"),
            ("---  \ntitle: x\n---\t\ntext", "\ntext"),
            ("---\ntitle: x\n...\ntext", "\ntext"),
            ("---\n---\ntext", "\ntext"),
            ("---\n# note\ntags:\n- a\n- b\nlong: >\n  text: and\n\n  more\ndate created: 2024\n---\n", "\n"),
            ("---\n\"a b c d\": 1\naliases: [\n  x,\n]\n---", ""),
            ("+++\ntitle = \"x\"\n[params]\na = 1\n+++\ntext", "\ntext"),
            ("{\n  \"title\": \"x\"\n}\n\ntext", "\n\ntext"),
        ] {
            assert_eq!(body(text), Some(rest), "{text}");
        }
        for text in [
            "---\n\nA rule, not front matter: see below\n\n---\n\nrest",
            "---\n\ntitle: x\n---\n",
            "---\nWhat the committee decided yesterday: nothing\n---\n",
            "---\nnote: x\n\nA paragraph of the text.\n\n---\n",
            "---\nSome text\n---\n",
            "---\ntitle: x\n",
            "----\ntitle: x\n----\n",
            " ---\ntitle: x\n---\n",
            "text\n---\ntitle: x\n---\n",
            "---\n- a\n- b\n---\n",
            "---\nhttp://x.org\n---\n",
            "+++\nplus\n+++\n",
            "{\"a\": 1}\n\ntext",
            "{\"title\": 1} is an object\n",
            "{ not an object",
        ] {
            assert_eq!(body(text), None, "{text}");
        }
        let long = format!("---\na: {}\n---\n", "x".repeat(MAX_FRONT_MATTER));
        assert_eq!(front_matter(&long), None);
    }
}
