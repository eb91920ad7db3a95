//! DOCX: a zip of XML parts. Paragraphs, headings, tables, text boxes and notes as text; hidden runs and deleted revisions
//! are dropped and counted. No external part is ever loaded, and entities other than XML's own are refused.
//!
//! What a reader sees of one place stays in one place: a note or a text box follows the paragraph that it belongs to, so
//! that it lies in the same restricted part. What stands on every page of a section (headers, footers) has no such place
//! and is left out.

use std::collections::BTreeMap;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::archive::Parts;
use super::{Builder, ExtractError};

mod walk;

use walk::{Notes, Walker};

const MAX_DEPTH: usize = 512;

pub fn read(bytes: &[u8], builder: &mut Builder) -> Result<(), ExtractError> {
    let mut parts = Parts::open(bytes)?;
    if parts.text("[Content_Types].xml")?.is_none() {
        return Err(ExtractError::Broken("a zip archive, but no Word document".into()));
    }
    let document = parts.text("word/document.xml")?;
    let Some(document) = document else {
        return Err(ExtractError::Unsupported("an Office file without a Word document in it".into()));
    };
    let styles = match parts.text("word/styles.xml")? {
        Some(xml) => styles(&xml)?,
        None => BTreeMap::new(),
    };
    if let Some(core) = parts.text("docProps/core.xml")? {
        builder.title = core_title(&core)?;
    }
    let around = |name: &&String| {
        let file = name.strip_prefix("word/").filter(|file| file.ends_with(".xml"));
        file.is_some_and(|file| file.starts_with("header") || file.starts_with("footer"))
    };
    builder.count("headers and footers", parts.names().iter().filter(around).count() as u64);
    let mut notes = Notes::default();
    for (part, kind) in [("word/footnotes.xml", "footnote"), ("word/endnotes.xml", "endnote")] {
        if let Some(xml) = parts.text(part)? {
            notes.read(kind, &xml, &styles, builder)?;
        }
    }
    let mut walker = Walker::new(&styles, &notes, builder);
    walker.walk(&document)?;
    let (blocks, called) = walker.finish();
    builder.count("notes that nothing calls", notes.uncalled(&called));
    for block in blocks {
        match block.level {
            Some(level) => builder.heading(level, &block.text)?,
            None => builder.block(&block.text)?,
        }
    }
    Ok(())
}

/// What a paragraph style says about outline and visibility.
#[derive(Debug, Clone, Default)]
struct Style {
    level: Option<u8>,
    hidden: bool,
    /// Lines of a table of contents, which repeat what stands elsewhere.
    contents: bool,
    based_on: Option<String>,
}

enum Xml<'e> {
    Start(&'e str, &'e BytesStart<'e>),
    End(&'e str),
    Text(&'e str),
}

/// Events by local name: the prefix is a matter of taste of the writing program.
fn each_event(xml: &str, mut see: impl FnMut(Xml<'_>) -> Result<(), ExtractError>) -> Result<(), ExtractError> {
    let broken = |e: &dyn std::fmt::Display| ExtractError::Broken(format!("its XML is malformed: {e}"));
    let mut reader = Reader::from_str(xml);
    let mut depth = 0usize;
    loop {
        match reader.read_event().map_err(|e| broken(&e))? {
            Event::Start(element) => {
                depth = depth.saturating_add(1);
                if depth > MAX_DEPTH {
                    return Err(ExtractError::Limit(format!("XML nested deeper than {MAX_DEPTH}")));
                }
                see(Xml::Start(element.local_name().as_ref(), &element))?;
            }
            Event::Empty(element) => {
                see(Xml::Start(element.local_name().as_ref(), &element))?;
                see(Xml::End(element.local_name().as_ref()))?;
            }
            Event::End(element) => {
                depth = depth.saturating_sub(1);
                see(Xml::End(element.local_name().as_ref()))?;
            }
            Event::Text(text) => see(Xml::Text(&text.xml10_content()))?,
            Event::CData(text) => see(Xml::Text(&text.xml10_content()))?,
            Event::GeneralRef(entity) => {
                let resolved = match entity.resolve_char_ref().map_err(|e| broken(&e))? {
                    Some(c) => c.to_string(),
                    None => quick_xml::escape::resolve_predefined_entity(&entity.into_inner())
                        .ok_or_else(|| ExtractError::Broken("its XML defines entities of its own".into()))?
                        .to_owned(),
                };
                see(Xml::Text(&resolved))?;
            }
            Event::DocType(_) => return Err(ExtractError::Broken("its XML holds a document type".into())),
            Event::Eof => return Ok(()),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

/// `w:val` of an element.
fn value(element: &BytesStart<'_>) -> Option<String> {
    attribute(element, "val")
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = element.attributes().flatten().find(|a| a.key.local_name().as_ref() == name)?;
    Some(attribute.normalized_value(XmlVersion::default()).ok()?.into_owned())
}

/// On/off properties are on when no value is given.
fn is_on(element: &BytesStart<'_>) -> bool {
    !matches!(value(element).as_deref(), Some("0" | "false" | "off" | "none"))
}

/// Half points; what is smaller than a point is not meant to be read.
fn is_tiny(size: &str) -> bool {
    size.parse::<u32>().is_ok_and(|size| size < 2)
}

/// Outline levels count from 0; 9 is body text.
fn outline(level: &str) -> Option<u8> {
    level.parse::<u8>().ok().filter(|l| *l < 9).map(|l| l.saturating_add(1))
}

fn styles(xml: &str) -> Result<BTreeMap<String, Style>, ExtractError> {
    let mut styles = BTreeMap::new();
    let mut open: Option<(String, Style)> = None;
    each_event(xml, |event| {
        match event {
            Xml::Start("style", element) => {
                open = attribute(element, "styleId").map(|id| (id, Style::default()));
            }
            Xml::End("style") => styles.extend(open.take()),
            Xml::Start(name, element) => {
                let Some((_, style)) = &mut open else { return Ok(()) };
                match (name, value(element)) {
                    // Built-in names are the same in every language of Word.
                    ("name", Some(name)) => {
                        style.level = style.level.or(heading_name(&name));
                        style.contents = is_contents(&name);
                    }
                    ("basedOn", Some(parent)) => style.based_on = Some(parent),
                    ("outlineLvl", Some(level)) => style.level = outline(&level).or(style.level),
                    ("vanish" | "specVanish" | "webHidden", _) => style.hidden = is_on(element),
                    ("sz", Some(size)) => style.hidden |= is_tiny(&size),
                    _ => {}
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(styles)
}

fn heading_name(name: &str) -> Option<u8> {
    let name = name.to_ascii_lowercase();
    if name == "title" {
        return Some(1);
    }
    name.strip_prefix("heading ").and_then(heading_level)
}

/// Word has nine levels of headings.
fn heading_level(number: &str) -> Option<u8> {
    number.trim().parse::<u8>().ok().map(|level| level.clamp(1, 9))
}

/// Styles of tables of contents and indexes.
fn is_contents(style: &str) -> bool {
    let style = style.to_ascii_lowercase();
    let numbered = style.strip_prefix("toc").or_else(|| style.strip_prefix("index"));
    matches!(style.as_str(), "table of figures" | "table of authorities")
        || numbered.is_some_and(|rest| rest.trim().parse::<u8>().is_ok())
}

/// What a style means through the chain of those that it is based on; a chain that loops ends by its length.
fn resolve(styles: &BTreeMap<String, Style>, id: &str) -> Style {
    let mut means = Style::default();
    let mut at = id.to_owned();
    for _ in 0..16 {
        let Some(style) = styles.get(&at) else {
            // Documents without a styles part still use the usual names.
            let plain = at.to_ascii_lowercase();
            means.level = means.level.or(plain.strip_prefix("heading").and_then(heading_level));
            means.contents |= is_contents(&plain);
            return means;
        };
        means.level = means.level.or(style.level);
        means.hidden |= style.hidden;
        means.contents |= style.contents;
        match &style.based_on {
            Some(parent) => at.clone_from(parent),
            None => break,
        }
    }
    means
}

fn core_title(xml: &str) -> Result<Option<String>, ExtractError> {
    let (mut inside, mut title) = (false, String::new());
    each_event(xml, |event| {
        match event {
            Xml::Start(name, _) => inside = name == "title",
            Xml::End(_) => inside = false,
            Xml::Text(text) if inside => title.push_str(text),
            Xml::Text(_) => {}
        }
        Ok(())
    })?;
    Ok(Some(title).filter(|t| !t.trim().is_empty()))
}
