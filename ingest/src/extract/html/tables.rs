//! A table's rows, each a line. A long table is shown in groups that each begin with the row of its headings.

use dom_query::NodeRef;

use super::super::builder::{MAX_GROUP, MAX_REPEATED};

#[derive(Default)]
pub struct Table<'a> {
    rows: Vec<Row<'a>>,
    open: Row<'a>,
}

#[derive(Default)]
struct Row<'a> {
    cells: Vec<String>,
    /// All of its cells are headings.
    is_head: bool,
    /// Notes that it calls.
    called: Vec<NodeRef<'a>>,
}

/// Lines of one group, with the notes that each calls.
pub type Group<'a> = Vec<(String, Vec<NodeRef<'a>>)>;

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

    pub fn groups(self) -> Vec<Group<'a>> {
        let mut head: Vec<String> = Vec::new();
        let mut groups: Vec<Group<'a>> = vec![Vec::new()];
        let (mut size, mut is_top) = (0usize, true);
        for row in self.rows {
            let line = row.cells.join(" | ");
            let length = line.chars().count().saturating_add(2);
            is_top = is_top && row.is_head;
            if is_top {
                head.push(line.clone());
            }
            let repeated: usize = head.iter().map(|line| line.chars().count().saturating_add(2)).sum();
            if !is_top && size.saturating_add(length) > MAX_GROUP && size > repeated {
                groups.push(Vec::new());
                size = 0;
                if repeated <= MAX_REPEATED
                    && let Some(group) = groups.last_mut()
                {
                    group.extend(head.iter().map(|line| (line.clone(), Vec::new())));
                    size = repeated;
                }
            }
            size = size.saturating_add(length);
            if let Some(group) = groups.last_mut() {
                group.push((line, row.called));
            }
        }
        groups
    }
}
