//! Colours, as far as it takes to tell text that has that of its background.

/// How red, green and blue; whether it lets all through that lies behind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Colour {
    parts: [f32; 3],
    pub is_clear: bool,
}

pub const BLACK: Colour = Colour { parts: [0.0; 3], is_clear: false };
pub const WHITE: Colour = Colour { parts: [255.0; 3], is_clear: false };

/// Differences of a part that nobody sees.
const NEAR: f32 = 6.0;
/// Less than this part of a colour is not seen.
pub const LEAST: f32 = 0.05;

const NAMED: [(&str, u32); 44] = [
    ("aliceblue", 0xf0_f8ff),
    ("aqua", 0x00_ffff),
    ("azure", 0xf0_ffff),
    ("beige", 0xf5_f5dc),
    ("black", 0),
    ("blue", 0x00_00ff),
    ("brown", 0xa5_2a2a),
    ("cyan", 0x00_ffff),
    ("darkblue", 0x00_008b),
    ("darkgray", 0xa9_a9a9),
    ("darkgrey", 0xa9_a9a9),
    ("dimgray", 0x69_6969),
    ("floralwhite", 0xff_faf0),
    ("fuchsia", 0xff_00ff),
    ("gainsboro", 0xdc_dcdc),
    ("ghostwhite", 0xf8_f8ff),
    ("gray", 0x80_8080),
    ("green", 0x00_8000),
    ("grey", 0x80_8080),
    ("honeydew", 0xf0_fff0),
    ("ivory", 0xff_fff0),
    ("lightgray", 0xd3_d3d3),
    ("lightgrey", 0xd3_d3d3),
    ("lime", 0x00_ff00),
    ("linen", 0xfa_f0e6),
    ("magenta", 0xff_00ff),
    ("maroon", 0x80_0000),
    ("mintcream", 0xf5_fffa),
    ("navy", 0x00_0080),
    ("oldlace", 0xfd_f5e6),
    ("olive", 0x80_8000),
    ("orange", 0xff_a500),
    ("pink", 0xff_c0cb),
    ("purple", 0x80_0080),
    ("red", 0xff_0000),
    ("seashell", 0xff_f5ee),
    ("silver", 0xc0_c0c0),
    ("snow", 0xff_fafa),
    ("teal", 0x00_8080),
    ("white", 0xff_ffff),
    ("whitesmoke", 0xf5_f5f5),
    ("window", 0xff_ffff),
    ("windowtext", 0),
    ("yellow", 0xff_ff00),
];

impl Colour {
    /// By its value in small letters; none if it can't be told.
    pub fn parse(value: &str) -> Option<Colour> {
        let value = value.trim();
        if value == "transparent" {
            return Some(Colour { is_clear: true, ..BLACK });
        }
        if let Some(digits) = value.strip_prefix('#') {
            return hexadecimal(digits);
        }
        if let Some(numbers) = value.strip_prefix("rgb") {
            return numeric(numbers);
        }
        // Whatever its hue, it can be clear.
        if value.starts_with("hsl") {
            let alpha = value.trim_end_matches(')').split([',', '/', ' ']).filter(|part| !part.is_empty()).nth(3)?;
            return (share(alpha)? < LEAST).then_some(Colour { is_clear: true, ..BLACK });
        }
        NAMED.iter().find(|(name, _)| *name == value).map(|(_, number)| {
            let part = |shift: u32| ((number >> shift) & 0xff) as f32;
            Colour { parts: [part(16), part(8), part(0)], is_clear: false }
        })
    }

    pub fn is_near(&self, other: &Colour) -> bool {
        self.parts.iter().zip(&other.parts).all(|(a, b)| (a - b).abs() <= NEAR)
    }
}

fn hexadecimal(digits: &str) -> Option<Colour> {
    let wide = match digits.len() {
        3 | 4 => digits.chars().flat_map(|c| [c, c]).collect(),
        6 | 8 => digits.to_owned(),
        _ => return None,
    };
    let part = |at: usize| u8::from_str_radix(wide.get(at..at.saturating_add(2))?, 16).ok().map(f32::from);
    let alpha = if wide.len() == 8 { part(6)? / 255.0 } else { 1.0 };
    Some(Colour { parts: [part(0)?, part(2)?, part(4)?], is_clear: alpha < LEAST })
}

fn numeric(numbers: &str) -> Option<Colour> {
    let inside = numbers.split_once('(')?.1.trim_end_matches(')');
    let mut numbers = inside.split([',', ' ', '/']).filter(|part| !part.is_empty());
    let mut part = || {
        let number = numbers.next()?;
        match number.strip_suffix('%') {
            Some(percent) => percent.parse::<f32>().ok().map(|n| n * 2.55),
            None => number.parse().ok(),
        }
    };
    let parts = [part()?, part()?, part()?];
    let alpha = numbers.next().map_or(Some(1.0), share)?;
    Some(Colour { parts, is_clear: alpha < LEAST })
}

/// A number, or a percentage as a part of one.
pub fn share(value: &str) -> Option<f32> {
    match value.trim().strip_suffix('%') {
        Some(percent) => percent.parse::<f32>().ok().map(|n| n / 100.0),
        None => value.trim().parse().ok(),
    }
}
