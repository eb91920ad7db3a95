//! When keys end, and with the last of some kind the way in.

use jiff::{SignedDuration, Timestamp};

use super::{IdentityError, Scope, Scopes};
use crate::audit::Validity;
use crate::catalog::keys::KeyRow;
use crate::snapshot::Snapshot;

/// From so long before its end a key is spoken of.
pub const SOON: SignedDuration = SignedDuration::from_hours(24 * 30);

/// When a key ends; nothing where it has ended, or was revoked.
pub fn end(key: &KeyRow, now: Timestamp) -> Option<Timestamp> {
    let end = crate::catalog::timestamp(&key.expires_at).ok()?;
    (key.revoked_at.is_none() && end > now).then_some(end)
}

/// Whether what let a request in would let it in now. A revocation binds what has not been committed or answered yet,
/// however long its body was on the way.
///
/// # Errors
/// When a key was revoked or has ended since, or a token.
pub fn still_holds(validity: &Validity, snapshot: &Snapshot, now: Timestamp) -> Result<(), IdentityError> {
    if crate::mutants::active("let_in_once") {
        return Ok(());
    }
    if let Some(id) = &validity.key
        && snapshot.keys.get(id.as_str()).and_then(|key| end(key, now)).is_none()
    {
        return Err(IdentityError::Invalid { reason: "the key was revoked or has ended meanwhile" });
    }
    if validity.until.is_some_and(|until| until <= now) { Err(IdentityError::Expired) } else { Ok(()) }
}

/// Whether it may make other keys.
pub fn is_admin(key: &KeyRow) -> bool {
    Scopes::parse(key.settings.scopes.iter().map(String::as_str)).contains(Scope::Admin)
}

/// When the last key ends that may make others; nothing where there is none any more.
pub fn admin_end<'a>(keys: impl IntoIterator<Item = &'a KeyRow>, now: Timestamp) -> Option<Timestamp> {
    keys.into_iter().filter(|key| is_admin(key)).filter_map(|key| end(key, now)).max()
}
