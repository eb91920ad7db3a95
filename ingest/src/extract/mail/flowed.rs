//! Plain text whose lines were broken to be sent, and are joined to be shown (RFC 3676).

/// The text with its paragraphs in one line each. `deletes`: the blank that a broken line ends with belongs to the break.
pub fn joined(text: &str, deletes: bool) -> String {
    let mut out = String::with_capacity(text.len());
    // Of the line before, if it goes on: how deep it was quoted.
    let mut open: Option<usize> = None;
    for line in text.lines() {
        let depth = line.bytes().take_while(|byte| *byte == b'>').count();
        let line = line.get(depth..).unwrap_or_default();
        let line = line.strip_prefix(' ').unwrap_or(line);
        let is_sign = line == "-- ";
        if open.take().is_none_or(|before| before != depth || is_sign) {
            out.push_str(if out.is_empty() { "" } else { "\n" });
            out.extend(std::iter::repeat_n('>', depth));
            out.push_str(if depth > 0 { " " } else { "" });
        }
        let goes_on = line.ends_with(' ') && !is_sign;
        out.push_str(if goes_on && deletes { line.strip_suffix(' ').unwrap_or(line) } else { line });
        open = goes_on.then_some(depth);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::joined;

    #[test]
    fn broken_lines_are_joined_within_their_quotation() {
        for (text, deletes, wanted) in [
            ("one \ntwo\nthree", false, "one two\nthree"),
            ("pa \nra \r\ngraph\n\nnext", true, "paragraph\n\nnext"),
            ("> quoted \n> too\n>> deeper \n> back", false, "> quoted too\n>> deeper \n> back"),
            ("end \n-- \nname \nplace", false, "end \n-- \nname place"),
            ("  stuffed \n >no quote", false, " stuffed >no quote"),
        ] {
            assert_eq!(joined(text, deletes), wanted, "{text:?}");
        }
    }
}
