//! Formulas and charts of OpenDocument files, which are documents of their own in the archive.

use std::collections::BTreeMap;

use crate::extract::archive::Parts;
use crate::extract::xml::{Xml, each_event};
use crate::extract::{Builder, ExtractError};

/// What a reader sees of an object.
#[derive(Debug)]
pub enum Object {
    Formula(String),
    /// Titles and labels.
    Words(Vec<String>),
}

/// Objects by the folder that they lie in.
pub type Objects = BTreeMap<String, Object>;

pub fn read(parts: &mut Parts<'_>, builder: &mut Builder) -> Result<Objects, ExtractError> {
    let mut objects = Objects::new();
    let names = parts.names();
    for folder in names.iter().filter_map(|name| name.strip_suffix("/content.xml")) {
        let Some(xml) = parts.text(&format!("{folder}/content.xml"))? else { continue };
        match if xml.contains("<office:") { words(&xml) } else { formula(&xml) } {
            Ok(object) => drop(objects.insert(folder.to_owned(), object)),
            Err(e) => builder.warn(format!("an object is left out: {e}")),
        }
    }
    Ok(objects)
}

fn words(xml: &str) -> Result<Object, ExtractError> {
    let (mut blocks, mut line, mut depth, mut in_body) = (Vec::<String>::new(), String::new(), 0usize, false);
    each_event(xml, |event| {
        match event {
            Xml::Start("body", _) => in_body = true,
            Xml::Start("p", _) => depth = depth.saturating_add(1),
            Xml::End("p") => {
                depth = depth.saturating_sub(1);
                let words = std::mem::take(&mut line);
                // Numbers are shown as bars and lines.
                let is_number = words.trim().parse::<f64>().is_ok();
                if !words.trim().is_empty() && !is_number && !blocks.contains(&words) && blocks.len() < 1_000 {
                    blocks.push(words);
                }
            }
            Xml::Text(text) if in_body && depth > 0 => line.push_str(text),
            _ => {}
        }
        Ok(())
    })?;
    Ok(Object::Words(blocks))
}

/// A formula on one line. Its source, beside it, is not seen.
fn formula(xml: &str) -> Result<Object, ExtractError> {
    let (mut text, mut skipped) = (String::new(), 0usize);
    // Of each open element how many of its parts have begun, and what stands between them.
    let mut open: Vec<(usize, &'static str)> = Vec::new();
    each_event(xml, |event| {
        match event {
            Xml::Start(name, _) => {
                if skipped > 0 || name.starts_with("annotation") {
                    skipped = skipped.saturating_add(1);
                    return Ok(());
                }
                if let Some((parts, between)) = open.last_mut() {
                    *parts = parts.saturating_add(1);
                    let sign = if *parts == 2 { *between } else { "" };
                    text.push_str(sign);
                }
                let between = match name {
                    "mfrac" => "/",
                    "msup" | "mover" => "^",
                    "msub" | "munder" => "_",
                    _ => "",
                };
                open.push((0, between));
            }
            Xml::End(_) if skipped > 0 => skipped = skipped.saturating_sub(1),
            Xml::End(_) => drop(open.pop()),
            Xml::Text(part) if skipped == 0 => text.push_str(part.trim()),
            Xml::Text(_) => {}
        }
        Ok(())
    })?;
    Ok(Object::Formula(text))
}
