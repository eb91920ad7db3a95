//! OpenDocument: texts (ODT), sheets (ODS) and slides (ODP) as LibreOffice and others write them. What a reader sees is read;
//! hidden text, rows, sheets and slides are dropped and counted, and so is what stands on every page.

use super::archive::Parts;
use super::rows::Tables;
use super::xml::text_of;
use super::{Builder, ExtractError};

mod lists;
mod objects;
mod styles;
mod table;
mod walk;

use styles::Styles;
use walk::{Block, Walker};

/// What kind of document it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Sheets,
    Slides,
}

pub fn read(bytes: &[u8], kind: Kind, builder: &mut Builder) -> Result<(), ExtractError> {
    let mut parts = Parts::open(bytes)?;
    let manifest = parts.text("META-INF/manifest.xml")?.unwrap_or_default();
    if manifest.contains(":encryption-data") {
        return Err(ExtractError::Broken("the document is encrypted".into()));
    }
    let Some(content) = parts.text("content.xml")? else {
        return Err(ExtractError::Broken("an archive without the content of a document".into()));
    };
    let mut styles = Styles::default();
    if let Some(xml) = parts.text("styles.xml")? {
        styles.read(&xml)?;
        builder.count("headers and footers", styles.around);
    }
    styles.read(&content)?;
    if let Some(meta) = parts.text("meta.xml")? {
        builder.title = text_of(&meta, "title")?;
    }
    let objects = objects::read(&mut parts, builder)?;
    let mut walker = Walker::new(kind, &styles, &objects, builder);
    walker.walk(&content)?;
    let mut tables = Tables::default();
    for block in walker.finish() {
        if !matches!(block, Block::Row { .. }) {
            tables.end(builder);
        }
        match block {
            Block::Row { table, names, text } => tables.row(table, names, &text, builder)?,
            Block::Heading(level, text) => builder.heading(level, &text)?,
            Block::Text(text) => builder.block(&text)?,
            Block::Page(number) => builder.page(number),
        }
    }
    tables.end(builder);
    Ok(())
}
