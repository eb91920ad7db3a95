//! The way of a folder: first run, nothing to do, changes, deletions, failures.

use usher_base::wire::{AclEntry, FieldType};

use crate::common::{Ran, Site};

const RULES: &str = "viewers: [\"group:hr#member\"]\n";

fn site() -> Site {
    Site::new(&[
        ("_.acl.yaml", RULES),
        ("leave.md", "# Leave\n\nTwenty days.\n"),
        ("deep/pay.txt", "Pay is due monthly."),
        ("deep/own.md", "# Own\n\ntext"),
        ("deep/own.md.acl.yaml", "inherit: false\nviewers: [user:ana]\n"),
    ])
}

#[test]
fn documents_arrive_with_their_rules_and_folders() {
    let site = site();
    site.folder(&[]).expect(0).says("sandbox: ").says("3 created");
    let world = site.stub.world();
    let ids: Vec<_> = world.documents.keys().map(String::as_str).collect();
    assert_eq!(ids, ["s/deep/own.md", "s/deep/pay.txt", "s/leave.md"]);
    let leave = &world.documents["s/leave.md"];
    assert_eq!(leave.title.as_deref(), Some("Leave"));
    assert_eq!(leave.content.text, "# Leave\n\nTwenty days.");
    assert_eq!(leave.chunks.as_ref().unwrap().len(), 1);
    assert_eq!(leave.source_hash.as_ref().unwrap().len(), 64);
    let acl = leave.acl.as_ref().unwrap();
    assert!(acl.inherit && acl.viewers.is_empty() && acl.parents == ["folder:s"]);
    let own = world.documents["s/deep/own.md"].acl.as_ref().unwrap();
    assert!(!own.inherit && own.parents == ["folder:s/deep"]);
    assert_eq!(own.viewers, [AclEntry::Plain("user:ana".into())]);
    assert_eq!(
        world.tuple_lines(),
        [
            "collection:c parent folder:s",
            "group:hr#member viewer folder:s",
            "folder:s inherits folder:s/deep",
            "folder:s parent folder:s/deep",
        ]
    );
}

#[test]
fn a_second_run_sends_nothing_and_a_change_only_itself() {
    let site = site();
    site.folder(&[]).expect(0);
    site.clear_log();
    site.folder(&[]).expect(0).says("3 unchanged");
    assert!(site.stub.world().writes().is_empty());

    // Text: one document.
    site.write("leave.md", "# Leave\n\nThirty days.\n");
    site.folder(&[]).expect(0).says("1 updated, 2 unchanged");
    assert_eq!(site.stub.world().writes(), ["POST /v1/documents"]);
    site.clear_log();

    // Rules of a directory: tuples, and no document.
    site.write("_.acl.yaml", "viewers: [user:bo]\nblocked: [user:eve]\n");
    site.folder(&[]).expect(0).says("3 unchanged").says("2 written, 1 deleted");
    let lines = site.stub.world().tuple_lines();
    assert!(
        lines.contains(&"user:bo viewer folder:s".to_owned())
            && lines.contains(&"user:eve blocked folder:s".to_owned())
    );
    assert!(!lines.iter().any(|l| l.contains("hr#member")));
    assert!(site.stub.world().writes().iter().all(|w| w == "POST /v1/relationships/write"));
    site.clear_log();

    // Rules of a document: its rules only.
    site.write("deep/own.md.acl.yaml", "inherit: false\nviewers: [user:cy]\n");
    site.folder(&[]).expect(0).says("1 rules updated");
    assert_eq!(site.stub.world().writes(), ["PUT /v1/documents/s%2Fdeep%2Fown.md/acl?collection=c"]);
    let world = site.stub.world();
    assert_eq!(world.documents["s/deep/own.md"].acl.as_ref().unwrap().viewers, [AclEntry::Plain("user:cy".into())]);
}

#[test]
fn a_dry_run_says_what_would_change_and_changes_nothing() {
    let site = site();
    let ran = site.folder(&["--dry-run", "--create-collection"]).expect(0);
    let ran = ran.says("created leave.md").says("+ tuple collection:c parent folder:s").says("principals named: 2");
    assert!(ran.out.contains("would change: 3 created"));
    let world = site.stub.world();
    assert!(world.writes().is_empty() && world.documents.is_empty() && world.tuples.is_empty());
    assert!(!site.path("state").exists());
}

#[test]
fn a_dry_run_needs_no_collection_that_the_run_would_make() {
    let site = site();
    let docs = site.path("docs");
    let named = ["folder", docs.to_str().unwrap(), "--collection", "new", "--source", "s"];
    let with = |more: &[&str]| site.run(&[&named[..], more].concat());
    with(&["--dry-run"]).expect(1).says("no collection new").says("--create-collection");
    let ran = with(&["--dry-run", "--create-collection"]).expect(0).says("+ collection new").says("created leave.md");
    assert!(ran.out.contains("would change: 3 created"));
    assert!(site.stub.world().writes().is_empty() && !site.stub.world().collections.contains("new"));
    with(&["--create-collection"]).expect(0).says("3 created");
    let ran = with(&["--dry-run", "--create-collection"]).expect(0).says("3 unchanged");
    assert!(!ran.out.contains("+ collection"), "{}", ran.out);
}

#[test]
fn fields_for_filters_are_declared_with_the_collection() {
    let site = site();
    let docs = site.path("docs");
    let named = ["folder", docs.to_str().unwrap(), "--collection", "new", "--source", "s"];
    let with = |more: &[&str]| site.run(&[&named[..], more].concat());
    with(&["--field", "year=number"]).expect(1).says("--create-collection");
    for wrong in ["year", "=number", "year=date"] {
        with(&["--create-collection", "--field", wrong]).expect(1).says("--field");
    }
    let fields = ["--create-collection", "--field", "year=number", "--field", "tags=keywords"];
    with(&fields).expect(0).says("3 created");
    let declared = site.stub.world().fields.clone();
    assert_eq!(declared, [("tags".into(), FieldType::Keywords), ("year".into(), FieldType::Number)].into());
    with(&fields).expect(0).says("3 unchanged");
    // What is there is not changed beside the administrator.
    with(&["--create-collection", "--field", "year=keyword"]).expect(1).says("`year`").says("PUT /v1/collections/new");
}

#[test]
fn documents_without_a_rule_are_refused_unless_a_default_is_named() {
    let site = Site::new(&[("a.md", "text"), ("ruled/b.md", "text"), ("ruled/_.acl.yaml", RULES)]);
    site.folder(&[]).expect(3).says("refused a.md: no rule applies").says("1 created");
    assert_eq!(site.stub.world().documents.len(), 1);
    site.folder(&["--default-acl", "nobody"]).expect(0).says("1 created");
    assert!(site.stub.world().documents["s/a.md"].acl.as_ref().unwrap().nobody);
    std::fs::write(site.path("d.yaml"), "viewers: [user:ana]").unwrap();
    site.folder(&["--default-acl", site.path("d.yaml").to_str().unwrap()]).expect(0).says("1 rules updated");
    site.folder(&["--acl", "none", "--default-acl", "nobody"]).expect(3).says("ruled/_.acl.yaml");
}

#[test]
fn broken_and_linked_rule_files_refuse_what_they_govern() {
    let site = Site::new(&[
        ("_.acl.yaml", RULES),
        ("ok.md", "text"),
        ("bad/_.acl.yaml", "viewers: [user:a]\nreaders: [user:b]\n"),
        ("bad/a.md", "text"),
        ("linked/a.md", "text"),
        ("pub/_.acl.yaml", "public: true"),
        ("pub/a.md", "text"),
    ]);
    std::os::unix::fs::symlink(site.doc("_.acl.yaml"), site.doc("linked/_.acl.yaml")).unwrap();
    let ran = site.folder(&[]).expect(3).says("line 2").says("refused linked/a.md").says("--allow-public");
    assert!(ran.out.contains("1 created"));
    assert_eq!(site.stub.world().documents.len(), 1);
    assert!(!site.stub.world().tuple_lines().iter().any(|l| l.contains("inherits folder:s/bad")));
    site.folder(&["--allow-public"]).expect(3).says("1 created");
    assert!(site.stub.world().tuple_lines().contains(&"user:* viewer folder:s/pub".to_owned()));
}

#[test]
fn sections_are_sent_with_their_places() {
    let site = Site::new(&[
        ("_.acl.yaml", RULES),
        ("a.md", "# A\n\nopen\n\n## Pay\n\nsecret\n\n## End\n\nopen"),
        ("a.md.acl.yaml", "sections:\n  - {id: pay, heading: Pay, acl: {viewers: [\"group:pay#member\"]}}\n"),
        ("b.md", "# B"),
        ("b.md.acl.yaml", "sections: [{heading: Nowhere, acl: {nobody: true}}]\n"),
    ]);
    site.folder(&[]).expect(3).says("\"Nowhere\" matches no text");
    {
        let world = site.stub.world();
        let doc = &world.documents["s/a.md"];
        let section = &doc.sections[0];
        let span = section.span.unwrap();
        assert_eq!((section.id.as_str(), &doc.content.text[span.start..span.end]), ("pay", "## Pay\n\nsecret\n\n"));
        assert!(doc.chunks.as_ref().unwrap().iter().all(|c| c.end <= span.start || c.start >= span.start));
        assert!(!world.documents.contains_key("s/b.md"));
    }
    site.clear_log();
    site.folder(&[]).expect(3).says("1 unchanged");
    assert!(site.stub.world().writes().is_empty());
}

#[test]
fn missing_documents_are_reported_and_deleted_only_when_asked_and_plausible() {
    let files: Vec<(String, String)> = (0..10).map(|n| (format!("f{n}.md"), format!("text {n}"))).collect();
    let mut list: Vec<(&str, &str)> = files.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect();
    list.push(("_.acl.yaml", RULES));
    let site = Site::new(&list);
    site.folder(&[]).expect(0);
    std::fs::remove_file(site.doc("f0.md")).unwrap();
    std::fs::rename(site.doc("f1.md"), site.doc("moved.md")).unwrap();
    std::fs::copy(site.doc("moved.md"), site.doc("copied.md")).unwrap();
    // Of two files with its content one is the document that is gone.
    let ran = site.folder(&[]).expect(0).says("1 documents without a file are still searchable; --delete-missing");
    ran.says("missing s/f0.md: still searchable").says("moved f1.md to copied.md");
    assert_eq!(site.stub.world().documents.len(), 11);
    std::fs::remove_file(site.doc("copied.md")).unwrap();
    site.folder(&["--delete-missing", "--yes"]).expect(0).says("2 deleted");
    assert_eq!(site.stub.world().documents.len(), 9);

    // Left out by a glob is not missing.
    site.folder(&["--delete-missing", "--exclude", "f2.md"]).expect(0);
    assert_eq!(site.stub.world().documents.len(), 9);

    // An unmounted folder: the directory is there and empty.
    for n in 2..10 {
        std::fs::remove_file(site.doc(&format!("f{n}.md"))).unwrap();
    }
    std::fs::remove_file(site.doc("moved.md")).unwrap();
    site.folder(&["--delete-missing"])
        .expect(4)
        .says("nothing deleted, all still searchable: the folder holds no documents");
    assert_eq!(site.stub.world().documents.len(), 9);
    site.write("f2.md", "text 2");
    site.folder(&["--delete-missing", "--dry-run"]).expect(4).says("8 of 9 documents are missing");
    site.folder(&["--delete-missing"]).expect(4);
    site.folder(&["--delete-missing", "--yes"]).expect(0).says("8 deleted");
    assert_eq!(site.stub.world().documents.len(), 1);
}

#[test]
fn conditions_that_the_service_does_not_know_refuse_what_their_rule_file_governs() {
    let timed = |name: &str, start: &str| {
        format!("viewers: [{{principal: user:temp, condition: {{name: {name}, context: {{start: \"{start}\"}}}}}}]\n")
    };
    let site = Site::new(&[
        ("_.acl.yaml", RULES),
        ("ok.md", "text"),
        ("typo/_.acl.yaml", &timed("durng", "2026-01-01T00:00:00Z")),
        ("typo/a.md", "text"),
        ("date/_.acl.yaml", &timed("during", "2026-01-01")),
        ("date/b.md", "text"),
        ("good/_.acl.yaml", &timed("during", "2026-01-01T00:00:00Z")),
        ("good/c.md", "text"),
        ("own.md", "text"),
        ("own.md.acl.yaml", &timed("durng", "2026-01-01T00:00:00Z")),
    ]);
    let told = |ran: Ran| {
        ran.says("refused the rule file typo/_.acl.yaml: line 1: viewer@user:temp: condition `durng` is not defined")
            .says("refused the rule file date/_.acl.yaml: line 1: viewer@user:temp: `start` of condition `during`")
            .says("`2026-01-01` is no time: write RFC 3339, such as `2026-01-01T00:00:00Z`")
            .says("warning: good/_.acl.yaml: line 1: the condition `during` of user:temp has no `end`")
            .says("refused typo/a.md: typo/_.acl.yaml can't be used, see there")
            .says("refused date/b.md: date/_.acl.yaml")
    };
    let dry = told(site.folder(&["--dry-run"]).expect(3)).says("would change: 2 created");
    dry.says("refused own.md: own.md.acl.yaml line 1: viewer@user:temp: condition `durng` is not defined");
    assert!(site.stub.world().tuples.is_empty());
    let ran = told(site.folder(&[]).expect(3)).says("2 created");
    ran.says("refused own.md: own.md.acl.yaml line 1: the service refused it (acl_invalid): ");
    assert!(site.stub.world().tuple_lines().contains(&"user:temp viewer folder:s/good".to_owned()));
    // Another condition for the same reader, in a dry run and in a run.
    site.write("good/_.acl.yaml", timed("during", "2027-01-01T00:00:00Z"));
    site.folder(&["--dry-run"]).expect(3).says("+ tuple user:temp viewer folder:s/good if during");
    site.folder(&[]).expect(3).says("1 written, 1 deleted");
}

#[test]
fn a_tuple_that_the_service_refuses_names_its_rule_file() {
    let site = Site::new(&[("a/_.acl.yaml", RULES), ("a/x.md", "text")]);
    // By hand, with a condition: ours would replace it.
    let hand = r#"{"user":"group:hr#member","relation":"viewer","object":"folder:s/a","condition":{"name":"during"}}"#;
    let hand: usher_base::wire::TupleKey = serde_json::from_str(hand).unwrap();
    let id = (hand.object.clone(), hand.relation.clone(), hand.user.clone());
    site.stub.world().tuples.insert(id, hand);
    for more in [&["--dry-run"][..], &[]] {
        site.folder(more).expect(1).says("the rules of a/_.acl.yaml").says("exists already with another condition");
    }
}

/// Another folder, by mistake under the name of this one's source.
#[test]
fn a_wrong_folder_changes_no_rules_of_documents_that_are_not_in_it() {
    let site = site();
    site.folder(&[]).expect(0);
    let before = site.stub.world().tuple_lines();
    let other = site.path("other");
    std::fs::create_dir(&other).unwrap();
    let put = |name: &str, text: &str| std::fs::write(other.join(name), text).unwrap();
    put("_.acl.yaml", "public: true\nblocked: [user:eve]\n");
    put("own.md", "text");
    let run = |more: &[&str]| {
        let args = ["folder", other.to_str().unwrap(), "--collection", "c", "--source", "s", "--allow-public"];
        site.run(&[&args[..], more].concat())
    };
    run(&["--dry-run"]).expect(4).says("nothing sent or deleted: this source was last read from");
    run(&[])
        .expect(4)
        .says("the rules of folders above missing or moved documents would change; if that is true, say --yes");
    let with_ban: Vec<String> = site.stub.world().tuple_lines();
    assert_eq!(with_ban.iter().filter(|l| !before.contains(l)).collect::<Vec<_>>(), ["user:eve blocked folder:s"]);
    assert_eq!(with_ban.len(), before.len() + 1);
    assert_eq!(site.stub.world().documents.len(), 3, "what it holds would take the rules of the other folder");
    // Without any rule file, and with deletions.
    std::fs::remove_file(other.join("_.acl.yaml")).unwrap();
    run(&["--delete-missing", "--default-acl", "nobody"]).expect(4).says("nothing sent or deleted");
    assert_eq!(site.stub.world().tuple_lines(), with_ban);
    // The right one again: no questions, and the ban is not in its rules.
    site.folder(&["--delete-missing"]).expect(0).says("3 unchanged").says("0 written, 1 deleted");
    assert_eq!(site.stub.world().tuple_lines(), before);
    put("_.acl.yaml", "public: true\n");
    run(&["--yes"]).expect(0).says("1 created");
    assert!(site.stub.world().tuple_lines().contains(&"user:* viewer folder:s".to_owned()));
}

#[test]
fn rules_of_folders_without_missing_documents_change_though_many_are_missing_elsewhere() {
    let site = Site::new(&[("a/_.acl.yaml", RULES), ("a/1.md", "one"), ("b/_.acl.yaml", RULES), ("b/2.md", "two")]);
    site.folder(&[]).expect(0);
    std::fs::remove_file(site.doc("b/2.md")).unwrap();
    site.write("a/_.acl.yaml", "viewers: [user:bo]\n");
    site.folder(&[]).expect(0).says("1 missing").says("1 written, 1 deleted");
    site.write("b/_.acl.yaml", "viewers: [user:bo]\n");
    site.folder(&[]).expect(4).says("1 of 2 documents are missing, and the rules");
    site.folder(&["--yes"]).expect(0).says("1 written, 1 deleted");
}

#[test]
fn tuples_of_removed_folders_go_with_their_documents_and_not_before() {
    let site = site();
    let has = |text: &str| site.stub.world().tuple_lines().iter().any(|l| l.contains(text));
    site.folder(&[]).expect(0);
    std::fs::remove_dir_all(site.doc("deep")).unwrap();
    site.folder(&[]).expect(0).says("2 missing");
    assert!(has("parent folder:s/deep"), "its documents still stand below it");
    site.folder(&["--delete-missing", "--yes"]).expect(0).says("2 deleted");
    assert!(!has("folder:s/deep") && has("collection:c parent folder:s"));
}

#[test]
fn a_lost_record_deletes_nothing_unless_reconciled() {
    let site = site();
    site.folder(&[]).expect(0);
    site.stub.world().add_tuple("user:hand", "viewer", "folder:s");
    site.write("_.acl.yaml", "viewers: [user:bo]\n");
    std::fs::remove_dir_all(site.path("state")).unwrap();
    site.folder(&[]).expect(0).says("no record of earlier runs");
    let viewers = |site: &Site| -> Vec<String> {
        let lines = site.stub.world().tuple_lines();
        lines.into_iter().filter(|l| l.ends_with("viewer folder:s")).collect()
    };
    assert_eq!(viewers(&site).len(), 3);
    site.folder(&["--reconcile"]).expect(0);
    assert_eq!(viewers(&site), ["user:bo viewer folder:s"]);
    // With a record, what was added by hand stays, and what was removed by hand stays removed.
    site.stub.world().add_tuple("user:hand", "viewer", "folder:s");
    site.stub.world().remove_tuple("user:bo", "viewer", "folder:s");
    site.folder(&[]).expect(0);
    assert_eq!(viewers(&site), ["user:hand viewer folder:s"]);
    // One source goes to one collection.
    site.stub.world().collections.insert("d".into());
    let docs = site.path("docs");
    site.run(&["folder", docs.to_str().unwrap(), "--collection", "d", "--source", "s"])
        .expect(1)
        .says("one collection");
}

#[test]
fn narrowing_goes_first_and_widening_waits_for_the_documents_below() {
    let site =
        Site::new(&[("_.acl.yaml", "viewers: [user:a]\n"), ("x.md", "text"), ("x.md.acl.yaml", "inherit: true\n")]);
    site.folder(&[]).expect(0);
    site.clear_log();
    // The folder opens to another reader, and the document is cut off from it in the same run.
    site.write("_.acl.yaml", "viewers: [user:b]\n");
    site.write("x.md.acl.yaml", "inherit: false\nviewers: [user:a]\n");
    site.folder(&[]).expect(0);
    {
        let world = site.stub.world();
        let steps: Vec<(String, String)> = world
            .log
            .iter()
            .filter(|(m, _, body)| m != "GET" && !body.contains("folder:~usher-ingest/"))
            .map(|(_, path, body)| {
                let kind = if body.contains("\"deletes\"") { "delete" } else { "write" };
                (path.split('?').next().unwrap().to_owned(), kind.to_owned())
            })
            .collect();
        assert_eq!(steps.len(), 3, "{steps:?}");
        assert_eq!(steps[0], ("/v1/relationships/write".to_owned(), "delete".to_owned()));
        assert!(steps[1].0.ends_with("/acl"));
        assert_eq!(steps[2], ("/v1/relationships/write".to_owned(), "write".to_owned()));
    }
    // A document that can't be brought in line holds the widening back.
    site.write("_.acl.yaml", "viewers: [user:b, user:c]\n");
    site.write("x.md.acl.yaml", "oops: 1\n");
    site.folder(&[]).expect(3).says("widen access were not written");
    let has = || site.stub.world().tuple_lines().contains(&"user:c viewer folder:s".to_owned());
    assert!(!has());
    site.write("x.md.acl.yaml", "inherit: false\nviewers: [user:a]\n");
    site.folder(&[]).expect(0);
    assert!(has());
}

#[test]
fn a_prefix_confines_ids_folders_and_deletions() {
    let site = Site::new(&[("_.acl.yaml", RULES), ("a.md", "text")]);
    site.folder(&["--prefix", "team one"]).expect(0);
    {
        let world = site.stub.world();
        assert!(world.documents.contains_key("s/team one/a.md"));
        assert!(world.tuple_lines().contains(&"folder:s parent folder:s/team%20one".to_owned()));
    }
    site.write("b.md", "more");
    site.folder(&["--prefix", "other", "--delete-missing"]).expect(0).says("2 created");
    assert_eq!(site.stub.world().documents.len(), 3);
    site.folder(&["--prefix", "../x"]).expect(1);
}

#[test]
fn rule_files_that_can_not_be_told_to_be_meant_refuse_what_they_govern() {
    let site = Site::new(&[
        ("_.acl.yaml", RULES),
        ("ok.md", "text"),
        ("Report.md", "text"),
        ("report.md.acl.yaml", "blocked: [user:eve]\n"),
        ("b.md", "text"),
        ("b.md.acl.yml", "inherit: false\n"),
        ("empty/_.acl.yaml", ""),
        ("empty/a.md", "text"),
        ("gone.md.acl.yaml", "nobody: true\n"),
        ("granted.md.acl.yaml", "viewers: [user:ana]\n"),
    ]);
    let ran = site.folder(&[]).expect(3);
    let ran = ran.says("refused Report.md").says("refused b.md").says("refused empty/a.md").says("it says nothing");
    let ran = ran.says("refused the rule file gone.md.acl.yaml: it restricts a document that is not there");
    assert!(ran.out.contains("1 created"));
    let world = site.stub.world();
    assert_eq!(world.documents.keys().collect::<Vec<_>>(), ["s/ok.md"]);
}

#[test]
fn what_the_service_says_of_a_documents_rules_has_their_line() {
    let site = Site::new(&[("_.acl.yaml", RULES), ("a.md", "text")]);
    site.write(
        "a.md.acl.yaml",
        "inherit: false\nviewers:\n- {principal: user:t, condition: {name: x, context: {at: 2026-01-01}}}\n",
    );
    site.stub.world().reject.insert("s/a.md".into(), "acl_invalid".into());
    site.stub.world().rejection = "`viewer@user:t`: `at` does not have the declared type".into();
    let ran =
        site.folder(&[]).expect(3).says("refused a.md: a.md.acl.yaml line 3: the service refused it (acl_invalid)");
    ran.says("`2026-01-01` is no time: write RFC 3339");
}

#[test]
fn a_state_file_of_something_else_is_said_to_be_so() {
    let site = site();
    let state = site.path("one.json");
    let state = ["--state", state.to_str().unwrap()];
    site.folder(&state).expect(0);
    let docs = site.path("docs");
    let other = ["folder", docs.to_str().unwrap(), "--collection", "c", "--source", "t"];
    site.run(&[&other[..], &state].concat()).expect(1).says("belongs to the source s, not to the source t");
    let old = std::fs::read_to_string(state[1]).unwrap().replace("\"source\":\"s\"", "\"source\":\"\"");
    std::fs::write(state[1], old).unwrap();
    site.run(&[&other[..], &state].concat()).expect(1).says("belongs to the source s, not to the source t");
    site.folder(&state).expect(0);
    std::fs::write(site.path("p.csv"), "id,groups\nana,hr\n").unwrap();
    let list = site.path("p.csv");
    site.run(&[&["people", list.to_str().unwrap()][..], &state].concat())
        .expect(1)
        .says("belongs to the source s, not");
    site.run(&["people", list.to_str().unwrap(), "--state", site.path("two.json").to_str().unwrap()]).expect(0);
    site.folder(&["--state", site.path("two.json").to_str().unwrap()]).expect(1).says("belongs to the people of");
}

#[test]
fn patterns_and_folders_without_files_are_said_to_be_so() {
    let site = Site::new(&[("_.acl.yaml", RULES), ("a.md", "text"), ("old/b.md", "text"), (".git/x", "text")]);
    let ran = site.folder(&["--include", "*.md", "--include", "*.mdx", "--exclude", "old", "--exclude", ".git"]);
    let ran = ran.expect(0).says("warning: --include *.mdx: no file matches").says("1 created");
    assert_eq!(ran.err.matches("no file matches").count(), 1, "{}", ran.err);
    let ran = site.folder(&["--exclude", "drafts", "--include", "old"]).expect(0);
    let ran = ran.says("--exclude drafts: no file matches").says("--include old: no file matches");
    ran.says("there is no document in").says("that --include and --exclude leave");
    let site = Site::new(&[("_.acl.yaml", RULES)]);
    site.folder(&[]).expect(0).says("warning: there is no document in");
}
