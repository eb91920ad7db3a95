//! What the `usher` command does beside serving: it asks a running service, or works on the data folder of one.

mod client;
mod eval;
mod folder;
mod keys;
mod models;
mod output;
mod secret;

pub use client::{ModelArguments, model};
pub use eval::{EvalArguments, eval};
pub use folder::{
    AcceptRestoredArguments, BackupArguments, ExportArguments, ImportArguments, NormaliseArguments, RestoreArguments,
    accept_restored, backup, export, import, normalise, restore,
};
pub use keys::{KeysArguments, keys};
pub use models::{ModelsArguments, models};
pub use output::{NotSaid, complain, write};
