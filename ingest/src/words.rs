//! What readers of YAML and JSON say of a mistake, in words that people know.

/// Shapes that readers name by words of the program.
const SHAPES: &[(&str, &str)] = &[
    ("struct Content", "an object such as `{\"type\": \"text/plain\", \"text\": \"...\"}`"),
    ("struct Acl", "an object such as `{\"viewers\": [\"user:ana\"]}`"),
    ("struct SectionAcl", "an object such as `{viewers: [user:ana]}`"),
    ("struct Section", "an object such as `{\"id\": \"a\", \"heading\": \"Pay\", \"acl\": {\"nobody\": true}}`"),
    ("struct ChunkSpan", "an object such as `{\"start\": 0, \"end\": 100}`"),
    ("struct Span", "an object such as `{\"start\": 0, \"end\": 100}`"),
    ("struct ConditionalAclEntry", "an object with `principal` and `condition`"),
    ("struct Condition", "an object such as `{\"name\": \"during\", \"context\": {}}`"),
    ("struct Line", "an object"),
    ("struct TupleKey", "an object with `user`, `relation` and `object`"),
    ("internally tagged enum", "an object"),
    ("a sequence", "a list"),
    ("a map", "an object"),
    ("mapping start", "keys with values, such as `viewers: [user:ana]`"),
    ("sequence start", "a list, such as `[user:ana]`"),
    ("string scalar", "one text"),
    ("ident", "a value of JSON (text stands in double quotes)"),
    ("u64", "a whole number"),
    ("usize", "a whole number"),
];

/// The message without its place, which is said before it, and without words of the program.
pub fn plain(message: &str) -> String {
    let message = message.lines().next().unwrap_or_default();
    let message = message.rfind(" at line ").and_then(|at| message.get(..at)).unwrap_or(message);
    let message = message
        .replace("invalid type: ", "")
        .replace("invalid boolean (strict mode expects true/false)", "write `true` or `false`");
    let message = message.replace("unknown field", "there is no key").replace("missing field", "a key is missing:");
    let message = match message.split_once(", expected one of ") {
        Some((what, keys)) => format!("{what}; keys are {}", keys.replace('`', "")),
        None => message,
    };
    let expected = |message: &str| -> Option<String> {
        let (before, shape) = message.split_once("expected ")?;
        let (_, own) =
            SHAPES.iter().find(|(theirs, _)| shape == *theirs || shape.starts_with(&format!("{theirs} ")))?;
        let before = before.trim_end_matches(", ");
        Some(if before.is_empty() {
            format!("expected is {own}")
        } else {
            format!("{before}, where {own} is expected")
        })
    };
    expected(&message).unwrap_or(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_no_place_and_no_words_of_the_program() {
        for (said, told) in [
            ("unknown field `a`, expected one of `b`, `c` at line 1 column 2", "there is no key `a`; keys are b, c"),
            ("missing field `id` at line 1 column 2", "a key is missing: `id`"),
            (
                "invalid type: string \"x\", expected struct Content at line 1 column 28",
                "string \"x\", where an object such as `{\"type\": \"text/plain\", \"text\": \"...\"}` is expected",
            ),
            (
                "expected mapping start at line 2, column 3",
                "expected is keys with values, such as `viewers: [user:ana]`",
            ),
            ("invalid boolean (strict mode expects true/false) at line 1, column 9", "write `true` or `false`"),
            ("unclosed quote at line 1, column 1", "unclosed quote"),
        ] {
            assert_eq!(plain(said), told);
        }
    }
}
