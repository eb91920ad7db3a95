//! Numbers as lists and headings show them.

/// Formats of Word (`w:numFmt`) and, by the words used for them here, of other programs. What is not known is a number in
/// digits.
pub fn numeral(format: &str, n: u32) -> String {
    match format {
        "none" => String::new(),
        "decimalZero" => format!("{n:02}"),
        "upperRoman" => roman(n),
        "lowerRoman" => roman(n).to_lowercase(),
        "upperLetter" => letters(n, &latin()).to_uppercase(),
        "lowerLetter" => letters(n, &latin()),
        "russianLower" => letters(n, &russian()),
        "russianUpper" => letters(n, &russian()).to_uppercase(),
        "ordinal" => format!("{n}{}", ordinal_suffix(n)),
        "numberInDash" => format!("- {n} -"),
        "decimalFullWidth" | "decimalFullWidth2" => digits(n, "０１２３４５６７８９"),
        "ideographDigital" | "japaneseDigitalTenThousand" | "koreanDigital2" | "taiwaneseDigital" => {
            digits(n, "〇一二三四五六七八九")
        }
        "chineseCounting"
        | "chineseCountingThousand"
        | "taiwaneseCounting"
        | "taiwaneseCountingThousand"
        | "japaneseCounting" => chinese(n),
        "decimalEnclosedCircle" | "decimalEnclosedCircleChinese" => enclosed(n),
        "aiueoFullWidth" | "aiueo" => {
            one_of(n, "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲン")
        }
        "iroha" | "irohaFullWidth" => {
            one_of(n, "イロハニホヘトチリヌルヲワカヨタレソツネナラムウヰノオクヤマケフコエテアサキユメミシヱヒモセス")
        }
        "ganada" => one_of(n, "가나다라마바사아자차카타파하"),
        "chosung" => one_of(n, "ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎ"),
        "ideographTraditional" => one_of(n, "甲乙丙丁戊己庚辛壬癸"),
        "ideographZodiac" => one_of(n, "子丑寅卯辰巳午未申酉戌亥"),
        "thaiNumbers" => digits(n, "๐๑๒๓๔๕๖๗๘๙"),
        "hindiNumbers" => digits(n, "०१२३४५६७८९"),
        "arabicAlpha" => one_of(n, "أبتثجحخدذرزسشصضطظعغفقكلمنهوي"),
        "hebrew2" => one_of(n, "אבגדהוזחטיכלמנסעפצקרשת"),
        _ => n.to_string(),
    }
}

fn ordinal_suffix(n: u32) -> &'static str {
    match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    }
}

fn roman(n: u32) -> String {
    if n == 0 || n > 9_999 {
        return n.to_string();
    }
    let signs = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    let (mut left, mut out) = (n, String::new());
    for (value, sign) in signs {
        while left >= value {
            out.push_str(sign);
            left = left.saturating_sub(value);
        }
    }
    out
}

fn latin() -> Vec<char> {
    ('a'..='z').collect()
}

fn russian() -> Vec<char> {
    ('а'..='я').filter(|c| !matches!(c, 'й' | 'ъ' | 'ы' | 'ь')).collect()
}

/// After the last letter each is doubled: y, z, aa, bb.
fn letters(n: u32, alphabet: &[char]) -> String {
    let length = u32::try_from(alphabet.len()).unwrap_or(1).max(1);
    let Some(index) = n.checked_sub(1) else { return "0".into() };
    let times = index.checked_div(length).unwrap_or_default().saturating_add(1);
    let letter = alphabet.get(index.checked_rem(length).unwrap_or_default() as usize);
    match letter {
        Some(letter) if times <= 20 => letter.to_string().repeat(times as usize),
        _ => n.to_string(),
    }
}

fn digits(n: u32, signs: &str) -> String {
    let signs: Vec<char> = signs.chars().collect();
    n.to_string().chars().filter_map(|c| signs.get(c.to_digit(10)? as usize)).collect()
}

fn one_of(n: u32, signs: &str) -> String {
    let sign = n.checked_sub(1).and_then(|index| signs.chars().nth(index as usize));
    sign.map_or_else(|| n.to_string(), |sign| sign.to_string())
}

fn enclosed(n: u32) -> String {
    let sign = match n {
        1..=20 => char::from_u32(0x2460_u32.saturating_add(n.saturating_sub(1))),
        _ => None,
    };
    sign.map_or_else(|| n.to_string(), |sign| sign.to_string())
}

/// As counted in Chinese and Japanese, below ten thousand.
fn chinese(n: u32) -> String {
    if n == 0 || n > 9_999 {
        return digits(n, "〇一二三四五六七八九");
    }
    let mut out = String::new();
    let mut gap = false;
    for (unit, sign) in [(1000, "千"), (100, "百"), (10, "十"), (1, "")] {
        let digit = n.checked_div(unit).unwrap_or_default() % 10;
        if digit == 0 {
            gap = !out.is_empty();
            continue;
        }
        if gap {
            out.push('〇');
            gap = false;
        }
        // Eleven is ten and one.
        if !(digit == 1 && unit == 10 && out.is_empty()) {
            out.push_str(&digits(digit, "〇一二三四五六七八九"));
        }
        out.push_str(sign);
    }
    out
}
