//! A table of an OpenDocument file, while it is read. Cells and rows may say that they are there many times.

use std::collections::{BTreeMap, BTreeSet};

use quick_xml::events::BytesStart;

use crate::extract::ExtractError;
use crate::extract::xlsx::too_many;
use crate::extract::xml::attribute;

#[derive(Debug)]
struct Row {
    /// By column.
    cells: BTreeMap<usize, String>,
    repeats: usize,
    names: bool,
}

/// A row as it is written.
#[derive(Debug)]
pub struct Line {
    pub text: String,
    /// How often it is there.
    pub repeats: usize,
    /// It is one of those that name the columns, and stand again on every page.
    pub names: bool,
}

#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Row>,
    row: BTreeMap<usize, String>,
    column: usize,
    row_repeats: usize,
    row_hidden: bool,
    /// In the rows that name the columns.
    pub in_names: bool,
    cell: String,
    /// The value of a cell that shows no text of its own.
    value: Option<String>,
    cell_repeats: usize,
    pub in_cell: bool,
    columns: usize,
    /// From column to column, ascending.
    hidden_columns: BTreeMap<usize, usize>,
    /// Cells in hidden rows and columns.
    pub hidden: u64,
    /// Characters below a cell that reaches over others.
    pub covered: u64,
}

impl Table {
    pub fn start(&mut self, name: &str, element: &BytesStart<'_>) {
        let repeats = |name: &str| attribute(element, name).and_then(|n| n.parse::<usize>().ok()).unwrap_or(1);
        let is_hidden =
            || attribute(element, "visibility").is_some_and(|shown| shown == "collapse" || shown == "filter");
        match name {
            "table-column" => {
                let count = repeats("number-columns-repeated");
                if is_hidden() {
                    self.hidden_columns.insert(self.columns, self.columns.saturating_add(count));
                }
                self.columns = self.columns.saturating_add(count);
            }
            "table-header-rows" => self.in_names = true,
            "table-row" => {
                self.row.clear();
                self.column = 0;
                self.row_repeats = repeats("number-rows-repeated");
                self.row_hidden = is_hidden();
            }
            "table-cell" | "covered-table-cell" => {
                self.cell.clear();
                self.in_cell = true;
                self.cell_repeats = repeats("number-columns-repeated");
                let values = ["string-value", "date-value", "time-value", "boolean-value", "value"];
                self.value = values.iter().find_map(|name| attribute(element, name));
            }
            _ => {}
        }
    }

    /// Adds a paragraph to the open cell.
    pub fn put(&mut self, text: &str) {
        let gap = if self.cell.is_empty() { "" } else { " " };
        self.cell.push_str(gap);
        self.cell.push_str(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    }

    pub fn end_cell(&mut self, is_covered: bool, left: &mut usize) -> Result<(), ExtractError> {
        self.in_cell = false;
        let mut cell = std::mem::take(&mut self.cell);
        let value = self.value.take();
        let repeats = std::mem::replace(&mut self.cell_repeats, 1);
        if is_covered {
            self.covered = self.covered.saturating_add(cell.chars().count() as u64);
            cell.clear();
        } else if cell.is_empty() {
            cell = value.unwrap_or_default();
        }
        if !cell.is_empty() {
            *left = left.checked_sub(repeats).ok_or_else(too_many)?;
            let columns = self.column..self.column.saturating_add(repeats);
            self.row.extend(columns.map(|column| (column, cell.clone())));
        }
        self.column = self.column.saturating_add(repeats);
        Ok(())
    }

    pub fn end_row(&mut self, left: &mut usize) -> Result<(), ExtractError> {
        let mut row = std::mem::take(&mut self.row);
        let before = row.len();
        let is_hidden = |column: &usize| {
            let last = self.hidden_columns.range(..=column).next_back();
            self.row_hidden || last.is_some_and(|(_, to)| *to > *column)
        };
        row.retain(|column, _| !is_hidden(column));
        let repeats = self.row_repeats.max(1);
        self.hidden = self.hidden.saturating_add(before.saturating_sub(row.len()) as u64);
        let more = row.len().saturating_mul(repeats.saturating_sub(1));
        *left = left.checked_sub(more).ok_or_else(too_many)?;
        if !row.is_empty() {
            self.rows.push(Row { cells: row, repeats, names: self.in_names });
        }
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Rows with the columns that hold anything.
    pub fn lines(&self, left: &mut usize) -> Result<Vec<Line>, ExtractError> {
        let columns: BTreeSet<usize> = self.rows.iter().flat_map(|row| row.cells.keys().copied()).collect();
        let mut lines = Vec::with_capacity(self.rows.len());
        for Row { cells, repeats, names } in &self.rows {
            let last = cells.keys().next_back().copied().unwrap_or_default();
            let shown: Vec<&str> =
                columns.range(..=last).map(|column| cells.get(column).map_or("", String::as_str)).collect();
            *left = left.checked_sub(shown.len().saturating_sub(cells.len()) / 64).ok_or_else(too_many)?;
            lines.push(Line { text: shown.join(" | "), repeats: *repeats, names: *names });
        }
        Ok(lines)
    }
}
