//! EPUB: the pages of a book in the order in which they are read.

use std::collections::BTreeMap;

use super::archive::Parts;
use super::opc::resolve;
use super::xml::{Xml, attribute, each_event, text_of};
use super::{Builder, ExtractError, decode, html};

const MAX_PAGES: usize = 5_000;
/// Characters of a value in metadata.
const MAX_VALUE: usize = 500;

pub fn read(bytes: &[u8], builder: &mut Builder) -> Result<(), ExtractError> {
    let mut parts = Parts::open(bytes)?;
    let container = parts.text("META-INF/container.xml")?;
    let Some(container) = container else { return Err(ExtractError::Broken("a book without a container".into())) };
    let mut package = None;
    each_event(&container, |event| {
        if let Xml::Start("rootfile", element) = event {
            package = package.take().or_else(|| attribute(element, "full-path"));
        }
        Ok(())
    })?;
    let Some(name) = package else { return Err(ExtractError::Broken("a book without a package".into())) };
    let Some(package) = parts.text(&name)? else { return Err(ExtractError::Broken("a book without a package".into())) };
    let is_locked = parts.text("META-INF/rights.xml")?.is_some();
    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
    let pages = pages(&package, folder)?;
    if pages.len() > MAX_PAGES {
        return Err(ExtractError::Limit(format!("more than {MAX_PAGES} pages in the book")));
    }
    builder.title = text_of(&package, "title")?;
    for (key, element) in [("author", "creator"), ("language", "language"), ("date", "date")] {
        let value = text_of(&package, element)?.map(|value| value.trim().chars().take(MAX_VALUE).collect::<String>());
        builder.metadata.extend(value.map(|value| (key.to_owned(), value.into())));
    }
    let mut lost = 0u64;
    for page in pages {
        let Some(bytes) = parts.bytes(&page)? else {
            lost = lost.saturating_add(1);
            continue;
        };
        if is_locked && !bytes.contains(&b'<') {
            return Err(ExtractError::Broken("the book is encrypted".into()));
        }
        let mut inner = builder.inner();
        let text = decode::html(&bytes, &mut inner)?;
        html::read(&written_out(&text), false, &mut inner)?;
        builder.absorb(inner, Some(0))?;
    }
    if lost > 0 {
        builder.warn(format!("{lost} pages of the book are not in the file"));
    }
    Ok(())
}

/// The parts that are read one after the other.
fn pages(package: &str, folder: &str) -> Result<Vec<String>, ExtractError> {
    let (mut items, mut order) = (BTreeMap::new(), Vec::new());
    each_event(package, |event| {
        match event {
            Xml::Start("item", element) => {
                let kind = attribute(element, "media-type").unwrap_or_default();
                let is_page = kind.contains("html") || kind.contains("dtbook") || kind.is_empty();
                let named = attribute(element, "id").zip(attribute(element, "href"));
                items.extend(named.filter(|_| is_page));
            }
            Xml::Start("itemref", element) => order.extend(attribute(element, "idref")),
            _ => {}
        }
        Ok(())
    })?;
    Ok(order.iter().filter_map(|id| items.get(id)).map(|target| resolve(folder, target)).collect())
}

/// XHTML closes elements where HTML would go on: `<title/>` would take in the whole page.
fn written_out(xhtml: &str) -> String {
    let void = ["br", "hr", "img", "input", "link", "meta", "area", "base", "col", "embed", "source", "track", "wbr"];
    let mut out = String::with_capacity(xhtml.len());
    let mut rest = xhtml;
    while let Some((before, tag)) = rest.split_once('<') {
        out.push_str(before);
        let Some((inside, after)) = tag.split_once('>') else {
            rest = tag;
            out.push('<');
            break;
        };
        let name: &str = inside.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default();
        let is_element = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
        match inside.strip_suffix('/').filter(|_| is_element && !void.contains(&name)) {
            Some(open) => out.push_str(&format!("<{open}></{name}>")),
            None => out.push_str(&format!("<{inside}>")),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}
