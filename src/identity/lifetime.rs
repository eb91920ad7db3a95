//! When keys end, and with the last of some kind the way in.

use jiff::{SignedDuration, Timestamp};

use super::{Scope, Scopes};
use crate::catalog::keys::KeyRow;

/// From so long before its end a key is spoken of.
pub const SOON: SignedDuration = SignedDuration::from_hours(24 * 30);

/// When a key ends; nothing where it has ended, or was revoked.
pub fn end(key: &KeyRow, now: Timestamp) -> Option<Timestamp> {
    let end = crate::catalog::timestamp(&key.expires_at).ok()?;
    (key.revoked_at.is_none() && end > now).then_some(end)
}

/// Whether it may make other keys.
pub fn is_admin(key: &KeyRow) -> bool {
    Scopes::parse(key.settings.scopes.iter().map(String::as_str)).contains(Scope::Admin)
}

/// When the last key ends that may make others; nothing where there is none any more.
pub fn admin_end<'a>(keys: impl IntoIterator<Item = &'a KeyRow>, now: Timestamp) -> Option<Timestamp> {
    keys.into_iter().filter(|key| is_admin(key)).filter_map(|key| end(key, now)).max()
}
