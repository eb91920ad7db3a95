//! Bounds of what may be sent: the service checks them, and the description of the API says them, both from here.

/// Bytes of a question.
pub const MAX_QUERY: usize = 8_192;
pub const MAX_TOP_K: usize = 100;
/// Collections of one question.
pub const MAX_COLLECTIONS: usize = 64;
/// Dimensions of a vector.
pub const MAX_DIMENSIONS: usize = 8_192;
/// Tokens of an assembled text.
pub const MAX_TOKENS: usize = 200_000;
/// Passages that are rechecked at once.
pub const MAX_RECHECK: usize = 200;

/// Items of a page.
pub const MAX_PAGE: usize = 1_000;
/// Documents that an impact names per reader and list.
pub const MAX_EXAMPLES: usize = 100;

/// Documents of one request.
pub const MAX_DOCUMENTS: usize = 256;
/// Bytes of a document's id.
pub const MAX_DOCUMENT_ID: usize = 1_024;
/// Bytes of a title: it stands in the index with every chunk, and in every answer.
pub const MAX_TITLE: usize = 2_048;
pub const MAX_URL: usize = 4_096;
/// Names in the metadata of a document.
pub const MAX_METADATA_NAMES: usize = 256;
/// Chunks of one document.
pub const MAX_CHUNKS: usize = 20_000;
/// Headings in the path of a chunk.
pub const MAX_HEADING_LEVELS: usize = 32;
/// Restricted parts of one document.
pub const MAX_SECTIONS: usize = 256;
/// Bytes of a section's id.
pub const MAX_SECTION_ID: usize = 64;
/// Principals and parents in the rules of a document and its sections.
pub const MAX_RULES: usize = 10_000;

/// Tuples of one write, deletes included.
pub const MAX_TUPLES: usize = 1_000;
/// Bytes of the name of a type.
pub const MAX_TYPE: usize = 254;
/// Bytes of the name of a relation or condition.
pub const MAX_RELATION: usize = 50;
/// Bytes of an object, `type:id`.
pub const MAX_OBJECT: usize = 256;
/// Bytes of whom a tuple relates to its object.
pub const MAX_SUBJECT: usize = 512;

/// Bytes of a key's name.
pub const MAX_KEY_NAME: usize = 128;
/// Bytes of a collection's name.
pub const MAX_COLLECTION_NAME: usize = 64;

/// Types of those who can read.
pub const READER_TYPES: [&str; 3] = ["user", "agent", "service"];
/// What a credential may do.
pub const SCOPES: [&str; 9] = [
    "query",
    "documents.read",
    "documents.write",
    "relationships.read",
    "relationships.write",
    "explain",
    "diagnostics",
    "act_as",
    "admin",
];
/// Analysers of the keyword leg: each document's own language, words as they are, or stemmed as one language stems them.
pub const ANALYSERS: [&str; 20] = [
    "auto",
    "simple",
    "arabic",
    "danish",
    "dutch",
    "english",
    "finnish",
    "french",
    "german",
    "greek",
    "hungarian",
    "italian",
    "norwegian",
    "portuguese",
    "romanian",
    "russian",
    "spanish",
    "swedish",
    "tamil",
    "turkish",
];
/// Fields that every document has.
pub const BUILT_IN_FIELDS: [&str; 4] = ["document_id", "source", "title", "updated_at"];

/// Characters of a name of a type, relation or condition.
macro_rules! name {
    () => {
        r"[^:#@\s\x00-\x1f\x7f-\x9f]+"
    };
}

/// The id of an object: anything but `*` alone.
macro_rules! id {
    () => {
        r"(?:[^:#*\s\x00-\x1f\x7f-\x9f][^:#\s\x00-\x1f\x7f-\x9f]*|\*[^:#\s\x00-\x1f\x7f-\x9f]+)"
    };
}

// Patterns are those of ECMA 262, as JSON Schema takes them.

/// Any text: nothing that is sent may hold NUL.
pub const TEXT: &str = r"^[^\x00]*$";
/// Text that is not blank.
pub const SOME_TEXT: &str = r"^[^\x00]*[^\s\x00][^\x00]*$";
pub const NAME: &str = concat!("^", name!(), "$");
/// The part of an object after its type.
pub const OBJECT_ID: &str = concat!("^", id!(), "$");
pub const OBJECT: &str = concat!("^", name!(), ":", id!(), "$");
/// `user:ann`, `group:hr#member`, `user:*`.
pub const SUBJECT: &str = concat!("^", name!(), r":(?:\*|", id!(), r"|[^:#*\s\x00-\x1f\x7f-\x9f]+#", name!(), ")$");
pub const READER: &str = concat!("^(?:user|agent|service):", id!(), "$");
/// `type:id`, or `type:` for all of a type.
pub const OBJECT_OR_TYPE: &str = r"^[^:\x00]*:[^\x00]*$";
/// What names of objects are listed by.
pub const LISTED_TYPE: &str = r"^[^:;\x00]+$";
pub const DOCUMENT_ID: &str = r"^[^/\x00-\x1f\x7f-\x9f]+/[^\x00-\x1f\x7f-\x9f]+$";
pub const SECTION_ID: &str = r"^[A-Za-z0-9._-]+$";
pub const COLLECTION_NAME: &str = r"^[.]*[A-Za-z0-9_-][A-Za-z0-9._-]*$";
/// Whether a collection may be called so: [`COLLECTION_NAME`], and no longer than it may be.
pub fn is_collection_name(name: &str) -> bool {
    let is_good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=MAX_COLLECTION_NAME).contains(&name.len()) && name.chars().all(is_good) && name.chars().any(|c| c != '.')
}
/// A revision token: its form is all of it that a caller can know.
pub const REVISION: &str = r"^r1\.[A-Za-z0-9_-]{64}$";
/// A cursor of a list, likewise.
pub const CURSOR: &str = r"^[A-Za-z0-9_-]{75}$";
/// An entity tag, or a version without quotation marks.
pub const IF_MATCH: &str = r#"^(?:(?:W/)?"[!#-~]*"|[0-9]{1,18})$"#;
