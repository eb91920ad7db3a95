//! Named places where a test build can kill the process or fail an input/output call.
//!
//! A crash test sets `USHER_FAILPOINT=name=abort|error|enospc[:nth]`; the `nth` time (from 1, default 1) that the place
//! is reached, the process aborts, or the call fails with an I/O error or "no space left". The variable is read once.
//! Outside the test build [`hit`] is an inlined `Ok(())`.

use std::io;

/// Reaches the place `name`. Call it before and after each sync, rename and commit.
///
/// # Errors
/// Only in the test build, when `USHER_FAILPOINT` names this place with `error` or `enospc`.
#[cfg(not(usher_mutants))]
#[inline(always)]
pub fn hit(_name: &str) -> io::Result<()> {
    Ok(())
}

/// Reaches the place `name`. Call it before and after each sync, rename and commit.
///
/// # Errors
/// When `USHER_FAILPOINT` names this place with `error` or `enospc` and its turn has come.
#[cfg(usher_mutants)]
pub fn hit(name: &str) -> io::Result<()> {
    armed::ARMED.get_or_init(armed::read).as_ref().map_or(Ok(()), |point| point.reach(name))
}

#[cfg(usher_mutants)]
mod armed {
    use std::io;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    // The one process-wide state of the test build: a child process is started per failpoint.
    pub static ARMED: OnceLock<Option<Failpoint>> = OnceLock::new();

    pub struct Failpoint {
        name: String,
        action: Action,
        nth: u64,
        reached: AtomicU64,
    }

    enum Action {
        Abort,
        Error,
        NoSpace,
    }

    pub fn read() -> Option<Failpoint> {
        parse(&std::env::var("USHER_FAILPOINT").ok()?)
    }

    fn parse(text: &str) -> Option<Failpoint> {
        let (name, rest) = text.split_once('=')?;
        let (action, nth) = rest.split_once(':').unwrap_or((rest, "1"));
        let action = match action {
            "abort" => Action::Abort,
            "error" => Action::Error,
            "enospc" => Action::NoSpace,
            _ => return None,
        };
        Some(Failpoint { name: name.to_owned(), action, nth: nth.parse().ok()?, reached: AtomicU64::new(0) })
    }

    impl Failpoint {
        pub fn reach(&self, name: &str) -> io::Result<()> {
            if name != self.name || self.reached.fetch_add(1, Ordering::SeqCst) + 1 != self.nth {
                return Ok(());
            }
            match self.action {
                Action::Abort => std::process::abort(),
                Action::Error => Err(io::Error::other("failpoint")),
                Action::NoSpace => Err(io::Error::from(io::ErrorKind::StorageFull)),
            }
        }
    }
}
