//! Continuation tokens: a position in one listing, in base 64 so that nobody takes it for anything else. Whoever may list
//! may know positions, so they are not secret.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;

use super::error::FgaError;
use super::rules;

/// Which listing a token belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    Stores,
    Models,
    Tuples,
    Changes,
}

impl Listing {
    fn tag(self) -> &'static str {
        match self {
            Self::Stores => "s",
            Self::Models => "m",
            Self::Tuples => "t",
            Self::Changes => "c",
        }
    }

    /// A token for the place after `position`; `of` is what else must be the same when it is used.
    pub fn token(self, position: &str, of: &str) -> String {
        URL_SAFE.encode(format!("{}|{position}|{of}", self.tag()))
    }

    /// Position and what it is of; nothing for the empty token, which means the beginning.
    ///
    /// # Errors
    /// When the token is of no listing, or of another one.
    pub fn open(self, token: &str) -> Result<Option<(String, String)>, FgaError> {
        rules::continuation_token(token)?;
        if token.is_empty() {
            return Ok(None);
        }
        let decoded = URL_SAFE.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let opened = decoded.as_deref().and_then(|text| {
            let (tag, rest) = text.split_once('|')?;
            let (position, of) = rest.split_once('|')?;
            (tag == self.tag()).then(|| (position.to_owned(), of.to_owned()))
        });
        opened.map(Some).ok_or_else(FgaError::bad_token)
    }

    /// [`Listing::open`] for positions in the log of changes.
    ///
    /// # Errors
    /// As there.
    pub fn open_change(self, token: &str) -> Result<Option<(u64, String)>, FgaError> {
        let Some((position, of)) = self.open(token)? else { return Ok(None) };
        let position = position.parse().map_err(|_| FgaError::bad_token())?;
        Ok(Some((position, of)))
    }
}
