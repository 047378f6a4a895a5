//! What is recorded is read back, whole or up to the damage, and never altered.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use fathometer_edge::tape::{Fsync, Options, Reader, TapeError, Writer};
use fathometer_engine::input::{Body, Input, Leg, LinkId, NO_LINK};
use fathometer_engine::instrument::Venue;
use fathometer_engine::units::Nanos;
use proptest::prelude::*;
use std::path::{Path, PathBuf};

/// An input that owns its parts.
#[derive(Clone, Debug, PartialEq)]
struct Owned {
    at: i64,
    link: u32,
    kind: u8,
    text: String,
    bytes: Vec<u8>,
    number: i64,
}

impl Owned {
    fn lend(&self) -> Input<'_> {
        let body = match self.kind {
            0 => Body::Open {
                venue: Venue::ALL[self.number.rem_euclid(4) as usize],
                leg: if self.number % 2 == 0 { Leg::A } else { Leg::B },
                url: &self.text,
            },
            1 => Body::Text(&self.bytes),
            2 => Body::Binary(&self.bytes),
            3 => Body::Reply {
                sent: Nanos(self.number),
                request: &self.text,
                status: self.number as u16,
                body: &self.bytes,
            },
            4 => Body::Close { reason: &self.text },
            5 => Body::Tick,
            _ => Body::Checkpoint(&self.bytes),
        };
        Input { at: Nanos(self.at), link: LinkId(self.link), body }
    }
}

fn owned() -> impl Strategy<Value = Owned> {
    let at = prop_oneof![any::<i64>(), 1_723_161_255_000_000_000i64..1_723_161_256_000_000_000];
    let link = prop_oneof![0u32..3, any::<u32>(), Just(NO_LINK.0)];
    let frame =
        "\\{\"e\":\"trade\",\"E\":17231612552[0-9]{2},\"p\":\"[0-9]{1,5}\\.[0-9]{2}\"\\}".prop_map(String::into_bytes);
    let bytes = prop_oneof![frame, proptest::collection::vec(any::<u8>(), 0..300)];
    (at, link, 0u8..7, any::<String>(), bytes, any::<i64>()).prop_map(|(at, link, kind, text, bytes, number)| Owned {
        at,
        link,
        kind,
        text,
        bytes,
        number,
    })
}

fn options() -> Options {
    Options { fsync: Fsync::Never, header: b"{\"features\":{}}".to_vec(), ..Options::default() }
}

fn record(dir: &Path, options: Options, inputs: &[Owned]) {
    let mut writer = Writer::create(dir, options).unwrap();
    for input in inputs {
        writer.append(&input.lend()).unwrap();
    }
    writer.close().unwrap();
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files
}

/// Reads all; the inputs must be these, one by one, as far as they go. Returns how many.
fn prefix_of(reader: &mut Reader, inputs: &[Owned]) -> usize {
    let mut read = 0;
    while let Some(input) = reader.next().unwrap() {
        assert_eq!(input, inputs[read].lend());
        read += 1;
    }
    read
}

/// A small recording: one hundred inputs in blocks of about 200 bytes.
fn small() -> Vec<Owned> {
    (0..100)
        .map(|i| Owned {
            at: 1_723_161_255_088_156_767 + i64::from(i) * 1_000_003,
            link: i % 3,
            kind: 1 + (i % 6) as u8,
            text: format!("/api/v3/depth?symbol=X{i}"),
            bytes: format!("{{\"u\":{i}}}").into_bytes(),
            number: i64::from(i),
        })
        .collect()
}

fn small_blocks() -> Options {
    Options { block_bytes_max: 200, ..options() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn inputs_come_back_as_they_were(inputs in proptest::collection::vec(owned(), 1..60), block in 1usize..3000) {
        let dir = tempfile::tempdir().unwrap();
        record(dir.path(), Options { block_bytes_max: block, ..options() }, &inputs);
        let mut reader = Reader::open(&[dir.path()]).unwrap();
        prop_assert_eq!(reader.header(), b"{\"features\":{}}");
        prop_assert_eq!(prefix_of(&mut reader, &inputs), inputs.len());
        prop_assert!(reader.torn().is_empty() && reader.lost().is_empty());
    }
}

#[test]
fn a_file_cut_anywhere_reads_as_a_prefix_and_says_where_it_is_torn() {
    let (dir, inputs) = (tempfile::tempdir().unwrap(), small());
    record(dir.path(), small_blocks(), &inputs);
    let file = files(dir.path()).pop().unwrap();
    let bytes = std::fs::read(&file).unwrap();
    let (mut last, mut whole) = (0, 0);
    for length in 0..=bytes.len() {
        std::fs::write(&file, &bytes[..length]).unwrap();
        let mut reader = match Reader::open(&[&file]) {
            Ok(reader) => reader,
            Err(TapeError::NotATape { .. }) if length < 40 + 15 => continue,
            Err(e) => panic!("at {length}: {e}"),
        };
        let read = prefix_of(&mut reader, &inputs);
        assert!(read >= last, "cut at {length}: {read} after {last}");
        last = read;
        let torn: u64 = reader.torn().iter().map(|t| t.bytes).sum();
        whole += usize::from(torn == 0);
        assert_eq!(reader.torn().iter().map(|t| t.offset + t.bytes).next().unwrap_or(length as u64), length as u64);
        assert!(reader.lost().is_empty());
    }
    assert_eq!(last, inputs.len());
    assert!(whole > 10, "only {whole} cuts fell between blocks: the test has too few blocks");
}

#[test]
fn a_flipped_bit_loses_its_block_alone_and_alters_nothing() {
    let (dir, inputs) = (tempfile::tempdir().unwrap(), small());
    record(dir.path(), small_blocks(), &inputs);
    let file = files(dir.path()).pop().unwrap();
    let bytes = std::fs::read(&file).unwrap();
    let mut lost = 0;
    for position in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[position] ^= 1 << (position % 8);
        std::fs::write(&file, &damaged).unwrap();
        let Ok(mut reader) = Reader::open(&[&file]) else {
            assert!(position < 40 + 15, "only the head may make a file unreadable, not byte {position}");
            continue;
        };
        let mut expected = inputs.iter();
        let mut read = 0;
        while let Some(input) = reader.next().unwrap() {
            assert!(
                expected.any(|e| e.lend() == input),
                "flip at {position}: an input that was never recorded: {input:?}"
            );
            read += 1;
        }
        if position >= 40 + 15 {
            let blocks: u32 = reader.lost().iter().map(|l| l.blocks).sum();
            assert_eq!(blocks as usize + reader.torn().len(), 1, "flip at {position}");
            assert!(read < inputs.len() && read > inputs.len() / 2);
            lost += blocks;
        }
    }
    assert!(lost > 0);
}

#[test]
fn a_new_segment_replays_alone_and_several_are_one_stream() {
    let (dir, inputs) = (tempfile::tempdir().unwrap(), small());
    let mut writer = Writer::create(dir.path(), Options { segment_bytes_max: 400, ..small_blocks() }).unwrap();
    let mut rotations = 0;
    for input in &inputs {
        if writer.wants_rotation() {
            writer.rotate(b"state").unwrap();
            rotations += 1;
        }
        writer.append(&input.lend()).unwrap();
        writer.sync().unwrap();
    }
    writer.close().unwrap();
    let files = files(dir.path());
    assert!(rotations > 2, "{rotations}");
    assert_eq!(files.len(), rotations + 1);
    assert!(files[0].file_name().unwrap().to_str().unwrap().starts_with("20240808T235415.088Z-000000.ftape"));

    let mut reader = Reader::open(&[dir.path()]).unwrap();
    let (mut read, mut checkpoints) = (inputs.iter(), 0);
    while let Some(input) = reader.next().unwrap() {
        match input.body {
            Body::Checkpoint(b"state") => checkpoints += 1,
            _ => assert_eq!(input, read.next().unwrap().lend()),
        }
    }
    assert_eq!((read.count(), checkpoints), (0, rotations));

    let mut alone = Reader::open(&files[1..2]).unwrap();
    assert_eq!(alone.header(), b"{\"features\":{}}");
    assert_eq!(alone.next().unwrap().unwrap().body, Body::Checkpoint(b"state"));
}

#[test]
fn age_by_input_time_wants_a_new_segment() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(dir.path(), Options { segment_seconds_max: 60, ..options() }).unwrap();
    assert!(!writer.wants_rotation());
    for (seconds, expected) in [(0, false), (59, false), (60, true)] {
        let at = Nanos(seconds * 1_000_000_000);
        writer.append(&Input { at, link: NO_LINK, body: Body::Tick }).unwrap();
        assert_eq!(writer.wants_rotation(), expected, "{seconds} s");
    }
    writer.rotate(b"").unwrap();
    assert!(!writer.wants_rotation());
}

#[test]
fn a_second_run_of_the_same_millisecond_overwrites_nothing_and_follows() {
    let (dir, inputs) = (tempfile::tempdir().unwrap(), small());
    record(dir.path(), options(), &inputs[..50]);
    let before = std::fs::read(&files(dir.path())[0]).unwrap();
    let again: Vec<Owned> = inputs[50..].iter().map(|i| Owned { at: inputs[0].at, ..i.clone() }).collect();
    record(dir.path(), options(), &again);
    assert_eq!(files(dir.path()).len(), 2);
    assert_eq!(std::fs::read(&files(dir.path())[0]).unwrap(), before);
    let both: Vec<Owned> = inputs[..50].iter().chain(&again).cloned().collect();
    assert_eq!(prefix_of(&mut Reader::open(&[dir.path()]).unwrap(), &both), 100);
}

#[test]
fn segments_sort_in_the_order_of_writing_when_the_clock_is_set_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(dir.path(), options()).unwrap();
    let times = [2_000_000_000, 1_000_000_000, 3_000_000_000].map(Nanos);
    for at in times {
        writer.append(&Input { at, link: LinkId(0), body: Body::Text(b"{}") }).unwrap();
        writer.rotate(b"").unwrap();
    }
    writer.close().unwrap();
    let mut reader = Reader::open(&[dir.path()]).unwrap();
    let mut read = Vec::new();
    while let Some(input) = reader.next().unwrap() {
        if matches!(input.body, Body::Text(_)) {
            read.push(input.at);
        }
    }
    assert_eq!(read, times);
}

#[test]
fn a_killed_run_and_the_next_read_as_one_stream() {
    let (dir, inputs) = (tempfile::tempdir().unwrap(), small());
    record(dir.path(), small_blocks(), &inputs);
    let first = files(dir.path()).pop().unwrap();
    let length = std::fs::metadata(&first).unwrap().len();
    std::fs::File::options().write(true).open(&first).unwrap().set_len(length - 1).unwrap();
    std::fs::write(dir.path().join("20250101T000000.000Z-000000.ftape"), b"FTHM").unwrap(); // killed while creating it
    let later = Owned { at: 1_800_000_000_000_000_000, ..inputs[0].clone() };
    record(dir.path(), options(), std::slice::from_ref(&later));
    let mut reader = Reader::open(&[dir.path()]).unwrap();
    let (mut read, mut last) = (0, 0);
    while let Some(input) = reader.next().unwrap() {
        (read, last) = (read + 1, input.at.0);
    }
    assert!(read > 90 && read < 101, "{read}");
    assert_eq!(last, later.at);
    assert_eq!(reader.torn().len(), 2);
    assert_eq!(reader.torn()[0].file, first);
}

#[test]
fn what_is_no_tape_is_named_with_what_was_found() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("notes.txt");
    for (content, found) in [
        (&b"hello there"[..], "text beginning with \"hello there\""),
        (b"", "only the beginning"),
        (b"\x1f\x8b\x08\x00 and more of it", "gzip"),
        (b"\x00\x01\x02\xff\xfe and more of it", "binary"),
    ] {
        std::fs::write(&file, content).unwrap();
        let error = Reader::open(&[&file]).err().unwrap().to_string();
        assert!(error.contains("notes.txt") && error.contains(found) && error.contains("hftbacktest"), "{error}");
    }
    assert!(matches!(Reader::open(&[dir.path()]).err().unwrap(), TapeError::Nothing { .. }));
    assert!(matches!(Reader::open(&[dir.path().join("absent")]).err().unwrap(), TapeError::Read { .. }));
}

#[test]
fn a_later_version_is_named() {
    let dir = tempfile::tempdir().unwrap();
    record(dir.path(), options(), &small());
    let file = files(dir.path()).pop().unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[8] = 9;
    std::fs::write(&file, bytes).unwrap();
    assert!(matches!(Reader::open(&[&file]).err().unwrap(), TapeError::Newer { version: 9, .. }));
}
