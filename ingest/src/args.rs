//! The command line. One declaration gives the parser and the help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use usher_base::wire::FieldType;
use usher_base::wire::bounds::ANALYSERS;

use crate::sandbox::child::Probe;
use crate::sandbox::{DEFAULT, Mode, Options, languages};

/// Sends documents with their access rules to an Usher service.
///
/// Exit codes: 0 done; 1 the run failed; 2 some files failed; 3 documents refused for their rules; 4 deletions or changes of rules need --yes.
#[derive(Debug, Parser)]
#[command(name = "usher-ingest", version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "made once, at the start")]
pub enum Command {
    /// Bring a collection in line with a folder of files.
    Folder(FolderArgs),
    /// Send the documents that a JSON-lines file lists.
    Manifest(ManifestArgs),
    /// Bring people and groups in line with a CSV or YAML file, or with the accounts of a host.
    People(PeopleArgs),
    /// Write relationship tuples from CSV, JSON or JSON lines.
    Tuples(TuplesArgs),
    /// Show the text and chunks that a file would become; sends nothing.
    Extract(ExtractArgs),
    /// The sandboxed child; not for use by hand.
    #[command(hide = true)]
    ExtractWorker {
        #[arg(long, value_enum)]
        probe: Option<Probe>,
    },
    /// The process that becomes a program which reads pictures; not for use by hand.
    #[command(hide = true)]
    ToolWorker {
        program: PathBuf,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub struct ServerArgs {
    /// Address of the service.
    #[arg(long, env = "USHER_URL", default_value = "http://127.0.0.1:8080")]
    pub server: String,
    /// File with the API key (mode 0600); otherwise the variable USHER_KEY holds it.
    #[arg(long, env = "USHER_KEY_FILE")]
    pub key_file: Option<PathBuf>,
    /// Send the key over plain http to another machine.
    #[arg(long)]
    pub insecure_http: bool,
    /// Print what would change and change nothing.
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct OcrArgs {
    /// Whether text is recognised in pictures: of pages of PDF without text, PNG, JPEG and TIFF.
    #[arg(long, value_enum, default_value_t = Mode::Auto)]
    pub ocr: Mode,
    /// Languages of the text in pictures, as tesseract names them.
    #[arg(long, value_name = "eng+deu", default_value = DEFAULT, value_parser = languages)]
    pub ocr_languages: String,
}

impl OcrArgs {
    pub fn options(&self) -> Options {
        Options { mode: self.ocr, languages: self.ocr_languages.clone() }
    }
}

#[derive(Debug, Args)]
pub struct RunArgs {
    /// Go on with a deletion, or a change of rules, that looks like an accident; write grants of earlier runs again that can't be looked up.
    #[arg(long)]
    pub yes: bool,
    /// Delete documents of this source that are no longer there.
    #[arg(long)]
    pub delete_missing: bool,
    /// One JSON line per file, and a summary.
    #[arg(long)]
    pub report: Option<PathBuf>,
    /// Largest file read, in bytes.
    #[arg(long, default_value_t = 64 * 1024 * 1024)]
    pub max_file_size: u64,
    /// Files read at the same time.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub jobs: u16,
    /// Seconds that reading one file may take.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub extract_timeout: u64,
    #[command(flatten)]
    pub ocr: OcrArgs,
    /// Make the collection first if there is none.
    #[arg(long)]
    pub create_collection: bool,
    /// How words of the collection that is made are searched: `auto`, `simple` or a language; else the service's default.
    #[arg(long, requires = "create_collection", value_parser = clap::builder::PossibleValuesParser::new(ANALYSERS))]
    pub analyser: Option<String>,
    /// A field of front matter that filters may use: keyword, keywords, number, bool or time; of the collection that is made.
    #[arg(long = "field", value_name = "NAME=TYPE", value_parser = field, requires = "create_collection")]
    pub fields: Vec<(String, FieldType)>,
    /// Accept rules that grant `user:*`, `agent:*` or `service:*`.
    #[arg(long)]
    pub allow_public: bool,
    /// Leave out, instead of counting as refused, documents whose rules can't be expressed.
    #[arg(long)]
    pub skip_unmappable: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AclMode {
    /// Rule files (`_.acl.yaml`, `<file>.acl.yaml`).
    #[value(alias = "auto")]
    Rules,
    /// Owner, group, mode and access lists of files and directories.
    Posix,
    /// No rules from the folder: only --default-acl.
    None,
}

#[derive(Debug, Args)]
pub struct FolderArgs {
    /// Folder with the files.
    pub path: PathBuf,
    /// Collection that the documents belong to.
    #[arg(long)]
    pub collection: String,
    /// First part of every document id; a key limited to sources writes only there, and no folder tuples (docs/ingest.md, Scopes).
    #[arg(long)]
    pub source: String,
    /// Where the folder lies within the source (`a/b`; rule files above it hold if its path ends so); empty: it is the source.
    #[arg(long, default_value = "")]
    pub prefix: String,
    #[command(flatten)]
    pub server: ServerArgs,
    #[command(flatten)]
    pub run: RunArgs,
    /// Where access rules come from; documents without any are refused.
    #[arg(long, value_enum, default_value_t = AclMode::Rules)]
    pub acl: AclMode,
    /// Rules for documents without any: a rule file, or `nobody`.
    #[arg(long)]
    pub default_acl: Option<String>,
    /// Make the folders' tuples in the service exactly those of the rule files, also where somebody changed them by hand.
    #[arg(long)]
    pub reconcile: bool,
    /// Only files that match (repeatable); without a slash: names at any level.
    #[arg(long)]
    pub include: Vec<String>,
    /// Leave out files and directories that match (repeatable).
    #[arg(long)]
    pub exclude: Vec<String>,
    /// Also names that begin with a dot.
    #[arg(long)]
    pub hidden: bool,
    /// Take files that have other names too (hard links), where their path matches; otherwise they are skipped.
    #[arg(long, value_name = "GLOB")]
    pub hard_links: Vec<String>,
    /// State file; default: below the XDG state directory, by server and source.
    #[arg(long)]
    pub state: Option<PathBuf>,
    /// YAML that names files whose records are documents of their own, and what of a record is what (docs/ingest.md, Records).
    #[arg(long, value_name = "FILE")]
    pub records: Option<PathBuf>,
    /// Levels of nested groups to leave room for; folders get the rest of 20.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u8).range(0..=18))]
    pub group_levels: u8,
    #[command(flatten)]
    pub host: HostArgs,
    /// With posix: ignore permissions of directories above the given folder.
    #[arg(long)]
    pub trust_above: bool,
}

#[derive(Debug, Args)]
pub struct HostArgs {
    /// Accounts that file owners are looked up in.
    #[arg(long, default_value = "/etc/passwd")]
    pub passwd: PathBuf,
    /// Groups that file groups are looked up in.
    #[arg(long, default_value = "/etc/group")]
    pub group: PathBuf,
    /// YAML with `users`, `groups` and `accounts`: other principals than `user:<name>` and `group:<name>#member`.
    #[arg(long)]
    pub map: Option<PathBuf>,
    /// Names the group of all accounts, `group:<host>~accounts`; default: this host's name.
    #[arg(long)]
    pub host: Option<String>,
}

#[derive(Debug, Args)]
pub struct ManifestArgs {
    /// JSON-lines file, one document per line; paths in it are relative to its folder.
    pub path: PathBuf,
    /// Collection of lines that name none.
    #[arg(long)]
    pub collection: Option<String>,
    /// Every id must lie in this source; needed for --delete-missing.
    #[arg(long)]
    pub source: Option<String>,
    #[command(flatten)]
    pub server: ServerArgs,
    #[command(flatten)]
    pub run: RunArgs,
    /// Rules for documents without any: a rule file, or `nobody`.
    #[arg(long)]
    pub default_acl: Option<String>,
}

#[derive(Debug, Args)]
pub struct PeopleArgs {
    /// `.csv` or `.yaml`; leave it out with --from-host.
    #[arg(required_unless_present = "from_host", conflicts_with = "from_host")]
    pub path: Option<PathBuf>,
    /// Take the accounts and groups of --passwd and --group.
    #[arg(long)]
    pub from_host: bool,
    #[command(flatten)]
    pub host: HostArgs,
    #[command(flatten)]
    pub server: ServerArgs,
    /// Remove memberships that are no longer in the file.
    #[arg(long)]
    pub delete_missing: bool,
    /// Also remove memberships that this tool did not write.
    #[arg(long)]
    pub reconcile: bool,
    /// Go on with a removal that looks like an accident; write memberships of earlier runs again that can't be looked up.
    #[arg(long)]
    pub yes: bool,
    /// Name of this list of people, the same in each run: what another list brought is not removed. Default: the file's path.
    #[arg(long)]
    pub list: Option<String>,
    /// State file; default: below the XDG state directory, by server and list.
    #[arg(long)]
    pub state: Option<PathBuf>,
    /// Deepest nesting of groups accepted.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u8).range(0..=18))]
    pub group_levels: u8,
    /// Don't look for groups that rules name and nobody is in.
    #[arg(long)]
    pub skip_empty_groups: bool,
}

#[derive(Debug, Args)]
pub struct TuplesArgs {
    /// `.csv`, `.json` or `.jsonl`.
    pub path: PathBuf,
    #[command(flatten)]
    pub server: ServerArgs,
    /// Delete the tuples instead of writing them.
    #[arg(long)]
    pub delete: bool,
    /// OpenFGA store; default: the service's.
    #[arg(long)]
    pub store: Option<String>,
}

#[derive(Debug, Args)]
pub struct ExtractArgs {
    /// File to read.
    pub path: PathBuf,
    /// As the text of a document with restricted parts, in which the spans of its rule file count.
    #[arg(long)]
    pub parts: bool,
    /// Everything as JSON.
    #[arg(long)]
    pub json: bool,
    /// Largest file read, in bytes.
    #[arg(long, default_value_t = 64 * 1024 * 1024)]
    pub max_file_size: u64,
    /// Seconds that reading may take.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub extract_timeout: u64,
    #[command(flatten)]
    pub ocr: OcrArgs,
}

fn field(text: &str) -> Result<(String, FieldType), String> {
    let (name, kind) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or("say NAME=TYPE")?;
    let kind =
        serde_json::from_value(kind.into()).map_err(|_| "the type is keyword, keywords, number, bool or time")?;
    Ok((name.to_owned(), kind))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn every_argument_has_its_help() {
        for command in Cli::command().get_subcommands().filter(|command| !command.is_hide_set()) {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
            }
        }
    }
}
