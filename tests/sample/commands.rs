//! The commands of the documents, run as they stand against a real service.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::common::postgres::TestDatabase;
use crate::{Sample, root};

/// What a document's commands are run with: (document, what stands there for the reader's own things, what it is here).
/// A document with commands that stands neither here nor among those that are not run fails the test.
const OWN_THINGS: &[(&str, &[(&str, &str)])] = &[
    ("administration.md", &[]),
    ("audit.md", &[]),
    ("ingest.md", &[("ush_…", "$(cat .run/data/admin.key)"), ("/srv/docs", "documents")]),
    ("moving.md", &[("postgres://usher@db.example/usher?sslmode=verify-full", "$DATABASE")]),
    ("reindexing.md", &[("\"embedder\": \"minilm\"", "\"analyser\": \"english\"")]),
];

/// (document, what is missing for its commands where nothing runs them, why they are not run here).
const NOT_RUN: &[(&str, Option<&str>, &str)] = &[
    ("distributed.md", Some("docker"), "they need Docker"),
    ("identity.md", None, "tests/service/mistakes.rs runs them"),
    ("openfga.md", None, "they need `fga`; tests/openfga/clients.rs runs it where it is installed"),
];

/// Makes the commands fail where they would otherwise only print an error, and end where they would go on for ever: a
/// service that is started serves until it has said that it is ready.
const PRELUDE: &str = r#"
curl() { command curl -sS --fail-with-body --retry-connrefused --retry 3 "$@"; }
usher() {
    if [ "$1" != serve ]; then command usher "$@"; return; fi
    local log server
    log="$(mktemp -p .)"
    command usher "$@" --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 >"$log" 2>&1 &
    server=$!
    while ! grep -q ready "$log"; do
        kill -0 $server || { cat "$log" >&2; return 1; }
        sleep 0.1
    done
    kill $server
    wait $server
}
"#;

/// The blocks of shell commands of a document.
pub fn blocks(document: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(document)).unwrap();
    text.split("```sh\n").skip(1).map(|rest| rest.split("\n```").next().unwrap().to_owned()).collect()
}

/// Runs the commands of everything below `docs`; the README's were run before. Says how many blocks there were.
pub fn of_documents(sample: &Sample) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut names: Vec<String> = std::fs::read_dir(root().join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".md"))
        .collect();
    names.sort();
    let mut count = 0;
    for name in names {
        let blocks = blocks(&format!("docs/{name}"));
        if blocks.is_empty() {
            continue;
        }
        if let Some((_, need, why)) = NOT_RUN.iter().find(|(document, ..)| *document == name) {
            if let Some(need) = need {
                usher_support::skipped(need, &format!("the commands of docs/{name}: {why}"));
            }
            continue;
        }
        let own = OWN_THINGS.iter().find(|(document, _)| *document == name);
        let (_, own) = own.unwrap_or_else(|| panic!("docs/{name} has commands: say above what they are run with"));
        for (n, block) in blocks.iter().enumerate() {
            assert!(own.iter().all(|(there, _)| blocks.iter().any(|block| block.contains(there))), "{name}");
            let database = block.contains("postgres://").then(|| runtime.block_on(TestDatabase::create()));
            let place = Place::new(sample);
            let script = own.iter().fold(block.clone(), |script, (there, here)| script.replace(there, here));
            let output = place.run(sample, &script, database.as_ref().map(TestDatabase::url));
            let text = String::from_utf8_lossy(&output.stdout);
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "docs/{name}, block {n}:\n{script}\n{text}\n{errors}");
            println!("ran: docs/{name}, block {n}");
            count += 1;
        }
    }
    count
}

/// A folder where a reader of the documents could stand: the sample's data, some documents, the data of a stopped service.
struct Place(tempfile::TempDir);

impl Place {
    fn new(sample: &Sample) -> Self {
        let folder = tempfile::tempdir().unwrap();
        symlink(sample.folder.path().join("run"), folder.path().join(".run")).unwrap();
        std::fs::create_dir(folder.path().join("documents")).unwrap();
        std::fs::write(folder.path().join("documents/_.acl.yaml"), "viewers: [user:ann]\n").unwrap();
        std::fs::write(folder.path().join("documents/leave.md"), "# Leave\n\nThirty days.\n").unwrap();
        let place = Self(folder);
        let made = place.run(sample, "usher serve --data data", None);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        place
    }

    fn run(&self, sample: &Sample, script: &str, database: Option<&str>) -> Output {
        let own = format!("127.0.0.1:{}", sample.port);
        let script = script.replace("127.0.0.1:8080", &own).replace("localhost:8080", &own);
        let script = format!("{PRELUDE}\nKEY=\"$(cat .run/data/admin.key)\"\n{script}");
        let path = std::env::var("PATH").unwrap();
        Command::new("bash")
            .args(["-euo", "pipefail", "-c", &script])
            .current_dir(&self.0)
            .env("PATH", format!("{}:{path}", crate::binaries().display()))
            .env("USHER_URL", format!("http://{own}"))
            .env("XDG_STATE_HOME", self.path().join("state"))
            .env("DATABASE", database.unwrap_or_default())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}
