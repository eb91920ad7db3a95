//! Does a test bite? It is run again with a deliberate bug in the service, and has to fail.

use std::process::{Command, Stdio};

/// Runs each test of this binary under the bug (or bugs, with commas) beside it, and fails if one does not notice. What
/// the test counted is printed: its lines with `counted`.
pub fn must_be_caught(mutants: &[(&str, &str)]) {
    if std::env::var_os("USHER_MUTANT").is_some() {
        return;
    }
    let mut missed = Vec::new();
    for (mutant, test) in mutants {
        let run = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--test-threads=1", "--nocapture"])
            .env("USHER_MUTANT", mutant)
            .env("USHER_SOAK", "1")
            .stderr(Stdio::null())
            .output()
            .unwrap();
        let is_caught = !run.status.success();
        println!("mutant {mutant}: {} by {test}", if is_caught { "caught" } else { "MISSED" });
        let said = String::from_utf8_lossy(&run.stdout);
        let counts = said.lines().filter_map(|line| line.split_once("counted "));
        counts.for_each(|(_, counts)| println!("    {counts}"));
        if !is_caught {
            missed.push(*mutant);
        }
    }
    println!("mutants caught: {} of {}", mutants.len() - missed.len(), mutants.len());
    assert!(missed.is_empty(), "not caught: {missed:?}");
}
