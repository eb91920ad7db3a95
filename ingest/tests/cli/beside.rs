//! Rule files that stand beside what they are meant for: a directory, a link, a document of another extension.

use crate::common::Site;

const OPEN: (&str, &str) = ("_.acl.yaml", "viewers: [\"group:hr#member\"]\n");
/// Whatever a rule file says, it is not there where it lies.
const SAID: [&str; 7] = [
    "nobody: true\n",
    "blocked: [user:eve]\n",
    "classification: secret\n",
    "inherit: false\nviewers: [user:ana]\n",
    "viewers: [user:ana]\n",
    "sections:\n  - heading: A\n    acl: {nobody: true}\n",
    "oops: 1\n",
];

fn held(site: &Site) -> Vec<String> {
    site.stub.world().documents.keys().cloned().collect()
}

fn refuses(site: &Site, more: &[&str], rules: &str, right: &str, open: &[&str]) {
    let ran = site.folder(more).expect(3);
    assert_eq!(held(site), open, "{rules}: {}", ran.err);
    assert_eq!(ran.err.matches("refused the rule file ").count(), 1, "{rules}: {}", ran.err);
    ran.says(&format!("refused the rule file {rules}")).says(right);
}

#[test]
fn a_rule_file_beside_a_directory_refuses_the_directory() {
    for (dir, rules) in [
        ("salaries", "salaries.acl.yaml"),
        ("v1.2", "v1.2.acl.yaml"),
        ("a.md", "a.md.acl.yaml"),
        ("sub", "Sub.acl.yaml"),
        ("sub", "sub_.acl.yaml"),
        ("sub", "sub .acl.yaml"),
        ("sub ", "sub.acl.yaml"),
        ("sub", "sub.acl.yml"),
        ("sub", "sub.acl"),
        ("sub", "sub.acl.json"),
        ("sub", "sub.acl.yaml.bak"),
        ("sub", ".sub.acl.yaml"),
        ("sub", "_.sub.acl.yaml"),
        ("s\u{fc}d", "su\u{308}d.acl.yaml"),
        ("su\u{308}d", "s\u{fc}d.acl.yaml"),
        ("SUB", "sub.acl.yaml"),
        ("sub", "\u{455}ub.acl.yaml"),
        ("salaries.d", "salaries.acl.yaml"),
    ] {
        for up in ["", "up/"] {
            for said in SAID {
                // Without its document a rule that grants takes nothing away. Further down all is as at the top.
                if dir == "salaries.d" && said.starts_with("viewers") || !up.is_empty() && said != SAID[0] {
                    continue;
                }
                let (deep, rules) = (format!("{up}{dir}/deep/x.md"), format!("{up}{rules}"));
                let site = Site::new(&[OPEN, (&deep, "text"), ("o.md", "other"), (&rules, said)]);
                let right = format!("{up}{dir}/_.acl.yaml");
                let right = if said == "oops: 1\n" && rules.ends_with(".acl.yaml") { "oops" } else { &right };
                refuses(&site, &[], &rules, right, &["s/o.md"]);
            }
        }
    }
}

#[test]
fn a_directory_with_rules_of_its_own_is_refused_too_and_no_option_hides_them() {
    for more in [&["--exclude", "*.yaml"][..], &["--include", "*.md"], &["--hidden"]] {
        let own = ("pay/_.acl.yaml", "viewers: [user:ana]\n");
        let site = Site::new(&[OPEN, own, ("pay/x.md", "text"), ("o.md", "o"), ("pay.acl.yaml", SAID[0])]);
        refuses(&site, more, "pay.acl.yaml", "pay/_.acl.yaml", &["s/o.md"]);
    }
    // Where nothing lies below that would be sent, they are said to be misplaced all the same.
    for (dir, rules, more) in [
        ("empty", "empty.acl.yaml", &[][..]),
        (".hidden", ".hidden.acl.yaml", &[]),
        ("out", "out.acl.yaml", &["--exclude", "out"]),
    ] {
        let site = Site::new(&[OPEN, ("o.md", "o"), (rules, SAID[4])]);
        std::fs::create_dir(site.doc(dir)).unwrap();
        refuses(&site, more, rules, &format!("name it {dir}/_.acl.yaml"), &["s/o.md"]);
    }
}

#[test]
fn rules_named_after_the_directory_that_they_lie_in_refuse_it() {
    for name in ["hr.acl.yaml", "HR.acl.yaml", "hr.acl.yml"] {
        for said in &SAID[..6] {
            let path = format!("hr/{name}");
            let site = Site::new(&[OPEN, ("hr/x.md", "text"), ("o.md", "o"), (&path, said)]);
            refuses(&site, &[], &path, "name it hr/_.acl.yaml", &["s/o.md"]);
        }
    }
    let site = Site::new(&[OPEN, ("x.md", "text"), ("docs.acl.yaml", SAID[1])]);
    refuses(&site, &[], "docs.acl.yaml", "name it _.acl.yaml", &[]);
    // One that is about something else, and one of a document.
    let site = Site::new(&[OPEN, ("squid/squid.acl", "acl all src 0.0.0.0\n"), ("kafka-acl.yaml", "a: 1\n")]);
    site.write("kafka/hr", "text");
    site.write("kafka/kafka", "text");
    site.write("kafka/kafka.acl.yaml", "blocked: [user:eve]\n");
    site.folder(&[]).expect(0).says("4 created");
}

#[test]
fn rules_beside_the_folder_itself_refuse_all_of_it() {
    for name in ["docs.acl.yaml", "Docs.acl.yaml", "docs.acl.yml"] {
        let site = Site::new(&[OPEN, ("x.md", "text"), ("sub/y.md", "text")]);
        std::fs::write(site.path(name), SAID[0]).unwrap();
        site.folder(&[])
            .expect(3)
            .says(name)
            .says("docs/_.acl.yaml, or remove it")
            .says("2 refused, 1 rule files refused");
        assert!(held(&site).is_empty(), "{name}");
        std::fs::rename(site.path(name), site.path("other.acl.yaml")).unwrap();
        site.folder(&[]).expect(0).says("2 created");
    }
}

#[test]
fn rules_of_a_link_refuse_what_it_leads_to() {
    for (target, right, open) in [
        ("pay-2026", "name it pay-2026/_.acl.yaml", &["s/real.md"][..]),
        ("real.md", "name it real.md.acl.yaml", &["s/pay-2026/x.md"]),
    ] {
        let site = Site::new(&[OPEN, ("pay-2026/x.md", "text"), ("real.md", "real"), ("now.acl.yaml", SAID[0])]);
        std::os::unix::fs::symlink(target, site.doc("now")).unwrap();
        refuses(&site, &[], "now.acl.yaml", right, open);
    }
    let site = Site::new(&[OPEN, ("x.md", "text"), ("out.acl.yaml", SAID[0])]);
    std::os::unix::fs::symlink("..", site.doc("out")).unwrap();
    site.folder(&[]).expect(0).says("1 created");
}

#[test]
fn rules_of_a_document_that_got_another_extension_refuse_it() {
    for (rules, document) in
        [("x.docx", "x.pdf.txt"), ("x.docx", "x.md"), ("x.md.gz", "x.md"), ("x", "x.md.gz"), ("x.md", "x.md.gz")]
    {
        let rules = format!("{rules}.acl.yaml");
        let site = Site::new(&[OPEN, (document, "text"), ("o.md", "o"), (&rules, SAID[1])]);
        site.folder(&[]).expect(3).says("it restricts a document that is not there");
        // Two extensions are two names.
        let open: &[&str] = if document == "x.pdf.txt" { &["s/o.md", "s/x.pdf.txt"] } else { &["s/o.md"] };
        assert_eq!(held(&site), open, "{rules} {document}");
        if rules == "x.docx.acl.yaml" {
            let own = format!("{document}.acl.yaml");
            site.write(&own, "viewers: [user:ana]\n");
            site.folder(&[]).expect(3).says("unchanged");
            assert!(held(&site).contains(&format!("s/{document}")), "rules of its own count");
        }
    }
}
