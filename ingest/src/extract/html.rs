//! HTML as a reader would see it: visible text with its headings, lists and tables.
//!
//! The tree is walked iteratively, so that deep nesting costs memory and never the stack.

use dom_query::{Document, NodeRef};

use super::{Builder, ExtractError};

mod hiding;
mod notes;

use hiding::is_hidden;
use notes::Notes;

/// Deeper than any page that people read.
const MAX_DEPTH: usize = 2_000;

pub fn read(html: &str, builder: &mut Builder) -> Result<(), ExtractError> {
    let document = Document::from(html);
    if let Some(title) = document.select_single("head > title").nodes().first() {
        builder.title = Some(builder.canonical(&title.text()).split_whitespace().collect::<Vec<_>>().join(" "));
    }
    let main = document.select("main, [role=main]");
    let root = match main.nodes() {
        [one] => *one,
        _ => document.root(),
    };
    // Wherever they stand: in the head, beside the main part, within what is left out for another reason.
    for node in document.root().descendants_it() {
        let is_script = node.node_name().is_some_and(|name| name.eq_ignore_ascii_case("script"));
        builder.count("scripts", u64::from(is_script));
        builder.count("comments", u64::from(node.is_comment()));
    }
    let notes = Notes::find(&document.root());
    builder.count("notes that nothing calls", notes.uncalled);
    Page::new(builder, &notes).walk(root)
}

/// What kind of thing an element is, by its name and by its attributes as they are written, if a page shows none of it.
pub fn unseen(name: &str, attributes: &str) -> Option<&'static str> {
    // A row or a cell would be lost outside of its table.
    let element = Document::fragment(format!("<div {attributes}></div>"));
    let element = element.select_single("div");
    dropped(element.nodes().first()?, name)
}

enum Step<'a> {
    Enter(NodeRef<'a>, usize),
    Leave(String),
}

struct Page<'b, 'n, 'a> {
    builder: &'b mut Builder,
    notes: &'n Notes<'a>,
    /// Notes called in the block that is open.
    pending: Vec<NodeRef<'a>>,
    /// What is walked is a note: it calls no other.
    in_note: bool,
    /// Open elements in which a heading is part of something else and divides nothing.
    apart: usize,
    line: String,
    /// Open `pre` elements: white space counts.
    pre: usize,
    /// Cells of the open table row.
    cells: Vec<String>,
    /// Open cells: what is inside one, tables too, becomes one line.
    cell: usize,
}

impl<'b, 'n, 'a> Page<'b, 'n, 'a> {
    fn new(builder: &'b mut Builder, notes: &'n Notes<'a>) -> Self {
        Page {
            builder,
            notes,
            pending: Vec::new(),
            in_note: false,
            apart: 0,
            line: String::new(),
            pre: 0,
            cells: Vec::new(),
            cell: 0,
        }
    }

    fn walk(&mut self, root: NodeRef<'a>) -> Result<(), ExtractError> {
        let mut stack = vec![Step::Enter(root, 0)];
        while let Some(step) = stack.pop() {
            let (node, depth) = match step {
                Step::Leave(name) => {
                    if !holds_sections(&name) {
                        self.apart = self.apart.saturating_sub(1);
                    }
                    self.leave(&name)?;
                    continue;
                }
                Step::Enter(node, depth) => (node, depth),
            };
            if depth > MAX_DEPTH {
                return Err(ExtractError::Limit(format!("elements nested deeper than {MAX_DEPTH}")));
            }
            if node.is_text() {
                self.text(&node.text());
                continue;
            }
            if node.is_comment() {
                continue;
            }
            if node.is_element() {
                let name = node.node_name().map(|n| n.to_ascii_lowercase()).unwrap_or_default();
                if (depth > 0 && self.notes.is_moved(&node)) || self.drops(&node, &name) {
                    continue;
                }
                // The mark of a list's item says nothing of a note.
                if depth > 0 || !self.in_note || name != "li" {
                    self.enter(&name)?;
                    self.apart = self.apart.saturating_add(usize::from(!holds_sections(&name)));
                    stack.push(Step::Leave(name));
                }
                if !self.in_note {
                    self.pending.extend_from_slice(self.notes.of_link(&node));
                }
            }
            let deeper = depth.saturating_add(1);
            stack.extend(node.children_it(true).map(|child| Step::Enter(child, deeper)));
        }
        self.flush()
    }

    fn drops(&mut self, node: &NodeRef<'_>, name: &str) -> bool {
        let dropped = dropped(node, name);
        // Scripts are counted before.
        let counted = dropped.filter(|what| !what.is_empty() && *what != "scripts");
        self.builder.count(counted.unwrap_or_default(), u64::from(counted.is_some()));
        dropped.is_some()
    }

    fn enter(&mut self, name: &str) -> Result<(), ExtractError> {
        match name {
            "td" | "th" => {
                if self.cell == 0 {
                    self.line.clear();
                }
                self.cell = self.cell.saturating_add(1);
            }
            _ if self.cell > 0 => self.line.push_str(if is_block(name) || name == "br" { " " } else { "" }),
            "br" => self.line.push('\n'),
            "pre" => {
                self.flush()?;
                self.pre = self.pre.saturating_add(1);
            }
            "li" => {
                self.flush()?;
                self.line = "- ".into();
            }
            "tr" => {
                self.flush()?;
                self.cells.clear();
            }
            name if is_block(name) => self.flush()?,
            _ => {}
        }
        Ok(())
    }

    fn leave(&mut self, name: &str) -> Result<(), ExtractError> {
        match name {
            "td" | "th" => {
                self.cell = self.cell.saturating_sub(1);
                if self.cell == 0 {
                    let cell = std::mem::take(&mut self.line);
                    self.cells.push(cell.split_whitespace().collect::<Vec<_>>().join(" "));
                }
                Ok(())
            }
            _ if self.cell > 0 => {
                self.line.push_str(if is_block(name) { " " } else { "" });
                Ok(())
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" if self.apart == 0 => {
                let line = std::mem::take(&mut self.line);
                let level = name.trim_start_matches('h').parse().unwrap_or(6);
                self.builder.heading(level, &line)?;
                self.show_notes()
            }
            "tr" => {
                let row = std::mem::take(&mut self.cells);
                if !row.iter().all(String::is_empty) {
                    self.builder.block(&row.join(" | "))?;
                }
                self.show_notes()
            }
            "li" if self.line.trim() == "-" => {
                self.line.clear();
                self.show_notes()
            }
            "li" => self.flush(),
            "pre" => {
                let out = self.flush();
                self.pre = self.pre.saturating_sub(1);
                out
            }
            name if is_block(name) => self.flush(),
            _ => Ok(()),
        }
    }

    fn text(&mut self, text: &str) {
        if self.pre > 0 {
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
        if self.line == "- " {
            return Ok(());
        }
        let line = std::mem::take(&mut self.line);
        if !line.trim().is_empty() {
            self.builder.block(if self.pre > 0 { line.as_str() } else { line.trim() })?;
        }
        self.show_notes()
    }

    /// The notes that the block before called, unless nobody sees where they stand.
    fn show_notes(&mut self) -> Result<(), ExtractError> {
        for note in std::mem::take(&mut self.pending) {
            let name_of = |node: &NodeRef<'_>| node.node_name().map(|n| n.to_ascii_lowercase()).unwrap_or_default();
            if note.ancestors_it(None).any(|above| above.is_element() && dropped(&above, &name_of(&above)).is_some()) {
                self.builder.count("hidden elements", 1);
                continue;
            }
            let mut inside = Page { in_note: true, apart: 1, ..Page::new(self.builder, self.notes) };
            inside.walk(note)?;
        }
        Ok(())
    }
}

/// What kind of thing an element is that is left out, if it is; the empty one is not worth counting.
fn dropped(node: &NodeRef<'_>, name: &str) -> Option<&'static str> {
    Some(match name {
        "script" => "scripts",
        "style" | "link" => "styles",
        "template" | "noscript" | "noframes" | "noembed" | "object" | "embed" | "iframe" | "canvas" | "svg"
        | "video" | "audio" => "embedded elements",
        "head" | "title" | "meta" | "base" | "select" | "datalist" => "",
        "nav" => "navigation",
        "div" | "section" | "aside" | "ul" | "ol" if hiding::is_contents(node) => "navigation",
        // The source of a formula, beside the formula.
        "annotation" | "annotation-xml" => "hidden elements",
        // LibreOffice's, which stand on every page.
        "div" if node.attr("title").is_some_and(|title| matches!(&*title, "header" | "footer")) => {
            "headers and footers"
        }
        _ if is_hidden(node) => "hidden elements",
        _ => return None,
    })
}

/// Whether a heading in such an element, and in no other, begins a section of the page. Within a quotation, a list, an
/// aside, or whatever else stands in the text as one thing, it does not.
fn holds_sections(name: &str) -> bool {
    let sections =
        ["html", "body", "main", "article", "section", "div", "header", "footer", "hgroup", "form", "center"];
    let inline = ["a", "b", "big", "em", "font", "i", "small", "span", "strong", "u"];
    sections.contains(&name) || inline.contains(&name)
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "caption"
            | "dd"
            | "details"
            | "dialog"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "header"
            | "hr"
            | "html"
            | "legend"
            | "main"
            | "ol"
            | "p"
            | "section"
            | "summary"
            | "table"
            | "tbody"
            | "tfoot"
            | "thead"
            | "ul"
    )
}
