//! PDF: what each page shows, in the order in which it is read, with the page's number.
//!
//! A content stream says where glyphs stand, not what is a word, a line or a column. So the stream is run
//! (`content.rs`), its glyphs become words by their places (`words.rs`), words rows (`rows.rs`), rows columns and tables
//! (`order.rs`), and lines paragraphs (`paragraphs.rs`). What nobody sees is left out and counted; so are codes of which no
//! font says what they mean.

use super::{Builder, ExtractError, MAX_TEXT};

mod accents;
mod annotations;
mod bidi;
mod cff;
mod cmap;
mod collection;
mod columns;
mod content;
mod encoding;
mod file;
mod font;
mod geometry;
mod initials;
mod lexer;
mod metrics;
mod order;
mod page;
mod paragraphs;
mod path;
mod program;
mod repair;
mod repeats;
mod rows;
mod state;
mod unlock;
mod words;

use annotations::Annotations;
use content::Engine;
use file::{File, as_dict, as_number};
use geometry::{Matrix, Rect};
use order::Arranger;
use page::Page;
use paragraphs::Vocabulary;
use repeats::PageLines;

const MAX_PAGES: usize = 5_000;

/// What the pages of a document said beside their text.
#[derive(Debug, Default)]
struct Counts {
    hidden: u64,
    outside: u64,
    unmapped: u64,
    codes: u64,
    broken: u64,
    unread: u64,
    /// Pages that hold no text at all.
    empty: u64,
    /// Of these, those with a picture.
    pictures: Vec<u32>,
}

pub fn read(bytes: &[u8], builder: &mut Builder) -> Result<(), ExtractError> {
    let file = File::open(bytes)?;
    let ids = file.pages(MAX_PAGES.saturating_add(1));
    if ids.is_empty() {
        return Err(ExtractError::Broken("a PDF without pages".into()));
    }
    if ids.len() > MAX_PAGES {
        return Err(ExtractError::Limit(format!("more than {MAX_PAGES} pages")));
    }
    builder.title = file.title();
    let mut engine = Engine::new(&file);
    let mut annotations = Annotations::default();
    let mut counts = Counts::default();
    let mut pages: Vec<PageLines> = Vec::new();
    let mut length = 0usize;
    let mut over: Option<String> = None;
    for (number, id) in (1u32..).zip(&ids) {
        let dict = file.object(*id).and_then(as_dict);
        let Some(dict) = dict else {
            counts.unread = counts.unread.saturating_add(1);
            continue;
        };
        match one_page(&mut engine, dict, number, &mut annotations, &mut counts) {
            Ok(page) => {
                length = page.lines.iter().map(|line| line.text.len()).fold(length, usize::saturating_add);
                pages.push(page);
            }
            Err(ExtractError::Limit(e)) if engine.is_spent() => {
                return Err(ExtractError::Limit(format!("page {number}: {e}")));
            }
            // What is too much for one page leaves the others readable.
            Err(e) => {
                if let ExtractError::Limit(e) = &e {
                    over.get_or_insert_with(|| format!("page {number}: {e}"));
                }
                counts.unread = counts.unread.saturating_add(1);
                builder.warn(format!("page {number}: {e}"));
            }
        }
        if length > MAX_TEXT {
            return Err(ExtractError::Limit(format!("more than {MAX_TEXT} bytes of text")));
        }
    }
    if counts.unread > 0 && counts.unread == ids.len() as u64 {
        return Err(match over {
            Some(over) => ExtractError::Limit(over),
            None => ExtractError::Broken("no page could be read".into()),
        });
    }
    let repeats = repeats::remove(&mut pages);
    builder.count("repeated headers and footers", repeats.repeated);
    builder.count("page numbers", repeats.numbers);
    // Asked for where nothing else is said alone.
    builder.recognised.retain(|page, _| counts.pictures.contains(page));
    write(&pages, builder)?;
    builder.pictures.clone_from(&counts.pictures);
    report(&counts, &annotations, &engine, ids.len(), builder);
    if pages.iter().all(|page| page.lines.is_empty()) && counts.unmapped > 0 {
        let Counts { unmapped, codes, .. } = counts;
        let why = format!("holds no text: of {codes} character codes {unmapped} have no known meaning");
        return Err(ExtractError::Unsupported(why));
    }
    Ok(())
}

fn one_page<'a>(
    engine: &mut Engine<'a>,
    dict: &'a lopdf::Dictionary,
    number: u32,
    annotations: &mut Annotations,
    counts: &mut Counts,
) -> Result<PageLines, ExtractError> {
    static NOTHING: std::sync::LazyLock<lopdf::Dictionary> = std::sync::LazyLock::new(lopdf::Dictionary::new);
    let file = engine.file;
    let turn = file.inherited(dict, b"Rotate").and_then(as_number).unwrap_or(0.0);
    let base = Matrix::turned(-(turn / 90.0).round() * 90.0);
    let area = base.around(visible(file, dict));
    let resources = file.inherited(dict, b"Resources").and_then(as_dict).unwrap_or(&NOTHING);
    let mut page = Page::default();
    engine.run(&file.content(dict)?, resources, &mut page, base)?;
    annotations.draw(engine, dict, &mut page, base)?;
    page.look(area, &mut engine.compared);
    let count = |is: fn(&page::Glyph) -> bool| {
        page.glyphs.iter().filter(|glyph| !glyph.text.trim().is_empty() && is(glyph)).count() as u64
    };
    counts.hidden = counts.hidden.saturating_add(count(|glyph| glyph.hidden));
    counts.outside = counts.outside.saturating_add(count(|glyph| glyph.outside && !glyph.hidden));
    counts.unmapped = counts.unmapped.saturating_add(page.unmapped);
    counts.codes = counts.codes.saturating_add(page.codes);
    counts.broken = counts.broken.saturating_add(page.broken);
    let mut arranger = Arranger::default();
    for direction in words::words(&page.glyphs) {
        let upright = direction.degrees == 0;
        let rules = if upright { page.rules.as_slice() } else { &[] };
        arranger.arrange(&rows::segments(direction.words, rules), rules, upright);
    }
    counts.empty = counts.empty.saturating_add(u64::from(arranger.lines.is_empty()));
    counts.pictures.extend(Some(number).filter(|_| arranger.lines.is_empty() && page.shows_picture()));
    Ok(PageLines { number, lines: arranger.lines, bottom: area.y0, top: area.y1 })
}

/// The part of a page that is shown.
fn visible(file: &File, dict: &lopdf::Dictionary) -> Rect {
    let inherited = |key: &[u8]| {
        let items = file.inherited(dict, key)?.as_array().ok()?;
        let numbers: Vec<f64> = items.iter().filter_map(|o| as_number(file.follow(o)?)).collect();
        let rect = Rect::of(<[f64; 4]>::try_from(numbers).ok()?);
        (rect.area() > 1.0).then_some(rect)
    };
    let media = inherited(b"MediaBox").unwrap_or(Rect { x0: 0.0, y0: 0.0, x1: 612.0, y1: 792.0 });
    let shown = inherited(b"CropBox").map_or(media, |crop| crop.and(media));
    if shown.area() > 1.0 { shown } else { media }
}

fn write(pages: &[PageLines], builder: &mut Builder) -> Result<(), ExtractError> {
    let mut known = Vocabulary::default();
    let mut texts: Vec<(usize, String)> = Vec::new();
    for (index, page) in pages.iter().enumerate() {
        let lines: Vec<_> = page.lines.iter().collect();
        for paragraph in paragraphs::paragraphs(&lines) {
            let text = paragraph.join("\n");
            known.learn(&text);
            texts.push((index, text));
        }
    }
    for (_, text) in &mut texts {
        *text = known.join(text);
    }
    for index in 1..texts.len() {
        if let Some([(_, text), (_, next)]) = texts.get_mut(index.saturating_sub(1)..=index) {
            known.bridge(text, next);
        }
    }
    let mut texts = texts.into_iter().peekable();
    for (index, page) in pages.iter().enumerate() {
        builder.page(page.number);
        while let Some((_, text)) = texts.next_if(|(on, _)| *on == index) {
            builder.block(&text)?;
        }
        if let Some(text) = builder.recognised.remove(&page.number) {
            builder.block(&text)?;
        }
    }
    Ok(())
}

fn report(counts: &Counts, annotations: &Annotations, engine: &Engine<'_>, pages: usize, builder: &mut Builder) {
    builder.count("unreadable pages", counts.unread);
    builder.count("hidden characters", counts.hidden);
    builder.count("characters outside the page", counts.outside);
    builder.count("character codes without a meaning", counts.unmapped);
    builder.count("comments", annotations.comments);
    builder.count("alternative texts", engine.replaced);
    builder.count("forms that can't be decoded", counts.broken);
    let mut say = |n: u64, text: String| {
        if n > 0 {
            builder.warn(text);
        }
    };
    let (unmapped, codes, empty) = (counts.unmapped, counts.codes, counts.empty);
    say(unmapped, format!("{unmapped} of {codes} character codes have no known meaning and are left out"));
    say(empty, format!("{empty} of {pages} pages hold no text"));
    say(annotations.fields, format!("fields of forms that are read as filled in: {}", annotations.fields));
    say(engine.forms, format!("drawings with text of their own (form XObjects) that are read: {}", engine.forms));
}
