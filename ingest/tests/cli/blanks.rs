//! Blanks and unseen characters that make of a name somebody else, wherever names are read.

use crate::common::{Ran, Site};

/// The id with what is wrong with it, as a string of YAML and JSON.
const WRONG: [(&str, &str); 7] = [
    (" bo", "there is a blank before the name"),
    ("\\u00a0bo", "there is a blank before the name"),
    ("\\u3000bo", "there is a blank before the name"),
    ("b\\u00a0o", "there is a blank in it that is no plain one"),
    ("b  o", "there are two blanks in it"),
    ("b\\u200bo", "there is a character in it that is not seen"),
    ("bo\\u2060", "there is a character in it that is not seen"),
];

/// As the character itself.
fn plain(text: &str) -> String {
    serde_json::from_str(&format!("\"{text}\"")).unwrap()
}

fn said(ran: Ran, what: &str) {
    assert!(ran.err.contains(what) || ran.out.contains(what), "{what}: {} {}", ran.out, ran.err);
}

#[test]
fn rule_files_name_the_line_of_a_blank() {
    for (id, what) in WRONG {
        for (key, file) in [
            ("blocked", "_.acl.yaml"),
            ("viewers", "_.acl.yaml"),
            ("blocked", "x.md.acl.yaml"),
            ("owners", "x.md.acl.yaml"),
        ] {
            let rule = format!("inherit: false\n{key}:\n  - user:ana\n  - \"user:{}\"\n", plain(id));
            let site = Site::new(&[("_.acl.yaml", "viewers: [user:eve]\n"), ("x.md", "text"), (file, &rule)]);
            let ran = site.folder(&[]).expect(3);
            assert!(site.stub.world().documents.is_empty(), "{id} {key}");
            said(ran, &format!("refused the rule file {file}: line 4: "));
            said(site.folder(&[]), what);
        }
        let rule = format!("sections:\n  - heading: A\n    acl: {{blocked: [\"user:{id}\"]}}\n");
        let site = Site::new(&[("_.acl.yaml", "viewers: [user:eve]\n"), ("x.md", "# A\n"), ("x.md.acl.yaml", &rule)]);
        said(site.folder(&[]).expect(3), what);
        let rule = format!("classification: \"{}\"\n", id.replace("bo", "classification:secret\u{2060}"));
        let site = Site::new(&[("_.acl.yaml", &rule), ("x.md", "text")]);
        said(site.folder(&[]).expect(3), "refused the rule file _.acl.yaml: line 1: ");
    }
    for (principal, what) in [
        ("user :bo", "there is a blank behind the name"),
        ("group:hr #member", "there is a blank behind the name"),
        ("group:hr# member", "names a set; write"),
        ("group: hr#member", "there is a blank before the name"),
    ] {
        let rule = format!("\nblocked: [\"{principal}\"]\n");
        let site = Site::new(&[("_.acl.yaml", &rule), ("x.md", "text")]);
        said(site.folder(&[]).expect(3).says("_.acl.yaml: line 2: "), what);
    }
}

#[test]
fn lists_and_options_take_no_blank_for_a_name() {
    for (id, what) in WRONG {
        let site = Site::new(&[("x.md", "text")]);
        let file = |name: &str, text: String| {
            std::fs::write(site.path(name), text).unwrap();
            site.path(name).to_str().unwrap().to_owned()
        };
        let default = file("d.yaml", format!("blocked: [\"user:{id}\"]\nviewers: [user:ana]\n"));
        said(site.folder(&["--acl", "none", "--default-acl", &default]).expect(1).says("line 1: "), what);
        let line = |acl: String| {
            format!("{{\"id\":\"s/a\",\"content\":{{\"type\":\"text/plain\",\"text\":\"t\"}},\"acl\":{{{acl}}}}}\n")
        };
        for acl in [
            format!("\"viewers\":[\"user:a\"],\"blocked\":[\"user:{id}\"]"),
            format!("\"viewers\":[\"user:a\"],\"all_of\":[[\"user:a\"],[\"user:{id}\"]]"),
            format!("\"viewers\":[\"user:a\"],\"classification\":\"classification:{id}\""),
        ] {
            let list = file("m.jsonl", line(acl));
            said(site.run(&["manifest", &list, "--collection", "c"]).expect(3).says("refused line 1"), what);
        }
        let shown = plain(id);
        // What stands around a value of a list is taken away, as everywhere.
        if !shown.starts_with(char::is_whitespace) {
            let list = format!("people:\n  - {{id: ana}}\n  - {{id: \"{id}\", groups: [hr]}}\n");
            said(site.run(&["people", &file("p.yaml", list)]).expect(1).says("line 3: "), what);
            let list = file("p.csv", format!("id,groups\nana,hr\n{shown},hr\n"));
            said(site.run(&["people", &list]).expect(1).says("line 3: "), what);
        }
        let group = file("g.yaml", format!("groups:\n  - id: hr\n    members: [\"group:{id}\"]\n"));
        said(site.run(&["people", &group]).expect(1).says("line 2: "), what);
        let tuple = format!("{{\"user\":\"user:{id}\",\"relation\":\"blocked\",\"object\":\"folder:s\"}}");
        let tuples = file("t.jsonl", format!("\n{tuple}\n"));
        site.run(&["tuples", &tuples]).expect(1).says("line 2: ").says("unseen characters");
        let tuples = file("t.json", format!("[{tuple}]\n"));
        site.run(&["tuples", &tuples]).expect(1).says("tuple 1: ");
        let map = file("map.yaml", format!("users: {{root: \"user:{id}\"}}\n"));
        said(site.folder(&["--acl", "posix", "--trust-above", "--map", &map]).expect(1), what);
        let map = file("map.yaml", format!("groups: {{\"{id}\": \"group:hr#member\"}}\n"));
        said(site.folder(&["--acl", "posix", "--trust-above", "--map", &map]).expect(1), what);
        let world = site.stub.world();
        assert!(world.documents.is_empty() && world.tuple_lines().is_empty(), "{id}");
    }
    let site = Site::new(&[]);
    for (id, what) in [("group :hr", "write `hr`"), ("User: ana", "with the id `ana` and the kind `user`")] {
        let list = site.path("p.yaml");
        std::fs::write(&list, format!("groups:\n  - id: \"{id}\"\n")).unwrap();
        site.run(&["people", list.to_str().unwrap()]).expect(1).says(what);
    }
}
