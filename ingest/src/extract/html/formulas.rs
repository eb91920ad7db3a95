//! Formulas, which pages hold more than once: as they are seen, and for programs that read aloud or copy.

use dom_query::NodeRef;

use super::hiding::has_word;

/// Characters of a formula that are compared.
const MAX_COMPARED: usize = 20_000;

/// Whether an element shows a formula again, in another form, that stands beside it.
pub fn is_second_form(node: &NodeRef<'_>, name: &str) -> bool {
    let has = |class: &str| has_word(node, "class", &[class]);
    // What is seen is laid out from below; what is hidden beside it reads better, but only the same may be taken for it.
    if has("katex-mathml") {
        return beside("katex-html", node.next_element_sibling()).is_some_and(|seen| !is_alike(node, &seen));
    }
    if has("katex-html") {
        return beside("katex-mathml", node.prev_element_sibling()).is_some_and(|hidden| is_alike(&hidden, node));
    }
    let is_for_reading_aloud = name == "mjx-assistive-mml" || has("MJX_Assistive_MathML");
    is_for_reading_aloud
        && std::iter::successors(node.prev_sibling(), NodeRef::prev_sibling)
            .take(4)
            .any(|seen| !seen.text().trim().is_empty())
}

fn beside<'a>(class: &str, node: Option<NodeRef<'a>>) -> Option<NodeRef<'a>> {
    node.filter(|other| has_word(other, "class", &[class]))
}

/// Whether both have the same letters and digits, in whatever order.
fn is_alike(one: &NodeRef<'_>, other: &NodeRef<'_>) -> bool {
    let letters = |node: &NodeRef<'_>| {
        let is_source = |above: NodeRef<'_>| above.node_name().is_some_and(|name| name.starts_with("annotation"));
        let texts = node.descendants_it().filter(|part| part.is_text());
        let texts = texts.filter(|text| !text.ancestors_it(Some(8)).any(is_source));
        let mut letters: Vec<char> = texts.flat_map(|text| text.text().chars().collect::<Vec<_>>()).collect();
        letters.retain(|c| c.is_alphanumeric());
        letters.truncate(MAX_COMPARED);
        letters.sort_unstable();
        letters
    };
    letters(one) == letters(other)
}

/// What parts the second piece of a fraction or a power from the first, where nothing else does.
pub fn sign_before(node: &NodeRef<'_>, line: &str) -> Option<char> {
    let above = node.parent()?.node_name()?;
    node.prev_element_sibling()?;
    let is_number = line.ends_with(|c: char| c.is_ascii_digit());
    match &*above {
        "mfrac" => Some('/'),
        "msup" if is_number => Some('^'),
        "msub" if is_number => Some('_'),
        _ => None,
    }
}

/// The first characters of an element's text, and no more than about so many.
pub fn begin_of(node: &NodeRef<'_>, characters: usize) -> String {
    let mut text = String::new();
    for part in node.descendants_it().filter(|part| part.is_text()) {
        text.push_str(&part.text());
        if text.len() > characters {
            break;
        }
    }
    text
}

/// What parts a raised or lowered text from the word or number before it, so that they are not read as one.
pub fn sign_before_raised(node: &NodeRef<'_>, name: &str, line: &str) -> Option<char> {
    let text = begin_of(node, 40);
    let text = text.trim();
    let last = line.chars().next_back()?;
    let begins_with_digit = text.trim_start_matches(['-', '+', '\u{2212}']).starts_with(|c: char| c.is_ascii_digit());
    if last.is_ascii_digit() && begins_with_digit {
        return Some(if name == "sup" { '^' } else { '_' });
    }
    let is_mark = |c: char| c.is_ascii_digit() || matches!(c, ',' | '*' | '†' | '‡' | '§' | '¶' | ' ' | '-' | '–');
    let is_reference = name == "sup" && !text.is_empty() && text.chars().count() <= 12 && text.chars().all(is_mark);
    // Shorter ones are units and names of quantities.
    let is_word = line.chars().rev().take(3).filter(|c| c.is_alphabetic()).count() == 3;
    let ends_sentence = matches!(last, '.' | ',' | ';' | ':' | '!' | '?' | '"' | '”' | '»' | '’');
    (is_reference && (is_word || ends_sentence)).then_some(' ')
}
