//! What commands leave behind where they fail, and what they show of names that others chose.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::common::TestService;
use crate::common::postgres::is_chosen;

struct Ended {
    code: Option<i32>,
    output: String,
    message: String,
}

fn usher(arguments: &[&str], output: Stdio) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
    let child = command.args(arguments).env("RUST_BACKTRACE", "1").stdout(output).stderr(Stdio::piped()).spawn();
    let ended = child.unwrap().wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended { code: ended.status.code(), output: text(&ended.stdout), message: text(&ended.stderr) }
}

/// A pipe whose reader has gone.
fn unread() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

struct Scene {
    service: TestService,
    file: String,
}

impl Scene {
    async fn new() -> Self {
        let service = TestService::start().await;
        let file = service.folder.path().join("asking.key").to_str().unwrap().to_owned();
        fs::write(&file, &service.admin().key).unwrap();
        Self { service, file }
    }

    /// With the options behind the subcommand.
    fn keys(&self, arguments: &[&str], output: Stdio) -> Ended {
        let options = ["--server", self.service.base(), "--key-file", &self.file];
        usher(&[&["keys"], arguments, &options[..]].concat(), output)
    }

    async fn count(&self) -> usize {
        self.service.admin().get("/v1/keys").await.ok()["keys"].as_array().unwrap().len()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_goes_to_a_new_file_or_no_key_is_made() {
    let scene = Scene::new().await;
    let there = scene.service.folder.path().join("there.key");
    fs::write(&there, "precious").unwrap();
    let nowhere = scene.service.folder.path().join("none").join("x.key");
    let before = scene.count().await;
    for path in [&there, &nowhere] {
        let create = ["create", "x", "--scope", "explain", "--out", path.to_str().unwrap()];
        let ended = scene.keys(&create, Stdio::piped());
        assert_eq!(ended.code, Some(1), "{}", ended.message);
        assert!(ended.message.contains(path.to_str().unwrap()), "{}", ended.message);
    }
    assert_eq!(fs::read_to_string(&there).unwrap(), "precious");
    assert_eq!(scene.count().await, before, "no key without an owner");

    let new = scene.service.folder.path().join("new.key");
    let refused = scene.keys(&["create", "x", "--scope", "nothing", "--out", new.to_str().unwrap()], Stdio::piped());
    assert!(refused.code == Some(1) && !new.exists(), "{}", refused.message);
    let made = scene.keys(&["create", "x", "--scope", "explain", "--out", new.to_str().unwrap()], Stdio::piped());
    assert_eq!(made.code, Some(0), "{}", made.message);
    assert_eq!(fs::metadata(&new).unwrap().permissions().mode() & 0o777, 0o600);
    let (id, key) = (made.output.split('\t').next().unwrap(), fs::read_to_string(&new).unwrap());
    assert!(key.starts_with(&format!("ush_{id}_")), "{}", made.output);
    // A secret that nobody got to see is not passed over in silence.
    let lost = scene.keys(&["create", "x", "--scope", "explain"], unread());
    assert!(lost.code == Some(1) && lost.message.contains("revoke it"), "{}", lost.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_ends_a_command_quietly() {
    let scene = Scene::new().await;
    for ended in [scene.keys(&["list"], unread()), usher(&["openapi"], unread()), usher(&["metrics"], unread())] {
        assert_eq!((ended.code, ended.message.as_str()), (Some(141), ""));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_can_forge_no_line() {
    let scene = Scene::new().await;
    let before = scene.keys(&["list"], Stdio::piped()).output.lines().count();
    let body = json!({"name": "a\u{1b}[2Jb\nfeed\tc\u{202e}", "scopes": ["explain"]});
    scene.service.admin().post("/v1/keys", body).await.ok();
    let listed = scene.keys(&["list"], Stdio::piped()).output;
    assert_eq!(listed.lines().count(), before + 1, "{listed}");
    assert!(listed.contains("\ta\\u{1b}[2Jb\\nfeed\\tc\\u{202e}\t"), "{listed}");
}

#[test]
fn an_answer_without_end_is_not_read_to_its_end() {
    const MIB: usize = 1 << 20;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("asking.key");
    fs::write(&file, "ush_test").unwrap();
    for (status, most) in [(200, 80 * MIB), (400, 16 * MIB)] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = format!("http://{}", listener.local_addr().unwrap());
        let other = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let head = format!("HTTP/1.1 {status} x\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n[");
            stream.write_all(head.as_bytes()).unwrap();
            let part = vec![b' '; MIB];
            (0..1536).take_while(|_| stream.write_all(&part).is_ok()).count() * MIB
        });
        let options = ["keys", "list", "--server", &server, "--key-file", file.to_str().unwrap()];
        let ended = usher(&options, Stdio::piped());
        assert!(ended.code == Some(1) && ended.message.contains("which no Usher service does"), "{}", ended.message);
        let sent = other.join().unwrap();
        assert!(sent < most, "{status}: {sent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_mistaken_is_said_with_what_would_do() {
    let scene = Scene::new().await;
    for name in ["chat application", "chat"] {
        let ended = scene.keys(&["revoke", name], Stdio::piped());
        assert!(ended.code == Some(1) && ended.message.contains("`usher keys list`"), "{}", ended.message);
    }
    let own = scene.service.admin().key.split('_').nth(1).unwrap().to_owned();
    let ended = scene.keys(&["revoke", &own], Stdio::piped());
    assert!(ended.code == Some(1) && ended.message.contains("`--force`"), "{}", ended.message);
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/authz/v1/usher.fga");
    let ended = usher(&["model", "--server", scene.service.base(), "--key-file", &scene.file, model], Stdio::piped());
    assert!(ended.code == Some(1) && ended.message.contains("fga model transform"), "{}", ended.message);

    let admin = scene.service.admin();
    let refused = admin.post("/v1/query", json!({"query": "x"})).await.json();
    assert!(refused["detail"].as_str().unwrap().contains("`Usher-Subject`"), "{refused}");
    let made = admin.post("/v1/keys", json!({"name": "plain", "scopes": ["admin"]})).await.ok();
    let plain = crate::common::Client { key: made["key"].as_str().unwrap().to_owned(), ..admin.clone() };
    let body = json!({"name": "k", "scopes": ["query"], "subject": "user:ann"});
    let refused = plain.post("/v1/keys", body.clone()).await.json();
    assert!(refused["detail"].as_str().unwrap().contains("subject"), "{refused}");
    admin.post("/v1/keys", body).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_never_copies_itself_and_leaves_nothing_that_is_not_whole() {
    if is_chosen() {
        return;
    }
    let parent = tempfile::tempdir().unwrap();
    let service = TestService::start_at(parent, "data").await;
    let data = service.folder.path().join("data");
    let link = service.folder.path().join("link");
    symlink(&data, &link).unwrap();
    let backup =
        |to: &Path| usher(&["backup", "--data", data.to_str().unwrap(), "--to", to.to_str().unwrap()], Stdio::piped());
    let inside = [data.join("copy"), data.join("deep/er/copy"), link.join("copy"), data.join("none/../copy")];
    let refuses = |when: &str| {
        for to in &inside {
            let ended = backup(to);
            assert!(ended.code == Some(1) && ended.message.contains("inside"), "{when}: {}", ended.message);
        }
        // What it is inside of is there already.
        assert!(backup(data.parent().unwrap()).message.contains("exists already"));
        assert!(!data.join("copy").exists() && !data.join("deep").exists(), "{when}");
    };
    refuses("running");
    let parent = service.stop().await;
    refuses("stopped");

    let aside = data.join("replaced-20260101T000000Z");
    fs::create_dir(&aside).unwrap();
    fs::write(aside.join("catalog.db"), "old texts").unwrap();
    let copy = parent.path().join("new/copy");
    let ended = backup(&copy);
    assert_eq!(ended.code, Some(0), "{}", ended.message);
    assert!(copy.join("catalog.db").is_file() && !copy.join(aside.file_name().unwrap()).exists());

    let torn = parent.path().join("torn");
    fs::write(data.join("catalog.db"), "no database".repeat(1_000)).unwrap();
    let ended = backup(&torn);
    assert!(ended.code == Some(1) && !torn.exists(), "{}", ended.message);
    assert!(copy.join("catalog.db").is_file());
}
