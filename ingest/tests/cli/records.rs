//! Records of a file as documents of their own.

use std::collections::BTreeSet;

use crate::common::{Ran, Site};

const RULES: &str = "viewers: [\"group:hr#member\"]\n";
const SHAPE: &str =
    "- files: \"*.jsonl\"\n  id: key\n  title: name\n  text: \"{name}: {body}\"\n  metadata: {year: at.year}\n";

fn site(lines: &str) -> Site {
    let site = Site::new(&[("_.acl.yaml", RULES), ("a/list.jsonl", lines), ("plain.md", "# Plain\n\ntext\n")]);
    std::fs::write(site.path("records.yaml"), SHAPE).unwrap();
    site
}

fn run(site: &Site, more: &[&str]) -> Ran {
    let records = site.path("records.yaml");
    let all: Vec<&str> = ["--records", records.to_str().unwrap()].into_iter().chain(more.iter().copied()).collect();
    site.folder(&all)
}

fn line(key: &str, name: &str) -> String {
    format!("{{\"key\": \"{key}\", \"name\": \"{name}\", \"body\": \"caf\\u00e9\", \"at\": {{\"year\": 2024}}}}\n")
}

fn ids(site: &Site) -> BTreeSet<String> {
    site.stub.world().documents.keys().cloned().collect()
}

fn set(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

#[test]
fn each_record_is_a_document_and_only_what_changed_is_sent() {
    let site = site(&[line("x", "One"), line("y", "Two"), line("z", "Three")].concat());
    run(&site, &[]).expect(0).says("sent: 4 documents, 4 chunks");
    assert_eq!(ids(&site), set(&["s/a/list.jsonl//x", "s/a/list.jsonl//y", "s/a/list.jsonl//z", "s/plain.md"]));
    {
        let world = site.stub.world();
        let doc = &world.documents["s/a/list.jsonl//x"];
        assert_eq!((doc.title.as_deref(), doc.content.text.as_str()), (Some("One"), "One: café"));
        assert_eq!(doc.metadata["year"], 2024);
        assert_eq!(doc.acl.as_ref().unwrap().parents, ["folder:s/a"]);
    }
    site.clear_log();
    run(&site, &[]).expect(0).says("sent: 0 documents");
    // One is another now, one is gone; the order says nothing.
    site.write("a/list.jsonl", [line("z", "Three"), line("x", "Once")].concat());
    run(&site, &[]).expect(0).says("1 updated").says("1 missing");
    run(&site, &["--delete-missing", "--yes"]).expect(0).says("1 deleted");
    assert_eq!(ids(&site), set(&["s/a/list.jsonl//x", "s/a/list.jsonl//z", "s/plain.md"]));
    // Another shape is another text of each.
    std::fs::write(site.path("records.yaml"), SHAPE.replace("{name}: ", "")).unwrap();
    run(&site, &[]).expect(0).says("2 updated");
    // New rules of the file are those of each record.
    site.write("a/list.jsonl.acl.yaml", "blocked: [user:eve]\n");
    run(&site, &[]).expect(0).says("2 rules updated");
    assert!(
        site.stub
            .world()
            .documents
            .values()
            .filter(|doc| doc.id.contains("//"))
            .all(|doc| { doc.acl.as_ref().unwrap().blocked.len() == 1 })
    );
}

#[test]
fn a_bad_record_loses_nothing_else() {
    let site = site(&[line("x", "One"), line("y", "Two")].concat());
    run(&site, &[]).expect(0);
    // The record that can't be read may be `y`: it stays, also where what is missing is deleted.
    site.write("a/list.jsonl", [line("x", "Once"), "{\"key\": \"y\"\n".into(), line("v", "New")].concat());
    let ran = run(&site, &["--delete-missing", "--yes"]).expect(2);
    let ran =
        ran.says("failed a/list.jsonl line 2: not valid JSON").says("1 created, 1 updated, 1 unchanged, 1 failed");
    drop(ran);
    assert!(ids(&site).contains("s/a/list.jsonl//y"));
    // One whose id is known stays for itself.
    site.write("a/list.jsonl", [line("x", "Once"), line("y", "A"), line("y", "B")].concat());
    run(&site, &["--delete-missing", "--yes"]).expect(2).says("has the same id `y`").says("1 deleted");
    assert_eq!(ids(&site), set(&["s/a/list.jsonl//x", "s/a/list.jsonl//y", "s/plain.md"]));
    // A file that is no list any more takes no document away, and its rules hold all the same.
    site.write("a/list.jsonl.acl.yaml", "nobody: true\n");
    std::fs::write(site.path("records.yaml"), SHAPE.replace("id: key", "id: {a: b}")).unwrap();
    run(&site, &[]).expect(1);
    std::fs::write(site.path("records.yaml"), SHAPE.replace("*.jsonl", "*")).unwrap();
    let ran = run(&site, &["--delete-missing", "--yes"]).expect(2).says("plain.md: text/markdown holds no records");
    drop(ran.says("1 rules updated"));
    let is_quarantined = |id: &str| site.stub.world().documents[id].acl.as_ref().unwrap().nobody;
    assert!(is_quarantined("s/a/list.jsonl//x") && is_quarantined("s/a/list.jsonl//y"));
    site.write("a/list.jsonl", "# no list\n");
    site.write("a/list.jsonl.acl.yaml", "blocked: [user:eve]\n");
    std::fs::write(site.path("records.yaml"), SHAPE).unwrap();
    let ran = run(&site, &["--delete-missing", "--yes"]).expect(2).says("line 1: not valid JSON");
    drop(ran.says("2 rules updated"));
    let bans = |id: &str| site.stub.world().documents[id].acl.as_ref().unwrap().blocked.len();
    assert_eq!((bans("s/a/list.jsonl//x"), bans("s/a/list.jsonl//y")), (1, 1));
    site.write("a/list.jsonl.acl.yaml", "sections: [{heading: One, acl: {nobody: true}}]\n");
    run(&site, &["--delete-missing", "--yes"]).expect(3).says("`sections` are parts of one document");
    assert_eq!(ids(&site), set(&["s/a/list.jsonl//x", "s/a/list.jsonl//y", "s/plain.md"]));
}

/// Whoever was kept by hand from a record, or from the file that it is in, is kept from what that becomes.
#[test]
fn bans_written_by_hand_come_along() {
    let lines = [line("x", "One"), line("y", "Two")].concat();
    let site = site(&lines);
    let blocked = |site: &Site| -> Vec<String> {
        site.stub.world().tuple_lines().into_iter().filter(|line| line.contains(" blocked document:")).collect()
    };
    // From one document to many.
    site.folder(&[]).expect(0);
    site.stub.world().add_tuple("user:eve", "blocked", "document:s/a/list.jsonl");
    run(&site, &[]).expect(0);
    for id in ["x", "y"] {
        assert!(
            blocked(&site).contains(&format!("user:eve blocked document:s/a/list.jsonl//{id}")),
            "{:?}",
            blocked(&site)
        );
    }
    run(&site, &["--delete-missing", "--yes"]).expect(0);
    assert_eq!(ids(&site), set(&["s/a/list.jsonl//x", "s/a/list.jsonl//y", "s/plain.md"]));
    // The file has another name: the records stay what they are.
    std::fs::rename(site.doc("a/list.jsonl"), site.doc("a/other.jsonl")).unwrap();
    run(&site, &["--delete-missing", "--yes"]).expect(0).says("it stays the document s/a/list.jsonl//x");
    assert_eq!(ids(&site), set(&["s/a/list.jsonl//x", "s/a/list.jsonl//y", "s/plain.md"]));
    // From many to one.
    site.stub.world().add_tuple("user:mal", "blocked", "document:s/a/list.jsonl//y");
    site.folder(&[]).expect(0);
    for user in ["eve", "mal"] {
        assert!(
            blocked(&site).contains(&format!("user:{user} blocked document:s/a/other.jsonl")),
            "{:?}",
            blocked(&site)
        );
    }
}

#[test]
fn bans_come_along_where_a_file_is_divided_and_moved_at_once() {
    let site = site(&[line("x", "One"), line("y", "Two")].concat());
    site.folder(&[]).expect(0);
    site.stub.world().add_tuple("user:eve", "blocked", "document:s/a/list.jsonl");
    std::fs::rename(site.doc("a/list.jsonl"), site.doc("a/other.jsonl")).unwrap();
    run(&site, &["--delete-missing", "--yes"]).expect(0);
    assert_eq!(ids(&site), set(&["s/a/other.jsonl//x", "s/a/other.jsonl//y", "s/plain.md"]));
    let lines = site.stub.world().tuple_lines();
    for id in ["x", "y"] {
        assert!(lines.contains(&format!("user:eve blocked document:s/a/other.jsonl//{id}")), "{lines:?}");
    }
}

/// A file that leaves the glob of `--records`, and one that comes into it, with a rule file that stays behind.
#[test]
fn what_restricts_records_holds_where_they_become_one_document_elsewhere() {
    let lines = [line("x", "One"), line("y", "Two")].concat();
    for (first, moved, wanted) in [
        ("- files: \"a/*.jsonl\"\n  id: key\n", "b/list.jsonl", vec!["s/a/list.jsonl//x", "s/a/list.jsonl//y"]),
        ("- files: \"b/*.jsonl\"\n  id: key\n", "b/list.jsonl", vec!["s/a/list.jsonl"]),
    ] {
        let site = site(&lines);
        site.write("a/list.jsonl.acl.yaml", "blocked: [user:eve]\n");
        site.write("b/stays.md", "text");
        std::fs::write(site.path("records.yaml"), first).unwrap();
        run(&site, &[]).expect(0);
        std::fs::rename(site.doc("a/list.jsonl"), site.doc(moved)).unwrap();
        let ran = run(&site, &["--delete-missing", "--yes"]).expect(3);
        drop(ran.says("rename the rule file to b/list.jsonl.acl.yaml"));
        let held: BTreeSet<String> = ids(&site).into_iter().filter(|id| id.contains("list")).collect();
        assert_eq!(held, set(&wanted));
        std::fs::remove_file(site.doc("a/list.jsonl.acl.yaml")).unwrap();
        let of = |id: &str| format!("document:{id}");
        site.stub.world().add_tuple("user:mal", "blocked", &of(wanted.last().unwrap()));
        run(&site, &["--delete-missing", "--yes"]).expect(0);
        let lines = site.stub.world().tuple_lines();
        let held: BTreeSet<String> = ids(&site).into_iter().filter(|id| id.contains("list")).collect();
        for id in &held {
            assert!(lines.contains(&format!("user:mal blocked {}", of(id))), "{id}: {lines:?}");
        }
        assert!(held.iter().all(|id| id.starts_with("s/b/list.jsonl")), "{held:?}");
    }
}

#[test]
fn a_rule_file_that_stays_behind_holds_all_records() {
    let site = site(&[line("x", "One"), line("y", "Two")].concat());
    site.write("a/list.jsonl.acl.yaml", "blocked: [user:eve]\n");
    run(&site, &[]).expect(0);
    std::fs::rename(site.doc("a/list.jsonl"), site.doc("a/other.jsonl")).unwrap();
    let ran = run(&site, &["--delete-missing", "--yes"]).expect(3);
    drop(ran.says("rename the rule file to a/other.jsonl.acl.yaml").says("2 refused"));
    assert!(
        site.stub
            .world()
            .documents
            .values()
            .filter(|doc| doc.id.contains("//"))
            .all(|doc| { doc.acl.as_ref().unwrap().blocked.len() == 1 })
    );
    std::fs::rename(site.doc("a/list.jsonl.acl.yaml"), site.doc("a/other.jsonl.acl.yaml")).unwrap();
    run(&site, &["--delete-missing", "--yes"]).expect(0);
    assert_eq!(ids(&site), set(&["s/a/list.jsonl//x", "s/a/list.jsonl//y", "s/plain.md"]));
}

#[test]
fn messages_of_a_mailbox_are_documents_with_their_attachments() {
    let mail = |id: &str, text: &str| {
        format!(
            "From a@x Fri May  3 10:00:00 2024\nMessage-ID: <{id}@x>\nSubject: {id}\nFrom: a@x\nMIME-Version: 1.0\n\
             Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: text/plain\n\n{text}\n\
             --m\nContent-Type: text/csv; name=list.csv\nContent-Disposition: attachment; filename=list.csv\n\nName,Price\nOak,7\n--m--\n\n"
        )
    };
    let site =
        Site::new(&[("_.acl.yaml", RULES), ("all.mbox", &[mail("one", "first"), mail("two", "second")].concat())]);
    std::fs::write(site.path("records.yaml"), "- files: \"*.mbox\"\n").unwrap();
    run(&site, &[]).expect(0).says("2 created");
    assert_eq!(ids(&site), set(&["s/all.mbox//one@x", "s/all.mbox//two@x"]));
    {
        let world = site.stub.world();
        let doc = &world.documents["s/all.mbox//one@x"];
        assert!(
            doc.content.text.contains("## Attachment: list.csv\n\nName | Price\n\nOak | 7"),
            "{}",
            doc.content.text
        );
        assert_eq!((doc.title.as_deref(), &doc.metadata["attachments"][0]), (Some("one"), &"list.csv".into()));
    }
    site.write("all.mbox", [mail("two", "second"), mail("three", "third")].concat());
    run(&site, &["--delete-missing", "--yes"]).expect(0).says("1 created, 1 unchanged, 1 deleted");
}

#[test]
fn mistakes_of_the_operator_are_told() {
    let site = site(&line("x", "One"));
    for (text, wanted) in [
        ("- files: \"*.jsonl\"\n  id: key\n  name: x\n", "there is no key `name`"),
        ("- files: \"*.jsonl\"\n  id: key\n  text: \"{a\"\n", "`text`: a brace without its other one"),
        ("- files: \"[\"\n", "the entry of `[`"),
        ("files: x\n", "records.yaml"),
    ] {
        std::fs::write(site.path("records.yaml"), text).unwrap();
        run(&site, &[]).expect(1).says(wanted);
    }
    std::fs::write(site.path("records.yaml"), "- files: \"*.nothing\"\n  id: key\n- files: \"*.jsonl\"\n").unwrap();
    run(&site, &[])
        .expect(2)
        .says("--records *.nothing: no file matches")
        .says("no `id` says which field tells records apart");
}
