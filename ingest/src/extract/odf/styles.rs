//! What styles of OpenDocument mean: what is hidden, what stands above the line, how lists are numbered.

use std::collections::BTreeMap;

use quick_xml::events::BytesStart;

use crate::extract::ExtractError;
use crate::extract::xml::{Xml, attribute, each_event};

#[derive(Debug, Clone, Default)]
pub struct Style {
    parent: Option<String>,
    pub hidden: Option<bool>,
    pub above: Option<bool>,
    pub list: Option<String>,
    pub level: Option<u8>,
    pub is_title: bool,
    /// Of a sheet or a slide: it is not shown.
    pub unshown: bool,
}

/// How a level of a list is marked.
#[derive(Debug, Clone, Default)]
pub struct Level {
    pub is_number: bool,
    pub format: String,
    pub before: String,
    pub after: String,
    pub start: Option<u32>,
    /// Numbers of how many levels are shown.
    pub shown: u8,
}

#[derive(Debug, Default)]
pub struct Styles {
    /// By family and name.
    styles: BTreeMap<(String, String), Style>,
    lists: BTreeMap<String, BTreeMap<u8, Level>>,
    /// Levels of headings.
    pub outline: BTreeMap<u8, Level>,
    /// Headers and footers with a text.
    pub around: u64,
}

/// Name of the list that numbers headings.
const OUTLINE: &str = "\u{0}outline";

impl Styles {
    pub fn read(&mut self, xml: &str) -> Result<(), ExtractError> {
        let mut open: Option<((String, String), Style)> = None;
        let mut list: Option<(String, BTreeMap<u8, Level>)> = None;
        let mut around = false;
        each_event(xml, |event| {
            match event {
                Xml::Start("style", element) => open = named(element),
                Xml::End("style") => self.styles.extend(open.take()),
                Xml::Start("list-style", element) => {
                    list = attribute(element, "name").map(|name| (name, BTreeMap::new()))
                }
                Xml::Start("outline-style", _) => list = Some((OUTLINE.to_owned(), BTreeMap::new())),
                Xml::End("list-style") => self.lists.extend(list.take()),
                Xml::End("outline-style") => {
                    if let Some((_, levels)) = list.take() {
                        self.outline = levels;
                    }
                }
                Xml::Start("list-level-style-number" | "outline-level-style", element) => {
                    let number = |name: &str| attribute(element, name).and_then(|n| n.parse::<u32>().ok());
                    let depth = number("level").and_then(|n| u8::try_from(n).ok()).unwrap_or(1);
                    let level = Level {
                        is_number: true,
                        format: attribute(element, "num-format").unwrap_or_default(),
                        before: attribute(element, "num-prefix").unwrap_or_default(),
                        after: attribute(element, "num-suffix").unwrap_or_default(),
                        start: number("start-value"),
                        shown: number("display-levels").and_then(|n| u8::try_from(n).ok()).unwrap_or(1),
                    };
                    list.iter_mut().for_each(|(_, levels)| drop(levels.insert(depth, level.clone())));
                }
                Xml::Start("list-level-style-bullet" | "list-level-style-image", element) => {
                    let depth = attribute(element, "level").and_then(|n| n.parse().ok()).unwrap_or(1);
                    list.iter_mut().for_each(|(_, levels)| drop(levels.insert(depth, Level::default())));
                }
                Xml::Start(
                    "header" | "footer" | "header-left" | "footer-left" | "header-first" | "footer-first",
                    _,
                ) => {
                    around = true;
                }
                Xml::End("header" | "footer" | "header-left" | "footer-left" | "header-first" | "footer-first") => {
                    around = false;
                }
                Xml::Text(text) if around && !text.trim().is_empty() => {
                    self.around = self.around.saturating_add(1);
                    around = false;
                }
                Xml::Start(name, element) => {
                    if let Some((_, style)) = &mut open {
                        style.take(name, element);
                    }
                }
                _ => {}
            }
            Ok(())
        })
    }

    /// What a style means through those that it is based on.
    pub fn resolve(&self, family: &str, name: &str) -> Style {
        let mut means = Style::default();
        let mut at = name.to_owned();
        for _ in 0..16 {
            // Built-in names are the same in every language of LibreOffice, also where a file does not describe them.
            means.is_title |= at == "Title" && family == "paragraph";
            let Some(style) = self.styles.get(&(family.to_owned(), at.clone())) else { break };
            means.hidden = means.hidden.or(style.hidden);
            means.above = means.above.or(style.above);
            means.list = means.list.or_else(|| style.list.clone());
            means.level = means.level.or(style.level);
            means.unshown |= style.unshown;
            match &style.parent {
                Some(parent) => at = parent.clone(),
                None => break,
            }
        }
        means
    }

    pub fn list(&self, name: &str) -> Option<&BTreeMap<u8, Level>> {
        self.lists.get(name)
    }
}

fn named(element: &BytesStart<'_>) -> Option<((String, String), Style)> {
    let (family, name) = (attribute(element, "family")?, attribute(element, "name")?);
    let style = Style {
        parent: attribute(element, "parent-style-name"),
        list: attribute(element, "list-style-name").filter(|list| !list.is_empty()),
        level: attribute(element, "default-outline-level").and_then(|level| level.parse().ok()),
        ..Style::default()
    };
    Some(((family, name), style))
}

impl Style {
    fn take(&mut self, name: &str, element: &BytesStart<'_>) {
        match name {
            "text-properties" => {
                let is_tiny = attribute(element, "font-size").is_some_and(|size| {
                    size.strip_suffix("pt").and_then(|size| size.parse::<f32>().ok()).is_some_and(|size| size <= 1.0)
                });
                match attribute(element, "display").as_deref() {
                    Some("none") => self.hidden = Some(true),
                    Some(_) => self.hidden = Some(false),
                    None => {}
                }
                if is_tiny {
                    self.hidden = Some(true);
                }
                if let Some(position) = attribute(element, "text-position") {
                    let first = position.split_whitespace().next().unwrap_or_default();
                    let height = first.trim_end_matches('%').parse::<f32>().unwrap_or_default();
                    self.above = Some(first == "super" || height > 0.0);
                }
            }
            "table-properties" => self.unshown |= attribute(element, "display").is_some_and(|shown| shown == "false"),
            "drawing-page-properties" => {
                self.unshown |= attribute(element, "visibility").is_some_and(|shown| shown == "hidden");
            }
            _ => {}
        }
    }
}
