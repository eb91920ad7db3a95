//! The body of a Word document, and its notes, as blocks of text in the order in which a reader meets them.

use std::collections::BTreeSet;

use quick_xml::events::BytesStart;

use super::fields::Field;
use super::notes::{Name, Notes};
use super::numbering::{Counters, Label, Numbering};
use super::styles::{Look, Script, Styles, outline};
use super::text::{Line, symbol};
use crate::extract::graphics::Drawn;
use crate::extract::xml::{Xml, attribute, each_event, is_on, prefixed, value};
use crate::extract::{Builder, ExtractError, MAX_TEXT};

/// What the document is read with.
#[derive(Debug, Default)]
pub struct Sources {
    pub styles: Styles,
    pub numbering: Numbering,
    /// Whether automatic numbers are shown.
    pub numbers: bool,
    pub drawn: Drawn,
}

#[derive(Debug)]
pub enum Block {
    /// A heading that divides the text.
    Heading(u8, String),
    Text(String),
    /// Of the table of this number. `names`: it stands again on every page that the table takes.
    Row {
        table: u32,
        names: bool,
        text: String,
    },
    /// A document of its own, by its relationship.
    Part(String),
}

#[derive(Debug, Default)]
struct Paragraph {
    line: Line,
    style: Option<String>,
    /// Of the paragraph itself, beside what its style says.
    level: Option<u8>,
    list: Option<String>,
    list_level: Option<u8>,
    look: Look,
    shaded: bool,
    /// Its end was deleted: the next one goes on in it.
    joined: bool,
    /// Text boxes, notes and diagrams that hang on it.
    after: Vec<String>,
}

/// What is open around a place. A text box puts a paragraph, or a table, into a run of another paragraph.
#[derive(Debug)]
enum Frame {
    Paragraph(Box<Paragraph>),
    /// How its characters look by its style, and by itself.
    Run {
        style: Look,
        own: Look,
    },
    /// Cells of a row.
    Row {
        cells: Vec<String>,
        hidden: bool,
        names: bool,
    },
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
    sources: &'a Sources,
    notes: &'a Notes,
    builder: &'b mut Builder,
    open: Vec<Frame>,
    in_text: bool,
    /// In the properties of a paragraph.
    in_properties: bool,
    /// In characters with a reading, and in the reading.
    ruby: (usize, usize),
    /// Open formulas.
    math: usize,
    fields: Vec<Field>,
    /// Of each open choice, whether one was taken.
    choices: Vec<bool>,
    /// White letters may stand on something that is not white.
    colourful: bool,
    skipped: Option<(Skip, usize)>,
    called: BTreeSet<Name>,
    /// Bytes of the notes and diagrams called so far.
    noted: usize,
    counters: Counters,
    tables: u32,
    /// A paragraph that goes on in the next one, and how deep it lies.
    waiting: Option<(usize, Box<Paragraph>)>,
    out: Vec<Block>,
}

impl<'a, 'b> Walker<'a, 'b> {
    pub fn new(sources: &'a Sources, notes: &'a Notes, builder: &'b mut Builder) -> Self {
        Walker {
            sources,
            notes,
            builder,
            open: Vec::new(),
            in_text: false,
            in_properties: false,
            ruby: (0, 0),
            math: 0,
            fields: Vec::new(),
            choices: Vec::new(),
            colourful: false,
            skipped: None,
            called: BTreeSet::new(),
            noted: 0,
            counters: Counters::default(),
            tables: 0,
            waiting: None,
            out: Vec::new(),
        }
    }

    pub fn walk(&mut self, xml: &str) -> Result<(), ExtractError> {
        // What lies behind the text, on any page, may be under any of its letters.
        self.colourful = xml.contains("behindDoc=\"1\"") || xml.contains(":background ");
        each_event(xml, |event| self.see(event))
    }

    /// Takes out the blocks so far.
    pub fn so_far(&mut self) -> Vec<Block> {
        self.end_joined();
        std::mem::take(&mut self.out)
    }

    /// The blocks, and the notes that were called.
    pub fn finish(mut self) -> (Vec<Block>, BTreeSet<Name>) {
        self.end_joined();
        (self.out, self.called)
    }

    pub fn see(&mut self, event: Xml<'_>) -> Result<(), ExtractError> {
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
            // One of several ways to say the same is read, the first.
            "Choice" | "Fallback" => match self.choices.last_mut() {
                Some(taken) if !*taken => {
                    *taken = true;
                    None
                }
                _ => Some((Skip::Repeated, 1)),
            },
            // Whether this paragraph was a heading once, or this run hidden, says nothing about it now.
            name if name.ends_with("Change") => Some((Skip::Repeated, 1)),
            "del" | "moveFrom" => Some((Skip::Deleted, 1)),
            _ => None,
        };
        match name {
            "AlternateContent" => self.choices.push(false),
            "p" => self.start_paragraph(),
            "pPr" => self.in_properties = true,
            "tbl" => self.tables = self.tables.saturating_add(1),
            "tr" => {
                self.end_joined();
                self.open.push(Frame::Row { cells: Vec::new(), hidden: false, names: false });
            }
            "r" => self.open.push(Frame::Run { style: Look::default(), own: Look::default() }),
            "tc" => {
                if let Some(Frame::Row { cells, .. }) = self.open.last_mut() {
                    cells.push(String::new());
                }
            }
            "t" => self.in_text = true,
            "ruby" => self.ruby.0 = self.ruby.0.saturating_add(1),
            "rt" if self.ruby.0 > 0 => self.ruby.1 = self.ruby.1.saturating_add(1),
            "oMath" => self.math = self.math.saturating_add(1),
            "den" if self.math > 0 => self.text("/"),
            "sup" if self.math > 0 => self.text("^"),
            "sub" if self.math > 0 => self.text("_"),
            "delText" => self.builder.count("deleted revisions", 1),
            "altChunk" => {
                self.end_joined();
                self.out.extend(prefixed(element, "id").map(Block::Part));
            }
            "subDoc" => self.builder.count("documents that are only referred to", 1),
            "blip" | "imagedata" => self.builder.count("pictures", 1),
            // Letters that are drawn.
            "textpath" => {
                if let Some(text) = attribute(element, "string").filter(|_| !self.is_hidden()) {
                    self.put(None, text);
                }
            }
            "OLEObject" => self.builder.count("embedded documents", 1),
            "footnoteReference" => self.note("footnote", element)?,
            "endnoteReference" => self.note("endnote", element)?,
            "chart" | "relIds" => self.drawn(name, element)?,
            _ => self.in_frame(name, element),
        }
        Ok(())
    }

    /// What means something to a run or a paragraph alone: a tab within a paragraph's properties is where one stops.
    fn in_frame(&mut self, name: &str, element: &BytesStart<'_>) {
        match self.open.last_mut() {
            Some(Frame::Run { style, own }) => match name {
                "rStyle" => *style = value(element).map(|id| self.sources.styles.resolve(&id).look).unwrap_or_default(),
                "tab" | "ptab" => self.text("\t"),
                "br" | "cr" => self.text("\n"),
                "noBreakHyphen" => self.text("\u{2011}"),
                "sym" => match symbol(element) {
                    Some(sign) => self.text(&sign.to_string()),
                    None => self.builder.count("symbols", 1),
                },
                "fldChar" => match attribute(element, "fldCharType").as_deref() {
                    Some("begin") => self.fields.push(Field::new()),
                    Some("separate") => self.fields.last_mut().into_iter().for_each(|field| field.in_code = false),
                    Some("end") => {
                        if let Some(shown) = self.fields.pop().as_ref().and_then(Field::shown) {
                            self.text(shown);
                        }
                    }
                    _ => {}
                },
                _ => {
                    own.take(name, element);
                    self.fields.last_mut().into_iter().for_each(|field| field.take(name, element));
                }
            },
            Some(Frame::Paragraph(paragraph)) => match (name, value(element)) {
                ("pStyle", Some(id)) => {
                    paragraph.look = self.sources.styles.of_paragraph(Some(&id)).look;
                    paragraph.style = Some(id);
                }
                ("outlineLvl", Some(level)) => paragraph.level = outline(&level).or(paragraph.level),
                ("numId", id) => paragraph.list = id,
                ("ilvl", Some(level)) => paragraph.list_level = level.parse().ok(),
                ("shd", _) if self.in_properties => {
                    let mut look = Look::default();
                    look.take(name, element);
                    paragraph.shaded |= look.shaded == Some(true);
                }
                ("del" | "moveFrom", _) if self.in_properties => paragraph.joined = true,
                _ => {}
            },
            Some(Frame::Row { hidden, .. }) if name == "hidden" => *hidden = is_on(element),
            Some(Frame::Row { names, .. }) if name == "tblHeader" => *names = is_on(element),
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
            "AlternateContent" => drop(self.choices.pop()),
            "pPr" => self.in_properties = false,
            "t" => self.in_text = false,
            "ruby" => self.ruby.0 = self.ruby.0.saturating_sub(1),
            "rt" => self.ruby.1 = self.ruby.1.saturating_sub(1),
            "oMath" => self.math = self.math.saturating_sub(1),
            "r" if matches!(self.open.last(), Some(Frame::Run { .. })) => drop(self.open.pop()),
            "p" => {
                if let Some(Frame::Paragraph(paragraph)) =
                    self.open.pop_if(|frame| matches!(frame, Frame::Paragraph(_)))
                {
                    if paragraph.joined {
                        self.waiting = Some((self.open.len(), paragraph));
                    } else {
                        self.paragraph(*paragraph);
                    }
                }
            }
            "tc" | "txbxContent" => self.end_joined(),
            "tr" => {
                if let Some(Frame::Row { cells, hidden, names }) =
                    self.open.pop_if(|frame| matches!(frame, Frame::Row { .. }))
                    && !cells.iter().all(String::is_empty)
                {
                    if hidden {
                        let length = cells.iter().map(|cell| cell.chars().count() as u64).sum();
                        self.builder.count("hidden characters", length);
                    } else {
                        self.row(names, cells.join(" | "));
                    }
                }
            }
            _ => {}
        }
    }

    fn start_paragraph(&mut self) {
        let mut paragraph = Paragraph { look: self.sources.styles.of_paragraph(None).look, ..Paragraph::default() };
        match self.waiting.take() {
            Some((depth, before)) if depth == self.open.len() => {
                paragraph.line = before.line;
                paragraph.after = before.after;
            }
            other => {
                self.waiting = other;
                self.end_joined();
            }
        }
        self.open.push(Frame::Paragraph(Box::new(paragraph)));
    }

    /// Nothing follows that a waiting paragraph could go on in.
    fn end_joined(&mut self) {
        if let Some((_, paragraph)) = self.waiting.take() {
            self.paragraph(*paragraph);
        }
    }

    fn paragraph(&mut self, mut paragraph: Paragraph) {
        // A field that never ends hides no more than its paragraph.
        self.fields.iter_mut().for_each(|field| field.in_code = false);
        paragraph.line.end_reading();
        let style = self.sources.styles.of_paragraph(paragraph.style.as_deref());
        let text = paragraph.line.text.trim();
        if style.contents {
            let texts = paragraph.after.iter().map(String::as_str).chain([text]);
            let length = texts.map(|text| text.chars().count() as u64).sum();
            self.builder.count("characters of tables of contents", length);
            return;
        }
        let level = paragraph.level.or(style.level);
        let label = self.label(&paragraph, &style, text);
        match (level, label) {
            (Some(level), Some(Label::Number(number))) => self.put(Some(level), format!("{number} {text}")),
            (Some(level), _) => self.put(Some(level), text.to_owned()),
            (None, Some(Label::Number(number))) => self.put(None, format!("{number} {text}")),
            (None, Some(Label::Bullet)) => self.put(None, format!("- {text}")),
            (None, None) => self.put(None, text.to_owned()),
        }
        paragraph.after.into_iter().for_each(|text| self.put(None, text));
    }

    fn label(&mut self, paragraph: &Paragraph, style: &super::styles::Style, text: &str) -> Option<Label> {
        let list = paragraph.list.clone().or_else(|| style.list.clone()).filter(|list| list != "0")?;
        let by_style = paragraph.list.is_none();
        if text.is_empty() {
            return None;
        }
        if !self.sources.numbers {
            self.builder.count("automatic numbers", 1);
            return Some(Label::Bullet);
        }
        let level = paragraph.list_level.or(style.list_level.filter(|level| !by_style || *level > 0));
        let Sources { numbering, styles, .. } = self.sources;
        match self.counters.next(numbering, styles, &list, level, paragraph.style.as_deref()) {
            Some(Label::Number(number)) if number.is_empty() => None,
            Some(label) => Some(label),
            // What its list looks like is not said.
            None => Some(Label::Bullet),
        }
    }

    /// A block goes into the cell, or behind the paragraph, that it lies in. Only what lies in none divides the text.
    fn put(&mut self, level: Option<u8>, text: String) {
        if text.is_empty() {
            return;
        }
        let around = self.open.iter_mut().rev().find(|frame| !matches!(frame, Frame::Run { .. }));
        match around {
            Some(Frame::Row { cells, .. }) => {
                let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
                if let Some(cell) = cells.last_mut() {
                    let gap = if cell.is_empty() { "" } else { " " };
                    cell.push_str(gap);
                    cell.push_str(&text);
                }
            }
            Some(Frame::Paragraph(paragraph)) => paragraph.after.push(text),
            _ => self.out.push(match level {
                Some(level) => Block::Heading(level, text),
                None => Block::Text(text),
            }),
        }
    }

    /// A row within a cell or a text box is a text there.
    fn row(&mut self, names: bool, text: String) {
        if self.open.iter().all(|frame| matches!(frame, Frame::Run { .. })) {
            self.out.push(Block::Row { table: self.tables, names, text });
        } else {
            self.put(None, text);
        }
    }

    fn note(&mut self, kind: &'static str, element: &BytesStart<'_>) -> Result<(), ExtractError> {
        let Some(id) = attribute(element, "id").filter(|_| !self.is_hidden()) else { return Ok(()) };
        let name = (kind, id);
        let Some(blocks) = self.notes.get(&name) else { return Ok(()) };
        self.bounded(blocks)?;
        blocks.iter().for_each(|block| self.put(None, block.clone()));
        self.called.insert(name);
        Ok(())
    }

    /// The words of a chart or of a diagram.
    fn drawn(&mut self, name: &str, element: &BytesStart<'_>) -> Result<(), ExtractError> {
        let id = prefixed(element, if name == "chart" { "id" } else { "dm" }).filter(|_| !self.is_hidden());
        let Some(blocks) = id.and_then(|id| self.sources.drawn.get(&id)) else { return Ok(()) };
        self.bounded(blocks)?;
        blocks.iter().for_each(|block| self.put(None, block.clone()));
        Ok(())
    }

    /// One note may be called a thousand times.
    fn bounded(&mut self, blocks: &[String]) -> Result<(), ExtractError> {
        self.noted = blocks.iter().fold(self.noted, |sum, block| sum.saturating_add(block.len()));
        if self.noted > MAX_TEXT {
            return Err(ExtractError::Limit(format!("more than {MAX_TEXT} bytes of notes")));
        }
        Ok(())
    }

    /// Whether a run that is open is hidden, with all that hangs on it, and how its characters stand.
    fn look(&self) -> (bool, Script) {
        let (mut around, mut shaded, mut hidden, mut script) = (Look::default(), false, false, Script::Base);
        // A cell or a box has a ground of its own.
        let is_alone = self.open.iter().filter(|f| !matches!(f, Frame::Run { .. })).count() == 1;
        for frame in &self.open {
            match frame {
                Frame::Paragraph(paragraph) => {
                    around = paragraph.look;
                    shaded |= paragraph.shaded;
                }
                Frame::Run { style, own } => {
                    let look = own.or(*style).or(around);
                    let is_plain = !self.colourful && !shaded && look.shaded != Some(true);
                    hidden |= look.is_unseen() || (look.white == Some(true) && is_plain && is_alone);
                    script = look.script.unwrap_or(Script::Base);
                }
                Frame::Row { .. } => {}
            }
        }
        (hidden, script)
    }

    fn is_hidden(&self) -> bool {
        self.look().0
    }

    fn text(&mut self, text: &str) {
        let (hidden, script) = self.look();
        if hidden {
            self.builder.count("hidden characters", text.chars().count() as u64);
            return;
        }
        if self.fields.iter().any(|field| field.in_code) {
            self.builder.count("field codes", 1);
            return;
        }
        let says = !text.trim().is_empty();
        self.fields.iter_mut().for_each(|field| field.has_text |= says);
        let ruby = self.ruby;
        let paragraph = self.open.iter_mut().rev().find_map(|frame| match frame {
            Frame::Paragraph(paragraph) => Some(paragraph),
            Frame::Run { .. } | Frame::Row { .. } => None,
        });
        match (paragraph, ruby) {
            (Some(paragraph), (_, 1..)) => paragraph.line.reading(text),
            (Some(paragraph), (1.., 0)) => paragraph.line.base_of_reading(text),
            (Some(paragraph), (0, 0)) => paragraph.line.push(text, script),
            (None, _) => {}
        }
    }
}
