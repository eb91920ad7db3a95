//! Large signs that stand beside several lines: the initial of a paragraph begins the first of them, a brace stands
//! before it. As parts of a row they would draw all the lines beside them into it.

use super::words::Word;

/// Large signs of one direction that are looked at.
const MAX_SIGNS: usize = 64;

/// How long the text before a brace is at most, in its size.
const MAX_BEFORE: f64 = 40.0;

/// Moves such signs to the line that they begin.
pub fn place(words: &mut Vec<Word>) {
    let mut sizes: Vec<f64> = words.iter().map(|word| word.size).collect();
    sizes.sort_by(f64::total_cmp);
    let usual = sizes.get(sizes.len() / 2).copied().unwrap_or(0.0);
    let is_large = |word: &Word| word.size > 1.25 * usual && word.text.chars().nth(2).is_none();
    let signs: Vec<usize> =
        (0..words.len()).filter(|at| words.get(*at).is_some_and(is_large)).take(MAX_SIGNS).collect();
    let mut gone = Vec::new();
    for at in signs {
        let Some(sign) = words.get(at).cloned() else { continue };
        let Some((first, last)) = first_beside(&sign, words) else { continue };
        let Some(word) = words.get_mut(first) else { continue };
        let is_letter = sign.text.chars().any(char::is_alphanumeric);
        if is_letter && !sign.space_after {
            word.text.insert_str(0, &sign.text);
            word.order = word.order.min(sign.order);
            gone.push(at);
        } else {
            let (y, size) = (word.y, word.size);
            // What a brace divides into cases stands before its middle.
            let is_before = |word: &Word| {
                let gap = sign.x0 - word.x1;
                gap > -0.3 * size && gap < MAX_BEFORE * size && (word.y - (y + last) / 2.0).abs() < 0.35 * size
            };
            words.iter_mut().filter(|word| !is_letter && is_before(word)).for_each(|word| word.y = y);
            if let Some(sign) = words.get_mut(at) {
                (sign.y, sign.size) = (y, size);
                sign.space_after = true;
            }
        }
    }
    let mut at = 0usize;
    words.retain(|_| {
        at = at.saturating_add(1);
        !gone.contains(&at.saturating_sub(1))
    });
}

/// The word that begins the highest of two or more lines right of a sign, and the height of the lowest.
fn first_beside(sign: &Word, words: &[Word]) -> Option<(usize, f64)> {
    let is_beside = |word: &&(usize, &Word)| {
        let (gap, up) = (word.1.x0 - sign.x1, word.1.y - sign.y);
        let size = word.1.size;
        sign.size > 1.25 * size
            && (gap > -0.3 * size || (up > 0.3 * sign.size && (word.1.x0 - sign.x0).abs() < 0.3 * size))
            && gap < f64::max(1.2 * size, 0.5 * sign.size)
            && up > -0.3 * sign.size
            && up < 0.85 * sign.size
    };
    let all: Vec<(usize, &Word)> = words.iter().enumerate().collect();
    let beside: Vec<&(usize, &Word)> = all.iter().filter(is_beside).collect();
    let (first, top) = beside.iter().copied().max_by(|a, b| a.1.y.total_cmp(&b.1.y).then(b.1.x0.total_cmp(&a.1.x0)))?;
    let is_second = |word: &&&(usize, &Word)| {
        let down = top.y - word.1.y;
        down > 0.7 * top.size && down < 2.5 * sign.size && word.1.size > 0.8 * top.size && word.1.size < 1.25 * top.size
    };
    let below = beside.iter().filter(is_second).map(|(_, word)| word.y);
    Some((*first, below.min_by(f64::total_cmp)?))
}
