//! Cursors of lists: a place in the list, encrypted, for the caller and the parameters that it was made for, and for a
//! quarter of an hour. It says nothing about what lies between two pages, and each page is decided anew.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use jiff::{SignedDuration, Timestamp};

/// How long a cursor of a list can be used. Those of a feed of changes stay: they are a poller's memory.
pub const VALID_FOR: SignedDuration = SignedDuration::from_mins(15);

const NONCE: usize = 24;

/// Makes and reads cursors with the instance's secret.
#[derive(Clone)]
pub struct Cursors {
    cipher: XChaCha20Poly1305,
}

/// It was made by another service, for another caller or other parameters, or too long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cursor is not valid (any more) for this caller and these parameters")]
pub struct InvalidCursor;

/// What a cursor is bound to: names and values of the request, the caller among them.
pub type Bound<'a> = &'a [&'a str];

impl Cursors {
    pub fn new(secret: &[u8; 32]) -> Self {
        Self { cipher: XChaCha20Poly1305::new(secret.into()) }
    }

    /// A cursor of constant length; `until` is when it ends, if ever.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn seal(&self, place: u64, until: Option<Timestamp>, bound: Bound<'_>) -> Result<String, getrandom::Error> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce)?;
        let mut content = place.to_be_bytes().to_vec();
        content.extend(until.map_or(i64::MAX, Timestamp::as_second).to_be_bytes());
        let payload = Payload { msg: &content, aad: &digest(bound) };
        let sealed = self.cipher.encrypt(XNonce::from_slice(&nonce), payload);
        let mut token = nonce.to_vec();
        token.extend(sealed.map_err(|_| getrandom::Error::UNSUPPORTED)?);
        Ok(URL_SAFE_NO_PAD.encode(token))
    }

    /// The place that was sealed.
    ///
    /// # Errors
    /// [`InvalidCursor`].
    pub fn open(&self, cursor: &str, now: Timestamp, bound: Bound<'_>) -> Result<u64, InvalidCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| InvalidCursor)?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE).ok_or(InvalidCursor)?;
        let payload = Payload { msg: sealed, aad: &digest(bound) };
        let opened = self.cipher.decrypt(XNonce::from_slice(nonce), payload).map_err(|_| InvalidCursor)?;
        let (place, until) = opened.split_first_chunk::<8>().ok_or(InvalidCursor)?;
        let until = i64::from_be_bytes(until.try_into().map_err(|_| InvalidCursor)?);
        if now.as_second() < until { Ok(u64::from_be_bytes(*place)) } else { Err(InvalidCursor) }
    }
}

/// Lengths go in, so that two lists of parts never look alike.
fn digest(bound: Bound<'_>) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for part in bound {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_for_one_caller_some_parameters_and_a_time() {
        let cursors = Cursors::new(&[7; 32]);
        let now: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        let bound = ["documents", "user:ann", "main"];
        let seal = |place, until| cursors.seal(place, until, &bound).unwrap();
        let cursor = seal(42, Some(now + VALID_FOR));
        assert_ne!(cursor, seal(42, Some(now + VALID_FOR)));
        assert_eq!(cursor.len(), seal(u64::MAX, None).len());
        assert_eq!(cursors.open(&cursor, now, &bound), Ok(42));
        assert_eq!(cursors.open(&seal(42, None), now + SignedDuration::from_hours(9999), &bound), Ok(42));
        assert_eq!(cursors.open(&cursor, now + VALID_FOR, &bound), Err(InvalidCursor));
        for other in [&["documents", "user:bo", "main"][..], &["documents", "user:ann", "main", ""], &["documents"]] {
            assert_eq!(cursors.open(&cursor, now, other), Err(InvalidCursor), "{other:?}");
        }
        assert_eq!(Cursors::new(&[8; 32]).open(&cursor, now, &bound), Err(InvalidCursor));
        for broken in ["", "x", cursor.get(1..).unwrap()] {
            assert_eq!(cursors.open(broken, now, &bound), Err(InvalidCursor));
        }
    }
}
