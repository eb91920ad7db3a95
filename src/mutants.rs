//! Deliberate bugs that prove that the leak oracle bites. They exist only under `cfg(usher_mutants)`, which the test
//! build alone sets; everywhere else [`active`] is constantly false and the branches vanish.

/// Whether the deliberate bug `name` is switched on in this process, by the environment variable `USHER_MUTANT`.
#[cfg(usher_mutants)]
pub fn active(name: &str) -> bool {
    static CHOSEN: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    CHOSEN.get_or_init(|| std::env::var("USHER_MUTANT").ok()).as_deref() == Some(name)
}

/// No deliberate bug exists in this build.
#[cfg(not(usher_mutants))]
pub const fn active(_name: &str) -> bool {
    false
}
