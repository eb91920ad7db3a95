//! What stands over a page: fields of forms, stamps and texts, by the appearance that each has.

use lopdf::{Dictionary, Object};

use super::super::ExtractError;
use super::content::{Engine, Form};
use super::encoding::meant;
use super::file::{File, as_dict};
use super::geometry::{Matrix, Point, Rect};
use super::page::{Glyph, Page};
use super::state::State;

/// Annotations of one page.
const MAX_ANNOTATIONS: usize = 20_000;
/// Characters of a value without an appearance.
const MAX_VALUE: usize = 100_000;
/// Options of one list.
const MAX_OPTIONS: usize = 1_000;

#[derive(Debug, Default)]
pub struct Annotations {
    /// Fields of forms whose value is shown.
    pub fields: u64,
    /// Remarks that only a click shows.
    pub comments: u64,
}

impl Annotations {
    pub fn draw<'a>(
        &mut self,
        engine: &mut Engine<'a>,
        dict: &'a Dictionary,
        page: &mut Page,
        base: Matrix,
    ) -> Result<(), ExtractError> {
        let file = engine.file;
        let all = file.array(dict, b"Annots").unwrap_or_default();
        if all.len() > MAX_ANNOTATIONS {
            return Err(ExtractError::Limit(format!("more than {MAX_ANNOTATIONS} annotations on a page")));
        }
        for annotation in all.iter().filter_map(|o| file.follow(o)).filter_map(as_dict) {
            self.one(engine, annotation, page, base)?;
        }
        Ok(())
    }

    fn one<'a>(
        &mut self,
        engine: &mut Engine<'a>,
        annotation: &'a Dictionary,
        page: &mut Page,
        base: Matrix,
    ) -> Result<(), ExtractError> {
        let file = engine.file;
        let kind = file.name(annotation, b"Subtype").unwrap_or_default();
        let flags = file.number(annotation, b"F").unwrap_or(0.0) as i64;
        // Hidden, or only for print.
        let hidden = flags & (2 | 32) != 0 || annotation.get(b"OC").is_ok_and(|layer| file.is_off(layer));
        let contents = || file.words(annotation, b"Contents").filter(|text| !text.trim().is_empty());
        if !matches!(kind, b"FreeText" | b"Widget" | b"Link" | b"Popup" | b"Stamp" | b"Watermark")
            && contents().is_some()
        {
            self.comments = self.comments.saturating_add(1);
        }
        if kind == b"Popup" {
            return Ok(());
        }
        let Some(rect) = file.rect(annotation, b"Rect") else { return Ok(()) };
        // Words of neighbours never grow together.
        let corner = base.point(rect.x0, rect.y0);
        let space =
            Glyph { text: " ".into(), at: corner, advance: Point { x: 0.0, y: 0.0 }, ..Glyph::plain(page.next()) };
        let before = page.glyphs.len();
        if let Some((object, id)) = appearance(file, annotation)
            && let Some(stream) = as_dict(object)
        {
            let matrix = file.matrix(stream, b"Matrix").unwrap_or(Matrix::ONE);
            let bounds = matrix.around(file.rect(stream, b"BBox").unwrap_or(rect));
            let scale = |to: f64, from: f64| if from > 0.0 { to / from } else { 1.0 };
            let (sx, sy) = (scale(rect.width(), bounds.width()), scale(rect.height(), bounds.height()));
            let place = Matrix { e: rect.x0 - bounds.x0 * sx, f: rect.y0 - bounds.y0 * sy, ..Matrix::scaled(sx, sy) };
            let defaults = file.catalog().and_then(|c| file.dict(c, b"AcroForm")).and_then(|f| file.dict(f, b"DR"));
            let resources: Vec<&Dictionary> = defaults.into_iter().collect();
            let form = Form { object, id, resources: &resources, above: &[], hidden };
            engine.form(form, page, State::new(place.then(base)))?;
        }
        let shown = page.glyphs.get(before..).unwrap_or_default().iter().any(|glyph| !glyph.text.trim().is_empty());
        if !shown {
            let value = match kind {
                b"Widget" => value(file, annotation),
                b"FreeText" => contents(),
                _ => None,
            };
            if let Some(value) = value {
                write(&value, rect, base, page, hidden);
            }
        }
        let grown = page.glyphs.len() > before;
        page.glyphs.extend(grown.then_some(space));
        self.fields = self.fields.saturating_add(u64::from(kind == b"Widget" && grown && !hidden));
        Ok(())
    }
}

/// The normal appearance, of the state that the annotation is in.
fn appearance<'a>(file: &'a File, annotation: &'a Dictionary) -> Option<(&'a Object, Option<lopdf::ObjectId>)> {
    let normal = file.dict(annotation, b"AP")?.get(b"N").ok()?;
    let chosen = match file.follow(normal)? {
        Object::Dictionary(states) => states.get(file.name(annotation, b"AS")?).ok()?,
        _ => normal,
    };
    Some((file.follow(chosen)?, chosen.as_reference().ok()))
}

/// What a field holds, if a viewer would write it.
fn value(file: &File, annotation: &Dictionary) -> Option<String> {
    let inherited = |key: &[u8]| file.inherited(annotation, key);
    let flags = inherited(b"Ff").and_then(super::file::as_number).unwrap_or(0.0) as i64;
    let is_password = flags & (1 << 13) != 0;
    if is_password || !matches!(inherited(b"FT").and_then(|kind| kind.as_name().ok()), Some(b"Tx" | b"Ch")) {
        return None;
    }
    let text = |object: &Object| lopdf::decode_text_string(object).ok();
    let is_list = inherited(b"FT").and_then(|kind| kind.as_name().ok()) == Some(b"Ch") && flags & (1 << 17) == 0;
    // A list shows all that may be chosen; an option may be a pair of what is sent and what is shown.
    if let Some(Object::Array(options)) = inherited(b"Opt").filter(|_| is_list) {
        let shown = options.iter().take(MAX_OPTIONS).filter_map(|option| match file.follow(option)? {
            Object::Array(pair) => text(file.follow(pair.last()?)?),
            one => text(one),
        });
        return Some(shown.collect::<Vec<_>>().join("\n")).filter(|shown| !shown.trim().is_empty());
    }
    match inherited(b"V")? {
        Object::Array(items) => {
            let items = items.iter().filter_map(|o| text(file.follow(o)?));
            Some(items.collect::<Vec<_>>().join("\n"))
        }
        one => text(one),
    }
}

/// Writes a value into its place, as a viewer would without an appearance.
fn write(value: &str, rect: Rect, base: Matrix, page: &mut Page, hidden: bool) {
    let value = value.replace("\r\n", "\n").replace('\r', "\n");
    let count = value.lines().count().max(1) as f64;
    let size = (rect.height() / count / 1.3).clamp(2.0, 12.0);
    let order = page.next();
    for (number, line) in value.lines().enumerate() {
        let top = if count > 1.0 { rect.y1 - size } else { (rect.y0 + rect.y1) / 2.0 - 0.35 * size };
        let y = top - 1.2 * size * number as f64;
        let length = line.chars().count().max(1) as f64;
        let width = (0.5 * size).min(rect.width().max(size) / length);
        for (place, c) in line.chars().enumerate().take(MAX_VALUE) {
            let Some(text) = meant(&c.to_string()) else { continue };
            let at = base.point(rect.x0 + 1.0 + width * place as f64, y);
            let advance: Point = base.vector(width, 0.0);
            if page.glyphs.len() < super::page::MAX_GLYPHS {
                page.glyphs.push(Glyph { text: text.into(), at, advance, size, hidden, ..Glyph::plain(order) });
            }
        }
    }
}
