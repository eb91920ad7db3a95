//! Packages of Office Open XML: parts in a zip archive, which name each other by relationships. A part is found by what it
//! is for, not by its name; the usual names serve files that lack relationships.

use std::collections::BTreeMap;

use super::ExtractError;
use super::archive::Parts;
use super::xml::{Xml, attribute, each_event, text_of};

/// What a part points to.
#[derive(Debug, Clone)]
pub struct Relation {
    /// Last word of its type, which is the same in all editions of the standard.
    pub kind: String,
    /// Name of a part in the package; of what lies outside, an address that is never followed.
    pub target: String,
    pub is_outside: bool,
}

pub type Relations = BTreeMap<String, Relation>;

pub struct Package<'a> {
    parts: Parts<'a>,
    /// Names are compared without case.
    names: BTreeMap<String, String>,
}

impl<'a> Package<'a> {
    pub fn open(bytes: &'a [u8]) -> Result<Self, ExtractError> {
        let parts = Parts::open(bytes)?;
        let names = parts.names().into_iter().map(|name| (plain(&name), name)).collect();
        Ok(Package { parts, names })
    }

    /// Name of the part that is the document itself.
    pub fn main(&mut self, usual: &str) -> Result<Option<String>, ExtractError> {
        let root = self.relations("")?;
        let named = root.into_values().find(|r| r.kind == "officeDocument" && !r.is_outside).map(|r| r.target);
        let there = |name: &String| self.names.contains_key(&plain(name));
        Ok(named.filter(there).or_else(|| Some(usual.to_owned()).filter(there)))
    }

    pub fn text(&mut self, name: &str) -> Result<Option<String>, ExtractError> {
        let Some(name) = self.names.get(&plain(name)) else { return Ok(None) };
        self.parts.text(name)
    }

    pub fn bytes(&mut self, name: &str) -> Result<Option<Vec<u8>>, ExtractError> {
        let Some(name) = self.names.get(&plain(name)) else { return Ok(None) };
        self.parts.bytes(name)
    }

    /// The part of this kind that another one points to, else the one with the usual name.
    pub fn related(&mut self, relations: &Relations, kind: &str, usual: &str) -> Result<Option<String>, ExtractError> {
        let named = relations.values().find(|r| r.kind == kind && !r.is_outside).map(|r| r.target.clone());
        match named {
            Some(name) => self.text(&name),
            None if relations.is_empty() => self.text(usual),
            None => Ok(None),
        }
    }

    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.names.keys()
    }

    /// What a part points to, by id; the empty name stands for the package.
    pub fn relations(&mut self, part: &str) -> Result<Relations, ExtractError> {
        let (folder, file) = part.rsplit_once('/').unwrap_or(("", part));
        let slash = if folder.is_empty() { "" } else { "/" };
        let Some(xml) = self.text(&format!("{folder}{slash}_rels/{file}.rels"))? else { return Ok(Relations::new()) };
        let mut relations = Relations::new();
        each_event(&xml, |event| {
            if let Xml::Start("Relationship", element) = event
                && let (Some(id), Some(target)) = (attribute(element, "Id"), attribute(element, "Target"))
            {
                let kind = attribute(element, "Type").unwrap_or_default();
                let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
                let is_outside = attribute(element, "TargetMode").is_some_and(|m| m.eq_ignore_ascii_case("external"));
                let target = if is_outside { target } else { resolve(folder, &target) };
                relations.insert(id, Relation { kind, target, is_outside });
            }
            Ok(())
        })?;
        Ok(relations)
    }

    /// Title, as the properties of the document name it.
    pub fn title(&mut self) -> Result<Option<String>, ExtractError> {
        let root = self.relations("")?;
        match self.related(&root, "core-properties", "docProps/core.xml")? {
            Some(core) => text_of(&core, "title"),
            None => Ok(None),
        }
    }
}

fn plain(name: &str) -> String {
    name.trim_start_matches('/').to_lowercase()
}

/// The part that a target means, as seen from a folder.
pub fn resolve(folder: &str, target: &str) -> String {
    let target = unescaped(&target.replace('\\', "/"));
    let target = target.split('#').next().unwrap_or_default();
    let mut path: Vec<&str> = if target.starts_with('/') { Vec::new() } else { folder.split('/').collect() };
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => drop(path.pop()),
            step => path.push(step),
        }
    }
    path.retain(|step| !step.is_empty());
    path.join("/")
}

/// Without percent escapes; what is no escape stays.
fn unescaped(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|two| std::str::from_utf8(two).ok()).filter(|_| *first == b'%');
        match digits.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}
