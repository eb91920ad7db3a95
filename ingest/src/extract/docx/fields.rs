//! Fields of a Word document: what stands between their code and their end is shown; of fields to be filled in, some say
//! only in their properties what was chosen.

use quick_xml::events::BytesStart;

use crate::extract::xml::{is_on, value};

/// A field that is open.
#[derive(Debug, Default)]
pub struct Field {
    /// What stands before the text to come is its code.
    pub in_code: bool,
    pub has_text: bool,
    form: Option<Form>,
}

#[derive(Debug)]
enum Form {
    Box { checked: Option<bool>, default: bool },
    List { chosen: Option<usize>, default: usize, entries: Vec<String> },
}

impl Field {
    pub fn new() -> Self {
        Field { in_code: true, ..Field::default() }
    }

    /// A property of a field to be filled in.
    pub fn take(&mut self, name: &str, element: &BytesStart<'_>) {
        let number = || value(element).and_then(|number| number.parse().ok());
        match (name, &mut self.form) {
            ("checkBox", _) => self.form = Some(Form::Box { checked: None, default: false }),
            ("ddList", _) => self.form = Some(Form::List { chosen: None, default: 0, entries: Vec::new() }),
            ("checked", Some(Form::Box { checked, .. })) => *checked = Some(is_on(element)),
            ("default", Some(Form::Box { default, .. })) => *default = is_on(element),
            ("result", Some(Form::List { chosen, .. })) => *chosen = number(),
            ("default", Some(Form::List { default, .. })) => *default = number().unwrap_or(0),
            ("listEntry", Some(Form::List { entries, .. })) => entries.push(value(element).unwrap_or_default()),
            _ => {}
        }
    }

    /// What it shows where no text stands in it.
    pub fn shown(&self) -> Option<&str> {
        match self.form.as_ref().filter(|_| !self.has_text)? {
            Form::Box { checked, default } => Some(if checked.unwrap_or(*default) { "☒" } else { "☐" }),
            Form::List { chosen, default, entries } => entries.get(chosen.unwrap_or(*default)).map(String::as_str),
        }
    }
}
