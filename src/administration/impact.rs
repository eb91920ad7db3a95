//! Who would gain and lose what by a change of tuples, tried on a copy of the graph.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::authz::{AudienceOrdinal, Context, Impact, Model, State, SubjectRef, Tuple, anybody};
use crate::commit::CommitError;
use crate::commit::tuples::{WriteTuples, plan};
use crate::limits::effort::{Effort, Spent};
use crate::snapshot::{CollectionState, Snapshot};
use crate::wire::{DocumentName, ImpactExceptions, ImpactOnDocuments, ImpactTruncated, ReaderImpact};

/// Answers that one request looks at, before and after counted as one.
const MAX_ANSWERS: usize = 1_000_000;
/// Names of exceptions to a `type:*`.
const EXCEPTIONS: usize = 20;

/// What of the outcome is to be spelled out.
#[derive(Debug, Clone, Copy)]
pub struct Detail {
    pub readers: usize,
    pub examples: usize,
}

/// What a change would do.
#[derive(Debug, Default)]
pub struct Outcome {
    pub model: String,
    pub written: usize,
    pub deleted: usize,
    pub documents: usize,
    pub readers_changed: usize,
    pub readers: Vec<ReaderImpact>,
    pub truncated: ImpactTruncated,
}

/// Why there is no outcome.
#[derive(Debug, thiserror::Error)]
pub enum ImpactError {
    #[error(transparent)]
    Refused(#[from] CommitError),
    #[error(transparent)]
    Spent(#[from] Spent),
}

type Pair = (AudienceOrdinal, AudienceOrdinal);

/// Documents, or sections, that everybody's answer is the same for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Rights {
    relation: String,
    document: Pair,
    section: Option<Pair>,
}

/// Collection and document ordinal.
type DocumentKey = (usize, u32);

/// Groups of places that a reader gains and loses, by number.
#[derive(Debug, Default, PartialEq, Eq)]
struct Verdict {
    gains: Vec<usize>,
    loses: Vec<usize>,
}

impl Verdict {
    fn is_nothing(&self) -> bool {
        self.gains.is_empty() && self.loses.is_empty()
    }
}

/// Tries a change on the snapshot. `reaches` says of which collections may be told. Hidden documents are left out: nobody
/// reads them before or after.
///
/// # Errors
/// What the write would be refused for; or that looking at it takes more than the effort allows.
pub fn impact(
    snapshot: &Snapshot,
    change: &WriteTuples,
    reaches: impl Fn(&str) -> bool,
    detail: Detail,
    now: Timestamp,
    effort: &Effort,
) -> Result<Outcome, ImpactError> {
    let store = snapshot.store(&change.store).ok_or(CommitError::UnknownStore)?;
    let model = store.latest_model().ok_or(CommitError::NoModel)?;
    let (deletes, writes) = change.parse(model).map_err(CommitError::from)?;
    // Names in it that are new die with it.
    let planned = plan(&store.graph.fork(), &deletes, &writes, change.on_duplicate, change.on_missing)
        .map_err(CommitError::from)?;
    let (written, deleted) = (planned.written.len(), planned.deleted.len());
    let changed: Vec<Tuple> = planned.deleted.into_iter().chain(planned.written).collect();
    let (after, _) = planned.edit.finish();
    let copy = Model::compile(model.id(), model.source().clone()).map_err(CommitError::from)?;
    let is_told = |state: &&Arc<CollectionState>| state.settings.store == change.store && reaches(&state.name);
    let collections: Vec<&Arc<CollectionState>> = snapshot.collections.values().filter(is_told).collect();
    let mut relations: Vec<&str> = collections.iter().map(|state| state.binding.relation.as_str()).collect();
    relations.sort_unstable();
    relations.dedup();
    let context = Context::at(now);
    let (before, after) = (State { graph: &store.graph, model, effort }, State { graph: &after, model: &copy, effort });
    let impact = Impact::of(before, after, &changed, &relations, &context)?;
    let mut trial = Trial { impact: &impact, collections, groups: Vec::new(), answers: 0, is_cut: false };
    trial.find(now);
    let mut outcome = Outcome { model: model.id().to_owned(), written, deleted, ..Outcome::default() };
    trial.judge(&relations, detail, &mut outcome)?;
    Ok(outcome)
}

struct Trial<'a> {
    impact: &'a Impact<'a>,
    collections: Vec<&'a Arc<CollectionState>>,
    groups: Vec<(Rights, Vec<DocumentKey>)>,
    answers: usize,
    is_cut: bool,
}

impl Trial<'_> {
    /// Groups what the change may concern.
    fn find(&mut self, now: Timestamp) {
        let mut groups: HashMap<Rights, Vec<DocumentKey>> = HashMap::new();
        for (at, state) in self.collections.iter().enumerate() {
            for entry in state.documents().filter(|entry| !entry.is_hidden(now)) {
                let rights = |section| Rights {
                    relation: state.binding.relation.clone(),
                    document: self.impact.audiences(entry.node),
                    section,
                };
                let is_concerned = self.impact.concerns(entry.node);
                if is_concerned {
                    groups.entry(rights(None)).or_default().push((at, entry.ordinal));
                }
                for section in entry.sections.iter() {
                    if is_concerned || self.impact.concerns(section.node) {
                        let rights = rights(Some(self.impact.audiences(section.node)));
                        groups.entry(rights).or_default().push((at, entry.ordinal));
                    }
                }
            }
        }
        self.groups = groups.into_iter().collect();
        self.groups.sort_unstable_by(|(_, a), (_, b)| a.cmp(b));
    }

    fn judge(&mut self, relations: &[&str], detail: Detail, outcome: &mut Outcome) -> Result<(), Spent> {
        let pairs = self.groups.iter().flat_map(|(rights, _)| [Some(rights.document), rights.section]);
        let mut pairs: Vec<Pair> = pairs.flatten().collect();
        pairs.sort_unstable();
        pairs.dedup();
        let candidates = self.impact.candidates(&pairs, relations)?;
        let mut changed_groups: HashSet<usize> = HashSet::new();
        let mut listed: Vec<(String, Verdict)> = Vec::new();
        let mut others: BTreeMap<String, (Verdict, ImpactExceptions)> = BTreeMap::new();
        for reader_type in candidates.others {
            let Some(verdict) = self.verdict(&anybody(&reader_type)) else { break };
            changed_groups.extend(verdict.gains.iter().chain(&verdict.loses));
            if !verdict.is_nothing() {
                others.insert(reader_type, (verdict, ImpactExceptions::default()));
            }
        }
        for reader in candidates.named {
            let Some(verdict) = self.verdict(&SubjectRef::Object(reader.clone())) else { break };
            changed_groups.extend(verdict.gains.iter().chain(&verdict.loses));
            match others.get_mut(&reader.object_type) {
                // Told by `type:*`.
                Some((same, _)) if *same == verdict => {}
                Some((_, except)) if verdict.is_nothing() => {
                    except.count += 1;
                    if except.examples.len() < EXCEPTIONS {
                        except.examples.push(reader.to_string());
                    }
                }
                _ if verdict.is_nothing() => {}
                _ => listed.push((reader.to_string(), verdict)),
            }
        }
        let places = changed_groups.iter().filter_map(|group| self.groups.get(*group));
        outcome.documents = places.flat_map(|(_, places)| places).collect::<HashSet<_>>().len();
        outcome.readers_changed = others.len() + listed.len();
        let classes = others.into_iter().map(|(reader_type, (verdict, except))| {
            let except = Some(except).filter(|except| except.count > 0);
            (format!("{reader_type}:*"), verdict, except)
        });
        let all = classes.chain(listed.into_iter().map(|(reader, verdict)| (reader, verdict, None)));
        outcome.readers = all
            .take(detail.readers)
            .map(|(reader, verdict, except)| ReaderImpact {
                reader,
                gains: self.documents(&verdict.gains, detail.examples),
                loses: self.documents(&verdict.loses, detail.examples),
                except,
            })
            .collect();
        outcome.truncated =
            ImpactTruncated { readers: outcome.readers_changed > outcome.readers.len(), examination: self.is_cut };
        Ok(())
    }

    /// What changes for one reader; nothing once enough was looked at.
    fn verdict(&mut self, reader: &SubjectRef) -> Option<Verdict> {
        self.answers += self.groups.len();
        if self.answers > MAX_ANSWERS {
            self.is_cut = true;
            return None;
        }
        let mut judge = self.impact.judge(reader);
        let mut verdict = Verdict::default();
        for (at, (rights, _)) in self.groups.iter().enumerate() {
            let (mut before, mut after) = judge.reads(rights.document, &rights.relation);
            if let Some(section) = rights.section.filter(|_| before || after) {
                let part = judge.reads(section, &rights.relation);
                (before, after) = (before && part.0, after && part.1);
            }
            match (before, after) {
                (false, true) => verdict.gains.push(at),
                (true, false) => verdict.loses.push(at),
                (true, true) | (false, false) => {}
            }
        }
        // The last verdict is then none; what was found before is told.
        self.is_cut |= judge.spent().is_some();
        Some(verdict).filter(|_| !self.is_cut)
    }

    fn documents(&self, groups: &[usize], examples: usize) -> ImpactOnDocuments {
        let mut told = ImpactOnDocuments::default();
        let mut seen: HashSet<DocumentKey> = HashSet::new();
        for (rights, places) in groups.iter().filter_map(|group| self.groups.get(*group)) {
            match rights.section {
                None => told.documents += places.len(),
                Some(_) => told.sections += places.len(),
            }
            for place in places {
                if told.examples.len() < examples && seen.insert(*place) {
                    told.examples.extend(self.name(*place));
                }
            }
        }
        told
    }

    fn name(&self, (collection, ordinal): DocumentKey) -> Option<DocumentName> {
        let state = self.collections.get(collection)?;
        let document_id = state.document(ordinal)?.id.to_string();
        Some(DocumentName { collection: state.name.to_string(), document_id })
    }
}
