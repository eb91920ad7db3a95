//! Names that are almost those of rule files.

use crate::common::Site;

/// The top opens to everybody of hr; what a rule in `hr` or for `hr/x.md` was meant to restrict must not follow it alone.
const OPEN: &str = "viewers: [\"group:hr#member\"]\n";
const CLOSED: &str = "inherit: false\nviewers: [user:ana]\n";

fn site(name: &str, content: &str) -> Site {
    let at = format!("hr/{name}");
    Site::new(&[("_.acl.yaml", OPEN), ("hr/x.md", "text of x"), ("hr/y.md", "text of y"), (&at, content)])
}

fn held(site: &Site) -> Vec<String> {
    site.stub.world().documents.keys().cloned().collect()
}

#[test]
fn almost_the_name_of_a_directorys_rules_refuses_the_directory() {
    for name in [
        "acl.yaml",
        "_acl.yaml",
        ".acl.yaml",
        "_.acl",
        "_.acl.yaml.txt",
        "_.acl.yaml.bak",
        "_.acl.yaml~",
        "_.acl.json",
        "_.acls.yaml",
        "_.acl.yaml ",
        "_.acl.yaml.orig",
        "_.act.yaml",
        "ACL.yml",
        "_.acl.yaml.swp",
        "_\u{ff0e}\u{ff41}cl.yaml",
        "_.\u{430}cl.yaml",
        "_.acl.yaml\n",
    ] {
        let site = site(name, CLOSED);
        let ran = site.folder(&[]).expect(3);
        assert!(held(&site).is_empty(), "{name:?}: {:?}\n{}", held(&site), ran.err);
        assert_eq!(ran.err.matches("refused the rule file hr/").count(), 1, "{name:?}: {}", ran.err);
        ran.says("refused hr/x.md").says("refused hr/y.md").says("2 refused, 1 rule files refused");
    }
}

#[test]
fn almost_the_name_of_a_documents_rules_refuses_the_document() {
    for name in [
        "x.md.acl",
        "x.md_acl.yaml",
        "x.md.acl.yaml.txt",
        "x.md.acl.yaml.swp",
        ".x.md.acl.yaml.swp",
        ".x.md.acl.yaml",
        "x.md.acl .yaml",
        "x.md.acl.yml",
        "X.md.acl.yaml",
        "x.acl.yaml",
        "x.md.acl.yaml.orig",
        "x.md.\u{430}cl.yaml",
        "x.md.alc.yaml",
        "\u{445}.md.acl.yaml",
    ] {
        let site = site(name, CLOSED);
        let ran = site.folder(&[]).expect(3);
        assert_eq!(held(&site), ["s/hr/y.md"], "{name:?}: {}", ran.err);
        assert_eq!(ran.err.matches("refused the rule file hr/").count(), 1, "{name:?}: {}", ran.err);
        ran.says("refused hr/x.md: hr/").says("1 created, 1 refused, 1 rule files refused");
    }
}

#[test]
fn neither_options_nor_other_sources_of_rules_hide_them() {
    let site = site(".acl.yaml", CLOSED);
    for more in [&["--exclude", "*.yaml"][..], &["--include", "*.md"], &["--hidden"]] {
        site.folder(more).expect(3).says("refused hr/x.md");
        assert!(held(&site).is_empty());
    }
    std::fs::remove_file(site.doc("_.acl.yaml")).unwrap();
    site.folder(&["--acl", "none", "--default-acl", "nobody"]).expect(3).says("hr/.acl.yaml");
    assert!(held(&site).is_empty());
    // As links and as directories.
    std::fs::rename(site.doc("hr/.acl.yaml"), site.doc("hr/rules")).unwrap();
    site.write("_.acl.yaml", OPEN);
    std::os::unix::fs::symlink("rules", site.doc("hr/_acl.yaml")).unwrap();
    site.folder(&[]).expect(3).says("refused hr/x.md");
    std::fs::remove_file(site.doc("hr/_acl.yaml")).unwrap();
    std::fs::create_dir(site.doc("hr/_.acl.yaml")).unwrap();
    site.folder(&[]).expect(3).says("refused hr/x.md").says("a directory, not a rule file");
    assert!(held(&site).is_empty());
}

#[test]
fn ordinary_documents_are_taken_and_refuse_nothing() {
    for name in [
        "oracle.yaml",
        "acl-guide.md",
        "miracle.txt",
        "acl.md",
        "access-control.yaml",
        "acl.yaml",
        "acl.yml",
        "kafka-acl.yaml",
        "all.txt",
        "squid.acl.txt",
    ] {
        let site = site(name, "allow:\n  - 10.0.0.0/8\n");
        site.folder(&[]).expect(0).says("3 created");
        assert!(held(&site).contains(&format!("s/hr/{name}")), "{name}");
    }
    // Out of scope by an option, though its name is looked at.
    let site = site("acl.yaml", "allow: 1\n");
    site.folder(&["--exclude", "acl.yaml"]).expect(0).says("2 created");
    site.write("hr/.acl-notes.txt", "text");
    site.folder(&[]).expect(0).says("1 created, 2 unchanged");
}

#[test]
fn what_editors_leave_beside_a_right_rule_file_is_skipped() {
    for (right, left) in [
        ("_.acl.yaml", "_.acl.yaml~"),
        ("_.acl.yaml", "._.acl.yaml.swp"),
        ("_.acl.yaml", "_.acl.yaml.bak"),
        ("x.md.acl.yaml", ".x.md.acl.yaml.swp"),
        ("x.md.acl.yaml", "x.md.acl.yaml.orig"),
        ("x.md.acl.yaml", "._x.md.acl.yaml"),
    ] {
        let site = site(right, CLOSED);
        site.write(&format!("hr/{left}"), "viewers: [\"group:all#member\"]\n");
        let ran = site.folder(&[]).expect(0).says("2 created").says(&format!("skipped hr/{left}"));
        ran.says(&format!("left of hr/{right}"));
        assert_eq!(held(&site), ["s/hr/x.md", "s/hr/y.md"], "{left}");
        std::fs::remove_file(site.doc(&format!("hr/{right}"))).unwrap();
        site.folder(&[]).expect(3).says(&format!("refused the rule file hr/{left}")).says("refused hr/x.md");
    }
}

/// A file that holds nothing but rules is one, for the document whose name its name holds, or for its directory.
#[test]
fn nothing_but_rules_refuses_what_it_was_probably_meant_for() {
    let of_directory = [
        "_.acl.prod.yaml",
        "_.acl.de.yaml",
        "_.acl.md",
        "_.rules.yaml",
        "_.yaml",
        "rights.txt",
        "access",
        "_.x.md.policy.json",
        "hr.yaml",
    ];
    let of_x = [
        "x.md.acl.de.yaml",
        "x.md.acl.y",
        "acl.x.md.yaml",
        "x.md.access.yaml",
        "x.md.rules.yaml",
        "x.md.yaml",
        "x.yaml",
        "x.rules.md",
        "X-md.yaml",
        "for x.md.txt",
        "x.md.permissions.html",
    ];
    for rules in [CLOSED, "nobody: true\n", "nobody: true\nnobody: true\n", "blocked: [user:eve]\n"] {
        for (names, is_of_x) in [(&of_directory[..], false), (&of_x, true)] {
            for name in names {
                let site = site(name, rules);
                let ran =
                    site.folder(&[]).expect(3).says("it holds nothing but rules, and is not named like a rule file");
                let open: &[&str] = if is_of_x { &["s/hr/y.md"] } else { &[] };
                assert_eq!(held(&site), open, "{name:?}: {}", ran.err);
                assert_eq!(ran.err.matches("refused the rule file hr/").count(), 1, "{name:?}: {}", ran.err);
                let right = if is_of_x { "hr/x.md.acl.yaml" } else { "hr/_.acl.yaml" };
                ran.says("refused hr/x.md: hr/").says(&format!("name it {right}, or remove it"));
            }
        }
    }
}

/// Rules as people and tools write them.
const WRITTEN: &[(&str, &str)] = &[
    ("an indented remark first", "  # only hr\nviewers: [\"group:hr#member\"]\ninherit: false\n"),
    ("empty lines and an indented remark", "\n\n  \n  # a\ninherit: false\nviewers: [user:ana]"),
    ("a remark and an indented one", "# top\n  # indented\nviewers: [user:ana]\ninherit: false\n"),
    ("a remark behind a tab", "---\n\t# tab\nviewers: [user:ana]\ninherit: false\n"),
    ("an indented remark last", "nobody: true\n  # why\n"),
    ("indented", "  inherit: false\n  viewers: [user:ana]\n"),
    ("indented and broken", "  inherit: false\n  viewers: [user:ana\n"),
    ("a directive", "%YAML 1.2\n---\nviewers: [user:ana]\ninherit: false\n"),
    ("a tag", "--- !rules\nviewers: [user:ana]\ninherit: false\n"),
    ("explicit keys", "? viewers\n: [user:ana]\n? inherit\n: false\n"),
    ("explicit keys, broken", "? viewers\n: [user:ana\n? inherit\n: false\n"),
    ("capital letters", "Inherit: false\nViewers: [user:ana]\n"),
    ("a key that is misspelt", "inherit: false\nviewer: [user:ana]\n"),
    ("a remark as a key", "inherit: false\nviewers: [user:ana]\nnote: only ana\n"),
    ("a remark as a key, broken", "inherit: false\nnote: only ana: and\nviewers: [user:ana]\n"),
    ("two documents", "inherit: false\n---\nviewers: [user:ana]\n"),
    ("two documents, one of them empty", "---\n---\nnobody: true\n"),
    ("JSON behind a blank", " {\n \"viewers\": [\"user:ana\"],\n \"inherit\": false\n }\n"),
    ("JSON with tabs", "{\n\t\"viewers\": [\"user:ana\"],\n\t\"inherit\": false\n}\n"),
    ("JSON with a remark", "{ // who\n  // reads\n  \"viewers\": [\"user:ana\"],\n  \"inherit\": false\n}\n"),
    ("JSON without its end", "{\n  \"inherit\": false,\n  \"viewers\": [\"user:ana\""),
    ("JSON with characters as numbers", "{\"\\u0069nherit\": false, \"\\u0076iewers\": [\"user:ana\"]}"),
    ("a list", "[{\"inherit\": false, \"viewers\": [\"user:ana\"]}]"),
    ("a list without its end", "[{\"inherit\": false, \"viewers\": [\"user:ana\"]}"),
    ("a table", "[acl]\nviewers = [\"user:ana\"]\ninherit = false\n"),
    ("no table", "# who\nviewers = [\n  \"user:ana\",\n]\ninherit = false\n"),
    ("dotted", "acl.viewers = [\"user:ana\"]\nacl.inherit = false\n"),
    ("an old table", "; who\n[access]\nnobody = true\n"),
    ("within a key", "acl:\n  inherit: false\n  viewers: [user:ana]\n"),
    ("an unseen character first", "\u{200b}inherit: false\nviewers: [user:ana]\n"),
    ("an unseen character within", "in\u{200b}herit: false\nview\u{ad}ers: [user:ana]\n"),
    ("a blank that is none", "\u{a0}inherit: false\nviewers: [user:ana]\n"),
    ("blanks that are none", "inherit:\u{a0}false\nviewers:\u{2003}[user:ana]\n"),
    ("two marks", "\u{feff}\u{feff}inherit: false\nviewers: [user:ana]\n"),
    ("a mark and a blank", "\u{feff} inherit: false\n viewers: [user:ana]\n"),
    ("lines of another system", "inherit: false\rviewers: [user:ana]\r"),
];

#[test]
fn nothing_but_rules_is_told_however_it_is_written() {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let mut all: Vec<(&str, Vec<u8>)> = WRITTEN.iter().map(|(how, text)| (*how, text.as_bytes().to_vec())).collect();
    all.push(("another encoding", utf16("\u{feff}  # who\ninherit: false\nviewers: [user:ana]\n")));
    all.push(("another encoding without a mark", utf16("inherit: false\nviewers: [user:ana]\n")));
    let many: String = (0..30_000).map(|n| format!("  - user:u{n}\n")).collect();
    all.push(("larger than a rule file may be", format!("inherit: false\nviewers:\n{many}").into_bytes()));
    for (name, open) in [("access.yaml", &[][..]), ("_.rules.json", &[]), ("x.md.permissions.yaml", &["s/hr/y.md"])] {
        for (how, content) in &all {
            let site = site(name, "");
            site.write(&format!("hr/{name}"), content);
            let ran = site.folder(&[]);
            assert_eq!(held(&site), open, "{name}, {how}: {}", ran.err);
            assert_eq!(ran.code, 3, "{name}, {how}: {}", ran.err);
        }
    }
}

#[test]
fn data_that_has_keys_of_rules_among_others_is_a_document() {
    for (name, text) in [
        ("stream.yaml", "name: launch\nviewers: [user:ana]\n"),
        ("stats.yaml", "viewers: 1532\nowners: 3\n"),
        ("toc.yaml", "sections:\n  - title: One\n    href: one.md\n"),
        ("owners.yaml", "owners: [alice, bob]\n"),
        ("x.yaml", "public: true\n"),
        ("status.md", "# Status\nblocked:\n- the build\n"),
        ("front.md", "---\nclassification: internal\n---\n# Title\n\n- item\n"),
        ("rules.txt", "nobody: knows\n"),
        ("service.yaml", "owner: team-a\npublic: false\nname: billing\n"),
        ("catalog.yaml", "  # where\nowner: alice\ninherit: true\n"),
        ("api.json", "[{\"viewers\": 3}, {\"viewers\": 4}]"),
        ("people.yaml", "- viewers: [user:ana]\n- viewers: [user:bob]\n"),
        ("server.toml", "[server]\nowners = [\"alice\"]\npublic = true\n"),
        ("app.ini", "; settings\n[app]\nblocked = false\n"),
        ("access.md", "---\nclassification: internal\n---\n# How access works\n\n## Who\n"),
        ("policy.md", "---\nclassification: internal\n---\n\nEverybody: reads [this\n"),
        ("rules.md", "  # Rules\n\nviewers: those who read\n\nNobody: else\n"),
        ("access.json", "{\"rules\": [{\"allow\": \"10.0.0.0/8\"}]}"),
        ("how-to.md", "# Rules\n\n```yaml\nnobody: true\n```\n"),
    ] {
        let site = site(name, text);
        site.folder(&[]).expect(0).says("3 created");
        assert!(held(&site).contains(&format!("s/hr/{name}")), "{name}");
    }
}
