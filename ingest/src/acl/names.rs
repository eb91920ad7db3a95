//! Which files are rule files by their names, and which are almost named like one.
//!
//! SECURITY: a rule file whose name is a little wrong must refuse what it was meant to restrict. Names are therefore
//! compared as words: without case, look-alike letters, separators, and what editors and copies leave at their ends. Where
//! the name says nothing, the content does (`content`).

use unicode_normalization::UnicodeNormalization;
use usher_base::invisible;

use super::content::ABOUT;
use super::rules::{DIR_RULES, SUFFIX};

/// What a name says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// `_.acl.yaml` or `<file>.acl.yaml`.
    Rules,
    /// Meant to be one, whatever it holds.
    Almost(Meant),
    /// Meant to be one if its content is rules.
    Perhaps(Meant),
    Other,
}

/// What a file almost named like one of rules is meant for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meant {
    /// Words of the document's name; none: the directory.
    pub stem: Vec<String>,
    /// Whether it is what an editor or a copy leaves beside a file; then the rule file beside it counts.
    pub is_leftover: bool,
    /// The word for rules is there, and not only one that is a letter away.
    pub is_sure: bool,
}

/// Endings of data files, also mistyped ones.
const DATA: &[&str] = &["yaml", "yml", "json", "toml", "txt", "text", "jsonc", "conf"];
/// What editors, package managers and copies add to a name.
const LEFT: &[&str] = &[
    "swp",
    "swo",
    "swn",
    "swx",
    "bak",
    "backup",
    "back",
    "bk",
    "orig",
    "original",
    "old",
    "tmp",
    "temp",
    "save",
    "saved",
    "rej",
    "part",
    "new",
    "copy",
    "kopie",
    "copia",
    "copie",
    "disabled",
    "off",
    "dpkg",
    "dist",
    "rpmsave",
    "rpmnew",
    "rpmorig",
    "lock",
    "un",
    "conflict",
    "conflicted",
];
const WORD: &str = "acl";
/// Other spellings of the word that nothing else is called.
const SPELLINGS: &[&str] = &["acls", "aci", "acis"];
/// Endings of plain text.
const PLAIN: &[&str] = &["md", "markdown", "ini", "cfg", "env", "rules", "policy"];
/// Whether the path is that of a rule file.
pub fn is_rule_file(path: &str) -> bool {
    // A name that is only the suffix has no document.
    path.ends_with(SUFFIX) && file_name(path).len() > SUFFIX.len()
}

/// Whether the path may be that of a rule file: then no option leaves it out.
pub fn is_like_rule_file(path: &str) -> bool {
    kind(path) != Kind::Other
}

pub fn kind(path: &str) -> Kind {
    let name = file_name(path);
    if is_rule_file(path) {
        // Of macOS, beside every file that it writes to a foreign disk.
        let is_leftover = name.starts_with("._");
        let stem = words(name.strip_suffix(SUFFIX).unwrap_or(name));
        // `__.acl.yaml`, `-.acl.yaml`: no document is called so.
        return match name == DIR_RULES || !(stem.is_empty() || is_leftover) {
            true => Kind::Rules,
            false => Kind::Almost(Meant { stem, is_leftover, is_sure: true }),
        };
    }
    // LibreOffice's, as long as a file is open.
    let mut words = words(name.strip_prefix(".~lock.").unwrap_or(name));
    let is_data = |word: &str| DATA.iter().any(|data| distance(word, &folded(data)) <= usize::from(data.len() > 3));
    // One and nought look like letters.
    let is_digit = |c: char| c.is_ascii_digit() || matches!(c, 'l' | 'o');
    let is_left = |word: &str| LEFT.iter().any(|left| word == folded(left)) || word.chars().all(is_digit);
    let mut left = name.ends_with(['~', '#']) || name.starts_with("._") || name.starts_with(".#");
    let mut data = 0usize;
    let mut added = 0usize;
    while let Some(last) = words.last() {
        if is_word(last).is_some() && !(is_left(last) || DATA.iter().any(|data| *last == folded(data))) {
            break;
        }
        match (is_left(last), is_data(last)) {
            (true, _) => left = true,
            (_, true) => data = data.saturating_add(1),
            // `_.aclyaml`
            _ => match last.strip_prefix(&folded(WORD)).is_some_and(|rest| !rest.is_empty() && is_data(rest)) {
                true => {
                    words.pop();
                    words.push(folded(WORD));
                    data = data.saturating_add(1);
                    break;
                }
                false => return within(name),
            },
        }
        added = added.saturating_add(1);
        if added > 4 {
            return within(name);
        }
        words.pop();
    }
    let Some(is_sure) = words.pop().as_deref().and_then(is_word) else { return Kind::Other };
    let is_directory = words.is_empty();
    // `_.acl.yaml.txt` is no leftover of anything: it is the only file of those rules that there is.
    let is_leftover = left && data < 2;
    let meant = Meant { stem: words, is_leftover, is_sure };
    let has_mark = !name.trim_start().starts_with(|c: char| c.is_alphanumeric());
    let lower = name.to_ascii_lowercase();
    let is_known = [SUFFIX, ".acl.yml"].iter().any(|suffix| lower.contains(suffix));
    match is_sure && (is_known || is_directory && has_mark) {
        true => Kind::Almost(meant),
        false => Kind::Perhaps(meant),
    }
}

/// `_.acl.yaml.2026-01-01.ana`: what follows is anybody's guess.
fn within(name: &str) -> Kind {
    let lower = name.to_ascii_lowercase();
    let stem = [SUFFIX, ".acl.yml"].iter().find_map(|suffix| lower.split_once(suffix)).map(|(stem, _)| words(stem));
    stem.map_or(Kind::Other, |stem| Kind::Perhaps(Meant { stem, is_leftover: true, is_sure: true }))
}

/// Whether a file of such a name is looked into before it counts as a document: one of data or plain text, or one that speaks
/// of access.
pub fn may_hold_rules(path: &str) -> bool {
    let name = file_name(path).to_lowercase();
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    let is_plain = |ending: &str| DATA.contains(&ending) || PLAIN.contains(&ending) || !ending.is_ascii();
    ending.is_none_or(is_plain) || ABOUT.iter().any(|word| name.contains(word))
}

/// Words of a name, such as two names have that a person takes for one.
pub fn words(name: &str) -> Vec<String> {
    let folded = folded(name);
    folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Without case, and with one letter for all that look like it.
fn folded(text: &str) -> String {
    let seen: String = text.nfkc().filter(|c| !invisible::is_invisible(*c) && !c.is_control()).collect();
    // Its `m` is `rn`, two letters of which one may be wrong.
    let plain: String = unicode_security::skeleton(&seen.to_lowercase()).collect();
    plain.to_lowercase().replace("rn", "m")
}

/// Whether the word names rules: surely, or with a letter that is wrong.
fn is_word(word: &str) -> Option<bool> {
    let sure = word == folded(WORD) || SPELLINGS.iter().any(|spelling| word == folded(spelling));
    (sure || distance(word, &folded(WORD)) <= 1).then_some(sure)
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Letters put in, left out, taken for others or for their neighbours.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > 2 {
        return usize::MAX;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i.saturating_add(1)];
        for (j, y) in b.iter().enumerate() {
            let get = |row: &[usize], at: usize| row.get(at).copied().unwrap_or(usize::MAX);
            let swap = get(&above, j).saturating_add(usize::from(x != y));
            let mut best =
                swap.min(get(&above, j.saturating_add(1)).saturating_add(1)).min(get(&row, j).saturating_add(1));
            let crossed = i > 0 && j > 0 && a.get(i.wrapping_sub(1)) == Some(y) && b.get(j.wrapping_sub(1)) == Some(x);
            if crossed {
                best = best.min(get(&before, j.wrapping_sub(1)).saturating_add(1));
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
