//! Deliberate bugs that prove that the leak oracle bites. They exist only under `cfg(usher_mutants)`, which the test
//! build alone sets; everywhere else [`active`] is constantly false and the branches vanish.

/// Whether the deliberate bug `name` is switched on in this process, by the environment variable `USHER_MUTANT`: one
/// name, or several with commas where what is guarded is guarded more than once.
#[cfg(usher_mutants)]
pub fn active(name: &str) -> bool {
    static CHOSEN: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    let chosen = CHOSEN.get_or_init(|| std::env::var("USHER_MUTANT").unwrap_or_default());
    !chosen.is_empty() && chosen.split(',').any(|one| one == name)
}

/// No deliberate bug exists in this build.
#[cfg(not(usher_mutants))]
pub const fn active(_name: &str) -> bool {
    false
}
