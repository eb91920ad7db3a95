//! Everything may die: `usher`, Qdrant, PostgreSQL and OpenFGA are killed at random under load, alone and together.
//!
//! `QDRANT_BINARY` names the Qdrant server's program; without it, or without an OpenFGA server, this is skipped.

use std::time::{Duration, Instant};

use crate::openfga::{OpenFga, program};
use crate::process::Process;
use crate::qdrant::{self, Qdrant};
use crate::server::Server;
use crate::world::{self, Replicas, Storm, World, found, rounds};

#[tokio::test(flavor = "multi_thread")]
async fn anything_may_be_killed() {
    let Some(qdrant) = qdrant::program() else { return };
    let Some(openfga) = program() else { return };
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut qdrant = Qdrant::start(qdrant).await;
    let mut openfga = OpenFga::start(openfga).await;
    let database = Server::start();
    let world = World::new(&database.url());
    let configuration = world.configuration(&format!(
        "[qdrant]\nurl = \"http://127.0.0.1:{}\"\n[openfga]\nurl = \"http://127.0.0.1:{}\"\nstore = \"{}\"\n",
        qdrant.grpc_port(),
        openfga.grpc_port(),
        openfga.store
    ));
    let environment = [("USHER_CONFIG", configuration.as_str())];
    let start = async |name: &str| world.start_with(name, &environment).await.unwrap();
    let mut processes = [start("0").await, start("1").await];
    let replicas = Replicas::of(&[&processes[0], &processes[1]]);
    let storm = Storm::start(&replicas, 3);
    let (mut random, mut recoveries) = (world::random(50), vec![Vec::new(); 4]);
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
