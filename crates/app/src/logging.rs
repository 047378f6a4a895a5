//! Log lines, for runs without a screen.

use crate::cli::shared::LogFormat;
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Sends log lines to standard error; `FATHOMETER_LOG` says how many (`error`, `warn`, `info`, `debug`, `trace`).
pub fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_env("FATHOMETER_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let lines = lines.with_ansi(std::io::stderr().is_terminal());
    // A subscriber that is there already stays: only tests run several commands in one process.
    let _ = match format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
}
