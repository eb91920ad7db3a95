//! Bodies of requests: their form, and those of which one part may be wrong without the rest.

use std::borrow::Cow;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::entrance::Upload;
use super::extract::{describe, is_late, parse};
use super::problem::ApiProblem;
use crate::wire::bounds::MAX_DOCUMENTS;
use crate::wire::strict::{self, MAX_DEPTH};
use crate::wire::{Document, FieldProblem, Query};

/// Levels of nesting around a document in its request.
const AROUND: usize = 2;
/// JSON values of a request with documents.
const MAX_VALUES: usize = 500_000;

/// The bytes of a JSON body.
///
/// # Errors
/// 415 where it is said to be something else, or in a coding; 413.
pub async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, ApiProblem> {
    if !is_json(request.headers()) {
        return Err(ApiProblem::unsupported_media_type());
    }
    if !is_plain(request.headers()) {
        return Err(ApiProblem::unsupported_coding());
    }
    Bytes::from_request(request, state).await.map_err(|error| {
        if is_late(&error) {
            ApiProblem::too_slow()
        } else if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
            ApiProblem::too_large()
        } else {
            ApiProblem::invalid("", "the body could not be read")
        }
    })
}

/// Whether there is one content type and it is JSON's, in whatever case.
fn is_json(headers: &HeaderMap) -> bool {
    let mut kinds = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(kind), None) = (kinds.next(), kinds.next()) else { return false };
    let kind = kind.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(b"application/json")
}

/// Whether the body is sent as it is.
fn is_plain(headers: &HeaderMap) -> bool {
    let codings = headers.get_all(header::CONTENT_ENCODING).iter();
    let mut codings = codings.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    codings.all(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"identity"))
}

/// A question. Of an emoji that was cut in half in its text, what is left is read as U+FFFD.
pub struct QuestionJson(pub Query);

impl<S: Send + Sync> FromRequest<S> for QuestionJson {
    type Rejection = ApiProblem;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiProblem> {
        let body = read(request, state).await?;
        Ok(Self(parse(&with_whole_characters(&body))?))
    }
}

/// One document of a request, or what is wrong with it.
pub struct Sent {
    /// As far as it can be read.
    pub id: String,
    pub document: Result<Document, FieldProblem>,
}

/// The documents of a request. JSON that can't be told apart into documents is refused whole.
pub struct DocumentsJson(pub Vec<Sent>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<'a> {
    #[serde(borrow)]
    documents: Vec<&'a RawValue>,
}

impl<S: Send + Sync> FromRequest<S> for DocumentsJson {
    type Rejection = ApiProblem;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiProblem> {
        let upload = request.extensions().get::<Upload>().cloned();
        let body = read(request, state).await?;
        let read = crate::spans::blocking(move || {
            let _upload = upload;
            documents(&body)
        });
        read.await.map_err(|error| ApiProblem::internal(&error))?.map(Self)
    }
}

fn documents(body: &[u8]) -> Result<Vec<Sent>, ApiProblem> {
    // Values take more room than their text: a list of empty names some eighty times as much.
    if values(body) > MAX_VALUES {
        let detail = format!("hold more than {MAX_VALUES} JSON values together: send fewer at once");
        return Err(ApiProblem::invalid("/documents", &detail));
    }
    let envelope: Envelope<'_> =
        strict::parse(body).map_err(|mistake| ApiProblem::invalid(&mistake.pointer, &describe(&mistake.error)))?;
    if envelope.documents.is_empty() || envelope.documents.len() > MAX_DOCUMENTS {
        return Err(ApiProblem::invalid("/documents", "must be 1 to 256 documents"));
    }
    Ok(envelope.documents.into_iter().enumerate().map(|(n, raw)| sent(n, raw.get())).collect())
}

/// How many values JSON holds at most, by its brackets and commas; O(bytes), and nothing is built.
fn values(json: &[u8]) -> usize {
    let (mut count, mut at) = (1, 0);
    while let Some(byte) = json.get(at) {
        at += 1;
        match byte {
            b'"' => at = end_of_string(json, at) + 1,
            b'{' | b'[' | b',' => count += 1,
            _ => {}
        }
    }
    count
}

fn sent(n: usize, json: &str) -> Sent {
    #[derive(Deserialize)]
    struct Named {
        id: String,
    }
    let document: Result<Document, FieldProblem> =
        strict::read(json.as_bytes(), MAX_DEPTH - AROUND).map_err(|mistake| FieldProblem {
            pointer: format!("/documents/{n}{}", mistake.pointer),
            detail: describe(&mistake.error),
        });
    let id = match &document {
        Ok(document) => document.id.clone(),
        Err(_) => serde_json::from_str(json).map(|Named { id }| id).unwrap_or_default(),
    };
    Sent { id, document }
}

/// JSON in whose outermost `query` no escape stands for half a character.
fn with_whole_characters(json: &[u8]) -> Cow<'_, [u8]> {
    let mut mended: Option<Vec<u8>> = None;
    let (mut depth, mut at, mut key) = (0_usize, 0, None);
    while let Some(byte) = json.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                let end = end_of_string(json, at);
                let text = json.get(at..end).unwrap_or_default();
                let is_key = after_blanks(json, end + 1) == Some(b':');
                if depth == 1 && key == Some(b"query".as_slice()) && !is_key {
                    for place in half_characters(text) {
                        let mended = mended.get_or_insert_with(|| json.to_vec());
                        if let Some(digits) = mended.get_mut(at + place..at + place + 4) {
                            digits.copy_from_slice(b"fffd");
                        }
                    }
                }
                key = is_key.then_some(text);
                at = end + 1;
            }
            _ => {}
        }
    }
    mended.map_or(Cow::Borrowed(json), Cow::Owned)
}

/// Where the string ends that begins at `at`, after its quotation mark.
fn end_of_string(json: &[u8], mut at: usize) -> usize {
    while let Some(byte) = json.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at,
            _ => at += 1,
        }
    }
    json.len()
}

fn after_blanks(json: &[u8], at: usize) -> Option<u8> {
    json.get(at..)?.iter().find(|byte| !byte.is_ascii_whitespace()).copied()
}

/// Places of the four digits of each escape of a surrogate without the other one of its pair.
fn half_characters(text: &[u8]) -> Vec<usize> {
    let unit = |at: usize| {
        let digits = text.get(at..)?.strip_prefix(b"\\u")?.get(..4)?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let (mut found, mut at) = (Vec::new(), 0);
    while at < text.len() {
        if text.get(at) != Some(&b'\\') {
            at += 1;
            continue;
        }
        match (unit(at), unit(at + 6)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => at += 12,
            (Some(0xD800..=0xDFFF), _) => {
                found.push(at + 2);
                at += 6;
            }
            (Some(_), _) => at += 6,
            (None, _) => at += 2,
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_of_characters_are_mended_in_the_question_alone() {
        let mend = |json: &str| String::from_utf8(with_whole_characters(json.as_bytes()).into_owned()).unwrap();
        for (json, wanted) in [
            (r#"{"query":"cut \ud83d"}"#, r#"{"query":"cut \ufffd"}"#),
            (
                r#"{ "query" : "\ude00 \ud83d\ude00 \uD83D\uD83D\uDE00" }"#,
                r#"{ "query" : "\ufffd \ud83d\ude00 \ufffd\uD83D\uDE00" }"#,
            ),
            (r#"{"query":"\\ud83d \" \u0041"}"#, r#"{"query":"\\ud83d \" \u0041"}"#),
            (r#"{"context":{"query":"\ud83d"},"query":"x"}"#, r#"{"context":{"query":"\ud83d"},"query":"x"}"#),
            (r#"{"collections":["query","\ud83d"]}"#, r#"{"collections":["query","\ud83d"]}"#),
        ] {
            assert_eq!(mend(json), wanted);
        }
        for broken in ["{", "\"", r#"{"query":"\u"#, r#"{"query":"\"#, r#"{"query":"\ud8"}"#] {
            assert_eq!(mend(broken), broken);
        }
    }

    #[test]
    fn a_document_that_cannot_be_read_keeps_its_place_and_its_name() {
        let good = r#"{"id":"s/a","collection":"c","content":{"type":"text/plain","text":"x"}}"#;
        assert_eq!(sent(0, good).document.unwrap().id, "s/a");
        for (json, id, why) in [
            (r#"{"id":"s/b","collection":"c","content":{"type":"text/plain","text":"\ud83d"}}"#, "s/b", "surrogate"),
            (r#"{"id":"s/b","collection":"c","content":{"type":"text/plain","text":"\u0000"}}"#, "s/b", "NUL"),
            (r#"{"id":"s/b","id":"s/c"}"#, "", "twice"),
            (r#"{"id":"s/b","surprise":1}"#, "s/b", "unknown field"),
            ("7", "", "expected"),
        ] {
            let sent = sent(3, json);
            let problem = sent.document.unwrap_err();
            let place = if why == "unknown field" { "/documents/3/surprise" } else { "/documents/3" };
            assert_eq!((sent.id.as_str(), problem.pointer.as_str()), (id, place), "{json}");
            assert!(problem.detail.contains(why), "{}", problem.detail);
        }
    }
}
