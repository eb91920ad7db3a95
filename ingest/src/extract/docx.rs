//! DOCX: a zip of XML parts. Paragraphs, headings, tables, text boxes and notes as text; hidden runs and deleted revisions
//! are dropped and counted. No external part is ever loaded, and entities other than XML's own are refused.
//!
//! What a reader sees of one place stays in one place: a note, a text box or a diagram follows the paragraph that it belongs
//! to, so that it lies in the same restricted part. What stands on every page of a section (headers, footers) has no such
//! place and is left out.

use std::collections::BTreeMap;

use super::graphics;
use super::opc::{Package, Relations};
use super::rows::Tables;
use super::{Builder, ExtractError, nested};

mod fields;
mod notes;
mod numbering;
mod styles;
mod text;
mod walk;

use notes::Notes;
use numbering::Numbering;
use styles::Styles;
use walk::{Block, Sources, Walker};

pub fn read(bytes: &[u8], builder: &mut Builder) -> Result<(), ExtractError> {
    let mut package = Package::open(bytes)?;
    let Some(main) = package.main("word/document.xml")? else {
        return Err(ExtractError::Unsupported("an Office file without a Word document in it".into()));
    };
    let document = package.text(&main)?.unwrap_or_default();
    let relations = package.relations(&main)?;
    let mut sources = Sources::default();
    if let Some(xml) = package.related(&relations, "styles", "word/styles.xml")? {
        sources.styles = Styles::read(&xml)?;
    }
    // SECURITY: the number behind a restricted part tells how many are in it.
    sources.numbers = !builder.has_parts;
    if let Some(xml) = package.related(&relations, "numbering", "word/numbering.xml")? {
        sources.numbering = Numbering::read(&xml)?;
    }
    builder.title = package.title()?;
    builder.count("headers and footers", around(&package, &relations));
    builder.count("comments", comments(&mut package, &relations)?);
    sources.drawn = graphics::read(&mut package, &relations, builder)?;
    let mut notes = Notes::default();
    for (kind, name, part) in
        [("footnotes", "footnote", "word/footnotes.xml"), ("endnotes", "endnote", "word/endnotes.xml")]
    {
        if let Some(xml) = package.related(&relations, kind, part)? {
            notes.read(name, &xml, &sources, builder)?;
        }
    }
    let mut walker = Walker::new(&sources, &notes, builder);
    walker.walk(&document)?;
    let (blocks, called) = walker.finish();
    builder.count("notes that nothing calls", notes.uncalled(&called));
    let mut tables = Tables::default();
    for block in blocks {
        if !matches!(block, Block::Row { .. }) {
            tables.end(builder);
        }
        match block {
            Block::Row { table, names, text } => tables.row(table, names, &text, builder)?,
            Block::Heading(level, text) => builder.heading(level, &text)?,
            Block::Text(text) => builder.block(&text)?,
            Block::Part(id) => embedded(&mut package, &relations, &id, builder)?,
        }
    }
    tables.end(builder);
    Ok(())
}

/// A document that stands in the text of this one (`altChunk`). Its headings divide nothing.
fn embedded(
    package: &mut Package<'_>,
    relations: &Relations,
    id: &str,
    builder: &mut Builder,
) -> Result<(), ExtractError> {
    let part = relations.get(id).filter(|relation| !relation.is_outside);
    let bytes = match part {
        Some(part) => package.bytes(&part.target)?,
        None => None,
    };
    match (part, bytes) {
        (Some(part), Some(bytes)) => nested::read_apart(&part.target, &bytes, builder),
        _ => {
            builder.count("embedded documents", 1);
            builder.warn("a document that belongs into the text is not in the file");
            Ok(())
        }
    }
}

fn around(package: &Package<'_>, relations: &Relations) -> u64 {
    if relations.is_empty() {
        let is_around = |name: &&String| {
            let file = name.strip_prefix("word/").filter(|file| file.ends_with(".xml"));
            file.is_some_and(|file| file.starts_with("header") || file.starts_with("footer"))
        };
        return package.names().filter(is_around).count() as u64;
    }
    let parts: BTreeMap<&str, ()> = relations
        .values()
        .filter(|relation| matches!(relation.kind.as_str(), "header" | "footer"))
        .map(|relation| (relation.target.as_str(), ()))
        .collect();
    parts.len() as u64
}

fn comments(package: &mut Package<'_>, relations: &Relations) -> Result<u64, ExtractError> {
    let Some(xml) = package.related(relations, "comments", "word/comments.xml")? else { return Ok(0) };
    let mut count = 0u64;
    super::xml::each_event(&xml, |event| {
        count = count.saturating_add(u64::from(matches!(event, super::xml::Xml::Start("comment", _))));
        Ok(())
    })?;
    Ok(count)
}
