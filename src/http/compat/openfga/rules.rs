//! Bounds of fields, which OpenFGA checks before it looks at a store or a model.

use serde_json::Value;

use super::error::FgaError;
use super::shapes::{QuestionShape, TupleShape};
use crate::wire::Fields;

/// Contextual tuples of one question.
pub const MAX_CONTEXTUAL: usize = 100;
/// Longest user, characters.
pub const MAX_USER: usize = 512;
/// Longest object, characters.
pub const MAX_OBJECT: usize = 256;
pub const MAX_RELATION: usize = 50;
pub const MAX_TYPE: usize = 254;
/// Characters of a store's name.
pub const MIN_STORE_NAME: usize = 3;
pub const MAX_STORE_NAME: usize = 64;
/// Longest continuation token, bytes.
pub const MAX_TOKEN: usize = 5120;
pub const MAX_PAGE: i64 = 100;

// What the description of the API says of fields, as patterns.

pub const ID: &str = "^[0-9A-HJKMNP-TV-Z]{26}$";
/// The id of a model, or nothing for the newest one.
pub const ID_OR_NEWEST: &str = "^(?:[0-9A-HJKMNP-TV-Z]{26})?$";
pub const NAME_OR_NOTHING: &str = r"^[^:#@\s\x00]*$";
pub const STORE_NAME: &str = r"^[A-Za-z0-9 \t\n\x0c\r./^_&@-]+$";
pub const TOKEN: &str = "^[A-Za-z0-9_+/=-]*$";
/// Text without control characters, as it stands in a context.
pub const PLAIN: &str = r"^[^\x00-\x1f\x7f-\x9f]*$";
pub const CORRELATION: &str = "^[A-Za-z0-9_-]+$";
const DEFAULT_PAGE: usize = 50;

fn refuse(field: &str, rule: &str) -> FgaError {
    FgaError::validation(format!("{field}: {rule}"))
}

/// A store's or model's id: 26 characters of Crockford's alphabet.
pub fn id(field: &str, id: &str) -> Result<(), FgaError> {
    let of_alphabet = |c: u8| c.is_ascii_digit() || (c.is_ascii_uppercase() && !b"ILOU".contains(&c));
    if id.len() == 26 && id.bytes().all(of_alphabet) {
        Ok(())
    } else {
        Err(refuse(field, "an id has 26 characters of Crockford's base 32"))
    }
}

/// A model's id in a body, where empty means the newest.
pub fn model_id(id: Option<&str>) -> Result<(), FgaError> {
    match id {
        None | Some("") => Ok(()),
        Some(id) => self::id("authorization_model_id", id),
    }
}

fn is_name(name: &str, max: usize) -> bool {
    (1..=max).contains(&name.chars().count())
        && !name.chars().any(|c| matches!(c, ':' | '#' | '@') || c.is_whitespace())
}

pub fn relation(field: &str, name: &str) -> Result<(), FgaError> {
    if is_name(name, MAX_RELATION) {
        Ok(())
    } else {
        Err(refuse(field, "a relation has 1 to 50 characters, none of `: # @` and no white space"))
    }
}

pub fn object_type(field: &str, name: &str) -> Result<(), FgaError> {
    if is_name(name, MAX_TYPE) {
        Ok(())
    } else {
        Err(FgaError::bad("type_invalid_pattern", format!("{field}: `{name}` is no name of a type")))
    }
}

pub fn user(user: &str) -> Result<(), FgaError> {
    if (2..=MAX_USER).contains(&user.chars().count()) && !user.chars().any(char::is_whitespace) {
        Ok(())
    } else {
        Err(refuse("user", "2 to 512 characters without white space are expected"))
    }
}

fn is_object(object: &str) -> bool {
    (2..=MAX_OBJECT).contains(&object.chars().count()) && !object.chars().any(char::is_whitespace)
}

pub fn object(object: &str) -> Result<(), FgaError> {
    if is_object(object) {
        Ok(())
    } else {
        Err(refuse("object", "2 to 256 characters without white space are expected"))
    }
}

/// The three parts of a tuple.
pub fn tuple(key: &QuestionShape) -> Result<(), FgaError> {
    user(&key.user)?;
    relation("relation", &key.relation)?;
    object(&key.object)
}

/// A list that is given must not be empty.
pub fn some_tuples(field: &str, count: usize) -> Result<(), FgaError> {
    if count > 0 { Ok(()) } else { Err(refuse(field, "at least one tuple is needed")) }
}

pub fn store_name(name: &str) -> Result<(), FgaError> {
    let is_good = |c: char| c.is_ascii_alphanumeric() || c.is_ascii_whitespace() || "-./^_&@".contains(c);
    if (MIN_STORE_NAME..=MAX_STORE_NAME).contains(&name.chars().count()) && name.chars().all(is_good) {
        Ok(())
    } else {
        Err(refuse("name", "3 to 64 letters, digits, blanks or any of - . / ^ _ & @ are expected"))
    }
}

pub fn contextual(tuples: &[TupleShape]) -> Result<(), FgaError> {
    if tuples.len() > MAX_CONTEXTUAL {
        return Err(refuse("contextual_tuples", "at most 100 are allowed"));
    }
    // What is malformed in another way is a refused tuple, not a refused request.
    tuples.iter().try_for_each(|TupleShape { key, .. }| {
        let fits = key.user.chars().count() <= MAX_USER
            && (key.relation.is_empty() || is_name(&key.relation, MAX_RELATION))
            && (key.object.is_empty() || is_object(&key.object));
        if fits { Ok(()) } else { Err(refuse("contextual_tuples", "a part of a tuple is too long or malformed")) }
    })
}

/// No control characters anywhere in a context.
pub fn context(fields: &Fields) -> Result<(), FgaError> {
    fn is_clean(value: &Value) -> bool {
        let clean = |text: &str| !text.chars().any(char::is_control);
        match value {
            Value::String(text) => clean(text),
            Value::Array(elements) => elements.iter().all(is_clean),
            Value::Object(fields) => fields.iter().all(|(key, value)| clean(key) && is_clean(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => true,
        }
    }
    let is_clean = fields.iter().all(|(key, value)| !key.chars().any(char::is_control) && is_clean(value));
    if is_clean { Ok(()) } else { Err(refuse("context", "control characters are not allowed")) }
}

/// The size of a page: 1 to 100, 50 where none is given.
pub fn page_size(given: Option<i64>) -> Result<usize, FgaError> {
    match given {
        None => Ok(DEFAULT_PAGE),
        Some(size) if (1..=MAX_PAGE).contains(&size) => Ok(size as usize),
        Some(_) => Err(FgaError::bad("page_size_invalid", "the page size must be 1 to 100")),
    }
}

/// [`page_size`] for the log of changes, which reports one that is too small under another code.
pub fn changes_page_size(given: Option<i64>) -> Result<usize, FgaError> {
    if given.is_some_and(|size| size < 1) {
        return Err(refuse("page_size", "at least 1 is expected"));
    }
    page_size(given)
}

pub fn continuation_token(token: &str) -> Result<(), FgaError> {
    let is_good = |c: u8| c.is_ascii_alphanumeric() || b"-_+/=".contains(&c);
    if token.len() <= MAX_TOKEN && token.bytes().all(is_good) {
        Ok(())
    } else {
        Err(refuse("continuation_token", "at most 5,120 characters of base 64 are expected"))
    }
}
