//! RTF: paragraphs, headings, tables, notes and text boxes as text, each byte by the characters of its font. Hidden and
//! deleted text is dropped and counted.

use std::collections::BTreeMap;

use super::rows::Tables;
use super::{Builder, ExtractError};

mod characters;
mod scan;

use characters::{Fonts, named};
use scan::{Scanner, Sign};

/// Groups in each other.
const MAX_DEPTH: usize = 1_000;

pub fn read(bytes: &[u8], builder: &mut Builder) -> Result<(), ExtractError> {
    if !bytes.starts_with(b"{\\rtf") {
        return Err(ExtractError::Broken("no RTF file".into()));
    }
    let mut reading = Reading {
        builder,
        fonts: Fonts::default(),
        styles: BTreeMap::new(),
        groups: vec![Group::default()],
        bytes: Vec::new(),
        half: None,
        skip: 0,
        line: String::new(),
        line_above: false,
        label: String::new(),
        note: String::new(),
        after: Vec::new(),
        cells: Vec::new(),
        names: false,
        tables: Tables::default(),
        in_table: false,
        style: 0,
        level: None,
        defined: (0, String::new()),
        title: String::new(),
        ignorable: false,
    };
    for sign in Scanner::new(bytes) {
        reading.see(sign)?;
    }
    reading.flush();
    reading.end_paragraph()?;
    reading.end_row()?;
    reading.tables.end(reading.builder);
    let title = std::mem::take(&mut reading.title);
    builder.title = Some(title).filter(|title| !title.trim().is_empty());
    Ok(())
}

/// Where the text of a group goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum To {
    #[default]
    Body,
    Nowhere,
    Fonts,
    Styles,
    Title,
    Note,
    /// The number or the sign of a list.
    Label,
}

#[derive(Debug, Clone, Default)]
struct Group {
    to: To,
    /// Signs that stand for a character of Unicode in programs that don't know it.
    fallback: Option<usize>,
    font: i32,
    hidden: bool,
    deleted: bool,
    above: bool,
    /// The word of a group within this one that is shown, though the rest is not.
    shown: &'static str,
}

struct Reading<'b> {
    builder: &'b mut Builder,
    fonts: Fonts,
    /// Names of styles, which say what is a heading.
    styles: BTreeMap<i32, String>,
    groups: Vec<Group>,
    /// Bytes that wait for those after them: some characters have two.
    bytes: Vec<u8>,
    /// The first half of a character beyond 16 bits.
    half: Option<u16>,
    /// Signs to pass over, which repeat a character.
    skip: usize,
    line: String,
    line_above: bool,
    label: String,
    note: String,
    after: Vec<String>,
    cells: Vec<String>,
    /// The row stands again on every page that its table takes.
    names: bool,
    tables: Tables,
    /// In a cell, where a paragraph ends no block.
    in_table: bool,
    style: i32,
    level: Option<u8>,
    /// The style that is being defined.
    defined: (i32, String),
    title: String,
    ignorable: bool,
}

impl Reading<'_> {
    fn see(&mut self, sign: Sign<'_>) -> Result<(), ExtractError> {
        match sign {
            Sign::Open => {
                self.flush();
                self.ignorable = false;
                if self.groups.len() >= MAX_DEPTH {
                    return Err(ExtractError::Limit(format!("groups nested deeper than {MAX_DEPTH}")));
                }
                self.groups.push(self.group());
            }
            Sign::Close => self.close(),
            Sign::Ignorable => self.ignorable = true,
            Sign::Byte(_) | Sign::Text(_) if self.skip > 0 => match sign {
                Sign::Text(text) => {
                    let rest = text.get(self.skip..).unwrap_or_default();
                    self.skip = self.skip.saturating_sub(text.len());
                    self.bytes.extend_from_slice(rest);
                }
                _ => self.skip = self.skip.saturating_sub(1),
            },
            Sign::Byte(byte) => self.bytes.push(byte),
            Sign::Text(text) => self.bytes.extend_from_slice(text),
            Sign::Symbol(text) => {
                self.flush();
                self.push(text);
            }
            Sign::Word(word, number) => {
                self.flush();
                let ignorable = std::mem::take(&mut self.ignorable);
                self.word(word, number, ignorable)?;
            }
        }
        Ok(())
    }

    fn group(&self) -> Group {
        self.groups.last().cloned().unwrap_or_default()
    }

    fn close(&mut self) {
        self.flush();
        self.ignorable = false;
        self.skip = 0;
        if self.groups.len() < 2 {
            return;
        }
        let closed = self.groups.pop().unwrap_or_default();
        let now = self.groups.last().map(|group| group.to).unwrap_or_default();
        match closed.to {
            To::Styles => {
                let (number, name) = std::mem::take(&mut self.defined);
                if !name.is_empty() {
                    self.styles.insert(number, name.trim().trim_end_matches(';').to_ascii_lowercase());
                }
            }
            To::Note if now != To::Note => {
                let note = std::mem::take(&mut self.note);
                self.after.extend(Some(note.trim().to_owned()).filter(|note| !note.is_empty()));
            }
            _ => {}
        }
    }

    fn word(&mut self, word: &str, number: Option<i32>, ignorable: bool) -> Result<(), ExtractError> {
        let is_on = number != Some(0);
        if let Some(to) = destination(word) {
            match word {
                "pict" => self.builder.count("pictures", 1),
                "annotation" => self.builder.count("comments", 1),
                "object" => self.builder.count("embedded documents", 1),
                "header" | "footer" | "headerl" | "headerr" | "headerf" | "footerl" | "footerr" | "footerf" => {
                    self.builder.count("headers and footers", 1);
                }
                _ => {}
            }
            let around = self.group().to;
            if let Some(group) = self.groups.last_mut() {
                // What lies in something that is left out is left out too, but for the better form of a text.
                group.to = if around == To::Nowhere && word != group.shown { To::Nowhere } else { to };
                group.shown = match word {
                    "upr" => "ud",
                    "object" => "result",
                    "info" => "title",
                    _ => "",
                };
            }
            return Ok(());
        }
        if ignorable {
            if let Some(group) = self.groups.last_mut() {
                (group.to, group.shown) = (To::Nowhere, "");
            }
            return Ok(());
        }
        if let Some(text) = named(word) {
            self.push(text);
            return Ok(());
        }
        let to = self.group().to;
        match (word, number) {
            ("ansicpg", Some(page)) => self.fonts.usual(page),
            ("mac", _) => self.fonts.usual(10_000),
            ("f", Some(font)) => {
                self.groups.iter_mut().next_back().into_iter().for_each(|group| group.font = font);
                if to == To::Fonts {
                    self.fonts.define(font);
                }
            }
            ("deff", Some(font)) => self.groups.iter_mut().for_each(|group| group.font = font),
            ("fcharset", Some(set)) if to == To::Fonts => self.fonts.charset(set),
            ("cpg", Some(page)) if to == To::Fonts => self.fonts.page(page),
            ("u", Some(unit)) => self.unicode(unit),
            ("uc", Some(count)) => {
                let count = usize::try_from(count).unwrap_or_default().min(64);
                self.groups.iter_mut().next_back().into_iter().for_each(|group| group.fallback = Some(count));
            }
            ("s", Some(style)) if to == To::Styles => self.defined = (style, String::new()),
            ("s", Some(style)) => self.style = style,
            ("outlinelevel", Some(level)) if to == To::Body => {
                self.level = u8::try_from(level).ok().filter(|level| *level < 9).map(|level| level.saturating_add(1));
            }
            ("pard", _) if to == To::Body => (self.style, self.level, self.in_table) = (0, None, false),
            ("trowd", _) => self.names = false,
            ("trhdr", _) => self.names = true,
            ("intbl", _) => self.in_table = true,
            ("par", _) if to == To::Body && self.in_table => self.push("\n"),
            ("par" | "sect" | "page" | "column", _) if to == To::Body => self.end_paragraph()?,
            ("par" | "line", _) => self.push("\n"),
            ("cell" | "nestcell", _) if to == To::Body => self.end_cell(),
            ("row" | "nestrow", _) if to == To::Body => self.end_row()?,
            _ => {
                let Some(group) = self.groups.last_mut() else { return Ok(()) };
                match word {
                    "v" => group.hidden = is_on,
                    "deleted" => group.deleted = is_on,
                    "super" => group.above = is_on,
                    "nosupersub" | "sub" => group.above = false,
                    "plain" => (group.hidden, group.deleted, group.above) = (false, false, false),
                    // Half points; what is no larger than a point is not meant to be read.
                    "fs" => group.hidden |= number.is_some_and(|size| (0..=2).contains(&size)),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn unicode(&mut self, unit: i32) {
        // Numbers above 32,767 are written as negative ones.
        let unit = u16::try_from(unit & 0xffff).unwrap_or_default();
        self.skip = self.group().fallback.unwrap_or(1);
        let text = match (self.half.take(), unit) {
            (_, 0xd800..=0xdbff) => {
                self.half = Some(unit);
                return;
            }
            (Some(first), second) => String::from_utf16_lossy(&[first, second]),
            // Letters of fonts of symbols.
            (None, 0xf000..=0xf0ff) => return self.symbol(),
            (None, unit) => String::from_utf16_lossy(&[unit]),
        };
        self.push(&text);
    }

    fn symbol(&mut self) {
        match self.group().to {
            To::Label => self.push("-"),
            To::Body | To::Note => self.builder.count("symbols", 1),
            _ => {}
        }
    }

    /// Decodes the bytes that waited.
    fn flush(&mut self) {
        if self.bytes.is_empty() {
            return;
        }
        let bytes = std::mem::take(&mut self.bytes);
        match self.fonts.decode(self.group().font, &bytes) {
            Some(text) => self.push(&text),
            None => self.symbol(),
        }
    }

    fn push(&mut self, text: &str) {
        let group = self.group();
        match group.to {
            To::Nowhere | To::Fonts => return,
            To::Styles => return self.defined.1.push_str(text),
            To::Title => return self.title.push_str(text),
            To::Body | To::Note | To::Label => {}
        }
        if group.hidden || group.deleted {
            let what = if group.deleted { "deleted revisions" } else { "hidden characters" };
            self.builder.count(what, if group.deleted { 1 } else { text.chars().count() as u64 });
            return;
        }
        match group.to {
            To::Label => self.label.push_str(text),
            To::Note => self.note.push_str(text),
            _ => {
                let first = text.chars().next();
                let last = self.line.chars().next_back();
                let meet = last.is_some_and(char::is_alphanumeric) && first.is_some_and(char::is_alphanumeric);
                let is_ordinal = matches!(text.trim(), "st" | "nd" | "rd" | "th" | "er" | "e");
                if meet && group.above != self.line_above && !is_ordinal {
                    self.line.push(if group.above { '^' } else { ' ' });
                }
                self.line_above = group.above;
                self.line.push_str(text);
            }
        }
    }

    /// The line with the sign of its list before it.
    fn marked(&mut self) -> String {
        let label = std::mem::take(&mut self.label);
        let line = std::mem::take(&mut self.line);
        self.line_above = false;
        let (label, line) = (label.trim(), line.trim());
        let has_number = label.chars().any(char::is_alphanumeric);
        // SECURITY: the number behind a restricted part tells how many are in it.
        let is_left_out = has_number && self.builder.has_parts;
        self.builder.count("automatic numbers", u64::from(is_left_out));
        match label {
            _ if line.is_empty() => String::new(),
            "" => line.to_owned(),
            label if has_number && !is_left_out => format!("{label} {line}"),
            _ => format!("- {line}"),
        }
    }

    fn end_paragraph(&mut self) -> Result<(), ExtractError> {
        self.tables.end(self.builder);
        // A paragraph within a cell, or the end of a file.
        let name = self.styles.get(&self.style).map(String::as_str).unwrap_or_default();
        let is_contents = name.strip_prefix("toc ").is_some_and(|level| level.parse::<u8>().is_ok());
        let by_name = name.strip_prefix("heading ").and_then(|level| level.parse::<u8>().ok());
        let level = self.level.or(by_name).or((name == "title").then_some(1));
        let text = self.marked();
        if is_contents {
            self.builder.count("characters of tables of contents", text.chars().count() as u64);
            self.after.clear();
            return Ok(());
        }
        match level {
            Some(level) => self.builder.heading(level.clamp(1, 9), &text)?,
            None => self.builder.block(&text)?,
        }
        std::mem::take(&mut self.after).iter().try_for_each(|note| self.builder.block(note))
    }

    fn end_cell(&mut self) {
        let mut text = self.marked();
        for note in std::mem::take(&mut self.after) {
            text.push(' ');
            text.push_str(&note);
        }
        self.cells.push(text.split_whitespace().collect::<Vec<_>>().join(" "));
    }

    fn end_row(&mut self) -> Result<(), ExtractError> {
        let cells = std::mem::take(&mut self.cells);
        match super::records::line(cells.iter().map(String::as_str)) {
            line if line.is_empty() => Ok(()),
            line => self.tables.row(0, self.names, &line, self.builder),
        }
    }
}

/// Where the text of a group goes that begins with this word; `None` for words that begin none.
fn destination(word: &str) -> Option<To> {
    Some(match word {
        "fonttbl" => To::Fonts,
        "stylesheet" => To::Styles,
        "title" => To::Title,
        "footnote" => To::Note,
        "listtext" | "pntext" => To::Label,
        // Shown, though programs that don't know them pass them over.
        "ud" | "shpinst" | "shptxt" | "nesttableprops" | "result" | "fldrslt" => To::Body,
        "pict" | "annotation" | "object" | "header" | "footer" | "headerl" | "headerr" | "headerf" | "footerl"
        | "footerr" | "footerf" | "colortbl" | "info" | "fldinst" | "upr" | "xe" | "tc" | "tcn" | "rxe" | "txe"
        | "nonesttables" | "shprslt" | "sp" | "objdata" | "objclass" | "objname" | "listtable"
        | "listoverridetable" | "revtbl" | "rsidtbl" | "generator" | "themedata" | "colorschememapping"
        | "latentstyles" | "datastore" | "ftnsep" | "ftnsepc" | "ftncn" | "aftnsep" | "aftnsepc" | "aftncn"
        | "atnid" | "atnauthor" | "bkmkstart" | "bkmkend" | "filetbl" | "pnseclvl" | "author" | "operator"
        | "comment" | "subject" | "keywords" | "doccomm" | "company" | "manager" | "category" | "hlinkbase" => {
            To::Nowhere
        }
        _ => return None,
    })
}
