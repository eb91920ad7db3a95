//! Deliberate faults that prove that the leak oracle bites.
//!
//! Only the test build (`cfg(usher_mutants)`) can switch one on, by name in `USHER_MUTANT`; in every other build
//! [`active`] is a constant `false` and the faulty branch is compiled away.

/// Whether the fault `name` is switched on.
#[cfg(not(usher_mutants))]
#[inline(always)]
pub const fn active(_name: &str) -> bool {
    false
}

/// Whether the fault `name` is switched on; the environment is read once.
#[cfg(usher_mutants)]
pub fn active(name: &str) -> bool {
    static CHOSEN: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    CHOSEN.get_or_init(|| std::env::var("USHER_MUTANT").ok()).as_deref() == Some(name)
}
