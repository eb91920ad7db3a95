//! Manifests, people, tuples, and `extract`.

use usher_base::wire::AclEntry;

use crate::common::{Ran, Site, program, ran};

fn manifest(site: &Site, lines: &[&str], more: &[&str]) -> Ran {
    site.write("m.jsonl", lines.join("\n"));
    let path = site.doc("m.jsonl");
    let mut args = vec!["manifest", path.to_str().unwrap(), "--collection", "c", "--source", "m"];
    args.extend(more);
    site.run(&args)
}

const PATH: &str = r#"{"id":"m/a","path":"a.md","title":"Named","metadata":{"lang":"en"},"acl":{"viewers":["user:a b","group:g#member"]},"sections":[{"id":"x","heading":"Pay","acl":{"viewers":["user:boss"]}}]}"#;
const INLINE: &str =
    r#"{"id":"m/b","content":{"type":"text/plain","text":"hello"},"acl":{"nobody":true},"source_version":7}"#;

#[test]
fn manifests_name_files_or_bring_text() {
    let site = Site::new(&[("a.md", "# A\n\n## Pay\n\n100")]);
    manifest(&site, &[PATH, "", INLINE], &[]).expect(0).says("2 created");
    {
        let world = site.stub.world();
        let a = &world.documents["m/a"];
        assert_eq!((a.title.as_deref(), a.metadata["lang"].as_str()), (Some("Named"), Some("en")));
        assert_eq!(a.acl.as_ref().unwrap().viewers[0], AclEntry::Plain("user:a%20b".into()));
        let span = a.sections[0].span.unwrap();
        assert_eq!(&a.content.text[span.start..span.end], "## Pay\n\n100");
        let b = &world.documents["m/b"];
        assert_eq!((b.content.text.as_str(), b.source_version, b.chunks.is_none()), ("hello", Some(7), true));
    }
    site.clear_log();
    manifest(&site, &[PATH, INLINE], &[]).expect(0).says("2 unchanged");
    assert!(site.stub.world().writes().is_empty());
    manifest(&site, &[PATH], &["--delete-missing"]).expect(4).says("1 of 2 documents are missing");
    manifest(&site, &[PATH, "nonsense"], &["--delete-missing"]).expect(4).says("lines of the manifest can't be read");
    manifest(&site, &[PATH], &["--delete-missing", "--yes"]).expect(0).says("1 deleted");
}

#[test]
fn a_dry_run_of_a_manifest_needs_no_collection_that_the_run_would_make() {
    let site = Site::new(&[]);
    let lines = INLINE.replace("{\"id\"", "{\"collection\":\"new\",\"id\"");
    site.write("m.jsonl", [lines.as_str(), &lines.replace("m/b", "n/b")].join("\n"));
    let path = site.doc("m.jsonl");
    let with = |more: &[&str]| site.run(&[&["manifest", path.to_str().unwrap()], more].concat());
    with(&["--dry-run"]).expect(1).says("no collection new");
    let ran = with(&["--dry-run", "--create-collection"]).expect(0).says("would change: 2 created");
    assert_eq!(ran.out.matches("+ collection new").count(), 1, "{}", ran.out);
    assert!(site.stub.world().writes().is_empty());
    with(&["--create-collection"]).expect(0).says("2 created");
}

#[test]
fn bad_lines_are_named_and_nothing_escapes_the_folder() {
    let site = Site::new(&[("a.md", "text")]);
    std::fs::write(site.path("outside.md"), "secret").unwrap();
    std::os::unix::fs::symlink("../outside.md", site.doc("link.md")).unwrap();
    let acl = r#""acl":{"viewers":["user:a"]}"#;
    let line = |id: &str, rest: &str| format!("{{\"id\":\"{id}\",{rest}}}");
    let lines = [
        line("m/ok", &format!("\"path\":\"a.md\",{acl}")),
        line("m/up", &format!("\"path\":\"../outside.md\",{acl}")),
        line("m/abs", &format!("\"path\":\"/etc/passwd\",{acl}")),
        line("other/x", &format!("\"path\":\"a.md\",{acl}")),
        line("m/ok", &format!("\"path\":\"a.md\",{acl}")),
        line("m/none", "\"path\":\"a.md\""),
        line("m/public", "\"path\":\"a.md\",\"acl\":{\"viewers\":[\"user:*\"]}"),
        line("m/odd", &format!("\"path\":\"a.md\",\"colour\":1,{acl}")),
        line("m/twice", &format!("\"path\":\"a.md\",{acl},{acl}")),
        line("m/link", &format!("\"path\":\"link.md\",{acl}")),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let ran = manifest(&site, &lines, &[]).expect(3).says("1 created");
    for text in [
        "failed ../outside.md: line 2 (m/up): ../outside.md: the path leads out of the folder",
        "failed /etc/passwd: line 3 (m/abs): /etc/passwd: the path leads out of the folder",
        "failed link.md: line 10 (m/link): link.md: a symbolic link",
        "line 4",
        "listed twice",
        "no rule applies",
        "--allow-public",
        "colour",
        "line 9",
    ] {
        assert!(ran.err.contains(text), "{text}: {}", ran.err);
    }
    let world = site.stub.world();
    assert_eq!(world.documents.keys().collect::<Vec<_>>(), ["m/ok"]);
    assert!(!world.log.iter().any(|(_, _, body)| body.contains("secret")));
}

#[test]
fn mistakes_in_lists_are_said_in_plain_words() {
    let site = Site::new(&[]);
    let lines = [r#"{"id":"m/a","content":"x"}"#, "nonsense", r#"{"content":{"type":"text/plain","text":"x"}}"#];
    let ran = manifest(&site, &lines, &[]).expect(2);
    let ran =
        ran.says(r#"line 1: column 25: string "x", where an object such as `{"type": "text/plain", "text": "..."}`"#);
    let ran =
        ran.says("line 2: column 2: expected is a value of JSON").says("line 3: column 44: a key is missing: `id`");
    let ran = ran.says("a line of a manifest is such as {\"id\"");
    assert!(!ran.err.contains("struct"), "{}", ran.err);
    let path = site.path("t.jsonl");
    for (text, said) in [
        (r#"{"user":"user:a","relation":"r"}"#, "line 1: tuple 1: a key is missing: `object`; a tuple is such as"),
        (r#"{"user":1,"relation":"r","object":"folder:x"}"#, "integer `1`, expected a string"),
    ] {
        std::fs::write(&path, text).unwrap();
        let ran = site.run(&["tuples", path.to_str().unwrap()]).expect(1).says(said);
        assert!(!ran.err.contains("variant"), "{}", ran.err);
    }
}

#[test]
fn people_join_leave_and_are_renamed() {
    let site = Site::new(&[]);
    let file = |text: &str| std::fs::write(site.path("p.csv"), text).unwrap();
    let path = site.path("p.csv");
    let people = |more: &[&str]| {
        let mut args = vec!["people", path.to_str().unwrap()];
        args.extend(more);
        site.run(&args)
    };
    file("kind,id,name,groups\n,1,Ana,hr\n,2,Bo,hr;eu\ngroup,hr,People,all\n");
    people(&["--dry-run"]).expect(0).says("+ user:1 (Ana) joins group:hr");
    assert!(site.stub.world().writes().is_empty());
    people(&[]).expect(0).says("joiners: 3, leavers: 0");
    assert_eq!(
        site.stub.world().tuple_lines(),
        [
            "group:hr#member member group:all",
            "user:2 member group:eu",
            "user:1 member group:hr",
            "user:2 member group:hr"
        ]
    );
    site.stub.world().add_tuple("group:nobody#member", "viewer", "folder:s");
    site.stub.world().add_tuple("user:hand", "member", "group:hr");
    file("kind,id,name,groups\n,1,Ana B.,hr\n,2,Bo,hr\ngroup,hr,People,all\n");
    let ran = people(&[]).expect(0).says("renamed user:1: Ana is now Ana B.").says("- user:2 (Bo) leaves group:eu");
    ran.says("nobody is in group:nobody, which folder:s names").says("--delete-missing removes them");
    assert_eq!(site.stub.world().tuple_lines().len(), 6);
    people(&["--delete-missing"]).expect(4).says("1 of 4 memberships");
    people(&["--delete-missing", "--yes"]).expect(0).says("1 deleted");
    assert!(site.stub.world().tuple_lines().contains(&"user:hand member group:hr".to_owned()));
    file("id,name,groups\n");
    people(&["--delete-missing"]).expect(4);
    file("kind,id,groups\ngroup,a,b\ngroup,b,a\n");
    people(&[]).expect(1).says("circle");
    let chain: String = (0..12).map(|n| format!("group,g{n},g{}\n", n + 1)).collect();
    file(&format!("kind,id,groups\n{chain}"));
    people(&[]).expect(1).says("levels deep");
}

#[test]
fn accounts_of_a_host_become_people() {
    let site = Site::new(&[]);
    std::fs::write(site.path("pw"), "ana:x:1:10::/:/\nbo:x:2:10::/:/\n").unwrap();
    std::fs::write(site.path("gr"), "staff:x:10:\nhr:x:11:ana\n").unwrap();
    let (pw, gr) = (site.path("pw"), site.path("gr"));
    let args =
        ["people", "--from-host", "--host", "nas", "--passwd", pw.to_str().unwrap(), "--group", gr.to_str().unwrap()];
    site.run(&args).expect(0);
    assert_eq!(
        site.stub.world().tuple_lines(),
        [
            "user:ana member group:hr",
            "user:ana member group:nas~accounts",
            "user:bo member group:nas~accounts",
            "user:ana member group:staff",
            "user:bo member group:staff",
        ]
    );
}

#[test]
fn tuples_are_written_and_deleted() {
    let site = Site::new(&[]);
    let path = site.path("t.csv");
    let rows: String = (0..700).map(|n| format!("user,u{n},,viewer,folder,f,,\n")).collect();
    let head = "user_type,user_id,user_relation,relation,object_type,object_id,condition_name,condition_context\n";
    std::fs::write(&path, format!("{head}{rows}")).unwrap();
    let path = path.to_str().unwrap();
    site.run(&["tuples", path, "--dry-run"]).expect(0).says("+ tuple user:u7 viewer folder:f");
    assert!(site.stub.world().writes().is_empty());
    site.run(&["tuples", path]).expect(0).says("700 written");
    assert_eq!(site.stub.world().writes().len(), 2);
    site.run(&["tuples", path]).expect(0).says("0 written");
    site.run(&["tuples", path, "--delete"]).expect(0).says("700 deleted");
    std::fs::write(path, format!("{head}user,a b,,viewer,folder,f,,\n")).unwrap();
    site.run(&["tuples", path]).expect(1).says("without spaces");
}

#[test]
fn a_dry_run_of_lists_refuses_the_conditions_that_the_run_would() {
    let site = Site::new(&[]);
    let timed = r#"{"principal":"user:a","condition":{"name":"durng"}}"#;
    let line = INLINE.replace(r#"{"nobody":true}"#, &format!("{{\"viewers\":[{timed}]}}"));
    manifest(&site, &[&line], &["--dry-run"]).expect(3).says("condition `durng` is not defined");
    let section = format!(r#""sections":[{{"id":"x","span":{{"start":0,"end":1}},"acl":{{"viewers":[{timed}]}}}}],"#);
    let line = INLINE.replace("\"content\"", &format!("{section}\"content\""));
    manifest(&site, &[&line], &["--dry-run"]).expect(3).says("condition `durng` is not defined");
    manifest(&site, &[INLINE], &["--dry-run"]).expect(0).says("1 created");

    let path = site.path("t.jsonl");
    let tuple = r#"{"user":"user:a","relation":"viewer","object":"folder:f","condition":{"name":"durng"}}"#;
    std::fs::write(&path, tuple).unwrap();
    let said = "folder:f#viewer@user:a: condition `durng` is not defined";
    site.run(&["tuples", path.to_str().unwrap(), "--dry-run"]).expect(1).says(said);
    assert!(site.stub.world().tuples.is_empty());
}

#[test]
fn extract_shows_text_and_chunks() {
    let site = Site::new(&[("a.html", "<title>T</title><h1>Head</h1><p>one<script>x</script>"), ("b.png", "")]);
    let run =
        |name: &str, more: &[&str]| ran(&program().arg("extract").arg(site.doc(name)).args(more).output().unwrap());
    let shown = run("a.html", &[]).expect(0);
    assert!(shown.out.contains("title: T") && shown.out.contains("1 scripts") && shown.out.contains("# Head\n\none"));
    let json: serde_json::Value = serde_json::from_str(&run("a.html", &["--json"]).expect(0).out).unwrap();
    assert_eq!(json["chunks"][0]["heading_path"][0], "Head");
    run("b.png", &[]).expect(2).says("empty file");
}
