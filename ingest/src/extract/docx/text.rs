//! The text of one paragraph as it grows: what stands above the line is set apart, readings follow what they belong to.

use quick_xml::events::BytesStart;

use super::styles::Script;
use crate::extract::xml::attribute;

#[derive(Debug, Default)]
pub struct Line {
    pub text: String,
    /// Of the characters so far: how high the last ones stand.
    above: bool,
    /// How what was just written is pronounced (ruby).
    reading: String,
}

impl Line {
    pub fn push(&mut self, text: &str, script: Script) {
        self.end_reading();
        let above = script == Script::Above;
        let (last, first) = (self.text.chars().next_back(), text.chars().next());
        let meet = |first: char| last.is_some_and(char::is_alphanumeric) && first.is_alphanumeric();
        match (self.above, above, first) {
            (false, true, Some(first)) if meet(first) && !self.is_one_word(text) => self.text.push('^'),
            (false, true, Some('-' | '+' | '\u{2212}')) if last.is_some_and(char::is_alphanumeric) => {
                self.text.push('^');
            }
            (true, false, Some(first)) if meet(first) && script == Script::Base => self.text.push(' '),
            _ => {}
        }
        if first.is_some() {
            self.above = above;
        }
        self.text.push_str(text);
    }

    /// `1st`, `2e`, `Mme` are words; `annex4` is none.
    fn is_one_word(&self, raised: &str) -> bool {
        let raised = raised.trim_end_matches('.');
        let is_short = !raised.is_empty() && raised.chars().count() <= 3 && raised.chars().all(char::is_lowercase);
        let mut back = self.text.chars().rev();
        let (last, before) = (back.next(), back.next());
        let is_initial = last.is_some_and(char::is_uppercase) && !before.is_some_and(char::is_alphanumeric);
        is_short && (last.is_some_and(|c| c.is_ascii_digit()) || is_initial)
    }

    /// Part of a word written over characters.
    pub fn base_of_reading(&mut self, text: &str) {
        self.text.push_str(text);
    }

    pub fn reading(&mut self, text: &str) {
        self.reading.push_str(text);
    }

    /// Readings stand behind all the characters that follow each other with one, so that these stay a word.
    pub fn end_reading(&mut self) {
        let reading = std::mem::take(&mut self.reading);
        if !reading.trim().is_empty() {
            self.text.push('(');
            self.text.push_str(reading.trim());
            self.text.push(')');
        }
    }
}

/// A sign of a font of symbols, where it is a letter.
pub fn symbol(element: &BytesStart<'_>) -> Option<char> {
    let code = u32::from_str_radix(&attribute(element, "char")?, 16).ok()?;
    if !(0xf000..=0xf0ff).contains(&code) {
        return char::from_u32(code).filter(|c| !c.is_control());
    }
    let font = attribute(element, "font").unwrap_or_default().to_ascii_lowercase();
    // Boxes that are ticked, or not.
    let boxes = match font.as_str() {
        "wingdings" => [(0xfb, '✗'), (0xfc, '✓'), (0xfd, '☒'), (0xfe, '☑'), (0xa8, '☐'), (0x6f, '☐')],
        "wingdings 2" => [(0x4f, '✗'), (0x50, '✓'), (0x51, '☒'), (0x52, '☑'), (0xa3, '☐'), (0, ' ')],
        _ => [(0, ' '); 6],
    };
    if let Some((_, sign)) = boxes.iter().find(|(known, _)| *known == code & 0xff && *known != 0) {
        return Some(*sign);
    }
    let is_symbol = font == "symbol";
    let code = u8::try_from(code & 0xff).ok().filter(|_| is_symbol)?;
    let greek = "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ";
    match code {
        b'A'..=b'Z' => greek.chars().nth(usize::from(code.saturating_sub(b'A'))),
        b'a'..=b'z' => "αβχδεφγηιϕκλμνοπθρστυϖωξψζ".chars().nth(usize::from(code.saturating_sub(b'a'))),
        b'0'..=b'9' => Some(char::from(code)),
        0xb1 => Some('±'),
        0xb0 => Some('°'),
        0xb7 => Some('•'),
        0xa3 => Some('≤'),
        0xb3 => Some('≥'),
        _ => None,
    }
}
