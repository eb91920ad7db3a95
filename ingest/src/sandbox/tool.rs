//! A program of the system that reads foreign bytes: it gives up its rights before it begins, and keeps none but to read
//! what programs are made of. No file of its own, no socket, no other process.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use landlock::{
    ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus, path_beneath_rules,
};
use rustix::process::Resource;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

use super::child::limit;
use super::worker;

/// Memory of a program, and seconds of processor time.
const MEMORY: u64 = 2 * 1024 * 1024 * 1024;
pub const CPU_SECONDS: u64 = 60;
/// What programs are made of: themselves, libraries, fonts, data of languages.
const READABLE: [&str; 9] = [
    "/usr",
    "/bin",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/fonts",
    "/var/cache/fontconfig",
    "/etc/alternatives",
    "/dev/null",
];

/// Runs a program with standard input and output as its only ways out.
pub fn command<S: AsRef<OsStr>>(program: &Path, arguments: &[S]) -> Command {
    let mut command = worker("tool-worker");
    command.arg(program).args(arguments);
    command
}

/// Entry point of the process that becomes the program.
pub fn run(program: &Path, arguments: &[String]) -> ExitCode {
    // What can't be given up is no sandbox: nothing runs.
    if enter().is_err() {
        return ExitCode::from(3);
    }
    let mut command = Command::new(program);
    // More threads would be more processes.
    let _ = command.args(arguments).env_clear().env("OMP_THREAD_LIMIT", "1").env("LC_ALL", "C.UTF-8").exec();
    ExitCode::from(4)
}

fn enter() -> Result<(), io::Error> {
    let limits = [
        (Resource::As, MEMORY),
        (Resource::Cpu, CPU_SECONDS),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
        (Resource::Nofile, 64),
    ];
    for (resource, max) in limits {
        limit(resource, max).map_err(io::Error::other)?;
    }
    rustix::thread::set_no_new_privs(true)?;
    restrict_files().map_err(io::Error::other)?;
    let program = filter().map_err(io::Error::other)?;
    seccompiler::apply_filter(&program).map_err(io::Error::other)
}

fn restrict_files() -> Result<(), String> {
    let text = |e: landlock::RulesetError| e.to_string();
    let abi = ABI::V5;
    let ruleset = Ruleset::default().handle_access(AccessFs::from_all(abi)).map_err(text)?;
    let ruleset = ruleset.handle_access(AccessNet::from_all(abi)).map_err(text)?.create().map_err(text)?;
    let rules = path_beneath_rules(READABLE, AccessFs::from_read(abi));
    let status = ruleset.add_rules(rules).map_err(text)?.restrict_self().map_err(text)?;
    match status.ruleset {
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Ok(()),
        _ => Err("the kernel does not enforce it".into()),
    }
}

/// What a program that draws or reads a picture never needs. It lives to be told no, so that libraries that only try can go on.
fn filter() -> Result<BpfProgram, seccompiler::BackendError> {
    let mut denied = vec![
        libc::SYS_socket,
        libc::SYS_socketpair,
        libc::SYS_connect,
        libc::SYS_bind,
        libc::SYS_listen,
        libc::SYS_accept,
        libc::SYS_accept4,
        libc::SYS_sendto,
        libc::SYS_sendmsg,
        libc::SYS_sendmmsg,
        libc::SYS_clone,
        libc::SYS_clone3,
        libc::SYS_execveat,
        libc::SYS_kill,
        libc::SYS_tkill,
        libc::SYS_pidfd_open,
        libc::SYS_pidfd_send_signal,
        libc::SYS_pidfd_getfd,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_chroot,
        libc::SYS_setns,
        libc::SYS_unshare,
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_keyctl,
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_io_uring_register,
        libc::SYS_userfaultfd,
        libc::SYS_open_by_handle_at,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_delete_module,
        libc::SYS_kexec_load,
        libc::SYS_shmget,
        libc::SYS_shmat,
        libc::SYS_msgget,
        libc::SYS_semget,
    ];
    #[cfg(target_arch = "x86_64")]
    denied.extend([libc::SYS_fork, libc::SYS_vfork]);
    let rules = denied.into_iter().map(|call| (call, Vec::new())).collect();
    let arch = std::env::consts::ARCH.try_into()?;
    let refused = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    SeccompFilter::new(rules, SeccompAction::Allow, refused, arch)?.try_into()
}
