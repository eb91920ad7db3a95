use super::*;

/// Content that only rule files have, and content that they don't have.
const RULES: &[u8] = b"viewers: [user:ana]\n";
const TEXT: &[u8] = b"kind: list\nrules:\n  - allow: 10.0.0.0/8\n";

#[test]
fn the_right_names_are_told() {
    for path in ["_.acl.yaml", "a/b/_.acl.yaml", "x.md.acl.yaml", "a b/x y.acl.yaml", ".x.md.acl.yaml", "acl.acl.yaml"]
    {
        assert_eq!(kind(path), Kind::Rules, "{path}");
    }
}

#[test]
fn names_of_directories_rules_that_are_almost_right_are_told() {
    for name in [
        "_acl.yaml",
        ".acl.yaml",
        "_.acl",
        "_.acl.yaml.txt",
        "_.acl.yaml.bak",
        "_.acl.yaml~",
        "_.acl.json",
        "_.acls.yaml",
        "_.acl.yaml ",
        " _.acl.yaml",
        "_.ACL.yaml",
        "_.Acl.Yml",
        "_.acl.yml",
        "_.acl.yaml.orig",
        "._.acl.yaml",
        "__.acl.yaml",
        "-.acl.yaml",
        "_-acl.yaml",
        "_ acl.yaml",
        "_..acl.yaml",
        "_.acl..yaml",
        "_.acl .yaml",
        "_.acl.yalm",
        "_.acl.ymal",
        "_.acl.yml.txt",
        "_.acl.toml",
        "_.aclyaml",
        "_.acl.yaml (1)",
        "_.acl (copy).yaml",
        "#_.acl.yaml#",
        "_.acl.yaml.swp",
        "._.acl.yaml.swp",
        "_.acl.yaml.dpkg-old",
        "_.ac1.yaml",
        "_.acI.yaml",
        "_\u{ff0e}acl\u{ff0e}yaml",
        "_.\u{ff41}\u{ff43}\u{ff4c}.yaml",
        "_.\u{430}\u{441}l.yaml",
        "_.acl.\u{443}\u{430}ml",
        "_.a\u{200b}cl.yaml",
        "_.acl.yaml\u{a0}",
        "\u{ff3f}.acl.yaml",
        "_\u{2024}acl.yaml",
    ] {
        let kind = kind(&format!("hr/{name}"));
        let Kind::Almost(meant) = &kind else { panic!("{name}: {kind:?}") };
        assert!(meant.stem.is_empty(), "{name}: {meant:?}");
    }
    // Those beside a right one that count for nothing.
    for (name, is_leftover) in
        [("_.acl.yaml~", true), (".acl.yaml.swp", true), ("_.acl.json", false), ("_.acl.yaml.txt", false)]
    {
        let Kind::Almost(meant) = kind(name) else { panic!("{name}") };
        assert_eq!(meant.is_leftover, is_leftover, "{name}");
    }
}

#[test]
fn names_of_documents_rules_that_are_almost_right_name_the_document() {
    for name in [
        "x.md.acl",
        "x.md_acl.yaml",
        "x.md.acl.yaml.txt",
        "x.md.acl.yaml.swp",
        ".x.md.acl.yaml.swp",
        "x.md.acl .yaml",
        "x.md acl.yaml",
        "X.MD.ACL.YAML",
        "x.md.acl.yml",
        "x.md-acl.yml",
        "x.md.acl.json",
        "x.md.acls.yaml",
        "x.md.aclyaml",
        "x.md.acl.yaml.orig",
        "x.md.alc.yaml",
        "x.md.cl.yaml",
        "x.md.\u{430}cl.yaml",
        "\u{445}.md.acl.yml",
        "x.md.acl.yaml.2026-01-01.ana",
        ".~lock.x.md.acl.yaml#",
        "._x.md.acl.yaml",
    ] {
        let (Kind::Almost(meant) | Kind::Perhaps(meant)) = kind(&format!("hr/{name}")) else { panic!("{name}") };
        assert_eq!(meant.stem, words("x.md"), "{name}");
    }
}

#[test]
fn ordinary_documents_are_none() {
    for name in [
        "oracle.yaml",
        "acl-guide.md",
        "miracle.txt",
        "docs/acl.md",
        "access-control.yaml",
        "access.yaml",
        "x.md",
        "acl.html",
        "facl.md",
        "pentacle.json",
        "acl_overview.docx",
        "rules.yaml",
        "notes.txt~",
        "report (1).pdf",
        "acl.pdf",
        "_index.md",
        "_.yaml",
        ".gitignore",
        "acls-explained.txt",
    ] {
        assert_eq!(kind(name), Kind::Other, "{name}");
    }
    // These are, unless their content is rules.
    for name in
        ["acl.yaml", "acl.yml", "ACL.json", "acl", "kafka-acl.yaml", "squid.acl", "all.txt", "act.txt", "team.acl.json"]
    {
        assert!(matches!(kind(name), Kind::Perhaps(_)), "{name}: {:?}", kind(name));
    }
}

#[test]
fn content_is_told_to_be_rules_also_where_it_is_broken() {
    for text in [
        RULES,
        b"{\"viewers\": [\"user:ana\"]}",
        b"{\n  \"inherit\": false,\n  \"viewers\": [\"user:ana\",]\n}",
        b"viewers:\n- user:ana\n  bad: [",
        b"nobody = true\n",
        b"# rules\ninherit: false\n",
    ] {
        assert!(says_rules(text), "{}", String::from_utf8_lossy(text));
    }
    for text in [TEXT, b"", b"- viewers\n", b"An ACL is a list.\nviewers and editors\n", b"[]", b"\xff\xfe"] {
        assert!(!says_rules(text), "{}", String::from_utf8_lossy(text));
    }
}

/// As some editors write it.
#[test]
fn rules_are_told_in_other_encodings() {
    let units: Vec<u8> = "\u{feff}nobody: true\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [units.as_slice(), b"\xef\xbb\xbfnobody: true\n", b"# Gr\xfc\xdfe\nnobody: true\n"] {
        assert!(says_rules(bytes) && is_only_rules(bytes), "{bytes:?}");
    }
}

#[test]
fn nothing_but_rules_is_a_rule_file_whatever_it_is_called() {
    for text in [
        "nobody: true\n",
        "# who\n---\nviewers: [\"group:hr#member\"]\nblocked:\n  - user:eve\n",
        "\u{feff}inherit: no\r\n",
        "{\"viewers\": [{\"principal\": \"user:ana\"}], \"parents\": [\"folder:x\"]}",
        "{\n  \"nobody\": true\n}",
        "sections:\n  - heading: Pay\n    acl: {nobody: true}\n",
        "classification: secret\n",
        "all_of: [[user:ana], [\"group:hr#member\"]]",
        // Broken, or of another form.
        "nobody = true\n",
        "nobody: true\nnobody: true\n",
        "viewers:\n- user:ana\n  bad: [\n",
        "viewers: &a [user:ana]\neditors: *a\n",
        "inherit: false\nviewers\t: [user:ana\n",
    ] {
        assert!(is_only_rules(text.as_bytes()), "{text:?}");
    }
    for text in [
        "",
        "{}",
        "port: 80\nviewers: [user:ana]\n",
        "viewers: [user:ana]\nport: 80\n",
        "viewers: 1532\nowners: 3\n",
        "owners: [alice, bob]\n",
        "sections:\n  - title: One\n    href: one.md\n",
        "public: true\n",
        "# Status\n\nblocked: Ana waits\n",
        "# Status\nblocked:\n- the build\n",
        "---\nclassification: internal\n---\n# Title\n\n- item\n",
        "---\nnobody: true\n---\n\nText about user:ana\n",
        "nobody: knows\n",
        "nobody knows\n",
        "viewers: [user:ana\nand more text\n",
        "- viewers: [user:ana]\n",
        "\u{0}nobody: true",
    ] {
        assert!(!is_only_rules(text.as_bytes()), "{text:?}");
    }
    for name in ["x.md.yaml", "_.acl.md", "x.md.acl.y", "RULES", "a/x.access.html", "team.txt", "x.json", "x.rules"] {
        assert!(may_hold_rules(name), "{name}");
    }
    for name in ["x.pdf", "a.b/x.docx", "x.html", "main.rs", "x.md.gz"] {
        assert!(!may_hold_rules(name), "{name}");
    }
}
