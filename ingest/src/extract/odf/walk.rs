//! The content of an OpenDocument file as blocks of text.

use quick_xml::events::BytesStart;

use super::Kind;
use super::lists::{Counts, Lists};
use super::objects::{Object, Objects};
use super::styles::Styles;
use super::table::Table;
use crate::extract::xlsx::MAX_CELLS;
use crate::extract::xml::{Xml, attribute, each_event};
use crate::extract::{Builder, ExtractError, MAX_TEXT};

#[derive(Debug)]
pub enum Block {
    Heading(u8, String),
    Text(String),
    /// Of the table of this number. `names`: it is marked as one that names the columns.
    Row {
        table: u32,
        names: bool,
        text: String,
    },
    Page(u32),
}

#[derive(Debug, Default)]
struct Paragraph {
    text: String,
    /// Of a heading.
    level: Option<u8>,
    mark: Option<String>,
    reading: String,
    above: bool,
    after: Vec<String>,
}

/// What is open around a place.
#[derive(Debug)]
enum Frame {
    Paragraph(Box<Paragraph>),
    /// Hidden, and above the line.
    Span(Option<bool>, Option<bool>),
    Table(Box<Table>),
    Note,
    Ruby,
    Reading,
    /// The name of a class of a presentation: a title, notes.
    Place(String),
    Other,
}

pub struct Walker<'a, 'b> {
    kind: Kind,
    styles: &'a Styles,
    objects: &'a Objects,
    builder: &'b mut Builder,
    open: Vec<Frame>,
    lists: Lists,
    headings: Counts,
    /// What is passed over, and how deep the walker is in it.
    skipped: Option<(&'static str, usize)>,
    pages: u32,
    titled: bool,
    in_notes: bool,
    left: usize,
    tables: u32,
    /// Bytes of objects so far.
    shown: usize,
    out: Vec<Block>,
}

impl<'a, 'b> Walker<'a, 'b> {
    pub fn new(kind: Kind, styles: &'a Styles, objects: &'a Objects, builder: &'b mut Builder) -> Self {
        Walker {
            kind,
            styles,
            objects,
            builder,
            open: Vec::new(),
            lists: Lists::default(),
            headings: Counts::default(),
            skipped: None,
            pages: 0,
            titled: false,
            in_notes: false,
            left: MAX_CELLS,
            tables: 0,
            shown: 0,
            out: Vec::new(),
        }
    }

    pub fn walk(&mut self, xml: &str) -> Result<(), ExtractError> {
        let mut in_body = false;
        each_event(xml, |event| {
            match event {
                Xml::Start("body", _) => in_body = true,
                Xml::Start(name, element) if in_body => self.start(name, element)?,
                Xml::End("body") => in_body = false,
                Xml::End(name) if in_body => self.end(name)?,
                Xml::Text(text) if in_body => self.text(text, true),
                _ => {}
            }
            Ok(())
        })
    }

    /// The blocks. A slide without a title has its number for one, unless that tells how many are restricted.
    pub fn finish(self) -> Vec<Block> {
        if self.kind != Kind::Slides || self.builder.has_parts {
            return self.out;
        }
        let mut out: Vec<Block> = Vec::with_capacity(self.out.len());
        for block in self.out {
            if let (Some(Block::Page(number)), Block::Text(_)) = (out.last(), &block) {
                let title = format!("Slide {number}");
                out.push(Block::Heading(1, title));
            }
            out.push(block);
        }
        out
    }

    fn start(&mut self, name: &str, element: &BytesStart<'_>) -> Result<(), ExtractError> {
        if let Some((_, depth)) = &mut self.skipped {
            *depth = depth.saturating_add(1);
            return Ok(());
        }
        if let Some(what) = self.dropped(name, element) {
            self.skipped = Some((what, 1));
            let counts_characters = what.contains("characters") || what.is_empty();
            self.builder.count(what, u64::from(!counts_characters));
            return Ok(());
        }
        let frame = match name {
            "p" | "h" => self.paragraph(name, element),
            "span" => {
                let style = self.style("text", element);
                Frame::Span(style.hidden, style.above)
            }
            "list" => {
                let goes_on = attribute(element, "continue-numbering").is_some_and(|on| on == "true");
                let after = attribute(element, "continue-list");
                self.lists.start(attribute(element, "style-name"), attribute(element, "id"), goes_on, after);
                Frame::Other
            }
            "list-item" => {
                self.lists.item(attribute(element, "start-value").and_then(|n| n.parse().ok()));
                Frame::Other
            }
            "s" => {
                let count = attribute(element, "c").and_then(|n| n.parse::<usize>().ok()).unwrap_or(1);
                self.text(&" ".repeat(count.min(1_000)), false);
                Frame::Other
            }
            "tab" => {
                self.text("\t", false);
                Frame::Other
            }
            "line-break" => {
                self.text("\n", false);
                Frame::Other
            }
            "note" => Frame::Note,
            "ruby" => Frame::Ruby,
            "ruby-text" => Frame::Reading,
            "table" => self.table(element),
            "page" => {
                self.pages = self.pages.saturating_add(1);
                self.titled = false;
                self.out.push(Block::Page(self.pages));
                Frame::Other
            }
            "notes" => {
                self.in_notes = true;
                Frame::Place("notes".into())
            }
            "frame" | "custom-shape" | "rect" | "text-box" => match attribute(element, "class") {
                Some(place) => Frame::Place(place),
                None => Frame::Other,
            },
            "image" => {
                self.builder.count("pictures", 1);
                Frame::Other
            }
            "object" | "object-ole" => {
                self.object(&attribute(element, "href").unwrap_or_default())?;
                Frame::Other
            }
            _ => {
                self.in_table(name, element);
                Frame::Other
            }
        };
        self.open.push(frame);
        Ok(())
    }

    /// A formula stands in its line, the words of a chart behind it.
    fn object(&mut self, place: &str) -> Result<(), ExtractError> {
        let objects = self.objects;
        let found = objects.get(place.trim_start_matches("./").trim_end_matches('/'));
        let bytes = match found {
            Some(Object::Formula(text)) => text.len(),
            Some(Object::Words(blocks)) => blocks.iter().map(String::len).sum(),
            None => 0,
        };
        // One object may be shown a thousand times.
        self.shown = self.shown.saturating_add(bytes);
        if self.shown > MAX_TEXT {
            return Err(ExtractError::Limit(format!("more than {MAX_TEXT} bytes of objects")));
        }
        match found {
            Some(Object::Formula(text)) => self.text(text, false),
            Some(Object::Words(blocks)) => blocks.iter().for_each(|block| self.put(None, block.clone())),
            None => self.builder.count("embedded documents", 1),
        }
        Ok(())
    }

    /// What is passed over with all that lies in it; the empty word is not worth counting.
    fn dropped(&self, name: &str, element: &BytesStart<'_>) -> Option<&'static str> {
        let is = |name: &str, wanted: &str| attribute(element, name).is_some_and(|value| value == wanted);
        Some(match name {
            "annotation" => "comments",
            "deletion" => "deleted revisions",
            // Descriptions of pictures; the field `title` is seen.
            "title" | "desc" if element.name().as_ref().starts_with("svg:") => "",
            "insertion"
            | "format-change"
            | "forms"
            | "note-citation"
            | "script"
            | "binary-data"
            | "variable-decls"
            | "sequence-decls"
            | "user-field-decls"
            | "event-listeners"
            | "tracked-changes-info"
            | "calculation-settings"
            | "content-validations"
            | "database-ranges"
            | "named-expressions"
            | "sequence-ref-decls" => "",
            // Numbers that the program wrote down are counted here anew.
            "number" => "",
            "table-of-content" | "illustration-index" | "table-index" | "object-index" | "user-index"
            | "alphabetical-index" => "characters of tables of contents",
            "hidden-text" => "hidden characters",
            "hidden-paragraph" if !is("is-hidden", "false") => "hidden characters",
            "section" if is("display", "none") || is("is-hidden", "true") => "hidden characters",
            "page-thumbnail" => "",
            "table" if self.style("table", element).unshown => "hidden sheets",
            "page" if self.style("drawing-page", element).unshown => "hidden slides",
            "frame" | "custom-shape" | "text-box"
                if ["header", "footer", "page-number", "date-time"].iter().any(|place| is("class", place)) =>
            {
                "headers and footers"
            }
            _ => return None,
        })
    }

    fn style(&self, family: &str, element: &BytesStart<'_>) -> super::styles::Style {
        let name = attribute(element, "style-name");
        name.map(|name| self.styles.resolve(family, &name)).unwrap_or_default()
    }

    fn paragraph(&mut self, name: &str, element: &BytesStart<'_>) -> Frame {
        let style = self.style("paragraph", element);
        let level = attribute(element, "outline-level").and_then(|level| level.parse::<u8>().ok());
        let is_heading = name == "h";
        let level = is_heading.then(|| level.or(style.level).unwrap_or(1).clamp(1, 9));
        let mark = match level {
            Some(level) if self.builder.has_parts => {
                // SECURITY: the number behind a restricted part tells how many are in it.
                let has_number = self.styles.outline.get(&level).is_some_and(|level| !level.format.is_empty());
                self.builder.count("automatic numbers", u64::from(has_number));
                None
            }
            Some(level) => {
                let is_listed = attribute(element, "is-list-header").is_none_or(|on| on != "true");
                let in_list = self.lists.mark(self.styles, style.list.as_deref()).flatten();
                let start = attribute(element, "start-value").and_then(|n| n.parse().ok());
                let own = match is_listed {
                    true => self.headings.next(&self.styles.outline, level, start),
                    false => None,
                };
                own.or(in_list)
            }
            None if style.is_title => None,
            None => match self.lists.mark(self.styles, style.list.as_deref()) {
                Some(Some(mark)) if self.builder.has_parts && mark != "-" => {
                    self.builder.count("automatic numbers", 1);
                    Some("-".into())
                }
                Some(mark) => mark,
                None => None,
            },
        };
        self.open.push(Frame::Span(style.hidden, None));
        let level = level.or((style.is_title && self.kind == Kind::Text).then_some(1));
        Frame::Paragraph(Box::new(Paragraph { level, mark, ..Paragraph::default() }))
    }

    fn table(&mut self, element: &BytesStart<'_>) -> Frame {
        let depth = self.open.iter().filter(|frame| matches!(frame, Frame::Table(_))).count();
        if self.kind == Kind::Sheets && depth == 0 {
            let name = attribute(element, "name").unwrap_or_default();
            self.out.push(Block::Heading(2, name));
        }
        Frame::Table(Box::default())
    }

    fn in_table(&mut self, name: &str, element: &BytesStart<'_>) {
        if let Some(table) = self.innermost_table() {
            table.start(name, element);
        }
    }

    fn end(&mut self, name: &str) -> Result<(), ExtractError> {
        if let Some((what, depth)) = self.skipped {
            let depth = depth.saturating_sub(1);
            self.skipped = (depth > 0).then_some((what, depth));
            return Ok(());
        }
        match self.open.pop() {
            Some(Frame::Paragraph(paragraph)) => {
                let span = self.open.pop();
                let hidden = matches!(span, Some(Frame::Span(Some(true), _)));
                self.end_paragraph(*paragraph, hidden);
            }
            Some(Frame::Table(table)) => self.end_table(*table)?,
            _ => match name {
                "list" => self.lists.end(),
                "notes" => self.in_notes = false,
                "table-header-rows" => {
                    if let Some(table) = self.innermost_table() {
                        table.in_names = false;
                    }
                }
                "table-row" | "table-cell" | "covered-table-cell" => {
                    let mut left = self.left;
                    if let Some(table) = self.innermost_table() {
                        match name {
                            "table-row" => table.end_row(&mut left)?,
                            _ => table.end_cell(name == "covered-table-cell", &mut left)?,
                        }
                    }
                    self.left = left;
                }
                _ => {}
            },
        }
        Ok(())
    }

    fn innermost_table(&mut self) -> Option<&mut Table> {
        self.open.iter_mut().rev().find_map(|frame| match frame {
            Frame::Table(table) => Some(&mut **table),
            _ => None,
        })
    }

    fn end_table(&mut self, table: Table) -> Result<(), ExtractError> {
        self.builder.count("cells of hidden rows and columns", table.hidden);
        self.builder.count("hidden characters", table.covered);
        let is_empty = table.is_empty();
        self.tables = self.tables.saturating_add(1);
        for line in table.lines(&mut self.left)? {
            (0..line.repeats).for_each(|_| self.row(line.names, &line.text));
        }
        // A sheet without a cell is only a name.
        let is_sheet = self.kind == Kind::Sheets && !self.open.iter().any(|frame| matches!(frame, Frame::Table(_)));
        if is_sheet && is_empty && matches!(self.out.last(), Some(Block::Heading(..))) {
            self.out.pop();
        }
        Ok(())
    }

    /// A row within a cell or a paragraph is a text there.
    fn row(&mut self, names: bool, text: &str) {
        let is_within = |frame: &Frame| match frame {
            Frame::Table(table) => table.in_cell,
            frame => matches!(frame, Frame::Paragraph(_)),
        };
        if self.kind == Kind::Slides || self.open.iter().any(is_within) {
            self.put(None, text.to_owned());
        } else if !text.trim().is_empty() {
            self.out.push(Block::Row { table: self.tables, names, text: text.to_owned() });
        }
    }

    fn end_paragraph(&mut self, mut paragraph: Paragraph, hidden: bool) {
        end_reading(&mut paragraph);
        let text = paragraph.text.trim();
        if !text.is_empty() && !hidden {
            let mark = paragraph.mark.as_deref().unwrap_or_default();
            let gap = if mark.is_empty() { "" } else { " " };
            self.put(paragraph.level, format!("{mark}{gap}{text}"));
        }
        paragraph.after.into_iter().for_each(|text| self.put(None, text));
    }

    /// A block goes into the cell, or behind the paragraph, that it lies in. Only what lies in none divides the text.
    fn put(&mut self, level: Option<u8>, text: String) {
        if text.trim().is_empty() {
            return;
        }
        for frame in self.open.iter_mut().rev() {
            match frame {
                Frame::Table(table) if table.in_cell => {
                    table.put(&text);
                    return;
                }
                Frame::Paragraph(paragraph) => {
                    paragraph.after.push(text);
                    return;
                }
                _ => {}
            }
        }
        let place = self.open.iter().find_map(|frame| match frame {
            Frame::Place(place) => Some(place.as_str()),
            _ => None,
        });
        if self.kind == Kind::Slides {
            match place {
                Some("title") if !self.titled && !self.in_notes => {
                    self.titled = true;
                    // The title stands at the top, wherever it lies in the file.
                    let at = self.out.iter().rposition(|block| matches!(block, Block::Page(_)));
                    let at = at.map_or(self.out.len(), |at| at.saturating_add(1));
                    self.out.insert(at, Block::Heading(1, text));
                }
                _ if self.in_notes => self.out.push(Block::Text(format!("Notes: {text}"))),
                _ => self.out.push(Block::Text(text)),
            }
            return;
        }
        self.out.push(match level {
            Some(level) => Block::Heading(level, text),
            None => Block::Text(text),
        });
    }

    /// White space in the file is one blank, as `collapse` says.
    fn text(&mut self, text: &str, collapse: bool) {
        if let Some((what, _)) = self.skipped {
            if what.contains("characters") {
                self.builder.count(what, text.trim().chars().count() as u64);
            }
            return;
        }
        let (mut hidden, mut above, mut reading, mut ruby) = (false, false, false, false);
        for frame in &self.open {
            match frame {
                Frame::Paragraph(_) => (above, reading, ruby) = (false, false, false),
                Frame::Span(span_hidden, span_above) => {
                    hidden = span_hidden.unwrap_or(hidden);
                    above = span_above.unwrap_or(above);
                }
                Frame::Reading => reading = true,
                Frame::Ruby => ruby = true,
                _ => {}
            }
        }
        let innermost = self.open.iter_mut().rev().find_map(|frame| match frame {
            Frame::Paragraph(paragraph) => Some(paragraph),
            _ => None,
        });
        let Some(paragraph) = innermost else { return };
        if hidden {
            self.builder.count("hidden characters", text.chars().count() as u64);
            return;
        }
        if reading {
            paragraph.reading.push_str(text);
            return;
        }
        if !ruby && !text.trim().is_empty() {
            end_reading(paragraph);
        }
        let meet = |text: &str, line: &str| {
            let (last, first) = (line.chars().next_back(), text.chars().next());
            last.is_some_and(char::is_alphanumeric) && first.is_some_and(char::is_alphanumeric)
        };
        let is_ordinal = matches!(text.trim(), "st" | "nd" | "rd" | "th" | "er" | "e");
        if meet(text, &paragraph.text) && above != paragraph.above && !is_ordinal {
            paragraph.text.push(if above { '^' } else { ' ' });
        }
        paragraph.above = above;
        if !collapse {
            paragraph.text.push_str(text);
            return;
        }
        for c in text.chars() {
            match c {
                ' ' | '\t' | '\n' | '\r' => {
                    if !paragraph.text.is_empty() && !paragraph.text.ends_with([' ', '\n', '\t']) {
                        paragraph.text.push(' ');
                    }
                }
                c => paragraph.text.push(c),
            }
        }
    }
}

fn end_reading(paragraph: &mut Paragraph) {
    let reading = std::mem::take(&mut paragraph.reading);
    if !reading.trim().is_empty() {
        paragraph.text.push_str(&format!("({})", reading.trim()));
    }
}
