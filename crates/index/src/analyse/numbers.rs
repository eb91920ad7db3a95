//! One number, however its thousands and decimals are parted: `1.840,00`, `1,840.00` and `1840`.

/// How else a number may be typed: without what parts its thousands, with a point before its decimals, without decimals
/// that are all zero.
pub(super) fn others(number: &str) -> Option<String> {
    if let Some(whole) = grouped(number) {
        return Some(whole);
    }
    let (whole, decimals) = decimal(number)?;
    let is_round = decimals.bytes().all(|digit| digit == b'0');
    Some(if is_round { whole } else { format!("{whole}.{decimals}") })
}

/// A whole number of which groups of three are parted by points or by commas.
fn grouped(number: &str) -> Option<String> {
    let sign = number.find(['.', ',']).and_then(|at| number.get(at..=at))?;
    let groups: Vec<&str> = number.split(sign).collect();
    are_thousands(&groups).then(|| groups.concat())
}

/// The whole part, its thousands not parted, and the decimals of a number that has some. One with a single point or comma
/// before three digits may mean either, and has none here.
pub(super) fn decimal(number: &str) -> Option<(String, String)> {
    let at = number.rfind(['.', ','])?;
    let (whole, decimals) = (number.get(..at)?, number.get(at + 1..)?);
    let sign = number.get(at..=at)?;
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(decimals) || whole.contains(sign) {
        return None;
    }
    let groups: Vec<&str> = whole.split(['.', ',']).collect();
    let is_whole = match groups.as_slice() {
        [whole] => is_digits(whole) && (decimals.len() != 3 || *whole == "0"),
        groups => are_thousands(groups),
    };
    is_whole.then(|| (groups.concat(), decimals.to_owned()))
}

/// One to three digits, the first no zero, and groups of three.
fn are_thousands(groups: &[&str]) -> bool {
    let Some((first, rest)) = groups.split_first() else { return false };
    (1..=3).contains(&first.len())
        && !first.starts_with('0')
        && !rest.is_empty()
        && rest.iter().all(|group| group.len() == 3)
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_digit()))
}
