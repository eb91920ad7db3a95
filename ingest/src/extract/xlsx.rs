//! XLSX: the sheets that are shown, each under its name, with their rows as a reader sees them: values in their formats,
//! without hidden rows, columns and sheets.

use std::collections::{BTreeMap, BTreeSet};

use quick_xml::events::BytesStart;

use super::graphics;
use super::opc::{Package, Relations};
use super::records::line;
use super::rows::Rows;
use super::xml::{Xml, attribute, each_event, prefixed};
use super::{Builder, ExtractError};

mod format;

use format::Formats;

/// Cells with content, of all sheets.
pub const MAX_CELLS: usize = 1_000_000;
const MAX_SHEETS: usize = 1_000;

pub fn read(bytes: &[u8], builder: &mut Builder) -> Result<(), ExtractError> {
    let mut package = Package::open(bytes)?;
    let Some(main) = package.main("xl/workbook.xml")? else {
        return Err(ExtractError::Unsupported("an Office file without a workbook in it".into()));
    };
    let relations = package.relations(&main)?;
    let book = Book::read(&package.text(&main)?.unwrap_or_default())?;
    if book.sheets.len() > MAX_SHEETS {
        return Err(ExtractError::Limit(format!("more than {MAX_SHEETS} sheets")));
    }
    builder.title = package.title()?;
    let strings = match package.related(&relations, "sharedStrings", "xl/sharedStrings.xml")? {
        Some(xml) => strings(&xml)?,
        None => Vec::new(),
    };
    let formats = match package.related(&relations, "styles", "xl/styles.xml")? {
        Some(xml) => Formats::read(&xml, book.since_1904)?,
        None => Formats::default(),
    };
    let mut left = MAX_CELLS;
    for sheet in &book.sheets {
        if sheet.hidden {
            builder.count("hidden sheets", 1);
            continue;
        }
        let Some(part) = relations.get(&sheet.id).filter(|relation| !relation.is_outside) else { continue };
        let Some(xml) = package.text(&part.target)? else {
            builder.warn(format!("the sheet {} is not in the file", sheet.name));
            continue;
        };
        let mut reading = Reading::new(&strings, &formats, left);
        each_event(&xml, |event| reading.see(event))?;
        left = reading.left;
        let drawn = drawings(&mut package, &part.target, builder)?;
        if reading.rows.is_empty() && drawn.is_empty() {
            continue;
        }
        builder.count("cells of hidden rows and columns", reading.hidden);
        if reading.uncounted > 0 {
            builder.count("formulas without a result", reading.uncounted);
            builder.warn(format!("{}: the file lacks the results of {} formulas", sheet.name, reading.uncounted));
        }
        builder.count("hidden characters", reading.unseen);
        builder.heading(2, &sheet.name)?;
        table(&reading.rows, &mut left, builder)?;
        drawn.iter().try_for_each(|block| builder.block(block))?;
    }
    Ok(())
}

/// Rows with the columns that hold anything, so that a cell stands below the name of its column.
fn table(rows: &[BTreeMap<usize, String>], left: &mut usize, builder: &mut Builder) -> Result<(), ExtractError> {
    let columns: BTreeSet<usize> = rows.iter().flat_map(|cells| cells.keys().copied()).collect();
    let mut table = Rows::default();
    for cells in rows {
        // Cells far apart in many rows.
        let gaps = columns.len().saturating_sub(cells.len()) / 64;
        *left = left.checked_sub(gaps).ok_or_else(too_many)?;
        let last = cells.keys().next_back().copied().unwrap_or_default();
        let shown = columns.range(..=last).map(|column| cells.get(column).map_or("", String::as_str));
        table.below_first(&line(shown), builder)?;
    }
    table.end(builder);
    Ok(())
}

/// Text boxes and charts of a sheet; comments are counted.
fn drawings(package: &mut Package<'_>, sheet: &str, builder: &mut Builder) -> Result<Vec<String>, ExtractError> {
    let own = package.relations(sheet)?;
    let mut blocks = Vec::new();
    for relation in own.values().filter(|relation| !relation.is_outside) {
        match relation.kind.as_str() {
            "drawing" => {
                let Some(xml) = package.text(&relation.target)? else { continue };
                blocks.extend(graphics::words(&xml)?);
                let inner: Relations = package.relations(&relation.target)?;
                builder.count("pictures", inner.values().filter(|relation| relation.kind == "image").count() as u64);
                blocks.extend(graphics::read(package, &inner, builder)?.into_values().flatten());
            }
            "comments" => {
                let Some(xml) = package.text(&relation.target)? else { continue };
                let mut count = 0u64;
                each_event(&xml, |event| {
                    count = count.saturating_add(u64::from(matches!(event, Xml::Start("comment", _))));
                    Ok(())
                })?;
                builder.count("comments", count);
            }
            _ => {}
        }
    }
    Ok(blocks)
}

struct Sheet {
    name: String,
    id: String,
    hidden: bool,
}

#[derive(Default)]
struct Book {
    sheets: Vec<Sheet>,
    /// Days are counted from 1904, as on old Macs.
    since_1904: bool,
}

impl Book {
    fn read(xml: &str) -> Result<Book, ExtractError> {
        let mut book = Book::default();
        each_event(xml, |event| {
            match event {
                Xml::Start("sheet", element) => {
                    if let (Some(name), Some(id)) = (attribute(element, "name"), prefixed(element, "id")) {
                        let hidden = attribute(element, "state").is_some_and(|state| state != "visible");
                        book.sheets.push(Sheet { name, id, hidden });
                    }
                }
                Xml::Start("workbookPr", element) => book.since_1904 = is(element, "date1904"),
                _ => {}
            }
            Ok(())
        })?;
        Ok(book)
    }
}

fn is(element: &BytesStart<'_>, name: &str) -> bool {
    attribute(element, name).is_some_and(|value| value == "1" || value == "true")
}

/// Texts that cells share; how they are pronounced is none of them.
fn strings(xml: &str) -> Result<Vec<String>, ExtractError> {
    let (mut strings, mut text, mut inside, mut spoken) = (Vec::new(), String::new(), false, false);
    each_event(xml, |event| {
        match event {
            Xml::Start("si", _) => text.clear(),
            Xml::End("si") => strings.push(std::mem::take(&mut text)),
            Xml::Start("rPh", _) => spoken = true,
            Xml::End("rPh") => spoken = false,
            Xml::Start("t", _) => inside = !spoken,
            Xml::End("t") => inside = false,
            Xml::Text(part) if inside => text.push_str(part),
            _ => {}
        }
        Ok(())
    })?;
    Ok(strings)
}

#[derive(Default)]
struct Cell {
    column: usize,
    kind: String,
    style: usize,
    value: String,
    is_formula: bool,
}

struct Reading<'a> {
    strings: &'a [String],
    formats: &'a Formats,
    left: usize,
    rows: Vec<BTreeMap<usize, String>>,
    /// From column to column.
    hidden_columns: BTreeMap<usize, usize>,
    hidden_row: bool,
    cell: Option<Cell>,
    in_value: bool,
    spoken: bool,
    next: usize,
    hidden: u64,
    unseen: u64,
    /// Formulas whose result is not in the file.
    uncounted: u64,
}

impl<'a> Reading<'a> {
    fn new(strings: &'a [String], formats: &'a Formats, left: usize) -> Self {
        Reading {
            strings,
            formats,
            left,
            rows: Vec::new(),
            hidden_columns: BTreeMap::new(),
            hidden_row: false,
            cell: None,
            in_value: false,
            spoken: false,
            next: 1,
            hidden: 0,
            unseen: 0,
            uncounted: 0,
        }
    }

    fn see(&mut self, event: Xml<'_>) -> Result<(), ExtractError> {
        match event {
            Xml::Start("col", element) if is(element, "hidden") || is_zero(element, "width") => {
                let number = |name: &str| attribute(element, name).and_then(|n| n.parse::<usize>().ok());
                self.hidden_columns.extend(number("min").zip(number("max")));
            }
            Xml::Start("row", element) => {
                self.hidden_row = is(element, "hidden") || is_zero(element, "ht");
                self.rows.push(BTreeMap::new());
                self.next = 1;
            }
            Xml::End("row") => drop(self.rows.pop_if(|row| row.is_empty())),
            Xml::Start("c", element) => {
                let column = attribute(element, "r").and_then(|place| column(&place)).unwrap_or(self.next);
                self.next = column.saturating_add(1);
                self.cell = Some(Cell {
                    column,
                    kind: attribute(element, "t").unwrap_or_default(),
                    style: attribute(element, "s").and_then(|style| style.parse().ok()).unwrap_or_default(),
                    value: String::new(),
                    is_formula: false,
                });
            }
            Xml::Start("f", _) => self.cell.iter_mut().for_each(|cell| cell.is_formula = true),
            Xml::Start("rPh", _) => self.spoken = true,
            Xml::End("rPh") => self.spoken = false,
            Xml::Start("v" | "t", _) => self.in_value = !self.spoken,
            Xml::End("v" | "t") => self.in_value = false,
            Xml::Text(text) if self.in_value => {
                if let Some(cell) = &mut self.cell {
                    cell.value.push_str(text);
                }
            }
            Xml::End("c") => {
                if let Some(cell) = self.cell.take() {
                    self.cell(cell)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn cell(&mut self, cell: Cell) -> Result<(), ExtractError> {
        let shared = || cell.value.trim().parse::<usize>().ok().and_then(|index| self.strings.get(index));
        let text = match cell.kind.as_str() {
            "s" => shared().cloned().unwrap_or_default(),
            "str" | "inlineStr" | "e" | "d" => cell.value,
            "b" => if cell.value.trim() == "1" { "TRUE" } else { "FALSE" }.to_owned(),
            _ if cell.value.trim().is_empty() => {
                self.uncounted = self.uncounted.saturating_add(u64::from(cell.is_formula));
                return Ok(());
            }
            _ => self.formats.shown(cell.value.trim(), cell.style),
        };
        if self.formats.hides(cell.style) && !text.trim().is_empty() {
            self.unseen = self.unseen.saturating_add(text.chars().count() as u64);
            return Ok(());
        }
        if text.trim().is_empty() {
            return Ok(());
        }
        let last_hidden = self.hidden_columns.range(..=cell.column).next_back();
        if self.hidden_row || last_hidden.is_some_and(|(_, to)| *to >= cell.column) {
            self.hidden = self.hidden.saturating_add(1);
            return Ok(());
        }
        self.left = self.left.checked_sub(1).ok_or_else(too_many)?;
        if let Some(row) = self.rows.last_mut() {
            row.insert(cell.column, text);
        }
        Ok(())
    }
}

pub fn too_many() -> ExtractError {
    ExtractError::Limit(format!("more than {MAX_CELLS} cells"))
}

fn is_zero(element: &BytesStart<'_>, name: &str) -> bool {
    attribute(element, name).is_some_and(|size| size.parse::<f64>().is_ok_and(|size| size == 0.0))
}

/// The column of a place such as `AB12`.
fn column(place: &str) -> Option<usize> {
    let letters = place.bytes().take_while(u8::is_ascii_alphabetic);
    let number = letters.take(4).fold(0usize, |sum, letter| {
        let digit = usize::from(letter.to_ascii_uppercase().saturating_sub(b'A')).saturating_add(1);
        sum.saturating_mul(26).saturating_add(digit)
    });
    (number > 0).then_some(number)
}
