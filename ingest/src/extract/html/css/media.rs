//! For which screens a rule of a style sheet is meant.

/// A window of a common size, in pixels, for rules that ask.
const WIDTH: f32 = 1280.0;

/// Whether a screen is meant, as wide as usual, with light colours.
pub fn is_media(condition: &str) -> bool {
    let condition = condition.to_ascii_lowercase();
    let holds = |query: &str| {
        let query = query.trim();
        let (query, wanted) = match query.strip_prefix("not ") {
            Some(query) => (query, false),
            None => (query.strip_prefix("only ").unwrap_or(query), true),
        };
        let all = query.split(" and ").all(|part| {
            let part = part.trim();
            let Some(feature) = part.strip_prefix('(').map(|part| part.trim_end_matches(')')) else {
                return matches!(part, "" | "all" | "screen");
            };
            let (name, value) = feature.split_once(':').unwrap_or((feature, ""));
            let value = value.trim();
            let pixels = || {
                let end = value.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(value.len());
                let number: f32 = value.get(..end)?.parse().ok()?;
                Some(if value.ends_with("em") { number * 16.0 } else { number })
            };
            match name.trim() {
                "min-width" | "min-device-width" => pixels().is_some_and(|pixels| pixels <= WIDTH),
                "max-width" | "max-device-width" => pixels().is_some_and(|pixels| pixels >= WIDTH),
                "prefers-color-scheme" => value == "light",
                "prefers-reduced-motion" => value == "no-preference",
                "hover" | "any-hover" => value == "hover" || value.is_empty(),
                "orientation" => value == "landscape",
                _ => false,
            }
        });
        all == wanted
    };
    condition.split(',').any(holds)
}
