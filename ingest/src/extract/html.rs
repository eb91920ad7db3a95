//! HTML as a reader would see it: visible text with its headings, lists and tables.
//!
//! The tree is walked iteratively, so that deep nesting costs memory and never the stack.

use std::collections::HashSet;

use dom_query::{Document, NodeId, NodeRef};
use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::tree_builder::TreeBuilderOpts;
use html5ever::{ParseOpts, parse_document};

use super::rows::Rows;
use super::{Builder, ExtractError};

mod colour;
mod css;
mod forms;
mod formulas;
mod hiding;
mod kinds;
mod lists;
mod notes;
mod tables;
mod xml;

use css::Sheets;
use hiding::Look;
use kinds::{dropped, holds_sections, is_block, is_handle};
use lists::Lists;
use notes::Notes;
use tables::Table;

/// Deeper than any page that people read.
const MAX_DEPTH: usize = 2_000;
/// Bytes of a page between two looks at how deep it is.
const STRETCH: usize = 4_096;

/// `is_xml`: where elements without content end at once, as in XHTML.
pub fn read(html: &str, is_xml: bool, builder: &mut Builder) -> Result<(), ExtractError> {
    let document = if is_xml { parsed(&xml::as_html(html))? } else { parsed(html)? };
    if let Some(title) = document.select_single("head > title").nodes().first() {
        builder.title = Some(builder.canonical(&title.text()).split_whitespace().collect::<Vec<_>>().join(" "));
    }
    // Wherever they stand: in the head, within what is left out for another reason.
    let mut styles = Vec::new();
    let mut has_others = false;
    for node in document.root().descendants_it() {
        let name = name_of(&node);
        builder.count("scripts", u64::from(name == "script"));
        builder.count("comments", u64::from(node.is_comment()));
        match name.as_str() {
            "style" if applies(&node) => styles.push(node.text().to_string()),
            "link" => has_others |= hiding::has_word(&node, "rel", &["stylesheet"]),
            _ => {}
        }
    }
    has_others |= styles.iter().any(|sheet| sheet.contains("@import"));
    let sheets = Sheets::read(styles.into_iter());
    let notes = Notes::find(&document.root());
    builder.count("notes that nothing calls", notes.uncalled);
    let seen = Seen { notes: &notes, sheets: &sheets, has_others };
    Page::new(builder, &seen).walk(document.root(), Look::PAGE)?;
    if sheets.is_cut() {
        builder.warn("the page has more styles than are looked at: some of its text may be hidden from a reader");
    }
    Ok(())
}

/// The tree of a page. Its depth is looked at while it grows, because the parser goes through all open elements at many a
/// tag.
fn parsed(html: &str) -> Result<Document, ExtractError> {
    let tree_builder = TreeBuilderOpts { scripting_enabled: false, ..TreeBuilderOpts::default() };
    let mut parser = parse_document(Document::default(), ParseOpts { tree_builder, ..ParseOpts::default() });
    let mut rest = html;
    while !rest.is_empty() {
        let (stretch, after) = rest.split_at(rest.floor_char_boundary(STRETCH.min(rest.len())));
        parser.process(StrTendril::from(stretch));
        let page = &parser.tokenizer.sink.sink;
        let depth =
            std::iter::successors(Some(page.root()), NodeRef::last_child).take(MAX_DEPTH.saturating_add(2)).count();
        if depth > MAX_DEPTH.saturating_add(1) {
            return Err(too_deep());
        }
        rest = after;
    }
    Ok(parser.finish())
}

fn too_deep() -> ExtractError {
    ExtractError::Limit(format!("elements nested deeper than {MAX_DEPTH}"))
}

/// What kind of thing an element is, by its name and by its attributes as they are written, if a page shows none of it.
pub fn unseen(name: &str, attributes: &str) -> Option<&'static str> {
    // A row or a cell would be lost outside of its table.
    let element = Document::fragment(format!("<div {attributes}></div>"));
    let element = element.select_single("div");
    let node = element.nodes().first()?;
    if let Some(what) = dropped(node, name) {
        return Some(what);
    }
    match hiding::look(node, name, &Look::PAGE, &Sheets::default(), false) {
        Some(look) if look.shows() => None,
        _ => Some("hidden elements"),
    }
}

fn name_of(node: &NodeRef<'_>) -> String {
    node.node_name().map(|name| name.to_ascii_lowercase()).unwrap_or_default()
}

/// Whether a style sheet is one for screens.
fn applies(style: &NodeRef<'_>) -> bool {
    let is_css = style.attr("type").is_none_or(|kind| kind.is_empty() || kind.eq_ignore_ascii_case("text/css"));
    let media = style.attr("media").map(|media| media.to_ascii_lowercase()).unwrap_or_default();
    is_css && (media.is_empty() || media.contains("all") || media.contains("screen"))
}

/// What a page says of all its elements.
struct Seen<'n, 'a> {
    notes: &'n Notes<'a>,
    sheets: &'n Sheets,
    /// There are style sheets elsewhere.
    has_others: bool,
}

impl Seen<'_, '_> {
    fn look(&self, node: &NodeRef<'_>, name: &str, around: &Look) -> Option<Look> {
        hiding::look(node, name, around, self.sheets, self.has_others)
    }

    /// How the text around an element looks; none if nothing of it is shown.
    fn look_around(&self, node: &NodeRef<'_>) -> Option<Look> {
        let mut above: Vec<NodeRef<'_>> = node.ancestors_it(None).filter(NodeRef::is_element).collect();
        above.reverse();
        above.iter().try_fold(Look::PAGE, |look, node| {
            let name = name_of(node);
            if dropped(node, &name).is_some() { None } else { self.look(node, &name, &look) }
        })
    }
}

enum Step<'a> {
    Enter(NodeRef<'a>, usize, Look, Option<NodeId>),
    Leave(Open),
}

/// An element that is open.
struct Open {
    name: String,
    is_block: bool,
}

struct Page<'b, 'n, 'a> {
    builder: &'b mut Builder,
    seen: &'n Seen<'n, 'a>,
    /// Notes called in the block that is open.
    pending: Vec<NodeRef<'a>>,
    /// What is walked is a note: it calls no other.
    in_note: bool,
    /// Open elements in which a heading is part of something else and divides nothing.
    apart: usize,
    line: String,
    /// Open `pre` elements: white space counts.
    pre: usize,
    lists: Lists,
    /// The table that is open, but for those within its cells.
    table: Option<Table<'a>>,
    /// Open cells: what is inside one, tables too, becomes one line.
    cell: usize,
    /// Open elements of readings beside the text that they are of, and the readings.
    reading: usize,
    readings: String,
    ruby: usize,
    /// Elements whose text is hidden, as far as they are counted.
    hidden: HashSet<NodeId>,
}

impl<'b, 'n, 'a> Page<'b, 'n, 'a> {
    fn new(builder: &'b mut Builder, seen: &'n Seen<'n, 'a>) -> Self {
        Page {
            builder,
            seen,
            pending: Vec::new(),
            in_note: false,
            apart: 0,
            line: String::new(),
            pre: 0,
            lists: Lists::default(),
            table: None,
            cell: 0,
            reading: 0,
            readings: String::new(),
            ruby: 0,
            hidden: HashSet::new(),
        }
    }

    fn walk(&mut self, root: NodeRef<'a>, look: Look) -> Result<(), ExtractError> {
        let mut stack = vec![Step::Enter(root, 0, look, None)];
        while let Some(step) = stack.pop() {
            let (node, depth, around, hidden_by) = match step {
                Step::Leave(open) => {
                    if !holds_sections(&open.name) {
                        self.apart = self.apart.saturating_sub(1);
                    }
                    self.leave(&open)?;
                    continue;
                }
                Step::Enter(node, depth, look, hidden_by) => (node, depth, look, hidden_by),
            };
            if depth > MAX_DEPTH {
                return Err(too_deep());
            }
            if node.is_text() {
                self.text_of(&node.text(), &around, hidden_by);
                continue;
            }
            let (mut look, mut hidden_by) = (around, hidden_by);
            if node.is_element() {
                let name = name_of(&node);
                if depth > 0 && self.seen.notes.is_moved(&node) {
                    continue;
                }
                if let Some(what) = dropped(&node, &name) {
                    // Scripts are counted before.
                    let counted = !what.is_empty() && what != "scripts";
                    self.builder.count(what, u64::from(counted));
                    continue;
                }
                if formulas::is_second_form(&node, &name) || is_handle(&node, &name) {
                    continue;
                }
                match self.seen.look(&node, &name, &around) {
                    Some(found) => look = found,
                    None => {
                        self.builder.count("hidden elements", u64::from(holds_something(&node)));
                        continue;
                    }
                }
                hidden_by = if look.shows() { None } else { hidden_by.or(Some(node.id)) };
                self.begin(&node, &name, look, hidden_by)?;
                // The mark of a list's item says nothing of a note.
                if depth > 0 || !self.in_note || name != "li" {
                    let is_block = is_block(&name) || (look.is_block && self.ruby == 0);
                    self.enter(&node, &name, is_block)?;
                    self.apart = self.apart.saturating_add(usize::from(!holds_sections(&name)));
                    stack.push(Step::Leave(Open { name, is_block }));
                }
                if !self.in_note {
                    self.pending.extend_from_slice(self.seen.notes.of_link(&node));
                }
            } else if node.is_comment() {
                continue;
            }
            let deeper = depth.saturating_add(1);
            stack.extend(node.children_it(true).map(|child| Step::Enter(child, deeper, look, hidden_by)));
        }
        self.end_table()?;
        self.flush()
    }

    /// What stands before the content of an element, or in its place.
    fn begin(
        &mut self,
        node: &NodeRef<'a>,
        name: &str,
        look: Look,
        hidden_by: Option<NodeId>,
    ) -> Result<(), ExtractError> {
        if is_block(name) && self.cell == 0 {
            self.flush()?;
        }
        let sign = match name {
            "sup" | "sub" => formulas::sign_before_raised(node, name, &self.line),
            _ => formulas::sign_before(node, &self.line),
        };
        self.line.extend(sign.filter(|_| self.reading == 0));
        if let Some(text) = forms::shown(node, name) {
            // One character may be the first of a word.
            let is_apart = text.trim().chars().nth(1).is_some() || name != "img";
            let text = if is_apart { format!(" {text} ") } else { text };
            self.text_of(&text, &look, hidden_by);
        }
        Ok(())
    }

    fn enter(&mut self, node: &NodeRef<'a>, name: &str, is_block: bool) -> Result<(), ExtractError> {
        match name {
            "ruby" => self.ruby = self.ruby.saturating_add(1),
            "rt" | "rtc" if self.ruby > 0 => self.reading = self.reading.saturating_add(1),
            "td" | "th" => {
                if self.cell == 0 {
                    self.line.clear();
                } else {
                    self.line.push(' ');
                }
                self.cell = self.cell.saturating_add(1);
            }
            _ if self.cell > 0 => {
                let parts = is_block || matches!(name, "br" | "li" | "tr" | "pre") || forms::stands_apart(name);
                self.line.push_str(if parts { " " } else { "" });
            }
            "br" => self.line.push('\n'),
            "pre" | "listing" | "xmp" | "plaintext" => {
                self.flush()?;
                self.pre = self.pre.saturating_add(1);
            }
            "ol" | "ul" | "menu" | "dir" => {
                self.flush()?;
                self.lists.begin(node, name);
            }
            "li" => {
                self.flush()?;
                self.line = self.lists.mark(node);
            }
            "table" => {
                self.flush()?;
                self.end_table()?;
                self.table = Some(Table::default());
            }
            "tr" => {
                self.flush()?;
                self.table.get_or_insert_default().begin_row(node);
            }
            name if forms::stands_apart(name) => self.text(" "),
            _ if is_block => self.flush()?,
            _ => {}
        }
        Ok(())
    }

    fn leave(&mut self, Open { name, is_block }: &Open) -> Result<(), ExtractError> {
        match name.as_str() {
            "ruby" => {
                self.ruby = self.ruby.saturating_sub(1);
                if self.ruby == 0 {
                    self.reading = 0;
                    let readings = std::mem::take(&mut self.readings);
                    let readings = readings.split_whitespace().collect::<Vec<_>>().join(" ");
                    self.line.push_str(&if readings.is_empty() { readings } else { format!("({readings})") });
                }
                Ok(())
            }
            "rt" | "rtc" if self.ruby > 0 => {
                self.reading = self.reading.saturating_sub(1);
                // Syllables that are written with letters are words; others are joined, as what they are of.
                if self.readings.ends_with(|c: char| c.is_alphabetic() && c < '\u{1100}') {
                    self.readings.push(' ');
                }
                Ok(())
            }
            "td" | "th" => {
                self.cell = self.cell.saturating_sub(1);
                if self.cell == 0 {
                    let cell = std::mem::take(&mut self.line);
                    let cell = cell.split_whitespace().collect::<Vec<_>>().join(" ");
                    self.table.get_or_insert_default().end_cell(cell);
                }
                Ok(())
            }
            _ if self.cell > 0 => {
                let parts = *is_block || matches!(name.as_str(), "li" | "tr" | "pre") || forms::stands_apart(name);
                self.line.push_str(if parts { " " } else { "" });
                Ok(())
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" if self.apart == 0 => {
                let line = std::mem::take(&mut self.line);
                let level = name.trim_start_matches('h').parse().unwrap_or(6);
                self.builder.heading(level, &line)?;
                self.show_notes()
            }
            "tr" => {
                let called = std::mem::take(&mut self.pending);
                self.table.get_or_insert_default().end_row(called);
                Ok(())
            }
            "table" => self.end_table(),
            "li" if self.lists.is_mark(&self.line) => {
                self.line.clear();
                self.show_notes()
            }
            "li" => self.flush(),
            "ol" | "ul" | "menu" | "dir" => {
                self.lists.end();
                self.flush()
            }
            "pre" | "listing" | "xmp" | "plaintext" => {
                let out = self.flush();
                self.pre = self.pre.saturating_sub(1);
                out
            }
            name if forms::stands_apart(name) => {
                self.text(" ");
                Ok(())
            }
            _ if *is_block => self.flush(),
            _ => Ok(()),
        }
    }

    fn text_of(&mut self, text: &str, look: &Look, hidden_by: Option<NodeId>) {
        if let Some(by) = hidden_by {
            if !text.trim().is_empty() && self.hidden.insert(by) {
                self.builder.count("hidden elements", 1);
            }
            // It takes its place.
            self.text(" ");
            return;
        }
        if self.reading > 0 {
            self.readings.push_str(text);
        } else if look.keeps_lines && self.pre == 0 && self.cell == 0 {
            for (number, line) in text.split('\n').enumerate() {
                self.line.push_str(if number > 0 { "\n" } else { "" });
                self.text(line);
            }
        } else {
            self.text(text);
        }
    }

    fn text(&mut self, text: &str) {
        if self.pre > 0 && self.cell == 0 {
            self.line.push_str(text);
            return;
        }
        for c in text.chars() {
            // Any run of white space is one space; no-break spaces too, they carry no meaning in running text.
            if !c.is_whitespace() {
                self.line.push(c);
            } else if !self.line.is_empty() && !self.line.ends_with([' ', '\n']) {
                self.line.push(' ');
            }
        }
    }

    fn flush(&mut self) -> Result<(), ExtractError> {
        // The mark of a list item waits for the paragraph inside it.
        if self.lists.is_waiting(&self.line) {
            return Ok(());
        }
        let line = std::mem::take(&mut self.line);
        if !line.trim().is_empty() {
            self.builder.block(if self.pre > 0 { line.as_str() } else { line.trim() })?;
        }
        self.show_notes()
    }

    fn end_table(&mut self) -> Result<(), ExtractError> {
        // Within a cell it is one line with the rest.
        if self.cell > 0 {
            return Ok(());
        }
        let Some(table) = self.table.take() else { return Ok(()) };
        self.flush()?;
        let (names, rest) = table.parted();
        let mut rows = Rows::default();
        for row in names {
            rows.names(&row.line(), self.builder)?;
            self.pending.extend(row.called);
            self.show_notes()?;
        }
        for row in rest {
            rows.push(&row.line(), self.builder)?;
            self.pending.extend(row.called);
            self.show_notes()?;
        }
        rows.end(self.builder);
        Ok(())
    }

    /// The notes that the block before called, unless nobody sees where they stand.
    fn show_notes(&mut self) -> Result<(), ExtractError> {
        for note in std::mem::take(&mut self.pending) {
            let Some(look) = self.seen.look_around(&note) else {
                self.builder.count("hidden elements", 1);
                continue;
            };
            let mut inside = Page { in_note: true, apart: 1, ..Page::new(self.builder, self.seen) };
            inside.walk(note, look)?;
        }
        Ok(())
    }
}

fn holds_something(node: &NodeRef<'_>) -> bool {
    !node.text().trim().is_empty() || forms::shown(node, &name_of(node)).is_some()
}
