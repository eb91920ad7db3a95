//! Hands tokens that are already made to the engine: one per line of a text.
//!
//! The engine's own form for such tokens is written as JSON and parsed again for each document, which took half of the
//! time of indexing.

use ::tantivy::tokenizer::{Token, TokenStream, Tokenizer};

/// The name in the schema.
pub(super) const NAME: &str = "usher_lines";

/// Tokens as one text. They hold no line breaks, because those end every word.
pub(super) fn join(tokens: &[String]) -> String {
    let mut text = String::with_capacity(tokens.iter().map(|token| token.len() + 1).sum());
    for token in tokens {
        text.push_str(token);
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
        LineStream { lines: text.lines(), token: &mut self.token }
    }
}

impl TokenStream for LineStream<'_> {
    fn advance(&mut self) -> bool {
        let Some(line) = self.lines.next() else { return false };
        self.token.text.clear();
        self.token.text.push_str(line);
        self.token.position = self.token.position.wrapping_add(1);
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}
