//! Fonts: how a string divides into codes, how wide each is, and which text it stands for.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use lopdf::{Dictionary, Object};

use super::super::ExtractError;
use super::cmap::{self, CMap};
use super::collection::Collection;
use super::encoding::{self, Names, Table};
use super::file::{File, as_dict, as_number};
use super::metrics::{self, Widths};
use super::program;

/// Codes of one `W` array: more than any font has.
const MAX_WIDTHS: usize = 200_000;

/// One code of a string.
#[derive(Debug, Clone, PartialEq)]
pub struct Code {
    /// `None`: nothing says what it stands for.
    pub text: Option<Rc<str>>,
    /// In units of the font's size.
    pub advance: f64,
    /// Word spacing applies to it.
    pub is_space: bool,
}

#[derive(Debug)]
pub struct Font {
    coding: Coding,
    to_unicode: ToUnicode,
    /// What was asked before, by code and number of bytes.
    known: RefCell<HashMap<(u32, usize), Code>>,
    widths: HashMap<u32, f64>,
    default_width: f64,
    pub vertical: bool,
    /// Height of an em, in units of the font's size.
    pub em: f64,
    /// Its glyphs are signs: private characters are bullets, arrows and ticks.
    signs: bool,
}

/// The font's own word on what its codes mean.
#[derive(Debug)]
enum ToUnicode {
    Map(CMap),
    /// Codes are characters.
    Identity,
    Missing,
}

#[derive(Debug)]
enum Coding {
    Simple(Table),
    /// Two bytes are a glyph's number, or name one in a collection.
    Identity(HashMap<u32, String>, Option<Collection>),
    Utf16,
    Utf32,
    Legacy(&'static encoding_rs::Encoding),
    Embedded(CMap, HashMap<u32, String>, Option<Collection>),
}

impl Font {
    pub fn read(file: &File, names: &Names, dict: &Dictionary) -> Result<Self, ExtractError> {
        let to_unicode = match file.get(dict, b"ToUnicode") {
            Some(Object::Stream(stream)) => {
                let map = CMap::read(&lenient(file.bytes(stream))?);
                if map.is_empty() { ToUnicode::Missing } else { ToUnicode::Map(map) }
            }
            Some(Object::Name(name)) if name.starts_with(b"Identity") => ToUnicode::Identity,
            _ => ToUnicode::Missing,
        };
        if file.name(dict, b"Subtype") == Some(b"Type0") {
            return composite(file, dict, to_unicode);
        }
        simple(file, names, dict, to_unicode)
    }

    /// A font of which nothing is known.
    pub fn unknown() -> Self {
        Self {
            coding: Coding::Simple(vec![None; 256]),
            to_unicode: ToUnicode::Missing,
            known: RefCell::default(),
            widths: HashMap::new(),
            default_width: 0.5,
            vertical: false,
            em: 1.0,
            signs: false,
        }
    }

    pub fn each(&self, bytes: &[u8], mut see: impl FnMut(Code)) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let length = self.length(rest).clamp(1, rest.len());
            let (code, after) = rest.split_at(length);
            rest = after;
            see(self.code(code));
        }
    }

    fn length(&self, bytes: &[u8]) -> usize {
        match &self.coding {
            Coding::Simple(_) => 1,
            Coding::Identity(..) => 2,
            Coding::Utf16 => match bytes {
                [0xd8..=0xdb, _, 0xdc..=0xdf, _, ..] => 4,
                _ => 2,
            },
            Coding::Utf32 => 4,
            Coding::Legacy(set) => encoding::legacy_length(set, bytes),
            Coding::Embedded(map, ..) => map.length(bytes),
        }
    }

    fn code(&self, bytes: &[u8]) -> Code {
        let key = (cmap::number(bytes), bytes.len());
        if let Some(known) = self.known.borrow().get(&key) {
            return known.clone();
        }
        let code = self.look_up(key.0, bytes);
        self.known.borrow_mut().insert(key, code.clone());
        code
    }

    fn look_up(&self, code: u32, bytes: &[u8]) -> Code {
        let mapped = match &self.to_unicode {
            ToUnicode::Map(map) => map.text_of(code),
            ToUnicode::Identity => char::from_u32(code).map(String::from),
            ToUnicode::Missing => None,
        };
        let sign = mapped.as_deref().filter(|_| self.signs).and_then(encoding::sign);
        let text = sign.or_else(|| encoding::meant(&mapped?)).or_else(|| self.by_coding(code, bytes));
        let cid = match &self.coding {
            Coding::Embedded(map, ..) => map.cid_of(code).unwrap_or(0),
            Coding::Identity(_, Some(collection)) => collection.cid(code).unwrap_or(0),
            _ => code,
        };
        let width = self.widths.get(&cid).copied().unwrap_or_else(|| match &self.coding {
            Coding::Legacy(_) if bytes.len() == 1 => self.default_width / 2.0,
            Coding::Utf16 if code < 0x80 => self.default_width / 2.0,
            _ => self.default_width,
        });
        let advance = if self.vertical { -1.0 } else { width };
        Code { text: text.map(Rc::from), advance, is_space: bytes == [32] }
    }

    fn by_coding(&self, code: u32, bytes: &[u8]) -> Option<String> {
        match &self.coding {
            Coding::Simple(table) => table.get(code as usize)?.clone(),
            Coding::Identity(glyphs, collection) => {
                let cid = collection.map_or(Some(code), |collection| collection.cid(code))?;
                glyphs.get(&cid).cloned().or_else(|| collection.as_ref()?.text(cid))
            }
            Coding::Utf16 => {
                let units = bytes.chunks_exact(2).map(|pair| cmap::number(pair) as u16);
                encoding::meant(&char::decode_utf16(units).collect::<Result<String, _>>().ok()?)
            }
            Coding::Utf32 => encoding::meant(&char::from_u32(code)?.to_string()),
            Coding::Legacy(set) => {
                let (text, broken) = set.decode_without_bom_handling(bytes);
                if broken { None } else { encoding::meant(&text) }
            }
            Coding::Embedded(map, glyphs, collection) => {
                let cid = map.cid_of(code)?;
                glyphs.get(&cid).cloned().or_else(|| collection.as_ref()?.text(cid))
            }
        }
    }
}

/// A table that can't be decoded is as good as none; a limit is a limit.
fn lenient(bytes: Result<Vec<u8>, ExtractError>) -> Result<Vec<u8>, ExtractError> {
    match bytes {
        Err(ExtractError::Broken(_)) => Ok(Vec::new()),
        other => other,
    }
}

fn composite(file: &File, dict: &Dictionary, to_unicode: ToUnicode) -> Result<Font, ExtractError> {
    let none = Dictionary::new();
    let descendants = file.array(dict, b"DescendantFonts").unwrap_or_default();
    let descendant = descendants.first().and_then(|o| file.follow(o)).and_then(as_dict).unwrap_or(&none);
    let (vertical, coding) = match file.get(dict, b"Encoding") {
        Some(Object::Name(name)) => {
            let name = String::from_utf8_lossy(name).into_owned();
            (name.ends_with("-V") || name == "V", predefined(file, descendant, &name)?)
        }
        Some(Object::Stream(stream)) => {
            let mut map = CMap::read(&lenient(file.bytes(stream))?);
            map.vertical |= file.number(&stream.dict, b"WMode") == Some(1.0);
            let base = map.base.as_ref().map(|name| String::from_utf8_lossy(name).into_owned());
            match base.filter(|_| !map.has_spaces()) {
                Some(base) => (map.vertical || base.ends_with("-V"), predefined(file, descendant, &base)?),
                None => {
                    let collection = Collection::of(file, descendant, "");
                    (map.vertical, Coding::Embedded(map, program::glyphs(file, descendant)?, collection))
                }
            }
        }
        _ => (false, predefined(file, descendant, "Identity-H")?),
    };
    let default_width = file.number(descendant, b"DW").unwrap_or(1000.0) / 1000.0;
    let widths = cid_widths(file, descendant);
    let signs = encoding::is_of_signs(&base_name(file, dict));
    Ok(Font { coding, to_unicode, known: RefCell::default(), widths, default_width, vertical, em: 1.0, signs })
}

fn predefined(file: &File, descendant: &Dictionary, name: &str) -> Result<Coding, ExtractError> {
    Ok(if name.contains("UTF32") {
        Coding::Utf32
    } else if name.contains("UCS2") || name.contains("UTF16") {
        Coding::Utf16
    } else if let Some(set) = encoding::legacy(name) {
        Coding::Legacy(set)
    } else {
        Coding::Identity(program::glyphs(file, descendant)?, Collection::of(file, descendant, name))
    })
}

fn cid_widths(file: &File, descendant: &Dictionary) -> HashMap<u32, f64> {
    let mut widths = HashMap::new();
    let items = file.array(descendant, b"W").unwrap_or_default();
    let mut items = items.iter().filter_map(|o| file.follow(o));
    while let (Some(first), Some(second)) = (items.next().and_then(as_number), items.next()) {
        let first = first as u32;
        match second {
            Object::Array(list) => {
                let list = list.iter().map(|o| file.follow(o).and_then(as_number).unwrap_or(0.0));
                widths.extend((first..).zip(list.map(|w| w / 1000.0)).take(MAX_WIDTHS));
            }
            last => {
                let (Some(last), Some(width)) = (as_number(last), items.next().and_then(as_number)) else { break };
                widths.extend((first..=last as u32).map(|cid| (cid, width / 1000.0)).take(MAX_WIDTHS));
            }
        }
        if widths.len() > MAX_WIDTHS {
            break;
        }
    }
    widths
}

fn simple(file: &File, names: &Names, dict: &Dictionary, to_unicode: ToUnicode) -> Result<Font, ExtractError> {
    let base = base_name(file, dict);
    let descriptor = file.dict(dict, b"FontDescriptor");
    let table = table(file, names, dict, &base)?;
    let is_type3 = file.name(dict, b"Subtype") == Some(b"Type3");
    let matrix = file.matrix(dict, b"FontMatrix").filter(|_| is_type3);
    let scale = matrix.map_or(0.001, |m| m.vector(1.0, 0.0).length());
    let first = file.number(dict, b"FirstChar").unwrap_or(0.0).clamp(0.0, 255.0) as u32;
    let listed = file.array(dict, b"Widths").unwrap_or_default();
    let listed = listed.iter().take(256).map(|o| file.follow(o).and_then(as_number).unwrap_or(0.0));
    let mut widths: HashMap<u32, f64> = (first..).zip(listed.map(|w| w * scale)).collect();
    let missing = descriptor.and_then(|d| file.number(d, b"MissingWidth")).map(|w| w / 1000.0);
    if widths.is_empty() && !is_type3 {
        widths = standard_widths(names, &base, &table);
    }
    let average = widths.values().copied().filter(|w| *w > 0.0);
    let (sum, count) = average.fold((0.0, 0.0), |(sum, n), w| (sum + w, n + 1.0));
    let em = match matrix {
        Some(m) => {
            let height = file.rect(dict, b"FontBBox").map_or(0.0, |b| b.height() * m.vector(0.0, 1.0).length());
            let by_width = if count > 0.0 { 2.0 * sum / count } else { 1.0 };
            if height > 0.3 * by_width && height < 6.0 * by_width { height } else { by_width }
        }
        None => 1.0,
    };
    let default_width = missing.unwrap_or(if is_type3 { 0.0 } else { 0.5 });
    Ok(Font {
        coding: Coding::Simple(table),
        to_unicode,
        known: RefCell::default(),
        widths,
        default_width,
        vertical: false,
        em,
        signs: encoding::is_of_signs(&base),
    })
}

/// The name of the font without the mark of a subset.
fn base_name(file: &File, dict: &Dictionary) -> String {
    let name = String::from_utf8_lossy(file.name(dict, b"BaseFont").unwrap_or_default()).into_owned();
    match name.split_once('+') {
        Some((tag, rest)) if tag.len() == 6 => rest.to_owned(),
        _ => name,
    }
}

fn table(file: &File, names: &Names, dict: &Dictionary, base: &str) -> Result<Table, ExtractError> {
    let descriptor = file.dict(dict, b"FontDescriptor");
    let symbolic = descriptor.and_then(|d| file.number(d, b"Flags")).is_some_and(|flags| flags as i64 & 4 != 0);
    let encoding = file.get(dict, b"Encoding");
    let own = || -> Result<Table, ExtractError> {
        if let Some(signs) = encoding::of_signs(base) {
            return Ok(signs);
        }
        let built_in = program::encoding(file, names, dict)?;
        Ok(built_in.unwrap_or_else(|| {
            let is_true_type = file.name(dict, b"Subtype") == Some(b"TrueType");
            names.encoding(if is_true_type && !symbolic { b"WinAnsiEncoding" } else { b"StandardEncoding" })
        }))
    };
    let named = |name: &[u8]| {
        matches!(name, b"WinAnsiEncoding" | b"MacRomanEncoding" | b"MacExpertEncoding" | b"StandardEncoding")
    };
    Ok(match encoding {
        Some(Object::Name(name)) if named(name) && encoding::of_signs(base).is_none() => names.encoding(name),
        Some(Object::Dictionary(given)) => {
            let mut table = match file.name(given, b"BaseEncoding") {
                Some(name) if named(name) => names.encoding(name),
                _ if file.name(dict, b"Subtype") == Some(b"Type3") => vec![None; 256],
                _ => own()?,
            };
            let mut code = 0usize;
            for item in file.array(given, b"Differences").unwrap_or_default().iter().take(4_096) {
                match file.follow(item) {
                    Some(Object::Name(name)) => {
                        if let Some(place) = table.get_mut(code) {
                            *place = names.glyph(name);
                        }
                        code = code.saturating_add(1);
                    }
                    Some(number) => code = as_number(number).unwrap_or(0.0) as usize,
                    None => {}
                }
            }
            table
        }
        _ => own()?,
    })
}

/// Widths of a font that is not embedded and comes without: those of the nearest standard one.
fn standard_widths(names: &Names, base: &str, table: &Table) -> HashMap<u32, f64> {
    let name = base.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if name == "symbol" {
        return (32..).zip(metrics::SYMBOL_WIDTHS).map(|(code, w)| (code, f64::from(w) / 1000.0)).collect();
    }
    if has(&["courier", "mono", "consolas", "typewriter"]) {
        return (0..256).map(|code| (code, 0.6)).collect();
    }
    let (bold, italic) = (has(&["bold", "black", "heavy"]), has(&["italic", "oblique"]));
    let widths: &Widths = if has(&["times", "serif", "roman", "georgia", "garamond", "book"]) && !has(&["sans"]) {
        match (bold, italic) {
            (false, false) => &metrics::TIMES,
            (true, false) => &metrics::TIMES_BOLD,
            (false, true) => &metrics::TIMES_ITALIC,
            (true, true) => &metrics::TIMES_BOLD_ITALIC,
        }
    } else if bold {
        &metrics::HELVETICA_BOLD
    } else {
        &metrics::HELVETICA
    };
    let by_text: HashMap<String, u16> = names
        .encoding(b"WinAnsiEncoding")
        .into_iter()
        .skip(32)
        .zip(widths)
        .filter_map(|(t, w)| Some((t?, *w)))
        .collect();
    let width = |text: &Option<String>| text.as_ref().and_then(|text| by_text.get(text)).copied();
    (0..).zip(table).filter_map(|(code, text)| Some((code, f64::from(width(text)?) / 1000.0))).collect()
}
