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
