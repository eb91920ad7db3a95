//! JSON that two parsers can't read in two ways.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_path_to_error::{Path, Segment};

use self::objects::Objects;

mod objects;

/// Deepest nesting of JSON from outside.
pub const MAX_DEPTH: usize = 32;

/// What is wrong with JSON, and where.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct JsonError {
    /// RFC 6901; empty where it is the whole, or no JSON.
    pub pointer: String,
    pub error: serde_json::Error,
}

/// Reads JSON that has one meaning: no key twice, no NUL, not nested deeper than `max_depth`, objects where objects are
/// meant.
///
/// # Errors
/// With the place of the mistake.
pub fn read<'de, T: Deserialize<'de>>(json: &'de [u8], max_depth: usize) -> Result<T, JsonError> {
    check_json(json, max_depth).map_err(|error| JsonError { pointer: String::new(), error })?;
    parse(json)
}

/// The same without a look at what is not taken: for what is looked at in parts later.
///
/// # Errors
/// With the place of the mistake.
pub fn parse<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, JsonError> {
    let mut parser = serde_json::Deserializer::from_slice(json);
    let read = serde_path_to_error::deserialize(Objects(&mut parser)).map_err(|error| {
        let pointer = pointer(error.path());
        JsonError { pointer, error: error.into_inner() }
    })?;
    parser.end().map_err(|error| JsonError { pointer: String::new(), error })?;
    Ok(read)
}

fn pointer(path: &Path) -> String {
    let segments = path.iter().filter_map(|segment| match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    segments.map(|segment| format!("/{segment}")).collect()
}

/// Refuses JSON that two parsers might read in two ways, or that nests deeper than `max_depth`.
///
/// # Errors
/// With the place of the mistake.
pub fn check_json(body: &[u8], max_depth: usize) -> Result<(), serde_json::Error> {
    let mut checker = serde_json::Deserializer::from_slice(body);
    Strict { deeper: max_depth }.deserialize(&mut checker)?;
    checker.end()
}

/// Walks any JSON and refuses what a later parser might read in two ways.
struct Strict {
    /// Levels that may follow.
    deeper: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(&self) -> Result<Self, E> {
        let deeper = self.deeper.checked_sub(1).ok_or_else(|| E::custom("nested too deeply"))?;
        Ok(Self { deeper })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        if text.contains('\0') { Err(E::custom("a string contains a NUL character")) } else { Ok(()) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(self.deeper()?)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = std::collections::HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if key.contains('\0') {
                return Err(serde::de::Error::custom("a key contains a NUL character"));
            }
            if !seen.insert(key.clone()) {
                return Err(serde::de::Error::custom(format!("the key `{key}` occurs twice")));
            }
            map.next_value_seed(self.deeper()?)?;
        }
        Ok(())
    }
}
