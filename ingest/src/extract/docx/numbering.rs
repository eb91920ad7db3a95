//! Automatic numbers of Word: a reader sees them, the text does not hold them.

use std::collections::{BTreeMap, BTreeSet};

use super::styles::Styles;
use crate::extract::ExtractError;
use crate::extract::numerals::numeral;
use crate::extract::xml::{Xml, attribute, each_event, is_on, value};

const LEVELS: usize = 9;
/// Characters of a number.
const MAX_LABEL: usize = 200;

#[derive(Debug, Clone)]
struct Level {
    start: u32,
    format: String,
    /// `%1` to `%9` stand for the numbers of the levels.
    text: String,
    /// Goes on counting whatever comes before (0), or begins again after this level and those above.
    restart: Option<u8>,
    /// All numbers in digits.
    legal: bool,
    /// The style of paragraphs that have this level.
    style: Option<String>,
}

impl Default for Level {
    fn default() -> Self {
        Level { start: 1, format: String::new(), text: String::new(), restart: None, legal: false, style: None }
    }
}

#[derive(Debug, Default)]
struct Scheme {
    levels: BTreeMap<u8, Level>,
    /// It is that of another list, by the name of a style.
    link: Option<String>,
}

#[derive(Debug, Default)]
struct List {
    scheme: String,
    starts: BTreeMap<u8, u32>,
    levels: BTreeMap<u8, Level>,
}

#[derive(Debug, Default)]
pub struct Numbering {
    schemes: BTreeMap<String, Scheme>,
    lists: BTreeMap<String, List>,
}

/// What stands before a paragraph.
#[derive(Debug, PartialEq)]
pub enum Label {
    Bullet,
    Number(String),
}

impl Numbering {
    pub fn read(xml: &str) -> Result<Numbering, ExtractError> {
        let mut read = Reading::default();
        each_event(xml, |event| {
            match event {
                Xml::Start(name, element) => read.start(name, value(element), element),
                Xml::End(name) => read.end(name),
                Xml::Text(_) => {}
            }
            Ok(())
        })?;
        Ok(read.done)
    }

    fn scheme<'n>(&'n self, list: &'n List, styles: &Styles) -> Option<(&'n str, &'n Scheme)> {
        let mut name = &list.scheme;
        for _ in 0..4 {
            let scheme = self.schemes.get(name)?;
            let Some(link) = scheme.link.as_deref().filter(|_| scheme.levels.is_empty()) else {
                return Some((name, scheme));
            };
            name = &self.lists.get(&styles.resolve(link).list?)?.scheme;
        }
        None
    }
}

#[derive(Default)]
struct Reading {
    done: Numbering,
    scheme: Option<(String, Scheme)>,
    list: Option<(String, List)>,
    level: Option<(u8, Level)>,
    overridden: u8,
}

impl Reading {
    fn start(&mut self, name: &str, value: Option<String>, element: &quick_xml::events::BytesStart<'_>) {
        let level_of = || attribute(element, "ilvl").and_then(|level| level.parse().ok()).unwrap_or_default();
        let number = || value.as_deref().and_then(|text| text.parse::<u32>().ok());
        match name {
            "abstractNum" => {
                self.scheme = attribute(element, "abstractNumId").map(|id| (id, Scheme::default()));
            }
            "num" => self.list = attribute(element, "numId").map(|id| (id, List::default())),
            "lvlOverride" => self.overridden = level_of(),
            "lvl" => self.level = Some((level_of(), Level::default())),
            "abstractNumId" => {
                if let (Some((_, list)), Some(id)) = (&mut self.list, value) {
                    list.scheme = id;
                }
            }
            "startOverride" => {
                if let (Some((_, list)), Some(start)) = (&mut self.list, number()) {
                    list.starts.insert(self.overridden, start);
                }
            }
            "numStyleLink" => {
                if let Some((_, scheme)) = &mut self.scheme {
                    scheme.link = value;
                }
            }
            _ => {
                let Some((_, level)) = &mut self.level else { return };
                match name {
                    "start" => level.start = number().unwrap_or(level.start),
                    "numFmt" => level.format = value.unwrap_or_default(),
                    "lvlText" => level.text = value.unwrap_or_default(),
                    "lvlRestart" => level.restart = number().and_then(|n| u8::try_from(n).ok()),
                    "isLgl" => level.legal = is_on(element),
                    "pStyle" => level.style = value,
                    _ => {}
                }
            }
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "lvl" => {
                let Some((depth, level)) = self.level.take() else { return };
                if let Some((_, list)) = &mut self.list {
                    list.levels.insert(depth, level);
                } else if let Some((_, scheme)) = &mut self.scheme {
                    scheme.levels.insert(depth, level);
                }
            }
            "abstractNum" => self.done.schemes.extend(self.scheme.take()),
            "num" => self.done.lists.extend(self.list.take()),
            _ => {}
        }
    }
}

/// How far the lists of one document are.
#[derive(Debug, Default)]
pub struct Counters {
    /// By scheme: lists that share one go on counting together.
    counts: BTreeMap<String, [Option<u32>; LEVELS]>,
    /// Lists with a start of their own that have begun.
    begun: BTreeSet<(String, u8)>,
}

impl Counters {
    /// What stands before the next paragraph of a list; `None` if the list is none.
    pub fn next(
        &mut self,
        numbering: &Numbering,
        styles: &Styles,
        list_id: &str,
        level: Option<u8>,
        style: Option<&str>,
    ) -> Option<Label> {
        let list = numbering.lists.get(list_id)?;
        let (name, scheme) = numbering.scheme(list, styles)?;
        let by_style =
            || scheme.levels.iter().find(|(_, level)| level.style.is_some() && level.style.as_deref() == style);
        let depth = level.or_else(|| by_style().map(|(depth, _)| *depth)).unwrap_or_default();
        let at = |depth: u8| list.levels.get(&depth).or_else(|| scheme.levels.get(&depth));
        let here = at(depth)?;
        let start = |depth: u8| {
            let level = at(depth).map_or(1, |level| level.start);
            list.starts.get(&depth).copied().unwrap_or(level)
        };
        let counts = self.counts.entry(name.to_owned()).or_default();
        let begins = list.starts.contains_key(&depth) && self.begun.insert((list_id.to_owned(), depth));
        if let Some(count) = counts.get_mut(usize::from(depth)) {
            *count = Some(match *count {
                Some(n) if !begins => n.saturating_add(1),
                _ => start(depth),
            });
        }
        for deeper in depth.saturating_add(1)..LEVELS as u8 {
            let begins_again = match at(deeper).and_then(|level| level.restart) {
                None => true,
                Some(0) => false,
                Some(after) => depth < after,
            };
            if let Some(count) = counts.get_mut(usize::from(deeper)).filter(|_| begins_again) {
                *count = None;
            }
        }
        if here.format == "bullet" {
            return Some(Label::Bullet);
        }
        let mut text = String::new();
        let mut signs = here.text.chars().peekable();
        while let Some(sign) = signs.next() {
            let wanted = signs.peek().and_then(|c| c.to_digit(10)).filter(|n| sign == '%' && (1..=9).contains(n));
            let Some(wanted) = wanted else {
                text.push(sign);
                continue;
            };
            signs.next();
            let wanted = u8::try_from(wanted).unwrap_or(1).saturating_sub(1);
            let count = counts.get(usize::from(wanted)).copied().flatten().unwrap_or_else(|| start(wanted));
            let format = at(wanted).map(|level| level.format.as_str()).unwrap_or_default();
            let is_plain = here.legal && format != "none";
            text.push_str(&numeral(if is_plain { "decimal" } else { format }, count));
        }
        Some(Label::Number(text.trim().chars().take(MAX_LABEL).collect()))
    }
}
