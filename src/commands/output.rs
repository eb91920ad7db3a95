//! What commands say on standard output. Whoever reads it may go away at any time (`| head -1`), which is no failure of
//! the command: it ends quietly there.

use std::fmt::Display;
use std::io::{self, Write};

/// Standard output takes nothing more.
#[derive(Debug, thiserror::Error)]
#[error("can't write to standard output: {0}")]
pub struct NotSaid(#[from] io::Error);

impl NotSaid {
    /// Whether whoever read has gone.
    pub fn is_unread(&self) -> bool {
        self.0.kind() == io::ErrorKind::BrokenPipe
    }
}

/// Says one line. What must be done whether or not anybody reads is done before.
///
/// # Errors
/// When it can't be written.
pub fn say(line: impl Display) -> Result<(), NotSaid> {
    write(&format!("{line}\n"))
}

/// Writes a text as it is.
///
/// # Errors
/// When it can't be written.
pub fn write(text: &str) -> Result<(), NotSaid> {
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes())?;
    Ok(output.flush()?)
}

/// Says one line on standard error, if anybody listens.
pub fn complain(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// A name that somebody chose, as a part of one line: what would move the cursor, begin a line or turn the direction of
/// writing is shown as its code.
pub(super) fn shown(name: &str) -> String {
    let mut shown = String::with_capacity(name.len());
    for c in name.chars() {
        let is_hidden = matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || is_hidden || c == '\\' {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_name_is_a_part_of_one_line() {
        assert_eq!(shown("Anne's \"chät\" キー"), "Anne's \"chät\" キー");
        assert_eq!(shown("a\u{1b}[2Jb\n0\tc\u{202e}d\u{9b}\\n"), "a\\u{1b}[2Jb\\n0\\tc\\u{202e}d\\u{9b}\\\\n");
    }
}
