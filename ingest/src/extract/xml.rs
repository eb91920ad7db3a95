//! XML of office files as events by local name. Entities other than XML's own are refused, and so is a document type.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::ExtractError;

const MAX_DEPTH: usize = 512;

pub enum Xml<'e> {
    Start(&'e str, &'e BytesStart<'e>),
    End(&'e str),
    Text(&'e str),
}

/// Events by local name: the prefix is a matter of taste of the writing program.
pub fn each_event(xml: &str, mut see: impl FnMut(Xml<'_>) -> Result<(), ExtractError>) -> Result<(), ExtractError> {
    let broken = |e: &dyn std::fmt::Display| ExtractError::Broken(format!("its XML is malformed: {e}"));
    let mut reader = Reader::from_str(xml);
    let mut depth = 0usize;
    loop {
        match reader.read_event().map_err(|e| broken(&e))? {
            Event::Start(element) => {
                depth = depth.saturating_add(1);
                if depth > MAX_DEPTH {
                    return Err(ExtractError::Limit(format!("XML nested deeper than {MAX_DEPTH}")));
                }
                see(Xml::Start(element.local_name().as_ref(), &element))?;
            }
            Event::Empty(element) => {
                see(Xml::Start(element.local_name().as_ref(), &element))?;
                see(Xml::End(element.local_name().as_ref()))?;
            }
            Event::End(element) => {
                depth = depth.saturating_sub(1);
                see(Xml::End(element.local_name().as_ref()))?;
            }
            Event::Text(text) => see(Xml::Text(&text.xml10_content()))?,
            Event::CData(text) => see(Xml::Text(&text.xml10_content()))?,
            Event::GeneralRef(entity) => {
                let resolved = match entity.resolve_char_ref().map_err(|e| broken(&e))? {
                    Some(c) => c.to_string(),
                    None => quick_xml::escape::resolve_predefined_entity(&entity.into_inner())
                        .ok_or_else(|| ExtractError::Broken("its XML defines entities of its own".into()))?
                        .to_owned(),
                };
                see(Xml::Text(&resolved))?;
            }
            Event::DocType(_) => return Err(ExtractError::Broken("its XML holds a document type".into())),
            Event::Eof => return Ok(()),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

pub fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = element.attributes().flatten().find(|a| a.key.local_name().as_ref() == name)?;
    Some(attribute.normalized_value(XmlVersion::default()).ok()?.into_owned())
}

/// An attribute with a prefix, as one that names a relationship has, beside one of the same name without.
pub fn prefixed(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let is_it = |key: &quick_xml::name::QName<'_>| key.prefix().is_some() && key.local_name().as_ref() == name;
    let attribute = element.attributes().flatten().find(|a| is_it(&a.key))?;
    Some(attribute.normalized_value(XmlVersion::default()).ok()?.into_owned())
}

/// `val` of an element, as most of Word's have it.
pub fn value(element: &BytesStart<'_>) -> Option<String> {
    attribute(element, "val")
}

/// On/off properties are on when no value is given.
pub fn is_on(element: &BytesStart<'_>) -> bool {
    !matches!(value(element).as_deref(), Some("0" | "false" | "off" | "none"))
}

/// The text of the first element of this name, and of no other.
pub fn text_of(xml: &str, wanted: &str) -> Result<Option<String>, ExtractError> {
    let (mut inside, mut done, mut found) = (false, false, String::new());
    each_event(xml, |event| {
        match event {
            Xml::Start(name, _) => inside = !done && name == wanted,
            Xml::End(name) => {
                done |= inside && name == wanted;
                inside = false;
            }
            Xml::Text(text) if inside => found.push_str(text),
            Xml::Text(_) => {}
        }
        Ok(())
    })?;
    Ok(Some(found).filter(|t| !t.trim().is_empty()))
}
