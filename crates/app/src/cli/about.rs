//! Commands that tell about the program: `list`, `check-config`, `completions`, `man`.

use super::shared::ConfigArgs;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// `list`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  fathometer list                      everything
  fathometer list metrics              every column with its unit, meaning and formula
  fathometer list instruments --json   for a script")]
pub struct ListArgs {
    /// What to list [default: all three]
    #[arg(value_enum)]
    pub what: Option<Listed>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Where configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Listed {
    /// Exchanges' markets and where they are reached.
    Venues,
    /// Columns of the samples.
    Metrics,
    /// What can be named.
    Instruments,
}

/// `check-config`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  fathometer check-config              the folder that `run` would read, environment and flags included
  fathometer check-config ops/config   another folder
  fathometer check-config --json       what is meant, for a script")]
pub struct CheckConfigArgs {
    /// The folder [default: as `--config`]
    pub folder: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Where configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// `completions`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  fathometer completions bash > ~/.local/share/bash-completion/completions/fathometer
  fathometer completions zsh > ~/.zfunc/_fathometer
  fathometer completions fish > ~/.config/fish/completions/fathometer.fish")]
pub struct CompletionsArgs {
    /// For which shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// `man`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  fathometer man | man -l -            read it here
  fathometer man --out man/            one page per command")]
pub struct ManArgs {
    /// Folder to write fathometer.1, fathometer-run.1, ... into
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}
