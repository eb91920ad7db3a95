//! Characters of RTF: each font has a set of its own.

use std::collections::BTreeMap;

use encoding_rs::{
    BIG5, EUC_KR, Encoding, GBK, IBM866, MACINTOSH, SHIFT_JIS, UTF_8, WINDOWS_874, WINDOWS_1250, WINDOWS_1251,
    WINDOWS_1252, WINDOWS_1253, WINDOWS_1254, WINDOWS_1255, WINDOWS_1256, WINDOWS_1257, WINDOWS_1258, X_MAC_CYRILLIC,
};

#[derive(Debug)]
pub struct Fonts {
    usual: &'static Encoding,
    /// `None` for fonts of symbols.
    by_number: BTreeMap<i32, Option<&'static Encoding>>,
    defined: i32,
}

impl Default for Fonts {
    fn default() -> Self {
        Fonts { usual: WINDOWS_1252, by_number: BTreeMap::new(), defined: 0 }
    }
}

impl Fonts {
    pub fn usual(&mut self, page: i32) {
        self.usual = of_page(page).unwrap_or(self.usual);
    }

    pub fn define(&mut self, font: i32) {
        self.defined = font;
    }

    pub fn charset(&mut self, set: i32) {
        let encoding = match set {
            2 => None,
            1 => return,
            77 => Some(MACINTOSH),
            128 => Some(SHIFT_JIS),
            129 | 130 => Some(EUC_KR),
            134 => Some(GBK),
            136 => Some(BIG5),
            161 => Some(WINDOWS_1253),
            162 => Some(WINDOWS_1254),
            163 => Some(WINDOWS_1258),
            177 => Some(WINDOWS_1255),
            178 => Some(WINDOWS_1256),
            186 => Some(WINDOWS_1257),
            204 => Some(WINDOWS_1251),
            222 => Some(WINDOWS_874),
            238 => Some(WINDOWS_1250),
            // That of the West, which a file from elsewhere also names where it means its own.
            _ => return,
        };
        self.by_number.insert(self.defined, encoding);
    }

    pub fn page(&mut self, page: i32) {
        if let Some(encoding) = of_page(page) {
            self.by_number.insert(self.defined, Some(encoding));
        }
    }

    /// `None` for signs of a font of symbols.
    pub fn decode(&self, font: i32, bytes: &[u8]) -> Option<String> {
        match self.by_number.get(&font) {
            Some(None) if bytes.is_ascii() && bytes.len() > 1 => Some(String::from_utf8_lossy(bytes).into_owned()),
            Some(None) => None,
            Some(Some(encoding)) => Some(encoding.decode_without_bom_handling(bytes).0.into_owned()),
            None => Some(self.usual.decode_without_bom_handling(bytes).0.into_owned()),
        }
    }
}

fn of_page(page: i32) -> Option<&'static Encoding> {
    Some(match page {
        437 | 850 | 1252 => WINDOWS_1252,
        866 => IBM866,
        874 => WINDOWS_874,
        932 => SHIFT_JIS,
        936 => GBK,
        949 => EUC_KR,
        950 => BIG5,
        1250 => WINDOWS_1250,
        1251 => WINDOWS_1251,
        1253 => WINDOWS_1253,
        1254 => WINDOWS_1254,
        1255 => WINDOWS_1255,
        1256 => WINDOWS_1256,
        1257 => WINDOWS_1257,
        1258 => WINDOWS_1258,
        10_000 => MACINTOSH,
        10_007 => X_MAC_CYRILLIC,
        65_001 => UTF_8,
        _ => return None,
    })
}

/// Words that stand for characters.
pub fn named(word: &str) -> Option<&'static str> {
    Some(match word {
        "tab" => "\t",
        "emdash" => "\u{2014}",
        "endash" => "\u{2013}",
        "emspace" | "enspace" | "qmspace" => " ",
        "bullet" => "\u{2022}",
        "lquote" => "\u{2018}",
        "rquote" => "\u{2019}",
        "ldblquote" => "\u{201c}",
        "rdblquote" => "\u{201d}",
        _ => return None,
    })
}
