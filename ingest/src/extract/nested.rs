//! Documents within documents: what is attached to a mail, or stands in a text as a file of its own. They are read by the
//! same readers, into the text of the document that holds them, so that its rules are theirs.

use usher_base::outline;

use super::detect::{self, Format};
use super::{Builder, ExtractError, fill, limit};

/// How deep documents lie in each other.
const MAX_NESTING: u8 = 6;
/// Documents in one, at any depth.
const MAX_DOCUMENTS: u32 = 10_000;
/// Bytes of all of them.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// Reads a document whose headings divide nothing.
pub fn read_apart(name: &str, bytes: &[u8], builder: &mut Builder) -> Result<(), ExtractError> {
    read(name, bytes, None, builder)
}

/// Reads a document whose headings lie below one of this level.
pub fn read_below(level: u8, name: &str, bytes: &[u8], builder: &mut Builder) -> Result<(), ExtractError> {
    read(name, bytes, Some(level), builder)
}

fn read(name: &str, bytes: &[u8], below: Option<u8>, builder: &mut Builder) -> Result<(), ExtractError> {
    if builder.depth >= MAX_NESTING {
        return Err(ExtractError::Limit(format!("documents nested deeper than {MAX_NESTING}")));
    }
    builder.documents = builder.documents.saturating_add(1);
    if builder.documents > MAX_DOCUMENTS {
        return Err(ExtractError::Limit(format!("more than {MAX_DOCUMENTS} documents in one")));
    }
    builder.read = builder.read.saturating_add(bytes.len() as u64);
    if builder.read > MAX_BYTES {
        return Err(ExtractError::Limit(format!("more than {MAX_BYTES} bytes of documents in one")));
    }
    let mut inner = builder.inner();
    let done = inside(name, bytes, &mut inner);
    (builder.documents, builder.read) = (inner.documents, inner.read);
    match done {
        Ok(()) => {
            let pictures = inner.pictures.len();
            if pictures > 0 {
                builder.count("pages that are not recognised", pictures as u64);
                builder.warn(format!(
                    "{}: {pictures} pages with pictures are not recognised: it lies in another file",
                    shown(name)
                ));
            }
            builder.absorb(inner, below)
        }
        // What is too much is too much for the whole.
        Err(ExtractError::Limit(why)) => Err(ExtractError::Limit(format!("{}: {why}", shown(name)))),
        Err(ExtractError::Unsupported(why) | ExtractError::Broken(why) | ExtractError::Pictures { why, .. }) => {
            builder.count("documents within that are not read", 1);
            builder.warn(format!("{} is left out: {why}", shown(name)));
            Ok(())
        }
    }
}

fn inside(name: &str, bytes: &[u8], inner: &mut Builder) -> Result<(), ExtractError> {
    let kind = fill(name, bytes, inner)?;
    if matches!(kind, Format::Markdown) {
        for heading in outline::headings(inner.text()).map_err(limit)? {
            inner.mark(heading.start, heading.level, &heading.text);
        }
    }
    Ok(())
}

/// Whether there is a reader for it.
pub fn is_read(name: &str, bytes: &[u8]) -> bool {
    detect::kind(name, bytes).is_ok()
}

fn shown(name: &str) -> String {
    name.rsplit('/').next().unwrap_or(name).chars().filter(|c| !c.is_control()).take(80).collect()
}
