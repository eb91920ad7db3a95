//! Revision tokens: a position in the log of changes, encrypted with a fresh nonce, so that only the service can read or
//! order them and they say nothing about how much others write.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

const PREFIX: &str = "r1.";

/// Makes and reads revision tokens with the instance's secret.
#[derive(Clone)]
pub struct RevisionTokens {
    cipher: XChaCha20Poly1305,
}

/// The token was not made by this service, or was altered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the revision token is not valid")]
pub struct InvalidRevision;

impl RevisionTokens {
    pub fn new(secret: &[u8; 32]) -> Self {
        Self { cipher: XChaCha20Poly1305::new(secret.into()) }
    }

    /// A token of constant length.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn seal(&self, revision: u64) -> Result<String, getrandom::Error> {
        let mut nonce = [0; 24];
        getrandom::fill(&mut nonce)?;
        let mut token = nonce.to_vec();
        let sealed = self.cipher.encrypt(XNonce::from_slice(&nonce), revision.to_be_bytes().as_slice());
        token.extend(sealed.map_err(|_| getrandom::Error::UNSUPPORTED)?);
        Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(token)))
    }

    /// # Errors
    /// [`InvalidRevision`].
    pub fn open(&self, token: &str) -> Result<u64, InvalidRevision> {
        let body = token.strip_prefix(PREFIX).ok_or(InvalidRevision)?;
        let bytes = URL_SAFE_NO_PAD.decode(body).map_err(|_| InvalidRevision)?;
        let (nonce, sealed) = bytes.split_at_checked(24).ok_or(InvalidRevision)?;
        let opened = self.cipher.decrypt(XNonce::from_slice(nonce), sealed).map_err(|_| InvalidRevision)?;
        Ok(u64::from_be_bytes(opened.try_into().map_err(|_| InvalidRevision)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_each_time_and_open_to_the_same_revision() {
        let tokens = RevisionTokens::new(&[7; 32]);
        let (a, b) = (tokens.seal(42).unwrap(), tokens.seal(42).unwrap());
        assert_ne!(a, b);
        assert_eq!((tokens.open(&a), tokens.open(&b)), (Ok(42), Ok(42)));
        assert_eq!(a.len(), tokens.seal(u64::MAX).unwrap().len());
        assert_eq!(RevisionTokens::new(&[8; 32]).open(&a), Err(InvalidRevision));
        assert_eq!(tokens.open(&a.replace("r1.", "r2.")), Err(InvalidRevision));
        assert_eq!(tokens.open("r1."), Err(InvalidRevision));
    }
}
