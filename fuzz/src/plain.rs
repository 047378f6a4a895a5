//! Throws mutated seeds at targets without any help: no panic, no hang, no growing memory.

use crate::mutate::{Dice, mutate};
use crate::{TARGETS, Target, find};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const USAGE: &str =
    "usage: throw [--seconds N] [--from N] [TARGET...]   mutated seeds, N seconds each (default 5), from the Nth on
       throw --list                               the targets
       throw --write-seeds DIR                    all seeds as files, for cargo fuzz
       throw TARGET FILE                          one input";
/// Processor time that one input may take, without optimisation, seconds.
const WORK_MAX: f64 = 20.0;
/// Time that one input may take on a machine that has other things to do: beyond it something waits for ever.
const PATIENCE: Duration = Duration::from_secs(600);
/// Longest input, bytes.
const LONGEST: usize = 64 << 10;
/// Resident memory that no target comes near, MiB.
const RESIDENT_MAX: u64 = 1024;
/// By how much resident memory may grow between a target's first quarter and its end, MiB.
const GROWTH_MAX: u64 = 64;

/// The whole program; `only` is the target of a binary of its own.
pub fn main(only: Option<&str>) -> ExitCode {
    let (mut seconds, mut from, mut names) = (5.0, 0, Vec::from_iter(only.map(str::to_owned)));
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || words.next().and_then(|text| text.parse::<f64>().ok()).filter(|n| *n >= 0.0);
        match word.as_str() {
            "--seconds" => match number() {
                Some(n) => seconds = n,
                None => return usage(),
            },
            "--from" => match number() {
                Some(n) => from = n as u64,
                None => return usage(),
            },
            "--list" => {
                TARGETS.iter().for_each(|target| println!("{}", target.name));
                return ExitCode::SUCCESS;
            }
            "--write-seeds" => match words.next() {
                Some(folder) => return write_seeds(Path::new(&folder)),
                None => return usage(),
            },
            _ if word.starts_with('-') => return usage(),
            _ => names.push(word),
        }
    }
    if let [name, file] = names.as_slice()
        && let (Some(target), true) = (find(name), Path::new(file).is_file())
    {
        return one(target, Path::new(file));
    }
    let mut chosen = Vec::new();
    for name in &names {
        match find(name) {
            Some(target) => chosen.push(target),
            None => return usage(),
        }
    }
    if chosen.is_empty() {
        chosen.extend(&TARGETS);
    }
    let all_well = chosen.into_iter().all(|target| throw(target, Duration::from_secs_f64(seconds), from));
    if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}

fn one(target: &Target, file: &Path) -> ExitCode {
    match std::fs::read(file) {
        Ok(data) => {
            (target.run)(&data);
            println!("{}: {} bytes survived", target.name, data.len());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: cannot read {}: {error}", file.display());
            ExitCode::from(3)
        }
    }
}

/// A target's seeds: the files of its folder in the order of their names, and what is made for it.
pub fn seeds_of(target: &Target) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target.name);
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    files.sort();
    files.iter().filter_map(|file| std::fs::read(file).ok()).chain((target.seeds)()).collect()
}

fn write_seeds(folder: &Path) -> ExitCode {
    for target in &TARGETS {
        let folder = folder.join(target.name);
        let written: std::io::Result<()> = std::fs::create_dir_all(&folder).and_then(|()| {
            let mut numbered = seeds_of(target).into_iter().enumerate();
            numbered.try_for_each(|(number, seed)| std::fs::write(folder.join(format!("seed-{number}")), seed))
        });
        if let Err(error) = written {
            eprintln!("error: cannot write into {}: {error}", folder.display());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// What is under way, for whoever watches over the time.
type UnderWay = Arc<Mutex<Option<(Instant, Vec<u8>)>>>;

fn throw(target: &'static Target, length: Duration, from: u64) -> bool {
    let seeds = seeds_of(target);
    let under_way: UnderWay = Arc::default();
    let over = watch(target, Arc::clone(&under_way));
    let began = Instant::now();
    let (mut data, mut number, mut slowest, mut early) = (Vec::new(), from, Duration::ZERO, None);
    while began.elapsed() < length || number == from {
        match seeds.get((number - from) as usize).filter(|_| from == 0) {
            Some(seed) => data.clone_from(seed), // first the seeds as they are
            None => mutate(&mut Dice::new(number), &seeds, LONGEST, &mut data),
        }
        let start = Instant::now();
        *under_way.lock().unwrap_or_else(PoisonError::into_inner) = Some((start, data.clone()));
        if catch_unwind(AssertUnwindSafe(|| (target.run)(&data))).is_err() {
            tell(target, "a panic", number, &data);
            return false;
        }
        slowest = slowest.max(start.elapsed());
        number += 1;
        if early.is_none() && began.elapsed() * 4 > length {
            early = Some(resident());
        }
    }
    drop(over);
    let grown = resident().saturating_sub(early.unwrap_or(0));
    println!(
        "{:22} {:>9} inputs  {:>6.0} a second  slowest {:>7.1} ms  memory {} MiB",
        target.name,
        number - from,
        (number - from) as f64 / began.elapsed().as_secs_f64(),
        slowest.as_secs_f64() * 1e3,
        resident(),
    );
    if early.is_some() && (grown > GROWTH_MAX || resident() > RESIDENT_MAX) {
        eprintln!("error: {} leaves memory behind: {grown} MiB more at the end than in the first quarter", target.name);
        return false;
    }
    true
}

/// Ends the process when one input takes too long; dropping what is returned ends the watch.
fn watch(target: &'static Target, under_way: UnderWay) -> std::sync::mpsc::SyncSender<()> {
    let (over, ended) = std::sync::mpsc::sync_channel::<()>(1);
    std::thread::spawn(move || {
        let (pause, mut seen) = (Duration::from_millis(500), None);
        while matches!(ended.recv_timeout(pause), Err(std::sync::mpsc::RecvTimeoutError::Timeout)) {
            let looked = under_way.lock().unwrap_or_else(PoisonError::into_inner);
            let Some((start, data)) = looked.as_ref() else { continue };
            let (first, worked) = *seen.get_or_insert((*start, work()));
            if first != *start {
                seen = None;
            } else if work() - worked > WORK_MAX || start.elapsed() > PATIENCE {
                tell(target, &format!("{:.0} s were not enough", start.elapsed().as_secs_f64()), 0, data);
                std::process::exit(1);
            }
        }
    });
    over
}

/// Processor time that this process has taken, seconds; 0 where the system does not tell.
fn work() -> f64 {
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_SECOND
}

fn tell(target: &Target, what: &str, number: u64, data: &[u8]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("artifacts").join(target.name);
    let file = folder.join(format!("{}-{number}", if what == "a panic" { "panic" } else { "hang" }));
    let kept = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&file, data));
    eprintln!("error: {}: {what}, input {number} ({} bytes)", target.name, data.len());
    match kept {
        Ok(()) => eprintln!(
            "again: cargo run -p fathometer-fuzz --bin throw -- {} {}",
            target.name,
            file.canonicalize().unwrap_or(file).display()
        ),
        Err(error) => eprintln!("it could not be kept in {}: {error}", folder.display()),
    }
}

/// Resident memory of this process, MiB; 0 where the system does not tell.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1024
}
