//! Records of files, among what may have moved.

use usher_base::faults::mutants;
use usher_base::wire::DocumentState;

use super::Finder;
use crate::acl::rules::file_of;
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
    pub(super) fn divided(&self, ids: &Ids<'_>) -> Heirs {
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
        heirs
    }
}
