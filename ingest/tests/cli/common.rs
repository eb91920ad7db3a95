//! One operator: a folder, a state directory, a service.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::stub::Stub;

pub struct Site {
    pub stub: Stub,
    dir: TempDir,
}

pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Site {
    /// A folder with the given files.
    pub fn new(files: &[(&str, &str)]) -> Site {
        let site = Site { stub: Stub::start(), dir: tempfile::tempdir().unwrap() };
        std::fs::create_dir(site.dir.path().join("docs")).unwrap();
        files.iter().for_each(|(path, text)| site.write(path, text));
        site
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn doc(&self, rel: &str) -> PathBuf {
        self.path("docs").join(rel)
    }

    pub fn write(&self, rel: &str, text: impl AsRef<[u8]>) {
        let path = self.doc(rel);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        let server = format!("http://{}", self.stub.address);
        let output = program()
            .args(args)
            .args(["--server", &server])
            .env_remove("USHER_KEY_FILE")
            .env("USHER_KEY", "ush_test")
            .env("XDG_STATE_HOME", self.path("state"))
            .output()
            .unwrap();
        ran(&output)
    }

    /// `folder docs` into collection `c` from source `s`.
    pub fn folder(&self, more: &[&str]) -> Ran {
        let docs = self.path("docs");
        self.run(&folder(docs.to_str().unwrap(), more))
    }

    pub fn folder_meanwhile(&self, more: &[&str], act: impl FnOnce()) -> Ran {
        let docs = self.path("docs");
        self.run_meanwhile(&folder(docs.to_str().unwrap(), more), act)
    }

    /// Runs, and does something else while the run waits for the answer to its first request that is no GET.
    pub fn run_meanwhile(&self, args: &[&str], act: impl FnOnce()) -> Ran {
        self.stub.world().hold = true;
        std::thread::scope(|scope| {
            let run = scope.spawn(|| self.run(args));
            let until = Instant::now() + Duration::from_secs(60);
            while !self.stub.world().is_held && !run.is_finished() && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(5));
            }
            let is_held = self.stub.world().is_held;
            act();
            self.stub.world().hold = false;
            let ran = run.join().unwrap();
            assert!(is_held, "it asked nothing: {}", ran.err);
            ran
        })
    }

    /// Lines of a report: path, status.
    pub fn report(&self, path: &Path) -> Vec<(String, String)> {
        let text = std::fs::read_to_string(path).unwrap();
        let lines = text.lines().map(|l| serde_json::from_str::<Value>(l).unwrap());
        let mut lines: Vec<_> = lines
            .filter(|l| l.get("summary").is_none())
            .map(|l| (l["path"].as_str().unwrap().to_owned(), l["status"].as_str().unwrap().to_owned()))
            .collect();
        lines.sort();
        lines
    }

    pub fn clear_log(&self) {
        self.stub.world().log.clear();
    }
}

fn folder<'a>(docs: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let named = ["folder", docs, "--collection", "c", "--source", "s"];
    named.iter().chain(more).copied().collect()
}

pub fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_usher-ingest"))
}

pub fn ran(output: &Output) -> Ran {
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Ran {
    pub fn expect(self, code: i32) -> Ran {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    pub fn says(self, text: &str) -> Ran {
        assert!(
            self.out.contains(text) || self.err.contains(text),
            "{text}\nstdout:\n{}\nstderr:\n{}",
            self.out,
            self.err
        );
        self
    }
}
