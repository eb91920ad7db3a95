use super::*;

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
fn files_of_data_and_plain_text_and_those_that_speak_of_access_are_looked_into() {
    for name in ["x.md.yaml", "_.acl.md", "x.md.acl.y", "RULES", "a/x.access.html", "team.txt", "x.json", "x.rules"] {
        assert!(may_hold_rules(name), "{name}");
    }
    for name in ["x.pdf", "a.b/x.docx", "x.html", "main.rs", "x.md.gz"] {
        assert!(!may_hold_rules(name), "{name}");
    }
}
