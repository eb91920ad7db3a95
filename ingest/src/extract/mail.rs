//! Mail: single messages (EML), mailboxes (MBOX) and saved pages (MHT). Headers become metadata and the first lines of the
//! text, as mail programs show them; of several forms of one text the one that these show is read. What is attached is read
//! by the reader of its kind and stands below the message: whoever may read the message may read it.

use std::borrow::Cow;
use std::collections::BTreeSet;

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{Address, Encoding, Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::{Builder, ExtractError, decode, html, nested};

mod calendar;
mod flowed;

/// Messages in one mailbox.
const MAX_MESSAGES: usize = 10_000;
/// Parts of one message, at any depth.
const MAX_PARTS: usize = 5_000;
/// How deep messages and parts lie in each other.
const MAX_DEPTH: usize = 32;
/// Addresses of one header.
const MAX_ADDRESSES: usize = 1_000;
/// Of these in metadata, which the service bounds, and the characters of each.
const MAX_IN_METADATA: usize = 50;
const MAX_NAME: usize = 200;

/// One message.
pub fn read(bytes: &[u8], builder: &mut Builder) -> Result<(), ExtractError> {
    let bytes = with_readable_head(without_envelope(bytes), builder);
    let message = parsed(&bytes)?;
    if is_page(&message) {
        return page(&message, builder);
    }
    builder.title = message.subject().map(str::to_owned);
    metadata(&message, builder);
    let mut reading = Reading::new(builder);
    reading.head(&message, 1)?;
    reading.builder.header = 0..reading.builder.length();
    reading.part(&message, 0, 1)?;
    let attached = std::mem::take(&mut reading.attached);
    // SECURITY: the name of a restricted part is none of what everybody sees.
    if !builder.has_parts && !attached.is_empty() {
        let (names, types): (Vec<String>, BTreeSet<String>) = attached.into_iter().take(MAX_IN_METADATA).unzip();
        builder.metadata.insert("attachments".into(), names.into());
        builder.metadata.insert("attachment_types".into(), types.into_iter().collect::<Vec<_>>().into());
    }
    Ok(())
}

/// Many messages, one after the other.
pub fn read_box(bytes: &[u8], builder: &mut Builder) -> Result<(), ExtractError> {
    for (number, raw) in messages_of(bytes)?.into_iter().enumerate() {
        let raw = with_readable_head(&raw, builder);
        match parsed(&raw) {
            Ok(message) => Reading::new(builder).message(&message, 1)?,
            Err(ExtractError::Limit(why)) => return Err(ExtractError::Limit(why)),
            Err(e) => {
                builder.count("messages that are not read", 1);
                builder.warn(format!("message {} is left out: {e}", number.saturating_add(1)));
            }
        }
    }
    Ok(())
}

/// The messages of a mailbox as they were before they came into it.
pub fn messages_of(bytes: &[u8]) -> Result<Vec<Cow<'_, [u8]>>, ExtractError> {
    let found = messages(bytes);
    if found.len() > MAX_MESSAGES {
        return Err(ExtractError::Limit(format!("more than {MAX_MESSAGES} messages")));
    }
    Ok(found.into_iter().map(unquoted).collect())
}

/// By which a message is known: its own id, or its bytes where it has none.
pub fn id(bytes: &[u8]) -> Result<String, ExtractError> {
    let message = parsed(bytes)?;
    let id = message.message_id().map(str::trim).filter(|id| !id.is_empty() && !id.chars().any(char::is_control));
    Ok(id.map_or_else(|| format!("~{}", crate::fingerprint::of_bytes(bytes)), str::to_owned))
}

/// The message without what some programs write around it: a mark, the line of a mailbox, its length (Apple Mail).
fn without_envelope(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let length = bytes.iter().position(|b| *b == b'\n').map_or(0, |end| end.saturating_add(1));
    let (first, rest) = bytes.split_at_checked(length).unwrap_or((b"", bytes));
    if first.starts_with(b"From ") && begins_with_header(rest) {
        return rest;
    }
    let number = std::str::from_utf8(first.trim_ascii()).ok().filter(|_| begins_with_header(rest));
    match number.and_then(|number| number.parse::<usize>().ok()) {
        Some(length) => rest.get(..length).unwrap_or(rest),
        None => bytes,
    }
}

/// A message whose head has letters that are not written as mail writes them: they are decoded like those of a file, where
/// the message does not say in what its text is.
fn with_readable_head<'m>(bytes: &'m [u8], builder: &mut Builder) -> Cow<'m, [u8]> {
    let ends = |at: &[u8]| at.starts_with(b"\n\n") || at.starts_with(b"\n\r\n");
    let length = (0..bytes.len()).find(|at| bytes.get(*at..).is_some_and(ends)).unwrap_or(bytes.len());
    let (head, rest) = bytes.split_at_checked(length).unwrap_or((bytes, b""));
    if std::str::from_utf8(head).is_ok() {
        return bytes.into();
    }
    let message = parsed(bytes).ok();
    let label = message.iter().flat_map(|message| &message.parts).find_map(charset);
    match decode::labelled(head, label, builder) {
        Ok(head) => [head.as_bytes(), rest].concat().into(),
        Err(_) => bytes.into(),
    }
}

fn charset<'m>(part: &'m MessagePart<'_>) -> Option<&'m str> {
    part.content_type()?.attribute("charset")
}

fn parsed(bytes: &[u8]) -> Result<Message<'_>, ExtractError> {
    // Parts that lie in each other without end.
    let headers = bytes.windows(13).filter(|window| window.eq_ignore_ascii_case(b"content-type:"));
    if headers.take(MAX_PARTS.saturating_add(1)).count() > MAX_PARTS {
        return Err(ExtractError::Limit(format!("more than {MAX_PARTS} parts in a message")));
    }
    // A message without a line end at its end is one all the same.
    let parsed = std::panic::catch_unwind(|| MessageParser::default().parse(bytes)).ok().flatten();
    parsed.ok_or_else(|| ExtractError::Broken("no mail message".into()))
}

/// Where a line begins a message: `From `, at the top or after an empty line, with a header below.
fn messages(bytes: &[u8]) -> Vec<&[u8]> {
    let (mut starts, mut at, mut was_empty) = (Vec::new(), 0usize, true);
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let end = at.saturating_add(line.len());
        if was_empty && line.starts_with(b"From ") && bytes.get(end..).is_some_and(begins_with_header) {
            starts.push((at, end));
        }
        was_empty = line.trim_ascii().is_empty();
        at = end;
    }
    let ends = starts.iter().skip(1).map(|(start, _)| *start).chain([bytes.len()]);
    starts.iter().zip(ends).filter_map(|((_, start), end)| bytes.get(*start..end)).collect()
}

/// Whether the first line is the field of a header: a name without blanks and a colon.
pub fn begins_with_header(bytes: &[u8]) -> bool {
    let line = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    let Some(colon) = line.iter().position(|b| *b == b':') else { return false };
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    (1..77).contains(&colon) && line.get(..colon).is_some_and(|name| name.iter().all(is_name))
}

/// Lines of a message that begin with `From ` have a `>` before them in a mailbox.
fn unquoted(raw: &[u8]) -> Cow<'_, [u8]> {
    if !raw.windows(6).any(|at| at == b">From ") {
        return raw.into();
    }
    let mut out = Vec::with_capacity(raw.len());
    for line in raw.split_inclusive(|b| *b == b'\n') {
        let quoted = line.strip_prefix(b">").filter(|rest| {
            let marks = rest.iter().take_while(|b| **b == b'>').count();
            rest.get(marks..).is_some_and(|rest| rest.starts_with(b"From "))
        });
        out.extend_from_slice(quoted.unwrap_or(line));
    }
    out.into()
}

fn is_page(message: &Message<'_>) -> bool {
    let saved = message.header_raw("Snapshot-Content-Location").is_some()
        || message.header_raw("From").is_some_and(|from| from.contains("<Saved by "));
    let is_related = message.root_part().is_content_type("multipart", "related");
    saved || (is_related && message.from().is_none() && message.to().is_none())
}

/// A page that was saved with all that belongs to it.
fn page(message: &Message<'_>, builder: &mut Builder) -> Result<(), ExtractError> {
    let mut pages = message.parts.iter().filter(|part| matches!(part.body, PartType::Html(_)));
    let Some(root) = pages.next() else {
        return Reading::new(builder).part(message, 0, 1);
    };
    builder.count("embedded elements", pages.count() as u64);
    let text = text_of(message, root, builder)?;
    html::read(&text, false, builder)
}

fn metadata(message: &Message<'_>, builder: &mut Builder) {
    let mut put = |key: &str, value: Option<serde_json::Value>| {
        builder.metadata.extend(value.map(|value| (key.to_owned(), value)));
    };
    let list = |found: Option<&Address<'_>>| {
        let names = found.map(addresses).unwrap_or_default();
        let names: Vec<String> = names.iter().take(MAX_IN_METADATA).map(|name| short(name)).collect();
        (!names.is_empty()).then(|| names.into())
    };
    let from = message.from().map(addresses).unwrap_or_default();
    put("from", from.first().map(|name| short(name).into()));
    put("to", list(message.to()));
    put("cc", list(message.cc()));
    put("date", message.date().filter(|date| date.is_valid()).map(|date| date.to_rfc3339().into()));
}

fn short(name: &str) -> String {
    name.chars().take(MAX_NAME).collect()
}

fn addresses(found: &Address<'_>) -> Vec<String> {
    let shown = |addr: &mail_parser::Addr<'_>| match (addr.name.as_deref(), addr.address.as_deref()) {
        (Some(name), Some(address)) if name != address => Some(format!("{name} <{address}>")),
        (Some(one), _) | (None, Some(one)) => Some(one.to_owned()),
        (None, None) => None,
    };
    found.iter().filter_map(shown).take(MAX_ADDRESSES).collect()
}

/// The text of a part; one that names no characters is decoded like a file.
fn text_of<'m>(
    message: &'m Message<'_>,
    part: &'m MessagePart<'_>,
    builder: &mut Builder,
) -> Result<Cow<'m, str>, ExtractError> {
    let is_html = matches!(part.body, PartType::Html(_));
    let label = charset(part);
    let known = part.text_contents().unwrap_or_default();
    if label.is_some() && known.is_ascii() {
        return Ok(known.into());
    }
    let raw = message.raw_message.get(part.offset_body as usize..part.offset_end as usize).unwrap_or_default();
    let bytes = match part.encoding {
        Encoding::None => Some(raw.to_vec()),
        Encoding::Base64 => base64_decode(raw),
        Encoding::QuotedPrintable => quoted_printable_decode(raw),
    };
    // Letters of eight bits in a row hardly ever look like UTF-8.
    let of_one_byte = label.filter(|label| decode::is_of_one_byte(label));
    if let (Some(label), Some(bytes)) = (of_one_byte, &bytes)
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        builder.warn(format!("a text that is said to be in {label} is read as UTF-8, which it is"));
        return Ok(text.to_owned().into());
    }
    if label.is_some() && !known.contains(char::REPLACEMENT_CHARACTER) {
        return Ok(known.into());
    }
    match bytes.filter(|bytes| std::str::from_utf8(bytes).is_err()) {
        Some(bytes) if is_html => decode::html(&bytes, builder).map(Into::into),
        Some(bytes) => decode::text(&bytes, builder).map(Into::into),
        None => Ok(known.into()),
    }
}

struct Reading<'b> {
    builder: &'b mut Builder,
    depth: usize,
    /// Names and types of what is attached, messages too.
    attached: Vec<(String, String)>,
}

impl<'b> Reading<'b> {
    fn new(builder: &'b mut Builder) -> Self {
        Reading { builder, depth: 0, attached: Vec::new() }
    }

    fn message(&mut self, message: &Message<'_>, level: u8) -> Result<(), ExtractError> {
        self.head(message, level)?;
        self.part(message, 0, level)
    }

    fn head(&mut self, message: &Message<'_>, level: u8) -> Result<(), ExtractError> {
        self.builder.heading(level, message.subject().unwrap_or_default())?;
        let mut lines = Vec::new();
        for (name, found) in [("From", message.from()), ("To", message.to()), ("Cc", message.cc())] {
            let names = found.map(addresses).unwrap_or_default();
            lines.extend((!names.is_empty()).then(|| format!("{name}: {}", names.join(", "))));
        }
        if let Some(date) = message.date().filter(|date| date.is_valid()) {
            lines.push(format!("Date: {}", date.to_rfc3339()));
        }
        self.builder.block(&lines.join("\n"))?;
        self.builder.count("blind copies", message.bcc().map_or(0, |bcc| bcc.iter().count() as u64));
        Ok(())
    }

    fn part(&mut self, message: &Message<'_>, id: u32, level: u8) -> Result<(), ExtractError> {
        let Some(part) = message.part(id) else { return Ok(()) };
        self.depth = self.depth.saturating_add(1);
        if self.depth > MAX_DEPTH {
            return Err(ExtractError::Limit(format!("parts of mail nested deeper than {MAX_DEPTH}")));
        }
        let is_attached = id > 0 && part.content_disposition().is_some_and(mail_parser::ContentType::is_attachment);
        let done = match &part.body {
            PartType::Multipart(parts) => self.parts(message, part, parts, level),
            PartType::Message(inner) => {
                let name = inner.subject().unwrap_or_default();
                self.attached.push((short(name), "message/rfc822".into()));
                self.message(inner, level.saturating_add(1))
            }
            PartType::Html(_) if !is_attached => self.page(message, part, level),
            PartType::Text(_) if !is_attached && is_calendar(part) => self.calendar(message, part, true),
            PartType::Text(_) if !is_attached && is_running_text(part) => {
                let text = text_of(message, part, self.builder)?.into_owned();
                let says = |name: &str, value: &str| {
                    let said = part.content_type().and_then(|kind| kind.attribute(name));
                    said.is_some_and(|said| said.eq_ignore_ascii_case(value))
                };
                match says("format", "flowed") {
                    true => self.builder.block(&flowed::joined(&text, says("delsp", "yes"))),
                    false => self.builder.block(&text),
                }
            }
            _ => self.attachment(part, level),
        };
        self.depth = self.depth.saturating_sub(1);
        done
    }

    fn parts(
        &mut self,
        message: &Message<'_>,
        part: &MessagePart<'_>,
        parts: &[u32],
        level: u8,
    ) -> Result<(), ExtractError> {
        let kind = part.content_type().and_then(|kind| kind.subtype()).unwrap_or_default().to_ascii_lowercase();
        let chosen = match kind.as_str() {
            // Mail programs show the last form that they know; one that says nothing hides what another one says.
            "alternative" => {
                let shown: Vec<u32> = parts.iter().rev().copied().filter(|id| is_shown(message, *id, 0)).collect();
                let full = shown.iter().find(|id| self.says_something(message, **id, 0)).copied();
                full.or(shown.first().copied()).or(parts.first().copied())
            }
            _ => None,
        };
        for id in parts {
            let Some(inner) = message.part(*id) else { continue };
            let is_named = inner.content_disposition().is_some_and(mail_parser::ContentType::is_attachment);
            if chosen.is_some_and(|chosen| chosen != *id) && !is_named {
                self.builder.count("other forms of a text", 1);
                // Where and when something takes place the others may not say.
                if is_calendar(inner) {
                    self.calendar(message, inner, false)?;
                }
                continue;
            }
            let is_signature = |kind: &str| inner.content_type().and_then(|k| k.subtype()) == Some(kind);
            if ["pgp-signature", "pkcs7-signature", "x-pkcs7-signature"].into_iter().any(is_signature) {
                self.builder.count("signatures", 1);
                continue;
            }
            self.part(message, *id, level)?;
        }
        Ok(())
    }

    fn page(&mut self, message: &Message<'_>, part: &MessagePart<'_>, level: u8) -> Result<(), ExtractError> {
        let mut inner = self.builder.inner();
        let text = text_of(message, part, &mut inner)?;
        html::read(&text, false, &mut inner)?;
        self.builder.absorb(inner, Some(level))
    }

    fn calendar(&mut self, message: &Message<'_>, part: &MessagePart<'_>, is_alone: bool) -> Result<(), ExtractError> {
        let text = text_of(message, part, self.builder)?;
        let events = calendar::events(&text, is_alone);
        events.iter().try_for_each(|event| self.builder.block(event))
    }

    /// Whether a form of a text has any.
    fn says_something(&self, message: &Message<'_>, id: u32, depth: usize) -> bool {
        let Some(part) = message.part(id).filter(|_| depth < MAX_DEPTH) else { return false };
        let mut inner = self.builder.inner();
        match &part.body {
            PartType::Html(_) => {
                let read = text_of(message, part, &mut inner).and_then(|text| html::read(&text, false, &mut inner));
                read.is_err() || !inner.text().trim().is_empty()
            }
            PartType::Text(text) => !text.trim().is_empty(),
            PartType::Multipart(parts) => {
                parts.iter().any(|id| self.says_something(message, *id, depth.saturating_add(1)))
            }
            _ => false,
        }
    }

    fn attachment(&mut self, part: &MessagePart<'_>, level: u8) -> Result<(), ExtractError> {
        let is_picture = part.content_type().is_some_and(|kind| kind.ctype().eq_ignore_ascii_case("image"));
        if is_picture && part.content_id().is_some() {
            self.builder.count("pictures", 1);
            return Ok(());
        }
        let kind = part.content_type();
        let subtype = kind.and_then(|kind| kind.subtype()).unwrap_or("bin");
        let name = part.attachment_name().map_or_else(|| format!("part.{subtype}"), str::to_owned);
        let marked;
        let bytes = match &part.body {
            // Decoded already, which a mark tells the reader.
            PartType::Text(text) | PartType::Html(text) => {
                marked = format!("\u{feff}{text}");
                marked.as_bytes()
            }
            _ => part.contents(),
        };
        if bytes.is_empty() {
            return Ok(());
        }
        let main = kind.map_or("application", |kind| kind.ctype());
        self.attached.push((short(&name), short(&format!("{main}/{subtype}").to_ascii_lowercase())));
        if !nested::is_read(&name, bytes) {
            self.builder.count("attachments that are not read", 1);
            self.builder.warn(format!("the attachment {name} is not read"));
            return self.builder.block(&format!("Attachment: {name}"));
        }
        let below = level.saturating_add(1);
        self.builder.heading(below, &format!("Attachment: {name}"))?;
        nested::read_below(below, &name, bytes, self.builder)
    }
}

fn is_calendar(part: &MessagePart<'_>) -> bool {
    part.is_content_type("text", "calendar")
}

/// Text that is read in a row, and no calendar or list of addresses.
fn is_running_text(part: &MessagePart<'_>) -> bool {
    let Some(kind) = part.content_type() else { return true };
    let subtype = kind.subtype().unwrap_or("plain").to_ascii_lowercase();
    let is_text = kind.ctype().eq_ignore_ascii_case("text");
    // What could not be decoded is text by name only.
    !is_text || matches!(subtype.as_str(), "plain" | "enriched" | "x-amp-html" | "delivery-status" | "rfc822-headers")
}

/// Whether a form of a text is one that is shown: a page or plain text, with what belongs to it.
fn is_shown(message: &Message<'_>, id: u32, depth: usize) -> bool {
    let Some(part) = message.part(id).filter(|_| depth < MAX_DEPTH) else { return false };
    match &part.body {
        PartType::Html(_) => true,
        PartType::Text(_) => part.is_content_type("text", "plain") || part.content_type().is_none(),
        PartType::Multipart(parts) => parts.iter().any(|id| is_shown(message, *id, depth.saturating_add(1))),
        _ => false,
    }
}
