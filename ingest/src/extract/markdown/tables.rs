//! Tables of Markdown: a long one becomes several that have the same head, so that each chunk holds it.

use std::ops::Range;

use pulldown_cmark::{Event, Parser, Tag, TagEnd};
use usher_base::outline;

use super::super::rows::{Groups, MAX_GROUP, Place};

/// Tables that stand in the text itself, in no list and no quotation.
pub fn places(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    if !text.contains('|') {
        return found;
    }
    let mut depth = 0usize;
    for (event, range) in Parser::new_ext(text, outline::options()).into_offset_iter() {
        match event {
            Event::Start(Tag::Table(_)) if depth == 0 => found.push(range),
            Event::Start(Tag::BlockQuote(_) | Tag::List(_) | Tag::FootnoteDefinition(_)) => {
                depth = depth.saturating_add(1);
            }
            Event::End(TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::FootnoteDefinition) => {
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
    }
    found
}

pub fn divided(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for place in places(text) {
        let Some(table) = text.get(place.clone()).map(str::trim_end) else { continue };
        let mut lines = table.split('\n');
        let head = lines.by_ref().take(2).collect::<Vec<_>>().join("\n");
        if table.chars().count() <= MAX_GROUP {
            continue;
        }
        out.push_str(text.get(at..place.start).unwrap_or_default());
        out.push_str(&head);
        let mut groups = Groups::default();
        groups.names(head.chars().count());
        for line in lines {
            // Without its head it would be no table.
            if groups.place(line.chars().count().saturating_add(1)) == Place::Named {
                out.push_str("\n\n");
                out.push_str(&head);
            }
            out.push('\n');
            out.push_str(line);
        }
        at = place.start.saturating_add(table.len());
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}
