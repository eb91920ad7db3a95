//! Footnotes and endnotes of Word.

use std::collections::{BTreeMap, BTreeSet};

use super::walk::{Block, Sources, Walker};
use crate::extract::xml::{Xml, attribute, each_event};
use crate::extract::{Builder, ExtractError};

/// Kind and id of a note.
pub type Name = (&'static str, String);

/// Footnotes and endnotes, which stand where they are called.
#[derive(Debug, Default)]
pub struct Notes(BTreeMap<Name, Vec<String>>);

impl Notes {
    pub fn read(
        &mut self,
        kind: &'static str,
        xml: &str,
        sources: &Sources,
        builder: &mut Builder,
    ) -> Result<(), ExtractError> {
        // A note calls no other.
        let none = Notes::default();
        let mut walker = Walker::new(sources, &none, builder);
        let mut id = None;
        each_event(xml, |event| match event {
            Xml::Start(name, element) if name == kind => {
                id = attribute(element, "id");
                Ok(())
            }
            Xml::End(name) if name == kind => {
                let blocks = walker.so_far().into_iter().filter_map(|block| match block {
                    Block::Heading(_, text) | Block::Text(text) | Block::Row { text, .. } => Some(text),
                    Block::Part(_) => None,
                });
                if let Some(id) = id.take() {
                    self.0.entry((kind, id)).or_default().extend(blocks);
                }
                Ok(())
            }
            event => walker.see(event),
        })
    }

    pub fn get(&self, name: &Name) -> Option<&Vec<String>> {
        self.0.get(name)
    }

    /// Notes with a text that are not among those called.
    pub fn uncalled(&self, called: &BTreeSet<Name>) -> u64 {
        self.0.iter().filter(|(name, blocks)| !blocks.is_empty() && !called.contains(*name)).count() as u64
    }
}
