//! An error with what caused it, as one line, each cause said once.
//!
//! An error's own text is whole: it says its cause, so that a line of the log with it alone is enough. Errors of libraries,
//! and contexts, leave it to their source. Where a message ends up before a person the two meet, here and nowhere else.

use std::error::Error;
use std::fmt;

/// Shows an error and its causes, outermost first: `can't read usher.toml: No such file or directory (os error 2)`.
#[derive(Debug, Clone, Copy)]
pub struct Causes<'e>(pub &'e dyn Error);

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.0.to_string();
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !said.contains(&text) {
                said.push_str(": ");
                said.push_str(&text);
            }
            cause = error.source();
        }
        f.write_str(&said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("can't read the list")]
    struct Silent(#[from] std::io::Error);

    #[derive(Debug, thiserror::Error)]
    #[error("can't read the list: {0}")]
    struct Whole(#[from] std::io::Error);

    #[test]
    fn each_cause_is_said_once() {
        let cause = || std::io::Error::from_raw_os_error(2);
        let line = "can't read the list: No such file or directory (os error 2)";
        assert_eq!(Causes(&Silent(cause())).to_string(), line);
        assert_eq!(Causes(&Whole(cause())).to_string(), line);
        assert_eq!(Causes(&std::fmt::Error).to_string(), std::fmt::Error.to_string());
    }
}
