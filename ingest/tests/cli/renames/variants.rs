//! What becomes of a restricted document, and what a run has to say of it.

use super::*;

pub struct Variant {
    pub name: &'static str,
    pub change: fn(&Site),
    pub code: i32,
    /// What a run says.
    pub says: &'static [&'static str],
    /// Whether the rule files still say that the part is restricted.
    pub closed: bool,
}

pub const VARIANTS: &[Variant] = &[
    Variant {
        name: "rule file left behind",
        change: |site| rename(site, "r.md", "q.md"),
        code: 3,
        says: &["refused q.md: it is r.md, which r.md.acl.yaml restricts", "rename the rule file to q.md.acl.yaml"],
        closed: true,
    },
    Variant {
        name: "rule file left behind, another folder",
        change: |site| rename(site, "r.md", "deep/q.md"),
        code: 3,
        says: &["refused deep/q.md: it is r.md, which r.md.acl.yaml restricts"],
        closed: true,
    },
    Variant {
        name: "rule file left behind, another beside the new name",
        change: |site| {
            rename(site, "r.md", "q.md");
            site.write("q.md.acl.yaml", "viewers: [user:new]\n");
        },
        code: 3,
        says: &["refused q.md"],
        closed: true,
    },
    Variant {
        name: "broken rule file left behind",
        change: |site| {
            rename(site, "r.md", "q.md");
            site.write("r.md.acl.yaml", "sections: [\n");
        },
        code: 3,
        says: &["refused q.md", "r.md.acl.yaml"],
        closed: true,
    },
    Variant {
        name: "rule file moved and broken",
        change: |site| {
            rename(site, "r.md", "q.md");
            remove(site, "r.md.acl.yaml");
            site.write("q.md.acl.yaml", "sections: [\n");
        },
        code: 3,
        says: &["refused q.md"],
        closed: true,
    },
    Variant {
        name: "rule file removed",
        change: |site| {
            rename(site, "r.md", "q.md");
            remove(site, "r.md.acl.yaml");
        },
        code: 0,
        says: &["moved r.md to q.md"],
        closed: false,
    },
    Variant {
        name: "rule file moved",
        change: |site| {
            rename(site, "r.md", "q.md");
            rename(site, "r.md.acl.yaml", "q.md.acl.yaml");
        },
        code: 0,
        says: &["moved r.md to q.md"],
        closed: true,
    },
    Variant {
        name: "rule file moved, other viewers",
        change: |site| {
            rename(site, "r.md", "q.md");
            remove(site, "r.md.acl.yaml");
            site.write("q.md.acl.yaml", OTHER_VIEWERS);
        },
        code: 0,
        says: &["moved r.md to q.md"],
        closed: true,
    },
    Variant {
        name: "rule file moved, section named",
        change: |site| {
            rename(site, "r.md", "q.md");
            remove(site, "r.md.acl.yaml");
            site.write("q.md.acl.yaml", NAMED_SECTION);
        },
        code: 0,
        says: &["moved r.md to q.md"],
        closed: true,
    },
    Variant {
        name: "read by another extractor",
        change: |site| {
            keep_hash(site, |d| format!("{}{:032}", &d.source_hash.as_ref().unwrap()[..32], 0));
            rename(site, "r.md", "q.md");
            rename(site, "r.md.acl.yaml", "q.md.acl.yaml");
        },
        code: 0,
        says: &["moved r.md to q.md"],
        closed: true,
    },
    Variant {
        name: "stored by a former release, rule file moved",
        change: |site| {
            keep_hash(site, |d| former_hash(d, TEXT));
            rename(site, "r.md", "q.md");
            rename(site, "r.md.acl.yaml", "q.md.acl.yaml");
        },
        code: 0,
        says: &["moved r.md to q.md"],
        closed: true,
    },
    Variant {
        name: "stored by a former release, rule file left behind",
        change: |site| {
            keep_hash(site, |d| former_hash(d, TEXT));
            rename(site, "r.md", "q.md");
        },
        code: 3,
        says: &["refused q.md: it is r.md, which r.md.acl.yaml restricts"],
        closed: true,
    },
    Variant {
        name: "two candidates, rule file left behind",
        change: |site| {
            rename(site, "r.md", "p.md");
            copy(site, "p.md", "q.md");
        },
        code: 3,
        says: &["refused p.md", "refused q.md"],
        closed: true,
    },
    Variant {
        name: "two candidates, rule file copied to both",
        change: |site| {
            rename(site, "r.md", "p.md");
            copy(site, "p.md", "q.md");
            copy(site, "r.md.acl.yaml", "q.md.acl.yaml");
            rename(site, "r.md.acl.yaml", "p.md.acl.yaml");
        },
        code: 0,
        says: &["moved r.md to p.md"],
        closed: true,
    },
    Variant {
        name: "two candidates, rule file removed",
        change: |site| {
            rename(site, "r.md", "p.md");
            copy(site, "p.md", "q.md");
            remove(site, "r.md.acl.yaml");
        },
        code: 0,
        says: &["moved r.md to p.md"],
        closed: false,
    },
    Variant {
        name: "another file at the old name",
        change: |site| {
            rename(site, "r.md", "q.md");
            site.write("r.md", OTHER);
        },
        code: 3,
        says: &["refused q.md: it has the content that r.md had, which r.md.acl.yaml restricts", "refused r.md"],
        closed: true,
    },
    Variant {
        name: "another file at the old name, rule file copied",
        change: |site| {
            rename(site, "r.md", "q.md");
            copy(site, "r.md.acl.yaml", "q.md.acl.yaml");
            site.write("r.md", OTHER);
        },
        code: 0,
        says: &["q.md has the content that r.md had: 1 bans written by hand come along"],
        closed: true,
    },
    Variant {
        name: "another file at the old name, once it was moved",
        change: |site| {
            rename(site, "r.md", "q.md");
            rename(site, "r.md.acl.yaml", "q.md.acl.yaml");
            site.folder(&[]).expect(0);
            site.write("r.md", OTHER);
        },
        code: 0,
        says: &["q.md has the content that r.md had: 1 bans written by hand come along"],
        closed: true,
    },
    Variant {
        name: "another case, rule file left behind",
        change: |site| rename(site, "r.md", "R.md"),
        code: 3,
        says: &["refused R.md"],
        closed: true,
    },
    Variant {
        name: "moved twice, rule file left at the place between",
        change: |site| {
            rename(site, "r.md", "q.md");
            rename(site, "r.md.acl.yaml", "q.md.acl.yaml");
            site.folder(&[]).expect(0);
            rename(site, "q.md", "t.md");
        },
        code: 3,
        says: &["refused t.md: it is q.md, which q.md.acl.yaml restricts"],
        closed: true,
    },
    Variant {
        name: "moved twice before a run, rule file left at the place between",
        change: |site| {
            rename(site, "r.md", "t.md");
            rename(site, "r.md.acl.yaml", "q.md.acl.yaml");
        },
        code: 3,
        says: &["refused t.md: it had another name, and q.md.acl.yaml restricts a document that is not there"],
        closed: true,
    },
    Variant {
        name: "moved twice before a run and copied, rule file left at the place between",
        change: |site| {
            rename(site, "r.md", "t.md");
            copy(site, "t.md", "u.md");
            rename(site, "r.md.acl.yaml", "q.md.acl.yaml");
        },
        code: 3,
        says: &["refused t.md: it had another name", "refused u.md: it had another name"],
        closed: true,
    },
    Variant {
        name: "rule file back at the old name",
        change: |site| {
            rename(site, "r.md", "q.md");
            rename(site, "r.md.acl.yaml", "q.md.acl.yaml");
            site.folder(&[]).expect(0);
            rename(site, "q.md.acl.yaml", "r.md.acl.yaml");
        },
        code: 3,
        says: &["refused q.md: it is r.md, which r.md.acl.yaml restricts"],
        closed: true,
    },
    Variant {
        name: "moved onto another document, rule file left behind",
        change: |site| rename(site, "r.md", "other.md"),
        code: 3,
        says: &[
            "refused other.md: it is r.md, which r.md.acl.yaml restricts",
            "rename the rule file to other.md.acl.yaml",
        ],
        closed: true,
    },
    Variant {
        name: "moved onto another document, stray rule file",
        change: |site| {
            rename(site, "r.md", "other.md");
            rename(site, "r.md.acl.yaml", "q.md.acl.yaml");
        },
        code: 3,
        says: &["refused other.md: it had another name, and q.md.acl.yaml restricts a document that is not there"],
        closed: true,
    },
    Variant {
        name: "moved onto another document with its rule file",
        change: |site| {
            rename(site, "r.md", "other.md");
            rename(site, "r.md.acl.yaml", "other.md.acl.yaml");
        },
        code: 0,
        says: &["other.md has the content that r.md had: 1 bans written by hand come along"],
        closed: true,
    },
    Variant {
        name: "two swap their names, rule file stays",
        change: |site| swap(site, "r.md", "other.md"),
        code: 3,
        says: &["refused other.md: it has the content that r.md had, which r.md.acl.yaml restricts", "refused r.md"],
        closed: true,
    },
    Variant {
        name: "two swap their names, with their rule files",
        change: |site| {
            swap(site, "r.md", "other.md");
            rename(site, "r.md.acl.yaml", "other.md.acl.yaml");
        },
        code: 0,
        says: &["other.md has the content that r.md had: 1 bans written by hand come along"],
        closed: true,
    },
    Variant {
        name: "two swap their names, both rule files stay",
        change: |site| {
            site.write("other.md", OTHER);
            site.write("other.md.acl.yaml", OTHER_VIEWERS);
            site.folder(&[]).expect(0);
            swap(site, "r.md", "other.md");
        },
        code: 3,
        says: &["refused other.md: it has the content that r.md had", "rename the rule files after their documents"],
        closed: true,
    },
    Variant {
        name: "two swap their names, both rule files follow",
        change: |site| {
            site.write("other.md", OTHER);
            site.write("other.md.acl.yaml", OTHER_VIEWERS);
            site.folder(&[]).expect(0);
            swap(site, "r.md", "other.md");
            swap(site, "r.md.acl.yaml", "other.md.acl.yaml");
        },
        code: 0,
        says: &["other.md has the content that r.md had: 1 bans written by hand come along"],
        closed: true,
    },
    Variant {
        name: "two with equal rule files swap their names",
        change: |site| {
            site.write("other.md", OTHER);
            site.write("other.md.acl.yaml", SIDECAR);
            site.folder(&[]).expect(0);
            swap(site, "r.md", "other.md");
        },
        code: 0,
        says: &["other.md has the content that r.md had: 1 bans written by hand come along"],
        closed: true,
    },
    Variant {
        name: "three names rotate, rule file stays",
        change: |site| {
            rename(site, "other.md", "z.md");
            rename(site, "r.md", "other.md");
            site.write("r.md", OTHER);
        },
        code: 3,
        says: &["refused other.md: it has the content that r.md had", "refused r.md", "1 created"],
        closed: true,
    },
    Variant {
        name: "a directory moved onto another one",
        change: |site| {
            site.write("b/r.md", "Nothing.");
            rename(site, "r.md", "a/r.md");
            rename(site, "r.md.acl.yaml", "a/r.md.acl.yaml");
            site.folder(&[]).expect(0);
            remove(site, "a/r.md.acl.yaml");
            site.write("b/r.md.acl.yaml", SIDECAR);
            rename(site, "a/r.md", "b/r.md");
        },
        code: 0,
        says: &["b/r.md has the content that r.md had: 1 bans written by hand come along"],
        closed: true,
    },
    Variant {
        name: "the service refuses it",
        change: |site| {
            rename(site, "r.md", "deep/q.md");
            rename(site, "r.md.acl.yaml", "deep/q.md.acl.yaml");
            site.stub.world().reject.insert("s/r.md".into(), "internal".into());
        },
        code: 2,
        says: &["failed deep/q.md"],
        closed: true,
    },
];
