//! CSV files: their header line, and what is wrong in which line.

use csv::{ErrorKind, Position, StringRecord};

/// Checks the header line. SECURITY: without one the first row would be lost without a word.
pub fn header(headers: &StringRecord, known: &[&str], needed: &[&str]) -> Result<(), String> {
    let columns = known.join(",");
    let found: Vec<&str> = headers.iter().collect();
    if found.iter().all(|name| name.is_empty()) {
        return Err(format!("line 1: there is no header line: begin the file with the names of columns, `{columns}`"));
    }
    if !found.iter().any(|name| known.contains(name)) {
        let shown = found.join(",");
        return Err(format!(
            "line 1: `{shown}` is no header line: begin the file with the names of columns, `{columns}`"
        ));
    }
    for (index, name) in found.iter().enumerate() {
        if !known.contains(name) {
            return Err(format!("line 1: there is no column `{name}`; columns are {columns}"));
        }
        if found.iter().take(index).any(|before| before == name) {
            return Err(format!("line 1: the column `{name}` is there twice"));
        }
    }
    match needed.iter().find(|name| !found.contains(name)) {
        Some(name) => Err(format!("line 1: the column `{name}` is missing")),
        None => Ok(()),
    }
}

/// What is wrong with a row, with its line.
pub fn mistake(error: &csv::Error) -> String {
    let at = |pos: &Option<Position>| pos.as_ref().map(|p| format!("line {}: ", p.line())).unwrap_or_default();
    match error.kind() {
        ErrorKind::UnequalLengths { pos, expected_len, len } => format!(
            "{}{len} values, where the header line names {expected_len} columns; a value with a comma stands in quotes",
            at(pos)
        ),
        ErrorKind::Utf8 { pos, .. } => format!("{}not UTF-8", at(pos)),
        ErrorKind::Deserialize { pos, err } => format!("{}{}", at(pos), err.kind()),
        _ => error.to_string(),
    }
}

/// Line of a row in its file.
pub fn line(row: &StringRecord) -> u64 {
    row.position().map_or(0, Position::line)
}
