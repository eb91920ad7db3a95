//! Marks of lists: dashes, or the numbers that a browser counts.

use dom_query::NodeRef;

/// Lists that are open, the innermost last.
#[derive(Default)]
pub struct Lists {
    open: Vec<Option<Numbers>>,
    /// Of the item that began last.
    mark: String,
}

struct Numbers {
    next: i64,
    step: i64,
    kind: char,
}

const DASH: &str = "- ";

impl Lists {
    pub fn begin(&mut self, node: &NodeRef<'_>, name: &str) {
        let numbers = (name == "ol").then(|| {
            let is_reversed = node.has_attr("reversed");
            let items = || node.element_children().iter().filter(|item| item.has_name("li")).count();
            let first = if is_reversed { i64::try_from(items()).unwrap_or(1) } else { 1 };
            let start = node.attr("start").and_then(|start| start.trim().parse().ok());
            let kind = node.attr("type").and_then(|kind| kind.trim().chars().next()).unwrap_or('1');
            Numbers { next: start.unwrap_or(first), step: if is_reversed { -1 } else { 1 }, kind }
        });
        self.open.push(numbers);
    }

    pub fn end(&mut self) {
        self.open.pop();
    }

    /// What stands before an item.
    pub fn mark(&mut self, item: &NodeRef<'_>) -> String {
        self.mark = match self.open.last_mut() {
            Some(Some(numbers)) => {
                let number = item.attr("value").and_then(|value| value.trim().parse().ok()).unwrap_or(numbers.next);
                numbers.next = number.saturating_add(numbers.step);
                format!("{}. ", written(number, numbers.kind))
            }
            _ => DASH.to_owned(),
        };
        self.mark.clone()
    }

    /// Whether a line is nothing but the mark of the item that began last.
    pub fn is_mark(&self, line: &str) -> bool {
        !self.mark.is_empty() && line.trim() == self.mark.trim()
    }

    pub fn is_waiting(&self, line: &str) -> bool {
        !self.mark.is_empty() && line == self.mark
    }
}

fn written(number: i64, kind: char) -> String {
    let Some(positive) = u32::try_from(number).ok().filter(|n| (1..4_000).contains(n)) else {
        return number.to_string();
    };
    match kind {
        'a' => letters(positive),
        'A' => letters(positive).to_ascii_uppercase(),
        'i' => roman(positive),
        'I' => roman(positive).to_ascii_uppercase(),
        _ => number.to_string(),
    }
}

fn letters(mut number: u32) -> String {
    let mut out = Vec::new();
    while let Some(before) = number.checked_sub(1) {
        out.push(char::from(b'a'.saturating_add(u8::try_from(before % 26).unwrap_or_default())));
        number = before / 26;
    }
    out.into_iter().rev().collect()
}

fn roman(mut number: u32) -> String {
    let signs = [
        (1000, "m"),
        (900, "cm"),
        (500, "d"),
        (400, "cd"),
        (100, "c"),
        (90, "xc"),
        (50, "l"),
        (40, "xl"),
        (10, "x"),
        (9, "ix"),
        (5, "v"),
        (4, "iv"),
        (1, "i"),
    ];
    let mut out = String::new();
    for (value, sign) in signs {
        while let Some(rest) = number.checked_sub(value) {
            out.push_str(sign);
            number = rest;
        }
    }
    out
}
