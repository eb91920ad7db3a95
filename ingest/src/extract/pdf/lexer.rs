//! Tokens of content streams and CMaps. What is malformed is passed over: a viewer shows the rest too.

/// Arrays and dictionaries inside each other; what lies deeper is read as if it stood beside them.
const MAX_DEPTH: usize = 32;

#[derive(Debug, Clone, PartialEq)]
pub enum Token<'a> {
    Number(f64),
    Text(Vec<u8>),
    Name(Vec<u8>),
    Array(Vec<Token<'a>>),
    Dict(Vec<(Vec<u8>, Token<'a>)>),
    /// An operator or a keyword.
    Word(&'a [u8]),
    /// An image whose data stood here.
    Image,
}

impl Token<'_> {
    pub fn number(&self) -> Option<f64> {
        if let Token::Number(n) = self { Some(*n) } else { None }
    }

    pub fn name(&self) -> Option<&[u8]> {
        if let Token::Name(name) = self { Some(name) } else { None }
    }

    pub fn text(&self) -> Option<&[u8]> {
        if let Token::Text(text) = self { Some(text) } else { None }
    }
}

#[derive(Debug)]
pub struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            match self.piece(0)? {
                Piece::Token(Token::Word(b"BI")) => return Some(self.image()),
                Piece::Token(token) => return Some(token),
                Piece::Close(_) => {}
            }
        }
    }
}

enum Piece<'a> {
    Token(Token<'a>),
    Close(u8),
}

impl<'a> Lexer<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at.saturating_add(ahead)).copied()
    }

    fn skip(&mut self, n: usize) {
        self.at = self.at.saturating_add(n);
    }

    fn piece(&mut self, depth: usize) -> Option<Piece<'a>> {
        self.skip_blanks();
        let token = match self.peek(0)? {
            b'(' => Token::Text(self.literal()),
            b'<' if self.peek(1) == Some(b'<') => {
                self.skip(2);
                if depth < MAX_DEPTH { self.dict(depth) } else { Token::Word(b"<<") }
            }
            b'<' => Token::Text(self.hex()),
            b'/' => Token::Name(self.name()),
            b'[' => {
                self.skip(1);
                if depth < MAX_DEPTH { self.array(depth) } else { Token::Word(b"[") }
            }
            b'>' if self.peek(1) == Some(b'>') => {
                self.skip(2);
                return Some(Piece::Close(b'>'));
            }
            close @ (b']' | b')' | b'>' | b'{' | b'}') => {
                self.skip(1);
                return Some(Piece::Close(close));
            }
            _ => {
                let start = self.at;
                while self.peek(0).is_some_and(|b| !is_blank(b) && !is_delimiter(b)) {
                    self.skip(1);
                }
                let word = self.bytes.get(start..self.at).unwrap_or_default();
                number(word).map_or(Token::Word(word), Token::Number)
            }
        };
        Some(Piece::Token(token))
    }

    fn skip_blanks(&mut self) {
        while let Some(b) = self.peek(0) {
            if b == b'%' {
                while self.peek(0).is_some_and(|b| b != b'\n' && b != b'\r') {
                    self.skip(1);
                }
            } else if is_blank(b) {
                self.skip(1);
            } else {
                break;
            }
        }
    }

    fn array(&mut self, depth: usize) -> Token<'a> {
        let mut items = Vec::new();
        while let Some(piece) = self.piece(depth.saturating_add(1)) {
            match piece {
                Piece::Token(token) => items.push(token),
                Piece::Close(b']') => break,
                Piece::Close(_) => {}
            }
        }
        Token::Array(items)
    }

    fn dict(&mut self, depth: usize) -> Token<'a> {
        let (mut items, mut key) = (Vec::new(), None);
        while let Some(piece) = self.piece(depth.saturating_add(1)) {
            match piece {
                Piece::Token(token) => match (key.take(), token) {
                    (None, Token::Name(name)) => key = Some(name),
                    (None, _) => {}
                    (Some(key), value) => items.push((key, value)),
                },
                Piece::Close(b'>') => break,
                Piece::Close(_) => {}
            }
        }
        Token::Dict(items)
    }

    fn name(&mut self) -> Vec<u8> {
        self.skip(1);
        let mut name = Vec::new();
        while let Some(b) = self.peek(0).filter(|b| !is_blank(*b) && !is_delimiter(*b)) {
            let escaped = (b == b'#').then(|| Some((digit(self.peek(1)?)?, digit(self.peek(2)?)?))).flatten();
            match escaped {
                Some((high, low)) => {
                    name.push(high << 4 | low);
                    self.skip(3);
                }
                None => {
                    name.push(b);
                    self.skip(1);
                }
            }
        }
        name
    }

    fn hex(&mut self) -> Vec<u8> {
        self.skip(1);
        let (mut out, mut high) = (Vec::new(), None);
        while let Some(b) = self.peek(0) {
            self.skip(1);
            match (digit(b), high) {
                _ if b == b'>' => break,
                (None, _) => {}
                (Some(d), None) => high = Some(d),
                (Some(d), Some(h)) => {
                    out.push(h << 4 | d);
                    high = None;
                }
            }
        }
        out.extend(high.map(|h| h << 4));
        out
    }

    fn literal(&mut self) -> Vec<u8> {
        self.skip(1);
        let (mut out, mut open) = (Vec::new(), 1usize);
        while let Some(b) = self.peek(0) {
            self.skip(1);
            match b {
                b'\\' => self.escape(&mut out),
                b'(' => {
                    open = open.saturating_add(1);
                    out.push(b);
                }
                b')' => {
                    open = open.saturating_sub(1);
                    if open == 0 {
                        break;
                    }
                    out.push(b);
                }
                b'\r' => {
                    self.at = self.at.saturating_add(usize::from(self.peek(0) == Some(b'\n')));
                    out.push(b'\n');
                }
                _ => out.push(b),
            }
        }
        out
    }

    fn escape(&mut self, out: &mut Vec<u8>) {
        let Some(b) = self.peek(0) else { return };
        self.skip(1);
        match b {
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'\n' => {}
            b'\r' => self.at = self.at.saturating_add(usize::from(self.peek(0) == Some(b'\n'))),
            b'0'..=b'7' => {
                let mut code = u16::from(b - b'0');
                for _ in 0..2 {
                    let Some(d @ b'0'..=b'7') = self.peek(0) else { break };
                    code = code << 3 | u16::from(d - b'0');
                    self.skip(1);
                }
                out.push((code & 0xff) as u8);
            }
            other => out.push(other),
        }
    }

    /// Passes over the data of an inline image: up to an `EI` of its own that plain operators follow.
    fn image(&mut self) -> Token<'a> {
        while let Some(piece) = self.piece(0) {
            if matches!(piece, Piece::Token(Token::Word(b"ID"))) {
                break;
            }
        }
        self.skip(1);
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let ends = |at: usize| {
            let before = at.checked_sub(1).and_then(|i| rest.get(i)).is_none_or(|b| is_blank(*b));
            let after = rest.get(at.saturating_add(2)..).unwrap_or_default();
            let after = after.get(..12).unwrap_or(after);
            before
                && after.first().is_none_or(|b| is_blank(*b))
                && after.iter().all(|b| is_blank(*b) || (b' '..0x7f).contains(b))
        };
        let found = rest.windows(2).enumerate().find(|(at, pair)| *pair == b"EI" && ends(*at));
        self.skip(found.map_or(rest.len(), |(at, _)| at.saturating_add(2)));
        Token::Image
    }
}

fn is_blank(b: u8) -> bool {
    matches!(b, 0 | b'\t' | b'\n' | 12 | b'\r' | b' ')
}

fn is_delimiter(b: u8) -> bool {
    matches!(b, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

fn digit(b: u8) -> Option<u8> {
    char::from(b).to_digit(16).map(|d| d as u8)
}

/// A number as viewers read it: `-.5`, `5.`, `--5` and `1.2-3` are some too.
fn number(word: &[u8]) -> Option<f64> {
    let first = *word.first()?;
    if !matches!(first, b'0'..=b'9' | b'+' | b'-' | b'.') {
        return None;
    }
    let negative = first == b'-';
    let (mut value, mut scale, mut digits) = (0.0f64, 0.0f64, 0usize);
    let signs = word.iter().take_while(|b| matches!(b, b'+' | b'-')).count();
    for b in word.iter().skip(signs) {
        match b {
            b'0'..=b'9' if scale == 0.0 => value = value * 10.0 + f64::from(b - b'0'),
            b'0'..=b'9' => {
                value += f64::from(b - b'0') * scale;
                scale /= 10.0;
            }
            b'.' if scale == 0.0 => scale = 0.1,
            b'-' | b'.' => break,
            _ => return None,
        }
        digits = digits.saturating_add(usize::from(b.is_ascii_digit()));
    }
    (digits > 0 || word == b"." || word == b"-").then_some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_as_viewers_read_them() {
        let read = |bytes: &'static [u8]| Lexer::new(bytes).collect::<Vec<_>>();
        assert_eq!(read(b"-.5 5. --3 1.5-2"), [-0.5, 5.0, -3.0, 1.5].map(Token::Number));
        assert_eq!(read(b"(a\\(b\\051(c)\\\n\\101)"), [Token::Text(b"a(b)(c)A".to_vec())]);
        assert_eq!(read(b"<48 6>"), [Token::Text(b"H\x60".to_vec())]);
        assert_eq!(read(b"/A#20b%c\n/D"), [Token::Name(b"A b".to_vec()), Token::Name(b"D".to_vec())]);
        let image = read(b"q BI /W 1 /H 1 ID \x00EI\xff EI Q");
        assert_eq!(image, [Token::Word(b"q"), Token::Image, Token::Word(b"Q")]);
        let dict = read(b"<< /A [1 (x)] /B << /C /D >> >> BDC");
        assert!(matches!(dict.as_slice(), [Token::Dict(items), Token::Word(b"BDC")] if items.len() == 2), "{dict:?}");
        assert!(!read(&[b'['; 5_000]).is_empty());
    }
}
