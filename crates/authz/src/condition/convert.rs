//! JSON values to the declared types of a condition's parameters.
//!
//! The rules are OpenFGA's (`internal/condition/types`): no coercion of strings and booleans, numbers also as decimal
//! text, integers only where nothing is lost.

use std::collections::HashMap;

use jiff::{Timestamp, ToSpan};
use serde_json::{Number, Value};
use usher_base::instant;

use super::ipaddress::IpAddress;

/// The declared type of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum ParameterType {
    Any,
    Bool,
    String,
    Int,
    Uint,
    Double,
    Duration,
    Timestamp,
    IpAddress,
    List(Box<ParameterType>),
    /// Keys are always text.
    Map(Box<ParameterType>),
}

/// What a JSON value costs to convert and walk.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Size {
    pub(super) elements: usize,
    /// Bytes of all strings and keys.
    pub(super) text: usize,
}

impl Size {
    /// INVARIANT: contexts were parsed by `serde_json`, whose nesting limit of 128 bounds this recursion.
    pub(super) fn add(&mut self, value: &Value) {
        self.elements += 1;
        match value {
            Value::String(text) => self.text += text.len(),
            Value::Array(elements) => elements.iter().for_each(|element| self.add(element)),
            Value::Object(fields) => {
                for (key, field) in fields {
                    self.text += key.len();
                    self.add(field);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

impl ParameterType {
    /// The value as CEL sees it, or nothing where the type does not fit.
    pub(super) fn convert(&self, value: &Value) -> Option<cel::Value> {
        match self {
            ParameterType::Any => any(value),
            ParameterType::Bool => value.as_bool().map(cel::Value::Bool),
            ParameterType::String => value.as_str().map(cel::Value::from),
            ParameterType::Int => integer(value).map(cel::Value::Int),
            ParameterType::Uint => u64::try_from(integer(value)?).ok().map(cel::Value::UInt),
            ParameterType::Double => double(value).map(cel::Value::Float),
            ParameterType::Duration => cel_duration(duration(value.as_str()?)?),
            ParameterType::Timestamp => exact(value.as_str()?),
            ParameterType::IpAddress => Some(IpAddress::parse(value.as_str()?)?.into_value()),
            ParameterType::List(element) => {
                let elements: Option<Vec<cel::Value>> =
                    value.as_array()?.iter().map(|value| element.convert(value)).collect();
                elements.map(cel::Value::from)
            }
            ParameterType::Map(field) => {
                let fields: Option<HashMap<String, cel::Value>> =
                    value.as_object()?.iter().map(|(key, value)| Some((key.clone(), field.convert(value)?))).collect();
                fields.map(cel::Value::from)
            }
        }
    }
}

/// JSON as it is; every number is a double.
fn any(value: &Value) -> Option<cel::Value> {
    Some(match value {
        Value::Null => cel::Value::Null,
        Value::Bool(value) => cel::Value::Bool(*value),
        Value::Number(number) => cel::Value::Float(finite(number)?),
        Value::String(text) => cel::Value::from(text.as_str()),
        Value::Array(elements) => cel::Value::from(elements.iter().map(any).collect::<Option<Vec<_>>>()?),
        Value::Object(fields) => {
            let fields: Option<HashMap<String, cel::Value>> =
                fields.iter().map(|(key, value)| Some((key.clone(), any(value)?))).collect();
            cel::Value::from(fields?)
        }
    })
}

fn finite(number: &Number) -> Option<f64> {
    number.as_f64().filter(|value| value.is_finite())
}

/// An integral number or decimal text; saturates at the bounds of `i64`, also for what becomes a `uint`.
fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => match number.as_i64() {
            Some(integer) => Some(integer),
            None if number.is_u64() => Some(i64::MAX),
            None => finite(number).filter(|value| value.fract() == 0.0).map(|value| value as i64),
        },
        Value::String(text) => Decimal::parse(text)?.integer(),
        _ => None,
    }
}

/// A number, or decimal text that a double represents exactly.
fn double(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => finite(number),
        Value::String(text) => {
            let decimal = Decimal::parse(text)?;
            let nearest: f64 = text.parse().ok().filter(|value: &f64| value.is_finite())?;
            // A double's own decimal expansion is finite: at most 1,074 digits behind the point.
            (Decimal::parse(&format!("{nearest:.1074}"))? == decimal).then_some(nearest)
        }
        _ => None,
    }
}

/// Decimal text in scientific normal form: `0.digits × 10^exponent`, no leading or trailing zero among the digits.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    /// Longest text that is looked at; more digits than any double has.
    const MAX_TEXT: usize = 1_500;

    fn parse(text: &str) -> Option<Decimal> {
        if text.len() > Decimal::MAX_TEXT {
            return None;
        }
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if (whole.is_empty() && fraction.is_empty())
            || !(whole.bytes().chain(fraction.bytes())).all(|c| c.is_ascii_digit())
        {
            return None;
        }
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).map(|c| c - b'0').collect();
        let leading = digits.iter().take_while(|digit| **digit == 0).count();
        digits.drain(..leading);
        while digits.last() == Some(&0) {
            digits.pop();
        }
        if digits.is_empty() {
            return Some(Decimal { negative: false, digits, exponent: 0 });
        }
        let point = i64::try_from(whole.len()).ok()? - i64::try_from(leading).ok()?;
        Some(Decimal { negative, digits, exponent: point + i64::from(exponent) })
    }

    /// The value if it is integral, saturated.
    fn integer(&self) -> Option<i64> {
        if self.digits.is_empty() {
            return Some(0);
        }
        if self.exponent < i64::try_from(self.digits.len()).ok()? {
            return None;
        }
        let bound = if self.negative { i64::MIN } else { i64::MAX };
        if self.exponent > 19 {
            return Some(bound);
        }
        let mut value: i128 = 0;
        for place in 0..self.exponent {
            let digit = usize::try_from(place).ok().and_then(|place| self.digits.get(place)).copied().unwrap_or(0);
            value = value * 10 + i128::from(digit);
        }
        let value = if self.negative { -value } else { value };
        Some(i64::try_from(value).unwrap_or(bound))
    }
}

/// RFC 3339 with a zone, in the strict reading of Go's `time.RFC3339`; [`Timestamp::MAX`] stands for what is after it.
pub(super) fn timestamp(text: &str) -> Option<Timestamp> {
    is_strict(text)?.then(|| instant::parse(text))?
}

/// The same as CEL sees it: to the last nanosecond of the year 9999.
fn exact(text: &str) -> Option<cel::Value> {
    let text = is_strict(text)?.then(|| instant::to_utc(text))??;
    Some(cel::Value::Timestamp(text.parse().ok()?))
}

/// Whether the text has the form that Go reads.
fn is_strict(text: &str) -> Option<bool> {
    let bytes = text.as_bytes();
    let shaped = bytes.iter().enumerate().take(19).all(|(at, c)| match at {
        4 | 7 => *c == b'-',
        10 => *c == b'T',
        13 | 16 => *c == b':',
        _ => c.is_ascii_digit(),
    });
    let second: u8 = text.get(17..19)?.parse().ok()?;
    let mut rest = text.get(19..)?;
    if let Some(fraction) = rest.strip_prefix('.') {
        rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
        if rest.len() == fraction.len() || fraction.len() - rest.len() > 9 {
            return None;
        }
    }
    let zone = rest == "Z"
        || (rest.len() == 6
            && rest.bytes().enumerate().all(|(at, c)| match at {
                0 => c == b'+' || c == b'-',
                3 => c == b':',
                _ => c.is_ascii_digit(),
            }));
    Some(shaped && second <= 59 && zone)
}

/// Go's duration syntax, in nanoseconds: `1h30m`, `-1.5s`, `250ms`, `0`.
fn duration(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() || rest.len() > 256 {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at_checked(number_end)?;
        let unit_end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(unit_end)?;
        rest = tail;
        let nanos: i128 = match unit {
            "ns" => 1,
            "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return None;
        }
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok()?.into() };
        total += whole * nanos;
        let mut scale = nanos;
        for digit in fraction.bytes() {
            // Below a nanosecond the rest is cut off, digit by digit; more digits cannot matter.
            total += i128::from(digit - b'0') * scale / 10;
            scale /= 10;
        }
        if total > i128::from(i64::MAX) {
            return None;
        }
    }
    i64::try_from(if negative { -total } else { total }).ok()
}

/// The interpreter's own type of instants is only reachable through its text.
fn cel_timestamp(instant: Timestamp) -> Option<cel::Value> {
    Some(cel::Value::Timestamp(instant.to_string().parse().ok()?))
}

/// As with instants: a duration is the difference of two of them.
fn cel_duration(nanos: i64) -> Option<cel::Value> {
    let start = Timestamp::UNIX_EPOCH;
    let end = start.checked_add(nanos.nanoseconds()).ok()?;
    match (cel_timestamp(end)?, cel_timestamp(start)?) {
        (cel::Value::Timestamp(end), cel::Value::Timestamp(start)) => Some(cel::Value::Duration(end - start)),
        _ => None,
    }
}
