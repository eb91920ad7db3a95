//! HTML as a reader would see it: visible text with its headings, lists and tables.
//!
//! The tree is walked iteratively, so that deep nesting costs memory and never the stack.

use dom_query::{Document, NodeRef};

use super::{Builder, ExtractError};

/// Deeper than any page that people read.
const MAX_DEPTH: usize = 2_000;

pub fn read(html: &str, builder: &mut Builder) -> Result<(), ExtractError> {
    let document = Document::from(html);
    if let Some(title) = document.select_single("title").nodes().first() {
        builder.title = Some(builder.canonical(&title.text()).split_whitespace().collect::<Vec<_>>().join(" "));
    }
    let main = document.select("main, [role=main]");
    let root = match main.nodes() {
        [one] => *one,
        _ => document.root(),
    };
    let mut page = Page { builder, line: String::new(), pre: 0, cells: Vec::new(), cell: 0 };
    page.walk(root)
}

enum Step<'a> {
    Enter(NodeRef<'a>, usize),
    Leave(String),
}

struct Page<'b> {
    builder: &'b mut Builder,
    line: String,
    /// Open `pre` elements: white space counts.
    pre: usize,
    /// Cells of the open table row.
    cells: Vec<String>,
    /// Open cells: what is inside one, tables too, becomes one line.
    cell: usize,
}

impl Page<'_> {
    fn walk(&mut self, root: NodeRef<'_>) -> Result<(), ExtractError> {
        let mut stack = vec![Step::Enter(root, 0)];
        while let Some(step) = stack.pop() {
            let (node, depth) = match step {
                Step::Leave(name) => {
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
                self.builder.count("comments", 1);
                continue;
            }
            if node.is_element() {
                let name = node.node_name().map(|n| n.to_ascii_lowercase()).unwrap_or_default();
                if self.drops(&node, &name) {
                    continue;
                }
                self.enter(&name)?;
                stack.push(Step::Leave(name));
            }
            let deeper = depth.saturating_add(1);
            stack.extend(node.children_it(true).map(|child| Step::Enter(child, deeper)));
        }
        self.flush()
    }

    fn drops(&mut self, node: &NodeRef<'_>, name: &str) -> bool {
        let what = match name {
            "script" => "scripts",
            "style" | "link" => "styles",
            "template" | "noscript" | "object" | "embed" | "iframe" | "canvas" | "svg" | "video" | "audio" => {
                "embedded elements"
            }
            "head" | "title" | "meta" | "base" | "select" | "datalist" => return true,
            "nav" => "navigation",
            _ if is_hidden(node) => "hidden elements",
            _ => return false,
        };
        self.builder.count(what, 1);
        true
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
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                let line = std::mem::take(&mut self.line);
                let level = name.trim_start_matches('h').parse().unwrap_or(6);
                self.builder.heading(level, &line)
            }
            "tr" => {
                let row = std::mem::take(&mut self.cells);
                if row.iter().all(String::is_empty) { Ok(()) } else { self.builder.block(&row.join(" | ")) }
            }
            "li" if self.line.trim() == "-" => {
                self.line.clear();
                Ok(())
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
        let line = std::mem::take(&mut self.line);
        if line.trim().is_empty() {
            return Ok(());
        }
        // The mark of a list item waits for the paragraph inside it.
        if line == "- " {
            self.line = line;
            return Ok(());
        }
        let line = if self.pre > 0 { line.as_str() } else { line.trim() };
        self.builder.block(line)
    }
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

/// Hidden by attribute or by its own style. Classes are not resolved: a style sheet is not applied.
fn is_hidden(node: &NodeRef<'_>) -> bool {
    if node.has_attr("hidden") || node.attr("aria-hidden").is_some_and(|v| v.eq_ignore_ascii_case("true")) {
        return true;
    }
    if node.attr("type").is_some_and(|v| v.eq_ignore_ascii_case("hidden")) {
        return true;
    }
    let Some(style) = node.attr("style") else { return false };
    is_hiding(&style)
}

/// Whether a style of an element's own shows nothing of it, or shows it where nobody looks.
fn is_hiding(style: &str) -> bool {
    let style: String = style.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect();
    let declared = style.split(';').filter_map(|d| d.split_once(':'));
    let declared: Vec<(&str, &str)> = declared.map(|(k, v)| (k, v.trim_end_matches("!important"))).collect();
    let is = |key: &str, wanted: &[&str]| declared.iter().any(|(k, v)| *k == key && wanted.contains(v));
    let any = |keys: &[&str], test: &dyn Fn(Length<'_>) -> bool| {
        declared.iter().filter(|(k, _)| keys.contains(k)).any(|(_, v)| lengths(v).any(test))
    };
    let far = |length: Length<'_>| is_far(length);
    // A part of the element's own size, or of its container's, is a matter of layout.
    let far_and_fixed = |length: Length<'_>| length.1 != "%" && is_far(length);
    let is_placed = is("position", &["absolute", "fixed", "relative", "sticky"]);
    let is_clipped = declared.iter().any(|(key, value)| {
        let all = |test: fn(Length<'_>) -> bool| lengths(value).next().is_some() && lengths(value).all(test);
        match *key {
            "clip" => value.starts_with("rect(") && all(|(n, _)| n.abs() <= 1.0),
            "clip-path" if value.starts_with("inset(") => lengths(value).any(|(n, unit)| unit == "%" && n >= 50.0),
            "clip-path" => all(|(n, _)| n == 0.0),
            "transform" | "scale" => value.contains("scale(0)") || *value == "0",
            _ => false,
        }
    });
    let is_cut = is("overflow", &["hidden", "clip"])
        && any(&["width", "height", "max-width", "max-height"], &|(n, unit)| n <= 1.0 && matches!(unit, "" | "px"));
    is("display", &["none"])
        || is("visibility", &["hidden", "collapse"])
        || is("content-visibility", &["hidden"])
        || is("color", &["transparent"])
        || any(&["opacity", "font-size"], &|(n, _)| n < 0.05)
        || (is_placed && any(&["left", "top", "right", "bottom", "inset"], &far))
        || any(&["text-indent"], &far)
        || any(&["margin", "margin-left", "margin-top", "margin-right", "transform", "translate"], &far_and_fixed)
        || is_clipped
        || is_cut
}

/// A number and its unit.
type Length<'a> = (f32, &'a str);

/// All lengths in a value.
fn lengths(value: &str) -> impl Iterator<Item = Length<'_>> {
    let parts = value.split(['(', ')', ',', '/']);
    parts.filter_map(|part| {
        let end = part.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+'))).unwrap_or(part.len());
        Some((part.get(..end)?.parse().ok()?, part.get(end..)?))
    })
}

/// So far beyond an edge that nothing is seen any more.
fn is_far((number, unit): Length<'_>) -> bool {
    match unit {
        "%" | "vw" | "vh" | "vmin" | "vmax" => number <= -100.0,
        "em" | "rem" | "ch" | "ex" => number <= -50.0,
        _ => number <= -500.0,
    }
}
