//! Makes the sample's PDF and DOCX files from text: `usher-sample <folder with *.pdf.txt and *.docx.txt> <target>`.
//! The first line of each text names the file to make, relative to the target; `# ` begins a heading.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};
use lopdf::content::{Content, Operation};
use lopdf::{Document, Object, Stream, dictionary};

/// Characters of a line and lines of a page.
const COLUMNS: usize = 88;
const LINES: usize = 52;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(from), Some(to)) = (arguments.next(), arguments.next()) else {
        bail!("usage: usher-sample <folder> <target>");
    };
    for entry in std::fs::read_dir(&from).with_context(|| format!("can't read {from}"))? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let is_pdf = name.ends_with(".pdf.txt");
        if !is_pdf && !name.ends_with(".docx.txt") {
            continue;
        }
        let text = std::fs::read_to_string(&path)?;
        let (target, body) = text.split_once('\n').with_context(|| format!("{name} has no first line"))?;
        let target = Path::new(&to).join(target.trim());
        std::fs::create_dir_all(target.parent().context("the target has no folder")?)?;
        if is_pdf { pdf(body, &target)? } else { docx(body, &target)? }
    }
    Ok(())
}

/// Lines of at most [`COLUMNS`] characters.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > COLUMNS {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

fn pdf(text: &str, target: &Path) -> anyhow::Result<()> {
    let mut document = Document::with_version("1.5");
    let pages = document.new_object_id();
    let font = document.add_object(dictionary! {
        "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica", "Encoding" => "WinAnsiEncoding",
    });
    let resources = document.add_object(dictionary! { "Font" => dictionary! { "F1" => font } });
    let mut kids: Vec<Object> = Vec::new();
    for page in wrapped(text).chunks(LINES) {
        let mut operations = vec![
            Operation::new("BT", vec![]),
            Operation::new("Tf", vec!["F1".into(), 10.into()]),
            Operation::new("TL", vec![14.into()]),
            Operation::new("Td", vec![56.into(), 786.into()]),
        ];
        for line in page {
            let bytes = latin1(line.trim_start_matches("# "));
            operations.push(Operation::new("Tj", vec![Object::string_literal(bytes)]));
            operations.push(Operation::new("T*", vec![]));
        }
        operations.push(Operation::new("ET", vec![]));
        let content = document.add_object(Stream::new(dictionary! {}, Content { operations }.encode()?));
        let page = document.add_object(dictionary! {
            "Type" => "Page", "Parent" => pages, "Contents" => content, "Resources" => resources,
            "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()],
        });
        kids.push(page.into());
    }
    let count = kids.len() as i64;
    let tree = dictionary! { "Type" => "Pages", "Kids" => kids, "Count" => count };
    document.objects.insert(pages, Object::Dictionary(tree));
    let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => pages });
    document.trailer.set("Root", catalog);
    document.save(target)?;
    Ok(())
}

/// Text in the font's encoding; what it doesn't hold becomes a question mark.
fn latin1(text: &str) -> Vec<u8> {
    let simple = text.chars().map(|c| match c {
        '\u{2018}' | '\u{2019}' => '\'',
        '\u{201C}' | '\u{201D}' => '"',
        '\u{2013}' | '\u{2014}' => '-',
        c => c,
    });
    simple.map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect()
}

fn docx(text: &str, target: &Path) -> anyhow::Result<()> {
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut body = String::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let level = line.bytes().take_while(|byte| *byte == b'#').count();
        let style =
            if level > 0 { format!("<w:pPr><w:pStyle w:val=\"Heading{level}\"/></w:pPr>") } else { String::new() };
        let words = escape(line.trim_start_matches('#').trim());
        body.push_str(&format!("<w:p>{style}<w:r><w:t xml:space=\"preserve\">{words}</w:t></w:r></w:p>"));
    }
    let main = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?><w:document xmlns:w=\
         \"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:body>{body}</w:body></w:document>"
    );
    let types = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Types xmlns=\
         \"http://schemas.openxmlformats.org/package/2006/content-types\"><Default Extension=\"rels\" ContentType=\
         \"application/vnd.openxmlformats-package.relationships+xml\"/><Override PartName=\"/word/document.xml\" \
         ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml\"/></Types>";
    let relations = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Relationships xmlns=\
         \"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"rId1\" Type=\
         \"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\
         \"word/document.xml\"/></Relationships>";
    let mut archive = zip::ZipWriter::new(std::fs::File::create(target)?);
    let options = zip::write::SimpleFileOptions::default();
    for (name, content) in
        [("[Content_Types].xml", types), ("_rels/.rels", relations), ("word/document.xml", main.as_str())]
    {
        archive.start_file(name, options)?;
        archive.write_all(content.as_bytes())?;
    }
    archive.finish()?;
    Ok(())
}
