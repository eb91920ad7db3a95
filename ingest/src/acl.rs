//! Access rules: from rule files, POSIX permissions or a manifest to what the service stores.
//!
//! `principal` normalises subjects, `names` tells rule files by their names and, where those say nothing, `content` by what they hold,
//! `rules` reads rule files and resolves what applies to a document, `folders` turns directories into relationship tuples,
//! `posix` maps permissions. Whatever can't be expressed refuses the document; nothing here may ever widen access to make a
//! rule fit.

pub mod accounts;
pub mod content;
pub mod folders;
pub mod names;
pub mod posix;
pub mod principal;
pub mod rules;
pub mod yaml;
