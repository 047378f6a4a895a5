//! An echo sounder for crypto order books.

use clap::Parser;
use fathometer::{cli::Cli, commands};
use std::process::ExitCode;

fn main() -> ExitCode {
    // One TLS provider for the whole process; a second installation can only mean that it is there already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match commands::run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            failure.code()
        }
    }
}
