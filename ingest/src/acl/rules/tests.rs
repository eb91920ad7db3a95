use super::*;

fn rule(text: &str) -> RuleFile {
    RuleFile::parse(text.as_bytes(), false, false).unwrap()
}

fn rules(dirs: &[(&str, &str)], files: &[(&str, &str)]) -> Rules {
    let parse = |list: &[(&str, &str)], dir: bool| {
        let one = |(p, t): &(&str, &str)| {
            ((*p).to_owned(), RuleFile::parse(t.as_bytes(), dir, false).map_err(|_| Broken { file: (*p).to_owned() }))
        };
        list.iter().map(one).collect()
    };
    Rules { dirs: parse(dirs, true), files: parse(files, false), ..Rules::default() }
}

#[test]
fn every_key_is_read_and_normalised() {
    let rule = rule(
        "inherit: false\nowners: [user:ana]\neditors: [\"group:hr#member\"]\nviewers:\n  - user:b o\n  - principal: user:cy\n    condition: {name: during, context: {start: \"2026-01-01T00:00:00Z\", end: \"2027-01-01T00:00:00Z\"}}\nblocked: [user:eve]\nclassification: secret\nsections:\n  - heading: Salaries\n    acl: {viewers: [\"group:pay#member\"], blocked: [user:bo]}\n  - {id: tail, span: {start: 3, end: 9}, acl: {nobody: true}}\n",
    );
    assert_eq!(rule.inherit, Some(false));
    assert_eq!(rule.classification.as_deref(), Some("classification:secret"));
    assert_eq!(principal::subject(&rule.viewers[0]), "user:b%20o");
    assert!(matches!(&rule.viewers[1], AclEntry::Conditional(c) if c.condition.name == "during"));
    assert_eq!(rule.sections.len(), 2);
    assert!(rule.sections[0].id.starts_with("s-"));
    assert!(rule.sections[1].acl.nobody);
    let all = rule_text("all_of: [[\"group:hr#member\"], [\"group:eu#member\", user:ana]]").unwrap();
    assert_eq!(all.all_of.len(), 2);
}

fn rule_text(text: &str) -> Result<RuleFile, RuleError> {
    RuleFile::parse(text.as_bytes(), false, false)
}

#[test]
fn mistakes_are_refused_and_say_where() {
    let says = |text: &str, part: &str| {
        let message = rule_text(text).unwrap_err().to_string();
        assert!(message.contains(part), "{text:?}: {message}");
    };
    says("owner: [user:ana]", "line 1");
    says("viewers: [user:ana]\nreaders: [user:bo]", "line 2");
    says("viewers:\n  - user:ana\n  - group:hr\n", "line 3");
    says("inherit: true\nviewers: user:ana", "line 2: `viewers` is a list: write `viewers: [\"user:ana\"]`");
    says("sections: [{heading: A, acl: {blocked: user:bo}}]", "`blocked` is a list");
    says("viewers: [\"user:*\"]", "--allow-public");
    says("public: true", "--allow-public");
    says("all_of: [[user:ana]]", "at least two");
    says("all_of: [[user:ana], []]", "at least two");
    says("all_of: [[user:ana], [user:bo]]\nviewers: [user:cy]", "ambiguous");
    says("nobody: true\nviewers: [user:ana]", "excludes");
    says("sections: [{acl: {}}]", "section 1");
    says("sections: [{heading: A, span: {start: 1, end: 2}, acl: {}}]", "section 1");
    says("sections: [{heading: A, acl: {owners: [user:a]}}]", "owners");
    says("sections: [{heading: A, acl: {}}, {heading: A, acl: {}}]", "section 2");
    says("viewers: &v [user:ana]\nblocked: *v", "anchors");
    let err = RuleFile::parse(b"sections: [{heading: A, acl: {}}]", true, false).unwrap_err();
    assert!(err.to_string().starts_with("line 1: `sections` belong"), "{err}");
    assert!(RuleFile::parse(b"inherit: true\nsections: []", true, false).is_err(), "as one that is not empty");
}

#[test]
fn what_was_cut_off_says_nothing_and_is_refused() {
    for text in ["", "\n", "# comment\n", "---\n", "{}", "~", "\u{feff}", "\0\0\0\0", "viewers: [user:ana]\n\0\0"] {
        assert!(rule_text(text).is_err(), "{text:?}");
    }
    for text in ["inherit:", "inherit: false\nblocked:", "blocked:\n  -", "sections:\n  - heading: A\n    acl:", "vie"]
    {
        assert!(rule_text(text).is_err(), "{text:?}");
    }
    let timed = "viewers: [{principal: user:cy, condition: {name: c, context: {limit: ~}}}]";
    assert_eq!(rule(timed).viewers.len(), 1);
}

#[test]
fn every_mistake_has_one_line() {
    for (text, line) in [
        (&b""[..], 1),
        (b"inherit: false\nblocked:\n", 2),
        (b"inherit: false\nall_of: [[user:ana]]", 2),
        (b"inherit: false\nall_of: [[user:ana], [user:bo]]\nviewers: [user:cy]", 2),
        (b"viewers: [user:ana]\nnobody: true", 2),
        (b"inherit: true\npublic: true", 2),
        (b"inherit: true\nclassification: ' '", 2),
        (b"sections:\n- {heading: A, acl: {}}\n- {acl: {}}", 3),
        (b"inherit: true\n# \xff", 2),
        (b"inherit: true\nviewers: [user:ana]\n\0", 3),
        (b"inherit: true\ninherit: true", 2),
        (b"inherit: true\nviewers: [1]", 2),
        (b"inherit: true\nviewers: [", 2),
    ] {
        let said = RuleFile::parse(text, false, false).unwrap_err().to_string();
        assert!(said.starts_with(&format!("line {line}: ")), "{}: {said}", String::from_utf8_lossy(text));
        assert_eq!(said.matches("line ").count(), 1, "{said}");
        assert!(!said.contains("struct") && !said.contains("Policy"), "{said}");
    }
}

#[test]
fn a_condition_that_holds_for_nobody_is_noticed() {
    let timed = |context: &str| {
        rule(&format!(
            "inherit: false\nviewers:\n- principal: user:cy\n  condition: {{name: during, context: {context}}}\n"
        ))
    };
    let unmet = timed("{start: \"2026-01-01T00:00:00Z\"}").unmet();
    assert!(unmet[0].0 == 3 && unmet[0].1.contains("has no `end`"), "{unmet:?}");
    assert!(timed("{start: \"2026-01-01T00:00:00Z\", end: \"2027-01-01T00:00:00Z\"}").unmet().is_empty());
}

#[test]
fn directories_come_down_until_a_rule_stops_them() {
    let rules = rules(
        &[
            ("", "viewers: [user:top]\nclassification: internal"),
            ("closed", "inherit: false"),
            ("closed/in", "viewers: [user:in]"),
            ("ban", "blocked: [user:eve]\nclassification: secret"),
            ("gone", "nobody: true"),
        ],
        &[("a.md", "inherit: false\nviewers: [user:own]"), ("gone/x.md", "viewers: [user:own]")],
    );
    let at = |path: &str| rules.resolve(path, "folder:s", None).unwrap().acl;

    let plain = at("b.md");
    assert!(plain.inherit && plain.viewers.is_empty());
    assert_eq!(plain.parents, ["folder:s"]);
    assert_eq!(plain.classification.as_deref(), Some("classification:internal"));
    let own = at("a.md");
    assert!(!own.inherit && own.viewers.len() == 1);
    assert_eq!(own.parents, ["folder:s"], "bans come down always");
    assert_eq!(at("ban/deep/c.md").classification.as_deref(), Some("classification:secret"));
    assert_eq!(at("closed/c.md").classification.as_deref(), Some("classification:internal"));
    assert!(at("gone/deep/c.md").nobody && at("gone/x.md").nobody, "a document can't lift the quarantine");
    assert!(at("gone/x.md").parents.is_empty());
}

#[test]
fn a_document_without_any_rule_is_refused_unless_a_default_is_named() {
    let none = rules(&[("sub", "viewers: [user:a]")], &[("x.md", "inherit: false")]);
    assert_eq!(none.resolve("a.md", "folder:s", None).unwrap_err(), Refusal::NoRule);
    assert!(none.resolve("sub/a.md", "folder:s", None).is_ok());
    assert!(none.resolve("x.md", "folder:s", None).is_ok());
    let default = rule("viewers: [user:d]");
    let acl = none.resolve("a.md", "folder:s", Some(&default)).unwrap().acl;
    assert!(!acl.inherit && acl.viewers.len() == 1 && acl.parents == ["folder:s"]);
    // A rule above a directory that stops inheritance does not count for what lies below.
    let stopped = rules(&[("", "viewers: [user:a]")], &[]);
    assert!(stopped.resolve("a/b/c.md", "folder:s", None).is_ok());
}

#[test]
fn a_broken_rule_file_refuses_all_that_it_governs_and_nothing_else() {
    let rules = rules(&[("", "viewers: [user:a]"), ("bad", "viewer: x")], &[("c.md", "nonsense: 1")]);
    for path in ["bad/a.md", "bad/deep/a.md", "c.md"] {
        assert!(matches!(rules.resolve(path, "f", None), Err(Refusal::Broken(_))), "{path}");
    }
    assert!(rules.resolve("a.md", "f", None).is_ok());
}
