//! The house rules that a compiler does not enforce: sizes, clocks, queues, arrows between crates.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests

use std::path::{Path, PathBuf};

/// Longest source file, lines.
const LINES_MAX: usize = 500;

/// Crate, and the crates of this workspace that it may use.
const ARROWS: [(&str, &[&str]); 5] = [
    ("crates/engine", &[]),
    ("crates/edge", &["fathometer-engine"]),
    ("crates/venue", &["fathometer-engine", "fathometer-edge"]),
    ("crates/app", &["fathometer-engine", "fathometer-edge", "fathometer-venue"]),
    ("fuzz", &["fathometer-engine", "fathometer-edge", "fathometer"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every source file: its path from the root, and its text.
fn sources() -> Vec<(String, String)> {
    let root = root();
    let mut folders = vec![root.join("crates"), root.join("fuzz")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                found.push((name, std::fs::read_to_string(path).unwrap()));
            }
        }
    }
    found.sort();
    assert!(found.len() > 150, "the sources were not found: {}", found.len());
    found
}

/// Product code, without the tests that stand beside it.
fn product() -> impl Iterator<Item = (String, usize, String)> {
    let is_test = |name: &str| name.contains("/tests/") || name.ends_with("/tests.rs") || name.starts_with("fuzz/");
    let own = |(name, text): (String, String)| {
        let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default().to_owned();
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.into_iter().enumerate().map(move |(number, line)| (name.clone(), number + 1, line))
    };
    sources().into_iter().filter(move |(name, _)| !is_test(name)).flat_map(own)
}

/// Fails with every line of product code that `is_wrong` tells.
fn none(what: &str, is_wrong: impl Fn(&str, &str) -> bool) {
    let code = |line: &str| line.split("//").next().unwrap_or_default().to_owned();
    let wrong: Vec<String> = product()
        .filter(|(name, _, line)| is_wrong(name, &code(line)))
        .map(|(name, number, line)| format!("{name}:{number}: {}", line.trim()))
        .collect();
    assert!(wrong.is_empty(), "{what}:\n{}", wrong.join("\n"));
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    for (name, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= LINES_MAX, "{name} has {lines} lines: split it");
        assert!(text.starts_with("//! "), "{name} does not open with a sentence that tells what it is for");
    }
}

#[test]
fn nothing_is_left_to_be_done() {
    let words = ["todo!", "unimplemented!", "TODO", "FIXME", "XXX"];
    for (name, text) in sources().into_iter().filter(|(name, _)| !name.ends_with("tidy.rs")) {
        let found = words.iter().find(|word| text.contains(*word));
        assert!(found.is_none(), "{name} holds {}", found.unwrap());
    }
}

#[test]
fn only_the_clock_reads_a_clock() {
    none("a clock is read outside edge::clock", |name, line| {
        let (instant, wall) = (line.contains("Instant::now()"), line.contains("SystemTime::now()"));
        match name {
            "crates/edge/src/clock.rs" | "crates/venue/src/clock.rs" => false,
            // The local exchange is another program's side of the socket: its sessions keep their own time.
            _ if name.starts_with("crates/venue/") => wall,
            _ => instant || wall,
        }
    });
}

#[test]
fn every_queue_has_a_length() {
    none("a queue without a length", |_, line| {
        let line = line.replace("oneshot::channel()", ""); // holds one answer
        line.contains("unbounded") || (line.contains("channel()") && !line.contains("fn "))
    });
}

#[test]
fn the_engine_touches_nothing() {
    let outside = ["std::fs", "std::net", "std::env", "std::thread", "std::process", "std::time", "tokio", "rand::"];
    none("the engine touches the world", |name, line| {
        name.starts_with("crates/engine/src/") && outside.iter().any(|word| line.contains(word))
    });
}

#[test]
fn arrows_between_crates_point_one_way() {
    let root = root();
    let mut seen = 0;
    for entry in std::fs::read_dir(root.join("crates")).unwrap() {
        let name = format!("crates/{}", entry.unwrap().file_name().to_str().unwrap());
        assert!(ARROWS.iter().any(|(known, _)| *known == name), "{name} is new: say what it may use");
    }
    for (name, may_use) in ARROWS {
        let manifest = std::fs::read_to_string(root.join(name).join("Cargo.toml")).unwrap();
        let tables = manifest.split("\n[").filter(|table| table.starts_with("dependencies]"));
        for line in tables.flat_map(str::lines) {
            let used = line.split(['.', '=', ' ']).next().unwrap_or_default();
            if used == "fathometer" || used.starts_with("fathometer-") {
                assert!(may_use.contains(&used), "{name} uses {used}");
                seen += 1;
            }
        }
    }
    assert!(seen >= 9, "the manifests were not understood: {seen} arrows");
}
