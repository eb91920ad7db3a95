//! Rule files of the directories above a folder that is run alone (`--prefix`).
//!
//! SECURITY: they restrict what lies below them whichever part of the source a run is about. Grants above are another
//! matter: they reach documents that this run doesn't look at, and so only a run of the whole source writes them.

use std::path::{Path, PathBuf};

use usher_base::faults::mutants;

use crate::acl::names::{self, Kind};
use crate::acl::rules::{DIR_RULES, Rules, ancestors, parent};
use crate::args::{AclMode, FolderArgs};
use crate::error::RunError;
use crate::fsroot::{Globs, Root};
use crate::report::Report;
use crate::term::Term;

use super::as_read::AsRead;
use super::meant::file_name;
use super::rule_files::RuleFiles;

pub struct Above {
    /// The source's.
    root: Root,
    prefix: String,
    as_read: AsRead,
}

impl Above {
    /// The rules of the directories above, by their paths within the source; what else they say of the folder stands in `dirs`
    /// at its own path. None where the folder's path doesn't end with the prefix: then nothing is above it.
    pub fn load(
        args: &FolderArgs,
        root: &Root,
        is_default_open: bool,
        term: &Term,
        report: &Report<'_>,
    ) -> Result<Option<(Above, Rules)>, RunError> {
        let prefix = args.prefix.trim_matches('/');
        if prefix.is_empty() || mutants::active("rules_above_a_prefix") {
            return Ok(None);
        }
        let Some(top) = top(&args.path, root, prefix) else {
            term.note(&format!(
                "the path {} does not end with {prefix}: no rule files above it are looked for, and it takes no grants of \
                 folders above unless its `_.acl.yaml` says `inherit: true`",
                args.path.display()
            ));
            return Ok(None);
        };
        let globs = Globs::new(&[], &[], false)?;
        let root = Root::open(&top)?.within(&globs);
        let dirs: Vec<&str> = ancestors(parent(prefix)).collect();
        let listing = root.list(&dirs, &globs)?;
        let files = RuleFiles::find(&root, &listing);
        if args.acl != AclMode::Rules {
            let is_of_directory = |path: &&str| match names::kind(path) {
                Kind::Almost(meant) => meant.stem.is_empty(),
                _ => file_name(path) == DIR_RULES,
            };
            return match files.paths().find(is_of_directory) {
                Some(file) => Err(RunError::RulesUnused(top.join(file).display().to_string())),
                None => Ok(None),
            };
        }
        let shown = format!("{}/", top.display());
        let (rules, read) =
            files.load(args.run.allow_public, is_default_open, &root, &listing, Some(&shown), None, term, report);
        let as_read = AsRead::of(&listing, files.like(), read);
        Ok(Some((Above { root, prefix: prefix.to_owned(), as_read }, rules)))
    }

    /// What says who may read the folder and is not as it was.
    pub fn changed(&self) -> Option<String> {
        self.as_read.changed(&self.root, &self.prefix)
    }
}

/// The folder of the source, of which the one that is run is the part below `prefix`.
fn top(path: &Path, root: &Root, prefix: &str) -> Option<PathBuf> {
    let named = std::path::absolute(path).ok();
    let mut all = [Some(root.path().to_owned()), named].into_iter().flatten();
    let whole = all.find(|path| path.ends_with(prefix))?;
    whole.ancestors().nth(prefix.split('/').count()).map(Path::to_owned)
}
