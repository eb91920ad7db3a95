//! Footnotes and endnotes of a page. They are shown behind the block that calls them, whatever the page ends with, so that
//! they lie in the same restricted part.
//!
//! Known are those of Pandoc, LibreOffice, Word, EPUB, Sphinx, Asciidoctor, Kramdown and MediaWiki, and by their roles those
//! of anybody who keeps to WAI-ARIA.

use std::collections::{HashMap, HashSet};

use dom_query::{NodeId, NodeRef};

use super::hiding::has_word;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Role {
    /// Holds notes, and nothing else that is shown.
    List,
    /// One note, shown where it is called and nowhere else.
    Note,
    /// Looks like a note; what calls none of these stays where it stands.
    Perhaps,
}

#[derive(Default)]
pub struct Notes<'a> {
    /// Links that call a note, with its elements.
    called: HashMap<NodeId, Vec<NodeRef<'a>>>,
    /// Not shown where they stand.
    moved: HashSet<NodeId>,
    /// Notes, and lists of them, that are shown nowhere.
    pub uncalled: u64,
}

/// What a page says of notes, by element.
#[derive(Default)]
struct Index<'a> {
    kinds: HashMap<NodeId, Role>,
    marked: Vec<(NodeRef<'a>, Role)>,
    order: HashMap<NodeId, usize>,
    targets: HashMap<String, NodeRef<'a>>,
    links: Vec<(NodeRef<'a>, String)>,
    /// Links by what they lead to.
    back: HashMap<String, Vec<NodeRef<'a>>>,
}

impl<'a> Notes<'a> {
    pub fn find(root: &NodeRef<'a>) -> Notes<'a> {
        let index = Index::of(root);
        let mut found: Vec<(NodeRef<'a>, NodeRef<'a>)> = Vec::new();
        let mut first: HashMap<NodeId, NodeId> = HashMap::new();
        // Elements that hold several notes: which of them is called can't be told.
        let mut mixed = HashSet::new();
        // Notes with a link that is surely their call; another one that leads there only speaks of them.
        let mut sure = HashSet::new();
        for (link, fragment) in &index.links {
            let Some(target) = index.targets.get(fragment) else { continue };
            let Some(item) = index.item(link, target) else { continue };
            if *first.entry(item.id).or_insert(target.id) != target.id {
                mixed.insert(item.id);
            }
            if index.is_sure(link, &item) {
                sure.insert(item.id);
            }
            found.push((*link, item));
        }
        found.retain(|(link, item)| match sure.contains(&item.id) {
            true => index.is_sure(link, item),
            false => looks_like_mark(&link.text()),
        });
        let mut notes = Notes::default();
        notes.moved.extend(mixed.iter().copied());
        notes.uncalled = mixed.len() as u64;
        for (link, item) in found.into_iter().filter(|(_, item)| !mixed.contains(&item.id)) {
            let mut parts = vec![item];
            if has_name(&item, &["dt"]) {
                let after = std::iter::successors(item.next_element_sibling(), NodeRef::next_element_sibling);
                parts.extend(after.take_while(|next| has_name(next, &["dd"])));
            }
            notes.moved.extend(parts.iter().map(|part| part.id));
            notes.called.insert(link.id, parts);
        }
        for (node, kind) in &index.marked {
            let is_shown = notes.moved.contains(&node.id);
            match kind {
                Role::Note if !is_shown => {
                    let is_within =
                        node.ancestors_it(None).any(|above| index.kinds.get(&above.id) == Some(&Role::List));
                    notes.uncalled = notes.uncalled.saturating_add(u64::from(!is_within));
                }
                Role::List => notes.uncalled = notes.uncalled.saturating_add(notes.lost(node)),
                Role::Note | Role::Perhaps => {}
            }
        }
        let never = index.marked.iter().filter(|(_, kind)| *kind != Role::Perhaps);
        notes.moved.extend(never.map(|(node, _)| node.id));
        notes
    }

    pub fn of_link(&self, link: &NodeRef<'a>) -> &[NodeRef<'a>] {
        self.called.get(&link.id).map(Vec::as_slice).unwrap_or_default()
    }

    pub fn is_moved(&self, node: &NodeRef<'a>) -> bool {
        self.moved.contains(&node.id)
    }

    /// Notes in a list that nothing calls.
    fn lost(&self, list: &NodeRef<'a>) -> u64 {
        let is_note = |node: &NodeRef<'_>| has_name(node, &["li", "dt", "tr", "p"]);
        let (mut shown, mut lost) = (0u64, 0u64);
        for node in list.descendants_it() {
            if self.moved.contains(&node.id) {
                shown = shown.saturating_add(1);
            } else if is_note(&node)
                && !node.ancestors_it(None).any(|above| self.moved.contains(&above.id) || is_note(&above))
            {
                lost = lost.saturating_add(1);
            }
        }
        if shown == 0 { lost.max(1) } else { lost }
    }
}

impl<'a> Index<'a> {
    fn of(root: &NodeRef<'a>) -> Index<'a> {
        let mut index = Index::default();
        for (place, node) in root.descendants_it().enumerate().filter(|(_, node)| node.is_element()) {
            index.order.insert(node.id, place);
            if let Some(kind) = kind(&node) {
                index.kinds.insert(node.id, kind);
                index.marked.push((node, kind));
            }
            names(&node).into_iter().for_each(|name| {
                index.targets.entry(name).or_insert(node);
            });
            let href = node.attr("href").filter(|_| has_name(&node, &["a"]));
            if let Some(fragment) = href.as_deref().and_then(|href| href.strip_prefix('#')).filter(|f| !f.is_empty()) {
                index.links.push((node, fragment.to_owned()));
                index.back.entry(fragment.to_owned()).or_default().push(node);
            }
        }
        index
    }

    /// The element that is the note which `link` calls by leading to `target`.
    fn item(&self, link: &NodeRef<'a>, target: &NodeRef<'a>) -> Option<NodeRef<'a>> {
        let marked = |node: &NodeRef<'a>| Some((*node, *self.kinds.get(&node.id)?));
        if link.ancestors_it(None).any(|above| marked(&above).is_some()) {
            return None;
        }
        let holder = marked(target).or_else(|| target.ancestors_it(None).find_map(|above| marked(&above)));
        let within = |holder: Option<NodeId>| -> Vec<NodeRef<'a>> {
            let above = target.ancestors_it(None);
            std::iter::once(*target).chain(above).take_while(|node| Some(node.id) != holder).collect()
        };
        let nearest = |path: &[NodeRef<'a>], names: &[&str]| path.iter().find(|node| has_name(node, names)).copied();
        match holder {
            Some((list, Role::List)) => {
                let path = within(Some(list.id));
                nearest(&path, &["li", "dt", "tr"])
                    .or_else(|| path.first().filter(|node| has_name(node, &["div", "aside", "section"])).copied())
                    .or_else(|| nearest(&path, &["p"]))
                    .or_else(|| path.first().copied())
            }
            // Of a list, each item is a note.
            Some((list, Role::Perhaps)) if has_name(&list, &["dl", "ol", "ul", "table"]) => {
                let path = within(Some(list.id));
                nearest(&path, &["li", "dt", "dd", "tr"]).or(Some(list))
            }
            Some((note, Role::Note | Role::Perhaps)) => Some(note),
            None => {
                let path = within(None);
                let item = path.first().filter(|node| has_name(node, &["div", "aside", "section"])).copied();
                let item = item.or_else(|| nearest(&path, &["li", "dt", "dd", "tr", "p"]))?;
                let later = self.order.get(&link.id)? < self.order.get(&item.id)?;
                let fits = is_call(link) || (looks_like_mark(&link.text()) && self.leads_back(&item, link));
                let is_apart = path.iter().take_while(|node| node.id != item.id).all(|node| !is_heading(node));
                let is_plain = is_apart && !item.descendants_it().any(|node| is_heading(&node));
                Some(item).filter(|_| later && fits && is_plain)
            }
        }
    }

    fn is_sure(&self, link: &NodeRef<'a>, note: &NodeRef<'a>) -> bool {
        is_call(link) || self.leads_back(note, link)
    }

    /// Whether a link in the note leads to the one that calls it.
    fn leads_back(&self, note: &NodeRef<'a>, call: &NodeRef<'a>) -> bool {
        let around = call.parent().filter(|parent| has_name(parent, &["sup", "sub", "span"]));
        let called = names(call).into_iter().chain(around.iter().flat_map(names));
        let back = called.filter_map(|name| self.back.get(&name)).flatten();
        back.into_iter().any(|link| link.ancestors_it(None).any(|above| above.id == note.id))
    }
}

fn kind(node: &NodeRef<'_>) -> Option<Role> {
    // Marks in running text carry the same words.
    if has_name(node, &["a", "b", "em", "i", "small", "span", "strong", "sub", "sup", "html", "body", "main"])
        || is_heading(node)
    {
        return None;
    }
    let is = |name: &str, words: &[&str]| has_word(node, name, words);
    let numbered = |id: &str| {
        let number = ["sdfootnote", "sdendnote", "ftn", "edn"].iter().find_map(|head| id.strip_prefix(head));
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let of_word = |node: &NodeRef<'_>| {
        let style = node.attr("style").map(|style| style.replace(' ', "")).unwrap_or_default();
        style.contains("mso-element:footnote-list") || style.contains("mso-element:endnote-list")
    };
    let holds = has_name(node, &["section", "div", "aside", "ol", "ul", "dl", "table", "footer", "details"]);
    if holds
        && (is("role", &["doc-endnotes"])
            || is("epub:type", &["footnotes", "endnotes", "rearnotes"])
            || is("class", &["footnotes", "endnotes", "footnotes-list", "footnote-list"])
            || of_word(node))
    {
        return Some(Role::List);
    }
    if is("role", &["doc-footnote", "doc-endnote"])
        || is("epub:type", &["footnote", "endnote", "rearnote"])
        || (has_name(node, &["div"]) && node.id_attr().is_some_and(|id| numbered(&id)))
    {
        return Some(Role::Note);
    }
    is("class", &["footnote", "endnote", "footnote-item"]).then_some(Role::Perhaps)
}

/// Whether a link says of itself that it calls a note.
fn is_call(link: &NodeRef<'_>) -> bool {
    let classes = ["footnote", "footnote-ref", "footnote-reference", "sdfootnoteanc", "sdendnoteanc"];
    has_word(link, "role", &["doc-noteref"])
        || has_word(link, "epub:type", &["noteref"])
        || has_word(link, "rel", &["footnote"])
        || has_word(link, "class", &classes)
}

/// A number, a letter or a sign, as notes are called by.
fn looks_like_mark(text: &str) -> bool {
    let mark = text.trim().trim_matches(['[', ']', '(', ')', '^']);
    let all = |test: fn(char) -> bool| !mark.is_empty() && mark.chars().all(test);
    mark.chars().count() == 1
        || all(|c| c.is_ascii_digit())
        || all(|c| matches!(c, 'i' | 'v' | 'x' | 'l' | 'c' | '*' | '†' | '‡' | '§' | '¶'))
}

fn is_heading(node: &NodeRef<'_>) -> bool {
    has_name(node, &["h1", "h2", "h3", "h4", "h5", "h6"])
}

fn has_name(node: &NodeRef<'_>, names: &[&str]) -> bool {
    node.node_name().is_some_and(|name| names.iter().any(|wanted| name.eq_ignore_ascii_case(wanted)))
}

/// What a link may lead to an element by.
fn names(node: &NodeRef<'_>) -> Vec<String> {
    let name = node.attr("name").filter(|_| has_name(node, &["a"]));
    node.id_attr().into_iter().chain(name).map(|name| name.to_string()).filter(|name| !name.is_empty()).collect()
}
