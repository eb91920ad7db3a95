//! The sandboxed side: give up every right first, then read one file's bytes and answer.
//!
//! Layers, each enough to stop what it covers: resource limits; landlock without a single allowed path; a seccomp list of
//! the few calls that computing needs, where anything else (opening, connecting, forking, executing) kills the process.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;

use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetStatus};
use rustix::process::{Resource, Rlimit, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

use super::{Level, frame};
use crate::extract::{ExtractError, Work, extract, records};

pub const CPU_SECONDS: u64 = 20;
const MEMORY: u64 = 1024 * 1024 * 1024;
const MAX_HEADER: u64 = 64 * 1024 * 1024;
/// The CLI bounds files before it sends them; this bounds memory should it not.
const MAX_INPUT: u64 = 512 * 1024 * 1024;

/// What `--probe` tries after the sandbox is entered. Tests show by it that the sandbox holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Probe {
    Level,
    Open,
    Socket,
    Exec,
    Fork,
    Memory,
    Processor,
}

#[derive(Debug, thiserror::Error)]
pub enum EnterError {
    #[error("limit {0:?}: {1}")]
    Limit(Resource, io::Error),
    #[error("no_new_privs: {0}")]
    Privileges(io::Error),
}

/// Entry point of the child.
pub fn run(probe: Option<Probe>) -> ExitCode {
    // Limits that can't be set are no sandbox at all: read nothing.
    let seconds = if probe == Some(Probe::Processor) { 1 } else { CPU_SECONDS };
    let Ok(level) = enter(seconds) else { return ExitCode::from(3) };
    let answer = match probe {
        Some(Probe::Level) => serde_json::to_vec(&level),
        Some(other) => serde_json::to_vec(attempt(other)),
        None => one_file(),
    };
    let Ok(answer) = answer else { return ExitCode::FAILURE };
    let mut out = io::stdout().lock();
    match frame::write(&mut out, &answer).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// The answer to what is asked on standard input, as JSON.
fn one_file() -> serde_json::Result<Vec<u8>> {
    match asked() {
        Ok((Work::Document(job), bytes)) => serde_json::to_vec(&extract(&job, &bytes)),
        Ok((Work::Records(job), bytes)) => serde_json::to_vec(&records(&job, &bytes)),
        Err(e) => serde_json::to_vec(&Err::<(), _>(e)),
    }
}

fn asked() -> Result<(Work, Vec<u8>), ExtractError> {
    let mut stdin = io::stdin().lock();
    let broken = |e: &dyn std::fmt::Display| ExtractError::Broken(format!("the request could not be read: {e}"));
    let header = frame::read(&mut stdin, MAX_HEADER).map_err(|e| broken(&e))?;
    let work = serde_json::from_slice(&header).map_err(|e| broken(&e))?;
    let bytes = frame::read(&mut stdin, MAX_INPUT).map_err(|e| broken(&e))?;
    Ok((work, bytes))
}

fn enter(seconds: u64) -> Result<Level, EnterError> {
    let limits = [
        (Resource::As, MEMORY),
        (Resource::Cpu, seconds),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
        (Resource::Nproc, 0),
    ];
    for (resource, max) in limits {
        limit(resource, max)?;
    }
    rustix::thread::set_no_new_privs(true).map_err(|e| EnterError::Privileges(e.into()))?;
    let mut level = Level::default();
    match restrict_files() {
        Ok(()) => level.landlock = true,
        Err(why) => level.notes.push(format!("landlock is not available: {why}")),
    }
    // After landlock, which opens a handle of its own: from here on no new one can exist.
    limit(Resource::Nofile, 3)?;
    match restrict_calls() {
        Ok(()) => level.seccomp = true,
        Err(why) => level.notes.push(format!("seccomp is not available: {why}")),
    }
    Ok(level)
}

pub fn limit(resource: Resource, max: u64) -> Result<(), EnterError> {
    // At the upper limit of processor time a process is killed by a signal that says nothing; at the lower one by its own.
    let maximum = if resource == Resource::Cpu { max.saturating_add(1) } else { max };
    let rlimit = Rlimit { current: Some(max), maximum: Some(maximum) };
    setrlimit(resource, rlimit).map_err(|e| EnterError::Limit(resource, e.into()))
}

/// Every file and TCP right is handled and none is granted.
fn restrict_files() -> Result<(), String> {
    let text = |e: landlock::RulesetError| e.to_string();
    let abi = ABI::V5;
    let ruleset = Ruleset::default().handle_access(AccessFs::from_all(abi)).map_err(text)?;
    let ruleset = ruleset.handle_access(AccessNet::from_all(abi)).map_err(text)?;
    let status = ruleset.create().map_err(text)?.restrict_self().map_err(text)?;
    match status.ruleset {
        // Partly: an older kernel knows fewer rights, and seccomp covers those.
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Ok(()),
        _ => Err("the kernel does not enforce it".into()),
    }
}

fn restrict_calls() -> Result<(), String> {
    let program = filter().map_err(|e| e.to_string())?;
    seccompiler::apply_filter(&program).map_err(|e| e.to_string())
}

fn filter() -> Result<BpfProgram, seccompiler::BackendError> {
    let computing = [
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_close,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_brk,
        libc::SYS_madvise,
        libc::SYS_futex,
        libc::SYS_exit,
        libc::SYS_exit_group,
        libc::SYS_rt_sigreturn,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_sigaltstack,
        libc::SYS_clock_gettime,
        libc::SYS_getrandom,
        libc::SYS_gettid,
        libc::SYS_getpid,
        libc::SYS_sched_yield,
        libc::SYS_restart_syscall,
    ];
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = computing.into_iter().map(|call| (call, Vec::new())).collect();
    // No memory may become executable.
    let exec = u64::from(libc::PROT_EXEC.unsigned_abs());
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        let plain = SeccompCondition::new(2, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(exec), 0)?;
        rules.insert(call, vec![SeccompRule::new(vec![plain])?]);
    }
    // Ending itself (an abort), and nobody else.
    let me = u64::from(std::process::id());
    let own = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, me)?;
    rules.insert(libc::SYS_tgkill, vec![SeccompRule::new(vec![own])?]);
    let arch = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, SeccompAction::KillProcess, SeccompAction::Allow, arch)?.try_into()
}

/// Tries what the sandbox must stop. Mostly the process does not live to answer.
fn attempt(probe: Probe) -> &'static str {
    let allowed = match probe {
        Probe::Level => true,
        Probe::Open => std::fs::File::open("/etc/passwd").is_ok(),
        Probe::Socket => std::net::TcpListener::bind(("127.0.0.1", 0)).is_ok(),
        Probe::Exec => std::process::Command::new("/bin/true").status().is_ok(),
        Probe::Fork => std::thread::Builder::new().spawn(|| {}).is_ok(),
        Probe::Memory => {
            let mut held: Vec<Vec<u8>> = Vec::new();
            for _ in 0..64 {
                held.push(vec![1; 64 * 1024 * 1024]);
            }
            held.len() == 64
        }
        Probe::Processor => loop {
            std::hint::spin_loop();
        },
    };
    if allowed { "allowed" } else { "denied" }
}
