//! Records of files, among what may have moved.

use std::collections::HashMap;

use usher_base::faults::mutants;
use usher_base::wire::DocumentState;

use super::{Finder, Looked};
use crate::acl::rules::{RECORD, file_of};
use crate::extract::{self, RecordsJob};
use crate::fingerprint::bytes_of;
use crate::folder::ids::{Heirs, Ids, Seen};

impl Finder<'_> {
    /// The same of a record.
    pub(super) fn record<'f>(&self, path: &'f str, held: Option<&DocumentState>) -> Option<Option<Seen<'f>>> {
        let bytes = self.records.bytes(path)?.to_owned();
        if held.and_then(|held| held.source_hash.as_deref()).is_some_and(|hash| bytes_of(hash) == bytes) {
            return Some(None);
        }
        let meta = self.root.meta_of_file(file_of(path));
        let has_rules = self.access.of(path, self.tree, &meta).map_or_else(|denied| denied.unmappable, |_| true);
        Some(Some(Seen { path, bytes, former: Vec::new(), is_new: held.is_none(), has_rules }))
    }

    /// Files that were one document and are records now, or were records and are one document: whoever was kept from what
    /// they were is kept from what they are.
    pub(super) fn divided(&self, looked: &Looked<'_>, ids: &Ids<'_>) -> Heirs {
        let mut heirs = Heirs::new();
        if mutants::active("bans_of_divided_files") {
            return heirs;
        }
        let by_bytes = self.records.by_bytes();
        for id in self.held.keys() {
            let Some(place) = ids.place(id) else { continue };
            let file = file_of(place);
            if place == file {
                // Also where the file has another name by now.
                let hash = self.held.get(id).and_then(|held| held.source_hash.as_deref()).map(bytes_of);
                let is_there = self.there.present.contains(place);
                let was = self.records.of(place).into_iter();
                let is = hash.filter(|_| !is_there).and_then(|hash| by_bytes.get(hash)).into_iter().flatten().copied();
                let paths = was.chain(is).flat_map(|found| found.paths());
                heirs.extend(paths.map(|path| (id.clone(), path.to_owned())));
            } else if self.there.present.contains(file) {
                heirs.insert((id.clone(), file.to_owned()));
            }
        }
        heirs.extend(self.put_together(looked, ids));
        heirs
    }

    /// Records that are gone, and files in which they lie now as a part of one document.
    fn put_together(&self, looked: &Looked<'_>, ids: &Ids<'_>) -> Heirs {
        let mut gone: HashMap<&str, Vec<&str>> = HashMap::new();
        for (id, held) in self.held {
            let place = ids.place(id).filter(|place| place.contains(RECORD) && self.there.is_gone(place));
            if let Some((_, hash)) = place.zip(held.source_hash.as_deref()) {
                gone.entry(bytes_of(hash)).or_default().push(id);
            }
        }
        let mut heirs = Heirs::new();
        let files = looked.arrived.iter().map(|file| file.path).filter(|path| !path.contains(RECORD));
        for path in files.filter(|path| !gone.is_empty() && extract::may_hold_records(path)) {
            let Ok(file) = self.root.read(path, self.max_file_size) else { continue };
            let job = RecordsJob { name: path.to_owned(), ..RecordsJob::default() };
            // Whatever else it holds is none of them.
            let Ok(records) = self.sandbox.records(&job, &file.bytes) else { continue };
            let found = records.iter().filter_map(|record| gone.get(bytes_of(&record.hash))).flatten();
            heirs.extend(found.map(|id| ((*id).to_owned(), path.to_owned())));
        }
        heirs
    }
}
