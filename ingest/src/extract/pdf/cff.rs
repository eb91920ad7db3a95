//! Compact fonts (CFF): which glyph, by name, each code of the built-in encoding stands for.

/// Entries of an index and glyphs of a font: their numbers have two bytes.
const MAX: usize = 65_536;
/// Names that every font may use without spelling them.
const STANDARD: &str = "\
    .notdef space exclam quotedbl numbersign dollar percent ampersand quoteright parenleft parenright asterisk plus \
    comma hyphen period slash zero one two three four five six seven eight nine colon semicolon less equal greater \
    question at A B C D E F G H I J K L M N O P Q R S T U V W X Y Z bracketleft backslash bracketright asciicircum \
    underscore quoteleft a b c d e f g h i j k l m n o p q r s t u v w x y z braceleft bar braceright asciitilde \
    exclamdown cent sterling fraction yen florin section currency quotesingle quotedblleft guillemotleft \
    guilsinglleft guilsinglright fi fl endash dagger daggerdbl periodcentered paragraph bullet quotesinglbase \
    quotedblbase quotedblright guillemotright ellipsis perthousand questiondown grave acute circumflex tilde macron \
    breve dotaccent dieresis ring cedilla hungarumlaut ogonek caron emdash AE ordfeminine Lslash Oslash OE \
    ordmasculine ae dotlessi lslash oslash oe germandbls onesuperior logicalnot mu trademark Eth onehalf plusminus \
    Thorn onequarter divide brokenbar degree thorn threequarters twosuperior registered minus eth multiply \
    threesuperior copyright Aacute Acircumflex Adieresis Agrave Aring Atilde Ccedilla Eacute Ecircumflex Edieresis \
    Egrave Iacute Icircumflex Idieresis Igrave Ntilde Oacute Ocircumflex Odieresis Ograve Otilde Scaron Uacute \
    Ucircumflex Udieresis Ugrave Yacute Ydieresis Zcaron aacute acircumflex adieresis agrave aring atilde ccedilla \
    eacute ecircumflex edieresis egrave iacute icircumflex idieresis igrave ntilde oacute ocircumflex odieresis \
    ograve otilde scaron uacute ucircumflex udieresis ugrave yacute ydieresis zcaron exclamsmall Hungarumlautsmall \
    dollaroldstyle dollarsuperior ampersandsmall Acutesmall parenleftsuperior parenrightsuperior twodotenleader \
    onedotenleader zerooldstyle oneoldstyle twooldstyle threeoldstyle fouroldstyle fiveoldstyle sixoldstyle \
    sevenoldstyle eightoldstyle nineoldstyle commasuperior threequartersemdash periodsuperior questionsmall \
    asuperior bsuperior centsuperior dsuperior esuperior isuperior lsuperior msuperior nsuperior osuperior \
    rsuperior ssuperior tsuperior ff ffi ffl parenleftinferior parenrightinferior Circumflexsmall hyphensuperior \
    Gravesmall Asmall Bsmall Csmall Dsmall Esmall Fsmall Gsmall Hsmall Ismall Jsmall Ksmall Lsmall Msmall Nsmall \
    Osmall Psmall Qsmall Rsmall Ssmall Tsmall Usmall Vsmall Wsmall Xsmall Ysmall Zsmall colonmonetary onefitted \
    rupiah Tildesmall exclamdownsmall centoldstyle Lslashsmall Scaronsmall Zcaronsmall Dieresissmall Brevesmall \
    Caronsmall Dotaccentsmall Macronsmall figuredash hypheninferior Ogoneksmall Ringsmall Cedillasmall \
    questiondownsmall oneeighth threeeighths fiveeighths seveneighths onethird twothirds zerosuperior foursuperior \
    fivesuperior sixsuperior sevensuperior eightsuperior ninesuperior zeroinferior oneinferior twoinferior \
    threeinferior fourinferior fiveinferior sixinferior seveninferior eightinferior nineinferior centinferior \
    dollarinferior periodinferior commainferior Agravesmall Aacutesmall Acircumflexsmall Atildesmall Adieresissmall \
    Aringsmall AEsmall Ccedillasmall Egravesmall Eacutesmall Ecircumflexsmall Edieresissmall Igravesmall \
    Iacutesmall Icircumflexsmall Idieresissmall Ethsmall Ntildesmall Ogravesmall Oacutesmall Ocircumflexsmall \
    Otildesmall Odieresissmall OEsmall Oslashsmall Ugravesmall Uacutesmall Ucircumflexsmall Udieresissmall \
    Yacutesmall Thornsmall Ydieresissmall 001.000 001.001 001.002 001.003 Black Bold Book Light Medium Regular \
    Roman Semibold
";

struct Cff<'a> {
    bytes: &'a [u8],
}

/// Names by code; `None` where the program says nothing of its own.
pub fn encoding(program: &[u8]) -> Option<Vec<Option<String>>> {
    // In an OpenType font the compact one is a table.
    let bytes = if program.starts_with(b"OTTO") { program.get(table(program, b"CFF ")?..)? } else { program };
    let cff = Cff { bytes };
    let header = usize::from(*bytes.get(2)?);
    let (_, after_names) = cff.index(header)?;
    let (tops, after_tops) = cff.index(after_names)?;
    let (strings, _) = cff.index(after_tops)?;
    let top = dict(tops.first()?);
    let value = |key: u16| top.iter().find(|(k, _)| *k == key).and_then(|(_, v)| v.last().copied());
    // A font of numbered glyphs has no names.
    if value(0x0c1e).is_some() {
        return None;
    }
    let encoding_at = value(16).unwrap_or(0.0) as usize;
    let charset_at = value(15).unwrap_or(0.0) as usize;
    if encoding_at <= 1 {
        return None;
    }
    let (glyphs, _) = cff.index(value(17)? as usize)?;
    let ids = cff.charset(charset_at, glyphs.len())?;
    let standard: Vec<&str> = STANDARD.split_whitespace().collect();
    let name = |id: usize| match standard.get(id) {
        Some(name) => Some((*name).to_owned()),
        None => String::from_utf8(strings.get(id.checked_sub(standard.len())?)?.to_vec()).ok(),
    };
    let mut table = vec![None; 256];
    let format = *bytes.get(encoding_at)?;
    let count = usize::from(*bytes.get(encoding_at.checked_add(1)?)?);
    let mut at = encoding_at.checked_add(2)?;
    let mut glyph = 1usize;
    for _ in 0..count {
        let first = usize::from(*bytes.get(at)?);
        let more = if format & 0x7f == 1 { usize::from(*bytes.get(at.checked_add(1)?)?) } else { 0 };
        at = at.checked_add(if format & 0x7f == 1 { 2 } else { 1 })?;
        for code in first..=first.saturating_add(more) {
            if let Some(place) = table.get_mut(code) {
                *place = ids.get(glyph).and_then(|id| name(*id));
            }
            glyph = glyph.saturating_add(1);
        }
    }
    Some(table)
}

fn table(font: &[u8], tag: &[u8]) -> Option<usize> {
    let entries = font.get(12..)?.chunks_exact(16).take(256);
    let entry = entries.into_iter().find(|entry| entry.starts_with(tag))?;
    Some(entry.get(8..12)?.iter().fold(0usize, |n, b| n << 8 | usize::from(*b)))
}

impl<'a> Cff<'a> {
    fn number(&self, at: usize, size: usize) -> Option<usize> {
        let bytes = self.bytes.get(at..at.checked_add(size)?)?;
        Some(bytes.iter().fold(0, |n, b| n << 8 | usize::from(*b)))
    }

    /// The entries of an index, and where it ends.
    fn index(&self, at: usize) -> Option<(Vec<&'a [u8]>, usize)> {
        let count = self.number(at, 2)?.min(MAX);
        if count == 0 {
            return Some((Vec::new(), at.checked_add(2)?));
        }
        let size = self.number(at.checked_add(2)?, 1)?.clamp(1, 4);
        let offsets = at.checked_add(3)?;
        let data = offsets.checked_add(count.checked_add(1)?.checked_mul(size)?)?.checked_sub(1)?;
        let offset = |i: usize| data.checked_add(self.number(offsets.checked_add(i.checked_mul(size)?)?, size)?);
        let entries =
            (0..count).map(|i| self.bytes.get(offset(i)?..offset(i.checked_add(1)?)?)).collect::<Option<_>>()?;
        Some((entries, offset(count)?))
    }

    /// Ids of the names of glyphs.
    fn charset(&self, at: usize, glyphs: usize) -> Option<Vec<usize>> {
        if at <= 2 {
            return Some((0..glyphs).collect());
        }
        let format = self.number(at, 1)?;
        let mut ids = vec![0];
        let mut at = at.checked_add(1)?;
        while ids.len() < glyphs.min(MAX) {
            let first = self.number(at, 2)?;
            let size = match format {
                0 => 0,
                1 => 1,
                _ => 2,
            };
            let more = if size == 0 { 0 } else { self.number(at.checked_add(2)?, size)? };
            ids.extend(first..=first.saturating_add(more));
            at = at.checked_add(2)?.checked_add(size)?;
        }
        Some(ids)
    }
}

/// Keys with their operands; a key of two bytes begins with 12.
fn dict(bytes: &[u8]) -> Vec<(u16, Vec<f64>)> {
    let (mut entries, mut operands) = (Vec::new(), Vec::new());
    let mut rest = bytes.iter().copied();
    while let Some(b) = rest.next() {
        match b {
            12 => entries.push((0x0c00 | u16::from(rest.next().unwrap_or(0)), std::mem::take(&mut operands))),
            0..=21 => entries.push((u16::from(b), std::mem::take(&mut operands))),
            28 => {
                let pair = [rest.next().unwrap_or(0), rest.next().unwrap_or(0)];
                operands.push(f64::from(i16::from_be_bytes(pair)));
            }
            29 => {
                let four = [(); 4].map(|()| rest.next().unwrap_or(0));
                operands.push(f64::from(i32::from_be_bytes(four)));
            }
            30 => {
                // A decimal number, of which no offset is made.
                while rest.next().is_some_and(|b| b & 0x0f != 0x0f && b >> 4 != 0x0f) {}
                operands.push(0.0);
            }
            32..=246 => operands.push(f64::from(b) - 139.0),
            247..=250 => operands.push((f64::from(b) - 247.0) * 256.0 + f64::from(rest.next().unwrap_or(0)) + 108.0),
            251..=254 => operands.push(-(f64::from(b) - 251.0) * 256.0 - f64::from(rest.next().unwrap_or(0)) - 108.0),
            _ => {}
        }
        if entries.len() > 512 || operands.len() > 512 {
            break;
        }
    }
    entries
}
