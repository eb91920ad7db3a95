//! Rules within rules: `.a { &.b { … } }` means `.a.b`, and `.a { .b { … } }` means `.a .b`.

/// Bytes of a selector that is put together.
const MAX_BYTES: usize = 500;

/// What a selector within a rule means; none if it is longer than any that people write.
pub fn within(around: &str, inner: &str) -> Option<String> {
    let is_simple = !around.contains(|c: char| c.is_whitespace() || matches!(c, '>' | '+' | '~' | ','));
    let begins_alone =
        |at: usize| inner.get(..at).is_none_or(|b| b.is_empty() || b.ends_with([' ', '>', '+', '~', '(']));
    // The name of an element can't follow what else is said of it.
    let fits = around.starts_with(['.', '#', ':', '[']) || inner.match_indices('&').all(|(at, _)| begins_alone(at));
    let around = if is_simple && fits { around.to_owned() } else { format!(":is({around})") };
    let times = inner.matches('&').count().max(1);
    if around.len().saturating_mul(times).saturating_add(inner.len()) > MAX_BYTES {
        return None;
    }
    Some(match inner.contains('&') {
        true => inner.replace('&', &around),
        false => format!("{around} {inner}"),
    })
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn selectors_are_put_together() {
        for (around, inner, wanted) in [
            (".a", "&.b", ".a.b"),
            (".a", ".b", ".a .b"),
            (".a", "> p", ".a > p"),
            ("div p", "&:not(.x)", ":is(div p):not(.x)"),
            ("p", ".x &", ".x p"),
            ("p", ".x&", ".x:is(p)"),
        ] {
            assert_eq!(within(around, inner).as_deref(), Some(wanted));
        }
        assert_eq!(within(&".a".repeat(100), "&&&"), None);
    }
}
