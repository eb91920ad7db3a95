//! Hostile files, failing services, killed runs.

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use crate::common::{Site, program, ran};

const RULES: (&str, &str) = ("_.acl.yaml", "viewers: [user:ana]\n");

#[test]
fn the_sandbox_stops_files_sockets_programs_and_processes() {
    let probe = |what: &str| program().args(["extract-worker", "--probe", what]).output().unwrap();
    let level = probe("level");
    assert!(level.status.success());
    let text = String::from_utf8_lossy(&level.stdout).into_owned();
    assert!(text.contains("\"seccomp\":true"), "{text}");
    for what in ["open", "socket", "exec", "fork"] {
        let done = probe(what);
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(!said.contains("allowed"), "{what}: {said}");
        // Not merely refused: the process is gone.
        assert_eq!(done.status.signal(), Some(31), "{what}: {:?} {said}", done.status);
    }
    let memory = probe("memory");
    assert!(!memory.status.success() && !String::from_utf8_lossy(&memory.stdout).contains("allowed"));
    // By the signal that says why, not by one that anything may send.
    assert_eq!(probe("processor").status.signal(), Some(24));
}

#[test]
fn one_bad_file_fails_alone() {
    let site = Site::new(&[RULES, ("good.md", "fine"), ("broken.pdf", "%PDF-1.7 nothing"), ("image.png", "")]);
    site.write("image.png", b"\x89PNG\r\n\x1a\n0000");
    site.write("bomb.txt.gz", gz_bomb());
    std::os::unix::fs::symlink("/etc/passwd", site.doc("link.md")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, site.doc("pipe.md"), rustix::fs::Mode::RUSR).unwrap();
    let report = site.path("report.jsonl");
    let ran = site.folder(&["--report", report.to_str().unwrap()]).expect(2);
    let ran = ran.says("failed broken.pdf").says("failed bomb.txt.gz: unpacks to more than");
    assert!(ran.out.contains("1 created"));
    let status = |path: &str, status: &str| (path.to_owned(), status.to_owned());
    assert_eq!(
        site.report(&report),
        [
            status("bomb.txt.gz", "failed"),
            status("broken.pdf", "failed"),
            status("good.md", "created"),
            status("image.png", "skipped"),
            status("link.md", "skipped"),
            status("pipe.md", "skipped"),
        ]
    );
    let last = std::fs::read_to_string(&report).unwrap().lines().last().unwrap().to_owned();
    assert!(last.contains("\"summary\":true") && last.contains("\"exit_code\":2"), "{last}");
    assert_eq!(site.stub.world().documents.len(), 1);
}

/// 80 MiB of one letter.
fn gz_bomb() -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![b'a'; 80 * 1024 * 1024]).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_file_that_can_not_be_read_any_more_still_loses_its_readers() {
    let site = Site::new(&[RULES, ("a.pdf", "")]);
    site.write("a.pdf", "%PDF-1.7 nothing");
    site.write("a.md", "text");
    site.folder(&[]).expect(2);
    site.write("a.md", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0");
    site.write("a.md.acl.yaml", "nobody: true\n");
    site.folder(&[]).expect(2).says("skipped a.md");
    assert!(site.stub.world().documents["s/a.md"].acl.as_ref().unwrap().nobody);
    // It is no document any more: deletion takes it.
    site.folder(&["--delete-missing", "--yes"]).expect(2).says("deleted s/a.md");
    assert!(site.stub.world().documents.is_empty());
}

#[test]
fn a_busy_or_vanishing_service_is_asked_again() {
    let site = Site::new(&[RULES, ("a.md", "text")]);
    site.stub.world().faults.extend([503, 429, 0, 503]);
    site.folder(&[]).expect(0).says("1 created");
    site.write("a.md", "more");
    site.stub.world().faults.extend([0, 0, 503]);
    site.folder(&[]).expect(0).says("1 updated");
}

#[test]
fn a_run_that_was_cut_off_is_taken_up_where_it_stopped() {
    let files: Vec<(String, String)> = (0..300).map(|n| (format!("f{n}.txt"), format!("text {n}"))).collect();
    let mut list: Vec<(&str, &str)> = files.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect();
    list.push(RULES);
    let site = Site::new(&list);
    // The listing, the runs' names, the first tuples and one batch; then the service breaks.
    site.stub.world().fail_after = Some(5);
    site.folder(&[]).expect(1).says("500");
    {
        let mut world = site.stub.world();
        assert_eq!(world.documents.len(), 256);
        let tuples = world.tuple_lines();
        assert_eq!(tuples, ["collection:c parent folder:s"], "nothing is granted before the documents are there");
        world.fail_after = None;
    }
    site.folder(&[]).expect(0).says("44 created, 256 unchanged");
    assert_eq!(site.stub.world().documents.len(), 300);
    assert!(site.stub.world().tuple_lines().contains(&"user:ana viewer folder:s".to_owned()));
}

#[test]
fn documents_that_the_service_refuses_are_named() {
    let site = Site::new(&[RULES, ("a.md", "text"), ("b.md", "text b"), ("c.md", "text c")]);
    site.stub.world().reject.insert("s/a.md".into(), "acl_missing".into());
    site.folder(&[]).expect(3).says("refused a.md: the service refused it (acl_missing)").says("2 created");
    site.stub.world().reject = [("s/a.md".to_owned(), "internal".to_owned())].into();
    site.folder(&[]).expect(2).says("failed a.md");
}

#[test]
fn a_refusal_says_where_and_a_document_that_was_never_stored_holds_nothing_back() {
    let site = Site::new(&[("_.acl.yaml", "viewers: [user:b]\n"), ("a.md", "text"), ("b.md", "text")]);
    site.stub.world().reject.insert("s/a.md".into(), "unprocessable_document".into());
    let ran = site.folder(&[]).expect(2).says("the service refused it (unprocessable_document): /metadata/size: odd");
    assert!(!ran.err.contains("widen access were not written"), "{}", ran.err);
    let has = |who: &str| site.stub.world().tuple_lines().contains(&format!("user:{who} viewer folder:s"));
    assert!(has("b"));
    // One that is stored keeps its rules of before, which wider ones of its folder must not meet.
    site.stub.world().reject = [("s/b.md".to_owned(), "unprocessable_document".to_owned())].into();
    site.write("b.md", "other text");
    site.write("_.acl.yaml", "viewers: [user:b, user:c]\n");
    site.folder(&[]).expect(2).says("widen access were not written");
    assert!(!has("c"));
}

#[test]
fn keys_and_addresses_are_checked_before_anything_is_sent() {
    let site = Site::new(&[RULES, ("a.md", "text")]);
    let docs = site.path("docs");
    let args = ["folder", docs.to_str().unwrap(), "--collection", "c", "--source", "s"];
    let bare = |more: &[&str]| ran(&program().args(args).args(more).env_remove("USHER_KEY").output().unwrap());
    bare(&[]).expect(1).says("USHER_KEY");
    let key = site.path("key");
    std::fs::write(&key, "ush_test\n").unwrap();
    let server = format!("http://{}", site.stub.address);
    let state = site.path("s.json");
    let with_key = ["--key-file", key.to_str().unwrap(), "--server", &server, "--state", state.to_str().unwrap()];
    bare(&with_key).expect(0).says("chmod 600");
    assert!(state.exists());
    bare(&["--key-file", key.to_str().unwrap(), "--server", "http://example.org"]).expect(1).says("--insecure-http");
    site.run(&["folder", docs.to_str().unwrap(), "--collection", "none", "--source", "s"])
        .expect(1)
        .says("--create-collection");
    site.run(&["folder", docs.to_str().unwrap(), "--collection", "c", "--source", "a/b"]).expect(1).says("--source");
    site.run(&["folder", "/no/such", "--collection", "c", "--source", "s"]).expect(1).says("/no/such");
    assert_eq!(program().arg("--help").output().unwrap().status.code(), Some(0));
    assert_eq!(program().arg("--nonsense").output().unwrap().status.code(), Some(1));
}

#[test]
fn trees_too_deep_for_the_service_are_refused() {
    let deep = format!("{}a.md", "d/".repeat(12));
    let site = Site::new(&[RULES, (&deep, "text"), ("b.md", "text")]);
    site.folder(&[]).expect(3).says("folder levels").says("1 created");
    site.folder(&["--group-levels", "2"]).expect(0).says("1 created");
}

#[test]
fn a_service_that_is_not_there_is_said_to_be_so_at_once() {
    let site = Site::new(&[RULES, ("a.md", "text")]);
    let docs = site.path("docs");
    let to = |server: &str| {
        let args = ["folder", docs.to_str().unwrap(), "--collection", "c", "--source", "s", "--server", server];
        let key = ("USHER_KEY", "ush_test");
        let start = Instant::now();
        let done =
            ran(&program().args(args).env(key.0, key.1).env("XDG_STATE_HOME", site.path("state")).output().unwrap());
        assert!(start.elapsed() < Duration::from_secs(20), "{:?} {}", start.elapsed(), done.err);
        assert!(!done.err.contains("--create-collection") && !done.err.contains("busy"), "{}", done.err);
        done.expect(1)
    };
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    to(&format!("http://{free}")).says("no answer from http://127.0.0.1").says("Connection refused");
    to("https://no-such-host.invalid").says("no answer from https://no-such-host.invalid/: failed to lookup");

    // Something else that speaks HTTP.
    for (answer, said) in [
        ("404 Not Found\r\ncontent-type: text/html", "does not answer like an Usher service (HTTP status 404)"),
        ("200 OK\r\ncontent-type: text/html", "does not answer like an Usher service (HTTP status 200)"),
        ("404 Not Found\r\ncontent-type: application/json", "does not answer like an Usher service (HTTP status 404)"),
    ] {
        let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = other.local_addr().unwrap();
        std::thread::spawn(move || {
            for mut stream in other.incoming().flatten() {
                let mut head = [0; 4096];
                let _ = stream.read(&mut head);
                let head = format!("HTTP/1.1 {answer}\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}");
                let _ = stream.write_all(head.as_bytes());
            }
        });
        to(&format!("http://{address}")).says(said);
        to(&format!("https://{address}")).says("no answer from https://").says("does not speak TLS: write http://");
    }
}

#[test]
fn an_address_with_a_path_too_much_is_said_to_be_wrong() {
    let site = Site::new(&[RULES, ("a.md", "text")]);
    let docs = site.path("docs");
    let server = format!("http://{}/v1", site.stub.address);
    let args = ["folder", docs.to_str().unwrap(), "--collection", "c", "--source", "s", "--server", &server];
    let run = program().args(args).env("USHER_KEY", "ush_test").env("XDG_STATE_HOME", site.path("state")).output();
    let done = ran(&run.unwrap()).expect(1).says("has no route /v1/documents/state: is the address right?");
    assert!(!done.err.contains("--create-collection"), "{}", done.err);
}

#[test]
fn an_answer_without_end_is_not_read_to_its_end() {
    const MIB: usize = 1 << 20;
    for (status, most, said) in [
        (200, 80 * MIB, "answers with more than 67108864 bytes, which no Usher service does"),
        (400, 16 * MIB, "does not answer like an Usher service (HTTP status 400)"),
        (503, 8 * 16 * MIB, "answers with HTTP status 503"),
    ] {
        let site = Site::new(&[RULES, ("a.md", "text")]);
        site.stub.world().flood = Some(status);
        site.folder(&[]).expect(1).says(said);
        let sent = site.stub.world().flooded;
        assert!(sent < most, "{status}: {sent}");
    }
}

#[test]
fn a_service_that_was_there_is_waited_for() {
    let site = Site::new(&[RULES, ("a.md", "text")]);
    // One answer, then as many lost connections as a run that never got one would not outlast.
    site.stub.world().faults.extend([503, 0, 0, 0]);
    site.folder(&[]).expect(0).says("1 created");
}

#[test]
fn a_key_is_given_once() {
    let site = Site::new(&[RULES, ("a.md", "text")]);
    let docs = site.path("docs");
    let server = format!("http://{}", site.stub.address);
    let args = ["folder", docs.to_str().unwrap(), "--collection", "c", "--source", "s", "--server", &server];
    let key = site.path("key");
    std::fs::write(&key, "ush_test\n").unwrap();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let with = |variables: &[(&str, &str)]| {
        let mut run = program();
        run.args(args).env_remove("USHER_KEY").env_remove("USHER_KEY_FILE").env("XDG_STATE_HOME", site.path("state"));
        ran(&run.envs(variables.iter().copied()).output().unwrap())
    };
    let file = ("USHER_KEY_FILE", key.to_str().unwrap());
    with(&[file]).expect(0).says("1 created");
    with(&[file, ("USHER_KEY", "ush_test")]).expect(0).says("1 unchanged");
    with(&[file, ("USHER_KEY", "ush_other")]).expect(1).says("USHER_KEY holds another one than");
    with(&[]).expect(1).says("none given");
}

/// What an option names may be a pipe that nobody writes to, a device without end, or larger than memory.
#[test]
fn files_that_options_name_are_regular_and_bounded() {
    let site = Site::new(&[RULES, ("a.md", "text")]);
    let (pipe, huge) = (site.path("pipe"), site.path("huge"));
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
    std::fs::File::create(&huge).unwrap().set_len(1 << 40).unwrap();
    let docs = site.path("docs");
    let folder = ["folder", docs.to_str().unwrap(), "--collection", "c", "--source", "s"];
    let posix = [&folder[..], &["--acl", "posix", "--trust-above"]].concat();
    for (what, told) in [("pipe", "not a regular file"), ("/dev/zero", "not a regular file"), ("huge", "larger than ")]
    {
        let link = |extension: &str| {
            let link = site.path(&format!("l.{extension}"));
            let _ = std::fs::remove_file(&link);
            std::os::unix::fs::symlink(site.path(what), &link).unwrap();
            link.to_str().unwrap().to_owned()
        };
        let start = Instant::now();
        let check = |args: &[&str]| {
            let ran = site.run(args).expect(1).says(told);
            assert_eq!(ran.err.lines().filter(|line| line.starts_with("error: ")).count(), 1, "{}", ran.err);
        };
        let file = link("x");
        for option in ["--state", "--default-acl"] {
            check(&[&folder[..], &[option, &file]].concat());
        }
        for option in ["--passwd", "--group", "--map"] {
            std::fs::remove_file(site.doc("_.acl.yaml")).unwrap();
            check(&[&posix[..], &[option, &file]].concat());
            site.write(RULES.0, RULES.1);
        }
        for (command, extension) in [
            ("people", "csv"),
            ("people", "yaml"),
            ("tuples", "csv"),
            ("tuples", "json"),
            ("tuples", "jsonl"),
            ("manifest", "jsonl"),
        ] {
            check(&[command, &link(extension)]);
        }
        assert!(start.elapsed() < Duration::from_secs(60));
    }
    assert!(site.stub.world().documents.is_empty());
    // A key may come by a pipe, and ends somewhere.
    let run = |key: &str| {
        let command = format!(
            "exec {} folder {} --collection c --source s --server http://{} --state {} --key-file {key}",
            env!("CARGO_BIN_EXE_usher-ingest"),
            docs.display(),
            site.stub.address,
            site.path("st.json").display()
        );
        ran(&std::process::Command::new("bash").args(["-c", &command]).env_remove("USHER_KEY").output().unwrap())
    };
    for endless in ["/dev/zero", huge.to_str().unwrap()] {
        run(endless).expect(1).says("must hold one key");
    }
    run("<(echo ush_test)").expect(0);
}

/// A state that can't be written leaves no part of it behind.
#[test]
fn a_state_that_can_not_be_written_leaves_nothing_beside_it() {
    let site = Site::new(&[RULES, ("a.md", "text")]);
    let docs = site.path("docs");
    let server = format!("http://{}", site.stub.address);
    let state = site.path("kept/st.json");
    // Files may not grow beyond some bytes.
    let run = format!(
        "trap '' XFSZ; ulimit -f 0; exec {} folder {} --collection c --source s --server {server} --state {}",
        env!("CARGO_BIN_EXE_usher-ingest"),
        docs.display(),
        state.display()
    );
    let done = std::process::Command::new("sh").args(["-c", &run]).env("USHER_KEY", "ush_test").output().unwrap();
    ran(&done).expect(1).says("the state file");
    let left: Vec<_> = std::fs::read_dir(site.path("kept")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["st.json.lock"]);
}

/// Skipped is not missing: what lies in the place of a document keeps it, with the rules of now.
#[test]
fn a_document_whose_file_gets_another_name_stays_and_loses_its_readers() {
    for moved in [false, true] {
        let site =
            Site::new(&[RULES, ("a.md", "text"), ("b.md", "other"), ("c.md", "c"), ("d.md", "d"), ("e.md", "e")]);
        site.folder(&[]).expect(0);
        let path = if moved { "sub/z.md" } else { "a.md" };
        if moved {
            std::fs::create_dir(site.doc("sub")).unwrap();
            std::fs::rename(site.doc("a.md"), site.doc(path)).unwrap();
            site.folder(&[]).expect(0);
        }
        std::fs::hard_link(site.doc(path), site.path("elsewhere")).unwrap();
        site.write(&format!("{path}.acl.yaml"), "blocked: [user:eve]\n");
        let ran =
            site.folder(&["--delete-missing", "--yes"]).expect(2).says(&format!("failed {path}")).says("hard link");
        assert!(!ran.out.contains("deleted s/"), "{}", ran.out);
        let blocked = site.stub.world().documents["s/a.md"].acl.as_ref().unwrap().blocked.len();
        assert_eq!(blocked, 1);
        // One that is no document is only skipped.
        std::fs::write(site.path("more"), "more").unwrap();
        std::fs::hard_link(site.path("more"), site.doc("more.md")).unwrap();
        site.folder(&[]).expect(2).says("skipped more.md: hard link").says("1 skipped, 1 failed");
        std::fs::remove_file(site.doc(path)).unwrap();
        site.folder(&["--delete-missing", "--yes"]).says("deleted s/a.md");
    }
}

#[test]
fn a_label_that_nobody_is_cleared_for_is_warned_about() {
    let site = Site::new(&[RULES, ("a.md", "text"), ("a.md.acl.yaml", "classification: secret\n")]);
    let told = "nobody is cleared for classification:secret, which a.md.acl.yaml names";
    site.folder(&["--dry-run"]).expect(0).says(told);
    site.folder(&[]).expect(0).says(told);
    site.stub.world().add_tuple("user:ana", "cleared", "classification:secret");
    let ran = site.folder(&[]).expect(0);
    assert!(!ran.err.contains("cleared"), "{}", ran.err);
    site.stub.world().lacks.insert("relationships.read");
    site.stub.world().tuples.clear();
    assert!(!site.folder(&[]).err.contains("cleared"));
}
