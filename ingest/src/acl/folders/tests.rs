use super::*;
use crate::acl::rules::Broken;

fn rules(dirs: &[(&str, &str)]) -> Rules {
    let one = |(p, t): &(&str, &str)| {
        ((*p).to_owned(), RuleFile::parse(t.as_bytes(), true, false).map_err(|_| Broken { file: (*p).to_owned() }))
    };
    Rules { dirs: dirs.iter().map(one).collect(), ..Rules::default() }
}

fn tree(prefix: &str) -> Tree {
    Tree { source: "s".into(), prefix: prefix.into(), collection: "c".into() }
}

fn shown(set: &TupleSet) -> Vec<String> {
    set.iter().map(|t| format!("{} {} {}", t.user, t.relation, t.object)).collect()
}

#[test]
fn directories_become_folders_with_parents_and_grants() {
    let rules = rules(&[
        ("", "viewers: [\"group:hr#member\"]"),
        ("a/b", "inherit: false\neditors: [user:ed]\nblocked: [user:eve]"),
    ]);
    let wanted = tree("").desired(&BTreeSet::from(["a/b"]), Some(&rules));
    assert_eq!(
        shown(&wanted),
        [
            "collection:c parent folder:s",
            "group:hr#member viewer folder:s",
            "folder:s inherits folder:s/a",
            "folder:s parent folder:s/a",
            "user:eve blocked folder:s/a/b",
            "user:ed editor folder:s/a/b",
            "folder:s/a parent folder:s/a/b",
        ]
    );
}

#[test]
fn the_top_takes_grants_of_the_collection_only_when_it_says_so() {
    let asks = tree("").desired(&BTreeSet::from([""]), Some(&rules(&[("", "inherit: true")])));
    assert_eq!(shown(&asks), ["collection:c inherits folder:s", "collection:c parent folder:s"]);
    let silent = tree("").desired(&BTreeSet::from([""]), Some(&rules(&[])));
    assert_eq!(shown(&silent), ["collection:c parent folder:s"]);
}

#[test]
fn a_prefix_hangs_the_folder_below_its_source() {
    let tree = tree("p/q");
    assert_eq!(tree.document("x.md"), "s/p/q/x.md");
    let wanted = tree.desired(&BTreeSet::from(["d"]), Some(&rules(&[("", "viewers: [user:a]")])));
    assert_eq!(
        shown(&wanted),
        [
            "collection:c parent folder:s",
            "folder:s parent folder:s/p",
            "folder:s/p parent folder:s/p/q",
            "user:a viewer folder:s/p/q",
            "folder:s/p/q inherits folder:s/p/q/d",
            "folder:s/p/q parent folder:s/p/q/d",
        ]
    );
    assert!(tree.owns("folder:s/p/q") && tree.owns("folder:s/p/q/d"));
    assert!(!tree.owns("folder:s/p") && !tree.owns("folder:s/p/qq"));
    assert_eq!(tree.levels("d"), 5);
}

#[test]
fn conjunctions_are_chained_clauses_named_by_content() {
    let rules = rules(&[("", "all_of: [[user:a, user:b], [\"group:g#member\"], [\"group:h#member\"]]")]);
    let wanted = tree("").desired(&BTreeSet::from([""]), Some(&rules));
    let clauses: BTreeSet<_> = wanted.iter().filter(|t| is_clause(t)).map(|t| t.object.clone()).collect();
    assert_eq!(clauses.len(), 2);
    let viewers: Vec<_> = wanted.iter().filter(|t| t.relation == "viewer").collect();
    assert_eq!(viewers.len(), 1);
    // Walk the chain from the outermost clause: every list must be met.
    let outer = viewers[0].user.trim_end_matches("#member");
    let mut lists = Vec::new();
    let mut at = outer.to_owned();
    loop {
        let side = |r: &str| -> Vec<String> {
            wanted.iter().filter(|t| t.object == at && t.relation == r).map(|t| t.user.clone()).collect()
        };
        let (a, b) = (side("a"), side("b"));
        lists.push(a);
        match b.first().filter(|u| u.starts_with("clause:")) {
            Some(inner) => at = inner.trim_end_matches("#member").to_owned(),
            None => {
                lists.push(b);
                break;
            }
        }
    }
    lists.sort();
    assert_eq!(lists, [vec!["group:g#member"], vec!["group:h#member"], vec!["user:a", "user:b"]]);
}

#[test]
fn two_equal_lists_are_still_a_conjunction_of_that_list() {
    let mut set = TupleSet::default();
    let id = clause(&[vec!["user:a".into()], vec!["user:a".into()]], &mut set);
    assert_eq!(shown(&set), [format!("user:a a {id}"), format!("user:a b {id}")]);
}

#[test]
fn bans_come_before_and_go_after_grants() {
    let before: TupleSet = [
        plain("user:a", "viewer", "folder:s"),
        plain("user:x", "blocked", "folder:s"),
        plain("user:c", "a", "clause:1"),
    ]
    .into_iter()
    .collect();
    let after: TupleSet =
        [plain("user:b", "viewer", "folder:s"), plain("user:y", "blocked", "folder:s")].into_iter().collect();
    let changes = difference(&before, &after);
    assert_eq!(
        changes.narrow,
        [Change::Delete(plain("user:a", "viewer", "folder:s")), Change::Write(plain("user:y", "blocked", "folder:s"))]
    );
    assert_eq!(
        changes.widen,
        [Change::Delete(plain("user:x", "blocked", "folder:s")), Change::Write(plain("user:b", "viewer", "folder:s"))]
    );
    assert_eq!(difference(&after, &after), Changes::default());
}

#[test]
fn a_changed_condition_replaces_the_tuple() {
    let with = |end: &str, relation: &str| TupleKey {
        condition: Some(usher_base::wire::Condition {
            name: "during".into(),
            context: Some(serde_json::json!({ "end": end })),
        }),
        ..plain("user:a", relation, "folder:s")
    };
    let set = |end: &str| -> TupleSet { [with(end, "viewer"), with(end, "blocked")].into_iter().collect() };
    let changes = difference(&set("1"), &set("2"));
    assert_eq!(
        changes.narrow,
        [Change::Replace(with("2", "blocked")), Change::Delete(plain("user:a", "viewer", "folder:s"))]
    );
    assert_eq!(changes.widen, [Change::Write(with("2", "viewer"))]);
}

#[test]
fn names_that_differ_only_in_normalisation_stay_two_folders() {
    assert_ne!(tree("").folder("e\u{301}"), tree("").folder("\u{e9}"));
    assert_eq!(tree("").folder("a b:c"), "folder:s/a%20b%3Ac");
    let long = "x".repeat(300);
    assert!(tree("").folder(&long).len() <= usher_base::wire::bounds::MAX_OBJECT);
    assert_ne!(tree("").folder(&long), tree("").folder(&format!("{long}y")));
}
