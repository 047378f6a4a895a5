//! Recording that is cut off: killed at random moments, or with no room left. What was recorded replays; live books go on.
//! `FATHOMETER_KILLS=100` kills that often (8 without).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may")]

use fathometer::report::Report;
use fathometer::runner::Runner;
use fathometer::view::View;
use fathometer_edge::clock;
use fathometer_edge::recording;
use fathometer_engine::instrument::InstrumentId;
use fathometer_engine::output::{FaultKind, Validity};
use fathometer_engine::units::Nanos;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Kills at the same time.
const WORKERS: usize = 2;
/// What a kill may take with it: a block of half a second, and what a busy machine leaves waiting before it.
const LOST_MS_MAX: f64 = 4_000.0;
/// Bytes of a segment's head without the configuration; a file that is shorter was only just begun.
const HEAD_BYTES: u64 = 40;

fn demo(folder: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fathometer"));
    command.args(["demo", "--headless", "--record"]).arg(folder).args(more).stdin(Stdio::null());
    command
}

/// A child that does not outlive its test.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = (self.0.kill(), self.0.wait());
    }
}

fn kills() -> usize {
    std::env::var("FATHOMETER_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(8)
}

#[test]
fn every_tape_of_a_killed_run_replays() {
    let (next, kills) = (AtomicUsize::new(0), kills());
    let seed = clock::now().0.unsigned_abs();
    let _ = writeln!(std::io::stderr(), "{kills} kills, seed {seed}");
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= kills {
                        return;
                    }
                    kill(number, seed);
                }
            });
        }
    });
}

/// Kills a run, and another one that goes on in the same folder; looks at the tape after each.
fn kill(number: usize, seed: u64) {
    let here = tempfile::tempdir().unwrap();
    let folder = here.path().join("tape");
    let mut before = 0;
    for run in 0..2u64 {
        let mut state = seed ^ ((number as u64) << 32 | run).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let child = demo(&folder, &["--listen", "off", "--fault", "gap:every=1s", "--fault", "cut:okx@1"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut child = Guard(child);
        // From the moment that there is a tape to be damaged; one in four is killed at any time before.
        let begun = Instant::now();
        while !state.is_multiple_of(4)
            && segments(&folder).len() as u64 <= run
            && begun.elapsed() < Duration::from_secs(20)
        {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis((state >> 20) % 2_500));
        let told = format!("kill {number} of run {run}, seed {seed}");
        assert!(child.0.try_wait().unwrap().is_none(), "{told}: the run ended by itself");
        child.0.kill().unwrap(); // SIGKILL
        let killed = clock::now();
        child.0.wait().unwrap();
        before = look(&folder, before, killed, &told);
    }
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Replays what is there, by library and by command; returns how many inputs there are.
fn look(folder: &Path, before: u64, killed: Nanos, told: &str) -> u64 {
    let files = segments(folder);
    if !files.iter().any(|file| std::fs::metadata(file).unwrap().len() > HEAD_BYTES) {
        return 0; // killed before there was a tape
    }
    let mut source = recording::open(&[folder]).unwrap_or_else(|error| panic!("{told}: {error}"));
    let mut runner = Runner::new(serde_json::from_slice(source.header().unwrap()).unwrap());
    let (mut inputs, mut last) = (0, Nanos(0));
    while let Some(input) = source.next().unwrap_or_else(|error| panic!("{told}: {error}")) {
        last = input.at;
        runner.step(&input);
        inputs += 1;
    }
    let skipped = source.skipped();
    assert!(inputs >= before, "{told}: an earlier run lost inputs: {before} before, {inputs} now");
    assert!(skipped.examples.iter().all(|(_, _, why)| why.contains("torn")), "{told}: {skipped:?}");
    if inputs > before {
        let lost = killed.since(last) as f64 / 1e6;
        assert!(lost < LOST_MS_MAX, "{told}: the last {lost:.0} ms are lost");
    }
    for index in 0..runner.engine.registry().all().len() {
        let Some(status) = runner.engine.status(InstrumentId(index as u32)) else { continue };
        let book = runner.engine.book(InstrumentId(index as u32)).unwrap();
        let id = runner.engine.registry().all()[index].id();
        assert!(status.validity != Validity::Live || (status.last_update_id > 0 && !book.is_crossed()), "{told}: {id}");
    }

    let output =
        Command::new(env!("CARGO_BIN_EXE_fathometer")).args(["replay", "--json"]).arg(folder).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}: {said}");
    assert_eq!(said.contains("torn"), skipped.count > 0, "{told}: {said}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["output_hash"], Report::of(&runner, 1.0).output_hash, "{told}");
    inputs
}

fn get(address: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.starts_with("HTTP/1.1 200").then(|| body.to_owned())
}

/// A file system with no more room than that, where one may be mounted.
struct Small(PathBuf);

impl Small {
    fn mount(at: &Path) -> Option<Small> {
        std::fs::create_dir_all(at).ok()?;
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=512k", "none"]).arg(at).output().ok()?;
        mounted.status.success().then(|| Small(at.to_owned()))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

#[test]
fn a_full_disk_ends_the_recording_and_nothing_else() {
    let here = tempfile::tempdir().unwrap();
    let folder = here.path().join("small");
    let Some(small) = Small::mount(&folder) else {
        let _ =
            writeln!(std::io::stderr(), "full disk: NOT RUN, no file system may be mounted here (the size limit is)");
        return;
    };
    let tape = folder.join("tape");
    no_room(demo(&tape, &[]), &tape, "Free disk space");
    drop(small);
}

#[test]
fn a_file_size_limit_ends_the_recording_and_nothing_else() {
    let here = tempfile::tempdir().unwrap();
    let tape = here.path().join("tape");
    let mut command = Command::new("bash");
    command.args(["-c", "ulimit -f 400; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_fathometer")]);
    command.args(["demo", "--headless", "--record"]).arg(&tape).stdin(Stdio::null());
    no_room(command, &tape, "ulimit -f");
}

/// Runs until the room is used up: the fault is shown and says what to do, and the books live on.
fn no_room(mut command: Command, tape: &Path, remedy: &str) {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    command.args(["--listen", &address.to_string(), "--log-format", "json"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut child = Guard(child);
    let mut log = child.0.stderr.take().unwrap();
    let log = std::thread::spawn(move || {
        let mut text = String::new();
        let _ = log.read_to_string(&mut text);
        text
    });
    let view = || get(address, "/api/v1/view").and_then(|body| serde_json::from_str::<View>(&body).ok());
    let began = Instant::now();
    let full = loop {
        let ended = child.0.try_wait().unwrap();
        assert!(ended.is_none() && began.elapsed() < Duration::from_secs(60), "{ended:?}: no fault was shown");
        let fault = view().and_then(|view| view.faults.iter().find(|fault| fault.kind == FaultKind::Tape).cloned());
        match fault {
            Some(fault) => break fault,
            None => std::thread::sleep(Duration::from_millis(200)),
        }
    };
    assert!(full.text.contains(remedy) && full.text.contains("live books go on"), "{}", full.text);
    let frames = |view: &View| -> u64 {
        view.markets.iter().filter_map(|market| market.status.as_ref()).map(|status| status.counters.frames).sum()
    };
    let then = view().unwrap();
    std::thread::sleep(Duration::from_secs(3));
    let now = view().unwrap();
    assert!(frames(&now) > frames(&then) + 100, "{} then {}", frames(&then), frames(&now));
    let is_live = |market: &fathometer::view::Market| {
        market.status.as_ref().is_some_and(|status| status.validity == Validity::Live)
    };
    assert!(now.markets.iter().all(is_live), "the books do not go on");
    assert_eq!(now.faults.iter().filter(|fault| fault.kind == FaultKind::Tape).count(), 1, "it is told once");

    assert!(Command::new("kill").args(["-TERM", &child.0.id().to_string()]).status().unwrap().success());
    let mut out = String::new();
    child.0.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    let code = child.0.wait().unwrap().code();
    let log = log.join().unwrap();
    assert!(log.contains("cannot write the tape"), "{log}");
    let report: serde_json::Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"));
    assert_eq!(report["tape"]["whole"], false, "a tape that ends early is not whole");
    assert!(code.is_some_and(|code| code != 0) && log.contains("the tape is not whole"), "{code:?} {log}");

    let replayed =
        Command::new(env!("CARGO_BIN_EXE_fathometer")).args(["replay", "--json"]).arg(tape).output().unwrap();
    assert_eq!(replayed.status.code(), Some(0), "{}", String::from_utf8_lossy(&replayed.stderr));
    let replayed: serde_json::Value = serde_json::from_slice(&replayed.stdout).unwrap();
    assert!(replayed["frames"].as_u64() > Some(100), "{replayed}");
}
