//! Lines of scripts that are read to the left: what stands in the order that is seen becomes the order that is read.

pub fn is_rtl(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' | '\u{10800}'..='\u{10fff}')
        && !c.is_numeric()
}

fn is_ltr(c: char) -> bool {
    c.is_alphanumeric() && !is_rtl(c)
}

/// Words of a line, from left to right, in the order in which they are read.
pub fn read_order(words: &mut [String]) {
    let count = |is: fn(char) -> bool| words.iter().flat_map(|w| w.chars()).filter(|c| is(*c)).count();
    let (rtl, ltr) = (count(is_rtl), count(|c| is_ltr(c) && c.is_alphabetic()));
    if rtl == 0 {
        return;
    }
    for word in words.iter_mut().filter(|word| word.chars().any(is_rtl)) {
        *word = turned(word);
    }
    let is_rtl_word = |word: &String| word.chars().any(is_rtl);
    if rtl >= ltr {
        words.reverse();
        turn_runs(words, |word| !is_rtl_word(word) && word.chars().any(is_ltr));
    } else {
        turn_runs(words, is_rtl_word);
    }
}

fn turn_runs(words: &mut [String], is_in: impl Fn(&String) -> bool) {
    for run in words.chunk_by_mut(|a, b| is_in(a) == is_in(b)) {
        if run.first().is_some_and(&is_in) {
            run.reverse();
        }
    }
}

/// The letters of a word the other way round; numbers, and marks above their letters, stay.
fn turned(word: &str) -> String {
    let chars: Vec<char> = word.chars().collect();
    let is_mark = |c: char| unicode_normalization::char::is_combining_mark(c);
    let together = |a: &char, b: &char| (is_ltr(*a) && is_ltr(*b)) || is_mark(*b);
    let mut out = String::new();
    for run in chars.chunk_by(together).collect::<Vec<_>>().into_iter().rev() {
        out.extend(run.iter().map(|c| match c {
            '(' => ')',
            ')' => '(',
            '[' => ']',
            ']' => '[',
            c => *c,
        }));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_becomes_what_is_read() {
        let read = |words: &[&str]| {
            let mut words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
            read_order(&mut words);
            words.join(" ")
        };
        assert_eq!(read(&["a", "b"]), "a b");
        assert_eq!(read(&["םלוע", "םולש"]), "שלום עולם");
        assert_eq!(read(&["12", "PDF", "ץבוק"]), "קובץ 12 PDF");
        assert_eq!(read(&["the", "word", "words", "םלוע", "םולש", "is"]), "the word words שלום עולם is");
    }
}
