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
    // Some marks are two letters long, or are looked for in the first kilobyte: what holds nothing but text is text, and so
    // is what says that it is and can be read as such.
    let text_by_name = by_name.is_some_and(|k| !matches!(k, Format::Pdf | Format::Docx));
    let is_text = holds_no_controls(bytes) || (text_by_name && !looks_binary(bytes) && is_utf8(bytes));
    let by_content = match mime {
        // Markup that is no page (a fragment in Markdown, say) is what its name says.
        "text/html" if by_name.is_none() => Some(Format::Html),
        "text/xml" if by_name.is_none() && is_page(bytes) => Some(Format::Html),
        "application/pdf" if is_text && !begins_as_pdf(bytes) => None,
        "application/pdf" => Some(Format::Pdf),
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => Some(Format::Docx),
        // The order of entries inside the archive decides what is sniffed; the reader checks the parts themselves.
        "application/zip" if extension == "docx" => Some(Format::Docx),
        "" | "text/html" | "text/xml" | "text/x-shellscript" => None,
        _ if is_text && (text_by_name || !WRITTEN_IN_LETTERS.contains(&mime)) => None,
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

/// Kinds that are no text for people although nothing but letters is in them; their marks are long.
const WRITTEN_IN_LETTERS: [&str; 4] =
    ["application/rtf", "application/postscript", "application/x-x509-ca-cert", "application/x-unix-archive"];

fn begins_as_pdf(bytes: &[u8]) -> bool {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start().starts_with(b"%PDF-")
}

/// Whether no byte is one that only data holds. Texts of eight bits and of East Asia hold none either.
fn holds_no_controls(bytes: &[u8]) -> bool {
    bytes.get(..8192).unwrap_or(bytes).iter().all(|b| !matches!(b, 0..=7 | 14..=26 | 28..=31 | 127))
}

/// Whether a name is that of a file which is text as it lies there.
pub fn is_text_by_name(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    let extension = file.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase()).unwrap_or_default();
    matches!(by_extension(&extension, file), Some(Format::Text | Format::Markdown | Format::Code(_)))
}

/// Whether XML is a page: its first element says so.
fn is_page(bytes: &[u8]) -> bool {
    let head = String::from_utf8_lossy(bytes.get(..1024).unwrap_or(bytes)).to_ascii_lowercase();
    let mut tags = head.split('<').skip(1).filter(|tag| tag.starts_with(|c: char| c.is_ascii_alphabetic()));
    tags.next().is_some_and(|tag| tag.starts_with("html"))
}

/// Whether a page is one that browsers read as XML.
pub fn is_xml(name: &str, text: &str) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default();
    matches!(extension.as_str(), "xhtml" | "xht") || (extension.is_empty() && text.trim_start().starts_with("<?xml"))
}

/// Whether a name is that of a table written as text.
pub fn is_table(name: &str) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    extension.is_some_and(|extension| matches!(extension.as_str(), "csv" | "tsv" | "tab" | "psv"))
}

fn unsupported(mime: &str) -> ExtractError {
    ExtractError::Unsupported(format!("{mime} is not a kind of document that is read"))
}

/// NUL bytes and many control characters mark data that is no text; UTF-16 and UTF-32 have NULs.
fn looks_binary(bytes: &[u8]) -> bool {
    let head = bytes.get(..8192).unwrap_or(bytes);
    if encoding_rs::Encoding::for_bom(head).is_some() || decode::utf32(head).is_some() || decode::wide(bytes).is_some()
    {
        return false;
    }
    let odd = head.iter().filter(|b| matches!(b, 0..=7 | 14..=26 | 28..=31)).count();
    odd.saturating_mul(50) > head.len()
}

fn is_utf8(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok()
}

fn by_extension(extension: &str, file: &str) -> Option<Format> {
    Some(match extension {
        "pdf" => Format::Pdf,
        "docx" => Format::Docx,
        "html" | "htm" | "xhtml" | "xht" | "shtml" => Format::Html,
        "md" | "markdown" | "mdown" | "mkd" | "mkdn" | "mdwn" | "mdx" | "qmd" | "rmd" => Format::Markdown,
        "txt" | "text" | "log" | "rst" | "adoc" | "org" | "csv" | "tsv" | "tab" | "psv" => Format::Text,
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
