//! What the `usher` command does beside serving: it asks a running service, or works on the data folder of one.

mod client;
mod folder;
mod keys;
mod output;
mod secret;

pub use client::{ModelArguments, model};
pub use folder::{
    AcceptRestoredArguments, BackupArguments, ExportArguments, ImportArguments, NormaliseArguments, RestoreArguments,
    accept_restored, backup, export, import, normalise, restore,
};
pub use keys::{KeysArguments, keys};
pub use output::{NotSaid, complain, write};
