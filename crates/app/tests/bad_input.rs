//! Bad input: each gives one clear message, with what happened, where and what to do, and a non-zero exit code.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

/// The program's own exit codes.
const USAGE: i32 = 2;
const INPUT: i32 = 3;
const NETWORK: i32 = 4;

const PROGRAM: &str = env!("CARGO_BIN_EXE_fathometer");

fn fathometer(mut command: Command, args: &[&str], folder: &Path) -> Output {
    let ours = |name: &str| name.starts_with("FATHOMETER") || name.to_lowercase().ends_with("_proxy");
    for (name, _) in std::env::vars().filter(|(name, _)| ours(name)) {
        command.env_remove(name);
    }
    command.args(args).current_dir(folder).output().unwrap()
}

/// Runs, and holds the message to its parts: on standard error, nothing on standard output, no panic, one `error:`.
fn check(args: &[&str], folder: &Path, code: i32, parts: &[&str]) {
    check_run(Command::new(PROGRAM), args, folder, code, parts);
}

fn check_run(command: Command, args: &[&str], folder: &Path, code: i32, parts: &[&str]) {
    let output = fathometer(command, args, folder);
    let (told, printed) = (String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    assert_eq!(output.status.code(), Some(code), "{args:?}: {told}{printed}");
    assert_eq!(told.matches("error:").count(), 1, "{args:?} tells one error:\n{told}");
    assert!(!told.contains("panicked") && printed.is_empty(), "{args:?}: {told}{printed}");
    for part in parts {
        assert!(told.contains(part), "{args:?}: `{part}` is not in:\n{told}");
    }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn wrong_flags() {
    let here = folder();
    check(&["--frob"], here.path(), USAGE, &["--frob"]);
    check(&["replay"], here.path(), USAGE, &["<FILE>..."]);
    check(&["replay", "x", "--speed", "fast"], here.path(), USAGE, &["fast", "a factor above 0", "`max`"]);
    check(&["replay", "x", "--until", "noon"], here.path(), USAGE, &["2026-11-20T12:04:07Z"]);
    check(&["list", "venus"], here.path(), USAGE, &["venues"]);
    check(&["rplay"], here.path(), USAGE, &["replay"]);
    check(&["run", "--listen", "8050"], here.path(), USAGE, &["127.0.0.1:8050"]);
    check(&["run", "--venue-url", "okx"], here.path(), USAGE, &["VENUE=URL"]);
    check(&["run", "--venue-url", "okkx=http://x"], here.path(), USAGE, &["did you mean `okx`?"]);
    check(&["demo", "--fault", "gapp"], here.path(), USAGE, &["gapp", "gap, "]);
    check(&["top", "ftp://127.0.0.1"], here.path(), USAGE, &["ftp://127.0.0.1"]);
}

#[test]
fn unknown_symbols_offer_the_nearest_names() {
    let here = folder();
    let near = ["unknown instrument `BTC-USDT-PREP`", "did you mean BTC-USDT-PERP"];
    check(&["run", "BTC-USDT-PREP"], here.path(), INPUT, &near);
    check(
        &["run", "binance:BTCUSTD"],
        here.path(),
        INPUT,
        &["unknown instrument `binance:BTCUSTD`", "binance:BTCUSDT"],
    );
    check(
        &["run", "binace:BTCUSDT"],
        here.path(),
        INPUT,
        &["unknown venue `binace`", "did you mean `binance:BTCUSDT`?"],
    );
    let several = ["means 2 instruments", "binance:BTCUSDT", "binance-usdm:BTCUSDT"];
    check(&["run", "btcusdt"], here.path(), INPUT, &several);
}

#[test]
fn broken_yaml_is_told_with_file_line_and_nearest_key() {
    let here = folder();
    let config = here.path().join("config");
    std::fs::create_dir(&config).unwrap();
    std::fs::write(config.join("features.yaml"), "zscore:\n  enabled: true\n  windw_size: 300\n").unwrap();
    std::fs::write(config.join("instruments.yaml"), "instruments:\n  - id: [unclosed\n").unwrap();
    let parts = [
        "2 errors",
        "config/features.yaml:3: unknown key `windw_size` in `zscore`; did you mean `window_size`?",
        "config/instruments.yaml:",
        "not valid YAML",
    ];
    for command in ["run", "demo", "check-config", "list"] {
        check(&[command], here.path(), INPUT, &parts);
    }
    check(&["check-config", "nowhere"], here.path(), INPUT, &["cannot read the configuration folder nowhere"]);
}

#[test]
fn a_text_file_is_no_tape() {
    let here = folder();
    std::fs::write(here.path().join("notes.txt"), "Dear diary,\ntoday the market went up.\n").unwrap();
    let readable = "Readable are Fathometer tapes";
    for command in ["replay", "bench"] {
        check(&[command, "notes.txt"], here.path(), INPUT, &["notes.txt is not a recording", readable]);
        check(&[command, "missing.ftape"], here.path(), INPUT, &["cannot read missing.ftape", "check the path"]);
        check(&[command, "."], here.path(), INPUT, &["notes.txt is not a recording", readable]);
    }
    std::fs::write(here.path().join("empty"), "").unwrap();
    check(&["replay", "empty"], here.path(), INPUT, &["empty", readable]);
}

#[test]
#[cfg(unix)]
fn a_folder_that_cannot_be_used() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    /// The user without rights, on every Linux.
    const NOBODY: u32 = 65534;
    let here = folder();
    let closed = here.path().join("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o0)).unwrap();
    // The superuser may read and write anything: then somebody else tries, with a copy where everybody may start it.
    let superuser = std::fs::read_dir(&closed).is_ok();
    let copy = here.path().join("fathometer");
    if superuser {
        std::fs::set_permissions(here.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::copy(PROGRAM, &copy).unwrap();
    }
    let denied = |args: &[&str], parts: &[&str]| {
        let mut command = Command::new(if superuser { copy.as_path() } else { Path::new(PROGRAM) });
        if superuser {
            command.uid(NOBODY).gid(NOBODY);
        }
        check_run(command, args, here.path(), INPUT, parts);
    };
    denied(&["check-config", "closed"], &["cannot read the configuration folder closed", "denied"]);
    denied(&["replay", "closed"], &["cannot read closed", "permissions"]);
    denied(&["demo", "--listen", "off", "--record", "closed/tape"], &["closed/tape", "choose another folder"]);
    std::fs::write(here.path().join("file"), "x").unwrap();
    let record = ["demo", "--listen", "off", "--record", "file"];
    check(&record, here.path(), INPUT, &["cannot write the tape file"]);
    check(&["run", "--config", "file"], here.path(), INPUT, &["cannot read the configuration folder file"]);
}

#[test]
fn a_port_in_use() {
    let here = folder();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let (port, address) = (address.port().to_string(), address.to_string());
    let demo = ["demo", "--headless", "--seconds", "1", "--listen", &address];
    check(&demo, here.path(), NETWORK, &["cannot listen on", &address, "--listen"]);
    let venue = ["venue", "--seconds", "1", "--port", &port];
    check(&venue, here.path(), NETWORK, &["cannot listen on", &address, "choose another port"]);
}

#[test]
fn a_host_that_cannot_be_reached() {
    let here = folder();
    // A port that was free a moment ago: nobody listens there.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let url = format!("okx=http://{address}");
    let run = ["run", "okx:BTC-USDT", "--listen", "off", "--venue-url", &url];
    check(&run, here.path(), NETWORK, &["no exchange can be reached", &address, "fathometer demo"]);
    check(&["top", &format!("http://{address}")], here.path(), NETWORK, &[&address, "start one"]);
    let unknown = "binance=https://nosuchhost.invalid";
    let run = ["run", "binance:BTCUSDT", "--listen", "off", "--venue-url", unknown];
    check(&run, here.path(), NETWORK, &["nosuchhost.invalid", "cannot be looked up"]);
}

#[test]
fn a_book_that_was_not_recorded() {
    let here = folder();
    let trade =
        r#"{"e":"trade","E":1723075200000,"s":"BTCUSDT","t":1,"p":"5.1","q":"1","T":1723075200000,"m":true,"M":true}"#;
    let line = format!("1723075200000000000 {{\"stream\":\"btcusdt@trade\",\"data\":{trade}}}\n");
    std::fs::write(here.path().join("trades.txt"), line.repeat(3)).unwrap();
    let asked = ["replay", "trades.txt", "--book", "btcusdtt"];
    check(&asked, here.path(), INPUT, &["unknown instrument `btcusdtt`", "BTCUSDT"]);
}

#[test]
fn what_is_good_ends_with_zero() {
    let here = folder();
    let good: [&[&str]; 8] = [
        &["list"],
        &["list", "--json"],
        &["check-config"],
        &["check-config", "--json"],
        &["man"],
        &["completions", "bash"],
        &["--help"],
        &["demo", "--help"],
    ];
    for args in good {
        let output = fathometer(Command::new(PROGRAM), args, here.path());
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert!(!output.stdout.is_empty() && output.stderr.is_empty(), "{args:?}");
    }
    let output = fathometer(Command::new(PROGRAM), &["man", "--out", "pages"], here.path());
    assert_eq!(output.status.code(), Some(0));
    assert!(here.path().join("pages/fathometer-replay.1").is_file());
}
