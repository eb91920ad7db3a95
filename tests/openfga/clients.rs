//! Unmodified clients: the same script against Usher and against the server, the same transcript.
//!
//! `scripts/openfga.sh` installs them; what is missing is skipped, and that is printed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::common::TestService;
use crate::common::openfga::tool;
use crate::server::Server;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Runs a script that talks to `url` with `token` and prints what it is told.
async fn transcript(program: &Path, script: &str, url: &str, token: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(program);
    command
        .arg(Path::new(ROOT).join("tests/clients").join(script))
        .current_dir(folder.path())
        .env("FGA_API_URL", url)
        .env("FGA_API_TOKEN", token)
        .env("FGA", tool("fga").unwrap_or_default())
        .env("NODE_PATH", Path::new(ROOT).join(".tools/javascript/node_modules"))
        .env("NO_PROXY", "127.0.0.1")
        .stdin(Stdio::null());
    let run = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let (out, error) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{script} at {url}:\n{out}\n{error}");
    out.into_owned()
}

/// Ids and times by their place of first occurrence and their kind.
fn normalised(text: &str) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | ':' | '.' | '+' | '_' | '=');
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut shown = String::new();
        let mut word = String::new();
        for c in line.chars().chain([' ']) {
            if is_part(c) {
                word.push(c);
                continue;
            }
            let is_id = word.len() == 26 && word.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
            let digits = word.bytes().filter(u8::is_ascii_digit).count();
            if is_id {
                let at = ids.iter().position(|id| *id == word).unwrap_or_else(|| {
                    ids.push(word.clone());
                    ids.len() - 1
                });
                shown.push_str(&format!("<id {at}>"));
            } else if word.len() > 18 && word.contains('T') && digits > 13 {
                shown.push_str("<time>");
            } else {
                shown.push_str(&word);
            }
            word.clear();
            shown.push(c);
        }
        lines.push(shown.trim_end().to_owned());
    }
    lines
}

async fn same_transcript(name: &str, program: Option<PathBuf>, script: &str) {
    let Some(program) = program else {
        usher_support::skipped("openfga", &format!("{name} is not installed (scripts/openfga.sh)"));
        return;
    };
    let Some(server) = Server::start(name).await else { return };
    let service = TestService::start().await;
    let key = service.admin().key;
    let by_server = normalised(&transcript(&program, script, &server.base, "").await);
    assert!(by_server.len() > 20, "{name} says too little: {by_server:?}");
    for base in [service.base().to_owned(), format!("{}/fga", service.base())] {
        let by_usher = normalised(&transcript(&program, script, &base, &key).await);
        for (usher, server) in by_usher.iter().zip(&by_server) {
            assert_eq!(usher, server, "{name}");
        }
        assert_eq!(by_usher.len(), by_server.len(), "{name}");
    }
    println!("{name}: {} lines agree with the server", by_server.len());
}

fn installed(path: &str) -> bool {
    Path::new(ROOT).join(".tools").join(path).exists()
}

/// A program of the search path.
fn program(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.exists())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_sdk_works() {
    let python = Path::new(ROOT).join(".tools/python/bin/python");
    let python = installed("python.ready").then_some(python);
    same_transcript("openfga-sdk (Python)", python, "python/client.py").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_javascript_sdk_works() {
    let node = program("node").filter(|_| installed("javascript.ready"));
    same_transcript("@openfga/sdk (JavaScript)", node, "javascript/client.cjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_works() {
    let bash = program("bash").filter(|_| tool("fga").is_some());
    same_transcript("fga", bash, "fga/client.sh").await;
}
