//! What a file holds: nothing but rules, some rules, or something else.
//!
//! SECURITY: a file that was meant as a rule file must never count as a document beside what it was meant to restrict. So
//! its content decides, read as YAML, which JSON is too. What can't be read so is looked at line by line, and is taken for
//! rules where it looks like them.

use std::borrow::Cow;

use encoding_rs::{UTF_8, UTF_16BE, UTF_16LE};
use serde_saphyr::granit_parser::{Event, Parser};
use unicode_normalization::UnicodeNormalization;
use usher_base::faults::mutants;
use usher_base::invisible;

use super::yaml::MAX_BYTES;

/// More of a file is not built; then its lines are looked at.
const MAX_EVENTS: usize = 40_000;
const MAX_DEPTH: usize = 32;
/// Keys that only rule files have.
const KEYS: &[&str] =
    &["inherit", "nobody", "viewers", "editors", "owners", "blocked", "all_of", "classification", "sections", "public"];
/// Words of those who mean rules and call them otherwise: in names, and around rules in a file.
pub const ABOUT: &[&str] = &["acl", "access", "rules", "permissions", "rights", "policy"];
/// Endings of files whose front matter is followed by their text.
const MARKDOWN: &[&str] = &["md", "markdown"];

/// What YAML says, without what a name or a type adds to it.
enum Node {
    Text(String),
    List(Vec<Node>),
    Fields(Vec<(Node, Node)>),
}

#[derive(Default)]
struct Stream {
    documents: Vec<Node>,
    /// It was read to its end.
    is_whole: bool,
}

/// Whether what a file of almost a rule file's name holds are rules, as far as that can be told of a broken one.
pub fn says_rules(bytes: &[u8]) -> bool {
    let text = text_of(bytes);
    let stream = Stream::read(&text);
    if stream.is_whole && stream.documents.iter().any(|it| !matches!(it, Node::Text(_))) {
        return stream.documents.iter().any(Node::has_key_of_rules);
    }
    text.lines().any(|line| key_of(line).is_some_and(|key| key.is_known()))
}

/// Whether what a file holds is nothing but rules, so that it is meant as a rule file whatever it is called.
pub fn is_only_rules(path: &str, bytes: &[u8]) -> bool {
    let text = text_of(bytes);
    if !may_speak_of_rules(&text) || mutants::active("rules_by_the_first_line") && !begins_with_a_key(&text) {
        return false;
    }
    // The beginning says what the rest is.
    if bytes.len() > MAX_BYTES {
        return by_lines(text.rsplit_once('\n').map_or(&text, |(lines, _)| lines));
    }
    let Stream { documents, is_whole } = Stream::read(&text);
    if !is_whole || documents.iter().all(|it| matches!(it, Node::Text(_))) {
        return by_lines(&text) && !mutants::active("broken_rules_are_text");
    }
    let says: Vec<&Node> = documents.iter().filter(|it| !matches!(it, Node::Text(text) if is_nothing(text))).collect();
    // What YAML takes for comments are headings.
    let is_front_matter = says.len() == 1 && is_markdown(path) && has_text_behind_front_matter(&text);
    !is_front_matter && says.iter().all(|it| it.is_only_rules())
}

/// As it would be read by a person: in whatever encoding, without what is not seen. Of a file that is too large, the beginning.
fn text_of(bytes: &[u8]) -> String {
    let bytes = bytes.get(..MAX_BYTES).unwrap_or(bytes);
    let zeros = |odd: usize| bytes.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    // UTF-16 without a mark: every second byte of what a rule file holds.
    let is_most = |zeros: usize| bytes.len() > 3 && zeros.saturating_mul(3) > bytes.len();
    let encoding = match (is_most(zeros(0)), is_most(zeros(1))) {
        (true, false) => UTF_16BE,
        (false, true) => UTF_16LE,
        _ => UTF_8,
    };
    let (text, ..) = encoding.decode(bytes);
    let text: Cow<'_, str> = if text.is_ascii() { text } else { text.nfkc().collect::<String>().into() };
    let seen = text.chars().map(|c| match c {
        '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => '\n',
        '\t' | '\0' => c,
        c if c.is_whitespace() && c != '\n' => ' ',
        c => c,
    });
    // The joiners too: no word of a rule file has them.
    let is_unseen = |c: char| c != '\0' && (invisible::is_invisible(c) || matches!(c, '\u{200c}' | '\u{200d}'));
    let seen = seen.filter(|c| !is_unseen(*c));
    seen.collect()
}

/// Whether it has any of the words that rules are made of; most texts are not looked at further.
fn may_speak_of_rules(text: &str) -> bool {
    let lower = text.to_lowercase();
    // A character may be written as its number.
    lower.contains('\\') || KEYS.iter().any(|key| lower.contains(key))
}

fn begins_with_a_key(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let first = lines.find(|line| !line.starts_with("---"));
    first.is_some_and(|line| {
        !line.starts_with([' ', '?', '[', '%']) && (line.starts_with('{') || key_of(line).is_some())
    })
}

fn is_markdown(path: &str) -> bool {
    let ending = path.rsplit_once('.').map(|(_, ending)| ending.to_lowercase());
    ending.is_some_and(|ending| MARKDOWN.contains(&ending.as_str()))
}

/// Whether text follows the fields between two lines of `---`.
fn has_text_behind_front_matter(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim_end).skip_while(|line| line.is_empty());
    lines.next() == Some("---") && lines.any(|line| matches!(line, "---" | "...")) && lines.any(|line| !line.is_empty())
}

impl Stream {
    fn read(text: &str) -> Stream {
        let mut stream = Stream::default();
        // What is open: a list, or fields with the key of the one that is next.
        let mut open: Vec<(Node, Option<Node>)> = Vec::new();
        for (count, event) in Parser::new_from_str(text).enumerate() {
            let Ok((event, _)) = event else { return stream };
            if count > MAX_EVENTS || open.len() > MAX_DEPTH {
                return stream;
            }
            let node = match event {
                Event::Scalar(value, ..) => Node::Text(value.into_owned()),
                Event::Alias(_) | Event::UnresolvedAlias(_) => Node::Text(String::new()),
                Event::SequenceStart(..) => {
                    open.push((Node::List(Vec::new()), None));
                    continue;
                }
                Event::MappingStart(..) => {
                    open.push((Node::Fields(Vec::new()), None));
                    continue;
                }
                Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                    Some((node, _)) => node,
                    None => return stream,
                },
                _ => continue,
            };
            match open.last_mut() {
                None => stream.documents.push(node),
                Some((Node::List(items), _)) => items.push(node),
                Some((Node::Fields(fields), key)) => match key.take() {
                    None => *key = Some(node),
                    Some(name) => fields.push((name, node)),
                },
                Some((Node::Text(_), _)) => return stream,
            }
        }
        stream.is_whole = true;
        stream
    }
}

impl Node {
    /// Fields by their names as a person means them.
    fn fields(&self) -> Vec<(String, &Node)> {
        let Node::Fields(fields) = self else { return Vec::new() };
        let name = |key: &Node| match key {
            Node::Text(text) => text.trim().to_lowercase(),
            _ => String::new(),
        };
        fields.iter().map(|(key, value)| (name(key), value)).collect()
    }

    fn has_key_of_rules(&self) -> bool {
        let is_it = |(key, value): &(String, &Node)| {
            KEYS.contains(&key.as_str()) || ABOUT.contains(&key.as_str()) && value.has_key_of_rules()
        };
        match self {
            Node::Text(_) => false,
            Node::List(items) => items.iter().any(Node::has_key_of_rules),
            Node::Fields(_) => self.fields().iter().any(is_it),
        }
    }

    fn is_only_rules(&self) -> bool {
        let fields = self.fields();
        let is_key = |key: &str| KEYS.contains(&key) || key == "parents";
        match self {
            Node::Text(_) => false,
            // Lists of people are in other files too.
            Node::List(items) => {
                !items.is_empty() && items.iter().all(Node::is_only_rules) && items.iter().any(Node::restricts)
            }
            Node::Fields(_) if fields.iter().all(|(key, _)| is_key(key)) => {
                fields.iter().any(|(key, value)| value.takes_away(key))
            }
            Node::Fields(_) if fields.iter().all(|(key, _)| ABOUT.contains(&key.as_str())) => {
                fields.iter().all(|(_, value)| value.is_only_rules())
            }
            // With a key that is misspelt, or a remark.
            Node::Fields(_) => {
                let is_switched = |(key, value): &(String, &Node)| is_switch_key(key) && value.is_switch();
                fields.iter().any(is_switched) && fields.iter().any(|(_, value)| value.names_somebody())
            }
        }
    }

    fn restricts(&self) -> bool {
        let keys = ["inherit", "nobody", "classification", "blocked", "all_of", "sections"];
        self.fields().iter().any(|(key, value)| keys.contains(&key.as_str()) || value.restricts())
    }

    /// Whether a value is one that the key of a rule file has, and no other file's.
    fn takes_away(&self, key: &str) -> bool {
        match (key, self) {
            ("nobody" | "inherit", _) => self.is_switch(),
            ("classification", Node::Text(text)) => {
                let is_other = matches!(text.to_lowercase().as_str(), "true" | "false") || text.parse::<f64>().is_ok();
                !is_other && !is_nothing(text)
            }
            ("sections", Node::List(items)) => {
                items.iter().any(|item| item.fields().iter().any(|(key, _)| key == "acl"))
            }
            ("classification" | "sections" | "public" | "parents", _) => false,
            _ => self.names_somebody(),
        }
    }

    fn is_switch(&self) -> bool {
        matches!(self, Node::Text(text) if is_switch(text))
    }

    fn names_somebody(&self) -> bool {
        match self {
            Node::Text(text) => is_principal(text),
            Node::List(items) => items.iter().any(Node::names_somebody),
            Node::Fields(_) => self.fields().iter().any(|(key, value)| key == "principal" && value.names_somebody()),
        }
    }
}

/// A key at the beginning of a line, and what follows it.
struct Key<'l> {
    name: String,
    value: &'l str,
}

impl Key<'_> {
    fn is_known(&self) -> bool {
        KEYS.contains(&self.name.as_str())
    }
}

/// Of what is broken, or of another form: whether every line that is not within another one begins like one of a rule file.
fn by_lines(text: &str) -> bool {
    let is_front_matter = text.lines().map(str::trim_end).find(|line| !line.is_empty()) == Some("---");
    let mut base = None;
    let mut keys: Vec<Key<'_>> = Vec::new();
    for line in text.lines() {
        let indent = line.len().saturating_sub(line.trim_start().len());
        let line = line.trim();
        if is_heading_of_rules(line) {
            continue;
        }
        let is_marker = line.starts_with("---") || line == "...";
        if is_marker && is_front_matter && !keys.is_empty() {
            return false;
        }
        let said = line.trim_start_matches(['{', '[', ']', '}', '(', ')', ',', ' ']);
        let is_remark = ["#", "//", "/*", "*", ";", "%"].iter().any(|mark| said.starts_with(mark));
        if is_marker || is_remark || said.is_empty() || base.is_some_and(|base| indent > base) {
            continue;
        }
        base = Some(base.map_or(indent, |base: usize| base.min(indent)));
        if !keys.is_empty() && line.starts_with(['-', ':', ']', '}', ',']) {
            continue;
        }
        let Some(key) = key_of(line) else { return false };
        keys.push(key);
    }
    let names_somebody = text.split([' ', '\t', '\n', '[', '"', '\'']).any(is_principal);
    let is_telling = |key: &Key<'_>| matches!(key.name.as_str(), "nobody" | "inherit" | "classification");
    let is_switched =
        |key: &Key<'_>| is_switch_key(&key.name) && is_switch(key.value.trim_matches(['"', '\'', ',', ' ']));
    match keys.iter().all(Key::is_known) {
        true => names_somebody && !keys.is_empty() || keys.iter().any(is_telling),
        false => names_somebody && keys.iter().any(is_switched),
    }
}

/// `[acl]`, as in TOML.
fn is_heading_of_rules(line: &str) -> bool {
    let name = line.trim_start_matches('[').trim_end_matches(']').to_lowercase();
    let is_word = |word: &str| ABOUT.contains(&word) || KEYS.contains(&word);
    line.starts_with('[') && line.ends_with(']') && name.split('.').all(|word| is_word(word.trim()))
}

/// The key that a line begins with, also one that is written `? key`.
fn key_of(line: &str) -> Option<Key<'_>> {
    let is_explicit = line.trim_start().starts_with('?');
    let line = line.trim_start_matches(['{', '[', '-', '?', ' ', '\t', '"', '\'']);
    let end = line.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.'))).unwrap_or(line.len());
    let name = line.get(..end)?.to_lowercase();
    let about = name.split_once('.').filter(|(about, _)| ABOUT.contains(about));
    let name = about.map_or(name.as_str(), |(_, key)| key).to_owned();
    let rest = line.get(end..)?.trim_start_matches(['"', '\'', ' ', '\t']);
    let value = rest.strip_prefix([':', '=']).or_else(|| rest.is_empty().then_some("").filter(|_| is_explicit))?;
    (!name.is_empty()).then_some(Key { name, value })
}

fn is_nothing(text: &str) -> bool {
    matches!(text.to_lowercase().as_str(), "" | "~" | "null")
}

fn is_switch_key(key: &str) -> bool {
    matches!(key, "nobody" | "inherit")
}

fn is_switch(text: &str) -> bool {
    matches!(text.trim().to_lowercase().as_str(), "yes" | "no" | "on" | "off" | "true" | "false")
}

fn is_principal(text: &str) -> bool {
    let kinds = ["user", "agent", "service", "group", "clause"];
    text.trim().split_once(':').is_some_and(|(kind, id)| kinds.contains(&kind) && !id.trim().is_empty())
}

#[cfg(test)]
mod tests;
