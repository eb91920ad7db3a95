//! How the numbers of a sheet are shown: as dates, times, percentages, amounts.

use std::collections::BTreeMap;

use crate::extract::ExtractError;
use crate::extract::xml::{Xml, attribute, each_event};

/// Digits that a number in no format of its own shows.
const DIGITS: usize = 11;
/// Of a format that is longer than this nothing is made.
const MAX_CODE: usize = 500;

#[derive(Debug)]
pub struct Formats {
    codes: BTreeMap<u32, String>,
    /// By the style of a cell.
    styles: Vec<u32>,
    since_1904: bool,
}

impl Default for Formats {
    fn default() -> Self {
        Formats::none()
    }
}

impl Formats {
    pub const fn none() -> Self {
        Formats { codes: BTreeMap::new(), styles: Vec::new(), since_1904: false }
    }

    pub fn read(xml: &str, since_1904: bool) -> Result<Formats, ExtractError> {
        let mut formats = Formats { since_1904, ..Formats::none() };
        let mut in_styles = false;
        let number = |text: Option<String>| text.and_then(|n| n.parse::<u32>().ok());
        each_event(xml, |event| {
            match event {
                Xml::Start("numFmt", element) => {
                    let id = number(attribute(element, "numFmtId"));
                    formats.codes.extend(id.zip(attribute(element, "formatCode")));
                }
                Xml::Start("cellXfs", _) => in_styles = true,
                Xml::End("cellXfs") => in_styles = false,
                Xml::Start("xf", element) if in_styles => {
                    formats.styles.push(number(attribute(element, "numFmtId")).unwrap_or_default());
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok(formats)
    }

    fn code(&self, style: usize) -> &str {
        let id = self.styles.get(style).copied().unwrap_or_default();
        self.codes.get(&id).map_or_else(|| built_in(id), String::as_str)
    }

    /// Whether a style shows nothing of what it is given.
    pub fn hides(&self, style: usize) -> bool {
        let code = self.code(style).trim();
        code.len() >= 2 && code.chars().all(|c| c == ';')
    }

    /// A number as it is shown; what is none stays.
    pub fn shown(&self, value: &str, style: usize) -> String {
        let Ok(number) = value.parse::<f64>() else { return value.to_owned() };
        let code = self.code(style);
        if !number.is_finite() || code.len() > MAX_CODE {
            return value.to_owned();
        }
        let sections = sections(code);
        let (section, number, is_own) = match (sections.as_slice(), number) {
            ([_, negative, ..], n) if n < 0.0 => (*negative, -n, true),
            ([_, _, zero, ..], 0.0) => (*zero, 0.0, false),
            ([first, ..], n) => (*first, n, false),
            ([], n) => ("", n, false),
        };
        let tokens = tokens(section);
        if tokens.iter().any(|token| matches!(token, Token::Date(_) | Token::Elapsed(_))) {
            return date(&tokens, number, self.since_1904).unwrap_or_else(|| plain(number));
        }
        amount(&tokens, if is_own { number } else { number.abs() }, !is_own && number < 0.0)
    }
}

/// Formats that no file spells out. A date whose order depends on the machine is shown as year, month and day.
fn built_in(id: u32) -> &'static str {
    match id {
        1 => "0",
        2 => "0.00",
        3 | 37 | 38 => "#,##0",
        4 | 39 | 40 => "#,##0.00",
        9 => "0%",
        10 => "0.00%",
        11 => "0.00E+00",
        14 | 27..=31 | 36 | 50..=54 | 57 | 58 => "yyyy-mm-dd",
        15 => "d-mmm-yy",
        16 => "d-mmm",
        17 => "mmm-yy",
        18 => "h:mm AM/PM",
        19 => "h:mm:ss AM/PM",
        20 | 32 | 33 => "h:mm",
        21 => "h:mm:ss",
        22 => "yyyy-mm-dd h:mm",
        45 => "mm:ss",
        46 => "[h]:mm:ss",
        47 => "mm:ss.0",
        48 => "##0.0E+0",
        _ => "General",
    }
}

#[derive(Debug, PartialEq)]
enum Token {
    Text(String),
    /// A run of one letter of a date.
    Date(String),
    Elapsed(String),
    Half,
    /// `0`, `#` and `?`, with points and commas.
    Number(String),
    Percent,
    Science,
    General,
}

/// Parts between semicolons that are not quoted.
fn sections(code: &str) -> Vec<&str> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0usize, false, false);
    for (at, c) in code.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            ';' if !quoted => {
                parts.push(code.get(start..at).unwrap_or_default());
                start = at.saturating_add(1);
            }
            _ => {}
        }
    }
    parts.push(code.get(start..).unwrap_or_default());
    parts
}

fn tokens(section: &str) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::new();
    let mut rest = section;
    let text = |out: &mut Vec<Token>, text: &str| match out.last_mut() {
        Some(Token::Text(last)) => last.push_str(text),
        _ => out.push(Token::Text(text.to_owned())),
    };
    while let Some(c) = rest.chars().next() {
        let mut after = rest.get(c.len_utf8()..).unwrap_or_default();
        let lower = c.to_ascii_lowercase();
        match c {
            '"' => {
                let (quoted, end) = after.split_once('"').unwrap_or((after, ""));
                text(&mut out, quoted);
                after = end;
            }
            // A sign as it is; one that is only as wide as; one that fills the cell.
            '\\' | '_' | '*' => {
                let sign = after.chars().next().map_or(0, char::len_utf8);
                let (shown, end) = after.split_at_checked(sign).unwrap_or(("", ""));
                match c {
                    '\\' => text(&mut out, shown),
                    '_' => text(&mut out, " "),
                    _ => {}
                }
                after = end;
            }
            '[' => {
                let (inside, end) = after.split_once(']').unwrap_or((after, ""));
                after = end;
                let is_time =
                    !inside.is_empty() && inside.chars().all(|c| matches!(c.to_ascii_lowercase(), 'h' | 'm' | 's'));
                if is_time {
                    out.push(Token::Elapsed(inside.to_ascii_lowercase()));
                } else if let Some(sign) = inside.strip_prefix('$') {
                    text(&mut out, sign.split('-').next().unwrap_or_default());
                }
            }
            _ if rest.get(..7).is_some_and(|word| word.eq_ignore_ascii_case("general")) => {
                out.push(Token::General);
                after = rest.get(7..).unwrap_or_default();
            }
            _ if rest.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("am/pm")) => {
                out.push(Token::Half);
                after = rest.get(5..).unwrap_or_default();
            }
            'E' | 'e' if after.starts_with(['+', '-']) => {
                out.push(Token::Science);
                after = after.get(1..).unwrap_or_default().trim_start_matches(['0', '#', '?']);
            }
            _ if matches!(lower, 'y' | 'm' | 'd' | 'h' | 's') => {
                let end = rest.find(|other: char| other.to_ascii_lowercase() != lower).unwrap_or(rest.len());
                out.push(Token::Date(rest.get(..end).unwrap_or_default().to_ascii_lowercase()));
                after = rest.get(end..).unwrap_or_default();
            }
            '0' | '#' | '?' => {
                let end = rest.find(|c: char| !matches!(c, '0' | '#' | '?' | '.' | ',')).unwrap_or(rest.len());
                out.push(Token::Number(rest.get(..end).unwrap_or_default().to_owned()));
                after = rest.get(end..).unwrap_or_default();
            }
            '%' => out.push(Token::Percent),
            '@' => out.push(Token::General),
            _ => text(&mut out, c.encode_utf8(&mut [0; 4])),
        }
        rest = after;
    }
    out
}

/// A number without a format: no digits that only come from counting in twos.
fn plain(number: f64) -> String {
    let rounded = format!("{number:.*e}", DIGITS.saturating_sub(1)).parse().unwrap_or(number);
    match rounded {
        n if n != 0.0 && !(1e-9..1e15).contains(&f64::abs(n)) => format!("{n:E}"),
        n => n.to_string(),
    }
}

fn amount(tokens: &[Token], number: f64, is_negative: bool) -> String {
    let percents = tokens.iter().filter(|token| **token == Token::Percent).count();
    let is_science = tokens.contains(&Token::Science);
    let patterns: Vec<&str> = tokens
        .iter()
        .filter_map(|token| match token {
            Token::Number(pattern) => Some(pattern.as_str()),
            _ => None,
        })
        .collect();
    let is_fraction = patterns.len() > 1;
    let mut out = String::new();
    let mut shown = false;
    for token in tokens {
        match token {
            Token::Text(text) if is_fraction && text == "/" => {}
            Token::Text(text) => out.push_str(text),
            Token::Percent => out.push('%'),
            Token::General => out.push_str(&plain(number)),
            Token::Number(_) if shown => {}
            Token::Number(_) if is_fraction => {
                shown = true;
                out.push_str(&plain(number));
            }
            Token::Number(pattern) => {
                shown = true;
                let hundreds = (0..percents).fold(number, |n, _| n * 100.0);
                let scaled = pattern.chars().rev().take_while(|c| *c == ',').fold(hundreds, |n, _| n / 1000.0);
                out.push_str(&digits(scaled, pattern, is_science));
            }
            Token::Date(_) | Token::Elapsed(_) | Token::Half | Token::Science => {}
        }
    }
    // A format without a place for the number shows words alone.
    let out = if tokens.is_empty() { plain(number) } else { out };
    let sign = if is_negative && out.chars().any(|c| c.is_ascii_digit() && c != '0') { "-" } else { "" };
    format!("{sign}{}", out.trim())
}

fn digits(number: f64, pattern: &str, is_science: bool) -> String {
    let pattern = pattern.trim_end_matches(',');
    let (whole, part) = pattern.split_once('.').unwrap_or((pattern, ""));
    let places = part.chars().filter(|c| matches!(c, '0' | '#' | '?')).count().min(30);
    let least = part.chars().filter(|c| *c == '0').count();
    if is_science {
        return format!("{number:.places$E}");
    }
    let text = format!("{number:.places$}");
    let (integer, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut fraction = fraction.to_owned();
    while fraction.len() > least && fraction.ends_with('0') {
        fraction.pop();
    }
    let width = whole.chars().filter(|c| *c == '0').count();
    let mut integer = format!("{integer:0>width$}");
    if width == 0 && integer == "0" && !fraction.is_empty() {
        integer.clear();
    }
    if whole.contains(',') {
        integer = grouped(&integer);
    }
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{integer}{point}{fraction}")
}

fn grouped(integer: &str) -> String {
    let length = integer.chars().count();
    let mut out = String::new();
    for (at, c) in integer.chars().enumerate() {
        if at > 0 && length.saturating_sub(at) % 3 == 0 {
            out.push(',');
        }
        out.push(c);
    }
    out
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// A date of the file's calendar; `None` for a number that is none.
fn date(tokens: &[Token], serial: f64, since_1904: bool) -> Option<String> {
    if !(0.0..2_958_466.0).contains(&serial) {
        return None;
    }
    let seconds = (serial * 86_400.0).round() as i64;
    let days = seconds.div_euclid(86_400);
    let of_day = seconds.rem_euclid(86_400);
    // Days since 1970. 29 February 1900, which never was, is day 60 of the calendar from 1900.
    let since = match (since_1904, days) {
        (true, days) => days.saturating_sub(24_107),
        (false, 60..) => days.saturating_sub(25_569),
        (false, days) => days.saturating_sub(25_568),
    };
    let (year, month, day) = civil(since);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    let halves = tokens.contains(&Token::Half);
    let hour_shown = if halves { (hour.saturating_add(11)) % 12 + 1 } else { hour };
    let mut out = String::new();
    let mut after_hour = false;
    for (at, token) in tokens.iter().enumerate() {
        let before_second = tokens.iter().skip(at.saturating_add(1)).find_map(|token| match token {
            Token::Date(run) => Some(run.starts_with('s')),
            _ => None,
        });
        match token {
            Token::Text(text) => out.push_str(text),
            Token::Half => out.push_str(if hour < 12 { "AM" } else { "PM" }),
            Token::Elapsed(unit) => {
                let total = match unit.as_bytes().first() {
                    Some(b'h') => seconds / 3600,
                    Some(b'm') => seconds / 60,
                    _ => seconds,
                };
                out.push_str(&format!("{total:0>width$}", width = unit.len().min(4)));
                after_hour = unit.starts_with('h');
            }
            Token::Date(run) => {
                let width = run.len().min(2);
                let is_minute = run.len() <= 2 && (after_hour || before_second == Some(true));
                after_hour = run.starts_with('h');
                let name = |names: &[&str], index: i64| {
                    names.get(usize::try_from(index).unwrap_or_default()).copied().unwrap_or_default().to_owned()
                };
                let first = |name: String, length: usize| name.chars().take(length).collect::<String>();
                let number = |n: i64| format!("{n:0>width$}");
                let month_name = || name(&MONTHS, month.saturating_sub(1));
                let day_name = || name(&DAYS, since.saturating_add(4).rem_euclid(7));
                out.push_str(&match (run.as_bytes().first(), run.len()) {
                    (Some(b'y'), 1 | 2) => format!("{:02}", year % 100),
                    (Some(b'y'), _) => year.to_string(),
                    (Some(b'm'), _) if is_minute => number(minute),
                    (Some(b'm'), 1 | 2) => number(month),
                    (Some(b'm'), 3) => first(month_name(), 3),
                    (Some(b'm'), 5) => first(month_name(), 1),
                    (Some(b'm'), _) => month_name(),
                    (Some(b'd'), 1 | 2) => number(day),
                    (Some(b'd'), 3) => first(day_name(), 3),
                    (Some(b'd'), _) => day_name(),
                    (Some(b'h'), _) => number(hour_shown),
                    _ => number(second),
                });
            }
            // Parts of a second.
            Token::Number(_) | Token::Percent | Token::Science | Token::General => {}
        }
    }
    Some(out.trim().trim_end_matches('.').to_owned())
}

/// Year, month and day of a day since 1970, by the calendar that holds for all of them.
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days.saturating_add(719_468);
    let era = z.div_euclid(146_097);
    let of_era = z.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}
