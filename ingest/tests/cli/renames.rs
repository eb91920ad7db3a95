//! A rename loses no ban that somebody wrote by hand, and opens nothing that a rule file restricts.

use usher_base::wire::Document;

use crate::common::Site;

#[path = "renames/own.rs"]
mod own;
#[path = "renames/variants.rs"]
mod variants;

use variants::VARIANTS;

const KEPT: &str = "the version that is there stays, with its old rules";
const RULES: (&str, &str) = ("_.acl.yaml", "viewers: [\"group:all#member\"]\n");
const TEXT: &str = "# Report\n\nFor all.\n\n# Pay\n\nSecret.\n";
const OTHER: &str = "# Report\n\nAnother one.\n\n# Pay\n\nNothing yet.\n";
const SIDECAR: &str = "sections: [{heading: Pay, acl: {viewers: [\"group:payroll#member\"]}}]\n";
const OTHER_VIEWERS: &str = "sections: [{heading: Pay, acl: {viewers: [\"group:board#member\"]}}]\n";
const NAMED_SECTION: &str = "sections: [{id: pay, heading: Pay, acl: {viewers: [\"group:payroll#member\"]}}]\n";

/// `r.md` with a restricted part, from which rita is kept by hand.
fn site() -> Site {
    let site = Site::new(&[RULES, ("r.md", TEXT), ("r.md.acl.yaml", SIDECAR), ("other.md", "Other.")]);
    site.folder(&[]).expect(0).says("2 created");
    site.stub.world().add_tuple("user:rita", "blocked", "document:s/r.md");
    site
}

fn rename(site: &Site, from: &str, to: &str) {
    std::fs::create_dir_all(site.doc(to).parent().unwrap()).unwrap();
    std::fs::rename(site.doc(from), site.doc(to)).unwrap();
}

fn swap(site: &Site, a: &str, b: &str) {
    rename(site, a, "between");
    rename(site, b, a);
    rename(site, "between", b);
}

fn copy(site: &Site, from: &str, to: &str) {
    std::fs::copy(site.doc(from), site.doc(to)).unwrap();
}

fn remove(site: &Site, path: &str) {
    std::fs::remove_file(site.doc(path)).unwrap();
}

/// Documents with the text that is restricted.
fn secrets(site: &Site) -> Vec<Document> {
    let world = site.stub.world();
    let found: Vec<_> = world.documents.values().filter(|d| d.content.text.contains("Secret")).cloned().collect();
    assert!(!found.is_empty(), "the document is gone");
    found
}

fn is_banned(site: &Site, id: &str) -> bool {
    site.stub.world().tuple_lines().contains(&format!("user:rita blocked document:{id}"))
}

fn is_closed(document: &Document) -> bool {
    let at = document.content.text.find("Secret").unwrap();
    document.sections.iter().any(|section| section.span.is_some_and(|span| span.start <= at && at < span.end))
}

/// The hash that a release before this one kept.
fn former_hash(document: &Document, bytes: &str) -> String {
    let places = document.sections.iter().map(|s| format!(r#"{{"id":"{}","heading":"Pay","span":null}}"#, s.id));
    let places = format!("[{}]", places.collect::<Vec<_>>().join(","));
    let mut hasher = blake3::Hasher::new_derive_key("usher-ingest-extract-3");
    hasher.update(&(places.len() as u64).to_le_bytes()).update(places.as_bytes()).update(bytes.as_bytes());
    hasher.finalize().to_hex().to_string()
}

fn keep_hash(site: &Site, hash: impl Fn(&Document) -> String) {
    let mut world = site.stub.world();
    let document = world.documents.get_mut("s/r.md").unwrap();
    document.source_hash = Some(hash(document));
}

/// Name, what is done to the files, exit code.
type Way = (&'static str, fn(&Site), i32);

#[test]
fn no_rename_loses_a_ban_by_hand_or_opens_a_restricted_part() {
    for variant in VARIANTS {
        let site = site();
        (variant.change)(&site);
        // The second run knows what the first one left, the third has lost its record, and what is missing is deleted.
        for round in 0..3 {
            let all = ["--delete-missing", "--yes"];
            if round == 2 {
                std::fs::remove_dir_all(site.path("state")).unwrap();
            }
            let ran = site.folder(if round == 0 { &[] } else { &all });
            let told = format!("{}, round {round}\n{}\n{}", variant.name, ran.out, ran.err);
            assert_eq!(ran.code, variant.code, "{told}");
            if round == 0 {
                variant
                    .says
                    .iter()
                    .for_each(|text| assert!((ran.out.clone() + &ran.err).contains(text), "{text}: {told}"));
            }
            for document in secrets(&site) {
                assert!(is_banned(&site, &document.id), "{}: {told}", document.id);
                assert_eq!(is_closed(&document), variant.closed, "{}: {told}", document.id);
            }
        }
    }
}

/// A ban by hand follows the bytes onto a name that another document has, and so does a ban on a folder that is gone.
#[test]
fn bans_by_hand_follow_a_file_onto_the_name_of_another_document() {
    let texts = [("a/x.md", "Secret x."), ("a/y.md", "y"), ("b/x.md", "b"), ("keep.md", "keep")];
    let ways: [Way; 5] = [
        ("onto", |site| rename(site, "a/x.md", "a/y.md"), 0),
        ("swap", |site| swap(site, "a/x.md", "a/y.md"), 0),
        (
            "rotate",
            |site| {
                rename(site, "a/y.md", "a/z.md");
                rename(site, "a/x.md", "a/y.md");
                site.write("a/x.md", "new");
            },
            0,
        ),
        (
            "case",
            |site| {
                site.write("a/X.md", "other case");
                site.folder(&[]).expect(0);
                rename(site, "a/x.md", "a/X.md");
            },
            0,
        ),
        // The folder that is gone has a ban by hand.
        (
            "directory onto another one",
            |site| {
                site.stub.world().add_tuple("user:tom", "blocked", "folder:s/a");
                rename(site, "a/x.md", "b/x.md");
                remove(site, "a/y.md");
                std::fs::remove_dir(site.doc("a")).unwrap();
            },
            3,
        ),
    ];
    for (name, change, code) in ways {
        let site = Site::new(&[&[RULES][..], &texts].concat());
        site.folder(&[]).expect(0);
        site.stub.world().add_tuple("user:rita", "blocked", "document:s/a/x.md");
        change(&site);
        for _ in 0..2 {
            let ran = site.folder(&["--delete-missing", "--yes"]);
            assert_eq!(ran.code, code, "{name}\n{}\n{}", ran.out, ran.err);
            let found = secrets(&site);
            assert!(found.iter().all(|document| is_banned(&site, &document.id)), "{name} {found:?}");
            let banned = site.stub.world().tuple_lines().iter().filter(|line| line.contains("user:rita")).count();
            assert!(banned <= 2, "{name}: a ban goes no further than its text");
            let is_kept = found.iter().any(|document| document.id == "s/a/x.md");
            assert_eq!(is_kept, code == 3, "{name} {found:?}");
        }
    }
}

/// What `blocked` takes from a document goes along with it, whatever the name that it gets.
#[test]
fn a_restricted_document_stays_closed_on_the_name_of_another_document() {
    let site = Site::new(&[RULES, ("x.md", "Secret."), ("y.md", "y"), ("x.md.acl.yaml", "blocked: [user:ann]\n")]);
    site.folder(&[]).expect(0);
    let open = |site: &Site| {
        let blocked = |d: &Document| d.acl.as_ref().unwrap().blocked.iter().any(|b| format!("{b:?}").contains("ann"));
        secrets(site).iter().filter(|d| !blocked(d)).map(|d| d.id.clone()).collect::<Vec<_>>()
    };
    swap(&site, "x.md", "y.md");
    site.folder(&["--delete-missing", "--yes"]).expect(3).says("give y.md a rule file of its own");
    assert!(open(&site).is_empty());
    // A rule file that was there for another content is no word about this one.
    for rules in ["blocked: [user:bob]\n", "viewers: [user:cyd]\n"] {
        let site = Site::new(&[RULES, ("x.md", "Secret."), ("y.md", "y"), ("x.md.acl.yaml", "blocked: [user:ann]\n")]);
        site.write("y.md.acl.yaml", rules);
        site.folder(&[]).expect(0);
        swap(&site, "x.md", "y.md");
        site.folder(&[]).expect(3).says("and y.md.acl.yaml is that of the content before");
        assert!(open(&site).is_empty());
        // Written now, it is.
        for path in ["x.md.acl.yaml", "y.md.acl.yaml"] {
            site.write(path, "blocked: [user:ann, user:bob]\n");
        }
        site.folder(&[]).expect(0);
        assert!(open(&site).is_empty());
    }
}

/// A rule file whose document nobody knows holds back what it may be meant for, and nothing else.
#[test]
fn a_stray_rule_file_holds_back_only_what_it_may_be_meant_for() {
    let site = Site::new(&[RULES, ("a/x0.md", "x0"), ("a/x1.md", "x1"), ("c/y.txt", "y"), ("c/z.txt", "z")]);
    site.write("c/gone.txt.acl.yaml", "blocked: [user:eve]\n");
    site.folder(&[]).expect(3).says("4 created");
    rename(&site, "a", "aa");
    rename(&site, "c", "cc");
    let ran = site.folder(&["--delete-missing", "--yes"]).expect(3).says("4 rules updated, 1 rule files refused");
    assert!(!ran.err.contains("refused aa/"), "{}", ran.err);
    // One of the same directory and kind, by another name than before, may have had that name in between.
    rename(&site, "cc/z.txt", "cc/new.txt");

    rename(&site, "aa/x1.md", "aa/x2.md");
    let ran = site.folder(&["--delete-missing", "--yes"]).expect(3).says("refused cc/new.txt: it had another name");
    let ran = ran.says("moved aa/x1.md to aa/x2.md");
    assert!(!ran.out.contains("moved cc/z.txt"), "a refused one was not moved: {}", ran.out);
    remove(&site, "cc/gone.txt.acl.yaml");
    site.folder(&["--delete-missing", "--yes"]).expect(0).says("1 updated, 3 unchanged");
    assert_eq!(site.stub.world().documents["s/c/z.txt"].title.as_deref(), Some("new.txt"));
}

#[test]
fn a_rule_file_that_follows_its_document_ends_the_refusal() {
    for two in [false, true] {
        let site = site();
        rename(&site, "r.md", "q.md");
        if two {
            copy(&site, "q.md", "z.md");
        }
        site.folder(&[]).expect(3);
        if two {
            copy(&site, "r.md.acl.yaml", "z.md.acl.yaml");
        }
        rename(&site, "r.md.acl.yaml", "q.md.acl.yaml");
        site.folder(&[]).expect(0);
        let found = secrets(&site);
        assert!(found.iter().all(|d| is_closed(d) && is_banned(&site, &d.id)));
        assert_eq!(found.len(), if two { 2 } else { 1 });
    }
}

#[test]
fn a_copy_is_a_document_of_its_own() {
    let site = site();
    copy(&site, "r.md", "q.md");
    site.folder(&[]).expect(0).says("1 created");
    let of = |id: &str| site.stub.world().documents[id].clone();
    assert!(is_closed(&of("s/r.md")) && is_banned(&site, "s/r.md"));
    assert!(!is_closed(&of("s/q.md")) && !is_banned(&site, "s/q.md"));
}

#[test]
fn a_renamed_folder_and_another_unicode_form_keep_bans_and_parts() {
    let (nfc, nfd) = ("a/\u{e9}.md", "a/e\u{301}.md");
    let sidecar = |path: &str| format!("{path}.acl.yaml");
    let site = Site::new(&[RULES, (nfc, TEXT), (&sidecar(nfc), SIDECAR), ("a/b.md", "b"), ("other.md", "Other.")]);
    site.folder(&[]).expect(0);
    let object = format!("document:s/{nfc}");
    site.stub.world().add_tuple("user:rita", "blocked", &object);
    let check = |site: &Site| {
        let found = secrets(site);
        assert!(found.iter().all(is_closed) && found[0].id == format!("s/{nfc}") && found.len() == 1, "{found:?}");
    };
    rename(&site, "a", "c/d");
    site.folder(&["--delete-missing", "--yes"]).expect(0);
    check(&site);
    rename(&site, "c/d", "a");
    rename(&site, nfc, nfd);
    site.folder(&["--delete-missing", "--yes"]).expect(3).says("named otherwise");
    check(&site);
    rename(&site, &sidecar(nfc), &sidecar(nfd));
    site.folder(&["--delete-missing", "--yes"]).expect(0);
    check(&site);
}

#[test]
fn a_run_that_is_cut_off_at_any_place_loses_no_ban() {
    let ways: [fn(&Site); 6] = [
        |site| rename(site, "r.md", "other.md"),
        |site| {
            rename(site, "r.md", "other.md");
            rename(site, "r.md.acl.yaml", "other.md.acl.yaml");
        },
        |site| {
            swap(site, "r.md", "other.md");
            rename(site, "r.md.acl.yaml", "other.md.acl.yaml");
        },
        |site| {
            rename(site, "r.md", "q.md");
            rename(site, "r.md.acl.yaml", "q.md.acl.yaml");
        },
        |site| rename(site, "r.md", "q.md"),
        |site| {
            rename(site, "r.md", "q.md");
            copy(site, "r.md.acl.yaml", "q.md.acl.yaml");
            site.write("r.md", OTHER);
        },
    ];
    for (way, change) in ways.into_iter().enumerate() {
        for requests in 0..12 {
            let site = site();
            change(&site);
            site.clear_log();
            site.stub.world().fail_after = Some(requests);
            site.folder(&["--delete-missing", "--yes"]);
            site.stub.world().fail_after = None;
            for _ in 0..2 {
                for document in secrets(&site) {
                    assert!(is_banned(&site, &document.id) && is_closed(&document), "{way} {requests} {document:?}");
                }
                site.folder(&["--delete-missing", "--yes"]);
            }
        }
    }
}

#[test]
fn what_is_stored_by_a_former_release_is_read_once_more() {
    let site = site();
    keep_hash(&site, |d| former_hash(d, TEXT));
    site.clear_log();
    site.folder(&[]).expect(0).says("2 unchanged");
    assert_eq!(site.stub.world().writes(), ["POST /v1/documents"]);
    site.clear_log();
    site.folder(&[]).expect(0).says("2 unchanged");
    assert!(site.stub.world().writes().is_empty());
}

#[test]
fn a_key_that_may_not_read_bans_says_so() {
    let site = site();
    site.stub.world().hides_history = true;
    rename(&site, "r.md", "q.md");
    copy(&site, "r.md.acl.yaml", "q.md.acl.yaml");
    site.write("r.md", OTHER);
    site.folder(&[]).expect(2).says("bans that somebody wrote by hand for s/r.md may not bind q.md");
}

#[test]
fn rules_that_the_service_refuses_are_not_said_to_be_changed() {
    let site = Site::new(&[RULES, ("a.md", "text"), ("a.md.acl.yaml", "viewers: [user:ana]\n")]);
    site.folder(&[]).expect(0);
    site.write("a.md.acl.yaml", "viewers: [user:ana]\nblocked: [user:eve]\n");
    site.stub.world().reject.insert("s/a.md".into(), "acl_invalid".into());
    let ran = site.folder(&[]).expect(3).says("refused a.md: the service refused the rules (acl_invalid)").says(KEPT);
    assert!(!ran.out.contains("rules updated"), "{}", ran.out);
}

/// A folder that is renamed is another object: bans of rule files are written for it, those by hand are not.
#[test]
fn a_renamed_folder_waits_for_what_was_written_by_hand_for_it() {
    let dir = ("a/_.acl.yaml", "viewers: [\"group:all#member\"]\nblocked: [user:eve]\n");
    let site = Site::new(&[RULES, dir, ("a/sub/x.md", "x"), ("a/y.md", "y"), ("other.md", "Other.")]);
    site.folder(&[]).expect(0);
    rename(&site, "a", "b");
    site.folder(&["--delete-missing", "--yes"]).expect(0).says("2 rules updated");
    let parents = |id: &str| site.stub.world().documents[id].acl.as_ref().unwrap().parents.clone();
    assert_eq!(parents("s/a/y.md"), ["folder:s/b"]);

    site.stub.world().add_tuple("user:rita", "blocked", "folder:s/b");
    rename(&site, "b", "d");
    for _ in 0..2 {
        let ran = site.folder(&["--delete-missing", "--yes"]).expect(3);
        ran.says("refused d/sub/x.md: folder:s/b has bans that somebody wrote by hand (user:rita)")
            .says("refused d/y.md");
        assert_eq!(
            (parents("s/a/y.md"), parents("s/a/sub/x.md")),
            (vec!["folder:s/b".into()], vec!["folder:s/b/sub".into()])
        );
        let tuples = site.stub.world().tuple_lines();
        for kept in ["user:rita blocked folder:s/b", "user:eve blocked folder:s/b", "folder:s/b parent folder:s/b/sub"]
        {
            assert!(tuples.iter().any(|tuple| tuple == kept), "{kept} {tuples:?}");
        }
    }
    site.stub.world().add_tuple("user:rita", "blocked", "folder:s/d");
    site.stub.world().remove_tuple("user:rita", "blocked", "folder:s/b");
    site.folder(&["--delete-missing", "--yes"]).expect(0).says("2 rules updated");
    assert_eq!(parents("s/a/sub/x.md"), ["folder:s/d/sub"]);
    assert!(site.stub.world().tuple_lines().contains(&"user:eve blocked folder:s/d".to_owned()));
}

/// As where names that differ only in case are one: the second name is there to the system, and no document of the run.
#[test]
fn a_rule_file_with_another_name_of_the_same_file_refuses_it() {
    let site = Site::new(&[RULES, ("Report.md", TEXT), ("report.md.acl.yaml", SIDECAR)]);
    std::fs::hard_link(site.doc("Report.md"), site.doc("report.md")).unwrap();
    let ran = site.folder(&["--exclude", "report.md", "--hard-links", "Report.md"]).expect(3);
    ran.says("refused Report.md").says("named otherwise");
    assert!(site.stub.world().documents.is_empty());
}

/// A folder within the source without `--prefix`: every document is moved, none is missing, and all rules are others.
#[test]
fn a_folder_within_the_source_takes_no_rules_away_without_a_word() {
    let rules = ("_.acl.yaml", "viewers: [user:bob]\nblocked: [user:ann]\n");
    let site =
        Site::new(&[rules, ("aa/_.acl.yaml", "viewers: [\"group:all#member\"]\n"), ("aa/x.md", "x"), ("aa/y.md", "y")]);
    let state = site.path("st.json");
    let state = ["--state", state.to_str().unwrap()];
    site.folder(&state).expect(0);
    let before = site.stub.world().tuple_lines();
    let part = site.doc("aa");
    let named = ["folder", part.to_str().unwrap(), "--collection", "c", "--source", "s"];
    for more in [&[][..], &["--delete-missing"], &["--dry-run"]] {
        site.run(&[&named[..], &state, more].concat()).expect(4).says("last read from").says("--prefix");
        assert_eq!(site.stub.world().tuple_lines(), before);
    }
    site.folder(&state).expect(0).says("2 unchanged").says("0 written, 0 deleted");
    // The source as a whole in another place is no doubt.
    std::fs::rename(site.path("docs"), site.path("docs2")).unwrap();
    let whole = site.path("docs2");
    let named = ["folder", whole.to_str().unwrap(), "--collection", "c", "--source", "s"];
    site.run(&[&named[..], &state].concat()).expect(0).says("2 unchanged");
}

/// Labels and bans that the source's own rules gave a document are not somebody's, however the service spells them.
#[test]
fn only_what_somebody_wrote_by_hand_comes_along() {
    let site = Site::new(&[
        RULES,
        ("r.md", "Secret."),
        ("r.md.acl.yaml", "blocked: [user:Eve@x.org]\n"),
        ("other.md", "Other."),
    ]);
    site.folder(&[]).expect(0);
    let label = |label: &str| {
        let user = format!("classification:{label}");
        site.stub.world().add_tuple(&user, "classification", "document:s/r.md");
    };
    label("open");
    site.stub.world().add_tuple("user:eve%40x.org", "blocked", "document:s/r.md");
    rename(&site, "r.md", "q.md");
    rename(&site, "r.md.acl.yaml", "q.md.acl.yaml");
    site.write("r.md", OTHER);
    let before = site.stub.world().tuple_lines();
    let ran = site.folder(&[]).expect(0);
    assert!(!ran.out.contains("by hand"), "{}", ran.out);
    assert_eq!(site.stub.world().tuple_lines(), before);
    // Of what the rules don't say, all.
    label("secret");
    site.stub.world().add_tuple("user:Eve%40x.org", "blocked", "document:s/r.md");
    site.stub.world().add_tuple("user:rita", "blocked", "document:s/r.md");
    site.write("s.md", OTHER);
    site.write("r.md", "Yet another one.");
    site.folder(&[]).expect(0).says("s.md has the content that r.md had: 4 bans written by hand come along");
    let has = |line: &str| site.stub.world().tuple_lines().contains(&format!("{line} document:s/s.md"));
    assert!(has("classification:secret classification") && has("user:rita blocked"));
    assert!(!has("classification:open classification"));
}

/// Whatever refuses it, and whether anything is sent: the same word, the same code, and what became of the version held.
#[test]
fn a_document_that_is_refused_says_whether_its_old_version_stays() {
    let unknown = "viewers: [{principal: user:ann, condition: {name: no_such, context: {}}}]\n";
    let typo = "blocked: [ann]\n";
    for (rules, told) in [(unknown, "`no_such` is not defined"), (typo, "x.md.acl.yaml can't be used, see there")] {
        for is_held in [false, true] {
            let site = Site::new(&[RULES, ("x.md", "text")]);
            if is_held {
                site.write("x.md.acl.yaml", "viewers: [user:bob]\n");
                site.folder(&[]).expect(0);
            }
            site.write("x.md.acl.yaml", rules);
            for more in [&["--dry-run"][..], &[]] {
                let ran = site.folder(more).expect(3).says("refused x.md: ").says(told);
                assert_eq!(ran.err.contains(KEPT), is_held, "{}", ran.err);
                assert!(!ran.err.contains("failed x.md"), "{}", ran.err);
            }
        }
    }
}

/// What is refused under another document's name still carries the rules of its old place, which opens in the same run.
#[test]
fn the_old_place_of_a_refused_file_does_not_open() {
    let site = Site::new(&[
        RULES,
        ("a/_.acl.yaml", "inherit: false\nviewers: [user:ann]\n"),
        ("a/x.md", "Secret."),
        ("b/y.md", "y"),
    ]);
    site.write("a/x.md.acl.yaml", "blocked: [user:eve]\n");
    site.folder(&[]).expect(0);
    rename(&site, "a/x.md", "b/y.md");
    site.write("a/_.acl.yaml", "inherit: false\nviewers: [user:ann, user:new]\n");
    site.folder(&["--delete-missing", "--yes"]).expect(3).says("widen access were not written");
    assert!(!site.stub.world().tuple_lines().contains(&"user:new viewer folder:s/a".to_owned()));
}

/// The document of that name has a ban on the same person by hand, under a condition: the one that always holds counts.
#[test]
fn a_ban_by_hand_that_comes_along_meets_one_with_a_condition() {
    let site = Site::new(&[RULES, ("x.md", "Secret."), ("y.md", "y"), ("z.md", "z")]);
    site.folder(&[]).expect(0);
    site.stub.world().add_tuple("user:rita", "blocked", "document:s/x.md");
    let timed = r#"{"user":"user:rita","relation":"blocked","object":"document:s/y.md","condition":{"name":"during"}}"#;
    let timed: usher_base::wire::TupleKey = serde_json::from_str(timed).unwrap();
    site.stub.world().tuples.insert((timed.object.clone(), timed.relation.clone(), timed.user.clone()), timed);
    rename(&site, "x.md", "y.md");
    site.folder(&[]).expect(0).says("1 bans written by hand come along");
    let world = site.stub.world();
    let ban = world.tuples.values().find(|t| t.object == "document:s/y.md" && t.user == "user:rita").unwrap();
    assert!(ban.condition.is_none());
}

/// What a glob leaves out is not missing; but a file that came from there is no copy.
#[test]
fn a_file_that_came_from_where_a_glob_looks_away_keeps_its_bans() {
    for is_copy in [false, true] {
        let site = Site::new(&[RULES, ("a/x.md", "Secret."), ("b/y.md", "y")]);
        site.folder(&[]).expect(0);
        site.stub.world().add_tuple("user:rita", "blocked", "document:s/a/x.md");
        if is_copy {
            copy(&site, "a/x.md", "b/x.md");
        } else {
            rename(&site, "a/x.md", "b/x.md");
            site.write("a/z.md", "z");
        }
        for _ in 0..2 {
            site.folder(&["--exclude", "a"]).expect(0);
            assert!(is_banned(&site, "s/a/x.md"));
            assert_eq!(is_banned(&site, "s/b/x.md"), !is_copy);
        }
    }
}
