//! Nothing that was synced is lost when the process is killed, and a full disk stops the recording alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use fathometer_edge::tape::{Fsync, Options, Reader, TapeError, Writer};
use fathometer_engine::input::{Body, Input, LinkId};
use fathometer_engine::units::Nanos;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

fn options() -> Options {
    Options { block_bytes_max: 4096, block_millis_max: 50, fsync: Fsync::Every(1), ..Options::default() }
}

fn frame(i: u64) -> Vec<u8> {
    format!("{{\"e\":\"trade\",\"t\":{i},\"p\":\"{}\"}}", i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).into_bytes()
}

fn append(writer: &mut Writer, i: u64) -> Result<(), TapeError> {
    writer.append(&Input { at: Nanos(i as i64 * 1_000_000), link: LinkId(0), body: Body::Text(&frame(i)) })
}

/// Inputs read, each of which must be the one that was written in its place.
fn count(dir: &Path) -> u64 {
    let Ok(mut reader) = Reader::open(&[dir]) else { return 0 };
    let mut read = 0;
    while let Some(input) = reader.next().unwrap() {
        match input.body {
            Body::Checkpoint(_) => continue,
            body => assert_eq!(body, Body::Text(&frame(read))),
        }
        read += 1;
    }
    assert!(reader.lost().is_empty(), "{:?}", reader.lost());
    read
}

/// Runs one ignored test of this very program as a process of its own.
fn child(test: &str, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", test, "--nocapture"]).env("TAPE_DIR", dir);
    command
}

#[test]
#[ignore = "run by a_killed_recording_loses_nothing_synced"]
fn records_until_killed() {
    let Some(dir) = std::env::var_os("TAPE_DIR") else { return };
    let mut writer = Writer::create(Path::new(&dir), Options { segment_bytes_max: 40_000, ..options() }).unwrap();
    for i in 0u64.. {
        append(&mut writer, i).unwrap();
        if i % 97 == 0 {
            writer.sync().unwrap();
            println!("synced {}", i + 1);
        }
        if writer.wants_rotation() {
            writer.rotate(b"state").unwrap();
        }
    }
}

/// 20 times, or as often as FATHOMETER_KILLS says.
#[test]
fn a_killed_recording_loses_nothing_synced() {
    let kills = std::env::var("FATHOMETER_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(20u32);
    let (mut seed, mut most) = (0x2545_f491_4f6c_dd1du64 ^ u64::from(std::process::id()), 0);
    for kill in 0..kills {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let dir = tempfile::tempdir().unwrap();
        let mut process = child("records_until_killed", dir.path()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let reading = std::thread::spawn(move || {
            let synced = lines.map_while(Result::ok).filter_map(|l| l.split("synced ").nth(1)?.parse().ok());
            synced.last().unwrap_or(0u64)
        });
        std::thread::sleep(Duration::from_micros(30_000 + (seed >> 40) % 120_000));
        process.kill().unwrap();
        assert_eq!(process.wait().unwrap().signal(), Some(9), "it ended before it was killed");
        let (synced, read) = (reading.join().unwrap(), count(dir.path()));
        assert!(read >= synced, "kill {kill}: {synced} synced, {read} read");
        most = most.max(synced);
    }
    assert!(most > 0, "no run got as far as a sync");
}

/// Appends until the tape fails: told once, then `Stopped`, cheaply, and `close` has nothing new to say.
fn appends_until_it_fails(dir: &Path) -> (u64, TapeError) {
    let mut writer = Writer::create(dir, options()).unwrap();
    for i in 0..10_000_000 {
        if let Err(error) = append(&mut writer, i) {
            for _ in 0..1000 {
                assert!(matches!(append(&mut writer, 0), Err(TapeError::Stopped)));
            }
            assert!(matches!(writer.sync(), Err(TapeError::Stopped)));
            assert!(matches!(writer.rotate(b""), Err(TapeError::Stopped)));
            writer.close().unwrap();
            return (i, error);
        }
    }
    panic!("the tape never failed");
}

#[test]
#[ignore = "run by a_file_that_may_not_grow_stops_the_recording_alone, under a file size limit"]
fn records_under_a_limit() {
    let Some(dir) = std::env::var_os("TAPE_DIR") else { return };
    let (_, error) = appends_until_it_fails(Path::new(&dir));
    println!("told: {error}");
}

#[test]
fn a_file_that_may_not_grow_stops_the_recording_alone() {
    let dir = tempfile::tempdir().unwrap();
    let program = std::env::current_exe().unwrap();
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 128; exec \"$0\" --ignored --exact records_under_a_limit --nocapture"])
        .arg(program)
        .env("TAPE_DIR", dir.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("told: cannot write the tape") && text.contains("live books go on"), "{text}");
    assert!(text.contains("ulimit -f"), "{text}");
    assert!(count(dir.path()) > 100, "what was written before is whole");
}

/// Needs the right to mount; says so and passes over it otherwise.
#[test]
fn a_full_disk_stops_the_recording_alone() {
    let dir = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"]).arg(dir.path()).output();
    if !mounted.as_ref().is_ok_and(|o| o.status.success()) {
        eprintln!("a_full_disk_stops_the_recording_alone: not run, a small tmpfs cannot be mounted here: {mounted:?}");
        return;
    }
    let (_, error) = appends_until_it_fails(dir.path());
    let read = count(dir.path());
    Command::new("umount").arg(dir.path()).status().unwrap();
    let text = error.to_string();
    assert!(matches!(error, TapeError::Write { .. }) && text.contains("Free disk space"), "{text}");
    assert!(read > 100, "what was written before is whole, yet only {read} inputs");
}

#[test]
fn a_folder_that_cannot_be_is_told_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, b"").unwrap();
    let error = Writer::create(&file.join("tapes"), options()).unwrap_err().to_string();
    assert!(error.contains("cannot write the tape") && error.contains("file/tapes"), "{error}");
}
