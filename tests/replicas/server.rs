//! A PostgreSQL server of one test's own, to be killed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub struct Server {
    folder: tempfile::TempDir,
    programs: PathBuf,
}

impl Server {
    /// Makes a new cluster and starts it.
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("usher-pg.").tempdir_in("/tmp").unwrap();
        let server = Self { folder, programs: programs() };
        if is_root() {
            assert!(Command::new("chown").arg("postgres").arg(server.folder.path()).status().unwrap().success());
        }
        let data = server.data();
        let made = server
            .command("initdb")
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"])
            .args(["--no-sync", "-D"])
            .arg(&data)
            .stdout(Stdio::null())
            .status();
        assert!(made.unwrap().success());
        let settings = format!(
            "listen_addresses = ''\nunix_socket_directories = '{}'\nmax_connections = 100\nfsync = off\n",
            server.folder.path().display()
        );
        let path = data.join("postgresql.conf");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, text + &settings).unwrap();
        server.run();
        server
    }

    pub fn url(&self) -> String {
        Self::url_by(self.folder.path())
    }

    /// As [`Self::url`], where the socket is in another folder.
    pub fn url_by(folder: &Path) -> String {
        format!("postgres:///postgres?host={}&user=postgres", folder.display())
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// PostgreSQL refuses to run as root.
    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir("/").env("LC_ALL", "C.UTF-8");
        command
    }

    fn control(&self, arguments: &[&str]) -> bool {
        let log = self.data().join("log");
        let mut command = self.command("pg_ctl");
        command.arg("-D").arg(self.data()).arg("-l").arg(log).args(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
    }

    /// Starts the server again; after a kill its processes take a moment to be gone.
    pub fn run(&self) {
        let begun = Instant::now();
        while !self.control(&["-w", "start"]) {
            assert!(begun.elapsed() < Duration::from_secs(60), "PostgreSQL does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// As `pg_ctl restart` stops it: sessions are ended in order.
    pub fn stop(&self) {
        assert!(self.control(&["-m", "fast", "-w", "stop"]));
    }

    /// SIGKILL to every process of it.
    pub fn kill(&self) {
        self.signal("KILL");
        std::fs::remove_file(self.data().join("postmaster.pid")).ok();
    }

    /// The socket that it listens on.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join(".s.PGSQL.5432")
    }

    /// Copies what is stored; the server must not run.
    pub fn back_up(&self) {
        self.copy("data", "copy");
    }

    /// Puts the copy in the place of what is stored; the server must not run.
    pub fn restore(&self) {
        std::fs::remove_dir_all(self.data()).unwrap();
        self.copy("copy", "data");
    }

    /// Keeps what is stored beside the copy; the server must not run.
    pub fn set_aside(&self) {
        self.copy("data", "newest");
    }

    /// Puts what was set aside back.
    pub fn put_back(&self) {
        std::fs::remove_dir_all(self.data()).unwrap();
        self.copy("newest", "data");
    }

    fn copy(&self, from: &str, to: &str) {
        let (from, to) = (self.folder.path().join(from), self.folder.path().join(to));
        assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
    }

    /// A signal to the server and all of its sessions.
    pub fn signal(&self, name: &str) {
        let pid = std::fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        let pid = pid.lines().next().unwrap().to_owned();
        let children = Command::new("ps").args(["-o", "pid=", "--ppid", &pid]).output().unwrap().stdout;
        let children = String::from_utf8(children).unwrap();
        // Sessions first, so that the server sees none of them end.
        let all = children.split_whitespace().chain([pid.as_str()]);
        let _ = Command::new("kill").arg(format!("-{name}")).args(all).stderr(Stdio::null()).status();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.control(&["-m", "immediate", "-w", "stop"]);
    }
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0\n"))
}

/// Debian keeps them out of the path.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions.map(|version| version.path().join("bin")).filter(|bin| bin.join("pg_ctl").exists()).max();
    newest.unwrap_or_else(|| Path::new("").to_owned())
}
