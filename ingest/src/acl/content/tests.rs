use super::*;

/// Content that only rule files have, and content that they don't have.
const RULES: &[u8] = b"viewers: [user:ana]\n";
const TEXT: &[u8] = b"kind: list\nrules:\n  - allow: 10.0.0.0/8\n";

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
        assert!(says_rules(bytes) && is_only_rules("x.yaml", bytes), "{bytes:?}");
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
        assert!(is_only_rules("x.md", text.as_bytes()), "{text:?}");
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
        assert!(!is_only_rules("x.md", text.as_bytes()), "{text:?}");
    }
}

/// Whatever a file holds, it is told soon.
#[test]
fn content_of_any_form_is_told_soon() {
    let fill = |unit: &str| format!("viewers: {}", unit.repeat(MAX_BYTES / unit.len() - 4));
    let started = std::time::Instant::now();
    for unit in [
        "[", "{", "- ", "? ", "a: ", "\n- ", "\n? ", "\n ", "\"", "'", "&a ", "*a ", "!a ", "\n---\n", "# ", "[a, ",
        "{a: ", "a", "\n|\n", "\\", "\u{200b}", "\u{fdfa}", "\t", "user:a ", "\na: b", "%",
    ] {
        let text = fill(unit);
        says_rules(text.as_bytes());
        is_only_rules("x.yaml", text.as_bytes());
    }
    assert!(started.elapsed() < std::time::Duration::from_secs(60), "{:?}", started.elapsed());
}
