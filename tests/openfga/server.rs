//! The real server as a child process, on loopback, in memory.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::Client;

pub struct Server {
    child: Child,
    pub base: String,
}

/// A program that `scripts/openfga.sh` installs.
pub fn tool(name: &str) -> Option<PathBuf> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/bin").join(name);
    path.exists().then_some(path)
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

impl Server {
    /// Nothing where the server is not installed; that is printed.
    pub async fn start(test: &str) -> Option<Server> {
        let Some(program) = tool("openfga") else {
            println!("skipped: {test} (the OpenFGA server is not installed; scripts/openfga.sh)");
            return None;
        };
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let (http, grpc) = (free_port(), free_port());
        // The shell outlives a killed test by the moment that it takes to end the server.
        let child = Command::new("sh")
            .args(["-c", r#""$@" & read -r _; kill -9 $!"#, "server"])
            .arg(program)
            .args(["run", "--playground-enabled=false", "--metrics-enabled=false", "--log-level=error"])
            .args([format!("--http-addr=127.0.0.1:{http}"), format!("--grpc-addr=127.0.0.1:{grpc}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Server { child, base: format!("http://127.0.0.1:{http}") };
        let client = server.client();
        let started = Instant::now();
        loop {
            let answer = client.http.get(format!("{}/healthz", server.base)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Some(server);
            }
            assert!(started.elapsed() < Duration::from_secs(60), "the OpenFGA server does not start");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub fn client(&self) -> Client {
        // Proxies of the environment are not for loopback.
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Client { base: self.base.clone(), key: String::new(), subject: None, request_id: None, http }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
