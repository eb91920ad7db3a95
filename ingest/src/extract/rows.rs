//! Rows of a table, each a line. A long table is divided into groups that fit a chunk, and each begins with the rows that
//! name the columns, so that no chunk of it lacks them.

use super::{Builder, ExtractError};

/// Characters of a group, so that it fits one chunk, and of the names of columns that each group repeats.
pub const MAX_GROUP: usize = 900;
pub const MAX_REPEATED: usize = 300;

/// Counts where groups begin, for whoever writes them.
#[derive(Debug, Default)]
pub struct Groups {
    /// Characters of the names of the columns, and of the open group.
    names: usize,
    size: usize,
}

/// Where a row goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Here,
    /// In a new group, which begins with the names of the columns.
    Named,
    /// In a new group; the names are too long to be repeated.
    Nameless,
}

impl Groups {
    /// A row of so many characters, with what parts it from the next one, names the columns.
    pub fn names(&mut self, length: usize) {
        self.names = self.names.saturating_add(length);
        self.size = self.size.saturating_add(length);
    }

    /// Any other row.
    pub fn place(&mut self, length: usize) -> Place {
        let is_full = self.size.saturating_add(length) > MAX_GROUP && self.size > self.names;
        let place = match is_full {
            false => Place::Here,
            true if self.names == 0 || self.names > MAX_REPEATED => Place::Nameless,
            true => Place::Named,
        };
        self.size = match place {
            Place::Here => self.size,
            Place::Named => self.names,
            Place::Nameless => 0,
        };
        self.size = self.size.saturating_add(length);
        place
    }
}

/// Writes the rows of one table.
#[derive(Debug, Default)]
pub struct Rows {
    groups: Groups,
    names: Vec<String>,
    /// Where the open group begins and ends.
    group: Option<(usize, usize)>,
    /// Rows stay as they are.
    is_whole: bool,
    is_begun: bool,
    /// All rows so far name the columns.
    is_named: bool,
}

impl Rows {
    /// A table of a text: it stays whole where some of the document is restricted: where a group ends would tell how long the rows
    /// before it are.
    pub fn in_text(builder: &Builder) -> Rows {
        Rows { is_whole: builder.has_parts, ..Rows::default() }
    }

    /// A row that names the columns; an empty one is none.
    pub fn names(&mut self, row: &str, builder: &mut Builder) -> Result<(), ExtractError> {
        self.is_begun = true;
        if row.is_empty() {
            return Ok(());
        }
        self.groups.names(length(row));
        self.names.push(row.to_owned());
        self.write(row, builder)
    }

    /// The next row; an empty one is none.
    pub fn push(&mut self, row: &str, builder: &mut Builder) -> Result<(), ExtractError> {
        self.is_begun = true;
        if row.is_empty() {
            return Ok(());
        }
        let place = self.groups.place(length(row));
        if place != Place::Here && !self.is_whole {
            self.end_group(builder);
            if place == Place::Named {
                let names = std::mem::take(&mut self.names);
                names.iter().try_for_each(|row| self.write(row, builder))?;
                self.names = names;
            }
        }
        self.write(row, builder)
    }

    /// The next row of a table whose first one names the columns.
    pub fn below_first(&mut self, row: &str, builder: &mut Builder) -> Result<(), ExtractError> {
        if self.is_begun || row.is_empty() { self.push(row, builder) } else { self.names(row, builder) }
    }

    /// The next row of a table that may mark those that name the columns; else the first one does.
    pub fn marked(&mut self, names: bool, row: &str, builder: &mut Builder) -> Result<(), ExtractError> {
        let is_top = self.group.is_none() || self.is_named;
        match names && is_top {
            true => {
                self.is_named = true;
                self.names(row, builder)
            }
            false => {
                self.is_named = false;
                self.below_first(row, builder)
            }
        }
    }

    /// After the last row.
    pub fn end(mut self, builder: &mut Builder) {
        self.end_group(builder);
    }

    fn write(&mut self, row: &str, builder: &mut Builder) -> Result<(), ExtractError> {
        let start = self.group.map_or(builder.length(), |(start, _)| start);
        builder.block(row)?;
        self.group = Some((start, builder.length()));
        Ok(())
    }

    fn end_group(&mut self, builder: &mut Builder) {
        if let Some((start, end)) = self.group.take().filter(|_| !self.is_whole) {
            builder.unit(start, end);
        }
    }
}

/// The tables of a text, whose rows come one after another among other blocks.
#[derive(Debug, Default)]
pub struct Tables(Option<(u32, Rows)>);

impl Tables {
    /// A row of the table of this number; `names`: it is marked as one that names the columns.
    pub fn row(&mut self, table: u32, names: bool, row: &str, builder: &mut Builder) -> Result<(), ExtractError> {
        if self.0.as_ref().is_none_or(|(open, _)| *open != table) {
            self.end(builder);
        }
        let (_, rows) = self.0.get_or_insert_with(|| (table, Rows::in_text(builder)));
        rows.marked(names, row, builder)
    }

    /// Before anything that is no row, and at the end.
    pub fn end(&mut self, builder: &mut Builder) {
        if let Some((_, rows)) = self.0.take() {
            rows.end(builder);
        }
    }
}

/// Rows are blocks, which an empty line parts.
fn length(row: &str) -> usize {
    row.chars().count().saturating_add(2)
}
