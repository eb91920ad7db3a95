//! Puts canonical text together and remembers where headings and pages begin.

use std::collections::BTreeMap;
use std::ops::Range;

use unicode_normalization::{UnicodeNormalization, is_nfc};
use usher_base::invisible;
use usher_base::outline::Heading;
use usher_base::wire::Fields;

use super::{ExtractError, Extracted, MAX_TEXT, Page};

/// What follows is on no page.
pub const NO_PAGE: u32 = 0;
/// Characters of a heading or title.
pub const MAX_HEADING: usize = 500;
#[derive(Debug, Default)]
pub struct Builder {
    text: String,
    headings: Vec<Heading>,
    pages: Vec<Page>,
    units: Vec<Range<usize>>,
    pub title: Option<String>,
    pub metadata: Fields,
    pub removed: BTreeMap<String, u64>,
    pub warnings: Vec<String>,
    /// Where the text itself says what title and metadata say.
    pub header: Range<usize>,
    /// Some of the document is restricted.
    pub has_parts: bool,
    /// How deep this document lies in others, and how many were read for the outermost.
    pub depth: u8,
    pub documents: u32,
    /// Bytes of these.
    pub read: u64,
    /// Texts that recognition found in pictures, by page, and pages that show a picture and no text.
    pub recognised: BTreeMap<u32, String>,
    pub pictures: Vec<u32>,
}

impl Builder {
    pub fn new(has_parts: bool) -> Self {
        Builder { has_parts, ..Builder::default() }
    }

    /// For a document that lies in this one.
    pub fn inner(&self) -> Self {
        Builder {
            has_parts: self.has_parts,
            depth: self.depth.saturating_add(1),
            documents: self.documents,
            read: self.read,
            ..Builder::default()
        }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Appends a document that stands in this one, whose headings lie below one of the level given, or divide nothing.
    pub fn absorb(&mut self, inner: Builder, below: Option<u8>) -> Result<(), ExtractError> {
        let text = inner.text.trim_matches('\n');
        let cut = inner.text.len().saturating_sub(inner.text.trim_start_matches('\n').len());
        let start = self.push(text)?;
        let place = |at: usize| start.saturating_add(at.saturating_sub(cut));
        if !text.trim().is_empty() {
            self.units.extend(inner.units.iter().map(|unit| place(unit.start)..place(unit.end)));
        }
        // Its pages are no longer those of what follows it.
        if !inner.pages.is_empty() && !self.has_parts {
            self.pages.extend(inner.pages.iter().map(|page| Page { start: place(page.start), ..page.clone() }));
            self.page(NO_PAGE);
        }
        if let Some(above) = below.filter(|_| !text.trim().is_empty()) {
            for heading in &inner.headings {
                let at = place(heading.start);
                self.mark(at, heading.level.saturating_add(above), &heading.text);
            }
        }
        inner.removed.iter().for_each(|(what, n)| self.count(what, *n));
        inner.warnings.into_iter().for_each(|warning| self.warn(warning));
        Ok(())
    }

    /// Appends a block of its own. Blocks are joined by an empty line, over which nothing composes, so the whole is NFC
    /// because its parts are.
    pub fn block(&mut self, raw: &str) -> Result<(), ExtractError> {
        let text = self.canonical(raw);
        self.push(&text).map(drop)
    }

    /// Appends a heading as a line of Markdown, which models read well in every format.
    pub fn heading(&mut self, level: u8, raw: &str) -> Result<(), ExtractError> {
        let text = self.canonical(raw);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if text.is_empty() {
            return Ok(());
        }
        // Markdown has six levels; what lies deeper still ends nothing above it.
        let start = self.push(&format!("{} {text}", "#".repeat(usize::from(level.clamp(1, 6)))))?;
        self.mark(start, level, &text);
        Ok(())
    }

    /// Notes a heading that is part of a block already.
    pub fn mark(&mut self, start: usize, level: u8, text: &str) {
        let text: String = text.chars().take(MAX_HEADING).collect();
        self.headings.push(Heading { start, level, text });
    }

    /// What follows is on this page.
    pub fn page(&mut self, number: u32) {
        self.pages.push(Page { start: self.text.len(), number });
    }

    /// Where the next block will lie, or before.
    pub fn length(&self) -> usize {
        self.text.len()
    }

    /// What stands between belongs together: no chunk ends within it, if it fits one.
    pub fn unit(&mut self, start: usize, end: usize) {
        let blank = self.text.get(start..end).map_or(0, |text| text.len().saturating_sub(text.trim_start().len()));
        let unit = start.saturating_add(blank)..end;
        self.units.extend(Some(unit).filter(|unit| !unit.is_empty()));
    }

    pub fn count(&mut self, what: &str, n: u64) {
        if n > 0 {
            let sum = self.removed.entry(what.to_owned()).or_default();
            *sum = sum.saturating_add(n);
        }
    }

    pub fn warn(&mut self, text: impl Into<String>) {
        if self.warnings.len() < 20 {
            self.warnings.push(text.into());
        }
    }

    /// Canonical text of what was read, and counted what is left out.
    pub fn canonical(&mut self, raw: &str) -> String {
        let raw = with_line_feeds(raw);
        self.count_unseen(&raw);
        cleaned(&raw)
    }

    pub fn count_unseen(&mut self, raw: &str) {
        let breaks = |c: &char| matches!(c, '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}');
        let (mut control, mut unseen, mut nul) = (0u64, 0u64, 0u64);
        for c in raw.chars().filter(|c| invisible::is_invisible(*c) && !breaks(c)) {
            let count = match c {
                '\0' => &mut nul,
                c if c.is_control() => &mut control,
                _ => &mut unseen,
            };
            *count = count.saturating_add(1);
        }
        self.count("NUL characters", nul);
        self.count("control characters", control);
        self.count("invisible characters", unseen);
    }

    pub fn finish(self, media_type: &str) -> Extracted {
        let title = self.title.as_deref().map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned);
        Extracted {
            media_type: media_type.to_owned(),
            title: title.map(|t| t.chars().take(MAX_HEADING).collect()),
            text: self.text,
            headings: self.headings,
            pages: self.pages,
            units: self.units,
            chunks: Vec::new(),
            metadata: self.metadata,
            removed: self.removed,
            warnings: self.warnings,
            sections: Vec::new(),
            pictures: self.pictures,
        }
    }

    /// Appends canonical text and tells where it begins.
    pub fn push(&mut self, text: &str) -> Result<usize, ExtractError> {
        let text = text.trim_matches('\n');
        if text.trim().is_empty() {
            return Ok(self.text.len());
        }
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
        }
        let start = self.text.len();
        // A page begins where its first text does.
        for page in self.pages.iter_mut().rev().take_while(|p| p.start.saturating_add(2) >= start) {
            page.start = start;
        }
        self.text.push_str(text);
        if self.text.len() > MAX_TEXT {
            return Err(ExtractError::Limit(format!(
                "more than {MAX_TEXT} bytes of text, which no option raises: divide the file"
            )));
        }
        Ok(start)
    }
}

pub fn with_line_feeds(raw: &str) -> String {
    raw.replace("\r\n", "\n").replace('\r', "\n")
}

/// Text with `\n` as its line ends in NFC, without what a person doesn't see.
pub fn cleaned(text: &str) -> String {
    let out = invisible::cleaned(text);
    if is_nfc(&out) { out.into_owned() } else { out.nfc().collect() }
}
