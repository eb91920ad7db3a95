//! What styles of Word mean: levels of headings, what is hidden, numbering.

use std::collections::BTreeMap;

use quick_xml::events::BytesStart;

use crate::extract::ExtractError;
use crate::extract::xml::{Xml, attribute, each_event, is_on, value};

/// How characters look, where it is said.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Look {
    pub hidden: Option<bool>,
    /// Half points.
    pub size: Option<u32>,
    pub script: Option<Script>,
    /// White letters, which nobody sees on white paper.
    pub white: Option<bool>,
    /// Something behind the letters has a colour of its own.
    pub shaded: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Script {
    Base,
    Above,
    Below,
}

impl Look {
    /// What is said here, else what is said there.
    pub fn or(self, other: Look) -> Look {
        Look {
            hidden: self.hidden.or(other.hidden),
            size: self.size.or(other.size),
            script: self.script.or(other.script),
            white: self.white.or(other.white),
            shaded: self.shaded.or(other.shaded),
        }
    }

    /// Takes in a property of characters. Where it is on paper counts: `webHidden` is seen there.
    pub fn take(&mut self, name: &str, element: &BytesStart<'_>) {
        match name {
            "vanish" | "specVanish" => self.hidden = Some(is_on(element)),
            "sz" => self.size = value(element).and_then(|size| size.parse().ok()).or(self.size),
            "vertAlign" => {
                self.script = Some(match value(element).as_deref() {
                    Some("superscript") => Script::Above,
                    Some("subscript") => Script::Below,
                    _ => Script::Base,
                });
            }
            "color" => self.white = Some(value(element).is_some_and(|color| is_white(&color))),
            "shd" => {
                let fill = attribute(element, "fill").unwrap_or_default();
                let pattern = value(element).unwrap_or_default();
                let is_clear = fill.is_empty() || fill == "auto" || is_white(&fill);
                self.shaded = Some(!is_clear || !matches!(pattern.as_str(), "" | "clear" | "nil"));
            }
            "highlight" => self.shaded = Some(value(element).is_some_and(|color| color != "none" && color != "white")),
            _ => {}
        }
    }

    /// What is no larger than a point is not meant to be read.
    pub fn is_unseen(&self) -> bool {
        self.hidden == Some(true) || self.size.is_some_and(|size| size <= 2)
    }
}

fn is_white(color: &str) -> bool {
    color.eq_ignore_ascii_case("FFFFFF") || color.eq_ignore_ascii_case("white")
}

/// What a style says about outline, look and numbering.
#[derive(Debug, Clone, Default)]
pub struct Style {
    pub level: Option<u8>,
    pub look: Look,
    /// Lines of a table of contents, which repeat what stands elsewhere.
    pub contents: bool,
    pub list: Option<String>,
    pub list_level: Option<u8>,
    based_on: Option<String>,
}

#[derive(Debug, Default)]
pub struct Styles {
    by_id: BTreeMap<String, Style>,
    /// That of paragraphs that name none.
    usual: Option<String>,
}

impl Styles {
    pub fn read(xml: &str) -> Result<Styles, ExtractError> {
        let mut styles = Styles::default();
        let mut open: Option<(String, Style)> = None;
        each_event(xml, |event| {
            match event {
                Xml::Start("style", element) => {
                    open = attribute(element, "styleId").map(|id| (id, Style::default()));
                    let is = |name: &str, wanted: &[&str]| {
                        attribute(element, name).is_some_and(|value| wanted.contains(&value.as_str()))
                    };
                    if is("type", &["paragraph"]) && is("default", &["1", "true", "on"]) {
                        styles.usual = attribute(element, "styleId");
                    }
                }
                Xml::End("style") => styles.by_id.extend(open.take()),
                Xml::Start(name, element) => {
                    let Some((_, style)) = &mut open else { return Ok(()) };
                    match (name, value(element)) {
                        // Built-in names are the same in every language of Word.
                        ("name", Some(name)) => {
                            style.level = style.level.or(heading_name(&name));
                            style.contents = is_contents(&name);
                        }
                        ("basedOn", Some(parent)) => style.based_on = Some(parent),
                        ("outlineLvl", Some(level)) => style.level = outline(&level).or(style.level),
                        ("numId", Some(list)) => style.list = Some(list),
                        ("ilvl", Some(level)) => style.list_level = level.parse().ok(),
                        _ => style.look.take(name, element),
                    }
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok(styles)
    }

    /// What a style means through the chain of those that it is based on; a chain that loops ends by its length.
    pub fn resolve(&self, id: &str) -> Style {
        let mut means = Style::default();
        let mut at = id.to_owned();
        for _ in 0..16 {
            let Some(style) = self.by_id.get(&at) else {
                // Documents without a styles part still use the usual names.
                let plain = at.to_ascii_lowercase();
                means.level = means.level.or(plain.strip_prefix("heading").and_then(heading_level));
                means.contents |= is_contents(&plain);
                return means;
            };
            means.level = means.level.or(style.level);
            means.look = means.look.or(style.look);
            means.contents |= style.contents;
            means.list = means.list.or_else(|| style.list.clone());
            means.list_level = means.list_level.or(style.list_level);
            match &style.based_on {
                Some(parent) => at.clone_from(parent),
                None => break,
            }
        }
        means
    }

    /// What a paragraph's style means; one that names none has the usual one.
    pub fn of_paragraph(&self, id: Option<&str>) -> Style {
        id.or(self.usual.as_deref()).map(|id| self.resolve(id)).unwrap_or_default()
    }
}

/// Outline levels count from 0; 9 is body text.
pub fn outline(level: &str) -> Option<u8> {
    level.parse::<u8>().ok().filter(|l| *l < 9).map(|l| l.saturating_add(1))
}

fn heading_name(name: &str) -> Option<u8> {
    let name = name.to_ascii_lowercase();
    if name == "title" {
        return Some(1);
    }
    name.strip_prefix("heading ").and_then(heading_level)
}

/// Word has nine levels of headings.
fn heading_level(number: &str) -> Option<u8> {
    number.trim().parse::<u8>().ok().map(|level| level.clamp(1, 9))
}

/// Styles of tables of contents and indexes.
fn is_contents(style: &str) -> bool {
    let style = style.to_ascii_lowercase();
    let numbered = style.strip_prefix("toc").or_else(|| style.strip_prefix("index"));
    matches!(style.as_str(), "table of figures" | "table of authorities")
        || numbered.is_some_and(|rest| rest.trim().parse::<u8>().is_ok())
}
