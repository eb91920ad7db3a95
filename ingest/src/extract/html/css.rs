//! Styles as a page writes them: the declarations of an element's own, and the style sheets within the page, as far as they
//! can hide something. Other files are not followed.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use dom_query::{Matcher, NodeId, NodeRef};

mod media;
mod nested;
mod scan;
mod variables;

use media::is_media;
use scan::{divided, next_block, plain, without_comments};

/// Bytes of all style sheets of a page, rules in them, and how often a rule is compared with an element.
const MAX_BYTES: usize = 4 * 1024 * 1024;
const MAX_RULES: usize = 20_000;
const MAX_TRIALS: usize = 3_000_000;
/// Selectors that are put together of rules within rules.
const MAX_NESTED: usize = 100_000;
const MAX_DEPTH: usize = 10;

/// What can hide text, part words or divide lines.
const LOOKED_AT: [&str; 42] = [
    "animation",
    "animation-name",
    "background",
    "background-clip",
    "background-color",
    "background-image",
    "clip",
    "clip-path",
    "color",
    "content-visibility",
    "display",
    "filter",
    "font",
    "font-size",
    "height",
    "inset",
    "left",
    "top",
    "right",
    "bottom",
    "margin",
    "margin-left",
    "margin-top",
    "margin-right",
    "max-height",
    "max-width",
    "opacity",
    "overflow",
    "overflow-x",
    "overflow-y",
    "position",
    "scale",
    "text-indent",
    "transform",
    "translate",
    "visibility",
    "-webkit-background-clip",
    "-webkit-text-fill-color",
    "white-space",
    "width",
    "zoom",
    "text-security",
];

/// A property with its value: in small letters, without comments and escapes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    pub name: String,
    pub value: String,
    important: bool,
}

/// Declarations between the brackets of a rule, or in an attribute.
pub fn declarations(block: &str) -> Vec<Declaration> {
    let block = plain(block);
    let of = |part: &str| {
        // Rules within a rule are read by themselves.
        let part = part.rsplit('}').next().unwrap_or_default();
        let (name, value) = part.split_once(':')?;
        let value = value.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_lowercase();
        let bare = value.trim_end_matches("important").trim_end();
        let (value, important) = match bare.strip_suffix('!') {
            Some(bare) => (bare.trim_end().to_owned(), true),
            None => (value, false),
        };
        let name = name.trim().to_ascii_lowercase();
        let is_looked_at = LOOKED_AT.contains(&name.as_str()) || name.starts_with("--");
        is_looked_at.then_some(Declaration { name, value, important })
    };
    divided(&block, ';').into_iter().filter_map(of).collect()
}

/// What applies to an element: of each property the declaration that wins.
#[derive(Debug, Default)]
pub struct Applied {
    values: HashMap<String, String>,
}

impl Applied {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    pub fn is(&self, name: &str, wanted: &[&str]) -> bool {
        self.get(name).is_some_and(|value| wanted.contains(&value))
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Weakest first; what is important comes over all that is not. `meant`: what a name of the page's own stands for.
    fn of(declared: &[&Declaration], meant: impl Fn(&str) -> Option<String>) -> Applied {
        let mut applied = Applied::default();
        let ordered = declared.iter().filter(|it| !it.important).chain(declared.iter().filter(|it| it.important));
        for it in ordered {
            let value = match it.value.contains("var(") {
                true => variables::resolved(&it.value, &meant).unwrap_or_default(),
                false => it.value.clone(),
            };
            if !is_known(&it.name, &value) {
                continue;
            }
            // The shorthand sets all of them anew.
            let parts: &[&str] = match it.name.as_str() {
                "background" => &["background-color", "background-image", "background-clip"],
                "font" => &["font-size"],
                _ => &[],
            };
            parts.iter().for_each(|part| drop(applied.values.remove(*part)));
            if it.name == "font-size" {
                applied.values.remove("font");
            }
            applied.values.insert(it.name.clone(), value);
        }
        applied
    }
}

/// What a browser does not know it ignores.
fn is_known(name: &str, value: &str) -> bool {
    if value.is_empty() || name.starts_with("--") {
        return false;
    }
    let all = ["initial", "inherit", "unset", "revert", "revert-layer"];
    let first = value.split(' ').next().unwrap_or_default();
    let among = |words: &[&str]| words.contains(&first) || all.contains(&value);
    match name {
        "display" => among(&DISPLAYS) || value.starts_with("-webkit-") || value.starts_with("-ms-"),
        "visibility" => among(&["visible", "hidden", "collapse"]),
        "content-visibility" => among(&["visible", "hidden", "auto"]),
        "position" => among(&["static", "relative", "absolute", "fixed", "sticky", "-webkit-sticky"]),
        "opacity" => value.trim_end_matches('%').parse::<f32>().is_ok() || all.contains(&value),
        _ => true,
    }
}

const DISPLAYS: [&str; 27] = [
    "none",
    "block",
    "inline",
    "inline-block",
    "flex",
    "inline-flex",
    "grid",
    "inline-grid",
    "table",
    "inline-table",
    "table-row",
    "table-cell",
    "table-row-group",
    "table-header-group",
    "table-footer-group",
    "table-column",
    "table-column-group",
    "table-caption",
    "list-item",
    "flow",
    "flow-root",
    "contents",
    "run-in",
    "ruby",
    "ruby-text",
    "ruby-base",
    "math",
];

struct Rule {
    matcher: Matcher,
    /// By how many names, classes and elements its selector says.
    weight: [usize; 3],
    declared: Rc<[Declaration]>,
}

/// The style sheets of a page.
#[derive(Default)]
pub struct Sheets {
    rules: Vec<Rule>,
    /// Places of rules, by what the element itself has to be: `#id`, `.class`, its name, or `*`.
    by_key: HashMap<String, Vec<usize>>,
    /// Places of rules by the names of the page's own for which they give values, and what a name stands for in an element.
    naming: HashMap<String, Vec<usize>>,
    named: RefCell<HashMap<(NodeId, String), Option<String>>>,
    trials: Cell<usize>,
    nested: usize,
    /// There was more than is looked at.
    is_cut: Cell<bool>,
    /// Names of animations that end with what can be seen.
    appearing: HashSet<String>,
}

impl Sheets {
    pub fn read<'s>(sheets: impl Iterator<Item = String> + 's) -> Sheets {
        let mut all = Sheets::default();
        let mut left = MAX_BYTES;
        for sheet in sheets {
            match left.checked_sub(sheet.len()) {
                Some(rest) => left = rest,
                None => {
                    all.is_cut.set(true);
                    break;
                }
            }
            all.add(&without_comments(&sheet), &[], 0);
        }
        all
    }

    /// Whether some rules were not tried on some elements.
    pub fn is_cut(&self) -> bool {
        self.is_cut.get()
    }

    /// Whether a style lets an element appear by an animation of the page's own.
    pub fn appears(&self, style: &Applied) -> bool {
        let names = ["animation", "animation-name"].iter().filter_map(|name| style.get(name));
        names.flat_map(|value| value.split([' ', ','])).any(|word| self.appearing.contains(word))
    }

    /// What the sheets and its own attribute say of an element.
    pub fn applied(&self, node: &NodeRef<'_>, name: &str) -> Applied {
        let own = node.attr("style").map(|style| declarations(&style)).unwrap_or_default();
        if self.rules.is_empty() {
            return Applied::of(&own.iter().collect::<Vec<_>>(), |wanted| self.meant(node, wanted));
        }
        let mut keys = vec!["*".to_owned(), name.to_owned()];
        keys.extend(node.id_attr().map(|id| format!("#{id}")));
        keys.extend(node.attr("class").iter().flat_map(|all| all.split_whitespace()).map(|class| format!(".{class}")));
        if self.trials.get() > MAX_TRIALS {
            self.is_cut.set(true);
            return Applied::of(&own.iter().collect::<Vec<_>>(), |wanted| self.meant(node, wanted));
        }
        let mut places: Vec<usize> = keys.iter().filter_map(|key| self.by_key.get(key)).flatten().copied().collect();
        places.sort_unstable();
        places.dedup();
        self.trials.set(self.trials.get().saturating_add(places.len()));
        let mut rules: Vec<(usize, &Rule)> =
            places.into_iter().filter_map(|place| Some((place, self.rules.get(place)?))).collect();
        rules.retain(|(_, rule)| node.is_match(&rule.matcher));
        rules.sort_by_key(|(place, rule)| (rule.weight, *place));
        let declared: Vec<&Declaration> = rules.iter().flat_map(|(_, rule)| rule.declared.iter()).chain(&own).collect();
        Applied::of(&declared, |wanted| self.meant(node, wanted))
    }

    /// What a name of the page's own stands for in an element: what the element, or else the nearest one around it, says.
    fn meant(&self, node: &NodeRef<'_>, wanted: &str) -> Option<String> {
        let mut found = None;
        let mut passed = Vec::new();
        for element in std::iter::once(*node).chain(node.ancestors_it(None)).filter(NodeRef::is_element) {
            let key = (element.id, wanted.to_owned());
            if let Some(known) = self.named.borrow().get(&key) {
                found.clone_from(known);
                break;
            }
            passed.push(key);
            found = self.said(&element, wanted);
            if found.is_some() {
                break;
            }
        }
        self.named.borrow_mut().extend(passed.into_iter().map(|key| (key, found.clone())));
        found
    }

    fn said(&self, element: &NodeRef<'_>, wanted: &str) -> Option<String> {
        let places = self.naming.get(wanted).map(Vec::as_slice).unwrap_or_default();
        self.trials.set(self.trials.get().saturating_add(places.len()).saturating_add(1));
        if self.trials.get() > MAX_TRIALS {
            self.is_cut.set(true);
            return None;
        }
        let own = element.attr("style").filter(|style| style.contains("--")).map(|style| declarations(&style));
        let rules = places.iter().filter_map(|place| Some((*place, self.rules.get(*place)?)));
        let rules = rules.filter(|(_, rule)| element.is_match(&rule.matcher));
        let of_rules = rules.flat_map(|(place, rule)| rule.declared.iter().map(move |it| (rule.weight, place, it)));
        let of_own = own.iter().flatten().map(|it| ([usize::MAX; 3], usize::MAX, it));
        let all = of_rules.chain(of_own).filter(|(_, _, it)| it.name == wanted);
        all.max_by_key(|(weight, place, it)| (it.important, *weight, *place)).map(|(_, _, it)| it.value.clone())
    }

    /// Rules, and the declarations between them, within rules with the selectors around.
    fn add(&mut self, css: &str, around: &[String], depth: usize) {
        if depth > MAX_DEPTH {
            self.is_cut.set(true);
            return;
        }
        let declared: Rc<[Declaration]> = if around.is_empty() { Rc::new([]) } else { declarations(css).into() };
        if !declared.is_empty() {
            around.iter().for_each(|selector| self.add_rule(selector, &declared));
        }
        let mut rest = css;
        while let Some((prelude, after)) = next_block(rest) {
            let Some((block, after)) = after else {
                // A statement without a block.
                rest = rest.get(prelude.len().saturating_add(1)..).unwrap_or_default();
                continue;
            };
            rest = after;
            let prelude = prelude.trim();
            if let Some(rule) = prelude.strip_prefix('@') {
                let (name, condition) = rule.split_at(rule.find([' ', '(', '\n', '\t']).unwrap_or(rule.len()));
                let holds = match name.to_ascii_lowercase().as_str() {
                    "media" => is_media(condition),
                    "supports" => !condition.trim_start().to_ascii_lowercase().starts_with("not"),
                    "layer" => true,
                    "keyframes" | "-webkit-keyframes" => {
                        let plain: String = block.chars().filter(|c| !c.is_whitespace()).collect();
                        if plain.contains("opacity:1") || plain.contains("visibility:visible") {
                            self.appearing.insert(condition.trim().to_ascii_lowercase());
                        }
                        false
                    }
                    _ => false,
                };
                if holds {
                    self.add(block, around, depth.saturating_add(1));
                }
                continue;
            }
            let selectors = self.selectors(around, prelude);
            if !selectors.is_empty() {
                self.add(block, &selectors, depth.saturating_add(1));
            }
        }
    }

    fn selectors(&mut self, around: &[String], prelude: &str) -> Vec<String> {
        let own = divided(prelude, ',');
        let own = own.iter().map(|selector| selector.trim()).filter(|selector| !selector.is_empty());
        if around.is_empty() {
            return own.map(str::to_owned).collect();
        }
        let mut found = Vec::new();
        for (selector, outer) in own.flat_map(|selector| around.iter().map(move |outer| (selector, outer))) {
            self.nested = self.nested.saturating_add(1);
            match nested::within(outer, selector).filter(|_| self.nested <= MAX_NESTED) {
                Some(whole) => found.push(whole),
                None => self.is_cut.set(true),
            }
            if self.nested > MAX_NESTED {
                break;
            }
        }
        found
    }

    fn add_rule(&mut self, selector: &str, declared: &Rc<[Declaration]>) {
        if self.rules.len() >= MAX_RULES {
            self.is_cut.set(true);
            return;
        }
        // Parts that a page generates, and what is not known.
        let Ok(matcher) = Matcher::new(&selector.replace(":root", "html")) else { return };
        self.by_key.entry(key(selector)).or_default().push(self.rules.len());
        for it in declared.iter().filter(|it| it.name.starts_with("--")) {
            let places = self.naming.entry(it.name.clone()).or_default();
            places.extend((places.last() != Some(&self.rules.len())).then_some(self.rules.len()));
        }
        self.rules.push(Rule { matcher, weight: weight(selector), declared: Rc::clone(declared) });
    }
}

/// What an element has to be itself for a selector to fit.
fn key(selector: &str) -> String {
    let mut depth = 0usize;
    let mut last = 0;
    for (at, c) in selector.char_indices() {
        match c {
            '(' | '[' => depth = depth.saturating_add(1),
            ')' | ']' => depth = depth.saturating_sub(1),
            ' ' | '>' | '+' | '~' | '\n' | '\t' if depth == 0 => last = at.saturating_add(1),
            _ => {}
        }
    }
    let own = selector.get(last..).unwrap_or_default();
    let simple = own.get(..own.find(['[', ':', '(', '*']).unwrap_or(own.len())).unwrap_or_default();
    if simple.is_empty() || simple.contains('\\') {
        return "*".to_owned();
    }
    let begin = simple.find('#').or_else(|| simple.find('.')).unwrap_or(0);
    let part = simple.get(begin..).unwrap_or_default();
    let end = part.char_indices().skip(1).find(|(_, c)| matches!(c, '#' | '.')).map_or(part.len(), |(at, _)| at);
    let part = part.get(..end).unwrap_or_default();
    if begin == 0 && !part.starts_with(['#', '.']) { part.to_ascii_lowercase() } else { part.to_owned() }
}

fn weight(selector: &str) -> [usize; 3] {
    let mut weight = [0usize; 3];
    let [names, classes, elements] = &mut weight;
    let mut before = ' ';
    for c in selector.chars() {
        match c {
            '#' => *names = names.saturating_add(1),
            '.' | '[' => *classes = classes.saturating_add(1),
            ':' if before != ':' => *classes = classes.saturating_add(1),
            c if c.is_ascii_alphabetic() && matches!(before, ' ' | '>' | '+' | '~' | '(' | ',') => {
                *elements = elements.saturating_add(1);
            }
            _ => {}
        }
        before = c;
    }
    weight
}

#[cfg(test)]
mod tests;
