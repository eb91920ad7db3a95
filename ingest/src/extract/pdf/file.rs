//! Objects of a PDF: references followed, types checked, every stream bounded while it is decoded.

use std::cell::Cell;
use std::collections::HashSet;

use lopdf::xref::XrefEntry;
use lopdf::{Dictionary, Document, LoadOptions, Object, ObjectId, Stream};

use super::super::ExtractError;
use super::geometry::{Matrix, Rect};

const MAX_STREAM: usize = 32 * 1024 * 1024;
/// Bytes that all streams of a document give together.
const MAX_DECODED: usize = 1024 * 1024 * 1024;
/// Nodes of the page tree above a page.
const MAX_TREE: usize = 64;

#[derive(Debug)]
pub struct File {
    document: Document,
    decoded: Cell<usize>,
    /// Layers that are switched off.
    off: HashSet<ObjectId>,
}

impl File {
    pub fn open(bytes: &[u8]) -> Result<Self, ExtractError> {
        let mut document = load(bytes)?;
        let mended = super::repair::ends(bytes, &document);
        if let Some(mended) = &mended {
            document = load(mended)?;
        }
        let bytes = mended.as_deref().unwrap_or(bytes);
        super::repair::lengths(bytes, &mut document);
        if let Some(updated) = super::unlock::updated(bytes, &document) {
            document = load(&updated)?;
        }
        if document.is_encrypted() {
            return Err(ExtractError::Broken("encrypted: save it without a password".into()));
        }
        let mut file = Self { document, decoded: Cell::new(0), off: HashSet::new() };
        file.off = file.layers_off();
        Ok(file)
    }

    /// The pages in their order; those of a file whose page tree is lost, in the order of their objects.
    pub fn pages(&self, most: usize) -> Vec<ObjectId> {
        let pages: Vec<ObjectId> = self.document.page_iter().take(most).collect();
        if !pages.is_empty() {
            return pages;
        }
        let is_page = |object: &Object| as_dict(object).is_some_and(|dict| self.name(dict, b"Type") == Some(b"Page"));
        self.document.objects.iter().filter(|(_, object)| is_page(object)).map(|(id, _)| *id).take(most).collect()
    }

    pub fn object(&self, id: ObjectId) -> Option<&Object> {
        self.document.get_object(id).ok()
    }

    pub fn follow<'a>(&'a self, object: &'a Object) -> Option<&'a Object> {
        self.document.dereference(object).ok().map(|(_, object)| object).filter(|o| !o.is_null())
    }

    pub fn get<'a>(&'a self, dict: &'a Dictionary, key: &[u8]) -> Option<&'a Object> {
        self.follow(dict.get(key).ok()?)
    }

    pub fn dict<'a>(&'a self, dict: &'a Dictionary, key: &[u8]) -> Option<&'a Dictionary> {
        as_dict(self.get(dict, key)?)
    }

    pub fn name<'a>(&'a self, dict: &'a Dictionary, key: &[u8]) -> Option<&'a [u8]> {
        self.get(dict, key)?.as_name().ok()
    }

    pub fn number(&self, dict: &Dictionary, key: &[u8]) -> Option<f64> {
        as_number(self.get(dict, key)?)
    }

    pub fn array<'a>(&'a self, dict: &'a Dictionary, key: &[u8]) -> Option<&'a [Object]> {
        self.get(dict, key)?.as_array().ok().map(Vec::as_slice)
    }

    pub fn numbers<const N: usize>(&self, dict: &Dictionary, key: &[u8]) -> Option<[f64; N]> {
        let items = self.array(dict, key)?;
        let numbers: Vec<f64> = items.iter().take(N).filter_map(|o| as_number(self.follow(o)?)).collect();
        numbers.try_into().ok().filter(|n: &[f64; N]| n.iter().all(|n| n.is_finite()))
    }

    pub fn rect(&self, dict: &Dictionary, key: &[u8]) -> Option<Rect> {
        self.numbers(dict, key).map(Rect::of)
    }

    pub fn matrix(&self, dict: &Dictionary, key: &[u8]) -> Option<Matrix> {
        self.numbers(dict, key).map(Matrix::of)
    }

    /// A string that is meant for people.
    pub fn words(&self, dict: &Dictionary, key: &[u8]) -> Option<String> {
        lopdf::decode_text_string(self.get(dict, key)?).ok()
    }

    /// Whether the streams have given all that they may.
    pub fn is_spent(&self) -> bool {
        self.decoded.get() > MAX_DECODED
    }

    pub fn bytes(&self, stream: &Stream) -> Result<Vec<u8>, ExtractError> {
        // The length alone may be a reference, and the filters too.
        let resolved;
        let stream = match self.get(&stream.dict, b"Filter").map(|filter| self.filters(filter)) {
            Some(filter) if stream.dict.get(b"Filter").ok() != Some(&filter) => {
                let mut copy = stream.clone();
                copy.dict.set("Filter", filter);
                resolved = copy;
                &resolved
            }
            _ => stream,
        };
        let bytes = stream.get_plain_content_with_limit(MAX_STREAM).map_err(|e| match e {
            lopdf::Error::Decompress(lopdf::DecompressError::MemoryLimitExceeded { .. }) => {
                self.decoded.set(self.decoded.get().saturating_add(MAX_STREAM));
                ExtractError::Limit(format!("a stream of more than {MAX_STREAM} bytes"))
            }
            e => ExtractError::Broken(format!("a stream can't be decoded: {e}")),
        })?;
        let sum = self.decoded.get().saturating_add(bytes.len());
        self.decoded.set(sum);
        if sum > MAX_DECODED {
            return Err(ExtractError::Limit(format!("streams of more than {MAX_DECODED} bytes")));
        }
        Ok(bytes)
    }

    /// Whether the file's table has an object that could not be read.
    fn is_lost(&self, object: &Object) -> bool {
        let Ok(id) = object.as_reference() else { return false };
        let is_listed = self
            .document
            .reference_table
            .get(id.0)
            .is_some_and(|entry| matches!(entry, XrefEntry::Normal { .. } | XrefEntry::Compressed { .. }));
        is_listed && !self.document.objects.contains_key(&id)
    }

    /// Filters by their full names: viewers take the short ones of inline images everywhere.
    fn filters(&self, filter: &Object) -> Object {
        let full = |name: &[u8]| match name {
            b"A85" => b"ASCII85Decode".to_vec(),
            b"AHx" => b"ASCIIHexDecode".to_vec(),
            b"Fl" => b"FlateDecode".to_vec(),
            b"LZW" => b"LZWDecode".to_vec(),
            b"RL" => b"RunLengthDecode".to_vec(),
            name => name.to_vec(),
        };
        match filter {
            Object::Name(name) => Object::Name(full(name)),
            Object::Array(items) => {
                let items = items.iter().filter_map(|item| self.follow(item)?.as_name().ok());
                Object::Array(items.map(|name| Object::Name(full(name))).collect())
            }
            other => other.clone(),
        }
    }

    /// The content of a page, whose parts are one program.
    pub fn content(&self, page: &Dictionary) -> Result<Vec<u8>, ExtractError> {
        let contents = page.get(b"Contents").ok();
        let parts: Vec<&Object> = match contents.and_then(|contents| self.follow(contents)) {
            Some(Object::Array(parts)) => parts.iter().collect(),
            _ => contents.into_iter().collect(),
        };
        if parts.iter().any(|part| self.is_lost(part)) {
            return Err(ExtractError::Broken("its content can't be read".into()));
        }
        let parts: Vec<&Object> = parts.into_iter().filter_map(|part| self.follow(part)).collect();
        let mut content = Vec::new();
        for stream in parts.into_iter().filter_map(|part| part.as_stream().ok()) {
            content.extend(self.bytes(stream)?);
            content.push(b'\n');
            if content.len() > MAX_STREAM {
                return Err(ExtractError::Limit(format!("a page of more than {MAX_STREAM} bytes")));
            }
        }
        Ok(content)
    }

    /// What a page, or the nearest node above it, says.
    pub fn inherited<'a>(&'a self, page: &'a Dictionary, key: &[u8]) -> Option<&'a Object> {
        let mut node = page;
        for _ in 0..MAX_TREE {
            if let Some(found) = self.get(node, key) {
                return Some(found);
            }
            node = self.dict(node, b"Parent")?;
        }
        None
    }

    pub fn catalog(&self) -> Option<&Dictionary> {
        self.document.catalog().ok()
    }

    pub fn title(&self) -> Option<String> {
        let info = self.follow(self.document.trailer.get(b"Info").ok()?)?.as_dict().ok()?;
        // What programs write where nobody gave one.
        let is_given = |title: &String| !matches!(title.trim().to_lowercase().as_str(), "untitled" | "(anonymous)");
        self.words(info, b"Title").filter(is_given)
    }

    fn layers_off(&self) -> HashSet<ObjectId> {
        let Some(layers) = self.catalog().and_then(|c| self.dict(c, b"OCProperties")) else { return HashSet::new() };
        let Some(config) = self.dict(layers, b"D") else { return HashSet::new() };
        let ids = |dict, key: &[u8]| {
            let items = self.array(dict, key).unwrap_or_default();
            items.iter().filter_map(|o| o.as_reference().ok()).collect::<HashSet<_>>()
        };
        let mut off = ids(config, b"OFF");
        if self.name(config, b"BaseState") == Some(b"OFF") {
            off.extend(ids(layers, b"OCGs").difference(&ids(config, b"ON")));
        }
        off
    }

    /// Whether a layer, or a set of layers, is switched off.
    pub fn is_off(&self, layer: &Object) -> bool {
        if layer.as_reference().is_ok_and(|id| self.off.contains(&id)) {
            return true;
        }
        let Some(set) = self.follow(layer).and_then(as_dict) else { return false };
        if self.name(set, b"Type") != Some(b"OCMD") {
            return false;
        }
        let members = match set.get(b"OCGs") {
            Ok(one @ Object::Reference(_)) => match self.follow(one) {
                Some(Object::Array(many)) => many.iter().collect(),
                _ => vec![one],
            },
            Ok(Object::Array(many)) => many.iter().collect(),
            _ => Vec::new(),
        };
        let states: Vec<bool> =
            members.iter().filter_map(|o| o.as_reference().ok()).map(|id| !self.off.contains(&id)).collect();
        let (any, all) = (states.iter().any(|on| *on), states.iter().all(|on| *on));
        let is_on = match self.name(set, b"P") {
            _ if states.is_empty() => true,
            Some(b"AllOn") => all,
            Some(b"AnyOff") => !all,
            Some(b"AllOff") => !any,
            _ => any,
        };
        !is_on
    }
}

fn load(bytes: &[u8]) -> Result<Document, ExtractError> {
    let options = LoadOptions { max_decompressed_size: Some(MAX_STREAM), ..LoadOptions::default() };
    Document::load_mem_with_options(bytes, options).map_err(|e| match e {
        lopdf::Error::Decompress(e) => ExtractError::Limit(e.to_string()),
        e => ExtractError::Broken(format!("no readable PDF: {e}")),
    })
}

/// A dictionary, or that of a stream.
pub fn as_dict(object: &Object) -> Option<&Dictionary> {
    match object {
        Object::Dictionary(dict) => Some(dict),
        Object::Stream(stream) => Some(&stream.dict),
        _ => None,
    }
}

pub fn as_number(object: &Object) -> Option<f64> {
    match object {
        Object::Integer(n) => Some(*n as f64),
        Object::Real(n) => Some(f64::from(*n)),
        _ => None,
    }
}
