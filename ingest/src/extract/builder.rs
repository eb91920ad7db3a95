//! Puts canonical text together and remembers where headings and pages begin.

use std::collections::BTreeMap;

use unicode_normalization::{UnicodeNormalization, is_nfc};
use usher::wire::Fields;

use super::{ExtractError, Extracted, Heading, MAX_TEXT, Page};

const MAX_HEADING: usize = 500;

#[derive(Debug, Default)]
pub struct Builder {
    text: String,
    headings: Vec<Heading>,
    pages: Vec<Page>,
    pub title: Option<String>,
    pub metadata: Fields,
    pub removed: BTreeMap<String, u64>,
    pub warnings: Vec<String>,
}

impl Builder {
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
        let level = level.clamp(1, 6);
        let start = self.push(&format!("{} {text}", "#".repeat(usize::from(level))))?;
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

    /// Line ends to `\n`, NFC, no control characters; invisible ones stay but are counted.
    pub fn canonical(&mut self, raw: &str) -> String {
        let mut out = String::with_capacity(raw.len());
        let (mut control, mut invisible, mut nul) = (0u64, 0u64, 0u64);
        let mut chars = raw.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\r' => {
                    if chars.peek() != Some(&'\n') {
                        out.push('\n');
                    }
                }
                '\n' | '\t' => out.push(c),
                '\0' => nul = nul.saturating_add(1),
                '\u{c}' | '\u{b}' | '\u{85}' | '\u{2028}' | '\u{2029}' => out.push('\n'),
                c if c.is_control() => control = control.saturating_add(1),
                c => {
                    invisible = invisible.saturating_add(u64::from(is_invisible(c)));
                    out.push(c);
                }
            }
        }
        self.count("NUL characters", nul);
        self.count("control characters", control);
        self.count("invisible characters (kept)", invisible);
        if is_nfc(&out) { out } else { out.nfc().collect() }
    }

    pub fn finish(self, media_type: &str) -> Extracted {
        let from_heading = || self.headings.iter().find(|h| h.level == 1).map(|h| h.text.clone());
        let title = self.title.as_deref().map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned);
        Extracted {
            media_type: media_type.to_owned(),
            title: title.or_else(from_heading).map(|t| t.chars().take(MAX_HEADING).collect()),
            text: self.text,
            headings: self.headings,
            pages: self.pages,
            chunks: Vec::new(),
            metadata: self.metadata,
            removed: self.removed,
            warnings: self.warnings,
            sections: Vec::new(),
        }
    }

    /// Appends canonical text and tells where it begins.
    fn push(&mut self, text: &str) -> Result<usize, ExtractError> {
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
            return Err(ExtractError::Limit(format!("more than {MAX_TEXT} bytes of text")));
        }
        Ok(start)
    }
}

/// Bidirectional controls, the tag block, zero-width and other characters that show nothing.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{180e}' | '\u{e0000}'..='\u{e007f}' | '\u{fff9}'..='\u{fffb}')
}
