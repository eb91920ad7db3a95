//! Hands terms that are already made to the engine: one per line of a text.
//!
//! The engine's own form for such tokens is written as JSON and parsed again for each document, which took half of the
//! time of indexing.

use ::tantivy::tokenizer::{Token, TokenStream, Tokenizer};

use crate::analyse::{self, SEPARATOR};

/// The name in the schema.
pub(super) const NAME: &str = "usher_lines";
/// What stands first in a line whose term is at the place of the one before; each place further is one character on.
const SAME_PLACE: u32 = 32;
/// Most places in one step. Larger ones say no more: nothing follows anything there.
const FARTHEST: u32 = 64;

/// Terms as one text. They hold no line breaks, because those end every word.
pub(super) fn join(terms: &[analyse::Token]) -> String {
    let mut text = String::with_capacity(terms.iter().map(|term| term.form.len() + term.spelling.len() + 3).sum());
    let mut before = 0;
    for term in terms {
        let step = term.position.saturating_sub(before).min(FARTHEST);
        before = term.position;
        text.extend(char::from_u32(SAME_PLACE + step));
        text.push_str(&term.form);
        text.push(SEPARATOR);
        text.push_str(&term.spelling);
        text.push('\n');
    }
    text
}

/// The tokens of [`join`].
#[derive(Clone, Default)]
pub(super) struct Lines {
    token: Token,
}

pub(super) struct LineStream<'a> {
    lines: std::str::Lines<'a>,
    token: &'a mut Token,
}

impl Tokenizer for Lines {
    type TokenStream<'a> = LineStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> LineStream<'a> {
        self.token.reset();
        self.token.position = 0;
        LineStream { lines: text.lines(), token: &mut self.token }
    }
}

impl TokenStream for LineStream<'_> {
    fn advance(&mut self) -> bool {
        let Some(line) = self.lines.next() else { return false };
        let mut line = line.chars();
        let step = line.next().map_or(0, |first| u32::from(first).saturating_sub(SAME_PLACE));
        self.token.text.clear();
        self.token.text.push_str(line.as_str());
        self.token.position += step as usize;
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}
