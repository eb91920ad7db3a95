//! RTF as a row of signs.

#[derive(Debug, PartialEq)]
pub enum Sign<'a> {
    Open,
    Close,
    /// `\*`: who does not know the word that follows passes over its group.
    Ignorable,
    Word(&'a str, Option<i32>),
    /// A character by its number in the set of the font.
    Byte(u8),
    /// A character that has a sign of its own.
    Symbol(&'static str),
    Text(&'a [u8]),
}

pub struct Scanner<'a> {
    rest: &'a [u8],
}

impl<'a> Scanner<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Scanner { rest: bytes }
    }

    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at_checked(count).unwrap_or((self.rest, &[]));
        self.rest = rest;
        taken
    }

    fn escape(&mut self) -> Option<Sign<'a>> {
        let first = *self.rest.first()?;
        if first.is_ascii_alphabetic() {
            let length = self.rest.iter().take(32).take_while(|b| b.is_ascii_alphabetic()).count();
            let word = std::str::from_utf8(self.take(length)).unwrap_or_default();
            let minus = usize::from(self.rest.first() == Some(&b'-'));
            let digits = self.rest.iter().skip(minus).take(10).take_while(|b| b.is_ascii_digit()).count();
            let length = if digits > 0 { minus.saturating_add(digits) } else { 0 };
            let number = std::str::from_utf8(self.take(length)).ok().and_then(|number| number.parse::<i32>().ok());
            if self.rest.first() == Some(&b' ') {
                self.take(1);
            }
            if word == "bin" {
                self.take(number.and_then(|count| usize::try_from(count).ok()).unwrap_or_default());
            }
            return Some(Sign::Word(word, number));
        }
        self.take(1);
        Some(match first {
            b'\'' => {
                let digits = std::str::from_utf8(self.take(2)).unwrap_or_default();
                Sign::Byte(u8::from_str_radix(digits, 16).unwrap_or(b'?'))
            }
            b'*' => Sign::Ignorable,
            b'~' => Sign::Symbol("\u{a0}"),
            b'_' => Sign::Symbol("\u{2011}"),
            b'-' | b':' | b'|' => Sign::Symbol(""),
            b'\r' | b'\n' => Sign::Word("par", None),
            b'\\' | b'{' | b'}' => Sign::Byte(first),
            _ => Sign::Symbol(""),
        })
    }
}

impl<'a> Iterator for Scanner<'a> {
    type Item = Sign<'a>;

    fn next(&mut self) -> Option<Sign<'a>> {
        loop {
            let first = *self.rest.first()?;
            match first {
                b'{' | b'}' => {
                    self.take(1);
                    return Some(if first == b'{' { Sign::Open } else { Sign::Close });
                }
                b'\\' => {
                    self.take(1);
                    return self.escape();
                }
                b'\r' | b'\n' | 0 => {
                    self.take(1);
                }
                _ => {
                    let is_end = |b: &u8| matches!(b, b'{' | b'}' | b'\\' | b'\r' | b'\n' | 0);
                    let length = self.rest.iter().position(is_end).unwrap_or(self.rest.len());
                    return Some(Sign::Text(self.take(length)));
                }
            }
        }
    }
}
