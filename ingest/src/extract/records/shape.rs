//! What of a record is its id, its title, its text and its metadata, as an operator says it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use usher_base::wire::Fields;

use super::{flat, scalar};
use crate::extract::{Builder, ExtractError, MAX_TEXT};

/// Bytes of one template, and names of metadata.
const MAX_TEMPLATE: usize = 16 * 1024;
const MAX_NAMES: usize = 64;

/// Names of fields, or templates: texts with names of fields in braces.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Shape {
    pub id: Option<String>,
    pub title: Option<String>,
    pub text: Option<String>,
    pub metadata: BTreeMap<String, String>,
}

impl Shape {
    /// What is wrong with it, if anything is.
    pub fn mistake(&self) -> Option<String> {
        let all = [("id", &self.id), ("title", &self.title), ("text", &self.text)];
        let own = all.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value.as_ref()?)));
        let metadata = self.metadata.iter().map(|(name, value)| (format!("metadata.{name}"), value));
        if self.metadata.len() > MAX_NAMES {
            return Some(format!("more than {MAX_NAMES} names of metadata"));
        }
        own.chain(metadata).find_map(|(key, value)| Some(format!("`{key}`: {}", Template::of(value).err()?)))
    }

    /// Whether it says anything that only a record with fields has.
    pub fn names_fields(&self) -> bool {
        *self != Shape::default()
    }
}

/// A text with the values of fields in it.
#[derive(Debug)]
pub struct Template(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    Text(String),
    Field(String),
}

impl Template {
    pub fn of(text: &str) -> Result<Template, String> {
        if text.trim().is_empty() || text.len() > MAX_TEMPLATE {
            return Err(format!("it must have 1 to {MAX_TEMPLATE} bytes"));
        }
        if !text.contains(['{', '}']) {
            return Ok(Template(vec![Piece::Field(text.trim().to_owned())]));
        }
        let (mut pieces, mut open, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            let (before, sign) = rest.split_at(at);
            open.push_str(before);
            let doubled = ["{{", "}}"].into_iter().find(|doubled| sign.starts_with(doubled));
            if let Some(doubled) = doubled {
                open.extend(doubled.chars().take(1));
                rest = sign.get(2..).unwrap_or_default();
                continue;
            }
            let Some((field, after)) = sign.strip_prefix('{').and_then(|field| field.split_once('}')) else {
                return Err("a brace without its other one; a brace that is meant as text is written twice".into());
            };
            if field.trim().is_empty() || field.contains('{') {
                return Err("between braces stands the name of a field".into());
            }
            pieces.push(Piece::Text(std::mem::take(&mut open)));
            pieces.push(Piece::Field(field.trim().to_owned()));
            rest = after;
        }
        open.push_str(rest);
        pieces.push(Piece::Text(open));
        Ok(Template(pieces))
    }

    /// With the values of a record, whose missing fields are empty.
    fn filled(&self, record: &Value, builder: &mut Builder) -> Result<String, ExtractError> {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Field(name) => {
                    let mut lines = Vec::new();
                    field(record, name).into_iter().for_each(|value| flat("", value, None, &mut lines, builder));
                    out.push_str(&lines.join("\n"));
                }
            }
            if out.len() > MAX_TEXT {
                return Err(ExtractError::Limit(format!("more than {MAX_TEXT} bytes of text")));
            }
        }
        Ok(out)
    }

    /// The one field that it is, if it is no more than that.
    fn as_field(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Piece::Field(name)] => Some(name),
            _ => None,
        }
    }
}

/// A field by its name; names of fields within fields, and numbers of items, are joined by dots. A field whose own name
/// has dots comes first.
pub fn field<'v>(record: &'v Value, name: &str) -> Option<&'v Value> {
    let inner = |value: &'v Value, name: &str| match value {
        Value::Object(fields) => fields.get(name),
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        _ => None,
    };
    inner(record, name).or_else(|| {
        let dots = name.match_indices('.').filter_map(|(at, _)| Some((name.get(..at)?, name.get(at..)?.get(1..)?)));
        dots.rev().take(16).find_map(|(first, rest)| field(inner(record, first)?, rest))
    })
}

/// The id that a record has, as text.
pub fn id(shape: &Shape, record: &Value) -> Result<String, String> {
    let Some(name) = &shape.id else {
        return Err("no `id` says which field tells records apart".into());
    };
    let id = match field(record, name) {
        Some(Value::String(id)) => id.trim().to_owned(),
        Some(Value::Number(id)) if !id.is_f64() => id.to_string(),
        Some(Value::Null) | None => return Err(format!("no field `{name}`, which is to be its id")),
        Some(_) => {
            return Err(format!("the field `{name}`, which is to be its id, is neither a text nor a whole number"));
        }
    };
    match id.is_empty() || id.chars().any(char::is_control) {
        true => Err(format!("the field `{name}`, which is to be its id, is empty or has control characters")),
        false => Ok(id),
    }
}

/// Fills the builder with what the shape says of a record. A record without a text of its own is all its fields.
pub fn fill(shape: &Shape, record: &Value, builder: &mut Builder) -> Result<(), ExtractError> {
    let template = |text: &String| Template::of(text).map_err(ExtractError::Broken);
    let title = shape.title.as_ref().map(template).transpose()?;
    if let Some(title) = &title {
        let filled = title.filled(record, builder)?;
        builder.title = Some(filled.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    match &shape.text {
        Some(text) => {
            let filled = template(text)?.filled(record, builder)?;
            builder.block(&filled)?;
        }
        None => {
            if title.is_none() {
                builder.title = super::titled(record).map(|(_, title)| title.to_owned());
            }
            super::one(0, record, builder)?;
        }
    }
    builder.metadata = metadata(shape, record, builder)?;
    Ok(())
}

fn metadata(shape: &Shape, record: &Value, builder: &mut Builder) -> Result<Fields, ExtractError> {
    let mut out = Fields::new();
    for (name, text) in &shape.metadata {
        let template = Template::of(text).map_err(ExtractError::Broken)?;
        let value = match template.as_field().map(|name| field(record, name)) {
            Some(None | Some(Value::Null)) => None,
            Some(Some(Value::String(text))) => Some(Value::from(text.trim())),
            Some(Some(value @ (Value::Bool(_) | Value::Number(_)))) => Some(value.clone()),
            Some(Some(Value::Array(items))) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
                let items: Vec<Value> =
                    items.iter().filter_map(|item| scalar(item, builder)).map(Value::from).collect();
                Some(items.into())
            }
            Some(Some(_)) => {
                builder.count("fields that are no values of metadata", 1);
                None
            }
            None => Some(template.filled(record, builder)?.trim().into()),
        };
        out.extend(value.map(|value| (name.clone(), value)));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_lie_in_each_other_and_names_with_dots_come_first() {
        let record = json!({"a": {"b": [{"c": 1}, "x"], "c.d": 2}, "a.b": 3, "": 4});
        for (name, wanted) in [
            ("a.b", json!(3)),
            ("a.b.0.c", json!(1)),
            ("a.b.1", json!("x")),
            ("a.c.d", json!(2)),
            ("a", record["a"].clone()),
        ] {
            assert_eq!(field(&record, name), Some(&wanted), "{name}");
        }
        for name in ["b", "a.x", "a.b.2", "a.b.1.c", "a.", ".a", "a.b.-1"] {
            assert_eq!(field(&record, name), None, "{name}");
        }
    }

    #[test]
    fn templates_hold_fields_and_braces() {
        let record = json!({"a": "x", "n": {"t": ["y", 2]}, "o": [{"k": "v"}]});
        let filled =
            |text: &str| Template::of(text).map(|template| template.filled(&record, &mut Builder::new(false)).unwrap());
        for (text, wanted) in [
            ("a", "x"),
            ("{a}", "x"),
            ("{ a }: {n.t} {{a}} {none}.", "x: y, 2 {a} ."),
            ("{o}", "k: v"),
            ("plain {{", "plain {"),
        ] {
            assert_eq!(filled(text).as_deref(), Ok(wanted), "{text}");
        }
        for text in ["", " ", "{", "a}", "{}", "{a", "{a{b}}"] {
            assert!(filled(text).is_err(), "{text}");
        }
        let shape = Shape { metadata: BTreeMap::from([("year".into(), "{at".into())]), ..Shape::default() };
        assert!(shape.mistake().unwrap().contains("`metadata.year`"));
    }
}
