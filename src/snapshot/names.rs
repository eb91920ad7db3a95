//! Names of documents and sections in the authorization model, and keys of chunks.

use crate::authz::ObjectRef;
use crate::index::ChunkKey;

/// Relation that carries the one label of a document.
pub const CLASSIFICATION: &str = "classification";

/// OpenFGA's limit on `type:id`, bytes.
const MAX_OBJECT: usize = 256;

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

fn bounded(object_type: &str, id: String) -> ObjectRef {
    let id = if object_type.len() + 1 + id.len() > MAX_OBJECT {
        format!("h~{}", blake3::hash(id.as_bytes()).to_hex())
    } else {
        id
    };
    ObjectRef { object_type: object_type.to_owned(), id }
}

/// The object that carries a document's grants. Ids longer than OpenFGA allows are replaced by their hash.
pub fn document_object(object_type: &str, document_id: &str) -> ObjectRef {
    bounded(object_type, encode_id(document_id))
}

/// The object that carries a section's grants: the document's name (its `~` encoded), `~`, the section's id.
pub fn section_object(section_type: &str, document_id: &str, section_id: &str) -> ObjectRef {
    bounded(section_type, format!("{}~{section_id}", encode_id(document_id).replace('~', "%7E")))
}

/// What a chunk of a document is named after: its number among the chunks of the same restricted part, or among those
/// outside all of them. What others hold moves no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaceInDocument<'a> {
    pub section: Option<&'a str>,
    pub number: u32,
}

impl<'a> PlaceInDocument<'a> {
    /// Of chunk `number` of a document with the sections (id, first chunk, chunks, whether they stand apart). Documents
    /// that were stored before sections did keep the names of their chunks.
    pub fn of(number: u32, sections: impl Iterator<Item = (&'a str, u32, u32, bool)>) -> Self {
        let mut before = 0;
        for (id, first, count, is_apart) in sections {
            if !is_apart || crate::mutants::active("names_by_number") {
                return Self { section: None, number };
            }
            if (first..first + count).contains(&number) {
                return Self { section: Some(id), number: number - first };
            }
            before += if first < number { count } else { 0 };
        }
        Self { section: None, number: number - before }
    }
}

/// Secret of the instance from which chunk keys are derived.
#[derive(Clone)]
pub struct ChunkKeys {
    key: [u8; 32],
}

impl ChunkKeys {
    pub fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// Keyed hash of (collection, document id, version, place in it): stable, and says nothing about anything else.
    pub fn key(&self, collection: u32, document_id: &str, version: u64, place: PlaceInDocument<'_>) -> ChunkKey {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&collection.to_be_bytes());
        hasher.update(&version.to_be_bytes());
        hasher.update(&place.number.to_be_bytes());
        hasher.update(document_id.as_bytes());
        if let Some(section) = place.section {
            // No document's id holds this byte.
            hasher.update(&[0]);
            hasher.update(section.as_bytes());
        }
        let mut key = [0; 16];
        hasher.finalize_xof().fill(&mut key);
        key
    }
}

/// `c_` and 32 hex digits.
pub fn chunk_id(key: &ChunkKey) -> String {
    let mut id = String::with_capacity(34);
    id.push_str("c_");
    for byte in key {
        id.push_str(&format!("{byte:02x}"));
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_becomes_tuple_syntax() {
        for hostile in ["*", "a:b", "a#member", "user:*", "x@y", "a b", "tab\there", "new\nline", "%2A"] {
            let encoded = encode_id(hostile);
            assert!(!encoded.contains([':', '#', '@', '*', ' ', '\t', '\n']), "{hostile} became {encoded}");
        }
        assert_ne!(encode_id("%2A"), encode_id("*"), "the encoding is injective");
    }

    #[test]
    fn long_ids_are_hashed_within_the_limit() {
        let object = document_object("document", &"a".repeat(1024));
        assert!(object.to_string().len() <= 256);
        assert_ne!(object, document_object("document", &"a".repeat(1023)));
    }

    #[test]
    fn sections_of_different_documents_never_share_a_name() {
        assert_ne!(section_object("section", "hr/a~b", "c"), section_object("section", "hr/a", "b~c"));
    }
}
