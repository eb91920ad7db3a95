//! PDF: the text of each page, with the page's number. Every stream is bounded while it is decoded.

use lopdf::{Document, LoadOptions};

use super::{Builder, ExtractError};

const MAX_PAGES: usize = 5_000;
const MAX_STREAM: usize = 32 * 1024 * 1024;

pub fn read(bytes: &[u8], builder: &mut Builder) -> Result<(), ExtractError> {
    let options = LoadOptions { max_decompressed_size: Some(MAX_STREAM), ..LoadOptions::default() };
    let document = Document::load_mem_with_options(bytes, options).map_err(|e| broken(&e))?;
    if document.is_encrypted() {
        return Err(ExtractError::Broken("encrypted: save it without a password".into()));
    }
    let pages: Vec<u32> = document.get_pages().into_keys().collect();
    if pages.len() > MAX_PAGES {
        return Err(ExtractError::Limit(format!("more than {MAX_PAGES} pages")));
    }
    builder.title = title(&document);
    let mut unread = 0u64;
    for number in &pages {
        match document.extract_text_with_limit(&[*number], MAX_STREAM) {
            Ok(text) => {
                builder.page(*number);
                builder.block(&tidy(&text))?;
            }
            Err(lopdf::Error::Decompress(e)) => return Err(ExtractError::Limit(format!("page {number}: {e}"))),
            Err(e) => {
                unread = unread.saturating_add(1);
                builder.warn(format!("page {number}: {e}"));
            }
        }
    }
    builder.count("unreadable pages", unread);
    if unread > 0 && unread == pages.len() as u64 {
        return Err(ExtractError::Broken("no page could be read".into()));
    }
    Ok(())
}

fn broken(e: &lopdf::Error) -> ExtractError {
    match e {
        lopdf::Error::Decompress(e) => ExtractError::Limit(e.to_string()),
        e => ExtractError::Broken(format!("no readable PDF: {e}")),
    }
}

fn title(document: &Document) -> Option<String> {
    let info = document.trailer.get(b"Info").ok()?;
    let (_, info) = document.dereference(info).ok()?;
    let title = info.as_dict().ok()?.get(b"Title").ok()?;
    let (_, title) = document.dereference(title).ok()?;
    lopdf::decode_text_string(title).ok()
}

/// Runs of empty lines and trailing spaces come from the layout, not from the author.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = 0usize;
    for line in text.lines() {
        let line = line.trim_end();
        empty = if line.is_empty() { empty.saturating_add(1) } else { 0 };
        if empty < 2 {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}
