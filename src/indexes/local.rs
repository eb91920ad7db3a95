//! The indexes of one collection in this process's own files.

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{Legs, Lists, SharedKeyOf};
use crate::index::scan::OpenedScan;
use crate::index::{
    Analyser, ChunkMask, Depth, IndexError, KeywordIndex, MaskedScan, TantivyKeywords, VectorStore, Work,
};

/// Both indexes of one collection, as files.
pub struct Local {
    pub vectors: MaskedScan,
    /// Vectors that were found damaged or missing at opening.
    pub(super) damaged: Vec<Range<u32>>,
    pub keywords: TantivyKeywords,
    /// How long a query may still look for chunks that were removed.
    pub(super) erase_after: Duration,
    /// Held by whatever appends vectors, from the look at how many there are.
    pub(super) filling: tokio::sync::Mutex<()>,
}

impl Local {
    pub(super) fn open(
        folder: &Path,
        analyser: &Analyser,
        opened: OpenedScan,
        erase_after: Duration,
    ) -> Result<Self, IndexError> {
        let keywords = open_keywords(&folder.join("keywords"), analyser.name())?;
        let filling = tokio::sync::Mutex::default();
        Ok(Self { vectors: opened.store, damaged: opened.damaged, keywords, erase_after, filling })
    }

    /// Both legs on threads for computation.
    pub(super) async fn search(
        self: &Arc<Self>,
        analyser: &Analyser,
        legs: Legs,
        mask: Arc<ChunkMask>,
        depth: Depth,
        key: SharedKeyOf,
    ) -> Result<Lists, IndexError> {
        let vector = legs.vector.map(|vector| {
            let (local, mask, depth, key) = (self.clone(), mask.clone(), depth.clone(), key.clone());
            let mut work = Work::within(legs.effort.clone());
            crate::spans::blocking(move || {
                let found = local.vectors.search(&vector, &local.visible(&mask), &depth, &*key, &mut work)?;
                Ok::<_, IndexError>((found, work))
            })
        });
        let keyword = legs.text.map(|text| {
            let (local, analyser) = (self.clone(), *analyser);
            let mut work = Work::within(legs.effort);
            crate::spans::blocking(move || {
                let query = analyser.query(&text);
                let found = local.keywords.search(&query, &mask, &depth, &*key, &mut work)?;
                Ok::<_, IndexError>((found, work))
            })
        });
        let mut lists = Lists::default();
        if let Some(task) = vector {
            let (found, work) = task.await.unwrap_or(Err(IndexError::Stopped))?;
            lists.vector = Some(found);
            lists.work.add(&work);
        }
        if let Some(task) = keyword {
            let (found, work) = task.await.unwrap_or(Err(IndexError::Stopped))?;
            lists.keyword = Some(found);
            lists.work.add(&work);
        }
        Ok(lists)
    }

    /// The part of a mask that the vectors can be searched under: they may follow the log that the mask's snapshot is
    /// ahead of.
    fn visible<'a>(&self, mask: &'a ChunkMask) -> Cow<'a, ChunkMask> {
        let rows = self.vectors.len();
        if mask.last().is_none_or(|last| last < rows) {
            return Cow::Borrowed(mask);
        }
        let mut visible = mask.clone();
        visible.clear_range(rows..mask.len());
        Cow::Owned(visible)
    }
}

/// A keyword index that is damaged, or of another release's analysis, is replaced by an empty one, which the applier fills
/// from the catalog.
fn open_keywords(folder: &Path, analyser: &str) -> Result<TantivyKeywords, IndexError> {
    if !folder.exists() {
        return TantivyKeywords::create(folder, analyser);
    }
    match TantivyKeywords::open(folder, analyser) {
        Err(error @ (IndexError::DamagedKeywords { .. } | IndexError::OtherFormat { .. })) => {
            tracing::warn!(path = %folder.display(), cause = %error, "rebuilding a keyword index");
            std::fs::remove_dir_all(folder)
                .or_else(|error| if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
                .map_err(|source| IndexError::Io { action: "remove", path: folder.to_owned(), source })?;
            TantivyKeywords::create(folder, analyser)
        }
        other => other,
    }
}
