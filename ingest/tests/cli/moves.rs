//! Files that were moved stay the documents that they were; one run at a time has a state file.

use std::process::Stdio;
use std::time::{Duration, Instant};

use usher_base::wire::AclEntry;

use crate::common::{Site, program};

const OPEN: (&str, &str) = ("open/_.acl.yaml", "viewers: [\"group:all#member\"]\n");
const CLOSED: (&str, &str) = ("closed/_.acl.yaml", "inherit: false\nviewers: [\"group:board#member\"]\n");

fn site() -> Site {
    let site = Site::new(&[OPEN, CLOSED, ("open/plan.md", "# Plan\n\nBuild it."), ("open/note.txt", "A note.")]);
    site.folder(&[]).expect(0).says("2 created");
    site.clear_log();
    site
}

fn rename(site: &Site, from: &str, to: &str) {
    std::fs::create_dir_all(site.doc(to).parent().unwrap()).unwrap();
    std::fs::rename(site.doc(from), site.doc(to)).unwrap();
}

fn ids(site: &Site) -> Vec<String> {
    site.stub.world().documents.keys().cloned().collect()
}

fn parents(site: &Site, id: &str) -> Vec<String> {
    site.stub.world().documents[id].acl.as_ref().unwrap().parents.clone()
}

#[test]
fn a_moved_file_keeps_its_id_and_takes_the_rules_of_its_new_place() {
    let site = site();
    rename(&site, "open/plan.md", "closed/plan.md");
    let dry = site.folder(&["--dry-run"]).expect(0).says("moved open/plan.md to closed/plan.md");
    assert!(!dry.out.contains("missing"), "{}", dry.out);
    assert_eq!(parents(&site, "s/open/plan.md"), ["folder:s/open"]);
    let ran = site.folder(&["--delete-missing", "--yes"]).expect(0).says("1 rules updated, 1 unchanged");
    assert!(!ran.out.contains("deleted s/") && !ran.out.contains("missing"), "{}", ran.out);
    assert_eq!(ids(&site), ["s/open/note.txt", "s/open/plan.md"]);
    assert_eq!(parents(&site, "s/open/plan.md"), ["folder:s/closed"]);

    // The next runs know it: unchanged, changed, moved again, moved back.
    site.folder(&[]).expect(0).says("2 unchanged");
    site.write("closed/plan.md", "# Plan\n\nBuild it twice.");
    site.folder(&[]).expect(0).says("1 updated, 1 unchanged");
    rename(&site, "closed/plan.md", "open/sub/later.md");
    site.folder(&[]).expect(0).says("moved closed/plan.md to open/sub/later.md");
    assert_eq!(parents(&site, "s/open/plan.md"), ["folder:s/open/sub"]);
    rename(&site, "open/sub/later.md", "open/plan.md");
    site.folder(&[]).expect(0);
    assert_eq!((ids(&site).len(), parents(&site, "s/open/plan.md")), (2, vec!["folder:s/open".to_owned()]));

    // A title that comes from the file's name follows it.
    rename(&site, "open/note.txt", "open/minutes.txt");
    site.folder(&[]).expect(0).says("1 updated");
    assert_eq!(site.stub.world().documents["s/open/note.txt"].title.as_deref(), Some("minutes.txt"));
    // Gone for good, it is missing like any other.
    std::fs::remove_file(site.doc("open/minutes.txt")).unwrap();
    site.folder(&[]).expect(0).says("missing s/open/note.txt: still searchable");
    site.folder(&["--delete-missing", "--yes"]).expect(0).says("deleted s/open/note.txt");
    assert_eq!(ids(&site), ["s/open/plan.md"]);
}

#[test]
fn a_move_is_found_again_where_the_state_is_lost_and_undone_where_the_old_place_is_taken() {
    let site = site();
    rename(&site, "open/plan.md", "closed/plan.md");
    site.folder(&[]).expect(0);
    std::fs::remove_dir_all(site.path("state")).unwrap();
    site.folder(&[]).expect(0).says("moved open/plan.md to closed/plan.md").says("2 unchanged");
    assert_eq!(ids(&site).len(), 2);

    // Another file at the old place: there the path decides, and the moved file is a document of its own.
    site.write("open/plan.md", "# Plan\n\nAnother one.");
    site.folder(&[]).expect(0).says("1 created, 1 updated");
    assert_eq!(ids(&site), ["s/closed/plan.md", "s/open/note.txt", "s/open/plan.md"]);
    assert_eq!(parents(&site, "s/open/plan.md"), ["folder:s/open"]);
    assert_eq!(parents(&site, "s/closed/plan.md"), ["folder:s/closed"]);
    assert!(site.stub.world().documents["s/open/plan.md"].content.text.contains("Another one"));
}

#[test]
fn a_file_that_no_rule_reaches_at_its_new_place_stays_missing_at_its_old_one() {
    let site = site();
    rename(&site, "open/plan.md", "bare/plan.md");
    let ran = site.folder(&[]).expect(3).says("refused bare/plan.md").says("missing s/open/plan.md: still searchable");
    assert!(!ran.out.contains("moved"), "{}", ran.out);
    site.folder(&["--delete-missing", "--yes"]).expect(3).says("deleted s/open/plan.md");
    assert_eq!(ids(&site), ["s/open/note.txt"]);
}

/// The old place opens in the run in which a document leaves it: nothing widens before the document has left.
#[test]
fn a_place_that_opens_while_a_document_leaves_it_waits_for_the_document() {
    let site = Site::new(&[CLOSED, OPEN, ("closed/pay.md", "# Pay\n\nSecret."), ("closed/x.md", "x")]);
    site.folder(&[]).expect(0);
    let board = "inherit: false\nviewers: [\"group:board#member\"]\n";
    site.write("vault/_.acl.yaml", board);
    rename(&site, "closed/pay.md", "vault/pay.md");
    site.write("closed/_.acl.yaml", "inherit: false\nviewers: [\"group:board#member\", user:new]\n");
    site.stub.world().reject.insert("s/closed/pay.md".into(), "internal".into());
    site.folder(&[]).expect(2).says("widen access were not written");
    let opened = || site.stub.world().tuple_lines().contains(&"user:new viewer folder:s/closed".to_owned());
    assert!(!opened(), "the document still carries the rules of that place");
    site.stub.world().reject.clear();
    site.folder(&[]).expect(0);
    assert!(opened());
    assert_eq!(parents(&site, "s/closed/pay.md"), ["folder:s/vault"]);
    let acl = site.stub.world().documents["s/closed/pay.md"].acl.clone().unwrap();
    assert!(!acl.viewers.contains(&AclEntry::Plain("user:new".into())));
}

#[test]
fn two_runs_on_one_state_file_are_refused() {
    let site = site();
    let docs = site.path("docs");
    let server = format!("http://{}", site.stub.address);
    let named = ["folder", docs.to_str().unwrap(), "--collection", "c", "--source", "s", "--server", &server];
    // The first run waits for an answer while it has the file.
    site.stub.world().hold = true;
    site.write("open/new.md", "new");
    let mut first = program()
        .args(named)
        .env("USHER_KEY", "ush_test")
        .env("XDG_STATE_HOME", site.path("state"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while !site.stub.world().is_held {
        assert!(Instant::now() < until, "the first run asked nothing");
        std::thread::sleep(Duration::from_millis(10));
    }
    let second = site.folder(&[]).expect(1).says("in use by another usher-ingest").says("--state");
    assert_eq!(second.err.lines().filter(|line| line.contains("in use")).count(), 1, "{}", second.err);
    let people = site.path("people.csv");
    std::fs::write(&people, "kind,id,name,groups\n,1,Ana,hr\n").unwrap();
    let same = site.path("one-state.json");
    site.stub.world().hold = false;
    assert!(first.wait().unwrap().success());
    site.folder(&[]).expect(0);

    // One file named by hand for two things is refused as well, as long as both run; one after the other is not.
    let lock = std::fs::File::create(site.path("one-state.json.lock")).unwrap();
    lock.lock().unwrap();
    let args = ["people", people.to_str().unwrap(), "--state", same.to_str().unwrap(), "--skip-empty-groups"];
    site.run(&args).expect(1).says("in use by another usher-ingest");
    site.run(&[&args[..], &["--dry-run"]].concat()).expect(0);
    drop(lock);
    site.run(&args).expect(0);
}
