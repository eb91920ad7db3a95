//! An error with what caused it, as one line. Every error says its own part alone; here, and nowhere else, the parts are
//! put together.

use std::error::Error;
use std::fmt;

/// Shows an error and its causes, outermost first: `can't read usher.toml: No such file or directory (os error 2)`.
#[derive(Debug, Clone, Copy)]
pub struct Causes<'e>(pub &'e dyn Error);

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("can't read the list")]
    struct Outer(#[from] std::io::Error);

    #[test]
    fn each_cause_is_said_once() {
        let error = Outer(std::io::Error::from_raw_os_error(2));
        assert_eq!(Causes(&error).to_string(), "can't read the list: No such file or directory (os error 2)");
        assert_eq!(Causes(&std::fmt::Error).to_string(), std::fmt::Error.to_string());
    }
}
