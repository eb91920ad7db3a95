//! What ends a run. Trouble with one file never does; see `report`.

use std::path::PathBuf;

use crate::acl::accounts::AccountsError;
use crate::acl::rules::RuleError;
use crate::acl::yaml::YamlError;
use crate::api::ApiError;
use crate::fsroot::FsError;
use crate::sandbox::SandboxError;
use crate::state::StateError;

#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error(transparent)]
    Fs(#[from] FsError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    #[error("--include/--exclude: {0}")]
    Glob(#[from] globset::Error),
    #[error("--default-acl {0}: {1}")]
    DefaultAcl(String, RuleError),
    #[error("{0}: {1}")]
    Yaml(String, YamlError),
    #[error("{0}: {1}")]
    Io(PathBuf, std::io::Error),
    #[error("the rules of {0}: {1}")]
    RuleFile(String, ApiError),
    #[error("{0}")]
    Input(String),
    #[error("the key lacks the scope `{scope}`, which is needed {why}")]
    Scope { scope: &'static str, why: String },
    #[error("there is a rule file, {0}, that this --acl mode would not read; remove it, or use --acl rules")]
    RulesUnused(String),
    #[error(
        "source {source_name} was last sent to collection {last}; one source belongs to one collection (give another \
         --source, or another --state)"
    )]
    OtherCollection { source_name: String, last: String },
    #[error(
        "the state file {state} belongs to {last}, not to {wanted}; each has its own: name another --state, or none"
    )]
    OtherState { state: PathBuf, last: String, wanted: String },
    #[error(
        "the state file {state} is not that of the last run: it was put back from a backup, or a run with another one was \
         later. It does not know what was written since: name the newest --state, or say --reconcile, which makes {what}, \
         also where somebody changed them by hand"
    )]
    OldState { state: PathBuf, what: &'static str },
    #[error(
        "the state file {state} was last written for the people of {last}, not of {list}; name another --state, or the \
         same --list for both if they are one list"
    )]
    OtherList { state: PathBuf, last: String, list: String },
}
