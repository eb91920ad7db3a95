//! DOCX: a zip of XML parts. Paragraphs, headings, tables, notes, headers and footers as text; hidden runs and deleted
//! revisions are dropped and counted. No external part is ever loaded, and entities other than XML's own are refused.

use std::collections::BTreeMap;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::archive::Parts;
use super::{Builder, ExtractError};

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
    let mut names = parts.names();
    names.sort();
    let named = |kind: &str| {
        let prefix = format!("word/{kind}");
        names.iter().filter(|n| n.starts_with(&prefix) && n.ends_with(".xml")).cloned().collect::<Vec<_>>()
    };
    let mut around = named("header");
    for name in around.drain(..) {
        walk_part(&mut parts, &name, &styles, builder)?;
    }
    Walker::new(&styles, builder).walk(&document)?;
    for kind in ["footnotes", "endnotes", "footer"] {
        for name in named(kind) {
            walk_part(&mut parts, &name, &styles, builder)?;
        }
    }
    Ok(())
}

fn walk_part(
    parts: &mut Parts<'_>,
    name: &str,
    styles: &BTreeMap<String, Style>,
    builder: &mut Builder,
) -> Result<(), ExtractError> {
    match parts.text(name)? {
        Some(xml) => Walker::new(styles, builder).walk(&xml),
        None => Ok(()),
    }
}

/// What a paragraph style says about outline and visibility.
#[derive(Debug, Clone, Default)]
struct Style {
    level: Option<u8>,
    hidden: bool,
    based_on: Option<String>,
}

#[derive(Debug, Default)]
struct Paragraph {
    text: String,
    level: Option<u8>,
    /// The style hides the whole paragraph.
    hidden: bool,
    list: bool,
}

struct Walker<'a, 'b> {
    styles: &'a BTreeMap<String, Style>,
    builder: &'b mut Builder,
    /// Open paragraphs; a text box puts one inside another.
    open: Vec<Paragraph>,
    /// Open table cells by row; nested tables stack.
    rows: Vec<Vec<String>>,
    run_hidden: bool,
    in_text: bool,
    /// Depth inside a part that repeats content for old readers (`mc:Fallback`).
    skipped: usize,
}

impl<'a, 'b> Walker<'a, 'b> {
    fn new(styles: &'a BTreeMap<String, Style>, builder: &'b mut Builder) -> Self {
        Walker { styles, builder, open: Vec::new(), rows: Vec::new(), run_hidden: false, in_text: false, skipped: 0 }
    }

    fn walk(&mut self, xml: &str) -> Result<(), ExtractError> {
        each_event(xml, |event| match event {
            Xml::Start(name, start) => self.start(name, start),
            Xml::End(name) => self.end(name),
            Xml::Text(text) => {
                self.text(text);
                Ok(())
            }
        })
    }

    fn start(&mut self, name: &str, element: &BytesStart<'_>) -> Result<(), ExtractError> {
        if self.skipped > 0 || name == "Fallback" {
            self.skipped = self.skipped.saturating_add(1);
            return Ok(());
        }
        match name {
            "p" => self.open.push(Paragraph::default()),
            "tr" => self.rows.push(Vec::new()),
            "tc" => {
                if let Some(row) = self.rows.last_mut() {
                    row.push(String::new());
                }
            }
            "r" => self.run_hidden = false,
            "vanish" | "specVanish" | "webHidden" => self.run_hidden = is_on(element),
            "rStyle" => self.run_hidden |= value(element).is_some_and(|id| resolve(self.styles, &id).1),
            "sz" => self.run_hidden |= value(element).is_some_and(|size| is_tiny(&size)),
            "t" => self.in_text = true,
            "delText" => self.builder.count("deleted revisions", 1),
            "tab" => self.text_in_run("\t"),
            "br" | "cr" => self.text_in_run("\n"),
            "noBreakHyphen" => self.text_in_run("\u{2011}"),
            _ => self.paragraph_property(name, element),
        }
        Ok(())
    }

    fn paragraph_property(&mut self, name: &str, element: &BytesStart<'_>) {
        let Some(paragraph) = self.open.last_mut() else { return };
        match (name, value(element)) {
            ("pStyle", Some(id)) => {
                let (level, hidden) = resolve(self.styles, &id);
                paragraph.level = paragraph.level.or(level);
                paragraph.hidden |= hidden;
            }
            ("outlineLvl", Some(level)) => paragraph.level = outline(&level).or(paragraph.level),
            ("numPr", _) => paragraph.list = true,
            _ => {}
        }
    }

    fn end(&mut self, name: &str) -> Result<(), ExtractError> {
        if self.skipped > 0 {
            self.skipped = self.skipped.saturating_sub(1);
            return Ok(());
        }
        match name {
            "t" => self.in_text = false,
            "r" => self.run_hidden = false,
            "p" => {
                let Some(paragraph) = self.open.pop() else { return Ok(()) };
                return self.paragraph(paragraph);
            }
            "tr" => {
                let Some(row) = self.rows.pop() else { return Ok(()) };
                let line = row.join(" | ");
                if row.iter().all(String::is_empty) {
                    return Ok(());
                }
                return match self.cell() {
                    Some(cell) => {
                        append(cell, &line);
                        Ok(())
                    }
                    None => self.builder.block(&line),
                };
            }
            _ => {}
        }
        Ok(())
    }

    fn cell(&mut self) -> Option<&mut String> {
        self.rows.last_mut().and_then(|row| row.last_mut())
    }

    fn paragraph(&mut self, paragraph: Paragraph) -> Result<(), ExtractError> {
        if paragraph.hidden {
            self.builder.count("hidden characters", paragraph.text.chars().count() as u64);
            return Ok(());
        }
        let text = paragraph.text.trim();
        if text.is_empty() {
            return Ok(());
        }
        if let Some(cell) = self.cell() {
            append(cell, &text.split_whitespace().collect::<Vec<_>>().join(" "));
            return Ok(());
        }
        match paragraph.level {
            Some(level) => self.builder.heading(level, text),
            None if paragraph.list => self.builder.block(&format!("- {text}")),
            None => self.builder.block(text),
        }
    }

    fn text(&mut self, text: &str) {
        if self.in_text && self.skipped == 0 {
            self.text_in_run(text);
        }
    }

    fn text_in_run(&mut self, text: &str) {
        if self.run_hidden {
            self.builder.count("hidden characters", text.chars().count() as u64);
        } else if let Some(paragraph) = self.open.last_mut() {
            paragraph.text.push_str(text);
        }
    }
}

fn append(cell: &mut String, text: &str) {
    if !cell.is_empty() {
        cell.push(' ');
    }
    cell.push_str(text);
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
    let attribute = element.attributes().flatten().find(|a| a.key.local_name().as_ref() == "val")?;
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
    level.parse::<u8>().ok().filter(|l| *l < 9).map(|l| l.saturating_add(1).min(6))
}

fn styles(xml: &str) -> Result<BTreeMap<String, Style>, ExtractError> {
    let mut styles = BTreeMap::new();
    let mut open: Option<(String, Style)> = None;
    each_event(xml, |event| {
        match event {
            Xml::Start("style", element) => {
                let id = element.attributes().flatten().find(|a| a.key.local_name().as_ref() == "styleId");
                let id = id.and_then(|a| a.normalized_value(XmlVersion::default()).ok().map(|v| v.into_owned()));
                open = id.map(|id| (id, Style::default()));
            }
            Xml::End("style") => styles.extend(open.take()),
            Xml::Start(name, element) => {
                let Some((_, style)) = &mut open else { return Ok(()) };
                match (name, value(element)) {
                    // Built-in names are the same in every language of Word.
                    ("name", Some(name)) => style.level = style.level.or(heading_name(&name)),
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
    name.strip_prefix("heading ")?.trim().parse::<u8>().ok().map(|l| l.clamp(1, 6))
}

/// Level and visibility through the chain of styles; a chain that loops ends by its length.
fn resolve(styles: &BTreeMap<String, Style>, id: &str) -> (Option<u8>, bool) {
    let (mut level, mut hidden) = (None, false);
    let mut at = id.to_owned();
    for _ in 0..16 {
        let Some(style) = styles.get(&at) else {
            // Documents without a styles part still use the usual names.
            let plain = at.to_ascii_lowercase();
            let by_id = plain.strip_prefix("heading").and_then(|n| n.parse::<u8>().ok()).map(|l| l.clamp(1, 6));
            return (level.or(by_id), hidden);
        };
        level = level.or(style.level);
        hidden |= style.hidden;
        match &style.based_on {
            Some(parent) => at.clone_from(parent),
            None => break,
        }
    }
    (level, hidden)
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
