//! Audiences: the classes of objects of one bound type with equal grants.

/// Dense number of an audience inside one process. Never reused in a process's life, never shown to anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AudienceOrdinal(pub u32);

impl AudienceOrdinal {
    /// The audience of objects that no binding names: nobody may read it.
    pub const NOBODY: AudienceOrdinal = AudienceOrdinal(0);
}
