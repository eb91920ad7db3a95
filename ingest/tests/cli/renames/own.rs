//! Whether a document had rules of its own is known, not guessed: rules that say what those of a directory may say too.

use super::*;

const BOARD: &str = "inherit: true\nclassification: red\n";

/// What a document's own rule file says.
const RULES_OF_ITS_OWN: &[(&str, &str)] = &[
    ("stop", "inherit: false\n"),
    ("a label that another directory has", "classification: red\n"),
    ("stop and a label", "inherit: false\nclassification: red\n"),
    ("quarantine", "nobody: true\n"),
    ("a part", "sections: [{heading: Pay, acl: {nobody: true}}]\n"),
    ("a condition", "inherit: false\nviewers: [{principal: user:ann, condition: {name: during}}]\n"),
    ("a ban", "blocked: [user:eve]\n"),
    ("several lists", "all_of: [[user:ann], [user:bob]]\n"),
];

/// Name, and what is done to the files.
type Act = (&'static str, fn(&Site));

const PLACE: &str = "a/secret.md";
const RULE: &str = "a/secret.md.acl.yaml";

/// What becomes of the document and of its rule file.
const WAYS: &[Act] = &[
    ("another file takes its place, and the rule file", |site| {
        rename(site, PLACE, "b/new.md");
        rename(site, "a/o.md", PLACE);
    }),
    ("another file takes its place, and a rule file of almost the name", |site| {
        rename(site, PLACE, "b/new.md");
        rename(site, "a/o.md", PLACE);
        rename(site, RULE, "a/secret.md.acl.yml");
    }),
    ("two renames, and the rule file has the name in between", |site| {
        rename(site, PLACE, "b/secret.md");
        rename(site, RULE, "a/interim.md.acl.yaml");
    }),
    ("two renames, and another file takes the place", |site| {
        rename(site, PLACE, "b/secret.md");
        rename(site, "a/o.md", PLACE);
        rename(site, RULE, "a/interim.md.acl.yaml");
    }),
    ("two renames, and a new file has the place", |site| {
        rename(site, PLACE, "b/secret.md");
        site.write(PLACE, "new");
        rename(site, RULE, "b/interim.md.acl.yaml");
    }),
    ("two renames, and the directory is gone", |site| {
        rename(site, PLACE, "b/secret.md");
        rename(site, RULE, "b/interim.md.acl.yaml");
        rename(site, "a/o.md", "b/o.md");
        std::fs::remove_dir(site.doc("a")).unwrap();
    }),
    ("two renames onto another document", |site| {
        rename(site, PLACE, "b/p.md");
        rename(site, RULE, "a/interim.md.acl.yaml");
    }),
    ("the rule file has almost the name", |site| {
        rename(site, PLACE, "b/secret.md");
        rename(site, RULE, "a/secret.md.acl.yml");
    }),
    ("the rule file has another name", |site| {
        rename(site, PLACE, "b/secret.md");
        rename(site, RULE, "a/secret.md.access.yaml");
    }),
];

fn state_file(site: &Site) -> std::path::PathBuf {
    let mut found = std::fs::read_dir(site.path("state/usher-ingest")).unwrap().map(|entry| entry.unwrap().path());
    found.find(|path| path.extension().is_some_and(|ending| ending == "json")).unwrap()
}

/// As a release kept it that noted nothing.
fn forget_notes(site: &Site) {
    let path = state_file(site);
    let mut state: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    state.as_object_mut().unwrap().remove("noted").unwrap();
    std::fs::write(path, state.to_string()).unwrap();
}

const RECORDS: &[Act] = &[
    ("there", |_| {}),
    ("lost", |site| std::fs::remove_dir_all(site.path("state")).unwrap()),
    ("of a former release", forget_notes),
];

#[test]
fn rules_of_its_own_hold_a_document_whatever_they_say() {
    for (rules, own) in RULES_OF_ITS_OWN {
        for (way, change) in WAYS {
            // What a ban or a list is nobody takes for a directory's.
            let records = if own.contains("user:") { RECORDS.get(..1).unwrap() } else { RECORDS };
            for (record, change_record) in records {
                let site = Site::new(&[RULES, (PLACE, TEXT), (RULE, own), ("a/o.md", "o"), ("b/p.md", "p")]);
                site.write("x/_.acl.yaml", BOARD);
                site.write("x/x.md", "x");
                site.folder(&[]).expect(0);
                let before = secrets(&site).remove(0);
                change(&site);
                change_record(&site);
                for more in [&["--yes"][..], &["--delete-missing", "--yes"]] {
                    let ran = site.folder(more);
                    let told = format!("{rules}; {way}; the record is {record}\n{}\n{}", ran.out, ran.err);
                    for document in secrets(&site) {
                        assert_eq!((&document.acl, &document.sections), (&before.acl, &before.sections), "{told}");
                    }
                    assert_eq!(ran.code, 3, "{told}");
                }
            }
        }
    }
}

/// `a/x.md` has its label from its directory; a rule file of a document that nobody knows lies elsewhere.
fn labelled() -> Site {
    let site = Site::new(&[RULES, ("a/_.acl.yaml", BOARD), ("a/x.md", "Secret."), ("a/y.md", "y"), ("b/p.md", "p")]);
    site.write("c/gone.txt.acl.yaml", "blocked: [user:eve]\n");
    site.folder(&[]).expect(3);
    site
}

#[test]
fn rules_of_directories_hold_nothing_that_is_known_to_have_no_others() {
    let ways: &[fn(&Site)] = &[
        |site| rename(site, "a/x.md", "b/x.md"),
        |site| rename(site, "a", "aa"),
        |site| {
            rename(site, "a/x.md", "b/x.md");
            rename(site, "a/y.md", "a/x.md");
        },
    ];
    for change in ways {
        let site = labelled();
        change(&site);
        let ran = site.folder(&["--delete-missing", "--yes"]).expect(3);
        assert!(!ran.err.contains("refused a") && !ran.err.contains("refused b"), "{}", ran.err);

        // What nobody noted may be its own.
        for forget in [forget_notes, |site: &Site| std::fs::remove_dir_all(site.path("state")).unwrap()] {
            let site = labelled();
            forget(&site);
            change(&site);
            let ran = site.folder(&["--delete-missing", "--yes"]).expect(3).says("it had another name");
            assert!(ran.err.contains("refused b/x.md") || ran.err.contains("refused aa/x.md"), "{}", ran.err);
        }
        // A run has noted it.
        let site = labelled();
        forget_notes(&site);
        site.folder(&[]).expect(3);
        change(&site);
        let ran = site.folder(&["--delete-missing", "--yes"]).expect(3);
        assert!(!ran.err.contains("it had another name"), "{}", ran.err);
    }
}

/// The label was the directory's when the record was kept, and is the document's own since.
#[test]
fn a_record_that_was_put_back_opens_nothing() {
    for is_cut_off in [false, true] {
        let site = Site::new(&[RULES, ("a/_.acl.yaml", BOARD), (PLACE, "Secret."), ("a/o.md", "o"), ("b/p.md", "p")]);
        site.folder(&[]).expect(0);
        let kept = std::fs::read(state_file(&site)).unwrap();
        site.write("a/_.acl.yaml", "inherit: true\n");
        site.write(RULE, "classification: red\n");
        if is_cut_off {
            // After the record was written, before any document was sent.
            site.write("a/new.md", "new");
            site.stub.world().reject.insert("s/a/new.md".into(), "internal".into());
        }
        site.folder(&[]).expect(if is_cut_off { 2 } else { 0 });
        if !is_cut_off {
            std::fs::write(state_file(&site), kept).unwrap();
        }
        let before = secrets(&site).remove(0);
        rename(&site, PLACE, "b/secret.md");
        rename(&site, RULE, "a/interim.md.acl.yaml");
        site.folder(&["--delete-missing", "--yes"]).expect(3).says("refused b/secret.md: it had another name");
        assert!(secrets(&site).iter().all(|document| document.acl == before.acl));
    }
}

/// Where no directory has rules, any rule file keeps its document from the default.
#[test]
fn a_rule_file_that_takes_a_document_from_the_default_restricts_it() {
    let own = "viewers: [user:ann]\n";
    let site = Site::new(&[("x.md", "Secret."), ("x.md.acl.yaml", own), ("y.md", "y")]);
    let default = site.path("default.yaml");
    std::fs::write(&default, "viewers: [\"group:all#member\"]\n").unwrap();
    let default = ["--default-acl", default.to_str().unwrap(), "--delete-missing", "--yes"];
    site.folder(&default).expect(0);
    let before = secrets(&site).remove(0);
    let ways: &[fn(&Site)] = &[|site| rename(site, "x.md", "b.md"), |site| rename(site, "y.md", "x.md")];
    for change in ways {
        change(&site);
        site.folder(&default).expect(3).says("refused b.md: it");
        assert!(secrets(&site).iter().all(|document| document.acl == before.acl));
    }
    // Beside rules of its directory it only adds.
    let site = Site::new(&[RULES, ("x.md", "x"), ("x.md.acl.yaml", own)]);
    site.folder(&default).expect(0);
    rename(&site, "x.md", "b.md");
    site.folder(&default).expect(0).says("moved x.md to b.md").says("belongs to no document");
}
