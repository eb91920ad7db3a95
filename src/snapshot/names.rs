//! Names of documents and sections in the authorization model, and keys of chunks.

use crate::authz::names::encode_id;
use crate::authz::{Binding, ObjectRef};
use crate::catalog::documents::DocumentRow;
use crate::index::ChunkKey;
use crate::wire::bounds::MAX_OBJECT;

/// Relation that carries the one label of a document.
pub const CLASSIFICATION: &str = "classification";

/// Begins the ids that are hashes; an id that is written so by itself is hashed too, so that nobody can write one.
const HASHED: &str = "h~";

fn hashed(object_type: &str, content: &str) -> ObjectRef {
    let id = format!("{HASHED}{}", blake3::hash(content.as_bytes()).to_hex());
    ObjectRef { object_type: object_type.to_owned(), id }
}

fn bounded(object_type: &str, id: String) -> ObjectRef {
    if object_type.len() + 1 + id.len() > MAX_OBJECT || id.starts_with(HASHED) {
        return hashed(object_type, &id);
    }
    ObjectRef { object_type: object_type.to_owned(), id }
}

/// The object that carries a document's grants. Ids longer than OpenFGA allows are replaced by their hash.
///
/// Where another collection of the same store holds a document of that id, `apart` is the number of this document's
/// collection, and the object is one that no other document has and no id can spell.
pub fn document_object(object_type: &str, document_id: &str, apart: Option<u32>) -> ObjectRef {
    match apart {
        None => bounded(object_type, encode_id(document_id)),
        Some(collection) => hashed(object_type, &format!("{collection}\n{document_id}")),
    }
}

/// The object that carries a section's grants: the document's name, `~`, the section's id, which holds no `~`.
pub fn section_object(section_type: &str, document_id: &str, apart: Option<u32>, section_id: &str) -> ObjectRef {
    match apart {
        None => bounded(section_type, format!("{}~{section_id}", encode_id(document_id))),
        Some(collection) => hashed(section_type, &format!("{collection}\n{document_id}~{section_id}")),
    }
}

/// From where to before where the ids of a document's sections lie, under the plain name of its id.
pub fn sections_within(document_id: &str) -> (String, String) {
    let id = encode_id(document_id);
    // The byte after `~`.
    (format!("{id}~"), format!("{id}\u{7f}"))
}

/// Which section of the document has this object, under the plain name of its id.
pub fn section_of<'o>(document_id: &str, object: &'o str) -> Option<&'o str> {
    let (_, id) = object.split_once(':')?;
    let section = id.strip_prefix(encode_id(document_id).as_str())?.strip_prefix('~')?;
    (!section.contains('~')).then_some(section)
}

/// The objects of a stored document and of its sections, in their order.
pub fn objects_of(binding: &Binding, collection: u32, row: &DocumentRow) -> (ObjectRef, Vec<ObjectRef>) {
    let apart = row.apart.then_some(collection);
    let section_type = binding.section_type.as_deref().unwrap_or_default();
    let sections = row.sections.iter().map(|held| section_object(section_type, &row.id, apart, &held.id));
    (document_object(&binding.object_type, &row.id, apart), sections.collect())
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
    fn long_ids_are_hashed_within_the_limit() {
        let object = |id: &str| document_object("document", id, None);
        let long = object(&"a".repeat(1024));
        assert!(long.to_string().len() <= 256);
        assert_ne!(long, object(&"a".repeat(1023)));
        assert_ne!(object(&long.id), long, "nobody can write the name of a long one");
    }

    #[test]
    fn objects_of_different_documents_never_share_a_name() {
        let sections = [("hr/a~b", "c", None), ("hr/a", "b", None), ("hr/a%7Eb", "c", None), ("hr/a", "b", Some(2))];
        let names: Vec<_> = sections.map(|(id, section, apart)| section_object("section", id, apart, section)).into();
        let documents: Vec<_> = sections.map(|(id, _, apart)| document_object("document", id, apart)).into();
        for (n, name) in names.iter().enumerate() {
            assert!(!names[..n].contains(name), "{name}");
            assert_eq!(ObjectRef::parse(&name.to_string()).as_ref(), Ok(name), "written in a tuple it is the same");
            assert_eq!(ObjectRef::parse(&documents[n].to_string()).as_ref(), Ok(&documents[n]));
        }
        let apart = |collection| document_object("document", "hr/a", collection);
        assert!(apart(None) != apart(Some(1)) && apart(Some(1)) != apart(Some(2)));
    }
}
