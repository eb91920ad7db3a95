//! Instants that come from outside, as RFC 3339.
//!
//! RFC 3339 has instants that [`Timestamp`] has not: its last one is so early that it has a date in every time zone. Who
//! writes `9999-12-31T23:59:59Z` means that something never ends.

use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

/// An instant; [`Timestamp::MAX`] stands for those after it.
pub fn parse(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| beyond(text).map(|_| Timestamp::MAX))
}

/// The same of a time in UTC that is written without an offset.
pub fn of_utc(time: DateTime) -> Option<Timestamp> {
    Offset::UTC.to_timestamp(time).ok().or_else(|| is_beyond(time).then_some(Timestamp::MAX))
}

/// RFC 3339 in UTC, exact also after [`Timestamp::MAX`]; the last nanosecond of the year 9999 stands for those after it.
pub fn to_utc(text: &str) -> Option<String> {
    let instant: Option<Timestamp> = text.parse().ok();
    instant.map(|instant| instant.to_string()).or_else(|| beyond(text).map(|time| format!("{time}Z")))
}

/// An instant after [`Timestamp::MAX`], as the date and time that UTC has then.
fn beyond(text: &str) -> Option<DateTime> {
    let is_zulu = text.ends_with(['Z', 'z']);
    let (local, zone) = text.split_at_checked(text.len().checked_sub(if is_zulu { 1 } else { 6 })?)?;
    // Only a date and a time: nothing else may stand between them and the offset.
    let is_time = local.starts_with("9999-12-") && !local.get(19..)?.contains(['+', '-', '[', 'Z', 'z']);
    let offset = if is_zulu { SignedDuration::ZERO } else { offset(zone)? };
    let local: DateTime = local.parse().ok().filter(|_| is_time)?;
    let time = local.saturating_sub(offset);
    is_beyond(time).then_some(time)
}

/// `+hh:mm` or `-hh:mm`.
fn offset(zone: &str) -> Option<SignedDuration> {
    let sign = match zone.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let number = |digits: &str, most: i64| {
        let is_number = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_digit());
        digits.parse().ok().filter(|number: &i64| is_number && *number <= most)
    };
    Some(SignedDuration::from_mins(sign * (number(hours, 23)? * 60 + number(minutes, 59)?)))
}

fn is_beyond(time: DateTime) -> bool {
    time > Offset::UTC.to_datetime(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_of_rfc_3339_is_taken() {
        let last = "9999-12-30T22:00:00.999999999Z";
        for (text, instant, utc) in [
            ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
            ("2026-01-31T12:00:00.5+02:30", "2026-01-31T09:30:00.5Z", "2026-01-31T09:30:00.5Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
            (last, last, last),
            ("9999-12-30T22:00:01Z", last, "9999-12-30T22:00:01Z"),
            ("9999-12-31T00:00:00Z", last, "9999-12-31T00:00:00Z"),
            ("9999-12-31T23:59:59Z", last, "9999-12-31T23:59:59Z"),
            ("9999-12-31t23:59:59z", last, "9999-12-31T23:59:59Z"),
            ("9999-12-31T23:59:59.123Z", last, "9999-12-31T23:59:59.123Z"),
            ("9999-12-31T23:59:59.999999999Z", last, "9999-12-31T23:59:59.999999999Z"),
            ("9999-12-31T23:59:59+00:00", last, "9999-12-31T23:59:59Z"),
            ("9999-12-31T12:00:00+01:30", last, "9999-12-31T10:30:00Z"),
            ("9999-12-31T12:00:00+23:59", "9999-12-30T12:01:00Z", "9999-12-30T12:01:00Z"),
            ("9999-12-30T12:00:00-12:00", last, "9999-12-31T00:00:00Z"),
            ("9999-12-30T12:00:00-10:00", "9999-12-30T22:00:00Z", "9999-12-30T22:00:00Z"),
            ("9999-12-31T23:59:59-23:59", last, "9999-12-31T23:59:59.999999999Z"),
        ] {
            assert_eq!(parse(text), Some(instant.parse().unwrap()), "{text}");
            assert_eq!(to_utc(text).as_deref(), Some(utc), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_not_taken_at_the_end_of_time_either() {
        let zones = [
            "",
            "Z+01:00",
            "+1:00",
            "+24:00",
            "+00:60",
            "+0000",
            "+00:0",
            "+0\u{663}:00",
            "-ab:cd",
            "+01:00Z",
            "[UTC]",
        ];
        let times = ["", "9999-12-31", "9999-12-31T23:59", "9999-12-31T23:59:61", "9999-12-31T24:00:00"];
        let dates = ["9999-12-32T00:00:00", "9999-13-01T00:00:00", "+009999-12-31T23:59:59", "10000-01-01T00:00:00"];
        let all = zones.iter().map(|zone| format!("9999-12-31T23:59:59{zone}"));
        let all = all.chain(times.iter().chain(&dates).map(|time| format!("{time}Z")));
        for text in all.chain(["9999-12-31T23:59:59.Z".to_owned(), "9999-12-31T23:59:59+01:00+01:00".to_owned()]) {
            assert_eq!((parse(&text), to_utc(&text)), (None, None), "{text}");
        }
    }

    #[test]
    fn a_time_without_an_offset_is_one_of_utc() {
        for (time, instant) in [
            ("2026-01-31T12:00:00", "2026-01-31T12:00:00Z"),
            ("9999-12-30T22:00:00", "9999-12-30T22:00:00Z"),
            ("9999-12-31T00:00:00", "9999-12-30T22:00:00.999999999Z"),
        ] {
            assert_eq!(of_utc(time.parse().unwrap()), Some(instant.parse().unwrap()), "{time}");
        }
        assert_eq!(of_utc(DateTime::MIN), None);
    }
}
