//! One spelling for one name: what every text that names an object or a subject becomes before anything compares it.
//!
//! An id may be written with or without percent-encoding, a person's name composed or decomposed, an e-mail address in any
//! case. All of them come through [`canonical_id`], so that a ban and a grant mean the person however each was spelled.

use std::sync::atomic::{AtomicBool, Ordering};

use unicode_normalization::UnicodeNormalization;
pub use usher_base::wire::bounds::READER_TYPES;

use super::tuple::NameError;

/// Types whose ids are names that people write, and so normalised by Unicode. Ids of other types (documents, folders,
/// sections) are paths: two that differ in their bytes are two things, and must not share one set of grants.
const NAME_TYPES: [&str; 6] = ["user", "agent", "service", "group", "clause", "classification"];

/// What the case of an e-mail address means in the id of a reader.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EmailCase {
    /// Nothing: the address is written in lower case.
    #[default]
    Lower,
    /// Two addresses that differ in case are two people.
    Keep,
}

impl EmailCase {
    /// As it is written in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lower => "lower",
            Self::Keep => "keep",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Lower, Self::Keep].into_iter().find(|case| case.name() == name)
    }
}

/// A property of the process, as a locale is: names mean the same in all of it.
static KEEPS_CASE: AtomicBool = AtomicBool::new(false);

/// Sets the rule for this process; before the first name is read.
pub fn set_email_case(case: EmailCase) {
    KEEPS_CASE.store(case == EmailCase::Keep, Ordering::Relaxed);
}

/// The rule of this process.
pub fn email_case() -> EmailCase {
    if KEEPS_CASE.load(Ordering::Relaxed) { EmailCase::Keep } else { EmailCase::Lower }
}

/// Makes any text safe as the id part of an object or subject: percent-encodes `%`, `:`, `#`, `@`, `*`, white space and
/// control characters, so that a `sub` or a path can never become tuple syntax.
pub fn encode_id(id: &str) -> String {
    let mut encoded = String::with_capacity(id.len());
    for c in id.chars() {
        if matches!(c, '%' | ':' | '#' | '@' | '*') || c.is_whitespace() || c.is_control() {
            let mut buffer = [0; 4];
            for byte in c.encode_utf8(&mut buffer).bytes() {
                encoded.push_str(&format!("%{byte:02X}"));
            }
        } else {
            encoded.push(c);
        }
    }
    encoded
}

/// The canonical form of an id that may hold escapes (`%40`): escapes are decoded, names and e-mail addresses normalised,
/// and what would be tuple syntax is escaped again. Idempotent. A `%` before anything but two hex digits is itself.
///
/// # Errors
/// When the escapes decode to no UTF-8.
pub fn canonical_id(object_type: &str, id: &str) -> Result<String, NameError> {
    if id.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'%' | b':' | b'#' | b'@' | b'*')) {
        return Ok(id.to_owned());
    }
    if usher_base::faults::mutants::active("names_as_they_come") {
        return Ok(id.to_owned());
    }
    Ok(encode_id(&normalised(object_type, &decoded(id)?)))
}

/// The canonical form of a plain name, in which `%` is nothing special: a claim of a token, an account of a host.
pub fn canonical_name(object_type: &str, name: &str) -> String {
    encode_id(&normalised(object_type, name))
}

/// A principal as rules name it, `type:id` or `type:id#relation`, in its one spelling; another text stays as it is, to be
/// refused by whoever parses it.
pub fn canonical_principal(text: &str) -> String {
    let Some((object_type, rest)) = text.split_once(':') else { return text.to_owned() };
    if rest == "*" {
        return text.to_owned();
    }
    let (id, relation) = rest.rsplit_once('#').map_or((rest, None), |(id, relation)| (id, Some(relation)));
    let Ok(id) = canonical_id(object_type, id) else { return text.to_owned() };
    relation.map_or_else(|| format!("{object_type}:{id}"), |relation| format!("{object_type}:{id}#{relation}"))
}

fn normalised(object_type: &str, name: &str) -> String {
    if !NAME_TYPES.contains(&object_type) {
        return name.to_owned();
    }
    let composed: String = name.nfc().collect();
    let is_email = composed.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    if is_email && READER_TYPES.contains(&object_type) && email_case() == EmailCase::Lower {
        // Letter by letter: a sigma at the end of a word is the same letter.
        let lower = composed.chars().flat_map(char::to_lowercase).map(|c| if c == 'ς' { 'σ' } else { c });
        return lower.nfc().collect();
    }
    composed
}

fn decoded(id: &str) -> Result<String, NameError> {
    let hex = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let mut rest = id.as_bytes();
    let mut bytes = Vec::with_capacity(rest.len());
    while let Some((first, after)) = rest.split_first() {
        match (*first, hex(after.first()), hex(after.get(1))) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).map_err(|_| NameError::Escape)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_spelling_of_a_person_is_one() {
        for (object_type, spellings) in [
            ("user", &["eve@example.org", "eve%40example.org", "Eve@Example.ORG", "%65ve%40example.org"][..]),
            ("user", &["jos\u{e9}", "jose\u{301}", "jos%C3%A9", "jos%c3%a9"]),
            ("user", &["J\u{f6}rg@example.org", "jo\u{308}rg%40EXAMPLE.org"]),
            (
                "user",
                &[
                    "\u{3bf}\u{3b4}\u{3bf}\u{3c3}@x.gr",
                    "\u{39f}\u{394}\u{39f}\u{3a3}@x.gr",
                    "\u{3bf}\u{3b4}\u{3bf}\u{3c2}@x.gr",
                ],
            ),
            ("user", &["100%", "100%25"]),
            ("group", &["a*b", "a%2Ab"]),
        ] {
            let first = canonical_id(object_type, spellings[0]).unwrap();
            for other in spellings {
                assert_eq!(canonical_id(object_type, other).unwrap(), first, "{other}");
            }
        }
        assert_eq!(canonical_principal("group:caf\u{65}\u{301}#member"), "group:caf\u{e9}#member");
        assert_eq!(canonical_principal("user:*"), "user:*");
    }

    #[test]
    fn what_differs_stays_apart() {
        // Two folders of one look are two folders.
        assert_ne!(canonical_id("folder", "e\u{301}"), canonical_id("folder", "\u{e9}"));
        assert_ne!(canonical_id("user", "Eve"), canonical_id("user", "eve"));
        assert_ne!(canonical_id("group", "A@x"), canonical_id("group", "a@x"));
        assert_ne!(canonical_name("user", "a%40x"), canonical_name("user", "a@x"));
        assert_eq!(canonical_id("user", "a%ff"), Err(NameError::Escape));
    }

    proptest! {
        #[test]
        fn canonical_forms_are_safe_and_final(name in "\\PC{0,20}|[:#@*%A-Fa-f0-9 \\n\\t]{1,12}", kind in 0..3_usize) {
            let object_type = ["user", "group", "document"][kind];
            if let Ok(id) = canonical_id(object_type, &name) {
                prop_assert!(!id.contains([':', '#', '@', '*']));
                prop_assert!(!id.chars().any(|c| c.is_whitespace() || c.is_control()));
                prop_assert_eq!(canonical_id(object_type, &id), Ok(id));
            }
            let id = canonical_name(object_type, &name);
            prop_assert_eq!(canonical_id(object_type, &id), Ok(id));
        }

        #[test]
        fn plain_paths_stay_injective(a in "[a-c%@4]{0,6}", b in "[a-c%@4]{0,6}") {
            prop_assert_eq!(a == b, canonical_name("document", &a) == canonical_name("document", &b));
        }
    }
}
