//! Flags of the server that `run`, `record`, `demo` and `replay --serve` bring along.

use clap::Args;
use std::path::PathBuf;

/// Who may ask the server, and how.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Serving")]
pub struct ServeArgs {
    /// Let only those in who know the token in this file (or in the environment: FATHOMETER_TOKEN); wanted where --listen is
    /// not this machine alone
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// The token itself; on a command line others could read it, so only the environment is looked at
    #[arg(skip = std::env::var("FATHOMETER_TOKEN").ok().map(Secret))]
    pub token: Option<Secret>,
    /// Let everybody in who can reach the address, without a token
    #[arg(long)]
    pub insecure: bool,
    /// Let pages of this origin ask (`https://example.org`), repeatable; by default only the server's own page may
    #[arg(long, value_name = "ORIGIN")]
    pub allow_origin: Vec<String>,
    /// Go by this name as well (`books.example.org`), repeatable; addresses and localhost are always understood
    #[arg(long, value_name = "NAME")]
    pub allow_host: Vec<String>,
    /// Serve TLS with the certificates in this PEM file
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// and the key in this PEM file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
}

/// A text that no log shows.
#[derive(Clone)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}
