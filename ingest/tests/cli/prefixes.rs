//! A part of a source that is run alone: rules of the directories above hold as in a run of the whole.

use crate::common::{Ran, Site};

const HR: &str = "viewers: [\"group:hr#member\"]\n";

/// Runs `docs/<prefix>` as this part of the source.
fn part(site: &Site, prefix: &str, more: &[&str]) -> Ran {
    let path = site.doc(prefix);
    let args = ["folder", path.to_str().unwrap(), "--collection", "c", "--source", "s", "--prefix", prefix];
    site.run(&[&args[..], more].concat())
}

fn held(site: &Site) -> Vec<String> {
    site.stub.world().documents.keys().cloned().collect()
}

/// Documents of the part with their rules, and the tuples on its folders.
fn result(site: &Site, prefix: &str) -> (Vec<(String, String)>, Vec<String>) {
    let world = site.stub.world();
    let inner = format!("s/{prefix}/");
    let documents = world.documents.values().filter(|d| d.id.starts_with(&inner));
    let documents = documents.map(|d| (d.id.clone(), serde_json::to_string(&d.acl).unwrap())).collect();
    let on = format!("folder:s/{prefix}");
    let is_inner = |t: &String| t.split(' ').nth(2).is_some_and(|object| object.starts_with(&on));
    (documents, world.tuple_lines().into_iter().filter(is_inner).collect())
}

#[test]
fn a_part_gets_the_rules_that_it_has_in_the_whole() {
    for (name, files) in [
        ("only the top has rules", &[("_.acl.yaml", HR)][..]),
        ("a label", &[("_.acl.yaml", HR), ("a/_.acl.yaml", "classification: secret\n")]),
        ("quarantine", &[("_.acl.yaml", "nobody: true\n"), ("a/b/_.acl.yaml", HR)]),
        ("it stops", &[("_.acl.yaml", HR), ("a/b/_.acl.yaml", "inherit: false\nviewers: [user:ana]\n")]),
        ("it stops above", &[("_.acl.yaml", HR), ("a/_.acl.yaml", "inherit: false\nviewers: [user:ana]\n")]),
        ("a ban", &[("_.acl.yaml", "blocked: [user:eve]\n"), ("a/b/_.acl.yaml", HR)]),
        ("its own", &[("a/b/_.acl.yaml", HR)]),
        ("a document's own", &[("_.acl.yaml", HR), ("a/b/x.md.acl.yaml", "inherit: false\nviewers: [user:ana]\n")]),
    ] {
        let documents = [("a/b/x.md", "text x"), ("a/b/c/y.md", "text y"), ("o.md", "other")];
        let all: Vec<(&str, &str)> = files.iter().copied().chain(documents).collect();
        let (whole, alone) = (Site::new(&all), Site::new(&all));
        whole.folder(&[]);
        part(&alone, "a/b", &[]).expect(0).says("2 created");
        assert_eq!(result(&alone, "a/b"), result(&whole, "a/b"), "{name}");
        assert_eq!(held(&alone).len(), 2, "{name}");
        // Nothing opens above, and every ban there is written.
        let above = |site: &Site| {
            let tuples = site.stub.world().tuple_lines();
            tuples.into_iter().filter(|t| t.ends_with(" folder:s") || t.ends_with(" folder:s/a")).collect::<Vec<_>>()
        };
        let narrow: Vec<String> =
            above(&whole).into_iter().filter(|t| t.contains(" blocked ") || t.contains(" parent ")).collect();
        assert_eq!(above(&alone), narrow, "{name}");
        // One after the other, in either order, they agree.
        part(&whole, "a/b", &[]).expect(0).says("2 unchanged");
        assert_eq!(result(&alone, "a/b"), result(&whole, "a/b"), "{name}");
        alone.folder(&[]);
        assert_eq!(above(&alone), above(&whole), "{name}");
        part(&alone, "a/b", &[]).expect(0).says("2 unchanged");
        assert_eq!(above(&alone), above(&whole), "{name}");
    }
}

#[test]
fn rules_above_that_can_not_be_used_refuse_the_part() {
    for (file, text, told) in [
        ("_.acl.yaml", "oops: 1\n", "oops"),
        ("a/_.acl.yaml", "", "it says nothing"),
        ("a/_acl.yaml", HR, "its name is almost that of a rule file"),
        ("a.acl.yaml", HR, "it is named after the directory a/"),
        ("a/b.acl.yaml", HR, "it is named after the directory a/b/"),
        ("a/rights.yaml", "inherit: false\nviewers: [user:ana]\n", "it holds nothing but rules"),
    ] {
        let site = Site::new(&[("a/b/_.acl.yaml", HR), ("a/b/x.md", "text"), (file, text)]);
        let ran = part(&site, "a/b", &[]).expect(3).says(told);
        assert!(held(&site).is_empty(), "{file}");
        assert_eq!(ran.err.matches("refused the rule file ").count(), 1, "{file}: {}", ran.err);
        ran.says(&format!("/docs/{file}"));
    }
    let site = Site::new(&[("_.acl.yaml", HR), ("a/x.md", "text")]);
    for mode in [&["--acl", "none", "--default-acl", "nobody"][..], &["--acl", "posix", "--trust-above"]] {
        part(&site, "a", mode).expect(3).says("docs/_.acl.yaml, that this --acl mode would not read");
    }
    // A rule above that was written before the text.
    let ran = {
        let path = site.doc("a");
        let args = ["folder", path.to_str().unwrap(), "--collection", "c", "--source", "s", "--prefix", "a"];
        site.run_meanwhile(&args, || {
            site.write("_.acl.yaml", "nobody: true\n");
            site.write("a/x.md", "SECRET");
        })
    };
    ran.expect(2).says("has changed since this run read the rules");
    assert!(held(&site).is_empty());
}

#[test]
fn grants_above_that_are_no_more_are_taken_away_first() {
    let two = "viewers: [\"group:hr#member\", \"group:eu#member\"]\n";
    let site = Site::new(&[("_.acl.yaml", two), ("a/b/x.md", "text"), ("o.md", "other")]);
    site.folder(&[]).expect(0);
    site.write("a/b/new.md", "only for hr");
    for said in [HR, "inherit: false\nnobody: true\n"] {
        site.write("_.acl.yaml", said);
        part(&site, "a/b", &[]).expect(1).says("say less than when the source").says("run the whole source first");
        assert!(!held(&site).contains(&"s/a/b/new.md".to_owned()));
    }
    site.write("_.acl.yaml", HR);
    site.folder(&[]).expect(0);
    site.write("a/b/newer.md", "only for hr, too");
    part(&site, "a/b", &[]).expect(0).says("1 created");
    // A new ban is written at once, and stays when a part is run without it: it is on others, too.
    site.write("_.acl.yaml", format!("{HR}blocked: [user:eve]\n"));
    part(&site, "a/b", &[]).expect(0);
    let has = || site.stub.world().tuple_lines().contains(&"user:eve blocked folder:s".to_owned());
    assert!(has());
    site.write("_.acl.yaml", HR);
    part(&site, "a/b", &["--delete-missing"]).expect(0);
    assert!(has());
    site.folder(&["--reconcile"]).expect(0);
    assert!(!has());
}

#[test]
fn a_part_has_a_record_of_its_own_and_says_where_it_lies() {
    let site = Site::new(&[("_.acl.yaml", HR), ("a/b/x.md", "text")]);
    let state = site.path("st.json");
    let named = ["--state", state.to_str().unwrap()];
    site.folder(&named).expect(0);
    part(&site, "a/b", &named).expect(1).says("belongs to the source s, not to the source s/a/b").says("or none");
    part(&site, "a/b", &[]).expect(0).says("1 unchanged").says("no record of a run of the whole source");
    // From a place that is no part of the source, there is nothing above.
    let elsewhere = site.path("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::write(elsewhere.join("z.md"), "text").unwrap();
    let args = ["folder", elsewhere.to_str().unwrap(), "--collection", "c", "--source", "s", "--prefix", "z"];
    site.run(&args).expect(3).says("does not end with z").says("no rule applies");
    std::fs::write(elsewhere.join("_.acl.yaml"), HR).unwrap();
    site.run(&args).expect(0).says("1 created");
    assert!(!site.stub.world().tuple_lines().contains(&"folder:s inherits folder:s/z".to_owned()));
    // By a link it is a part all the same.
    std::os::unix::fs::symlink(&elsewhere, site.doc("z")).unwrap();
    site.write("_.acl.yaml", "nobody: true\n");
    part(&site, "z", &[]).expect(0);
    assert!(site.stub.world().documents["s/z/z.md"].acl.as_ref().unwrap().nobody);
}
