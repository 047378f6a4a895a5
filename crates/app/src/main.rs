//! An echo sounder for crypto order books.

use clap::Parser;
use fathometer::{cli::Cli, commands};
use std::process::ExitCode;

/// Two arenas for all threads: one for each, as is usual, holds on to 10 MB more, and few threads allocate at a time.
#[allow(unsafe_code, reason = "a setting of the C library, before any thread is there")]
fn thrifty() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: mallopt takes two numbers and has no other preconditions.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 2);
    }
}

fn main() -> ExitCode {
    thrifty();
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
