//! Names to dense numbers, append-only and shared by all graphs of one store.

/// An object, `type:id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

/// The name of a type or relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Symbol(pub u32);

/// The table of names. Grows for the life of a process.
#[derive(Debug, Default)]
pub struct Interner {}
