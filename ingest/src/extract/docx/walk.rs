//! The body of a Word document, and its notes, as blocks of text in the order in which a reader meets them.

use std::collections::{BTreeMap, BTreeSet};

use quick_xml::events::BytesStart;

use super::{Style, Xml, attribute, each_event, is_on, is_tiny, outline, resolve, value};
use crate::extract::{Builder, ExtractError, MAX_TEXT};

/// A paragraph or a row of a table.
#[derive(Debug)]
pub struct Block {
    /// Of a heading that divides the text.
    pub level: Option<u8>,
    pub text: String,
}

/// Kind and id of a note.
type Name = (&'static str, String);

/// Footnotes and endnotes, which stand where they are called.
#[derive(Debug, Default)]
pub struct Notes(BTreeMap<Name, Vec<String>>);

impl Notes {
    pub fn read(
        &mut self,
        kind: &'static str,
        xml: &str,
        styles: &BTreeMap<String, Style>,
        builder: &mut Builder,
    ) -> Result<(), ExtractError> {
        // A note calls no other.
        let none = Notes::default();
        let mut walker = Walker::new(styles, &none, builder);
        let mut id = None;
        each_event(xml, |event| match event {
            Xml::Start(name, element) if name == kind => {
                id = attribute(element, "id");
                Ok(())
            }
            Xml::End(name) if name == kind => {
                let blocks = std::mem::take(&mut walker.out).into_iter().map(|block| block.text);
                if let Some(id) = id.take() {
                    self.0.entry((kind, id)).or_default().extend(blocks);
                }
                Ok(())
            }
            event => walker.see(event),
        })
    }

    /// Notes with a text that are not among those called.
    pub fn uncalled(&self, called: &BTreeSet<Name>) -> u64 {
        self.0.iter().filter(|(name, blocks)| !blocks.is_empty() && !called.contains(*name)).count() as u64
    }
}

#[derive(Debug, Default)]
struct Paragraph {
    text: String,
    level: Option<u8>,
    /// The style hides the whole paragraph.
    hidden: bool,
    contents: bool,
    list: bool,
    /// Text boxes and notes that hang on it.
    after: Vec<String>,
}

/// What is open around a place. A text box puts a paragraph, or a table, into a run of another paragraph.
#[derive(Debug)]
enum Frame {
    Paragraph(Paragraph),
    Run {
        hidden: bool,
    },
    /// Cells of a row.
    Row(Vec<String>),
}

/// Why the part of the tree is passed over in which the walker is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Skip {
    /// Content repeated for old readers, and properties as they once were.
    Repeated,
    /// Text that was deleted, or moved to another place.
    Deleted,
}

pub struct Walker<'a, 'b> {
    styles: &'a BTreeMap<String, Style>,
    notes: &'a Notes,
    builder: &'b mut Builder,
    open: Vec<Frame>,
    in_text: bool,
    skipped: Option<(Skip, usize)>,
    called: BTreeSet<Name>,
    /// Bytes of the notes called so far.
    noted: usize,
    out: Vec<Block>,
}

impl<'a, 'b> Walker<'a, 'b> {
    pub fn new(styles: &'a BTreeMap<String, Style>, notes: &'a Notes, builder: &'b mut Builder) -> Self {
        Walker {
            styles,
            notes,
            builder,
            open: Vec::new(),
            in_text: false,
            skipped: None,
            called: BTreeSet::new(),
            noted: 0,
            out: Vec::new(),
        }
    }

    pub fn walk(&mut self, xml: &str) -> Result<(), ExtractError> {
        each_event(xml, |event| self.see(event))
    }

    /// The blocks, and the notes that were called.
    pub fn finish(self) -> (Vec<Block>, BTreeSet<Name>) {
        (self.out, self.called)
    }

    fn see(&mut self, event: Xml<'_>) -> Result<(), ExtractError> {
        match event {
            Xml::Start(name, element) => self.start(name, element)?,
            Xml::End(name) => self.end(name),
            Xml::Text(text) if self.in_text && self.skipped.is_none() => self.text(text),
            Xml::Text(_) => {}
        }
        Ok(())
    }

    fn start(&mut self, name: &str, element: &BytesStart<'_>) -> Result<(), ExtractError> {
        if let Some((why, depth)) = &mut self.skipped {
            *depth = depth.saturating_add(1);
            if *why == Skip::Deleted && matches!(name, "t" | "delText") {
                self.builder.count("deleted revisions", 1);
            }
            return Ok(());
        }
        self.skipped = match name {
            "Fallback" => Some((Skip::Repeated, 1)),
            // Whether this paragraph was a heading once, or this run hidden, says nothing about it now.
            name if name.ends_with("Change") => Some((Skip::Repeated, 1)),
            "del" | "moveFrom" => Some((Skip::Deleted, 1)),
            _ => None,
        };
        match name {
            "p" => self.open.push(Frame::Paragraph(Paragraph::default())),
            "tr" => self.open.push(Frame::Row(Vec::new())),
            "r" => self.open.push(Frame::Run { hidden: false }),
            "tc" => {
                if let Some(Frame::Row(cells)) = self.open.last_mut() {
                    cells.push(String::new());
                }
            }
            "t" => self.in_text = true,
            "delText" => self.builder.count("deleted revisions", 1),
            "altChunk" => self.builder.count("embedded documents", 1),
            "footnoteReference" => self.note("footnote", element)?,
            "endnoteReference" => self.note("endnote", element)?,
            _ => self.in_frame(name, element),
        }
        Ok(())
    }

    /// What means something to a run or a paragraph alone: a tab within a paragraph's properties is where one stops.
    fn in_frame(&mut self, name: &str, element: &BytesStart<'_>) {
        match self.open.last_mut() {
            Some(Frame::Run { hidden }) => match name {
                "vanish" | "specVanish" | "webHidden" => *hidden = is_on(element),
                "rStyle" => *hidden |= value(element).is_some_and(|id| resolve(self.styles, &id).hidden),
                "sz" => *hidden |= value(element).is_some_and(|size| is_tiny(&size)),
                "tab" => self.text("\t"),
                "br" | "cr" => self.text("\n"),
                "noBreakHyphen" => self.text("\u{2011}"),
                _ => {}
            },
            Some(Frame::Paragraph(paragraph)) => match (name, value(element)) {
                ("pStyle", Some(id)) => {
                    let style = resolve(self.styles, &id);
                    paragraph.level = paragraph.level.or(style.level);
                    paragraph.hidden |= style.hidden;
                    paragraph.contents |= style.contents;
                }
                ("outlineLvl", Some(level)) => paragraph.level = outline(&level).or(paragraph.level),
                ("numPr", _) => paragraph.list = true,
                _ => {}
            },
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        if let Some((why, depth)) = self.skipped {
            let depth = depth.saturating_sub(1);
            self.skipped = (depth > 0).then_some((why, depth));
            return;
        }
        match name {
            "t" => self.in_text = false,
            "r" if matches!(self.open.last(), Some(Frame::Run { .. })) => drop(self.open.pop()),
            "p" => {
                if let Some(Frame::Paragraph(paragraph)) =
                    self.open.pop_if(|frame| matches!(frame, Frame::Paragraph(_)))
                {
                    self.paragraph(paragraph);
                }
            }
            "tr" => {
                if let Some(Frame::Row(cells)) = self.open.pop_if(|frame| matches!(frame, Frame::Row(_)))
                    && !cells.iter().all(String::is_empty)
                {
                    self.put(None, cells.join(" | "));
                }
            }
            _ => {}
        }
    }

    fn paragraph(&mut self, paragraph: Paragraph) {
        let dropped = match (paragraph.hidden || self.is_hidden(), paragraph.contents) {
            (true, _) => "hidden characters",
            (false, true) => "characters of tables of contents",
            (false, false) => {
                let text = paragraph.text.trim();
                match paragraph.level {
                    Some(level) => self.put(Some(level), text.to_owned()),
                    None if paragraph.list && !text.is_empty() => self.put(None, format!("- {text}")),
                    None => self.put(None, text.to_owned()),
                }
                paragraph.after.into_iter().for_each(|text| self.put(None, text));
                return;
            }
        };
        let texts = paragraph.after.iter().chain([&paragraph.text]);
        self.builder.count(dropped, texts.map(|text| text.chars().count() as u64).sum());
    }

    /// A block goes into the cell, or behind the paragraph, that it lies in. Only what lies in none divides the text.
    fn put(&mut self, level: Option<u8>, text: String) {
        if text.is_empty() {
            return;
        }
        let around = self.open.iter_mut().rev().find(|frame| !matches!(frame, Frame::Run { .. }));
        match around {
            Some(Frame::Row(cells)) => {
                let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
                if let Some(cell) = cells.last_mut() {
                    let gap = if cell.is_empty() { "" } else { " " };
                    cell.push_str(gap);
                    cell.push_str(&text);
                }
            }
            Some(Frame::Paragraph(paragraph)) => paragraph.after.push(text),
            _ => self.out.push(Block { level, text }),
        }
    }

    fn note(&mut self, kind: &'static str, element: &BytesStart<'_>) -> Result<(), ExtractError> {
        let Some(id) = attribute(element, "id").filter(|_| !self.is_hidden()) else { return Ok(()) };
        let name = (kind, id);
        let Some(blocks) = self.notes.0.get(&name) else { return Ok(()) };
        // One note may be called a thousand times.
        self.noted = blocks.iter().fold(self.noted, |sum, block| sum.saturating_add(block.len()));
        if self.noted > MAX_TEXT {
            return Err(ExtractError::Limit(format!("more than {MAX_TEXT} bytes of notes")));
        }
        blocks.iter().for_each(|block| self.put(None, block.clone()));
        self.called.insert(name);
        Ok(())
    }

    /// Whether a run that is open is hidden, with all that hangs on it.
    fn is_hidden(&self) -> bool {
        self.open.iter().any(|frame| matches!(frame, Frame::Run { hidden: true }))
    }

    fn text(&mut self, text: &str) {
        if self.is_hidden() {
            self.builder.count("hidden characters", text.chars().count() as u64);
            return;
        }
        let paragraph = self.open.iter_mut().rev().find_map(|frame| match frame {
            Frame::Paragraph(paragraph) => Some(paragraph),
            Frame::Run { .. } | Frame::Row(_) => None,
        });
        if let Some(paragraph) = paragraph {
            paragraph.text.push_str(text);
        }
    }
}
