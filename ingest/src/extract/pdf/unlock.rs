//! Files whose trailer holds the dictionary of their encryption itself: the parser looks for a reference only. An update is
//! written behind the file that makes it one.

use lopdf::{Dictionary, Document, Object};

/// Objects inside each other in a trailer.
const MAX_DEPTH: usize = 16;

/// The file with such an update; nothing where it needs none.
pub fn updated(bytes: &[u8], document: &Document) -> Option<Vec<u8>> {
    let Ok(Object::Dictionary(encryption)) = document.trailer.get(b"Encrypt") else { return None };
    let mark = b"startxref";
    let at = bytes.windows(mark.len()).rposition(|window| window == mark)?;
    let digits = bytes.get(at.checked_add(mark.len())?..)?.trim_ascii_start();
    let digits: String = digits.iter().take_while(|b| b.is_ascii_digit()).map(|b| char::from(*b)).collect();
    let number =
        document.max_id.max(document.trailer.get(b"Size").and_then(Object::as_i64).ok()? as u32).checked_add(1)?;
    let mut trailer = Dictionary::new();
    for key in [&b"Root"[..], b"Info", b"ID"] {
        if let Ok(value) = document.trailer.get(key) {
            trailer.set(key, value.clone());
        }
    }
    trailer.set("Size", i64::from(number).saturating_add(1));
    trailer.set("Encrypt", Object::Reference((number, 0)));
    trailer.set("Prev", digits.parse::<i64>().ok()?);
    let mut out = bytes.to_vec();
    out.push(b'\n');
    let object = out.len();
    out.extend(format!("{number} 0 obj\n").bytes());
    write(&Object::Dictionary(encryption.clone()), &mut out, 0);
    out.extend(b"\nendobj\n");
    let table = out.len();
    out.extend(format!("xref\n{number} 1\n{object:010} 00000 n \ntrailer\n").bytes());
    write(&Object::Dictionary(trailer), &mut out, 0);
    out.extend(format!("\nstartxref\n{table}\n%%EOF\n").bytes());
    Some(out)
}

fn write(object: &Object, out: &mut Vec<u8>, depth: usize) {
    if depth > MAX_DEPTH {
        return out.extend(b"null");
    }
    let deeper = depth.saturating_add(1);
    match object {
        Object::Boolean(is) => out.extend(is.to_string().bytes()),
        Object::Integer(n) => out.extend(n.to_string().bytes()),
        Object::Real(n) => out.extend(n.to_string().bytes()),
        Object::Name(name) => write_name(name, out),
        Object::String(text, _) => {
            out.push(b'<');
            text.iter().for_each(|b| out.extend(format!("{b:02x}").bytes()));
            out.push(b'>');
        }
        Object::Array(items) => {
            out.push(b'[');
            for item in items {
                write(item, out, deeper);
                out.push(b' ');
            }
            out.push(b']');
        }
        Object::Dictionary(dict) => {
            out.extend(b"<<");
            for (key, value) in dict.iter() {
                write_name(key, out);
                out.push(b' ');
                write(value, out, deeper);
            }
            out.extend(b">>");
        }
        Object::Reference((number, generation)) => out.extend(format!("{number} {generation} R").bytes()),
        Object::Null | Object::Stream(_) => out.extend(b"null"),
    }
}

fn write_name(name: &[u8], out: &mut Vec<u8>) {
    out.push(b'/');
    for b in name {
        if b.is_ascii_alphanumeric() { out.push(*b) } else { out.extend(format!("#{b:02x}").bytes()) }
    }
}
