//! What is kept of a source with its document, to tell which bytes it was and whether it has to be read again.
//!
//! One text of 64 hex digits in two halves. The first is of the bytes alone: by it a file is known at another place, whatever
//! its rules, and whichever release read it. The second is of everything that decides what is read from them.

use std::collections::HashMap;

use crate::acl::rules::SectionRule;
use crate::extract;

/// Hex digits of one half.
const HALF: usize = 32;

/// The reader whose name releases before mixed into one hash of everything.
const FORMER_READER: &str = "usher-ingest-extract-3";

/// The first half.
pub fn of_bytes(bytes: &[u8]) -> String {
    half(&blake3::hash(bytes))
}

/// `own`: what comes from elsewhere than the file, and may change by itself.
pub fn source_hash(bytes: &[u8], sections: &[SectionRule], own: &[u8]) -> String {
    source_hash_of(&blake3::hash(bytes), sections, own)
}

/// The same of bytes that hash to `of_bytes`.
pub fn source_hash_of(of_bytes: &blake3::Hash, sections: &[SectionRule], own: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new_derive_key(extract::VERSION);
    let places = places(sections);
    for part in [places.as_slice(), own] {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    hasher.update(of_bytes.as_bytes());
    format!("{}{}", half(of_bytes), half(&hasher.finalize()))
}

/// Of the bytes that a kept hash is of; hashes of former releases have none, and are like no other.
pub fn bytes_of(source_hash: &str) -> &str {
    source_hash.get(..HALF).unwrap_or(source_hash)
}

/// Ids by the hashes that are kept of their sources: each by that of the bytes, and by the whole as releases before kept it.
pub fn by_hash<'a>(held: &[(&'a str, &'a str)]) -> HashMap<&'a str, Vec<&'a str>> {
    let mut ids: HashMap<&str, Vec<&str>> = HashMap::new();
    for (id, hash) in held {
        ids.entry(bytes_of(hash)).or_default().push(id);
        ids.entry(hash).or_default().push(id);
    }
    ids
}

/// As releases before kept it: one hash of reader, places of restricted parts and bytes.
pub fn former_hash(bytes: &[u8], sections: &[SectionRule]) -> String {
    let mut hasher = blake3::Hasher::new_derive_key(FORMER_READER);
    let places = places(sections);
    hasher.update(&(places.len() as u64).to_le_bytes()).update(&places).update(bytes);
    hasher.finalize().to_hex().to_string()
}

fn places(sections: &[SectionRule]) -> Vec<u8> {
    serde_json::to_vec(sections).unwrap_or_default()
}

fn half(hash: &blake3::Hash) -> String {
    hash.to_hex().chars().take(HALF).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use usher_base::wire::Acl;

    fn section(id: &str) -> SectionRule {
        SectionRule { id: id.into(), heading: Some("Pay".into()), span: None, acl: Acl::default() }
    }

    #[test]
    fn the_first_half_is_of_the_bytes_alone_and_the_second_of_what_is_read() {
        let all = [
            source_hash(b"text", &[], b""),
            source_hash(b"text", &[section("a")], b""),
            source_hash(b"text", &[section("b")], b""),
            source_hash(b"text", &[], b"title"),
        ];
        for (n, hash) in all.iter().enumerate() {
            assert_eq!((hash.len(), bytes_of(hash)), (64, of_bytes(b"text").as_str()));
            assert!(blake3::hash(b"text").to_hex().starts_with(bytes_of(hash)));
            assert!(all.iter().skip(n + 1).all(|other| other != hash));
        }
        assert_ne!(bytes_of(&all[0]), bytes_of(&source_hash(b"other", &[], b"")));
    }
}
