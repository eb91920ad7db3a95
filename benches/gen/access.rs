//! Who exists, and what each folder and document grants.

use crate::random::{Kind, Stream};
use crate::{UNIT, chunks_of, steep, vectors};

/// Folders, groups and people of one unit.
const FOLDERS: u32 = 300;
const GROUPS: u32 = 50;
const USERS: u32 = 200;
/// Groups that all units share, the tops of the department tree.
const DEPARTMENTS: u32 = 10;
const MAX_FOLDER_DEPTH: u32 = 12;
const MAX_GROUP_DEPTH: u32 = 6;
/// Documents of one draw of folders: consecutive ones often lie together.
const RUN_BLOCK: u32 = 50;

/// How access is distributed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// As in a company: mostly by folder, some by people and groups, some intersections, exclusions and conditions.
    Mixed,
    /// Every document has grants of its own: as many audiences as documents.
    Unique,
    /// All through twelve levels of folders.
    Deep,
    /// One group, one audience.
    Flat,
    /// Half under exclusions and conditions.
    Exclusive,
}

impl Shape {
    pub fn name(self) -> &'static str {
        match self {
            Shape::Mixed => "mixed",
            Shape::Unique => "unique",
            Shape::Deep => "deep",
            Shape::Flat => "flat",
            Shape::Exclusive => "exclusive",
        }
    }
}

/// What a document grants, beside lying in its folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// What its folder grants.
    Folder,
    Users(Vec<u32>),
    Group(u32),
    /// Not what its folder grants: members of both groups.
    Both(u32, u32),
    Except(u32),
    /// Not what its folder grants: a group, for a time that is now or is over.
    During {
        group: u32,
        is_over: bool,
    },
    Public,
    Nobody,
    /// A group of its own.
    Own,
    /// The group of everybody.
    All,
}

impl Rule {
    /// Whether readers of the folder read the document.
    pub fn inherits(&self) -> bool {
        matches!(self, Rule::Folder | Rule::Users(_) | Rule::Group(_) | Rule::Except(_) | Rule::Public)
    }
}

#[derive(Debug, Clone)]
pub struct Document {
    pub index: u32,
    pub folder: u32,
    pub leaf: u32,
    pub first_chunk: u32,
    pub chunks: u32,
    pub rule: Rule,
}

impl Document {
    pub fn id(&self) -> String {
        format!("bench/d{}", self.index)
    }
}

#[derive(Debug, Clone)]
pub struct Folder {
    pub parent: Option<u32>,
    pub depth: u32,
    /// Whether grants of the parent hold here.
    pub inherits: bool,
    pub viewers: Vec<u32>,
}

#[derive(Debug, Clone)]
pub struct Group {
    /// The group that this one is a member of.
    pub parent: Option<u32>,
    depth: u32,
}

pub struct Access {
    pub shape: Shape,
    pub folders: Vec<Folder>,
    pub groups: Vec<Group>,
    /// Groups of each person.
    pub users: Vec<Vec<u32>>,
    pub documents: Vec<Document>,
}

/// A relationship tuple.
pub type Tuple = (String, &'static str, String);

impl Access {
    pub fn new(seed: u64, units: u32, shape: Shape) -> Self {
        let mut access =
            Self { shape, folders: Vec::new(), groups: Vec::new(), users: Vec::new(), documents: Vec::new() };
        for unit in 0..units {
            access.add_groups(seed, unit);
            access.add_users(seed, unit);
            access.add_folders(seed, unit);
            access.add_documents(seed, unit);
        }
        access
    }

    fn add_groups(&mut self, seed: u64, unit: u32) {
        if unit == 0 {
            self.groups.extend((0..DEPARTMENTS).map(|_| Group { parent: None, depth: 0 }));
        }
        let first = self.groups.len() as u32;
        for index in first..first + GROUPS {
            let mut stream = Stream::new(seed, Kind::Group, u64::from(index));
            // Below a department, or below another group of the unit.
            let own = index - first;
            let parent =
                if own == 0 || stream.chance(0.3) { stream.below(DEPARTMENTS) } else { first + stream.below(own) };
            let parent = Some(parent).filter(|at| self.groups[*at as usize].depth < MAX_GROUP_DEPTH - 1);
            let depth = parent.map_or(0, |at| self.groups[at as usize].depth + 1);
            self.groups.push(Group { parent, depth });
        }
    }

    fn add_users(&mut self, seed: u64, unit: u32) {
        let (first, sizes) = (DEPARTMENTS + unit * GROUPS, steep(GROUPS as usize));
        for index in unit * USERS..(unit + 1) * USERS {
            let mut stream = Stream::new(seed, Kind::User, u64::from(index));
            let mut groups = Vec::new();
            // Some are in no group at all.
            if !stream.chance(0.05) {
                groups.push(first + sizes.rank(&mut stream));
                while stream.chance(0.4) {
                    groups.push(stream.below(first + GROUPS));
                }
            }
            groups.sort_unstable();
            groups.dedup();
            self.users.push(groups);
        }
    }

    fn add_folders(&mut self, seed: u64, unit: u32) {
        let first = unit * FOLDERS;
        for index in first..first + FOLDERS {
            let mut stream = Stream::new(seed, Kind::Folder, u64::from(index));
            let own = index - first;
            let parent = match self.shape {
                // Chains as deep as allowed.
                Shape::Deep if own.is_multiple_of(MAX_FOLDER_DEPTH) => None,
                Shape::Deep => Some(index - 1),
                _ if index == 0 => None,
                _ if own == 0 => Some(0),
                _ => Some(first + stream.below(own)),
            };
            let parent = parent.filter(|at| self.folders[*at as usize].depth < MAX_FOLDER_DEPTH - 1);
            let depth = parent.map_or(0, |at| self.folders[at as usize].depth + 1);
            // Who reads the top of a company reads little of it: most rights are given further down.
            let inherits = parent.is_some() && (self.shape == Shape::Deep || (depth > 1 && !stream.chance(0.2)));
            let grants = match self.shape {
                Shape::Deep => u32::from(depth == 0),
                _ => 1 + stream.below(2),
            };
            let known = self.groups.len() as u32;
            let viewers = (0..grants).map(|_| DEPARTMENTS + stream.below(known - DEPARTMENTS)).collect();
            self.folders.push(Folder { parent, depth, inherits, viewers });
        }
    }

    fn add_documents(&mut self, seed: u64, unit: u32) {
        let (sizes, runs) = (steep(FOLDERS as usize), steep(RUN_BLOCK as usize));
        let leaves = vectors::leaves(unit);
        let mut next_chunk = self.documents.last().map_or(0, |last| last.first_chunk + last.chunks);
        for block in 0..UNIT / RUN_BLOCK {
            let mut stream = Stream::new(seed, Kind::Run, u64::from(unit * (UNIT / RUN_BLOCK) + block));
            let (mut folder, mut left) = (0, 0);
            for index in (unit * UNIT + block * RUN_BLOCK..).take(RUN_BLOCK as usize) {
                if left == 0 {
                    // Deep chains hold their documents at the end.
                    folder = match self.shape {
                        Shape::Deep => {
                            let chain = sizes.rank(&mut stream) / MAX_FOLDER_DEPTH;
                            unit * FOLDERS + (chain + 1) * MAX_FOLDER_DEPTH - 1
                        }
                        _ => unit * FOLDERS + sizes.rank(&mut stream),
                    };
                    left = 1 + runs.rank(&mut stream);
                }
                left -= 1;
                let mut stream = Stream::new(seed, Kind::Document, u64::from(index));
                let chunks = chunks_of(&mut stream);
                // A folder's documents are mostly about one thing.
                let home = folder.wrapping_mul(2_654_435_761) % leaves;
                let leaf = if stream.chance(0.6) { home } else { stream.below(leaves) };
                let rule = self.rule(&mut stream);
                self.documents.push(Document { index, folder, leaf, first_chunk: next_chunk, chunks, rule });
                next_chunk += chunks;
            }
        }
    }

    fn rule(&self, stream: &mut Stream) -> Rule {
        let (users, groups) = (self.users.len() as u32, self.groups.len() as u32);
        let at = stream.unit();
        match self.shape {
            Shape::Flat => Rule::All,
            Shape::Unique => Rule::Own,
            Shape::Deep => Rule::Folder,
            Shape::Exclusive if at < 0.4 => Rule::Except(stream.below(users)),
            Shape::Exclusive if at < 0.5 => Rule::During { group: stream.below(groups), is_over: false },
            Shape::Exclusive => Rule::Folder,
            Shape::Mixed if at < 0.70 => Rule::Folder,
            Shape::Mixed if at < 0.82 => Rule::Users((0..1 + stream.below(3)).map(|_| stream.below(users)).collect()),
            Shape::Mixed if at < 0.90 => Rule::Group(stream.below(groups)),
            Shape::Mixed if at < 0.94 => Rule::Both(stream.below(groups), stream.below(groups)),
            Shape::Mixed if at < 0.97 => Rule::Except(stream.below(users)),
            Shape::Mixed if at < 0.99 => Rule::During { group: stream.below(groups), is_over: stream.chance(0.2) },
            Shape::Mixed if at < 0.995 => Rule::Public,
            Shape::Mixed => Rule::Nobody,
        }
    }

    /// Tuples of groups and folders; what documents grant travels with them.
    pub fn tuples(&self) -> Vec<Tuple> {
        let mut tuples = Vec::new();
        for (index, group) in self.groups.iter().enumerate() {
            if let Some(parent) = group.parent {
                tuples.push((format!("group:g{index}#member"), "member", format!("group:g{parent}")));
            }
        }
        for (index, groups) in self.users.iter().enumerate() {
            tuples.extend(groups.iter().map(|group| (format!("user:u{index}"), "member", format!("group:g{group}"))));
        }
        for (index, folder) in self.folders.iter().enumerate() {
            let object = format!("folder:f{index}");
            if let Some(parent) = folder.parent {
                tuples.push((format!("folder:f{parent}"), "parent", object.clone()));
                if folder.inherits {
                    tuples.push((format!("folder:f{parent}"), "inherits", object.clone()));
                }
            }
            let mut viewers = folder.viewers.clone();
            viewers.sort_unstable();
            viewers.dedup();
            tuples.extend(viewers.iter().map(|group| (format!("group:g{group}#member"), "viewer", object.clone())));
        }
        tuples
    }

    /// Everything about rights, one line each.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let tuples = self.tuples().into_iter().map(|(user, relation, object)| format!("{user} {relation} {object}"));
        let documents = self.documents.iter().map(|document| format!("{document:?}"));
        tuples.chain(documents)
    }
}
