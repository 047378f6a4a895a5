//! How a command ends when it cannot do what it was asked: a message for people and an exit code for scripts.

use std::fmt;
use std::process::ExitCode;

/// What kind of trouble, which is the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Something failed while running (1).
    Failed = 1,
    /// The command line makes no sense (2, as clap has it).
    Usage = 2,
    /// A file, a folder, a configuration or a name given cannot be used (3).
    Input = 3,
    /// A port or a host cannot be had (4).
    Network = 4,
}

/// Why a command ended: what happened, where, and what to do.
#[derive(Debug)]
pub struct Failure {
    /// Which exit code.
    pub trouble: Trouble,
    /// For people.
    pub text: String,
}

/// What commands return.
pub type Outcome = Result<(), Failure>;

impl Failure {
    /// Something failed while running.
    pub fn failed(text: impl fmt::Display) -> Self {
        Failure { trouble: Trouble::Failed, text: text.to_string() }
    }
    /// The command line makes no sense.
    pub fn usage(text: impl fmt::Display) -> Self {
        Failure { trouble: Trouble::Usage, text: text.to_string() }
    }
    /// What was given cannot be used.
    pub fn input(text: impl fmt::Display) -> Self {
        Failure { trouble: Trouble::Input, text: text.to_string() }
    }
    /// A port or a host cannot be had.
    pub fn network(text: impl fmt::Display) -> Self {
        Failure { trouble: Trouble::Network, text: text.to_string() }
    }
    /// The exit code.
    pub fn code(&self) -> ExitCode {
        ExitCode::from(self.trouble as u8)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.text)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure::failed(format!("{error:#}"))
    }
}
