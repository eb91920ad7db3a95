//! The real server as a child process, on loopback, in memory.

use std::process::{Child, Command, Stdio};

use usher_support::free_port;

use crate::common::Client;
use crate::common::openfga::{tool, until_healthy};

pub struct Server {
    child: Child,
    pub base: String,
}

impl Server {
    /// Nothing where the server is not installed; that is printed.
    pub async fn start(test: &str) -> Option<Server> {
        let Some(program) = tool("openfga") else {
            usher_support::skipped("openfga", &format!("{test}: no OpenFGA server (scripts/openfga.sh installs it)"));
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
        until_healthy(&server.client().http, &server.base).await;
        Some(server)
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
