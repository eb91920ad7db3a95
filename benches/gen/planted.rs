//! Readers with a known share of the chunks, made by granting folders (or groups) to somebody new.
//!
//! They are agents: what is public to people doesn't add to their share. What each may read is known here, without asking
//! the service.

use crate::access::{Access, Rule, Shape, Tuple};
use crate::random::{Kind, Stream};

/// Shares of the chunks.
pub const FRACTIONS: [f64; 5] = [0.001, 0.01, 0.1, 0.5, 1.0];
/// A planted share differs from the wanted one by at most this part of it.
const TOLERANCE: f64 = 0.05;
/// Choices of folders that are tried; the nearest one is taken.
const TRIES: u64 = 30;

/// Whether the readable part is few large folders or as many small ones as possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    Compact,
    Fragmented,
}

impl Layout {
    pub fn name(self) -> &'static str {
        match self {
            Layout::Compact => "compact",
            Layout::Fragmented => "fragmented",
        }
    }
}

/// A reader with what it was given.
#[derive(Debug, Clone)]
pub struct Planted {
    /// `agent:…`
    pub subject: String,
    /// Wanted share of the chunks.
    pub fraction: f64,
    pub layout: Layout,
    pub tuples: Vec<Tuple>,
    /// Whether each document is readable.
    pub documents: Vec<bool>,
    pub chunks: u32,
}

/// Plants `count` readers per share and layout, and one each with no chunk and with one. Where a shape can't give a
/// share, its readers are absent.
pub fn plant(access: &Access, seed: u64, count: u32) -> Vec<Planted> {
    let mut readers = Vec::new();
    for (at, fraction) in FRACTIONS.into_iter().enumerate() {
        for layout in [Layout::Compact, Layout::Fragmented] {
            for number in 0..count {
                let subject = format!("agent:p-{at}-{}-{number}", layout.name());
                readers.extend(one(access, seed, subject, fraction, layout));
            }
        }
    }
    let nobody = Planted {
        subject: "agent:p-none".to_owned(),
        fraction: 0.0,
        layout: Layout::Compact,
        tuples: Vec::new(),
        documents: vec![false; access.documents.len()],
        chunks: 0,
    };
    let single = access.documents.iter().find(|document| document.chunks == 1 && document.rule.inherits());
    if let Some(document) = single {
        let mut one = Planted { subject: "agent:p-one".to_owned(), chunks: 1, ..nobody.clone() };
        one.tuples.push((one.subject.clone(), "viewer", format!("document:{}", document.id())));
        one.documents[document.index as usize] = true;
        readers.push(one);
    }
    readers.push(nobody);
    readers
}

fn one(access: &Access, seed: u64, subject: String, fraction: f64, layout: Layout) -> Option<Planted> {
    let all: u32 = access.documents.iter().map(|document| document.chunks).sum();
    let target = f64::from(all) * fraction;
    let hash = subject.bytes().fold(seed, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte))) >> 16;
    let mut best: Option<(f64, Choice)> = None;
    for attempt in 0..TRIES {
        let mut stream = Stream::new(seed, Kind::Planted, hash << 8 ^ attempt);
        let choice = match access.shape {
            Shape::Flat => everything(access),
            _ if fraction == 1.0 => everything(access),
            Shape::Unique => documents(access, &mut stream, target),
            _ => folders(access, &mut stream, target, layout),
        };
        let chunks = chunks_of(access, &choice.documents);
        let miss = (f64::from(chunks) - target).abs() / target;
        if best.as_ref().is_none_or(|(least, _)| miss < *least) {
            best = Some((miss, choice));
        }
        if miss < 0.01 {
            break;
        }
    }
    let (_, choice) = best.filter(|(miss, _)| *miss <= TOLERANCE)?;
    let tuples = choice.grants.into_iter().map(|(relation, object)| (subject.clone(), relation, object)).collect();
    let chunks = chunks_of(access, &choice.documents);
    Some(Planted { subject, fraction, layout, tuples, documents: choice.documents, chunks })
}

/// What a reader is given, and the documents that this opens.
struct Choice {
    grants: Vec<(&'static str, String)>,
    documents: Vec<bool>,
}

fn chunks_of(access: &Access, readable: &[bool]) -> u32 {
    access.documents.iter().zip(readable).filter(|(_, readable)| **readable).map(|(document, _)| document.chunks).sum()
}

/// All folders that inherit nothing, and every group that stands in a rule of its own.
fn everything(access: &Access) -> Choice {
    let mut grants: Vec<_> = Vec::new();
    let roots = access.folders.iter().enumerate().filter(|(_, folder)| !folder.inherits);
    grants.extend(roots.map(|(index, _)| ("viewer", format!("folder:f{index}"))));
    let mut groups: Vec<u32> = Vec::new();
    for document in &access.documents {
        match &document.rule {
            Rule::Both(a, b) => groups.extend([*a, *b]),
            Rule::During { group, is_over: false } => groups.push(*group),
            Rule::Own => grants.push(("member", format!("group:own-{}", document.index))),
            _ => {}
        }
    }
    if access.shape == Shape::Flat {
        grants.push(("member", "group:all".to_owned()));
    }
    groups.sort_unstable();
    groups.dedup();
    grants.extend(groups.into_iter().map(|group| ("member", format!("group:g{group}"))));
    let is_open = |rule: &Rule| !matches!(rule, Rule::Nobody | Rule::During { is_over: true, .. });
    Choice { grants, documents: access.documents.iter().map(|document| is_open(&document.rule)).collect() }
}

/// Random documents through their own groups.
fn documents(access: &Access, stream: &mut Stream, target: f64) -> Choice {
    let mut choice = Choice { grants: Vec::new(), documents: vec![false; access.documents.len()] };
    let (mut total, mut order) = (0.0, shuffled(access.documents.len() as u32, stream));
    while total < target * 0.99
        && let Some(index) = order.pop()
    {
        let document = &access.documents[index as usize];
        if total + f64::from(document.chunks) <= target * 1.02 {
            total += f64::from(document.chunks);
            choice.documents[index as usize] = true;
            choice.grants.push(("member", format!("group:own-{index}")));
        }
    }
    choice
}

/// Folders, the largest or the smallest first, until the share is reached.
fn folders(access: &Access, stream: &mut Stream, target: f64, layout: Layout) -> Choice {
    let mut direct = vec![0_u32; access.folders.len()];
    for document in access.documents.iter().filter(|document| document.rule.inherits()) {
        direct[document.folder as usize] += document.chunks;
    }
    let mut children: Vec<Vec<u32>> = vec![Vec::new(); access.folders.len()];
    for (index, folder) in access.folders.iter().enumerate().filter(|(_, folder)| folder.inherits) {
        children[folder.parent.unwrap_or(0) as usize].push(index as u32);
    }
    let mut order: Vec<(f64, u32)> = (0..access.folders.len() as u32)
        .map(|index| (f64::from(direct[index as usize]) * (0.25 + stream.unit()), index))
        .collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    if layout == Layout::Compact {
        order.reverse();
    }
    let mut covered = vec![false; access.folders.len()];
    let (mut total, mut grants) = (0.0, Vec::new());
    for (_, index) in order {
        if total >= target * 0.99 {
            break;
        }
        // What of the folder's inheriting part is new.
        let (mut below, mut at) = (vec![index], 0);
        while let Some(folder) = below.get(at) {
            let further: Vec<u32> =
                children[*folder as usize].iter().copied().filter(|child| !covered[*child as usize]).collect();
            below.extend(further);
            at += 1;
        }
        let new: u32 = below.iter().map(|folder| direct[*folder as usize]).sum();
        if covered[index as usize] || new == 0 || total + f64::from(new) > target * 1.02 {
            continue;
        }
        total += f64::from(new);
        below.iter().for_each(|folder| covered[*folder as usize] = true);
        grants.push(("viewer", format!("folder:f{index}")));
    }
    let is_readable =
        |document: &crate::access::Document| document.rule.inherits() && covered[document.folder as usize];
    Choice { grants, documents: access.documents.iter().map(is_readable).collect() }
}

/// `0..count` in random order (Fisher and Yates).
fn shuffled(count: u32, stream: &mut Stream) -> Vec<u32> {
    let mut order: Vec<u32> = (0..count).collect();
    for at in (1..order.len()).rev() {
        order.swap(at, stream.below(at as u32 + 1) as usize);
    }
    order
}
