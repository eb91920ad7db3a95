//! Numbers of lists and headings in OpenDocument.

use std::collections::BTreeMap;

use super::styles::{Level, Styles};
use crate::extract::numerals::numeral;

/// Levels that lists and headings have.
pub const LEVELS: usize = 10;
/// Characters of a number.
const MAX_LABEL: usize = 200;

/// How far something that is numbered is, by level.
#[derive(Debug, Clone, Default)]
pub struct Counts([Option<u32>; LEVELS]);

impl Counts {
    /// The mark of the next item of a level, which counts from 1; `None` for one without.
    pub fn next(&mut self, levels: &BTreeMap<u8, Level>, depth: u8, start: Option<u32>) -> Option<String> {
        let level = levels.get(&depth)?;
        let begin = |depth: u8| levels.get(&depth).and_then(|level| level.start).unwrap_or(1);
        let index = usize::from(depth).saturating_sub(1);
        if let Some(count) = self.0.get_mut(index) {
            *count = Some(start.or(count.map(|n| n.saturating_add(1))).unwrap_or_else(|| begin(depth)));
        }
        self.0.iter_mut().skip(index.saturating_add(1)).for_each(|count| *count = None);
        if !level.is_number {
            return Some("-".into());
        }
        if level.format.is_empty() {
            return None;
        }
        let first = depth.saturating_sub(level.shown.clamp(1, depth).saturating_sub(1));
        let numbers: Vec<String> = (first..=depth)
            .filter(|depth| levels.get(depth).is_some_and(|level| !level.format.is_empty()))
            .map(|depth| {
                let count = self.0.get(usize::from(depth).saturating_sub(1)).copied().flatten();
                let format = levels.get(&depth).map(|level| level.format.as_str()).unwrap_or_default();
                numeral(word_for(format), count.unwrap_or_else(|| begin(depth)))
            })
            .collect();
        let label = format!("{}{}{}", level.before, numbers.join("."), level.after);
        Some(label.trim().chars().take(MAX_LABEL).collect())
    }
}

fn word_for(format: &str) -> &str {
    match format {
        "a" => "lowerLetter",
        "A" => "upperLetter",
        "i" => "lowerRoman",
        "I" => "upperRoman",
        "一, 二, 三, ..." => "chineseCounting",
        "①, ②, ③, ..." => "decimalEnclosedCircle",
        "甲, 乙, 丙, ..." => "ideographTraditional",
        "ア, イ, ウ, ..." => "aiueo",
        _ => "decimal",
    }
}

/// An open list.
#[derive(Debug)]
pub struct Open {
    style: String,
    id: Option<String>,
    /// The next paragraph is the first of an item.
    pub begins: bool,
    start: Option<u32>,
}

/// The lists of a document.
#[derive(Debug, Default)]
pub struct Lists {
    open: Vec<Open>,
    counts: Counts,
    /// Where lists stopped, by name and by style, for those that go on.
    stopped: BTreeMap<String, Counts>,
}

impl Lists {
    pub fn start(&mut self, style: Option<String>, id: Option<String>, goes_on: bool, after: Option<String>) {
        let style = style.or_else(|| self.open.last().map(|list| list.style.clone())).unwrap_or_default();
        if self.open.is_empty() {
            let before = match after {
                Some(id) => self.stopped.get(&id),
                None if goes_on => self.stopped.get(&style),
                None => None,
            };
            self.counts = before.cloned().unwrap_or_default();
        }
        self.open.push(Open { style, id, begins: false, start: None });
    }

    pub fn end(&mut self) {
        let Some(list) = self.open.pop() else { return };
        if self.open.is_empty() && self.stopped.len() < 10_000 {
            self.stopped.insert(list.style, self.counts.clone());
            self.stopped.extend(list.id.map(|id| (id, self.counts.clone())));
        }
    }

    pub fn item(&mut self, start: Option<u32>) {
        if let Some(list) = self.open.last_mut() {
            (list.begins, list.start) = (true, start);
        }
    }

    /// What stands before a paragraph: the mark of the item that it begins.
    pub fn mark(&mut self, styles: &Styles, own: Option<&str>) -> Option<Option<String>> {
        let depth = u8::try_from(self.open.len()).unwrap_or(u8::MAX);
        let list = self.open.last_mut().filter(|list| list.begins)?;
        list.begins = false;
        let levels = styles.list(&list.style).or_else(|| styles.list(own?));
        let start = list.start.take();
        Some(levels.and_then(|levels| self.counts.next(levels, depth, start)))
    }
}
