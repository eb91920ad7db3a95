//! The character collections of East Asia: what a glyph's number (CID) stands for where neither the font nor its program
//! says so. The tables are Adobe's, as the library packs them.

use std::sync::LazyLock;

use hayro_cmap::{BfString, CMap, CMapName, CidFamily, load_embedded};
use lopdf::Dictionary;

use super::encoding::meant;
use super::file::File;

type Table = LazyLock<Option<CMap>>;

static JAPAN1: Table = LazyLock::new(|| load(CMapName::AdobeJapan1Ucs2));
static GB1: Table = LazyLock::new(|| load(CMapName::AdobeGb1Ucs2));
static CNS1: Table = LazyLock::new(|| load(CMapName::AdobeCns1Ucs2));
static KOREA1: Table = LazyLock::new(|| load(CMapName::AdobeKorea1Ucs2));
/// Codes of JIS X 0208, the only ones whose CMap is named after nothing but its direction.
static JIS: Table = LazyLock::new(|| load(CMapName::H));

fn load(name: CMapName<'_>) -> Option<CMap> {
    CMap::parse(load_embedded(name)?, load_embedded)
}

/// A collection, and how codes name its glyphs.
#[derive(Debug, Clone, Copy)]
pub struct Collection {
    characters: &'static CMap,
    /// `None`: a code is a glyph's number.
    codes: Option<&'static CMap>,
}

impl Collection {
    /// The collection of a composite font's glyphs, if it is a known one. `encoding`: the name of the font's CMap.
    pub fn of(file: &File, descendant: &Dictionary, encoding: &str) -> Option<Self> {
        let is_jis = matches!(encoding, "H" | "V");
        let system = file.dict(descendant, b"CIDSystemInfo");
        let said = |key: &[u8]| system.and_then(|system| file.words(system, key)).unwrap_or_default();
        let table = match CidFamily::from_registry_ordering(said(b"Registry").as_bytes(), said(b"Ordering").as_bytes())
        {
            CidFamily::AdobeJapan1 => &JAPAN1,
            CidFamily::AdobeGB1 => &GB1,
            CidFamily::AdobeCNS1 => &CNS1,
            CidFamily::AdobeKorea1 => &KOREA1,
            _ if is_jis => &JAPAN1,
            _ => return None,
        };
        let codes = if is_jis { Some(JIS.as_ref()?) } else { None };
        Some(Self { characters: table.as_ref()?, codes })
    }

    /// The glyph that a code of two bytes names.
    pub fn cid(&self, code: u32) -> Option<u32> {
        self.codes.map_or(Some(code), |codes| codes.lookup_cid_code(code, 2))
    }

    /// What a glyph stands for.
    pub fn text(&self, cid: u32) -> Option<String> {
        let text = match self.characters.lookup_bf_string(cid)? {
            BfString::Char(c) => c.to_string(),
            BfString::String(text) => text,
        };
        meant(&text)
    }
}
