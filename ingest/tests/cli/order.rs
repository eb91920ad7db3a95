//! Somebody writes a rule and then the text that it restricts, while a run is under way that has read the rules before.

use std::fs;

use crate::common::Site;

const OPEN: &str = "viewers: [\"group:hr#member\"]\n";
const CLOSED: &str = "nobody: true\n";
const SECRET: &str = "SECRET";

fn site() -> Site {
    Site::new(&[
        ("_.acl.yaml", OPEN),
        ("zz/deep/z.md", "harmless z"),
        ("zz/deep/ruled.md", "harmless ruled"),
        ("zz/deep/ruled.md.acl.yaml", OPEN),
        ("zz/deep/y.md", "harmless y"),
        ("vault/_.acl.yaml", CLOSED),
        ("vault/z.md", SECRET),
        ("other/o.md", "harmless o"),
    ])
}

/// As an editor does, and as a sync does.
fn replace(site: &Site, rel: &str, text: &str) {
    site.write(".new", text);
    fs::rename(site.doc(".new"), site.doc(rel)).unwrap();
}

/// Whether the document's text is sent without being shut.
fn is_open(site: &Site, id: &str) -> bool {
    let world = site.stub.world();
    let is_shut = |acl: &usher_base::wire::Acl| acl.nobody;
    world.documents.get(id).is_some_and(|it| it.content.text == SECRET && !it.acl.as_ref().is_some_and(is_shut))
}

type Act = (&'static str, fn(&Site));

#[test]
fn what_is_written_after_its_rule_is_never_sent_without_it() {
    let acts: [Act; 14] = [
        ("own", |site| site.write("zz/deep/z.md.acl.yaml", CLOSED)),
        ("own, renamed into its place", |site| replace(site, "zz/deep/z.md.acl.yaml", CLOSED)),
        ("its directory's", |site| site.write("zz/deep/_.acl.yaml", CLOSED)),
        ("that of the directory above", |site| site.write("zz/_.acl.yaml", CLOSED)),
        ("the top one, in its place", |site| site.write("_.acl.yaml", CLOSED)),
        ("the top one, renamed into its place", |site| replace(site, "_.acl.yaml", CLOSED)),
        ("one of almost its name", |site| site.write("zz/deep/z.md.acl", CLOSED)),
        ("one of almost its directory's name", |site| site.write("zz/deep/_acl.yaml", CLOSED)),
        ("one of almost the name of the directory above", |site| site.write("zz/.acl.yaml", CLOSED)),
        ("one beside its directory", |site| site.write("zz/deep.acl.yaml", CLOSED)),
        ("almost one beside the directory above", |site| site.write("ZZ.acl.yml", CLOSED)),
        ("one named after its directory", |site| site.write("zz/deep/deep.acl.yaml", CLOSED)),
        ("one that is a link", |site| std::os::unix::fs::symlink("y.md", site.doc("zz/deep/z.md.acl.yaml")).unwrap()),
        ("that of another directory", |site| {
            fs::rename(site.doc("zz/deep"), site.doc("zz/was")).unwrap();
            fs::rename(site.doc("vault"), site.doc("zz/deep")).unwrap();
        }),
    ];
    for (name, act) in acts {
        for held in [false, true] {
            let site = site();
            if held {
                site.folder(&[]).expect(0);
                // What is written before any text.
                site.write("other/_.acl.yaml", "blocked: [user:eve]\n");
            }
            let ran = site.folder_meanwhile(&[], || {
                act(&site);
                replace(&site, "zz/deep/z.md", SECRET);
            });
            assert!(!is_open(&site, "s/zz/deep/z.md"), "{name}: {}", ran.err);
            ran.expect(2).says("failed zz/deep/z.md: ").says("has changed since this run read the rules");
            site.folder(&[]);
            assert!(!is_open(&site, "s/zz/deep/z.md"), "{name}");
        }
    }
}

#[test]
fn rules_of_others_and_files_that_are_only_touched_hold_nothing_up() {
    let acts: [Act; 7] = [
        ("another document", |site| site.write("zz/deep/new.md", "new")),
        ("another document's rules", |site| site.write("zz/deep/y.txt.acl.yaml", CLOSED)),
        ("another directory's", |site| site.write("other/_.acl.yaml", CLOSED)),
        ("touched", |site| {
            fs::File::open(site.doc("_.acl.yaml")).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap()
        }),
        ("written again", |site| replace(site, "_.acl.yaml", OPEN)),
        ("what an editor leaves", |site| site.write("._.acl.yaml.swp", CLOSED)),
        ("what an editor leaves beside its own", |site| site.write("zz/deep/ruled.md.acl.yaml~", CLOSED)),
    ];
    for (name, act) in acts {
        let site = site();
        let ran = site.folder_meanwhile(&[], || {
            act(&site);
            replace(&site, "zz/deep/z.md", SECRET);
            replace(&site, "zz/deep/ruled.md", SECRET);
        });
        assert!(!ran.err.contains("failed zz/deep/"), "{name}: {}", ran.err);
        assert!(is_open(&site, "s/zz/deep/z.md") && is_open(&site, "s/zz/deep/ruled.md"), "{name}: {}", ran.err);
    }
}

#[test]
fn what_is_written_after_its_manifest_is_never_sent_with_an_older_one() {
    // The first batch is on its way while the last file is not read yet.
    let line = |n: u32, rules: &str| {
        format!("{{\"id\":\"s/f{n}\",\"collection\":\"c\",\"path\":\"f{n}.txt\",\"acl\":{{{rules}}}}}\n")
    };
    let open = "\"viewers\":[\"user:ana\"]";
    let lines: String = (0..300).map(|n| line(n, open)).collect();
    let site = Site::new(&[("list.jsonl", &lines)]);
    (0..300).for_each(|n| site.write(&format!("f{n}.txt"), format!("text {n}")));
    let list = site.doc("list.jsonl");
    let ran = site.run_meanwhile(&["manifest", list.to_str().unwrap(), "--jobs", "1"], || {
        let shut = lines.replace(&line(299, open), &line(299, "\"nobody\":true"));
        replace(&site, "list.jsonl", &shut);
        replace(&site, "f299.txt", SECRET);
    });
    ran.expect(2).says("line 300 (s/f299): the manifest has changed since this run read it");
    assert!(!is_open(&site, "s/f299"));
    site.run(&["manifest", list.to_str().unwrap()]).expect(0);
    let world = site.stub.world();
    assert!(world.documents["s/f299"].acl.as_ref().unwrap().nobody && world.documents.len() == 300);
}
