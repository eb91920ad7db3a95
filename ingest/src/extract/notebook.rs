//! Notebooks of Jupyter: text, code and what the code printed. Pictures are counted; nothing that is kept as base64 is text.

use serde_json::Value;
use usher_base::outline;

use super::{Builder, ExtractError, html, limit, markdown};

/// Headings of all cells.
const MAX_HEADINGS: usize = outline::MAX_HEADINGS;

pub fn read(text: &str, builder: &mut Builder) -> Result<(), ExtractError> {
    let broken = |e: serde_json::Error| ExtractError::Broken(format!("no notebook: {e}"));
    let book: Value = serde_json::from_str(text).map_err(broken)?;
    let meta = book.get("metadata");
    let language = ["/language_info/name", "/kernelspec/language", "/kernelspec/name"];
    let language = language.iter().find_map(|path| meta?.pointer(path)?.as_str());
    builder.metadata.extend(language.map(|language| ("language".to_owned(), language.into())));
    builder.title = meta.and_then(|meta| meta.get("title")?.as_str()).map(str::to_owned);
    // Before the fourth version cells lay in worksheets.
    let sheets = book.get("worksheets").and_then(Value::as_array).into_iter().flatten();
    let cells = sheets.chain([&book]).filter_map(|sheet| sheet.get("cells")?.as_array()).flatten();
    let mut headings = 0usize;
    for cell in cells {
        let source = cell.get("source").or_else(|| cell.get("input")).map(joined).unwrap_or_default();
        match cell.get("cell_type").and_then(Value::as_str).unwrap_or_default() {
            "markdown" => {
                headings = headings.saturating_add(prose(&source, builder)?);
                if headings > MAX_HEADINGS {
                    return Err(ExtractError::Limit(format!("more than {MAX_HEADINGS} headings")));
                }
                let pictures = cell.get("attachments").and_then(Value::as_object).map_or(0, |all| all.len() as u64);
                builder.count("pictures", pictures);
            }
            "heading" => {
                let level = cell.get("level").and_then(Value::as_u64).and_then(|level| u8::try_from(level).ok());
                builder.heading(level.unwrap_or(1), &source)?;
            }
            "code" => {
                builder.block(&source)?;
                for output in cell.get("outputs").and_then(Value::as_array).into_iter().flatten() {
                    printed(output, builder)?;
                }
            }
            _ => builder.block(&source)?,
        }
    }
    Ok(())
}

/// Texts are strings, or lists of lines.
fn joined(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        _ => String::new(),
    }
}

/// A cell of Markdown, which is a text of its own; tells how many headings it has.
fn prose(source: &str, builder: &mut Builder) -> Result<usize, ExtractError> {
    let source = without_data(source, builder);
    let text = markdown::cell(&source, builder)?;
    if text.trim().is_empty() {
        return Ok(0);
    }
    let text = text.trim_matches('\n');
    let headings = outline::headings(text).map_err(limit)?;
    let start = builder.push(text)?;
    for heading in &headings {
        builder.mark(start.saturating_add(heading.start), heading.level, &heading.text);
    }
    Ok(headings.len())
}

fn printed(output: &Value, builder: &mut Builder) -> Result<(), ExtractError> {
    let text = |key: &str| output.get(key).map(joined).filter(|text| !text.trim().is_empty());
    match output.get("output_type").and_then(Value::as_str).unwrap_or_default() {
        "stream" => builder.block(&last_written(&without_escapes(&text("text").unwrap_or_default()))),
        "error" | "pyerr" => {
            let trace = output.get("traceback").and_then(Value::as_array).into_iter().flatten();
            let trace: Vec<&str> = trace.filter_map(Value::as_str).collect();
            let said = [text("ename"), text("evalue")].into_iter().flatten().collect::<Vec<_>>().join(": ");
            let trace = if trace.is_empty() { said } else { trace.join("\n") };
            builder.block(&without_escapes(&trace))
        }
        _ => shown(output.get("data").unwrap_or(output), builder),
    }
}

/// Of several forms of a result the one that is shown.
fn shown(data: &Value, builder: &mut Builder) -> Result<(), ExtractError> {
    let text =
        |keys: [&str; 2]| keys.iter().find_map(|key| data.get(*key)).map(joined).filter(|text| !text.trim().is_empty());
    let pictures = data.as_object().into_iter().flatten().map(|(kind, _)| kind.as_str());
    let pictures = pictures.filter(|kind| kind.starts_with("image/") || matches!(*kind, "png" | "jpeg" | "svg"));
    let pictures = pictures.count() as u64;
    if let Some(page) = text(["text/html", "html"]) {
        let mut inner = builder.inner();
        html::read(&page, false, &mut inner)?;
        builder.absorb(inner, None)?;
    } else if let Some(prose) = text(["text/markdown", "markdown"]) {
        let prose = without_data(&prose, builder);
        let prose = markdown::cell(&prose, builder)?;
        builder.block(&prose)?;
    } else if pictures > 0 {
        builder.count("pictures", 1);
    } else if let Some(plain) = text(["text/plain", "text"]).or_else(|| text(["text/latex", "latex"])) {
        builder.block(&without_escapes(&plain))?;
    } else {
        builder.count("results that are not text", 1);
    }
    Ok(())
}

/// Colours of a terminal are no text.
fn without_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        out.push_str(before);
        let end = after.find(|c: char| c.is_ascii_alphabetic());
        rest = end.and_then(|end| after.get(end.saturating_add(1)..)).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// What a line shows that was written over again and again, as one that tells of progress is.
fn last_written(text: &str) -> String {
    let of_line = |line: &str| line.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default().to_owned();
    text.split('\n').map(of_line).collect::<Vec<_>>().join("\n")
}

/// Without pictures that are written into the text.
fn without_data(text: &str, builder: &mut Builder) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(";base64,") {
        out.push_str(before);
        let is_code = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
        let end = after.find(|c: char| !is_code(c)).unwrap_or(after.len());
        builder.count("pictures", 1);
        rest = after.get(end..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}
