//! Invitations: what a calendar (iCalendar, RFC 5545) says of its events that people read.

/// Properties that are shown, and what they are called then.
const SHOWN: [(&str, &str); 10] = [
    ("SUMMARY", "Event"),
    ("STATUS", "Status"),
    ("DTSTART", "Begins"),
    ("DTEND", "Ends"),
    ("DUE", "Due"),
    ("RRULE", "Repeats"),
    ("LOCATION", "Place"),
    ("ORGANIZER", "Organizer"),
    ("ATTENDEE", "Attendee"),
    ("DESCRIPTION", "Description"),
];

/// A text for each event. `with_descriptions`: no other form of the text says what these say.
pub fn events(calendar: &str, with_descriptions: bool) -> Vec<String> {
    // A line that begins with a blank goes on with the one before.
    let whole = calendar.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "");
    let (mut events, mut lines) = (Vec::new(), Vec::new());
    let mut open: Vec<String> = Vec::new();
    let mut method = None;
    for line in whole.lines() {
        let Some((name, parameters, value)) = parted(line) else { continue };
        match (name.as_str(), open.last().map(String::as_str)) {
            ("BEGIN", _) => open.push(value.trim().to_ascii_uppercase()),
            ("END", inner) => {
                if matches!(inner, Some("VEVENT" | "VTODO" | "VJOURNAL")) && !lines.is_empty() {
                    events.push(std::mem::take(&mut lines).join("\n"));
                }
                open.pop();
            }
            ("METHOD", Some("VCALENDAR")) => method = Some(value.trim().to_ascii_uppercase()),
            (name, Some("VEVENT" | "VTODO" | "VJOURNAL")) if with_descriptions || name != "DESCRIPTION" => {
                let shown = SHOWN.iter().find(|(known, _)| *known == name);
                lines.extend(shown.map(|(_, word)| format!("{word}: {}", written(name, parameters, value))));
            }
            _ => {}
        }
    }
    if !lines.is_empty() {
        events.push(lines.join("\n"));
    }
    if method.as_deref() == Some("CANCEL") {
        events.insert(0, "Cancelled:".to_owned());
    }
    events
}

/// Name, parameters and value of a line. A colon between quotes ends nothing.
fn parted(line: &str) -> Option<(String, &str, &str)> {
    let mut is_quoted = false;
    let colon = line.find(|c| {
        is_quoted ^= c == '"';
        c == ':' && !is_quoted
    })?;
    let (head, value) = line.split_at_checked(colon)?;
    let (name, parameters) = head.split_once(';').unwrap_or((head, ""));
    Some((name.trim().to_ascii_uppercase(), parameters, value.strip_prefix(':')?))
}

fn written(name: &str, parameters: &str, value: &str) -> String {
    let parameter = |wanted: &str| {
        let mut all = parameters.split(';').filter_map(|part| part.split_once('='));
        all.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim_matches('"'))
    };
    match name {
        "DTSTART" | "DTEND" | "DUE" => match parameter("TZID") {
            Some(zone) => format!("{} ({zone})", time(value)),
            None => time(value),
        },
        "ORGANIZER" | "ATTENDEE" => {
            let is_mail = value.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("mailto:"));
            let address = if is_mail { value.get(7..).unwrap_or_default() } else { value };
            parameter("CN").map_or_else(|| address.to_owned(), |person| format!("{person} <{address}>"))
        }
        _ => plain(value),
    }
}

/// A date, or a date with a time, as people write them.
fn time(value: &str) -> String {
    let value = value.trim();
    let digits = |from: usize, to: usize| value.get(from..to).filter(|part| part.bytes().all(|b| b.is_ascii_digit()));
    let Some((year, month, day)) = digits(0, 4).zip(digits(4, 6)).zip(digits(6, 8)).map(|((y, m), d)| (y, m, d)) else {
        return value.to_owned();
    };
    match (value.get(8..9), digits(9, 11), digits(11, 13), digits(13, 15)) {
        (Some("T" | "t"), Some(hour), Some(minute), Some(second)) => {
            let zone = value.get(15..).unwrap_or_default();
            format!("{year}-{month}-{day}T{hour}:{minute}:{second}{zone}")
        }
        _ => format!("{year}-{month}-{day}"),
    }
}

/// Without the marks that keep commas and line ends apart from those of the format.
fn plain(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n' | 'N') => out.push('\n'),
                other => out.extend(other),
            },
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::events;

    #[test]
    fn events_say_what_where_and_when() {
        let calendar = "BEGIN:VCALENDAR\r\nMETHOD:CANCEL\r\nBEGIN:VTIMEZONE\r\nDTSTART:19700101T000000\r\nEND:VTIMEZONE\r\n\
                        BEGIN:VEVENT\r\nSUMMARY:Budget\\, first\r\n  round\r\nLOCATION;ALTREP=\"http://x\":Room 5\r\n\
                        DTSTART;TZID=Europe/Berlin:20240101T100000\r\nDTEND:20240102\r\n\
                        ORGANIZER;CN=\"Ann\":mailto:ann@x\r\nDESCRIPTION:a\\nb\r\nBEGIN:VALARM\r\nDESCRIPTION:Reminder\r\n\
                        END:VALARM\r\nEND:VEVENT\r\nBEGIN:VTODO\r\nSUMMARY:Second\r\nEND:VTODO\r\nEND:VCALENDAR";
        let first = "Event: Budget, first round\nPlace: Room 5\nBegins: 2024-01-01T10:00:00 (Europe/Berlin)\n\
                     Ends: 2024-01-02\nOrganizer: Ann <ann@x>";
        let with = format!("{first}\nDescription: a\nb");
        assert_eq!(events(calendar, true), ["Cancelled:", &with, "Event: Second"]);
        assert_eq!(events(calendar, false), ["Cancelled:", first, "Event: Second"]);
        assert!(events("nothing", true).is_empty());
    }
}
