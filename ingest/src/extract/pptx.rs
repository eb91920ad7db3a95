//! PPTX: slides in their order, each under its title, with tables, diagrams and the speaker's notes. What a show leaves out
//! (hidden slides and shapes, what lies beside the slide) is dropped and counted, and so is what stands on every slide.

use std::collections::BTreeMap;

use quick_xml::events::BytesStart;

use super::graphics::{self, Drawn};
use super::numerals::numeral;
use super::opc::{Package, Relations};
use super::xml::{Xml, attribute, each_event, prefixed};
use super::{Builder, ExtractError};

const MAX_SLIDES: usize = 5_000;

pub fn read(bytes: &[u8], builder: &mut Builder) -> Result<(), ExtractError> {
    let mut package = Package::open(bytes)?;
    let Some(main) = package.main("ppt/presentation.xml")? else {
        return Err(ExtractError::Unsupported("an Office file without a presentation in it".into()));
    };
    let relations = package.relations(&main)?;
    let show = Show::read(&package.text(&main)?.unwrap_or_default())?;
    if show.slides.len() > MAX_SLIDES {
        return Err(ExtractError::Limit(format!("more than {MAX_SLIDES} slides")));
    }
    builder.title = package.title()?;
    for (index, id) in show.slides.iter().enumerate() {
        let number = u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1);
        let Some(part) = relations.get(id).filter(|relation| !relation.is_outside) else { continue };
        let Some(xml) = package.text(&part.target)? else {
            builder.warn(format!("slide {number} is not in the file"));
            continue;
        };
        let own = package.relations(&part.target)?;
        let drawn = graphics::read(&mut package, &own, builder)?;
        let slide = Slide::read(&xml, show.size, &drawn, builder)?;
        if slide.hidden {
            builder.count("hidden slides", 1);
            continue;
        }
        builder.page(number);
        slide.put(number, builder)?;
        if let Some(xml) = related(&mut package, &own, "notesSlide")? {
            let notes = Slide::read(&xml, None, &Drawn::new(), builder)?;
            notes.put_notes(builder)?;
        }
        if let Some(xml) = related(&mut package, &own, "comments")? {
            builder.count("comments", count(&xml, "cm")?);
        }
    }
    Ok(())
}

fn related(package: &mut Package<'_>, own: &Relations, kind: &str) -> Result<Option<String>, ExtractError> {
    match own.values().find(|relation| relation.kind == kind && !relation.is_outside) {
        Some(relation) => package.text(&relation.target),
        None => Ok(None),
    }
}

fn count(xml: &str, wanted: &str) -> Result<u64, ExtractError> {
    let mut count = 0u64;
    each_event(xml, |event| {
        count = count.saturating_add(u64::from(matches!(event, Xml::Start(name, _) if name == wanted)));
        Ok(())
    })?;
    Ok(count)
}

/// Width and height, or where something lies.
type Pair = (i64, i64);

#[derive(Default)]
struct Show {
    slides: Vec<String>,
    size: Option<Pair>,
}

impl Show {
    fn read(xml: &str) -> Result<Show, ExtractError> {
        let mut show = Show::default();
        each_event(xml, |event| {
            match event {
                Xml::Start("sldId", element) => show.slides.extend(prefixed(element, "id")),
                Xml::Start("sldSz", element) => show.size = pair(element, "cx", "cy"),
                _ => {}
            }
            Ok(())
        })?;
        Ok(show)
    }
}

fn pair(element: &BytesStart<'_>, first: &str, second: &str) -> Option<Pair> {
    let number = |name: &str| attribute(element, name)?.parse::<i64>().ok();
    Some((number(first)?, number(second)?))
}

/// A shape, while it is read.
#[derive(Debug, Default)]
struct Shape {
    /// What it stands in for on the slide's layout.
    place: Option<String>,
    hidden: bool,
    at: Option<Pair>,
    size: Option<Pair>,
    lines: Vec<String>,
    is_group: bool,
}

#[derive(Debug, Default)]
struct Line {
    text: String,
    level: usize,
    mark: Mark,
    /// The last characters stand above the line.
    above: bool,
}

#[derive(Debug, Default)]
enum Mark {
    #[default]
    None,
    Sign,
    Number(String, u32),
}

#[derive(Debug, Default)]
struct Slide {
    hidden: bool,
    title: Option<String>,
    blocks: Vec<String>,
    notes: Vec<String>,
}

struct Reading<'a> {
    slide: Slide,
    size: Option<Pair>,
    drawn: &'a Drawn,
    builder: &'a mut Builder,
    shapes: Vec<Shape>,
    line: Option<Line>,
    row: Option<Vec<String>>,
    in_text: bool,
    in_cell: bool,
    /// In the properties of a shape's transform.
    in_place: bool,
    tiny: bool,
    above: bool,
    in_field: bool,
    /// Open formulas.
    math: usize,
    choices: Vec<bool>,
    skipped: usize,
    numbers: BTreeMap<usize, u32>,
}

impl Slide {
    fn read(xml: &str, size: Option<Pair>, drawn: &Drawn, builder: &mut Builder) -> Result<Slide, ExtractError> {
        let mut reading = Reading {
            slide: Slide::default(),
            size,
            drawn,
            builder,
            shapes: Vec::new(),
            line: None,
            row: None,
            in_text: false,
            in_cell: false,
            in_place: false,
            tiny: false,
            above: false,
            in_field: false,
            math: 0,
            choices: Vec::new(),
            skipped: 0,
            numbers: BTreeMap::new(),
        };
        each_event(xml, |event| {
            match event {
                Xml::Start(name, element) => reading.start(name, element),
                Xml::End(name) => reading.end(name),
                Xml::Text(text) if reading.in_text && reading.skipped == 0 => reading.text(text),
                Xml::Text(_) => {}
            }
            Ok(())
        })?;
        Ok(reading.slide)
    }

    fn put(self, number: u32, builder: &mut Builder) -> Result<(), ExtractError> {
        match self.title {
            Some(title) => builder.heading(1, &title)?,
            // SECURITY: the number behind a restricted slide tells how many there are.
            None if builder.has_parts || self.blocks.is_empty() => {}
            None => builder.heading(1, &format!("Slide {number}"))?,
        }
        self.blocks.iter().try_for_each(|block| builder.block(block))
    }

    fn put_notes(self, builder: &mut Builder) -> Result<(), ExtractError> {
        let mut first = true;
        for block in self.notes.iter().filter(|block| !block.trim().is_empty()) {
            builder.block(&format!("{}{block}", if first { "Notes: " } else { "" }))?;
            first = false;
        }
        Ok(())
    }
}

impl Reading<'_> {
    fn start(&mut self, name: &str, element: &BytesStart<'_>) {
        if self.skipped > 0 {
            self.skipped = self.skipped.saturating_add(1);
            return;
        }
        match name {
            "sld" => self.slide.hidden = attribute(element, "show").is_some_and(|show| matches!(&*show, "0" | "false")),
            "AlternateContent" => self.choices.push(false),
            "Choice" | "Fallback" => match self.choices.last_mut() {
                Some(taken) if !*taken => *taken = true,
                _ => self.skipped = 1,
            },
            "sp" | "graphicFrame" | "pic" | "cxnSp" => self.shapes.push(Shape::default()),
            "grpSp" => self.shapes.push(Shape { is_group: true, ..Shape::default() }),
            "blip" => self.builder.count("pictures", 1),
            "oleObj" => self.builder.count("embedded documents", 1),
            "xfrm" => self.in_place = true,
            "chart" | "relIds" => {
                let id = prefixed(element, if name == "chart" { "id" } else { "dm" });
                let blocks = id.and_then(|id| self.drawn.get(&id)).cloned().unwrap_or_default();
                if let Some(shape) = self.shapes.last_mut() {
                    shape.lines.extend(blocks);
                }
            }
            "tr" => self.row = Some(Vec::new()),
            "tc" => {
                self.in_cell = true;
                self.row.iter_mut().for_each(|row| row.push(String::new()));
            }
            "p" => self.line = Some(Line::default()),
            "t" => self.in_text = true,
            "br" => self.text("\n"),
            "oMath" => self.math = self.math.saturating_add(1),
            "den" if self.math > 0 => self.text("/"),
            "sup" if self.math > 0 => self.text("^"),
            "sub" if self.math > 0 => self.text("_"),
            "fld" => {
                let kind = attribute(element, "type").unwrap_or_default();
                self.in_field = kind.starts_with("slidenum") || kind.starts_with("datetime");
            }
            "r" => (self.tiny, self.above) = (false, false),
            "rPr" => {
                let number =
                    |name: &str| attribute(element, name).and_then(|n| n.trim_end_matches('%').parse::<i64>().ok());
                self.tiny = number("sz").is_some_and(|size| size <= 100);
                self.above = number("baseline").is_some_and(|height| height > 0);
            }
            _ => self.property(name, element),
        }
    }

    fn property(&mut self, name: &str, element: &BytesStart<'_>) {
        if let Some(shape) = self.shapes.last_mut() {
            match name {
                "cNvPr" => shape.hidden |= attribute(element, "hidden").is_some_and(|on| on == "1" || on == "true"),
                "ph" => shape.place = Some(attribute(element, "type").unwrap_or_default()),
                "off" if self.in_place => shape.at = pair(element, "x", "y"),
                "ext" if self.in_place => shape.size = pair(element, "cx", "cy"),
                _ => {}
            }
        }
        if let Some(line) = &mut self.line {
            match name {
                "pPr" => line.level = attribute(element, "lvl").and_then(|level| level.parse().ok()).unwrap_or(0),
                "buChar" | "buBlip" => line.mark = Mark::Sign,
                "buAutoNum" => {
                    let start = attribute(element, "startAt").and_then(|start| start.parse().ok()).unwrap_or(1);
                    line.mark = Mark::Number(attribute(element, "type").unwrap_or_default(), start);
                }
                _ => {}
            }
        }
    }

    fn end(&mut self, name: &str) {
        if self.skipped > 0 {
            self.skipped = self.skipped.saturating_sub(1);
            return;
        }
        match name {
            "AlternateContent" => drop(self.choices.pop()),
            "t" => self.in_text = false,
            "oMath" => self.math = self.math.saturating_sub(1),
            "fld" => self.in_field = false,
            "xfrm" => self.in_place = false,
            "r" => (self.tiny, self.above) = (false, false),
            "p" => self.end_line(),
            "tc" => self.in_cell = false,
            "tr" => {
                let cells = self.row.take().unwrap_or_default();
                if let Some(shape) = self.shapes.last_mut().filter(|_| !cells.iter().all(String::is_empty)) {
                    shape.lines.push(cells.join(" | "));
                }
            }
            "txBody" if self.row.is_none() => {
                self.numbers.clear();
                if let Some(shape) = self.shapes.last_mut() {
                    // The paragraphs of a shape are one block; rows of a table are blocks of their own.
                    let lines = std::mem::take(&mut shape.lines);
                    shape.lines.extend((!lines.is_empty()).then(|| lines.join("\n")));
                }
            }
            "sp" | "graphicFrame" | "pic" | "cxnSp" | "grpSp" => self.end_shape(),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.in_field {
            return;
        }
        if self.tiny {
            self.builder.count("hidden characters", text.chars().count() as u64);
            return;
        }
        let Some(line) = &mut self.line else { return };
        let first = text.chars().next();
        let meets = |c: char| line.text.chars().next_back().is_some_and(char::is_alphanumeric) && c.is_alphanumeric();
        let is_ordinal = matches!(text.trim(), "st" | "nd" | "rd" | "th" | "er" | "e");
        match first {
            Some(c) if meets(c) && self.above && !line.above && !is_ordinal => line.text.push('^'),
            Some(c) if meets(c) && !self.above && line.above => line.text.push(' '),
            _ => {}
        }
        line.above = self.above;
        line.text.push_str(text);
    }

    fn end_line(&mut self) {
        let Some(line) = self.line.take() else { return };
        let text = line.text.trim();
        if text.is_empty() {
            return;
        }
        if let Some(cell) = self.row.as_mut().and_then(|row| row.last_mut()).filter(|_| self.in_cell) {
            let gap = if cell.is_empty() { "" } else { " " };
            cell.push_str(gap);
            cell.push_str(&text.split_whitespace().collect::<Vec<_>>().join(" "));
            return;
        }
        // A number goes on after deeper ones, and begins again after what is not numbered.
        self.numbers.retain(|level, _| *level <= line.level);
        let mark = match line.mark {
            Mark::None => {
                self.numbers.remove(&line.level);
                String::new()
            }
            Mark::Sign => "- ".into(),
            Mark::Number(..) if self.builder.has_parts => "- ".into(),
            Mark::Number(kind, start) => {
                let number = self.numbers.entry(line.level).and_modify(|n| *n = n.saturating_add(1)).or_insert(start);
                format!("{} ", numbered(&kind, *number))
            }
        };
        if let Some(shape) = self.shapes.last_mut() {
            shape.lines.push(format!("{mark}{text}"));
        }
    }

    fn end_shape(&mut self) {
        let Some(shape) = self.shapes.pop() else { return };
        let length = || shape.lines.iter().map(|line| line.chars().count() as u64).sum();
        // What lies in a group is measured by the group.
        let is_outside = !self.shapes.iter().any(|around| around.is_group) && self.is_outside(&shape);
        if shape.hidden || is_outside {
            self.builder.count("hidden characters", length());
            return;
        }
        match shape.place.as_deref() {
            Some("dt" | "ftr" | "sldNum" | "hdr") => {
                self.builder.count("headers and footers", u64::from(!shape.lines.is_empty()));
            }
            Some("title" | "ctrTitle") if self.slide.title.is_none() && !shape.lines.is_empty() => {
                self.slide.title = Some(shape.lines.join(" "));
            }
            // In a group it is hidden with the group.
            _ if !self.shapes.is_empty() => {
                if let Some(around) = self.shapes.last_mut() {
                    around.lines.extend(shape.lines);
                }
            }
            place => {
                if place == Some("body") {
                    self.slide.notes.extend(shape.lines.iter().cloned());
                }
                self.slide.blocks.extend(shape.lines);
            }
        }
    }

    fn is_outside(&self, shape: &Shape) -> bool {
        let (Some((width, height)), Some((x, y)), Some((w, h))) = (self.size, shape.at, shape.size) else {
            return false;
        };
        x >= width || y >= height || x.saturating_add(w) <= 0 && w > 0 || y.saturating_add(h) <= 0 && h > 0
    }
}

/// `arabicPeriod`, `alphaLcParenBoth` and the like.
fn numbered(kind: &str, n: u32) -> String {
    let format = match kind {
        _ if kind.starts_with("alphaLc") => "lowerLetter",
        _ if kind.starts_with("alphaUc") => "upperLetter",
        _ if kind.starts_with("romanLc") => "lowerRoman",
        _ if kind.starts_with("romanUc") => "upperRoman",
        _ if kind.starts_with("circleNum") => "decimalEnclosedCircle",
        _ if kind.starts_with("ea1Chs") || kind.starts_with("ea1Cht") || kind.starts_with("ea1Jpn") => {
            "chineseCounting"
        }
        _ => "decimal",
    };
    let n = numeral(format, n);
    match kind {
        _ if kind.ends_with("ParenBoth") => format!("({n})"),
        _ if kind.ends_with("ParenR") => format!("{n})"),
        _ if kind.ends_with("Plain") => n,
        _ => format!("{n}."),
    }
}
