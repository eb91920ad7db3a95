//! Which reader a file needs. The content decides, the extension is checked against it: a name can lie.

use super::archive::Parts;
use super::{ExtractError, decode};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Pdf,
    Docx,
    Pptx,
    Xlsx,
    Odt,
    Ods,
    Odp,
    Rtf,
    Epub,
    Mail,
    Mailbox,
    Notebook,
    Json,
    JsonLines,
    Csv,
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
            Format::Pptx => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            Format::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Format::Odt => "application/vnd.oasis.opendocument.text",
            Format::Ods => "application/vnd.oasis.opendocument.spreadsheet",
            Format::Odp => "application/vnd.oasis.opendocument.presentation",
            Format::Rtf => "application/rtf",
            Format::Epub => "application/epub+zip",
            Format::Mail => "message/rfc822",
            Format::Mailbox => "application/mbox",
            Format::Notebook => "application/x-ipynb+json",
            Format::Json => "application/json",
            Format::JsonLines => "application/jsonl",
            Format::Csv => "text/csv",
            Format::Html => "text/html",
            Format::Markdown => "text/markdown",
            Format::Text | Format::Code(_) => "text/plain",
        }
    }

    /// Whether bytes make it, whatever a file is called.
    fn is_binary(self) -> bool {
        use Format::{Docx, Epub, Odp, Ods, Odt, Pdf, Pptx, Xlsx};
        matches!(self, Pdf | Docx | Pptx | Xlsx | Odt | Ods | Odp | Epub)
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
    let text_by_name = by_name.is_some_and(|k| !k.is_binary() && k != Format::Rtf);
    let is_text = holds_no_controls(bytes) || (text_by_name && !looks_binary(bytes) && is_utf8(bytes));
    let by_content = match mime {
        // Markup that is no page (a fragment in Markdown, say) is what its name says.
        "text/html" if by_name.is_none() => Some(Format::Html),
        "text/xml" if by_name.is_none() && is_page(bytes) => Some(Format::Html),
        "application/pdf" if is_text && !begins_as_pdf(bytes) => None,
        "application/pdf" => Some(Format::Pdf),
        // What is sniffed depends on the order of entries; what lies in the archive decides.
        _ if bytes.starts_with(b"PK\x03\x04") => match in_archive(bytes)? {
            Some(kind) => Some(kind),
            None if by_name.is_some_and(Format::is_binary) => by_name,
            None => return Err(unsupported(mime)),
        },
        _ if bytes.starts_with(b"{\\rtf") => Some(Format::Rtf),
        "" | "text/html" | "text/xml" | "text/x-shellscript" => None,
        _ if by_name.is_some_and(|k| matches!(k, Format::Mail | Format::Mailbox)) => None,
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
        (None, Some(kind)) if kind.is_binary() || kind == Format::Rtf => {
            Err(ExtractError::Broken(format!("named .{extension}, but its content is no such file")))
        }
        (None, Some(kind)) if looks_binary(bytes) && is_text_with_zeros(bytes) => {
            let zeros = bytes.iter().filter(|byte| **byte == 0).count();
            Ok((kind, vec![format!("{zeros} NUL bytes in the text are left out")]))
        }
        (None, _) if looks_binary(bytes) => Err(ExtractError::Unsupported("unknown binary format".into())),
        (None, Some(kind)) => Ok((kind, Vec::new())),
        (None, None) => Ok((by_first_lines(bytes), Vec::new())),
    }
}

/// Which document a zip archive is.
fn in_archive(bytes: &[u8]) -> Result<Option<Format>, ExtractError> {
    let mut parts = match Parts::open(bytes) {
        Ok(parts) => parts,
        Err(ExtractError::Limit(why)) => return Err(ExtractError::Limit(why)),
        Err(_) => return Ok(None),
    };
    let says = parts.text("mimetype").ok().flatten().unwrap_or_default();
    let by_type = |says: &str| {
        let kind = says.trim().trim_end_matches("-template");
        Some(match kind {
            "application/epub+zip" => Format::Epub,
            "application/vnd.oasis.opendocument.text" => Format::Odt,
            "application/vnd.oasis.opendocument.spreadsheet" => Format::Ods,
            "application/vnd.oasis.opendocument.presentation" => Format::Odp,
            _ => return None,
        })
    };
    if let Some(kind) = by_type(&says) {
        return Ok(Some(kind));
    }
    let names = parts.names();
    let has = |prefix: &str| names.iter().any(|name| name.trim_start_matches('/').starts_with(prefix));
    if !has("[Content_Types].xml") && !has("_rels/") {
        return Ok(has("META-INF/container.xml").then_some(Format::Epub));
    }
    let types = parts.text("[Content_Types].xml").ok().flatten().unwrap_or_default();
    let typed = [
        ("wordprocessingml.document.main", Format::Docx),
        ("wordprocessingml.template.main", Format::Docx),
        ("ms-word.document.macro", Format::Docx),
        ("ms-word.template.macro", Format::Docx),
        ("presentationml.presentation.main", Format::Pptx),
        ("presentationml.slideshow.main", Format::Pptx),
        ("presentationml.template.main", Format::Pptx),
        ("ms-powerpoint.presentation.macro", Format::Pptx),
        ("ms-powerpoint.slideshow.macro", Format::Pptx),
        ("spreadsheetml.sheet.main", Format::Xlsx),
        ("spreadsheetml.template.main", Format::Xlsx),
        ("ms-excel.sheet.macro", Format::Xlsx),
    ];
    let named = [("word/", Format::Docx), ("ppt/", Format::Pptx), ("xl/", Format::Xlsx)];
    let kind = typed.iter().find(|(kind, _)| types.contains(kind)).map(|(_, kind)| *kind);
    Ok(kind.or_else(|| named.iter().find(|(folder, _)| has(folder)).map(|(_, kind)| *kind)))
}

/// A text whose name says nothing may be a mail, by its headers.
fn by_first_lines(bytes: &[u8]) -> Format {
    let head = String::from_utf8_lossy(bytes.get(..4096).unwrap_or(bytes)).to_ascii_lowercase();
    let lines = head.lines().take_while(|line| !line.is_empty());
    let starts = ["received:", "from:", "date:", "subject:", "mime-version:", "message-id:", "return-path:"];
    let fields = starts.iter().filter(|field| lines.clone().any(|line| line.starts_with(**field))).count();
    match fields {
        3.. if head.starts_with("from ") => Format::Mailbox,
        3.. if super::mail::begins_with_header(bytes) => Format::Mail,
        _ => Format::Text,
    }
}

/// Kinds that are no text for people although nothing but letters is in them; their marks are long.
const WRITTEN_IN_LETTERS: [&str; 3] =
    ["application/postscript", "application/x-x509-ca-cert", "application/x-unix-archive"];

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
    matches!(
        by_extension(&extension, file),
        Some(Format::Text | Format::Markdown | Format::Json | Format::JsonLines | Format::Csv | Format::Code(_))
    )
}

/// Whether a name is that of a file which may hold records.
pub fn may_hold_records(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    let extension = file.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase()).unwrap_or_default();
    let kind = by_extension(&extension, file);
    matches!(kind, None | Some(Format::Json | Format::JsonLines | Format::Csv | Format::Mailbox))
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

/// Whether nothing but some NUL bytes would make data of a text.
fn is_text_with_zeros(bytes: &[u8]) -> bool {
    let zeros = bytes.iter().filter(|byte| **byte == 0).count();
    let is_odd = |byte: &u8| matches!(byte, 1..=7 | 14..=26 | 28..=31 | 127);
    zeros.saturating_mul(10) <= bytes.len() && !bytes.iter().any(is_odd) && is_utf8(bytes)
}

fn is_utf8(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok()
}

fn by_extension(extension: &str, file: &str) -> Option<Format> {
    Some(match extension {
        "pdf" => Format::Pdf,
        "docx" | "docm" | "dotx" | "dotm" => Format::Docx,
        "pptx" | "pptm" | "ppsx" | "ppsm" | "potx" => Format::Pptx,
        "xlsx" | "xlsm" | "xltx" => Format::Xlsx,
        "odt" | "ott" => Format::Odt,
        "ods" | "ots" => Format::Ods,
        "odp" | "otp" => Format::Odp,
        "rtf" => Format::Rtf,
        "epub" => Format::Epub,
        "eml" | "emlx" | "mht" | "mhtml" => Format::Mail,
        "mbox" | "mbx" => Format::Mailbox,
        "ipynb" => Format::Notebook,
        "json" => Format::Json,
        "jsonl" | "ndjson" => Format::JsonLines,
        "csv" | "tsv" | "tab" | "psv" => Format::Csv,
        "html" | "htm" | "xhtml" | "xht" | "shtml" => Format::Html,
        "md" | "markdown" | "mdown" | "mkd" | "mkdn" | "mdwn" | "mdx" | "qmd" | "rmd" => Format::Markdown,
        "txt" | "text" | "log" | "rst" | "adoc" | "org" => Format::Text,
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
