//! A table's rows while its cells are read.

use dom_query::NodeRef;

#[derive(Default)]
pub struct Table<'a> {
    rows: Vec<Row<'a>>,
    open: Row<'a>,
}

#[derive(Default)]
pub struct Row<'a> {
    cells: Vec<String>,
    /// All of its cells are headings.
    is_head: bool,
    /// Notes that it calls.
    pub called: Vec<NodeRef<'a>>,
}

impl Row<'_> {
    pub fn line(&self) -> String {
        self.cells.join(" | ")
    }
}

impl<'a> Table<'a> {
    pub fn begin_row(&mut self, row: &NodeRef<'_>) {
        let in_head = row.parent().is_some_and(|above| above.has_name("thead"));
        let cells = row.element_children();
        let is_head = in_head || (!cells.is_empty() && cells.iter().all(|cell| cell.has_name("th")));
        self.open = Row { is_head, ..Row::default() };
    }

    pub fn end_cell(&mut self, text: String) {
        self.open.cells.push(text);
    }

    pub fn end_row(&mut self, called: Vec<NodeRef<'a>>) {
        let row = Row { called, ..std::mem::take(&mut self.open) };
        if !row.cells.iter().all(String::is_empty) || !row.called.is_empty() {
            self.rows.push(row);
        }
    }

    /// Rows at the top that name the columns, and the others.
    pub fn parted(mut self) -> (Vec<Row<'a>>, Vec<Row<'a>>) {
        let names = self.rows.iter().take_while(|row| row.is_head).count();
        let rest = self.rows.split_off(names);
        (self.rows, rest)
    }
}
