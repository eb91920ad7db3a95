//! `extract`: what a file becomes, for people who wonder what the service would get.

use std::process::ExitCode;

use crate::args::ExtractArgs;
use crate::error::RunError;
use crate::extract::Job;
use crate::fsroot::Root;
use crate::sandbox::Sandbox;
use crate::term::Term;

pub fn run(args: &ExtractArgs, term: &Term) -> Result<ExitCode, RunError> {
    let name = args.path.file_name().and_then(|n| n.to_str());
    let Some(name) = name else { return Err(RunError::Input("not the name of a file".into())) };
    let dir = args.path.parent().filter(|p| !p.as_os_str().is_empty());
    let root = Root::open(dir.unwrap_or(std::path::Path::new(".")))?;
    let file = root.read(name, args.max_file_size)?;
    let sandbox = Sandbox::start(term, std::time::Duration::from_secs(args.extract_timeout), &args.ocr.options())?;
    let doc =
        match sandbox.extract(&Job { name: name.to_owned(), has_parts: args.parts, ..Job::default() }, &file.bytes) {
            Ok(doc) => doc,
            Err(e) => {
                term.error(&format!("{name}: {e}"));
                return Ok(ExitCode::from(2));
            }
        };
    if args.json {
        let json = serde_json::to_string_pretty(&doc).map_err(|e| RunError::Input(e.to_string()))?;
        term.raw(&json);
        term.raw("\n");
        return Ok(ExitCode::SUCCESS);
    }
    term.line(&format!("type: {}", doc.media_type));
    term.line(&format!("title: {}", doc.title.as_deref().unwrap_or("-")));
    doc.metadata.iter().for_each(|(key, value)| term.line(&format!("{key}: {value}")));
    doc.removed.iter().for_each(|(what, n)| term.line(&format!("seen or left out: {n} {what}")));
    doc.warnings.iter().for_each(|w| term.warn(w));
    for (number, chunk) in doc.chunks.iter().enumerate() {
        let page = chunk.page.map(|p| format!(" page {p}")).unwrap_or_default();
        let path = chunk.heading_path.join(" > ");
        term.line(&format!("--- chunk {number} bytes {}..{}{page} {path}", chunk.start, chunk.end));
        term.raw(doc.text.get(chunk.start..chunk.end).unwrap_or_default());
        term.raw("\n");
    }
    Ok(ExitCode::SUCCESS)
}
