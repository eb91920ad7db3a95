//! Words of charts and diagrams, which office files keep in parts of their own.

use std::collections::BTreeMap;

use super::opc::{Package, Relations};
use super::xml::{Xml, each_event};
use super::{Builder, ExtractError};

/// Blocks of text by the relationship that stands for the drawing.
pub type Drawn = BTreeMap<String, Vec<String>>;

pub fn read(package: &mut Package<'_>, relations: &Relations, builder: &mut Builder) -> Result<Drawn, ExtractError> {
    let mut drawn = Drawn::new();
    for (id, relation) in relations.iter().filter(|(_, relation)| !relation.is_outside) {
        let words = match relation.kind.as_str() {
            "chart" | "chartEx" => chart,
            "diagramData" => diagram,
            _ => continue,
        };
        let Some(xml) = package.text(&relation.target)? else { continue };
        match words(&xml) {
            Ok(blocks) => drop(drawn.insert(id.clone(), blocks)),
            Err(e) => builder.warn(format!("a drawing is left out: {e}")),
        }
    }
    Ok(drawn)
}

/// Titles, and the names of series and categories: a reader sees them as words.
fn chart(xml: &str) -> Result<Vec<String>, ExtractError> {
    let (mut title, mut names) = (Vec::new(), Vec::<String>::new());
    let (mut line, mut inside, mut in_names, mut strings) = (String::new(), false, false, 0usize);
    each_event(xml, |event| {
        match event {
            Xml::Start("strCache" | "multiLvlStrCache", _) => strings = strings.saturating_add(1),
            Xml::End("strCache" | "multiLvlStrCache") => strings = strings.saturating_sub(1),
            Xml::Start("t", _) => inside = true,
            Xml::Start("v", _) if strings > 0 => (inside, in_names) = (true, true),
            Xml::Text(text) if inside => line.push_str(text),
            Xml::End("t") => inside = false,
            Xml::End("v") if in_names => {
                (inside, in_names) = (false, false);
                let name = std::mem::take(&mut line);
                if !name.trim().is_empty() && !names.iter().rev().take(1_000).any(|other| *other == name) {
                    names.push(name);
                }
            }
            Xml::End("p") => {
                let words = std::mem::take(&mut line);
                title.extend(Some(words).filter(|words| !words.trim().is_empty()));
            }
            _ => {}
        }
        Ok(())
    })?;
    let mut blocks = title;
    if !names.is_empty() {
        blocks.push(names.join(" | "));
    }
    Ok(blocks)
}

/// The words of its shapes.
fn diagram(xml: &str) -> Result<Vec<String>, ExtractError> {
    words(xml)
}

/// Paragraphs of a drawing, each a block.
pub fn words(xml: &str) -> Result<Vec<String>, ExtractError> {
    let (mut blocks, mut line, mut inside, mut run) = (Vec::new(), String::new(), false, false);
    each_event(xml, |event| {
        match event {
            // Of the elements of this name only that of a run holds text.
            Xml::Start("r" | "fld", _) => run = true,
            Xml::End("r" | "fld") => run = false,
            Xml::Start("t", _) => inside = run,
            Xml::End("t") => inside = false,
            Xml::Start("br", _) => line.push(' '),
            Xml::Text(text) if inside => line.push_str(text),
            Xml::End("p") => {
                let words = std::mem::take(&mut line);
                blocks.extend(Some(words).filter(|words| !words.trim().is_empty()));
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(blocks)
}
