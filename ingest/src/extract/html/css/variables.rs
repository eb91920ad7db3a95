//! Values that a page names once and uses by `var(--name)`.

/// Uses in one value, those in what they stand for too, and bytes of the whole.
const MAX_USES: usize = 16;
const MAX_BYTES: usize = 1_000;

/// The value with what its names stand for; none if one of them stands for nothing.
pub fn resolved(value: &str, meant: impl Fn(&str) -> Option<String>) -> Option<String> {
    let mut value = value.to_owned();
    for _ in 0..MAX_USES {
        let Some(start) = value.find("var(") else {
            return Some(value.split_whitespace().collect::<Vec<_>>().join(" "));
        };
        let inside = value.get(start.saturating_add(4)..)?;
        let length = length_in_brackets(inside)?;
        let (name, otherwise) = match inside.get(..length)?.split_once(',') {
            Some((name, otherwise)) => (name, Some(otherwise.trim().to_owned())),
            None => (inside.get(..length)?, None),
        };
        let found = meant(name.trim()).or(otherwise)?;
        let after = inside.get(length.saturating_add(1)..).unwrap_or_default();
        value = format!("{}{found}{after}", value.get(..start)?);
        if value.len() > MAX_BYTES {
            return None;
        }
    }
    None
}

/// Bytes before the bracket that closes.
fn length_in_brackets(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    text.char_indices().find_map(|(at, c)| {
        match c {
            '(' => depth = depth.saturating_add(1),
            ')' if depth == 0 => return Some(at),
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::resolved;

    #[test]
    fn names_stand_for_values() {
        let meant = |name: &str| match name {
            "--n" => Some("none".to_owned()),
            "--deep" => Some("var(--n)".to_owned()),
            "--loop" => Some("var(--loop)".to_owned()),
            _ => None,
        };
        for (value, wanted) in [
            ("var(--n)", Some("none")),
            ("var( --deep )", Some("none")),
            ("var(--x, var(--n))", Some("none")),
            ("0 var(--x,calc(1px + 1px)) 0", Some("0 calc(1px + 1px) 0")),
            ("var(--x)", None),
            ("var(--loop)", None),
            ("var(--n", None),
        ] {
            assert_eq!(resolved(value, meant).as_deref(), wanted, "{value}");
        }
    }
}
