//! A Qdrant server of one test's own, to be killed and set back.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use usher_support::free_port;

/// The server's program, where `QDRANT_BINARY` names it.
pub fn program() -> Option<PathBuf> {
    let program = std::env::var_os("QDRANT_BINARY").map(PathBuf::from);
    if program.is_none() {
        usher_support::skipped("qdrant", "no Qdrant (set QDRANT_BINARY to its server's program)");
    }
    program
}

pub struct Qdrant {
    program: PathBuf,
    folder: tempfile::TempDir,
    http: u16,
    grpc: u16,
    child: Option<Child>,
}

impl Qdrant {
    pub async fn start(program: PathBuf) -> Self {
        let (http, grpc) = (free_port(), free_port());
        let mut server = Self { program, folder: tempfile::tempdir().unwrap(), http, grpc, child: None };
        server.run().await;
        server
    }

    /// Starts the process on the same data, and waits until it answers.
    pub async fn run(&mut self) {
        let child = Command::new(&self.program)
            .current_dir(self.folder.path())
            .env("QDRANT__SERVICE__HOST", "127.0.0.1")
            .env("QDRANT__SERVICE__HTTP_PORT", self.http.to_string())
            .env("QDRANT__SERVICE__GRPC_PORT", self.grpc.to_string())
            .env("QDRANT__TELEMETRY_DISABLED", "true")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
        let begun = Instant::now();
        let url = format!("http://127.0.0.1:{}/readyz", self.http);
        while !reqwest::get(&url).await.is_ok_and(|reply| reply.status().is_success()) {
            assert!(begun.elapsed() < Duration::from_secs(60), "Qdrant does not start");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub fn grpc_port(&self) -> u16 {
        self.grpc
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn storage(&self) -> PathBuf {
        self.folder.path().join("storage")
    }

    /// Copies what is stored; the process must not run.
    pub fn back_up(&self) {
        assert!(self.child.is_none());
        let _ = std::fs::remove_dir_all(self.folder.path().join("copy"));
        copy(&self.storage(), &self.folder.path().join("copy"));
    }

    /// Puts the copy in the place of what is stored; the process must not run.
    pub fn restore(&self) {
        assert!(self.child.is_none());
        std::fs::remove_dir_all(self.storage()).unwrap();
        copy(&self.folder.path().join("copy"), &self.storage());
    }
}

impl Drop for Qdrant {
    fn drop(&mut self) {
        self.kill();
    }
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
}
