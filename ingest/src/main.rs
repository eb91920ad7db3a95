//! `usher-ingest`: reads files and their access rules, and keeps an Usher service in line with them.
//!
//! `folder`, `manifest`, `people` and `tuples` each are one module whose `run` reads top to bottom. Text comes from
//! `extract`, which runs only inside a child of `sandbox`; access rules from `acl`; `documents` prepares and `upload`
//! sends. Nothing here decides who may read what: that is the service's.

#![cfg_attr(test, allow(clippy::string_slice, reason = "tests slice text at offsets that they check"))]

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use usher_base::causes::Causes;

use crate::args::{Cli, Command};
use crate::error::RunError;
use crate::term::Term;

mod acl;
mod api;
mod args;
mod conditions;
mod documents;
mod error;
mod extract;
mod fingerprint;
mod folder;
mod fsroot;
mod history;
mod manifest;
mod named;
mod people;
mod report;
mod sandbox;
mod show;
mod state;
mod table;
mod term;
mod tuple_writer;
mod tuples;
mod turn;
mod upload;
mod words;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            let _ = e.print();
            return if e.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    if let Command::ExtractWorker { probe } = cli.command {
        return sandbox::child::run(probe);
    }
    if let Command::ToolWorker { program, arguments } = &cli.command {
        return sandbox::tool::run(program, arguments);
    }
    // Names travel as they are written; what the case of an address means is the service's to say.
    usher_authz::names::set_email_case(usher_authz::names::EmailCase::Keep);
    let term = Term::default();
    match run(&cli.command, &term) {
        Ok(code) => code,
        Err(e) => {
            term.finish();
            term.error(&Causes(e.as_ref()).to_string());
            match e.downcast_ref::<RunError>() {
                Some(RunError::RulesUnused(_)) => ExitCode::from(3),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

fn run(command: &Command, term: &Term) -> anyhow::Result<ExitCode> {
    match command {
        Command::Folder(args) => folder::run(args, term).with_context(|| format!("folder {}", args.path.display())),
        Command::Manifest(args) => {
            manifest::run(args, term).with_context(|| format!("manifest {}", args.path.display()))
        }
        Command::People(args) => people::run(args, term).context("people"),
        Command::Tuples(args) => tuples::run(args, term).with_context(|| format!("tuples {}", args.path.display())),
        Command::Extract(args) => show::run(args, term).with_context(|| format!("extract {}", args.path.display())),
        Command::ExtractWorker { .. } | Command::ToolWorker { .. } => Ok(ExitCode::FAILURE),
    }
}
