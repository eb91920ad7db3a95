//! Which reader a file needs. The content decides, the extension is checked against it: a name can lie.

use super::{ExtractError, decode};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Pdf,
    Docx,
    Html,
    Markdown,
    Text,
    /// Source code, with its language.
    Code(&'static str),
}

impl Format {
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Pdf => "application/pdf",
            Format::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Format::Html => "text/html",
            Format::Markdown => "text/markdown",
            Format::Text | Format::Code(_) => "text/plain",
        }
    }
}

/// The format of a file, with warnings where name and content disagree.
pub fn kind(name: &str, bytes: &[u8]) -> Result<(Format, Vec<String>), ExtractError> {
    if bytes.is_empty() {
        return Err(ExtractError::Unsupported("empty file".into()));
    }
    let file = name.rsplit('/').next().unwrap_or(name);
    let extension = file.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase()).unwrap_or_default();
    let by_name = by_extension(&extension, file);
    let sniffed = infer::get(bytes);
    let mime = sniffed.as_ref().map(infer::Type::mime_type).unwrap_or_default();
    // Some marks are two letters long, or are looked for in the first kilobyte: a text that says it is one stays one.
    let text_by_name = by_name.is_some_and(|k| !matches!(k, Format::Pdf | Format::Docx));
    let plain = text_by_name && !bytes.starts_with(b"%PDF-") && !looks_binary(bytes) && is_utf8(bytes);
    let by_content = match mime {
        _ if plain => None,
        "application/pdf" => Some(Format::Pdf),
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => Some(Format::Docx),
        // The order of entries inside the archive decides what is sniffed; the reader checks the parts themselves.
        "application/zip" if extension == "docx" => Some(Format::Docx),
        // Markup that is no page (a fragment in Markdown, say) is what its name says.
        "text/html" if by_name.is_none() => Some(Format::Html),
        "" | "text/html" | "text/xml" | "text/x-shellscript" => None,
        other => return Err(unsupported(other)),
    };
    match (by_content, by_name) {
        (Some(content), named) => {
            let warning = match named {
                Some(n) if n == content => Vec::new(),
                _ if extension.is_empty() => Vec::new(),
                _ => vec![format!("named .{extension}, read as {}", content.media_type())],
            };
            Ok((content, warning))
        }
        (None, Some(Format::Pdf | Format::Docx)) => {
            Err(ExtractError::Broken(format!("named .{extension}, but its content is no such file")))
        }
        (None, _) if looks_binary(bytes) => Err(ExtractError::Unsupported("unknown binary format".into())),
        (None, Some(kind)) => Ok((kind, Vec::new())),
        (None, None) => Ok((Format::Text, Vec::new())),
    }
}

fn unsupported(mime: &str) -> ExtractError {
    ExtractError::Unsupported(format!("{mime} is not a kind of document that is read"))
}

/// NUL bytes and many control characters mark data that is no text; UTF-16 and UTF-32 have NULs but say so by their marks.
fn looks_binary(bytes: &[u8]) -> bool {
    let head = bytes.get(..8192).unwrap_or(bytes);
    if encoding_rs::Encoding::for_bom(head).is_some() || decode::utf32(head).is_some() {
        return false;
    }
    let odd = head.iter().filter(|b| matches!(b, 0..=8 | 14..=26 | 28..=31)).count();
    odd.saturating_mul(50) > head.len()
}

fn is_utf8(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok()
}

fn by_extension(extension: &str, file: &str) -> Option<Format> {
    Some(match extension {
        "pdf" => Format::Pdf,
        "docx" => Format::Docx,
        "html" | "htm" | "xhtml" => Format::Html,
        "md" | "markdown" | "mdown" | "mkd" => Format::Markdown,
        "txt" | "text" | "log" | "rst" | "adoc" | "org" | "csv" | "tsv" => Format::Text,
        _ => Format::Code(language(extension, file)?),
    })
}

fn language(extension: &str, file: &str) -> Option<&'static str> {
    Some(match extension {
        "rs" => "rust",
        "py" | "pyi" => "python",
        "js" | "mjs" | "cjs" | "jsx" => "javascript",
        "ts" | "tsx" | "mts" => "typescript",
        "go" => "go",
        "java" => "java",
        "kt" | "kts" => "kotlin",
        "scala" => "scala",
        "c" | "h" => "c",
        "cc" | "cpp" | "cxx" | "hh" | "hpp" => "cpp",
        "cs" => "csharp",
        "rb" => "ruby",
        "php" => "php",
        "swift" => "swift",
        "sh" | "bash" | "zsh" => "shell",
        "ps1" => "powershell",
        "sql" => "sql",
        "lua" => "lua",
        "pl" | "pm" => "perl",
        "r" => "r",
        "hs" => "haskell",
        "ex" | "exs" => "elixir",
        "erl" => "erlang",
        "clj" => "clojure",
        "dart" => "dart",
        "css" | "scss" | "less" => "css",
        "xml" | "xsd" | "svg" => "xml",
        "json" | "jsonl" => "json",
        "yaml" | "yml" => "yaml",
        "toml" => "toml",
        "ini" | "cfg" | "conf" | "properties" => "ini",
        "tf" | "hcl" => "hcl",
        "proto" => "protobuf",
        "fga" => "openfga",
        "tex" => "tex",
        _ => match file {
            "Makefile" | "makefile" => "make",
            "Dockerfile" => "dockerfile",
            _ => return None,
        },
    })
}
