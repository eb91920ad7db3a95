//! Everything may die: `usher`, Qdrant, PostgreSQL and OpenFGA are killed at random under load, alone and together.
//!
//! `QDRANT_BINARY` names the Qdrant server's program; without it, or without an OpenFGA server, this is skipped.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::openfga::free_port;
use crate::openfga::{OpenFga, program};
use crate::process::Process;
use crate::server::Server;
use crate::world::{Random, Replicas, Storm, World, found, rounds};

/// A Qdrant server of one test's own.
struct Qdrant {
    program: PathBuf,
    folder: tempfile::TempDir,
    http: u16,
    grpc: u16,
    child: Option<Child>,
}

impl Qdrant {
    async fn start(program: PathBuf) -> Self {
        let (http, grpc) = (free_port(), free_port());
        let mut server = Self { program, folder: tempfile::tempdir().unwrap(), http, grpc, child: None };
        server.run().await;
        server
    }

    /// Starts the process on the same data, and waits until it answers.
    async fn run(&mut self) {
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

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

impl Drop for Qdrant {
    fn drop(&mut self) {
        self.kill();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn anything_may_be_killed() {
    let Some(qdrant) = std::env::var_os("QDRANT_BINARY") else {
        println!("skipped: no Qdrant (set QDRANT_BINARY to its server's program)");
        return;
    };
    let Some(openfga) = program() else { return };
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut qdrant = Qdrant::start(qdrant.into()).await;
    let mut openfga = OpenFga::start(openfga).await;
    let database = Server::start();
    let world = World::new(&database.url());
    let configuration = world.configuration(&format!(
        "[qdrant]\nurl = \"http://127.0.0.1:{}\"\n[openfga]\nurl = \"http://127.0.0.1:{}\"\nstore = \"{}\"\n",
        qdrant.grpc,
        openfga.grpc_port(),
        openfga.store
    ));
    let environment = [("USHER_CONFIG", configuration.as_str())];
    let start = async |name: &str| world.start_with(name, &environment).await.unwrap();
    let mut processes = [start("0").await, start("1").await];
    let replicas = Replicas::of(&[&processes[0], &processes[1]]);
    let storm = Storm::start(&replicas, 3);
    let (mut random, mut recoveries) = (Random::new(50), vec![Vec::new(); 4]);
    let kills = rounds(8, 100);
    for kill in 0..kills {
        tokio::time::sleep(Duration::from_millis(200 + random.below(800))).await;
        // Every part in turn, every fifth time two of them together.
        let mut parts = vec![(kill % 4) as usize];
        if kill % 5 == 4 {
            parts.push(((kill + 1 + random.below(3)) % 4) as usize);
        }
        for part in &parts {
            match part {
                0 => {
                    processes[0].kill();
                    replicas.set(0, None);
                }
                1 => qdrant.kill(),
                2 => database.kill(),
                _ => openfga.kill(),
            }
        }
        tokio::time::sleep(Duration::from_millis(random.below(1_000))).await;
        for part in parts.iter().rev() {
            match part {
                0 => {}
                1 => qdrant.run().await,
                2 => database.run(),
                _ => openfga.run().await,
            }
        }
        let begun = Instant::now();
        if parts.contains(&0) {
            let new = start("0").await;
            replicas.set(0, Some(new.client.clone()));
            processes[0] = new;
        }
        // Until both answer a search again.
        for process in &processes {
            until_answering(process, begun).await;
        }
        recoveries[parts[0]].push(begun.elapsed());
    }
    let counts = storm.finish().await;
    let shown: Vec<String> = ["usher", "Qdrant", "PostgreSQL", "OpenFGA"]
        .iter()
        .zip(&mut recoveries)
        .map(|(name, times)| {
            times.sort();
            let at = |place: usize| times.get(place).map_or(0, Duration::as_millis);
            format!("{name} {} kills p50 {} max {} ms", times.len(), at(times.len() / 2), at(times.len().max(1) - 1))
        })
        .collect();
    counts.assert_right(&format!("counted kills {kills}; search answers again after: {}", shown.join(", ")));
    for process in processes {
        process.stop().await;
    }
}

async fn until_answering(process: &Process, begun: Instant) {
    loop {
        let reader = process.client.as_subject("user:w0");
        match found(&reader, "number", None).await {
            Ok(_) => return,
            Err(reply) => {
                assert!(begun.elapsed() < Duration::from_secs(90), "{reply:?}\n{}", process.log());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}
