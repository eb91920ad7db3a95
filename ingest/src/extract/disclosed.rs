//! Title and metadata, which everybody sees who may read anything of a document, say nothing of its restricted parts.

use std::ops::Range;

use serde_json::Value;
use usher_base::faults::mutants;

use super::Extracted;

/// Takes out of title and metadata what the restricted parts, disjoint and ascending, say and the rest does not. `header`:
/// the part of the text that says the same as all of them, as the first lines of a mail do.
pub fn withhold(doc: &mut Extracted, restricted: &[Range<usize>], header: &Range<usize>) {
    if restricted.is_empty() || mutants::active("titles_of_restricted_parts") {
        return;
    }
    let mut withheld = 0u64;
    let mut count = || withheld = withheld.saturating_add(1);
    if restricted.iter().any(|part| part.start < header.end && header.start < part.end) {
        doc.title.take().into_iter().for_each(|_| count());
        std::mem::take(&mut doc.metadata).into_iter().for_each(|_| count());
    }
    let (mut open, mut closed, mut at) = (String::new(), String::new(), 0);
    for part in restricted {
        open.push_str(&words(doc.text.get(at..part.start).unwrap_or_default()));
        closed.push_str(&words(doc.text.get(part.clone()).unwrap_or_default()));
        at = part.end;
    }
    open.push_str(&words(doc.text.get(at..).unwrap_or_default()));
    let inside = |at: usize| restricted.iter().any(|part| part.contains(&at));
    let named = doc.headings.iter().filter(|heading| inside(heading.start)).map(|heading| words(&heading.text));
    let named: Vec<String> = named.filter(|heading| heading.len() > 1).collect();
    let names_a_part = |said: &str| !open.contains(said) && named.iter().any(|heading| said.contains(heading));
    let title = doc.title.as_deref().map(words);
    if title
        .is_some_and(|said| names_a_part(&said) || (said.len() > 1 && closed.contains(&said) && !open.contains(&said)))
    {
        doc.title = None;
        count();
    }
    // What was written above the text as a whole is meant for all of it, unless it names a part.
    let tells = |value: &Value| match value {
        Value::String(text) => names_a_part(&words(text)),
        Value::Number(number) => names_a_part(&words(&number.to_string())),
        _ => false,
    };
    doc.metadata.retain(|_, value| {
        let is_list = value.is_array();
        if let Value::Array(items) = value {
            items.retain(|item| {
                !tells(item) || {
                    count();
                    false
                }
            });
        }
        let goes = tells(value) || (is_list && value.as_array().is_some_and(Vec::is_empty));
        if goes && !is_list {
            count();
        }
        !goes
    });
    if withheld > 0 {
        let sum = doc.removed.entry("titles and fields that say what is restricted".to_owned()).or_default();
        *sum = sum.saturating_add(withheld);
    }
}

/// The words of a text, in small letters, each between blanks.
fn words(text: &str) -> String {
    let mut out = String::with_capacity(text.len().saturating_add(2));
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        out.push(' ');
        out.push_str(&word.to_lowercase());
    }
    out.push(' ');
    out
}
