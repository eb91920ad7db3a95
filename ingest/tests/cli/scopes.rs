//! Keys that may not do everything.

use usher_base::wire::AclEntry;

use crate::common::{Ran, Site};

const RULES: &str = "viewers: [\"group:hr#member\"]\n";
const TUPLES: [&str; 2] = ["relationships.write", "relationships.read"];

/// Everything that was asked of tuples.
fn asked(site: &Site) -> Vec<String> {
    let log = &site.stub.world().log;
    log.iter().map(|(method, path, _)| format!("{method} {path}")).filter(|r| r.contains("/relationships/")).collect()
}

#[test]
fn a_run_that_needs_no_folders_asks_for_no_scope_of_tuples() {
    let site = Site::new(&[("a.md", "text"), ("deep/b.md", "more")]);
    site.stub.world().lacks.extend(TUPLES);
    std::fs::write(site.path("d.yaml"), "viewers: [user:ana]\n").unwrap();
    let named = site.path("d.yaml");
    let run = |more: &[&str]| -> Ran {
        site.folder(&[&["--acl", "none", "--default-acl", named.to_str().unwrap()], more].concat())
    };
    run(&["--dry-run"]).expect(0).says("would change: 2 created");
    run(&[]).expect(0).says("2 created").says("relationship tuples: 0 written");
    for id in ["s/a.md", "s/deep/b.md"] {
        let world = site.stub.world();
        let acl = world.documents[id].acl.as_ref().unwrap();
        assert_eq!(acl.viewers, [AclEntry::Plain("user:ana".into())]);
        assert!(acl.parents == ["collection:c"] && !acl.inherit, "bans of the collection come down, its grants don't");
    }
    run(&[]).expect(0).says("2 unchanged");
    std::fs::write(site.path("d.yaml"), "viewers: [user:bo]\n").unwrap();
    run(&[]).expect(0).says("2 rules updated");
    std::fs::remove_dir_all(site.path("state")).unwrap();
    run(&[]).expect(0).says("2 unchanged");
    run(&["--delete-missing", "--yes"]).expect(0);
    // A document's own rules, where they take nothing from a folder.
    site.write("a.md.acl.yaml", "inherit: false\nviewers: [user:cy]\n");
    site.write("deep/b.md.acl.yaml", "nobody: true\n");
    site.folder(&[]).expect(0).says("2 rules updated");
    assert_eq!(asked(&site), Vec::<String>::new());
}

#[test]
fn documents_that_have_folder_objects_keep_them() {
    let site = Site::new(&[("a.md", "text"), ("_.acl.yaml", RULES)]);
    site.folder(&[]).expect(0);
    std::fs::remove_file(site.doc("_.acl.yaml")).unwrap();
    let none = ["--acl", "none", "--default-acl", "nobody"];
    let open = site.path("d.yaml");
    std::fs::write(&open, "viewers: [user:ana]\n").unwrap();
    let none = [&none[..3], &[open.to_str().unwrap()]].concat();
    for lost in [false, true] {
        if lost {
            std::fs::remove_dir_all(site.path("state")).unwrap();
        }
        site.folder(&none).expect(0);
        assert_eq!(site.stub.world().documents["s/a.md"].acl.as_ref().unwrap().parents, ["folder:s"], "{lost}");
    }
    // The other way round: rules of a directory make folders, before the documents hang on them.
    let site = Site::new(&[("a.md", "text")]);
    site.folder(&none).expect(0);
    site.write("_.acl.yaml", RULES);
    site.folder(&[]).expect(0).says("1 rules updated");
    assert_eq!(site.stub.world().documents["s/a.md"].acl.as_ref().unwrap().parents, ["folder:s"]);
    assert!(site.stub.world().tuple_lines().contains(&"collection:c parent folder:s".to_owned()));
    // A default that inherits needs a folder to inherit from.
    let site = Site::new(&[("a.md", "text")]);
    std::fs::write(&open, "inherit: true\nviewers: [user:ana]\n").unwrap();
    site.folder(&none).expect(0);
    assert_eq!(site.stub.world().documents["s/a.md"].acl.as_ref().unwrap().parents, ["folder:s"]);
}

#[test]
fn a_missing_scope_is_named_with_what_it_is_needed_for() {
    let site = Site::new(&[("a.md", "text"), ("_.acl.yaml", RULES)]);
    let lacking = |scope: &'static str| site.stub.world().lacks = [scope].into();
    lacking("relationships.write");
    for more in [&["--dry-run"][..], &[]] {
        let ran = site.folder(more).expect(1).says("the key lacks the scope `relationships.write`");
        let ran = ran.says("the tuples of this folder's 1 directories (such as `collection:c parent folder:s`)");
        assert_eq!(ran.says("a key limited to sources can't have it").err.matches("error:").count(), 1);
    }
    assert!(site.stub.world().documents.is_empty());
    let people = site.path("p.csv");
    std::fs::write(&people, "id,groups\nana,hr\n").unwrap();
    let people = ["people", people.to_str().unwrap()];
    site.run(&people).expect(1).says("scope `relationships.write`, which is needed to write and remove memberships");
    let tuples = site.path("t.jsonl");
    std::fs::write(&tuples, r#"{"user":"user:a","relation":"viewer","object":"folder:f"}"#).unwrap();
    let tuples = ["tuples", tuples.to_str().unwrap()];
    site.run(&tuples).expect(1).says("scope `relationships.write`, which is needed to write and delete tuples");
    lacking("relationships.read");
    site.folder(&[]).expect(0).says("1 created");
    site.folder(&[]).expect(0).says("1 unchanged");
    site.folder(&["--reconcile"]).expect(1).says("scope `relationships.read`, which is needed for --reconcile");
    site.run(&people).expect(1).says("scope `relationships.read`, which is needed to compare the memberships");
    lacking("documents.write");
    site.folder(&[]).expect(1).says("scope `documents.write`, which is needed to list and send documents");
    lacking("admin");
    let docs = site.path("docs");
    let new = ["folder", docs.to_str().unwrap(), "--collection", "new", "--source", "s", "--create-collection"];
    site.run(&new).expect(1).says("scope `admin`, which is needed to make the collection new");
}

#[test]
fn a_dry_run_tries_conditions_of_documents_only_where_the_key_may() {
    let site = Site::new(&[("a.md", "text")]);
    let timed = "inherit: false\nviewers: [{principal: user:ana, condition: {name: during, context: {start: \"2026-01-01T00:00:00Z\", end: \"2027-01-01T00:00:00Z\"}}}]\n";
    site.write("a.md.acl.yaml", timed);
    site.stub.world().lacks.extend(TUPLES);
    site.folder(&["--dry-run"]).expect(0).says("conditions are not tried").says("would change: 1 created");
    site.folder(&[]).expect(0).says("1 created");
}
