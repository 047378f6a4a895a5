//! The recent past in memory, as a tape is: segments that each begin with a state, the oldest let go, any stretch of it a file.

use super::codec;
use super::format::{BLOCK_HEAD, BlockHead, SegmentHead};
use super::pack::Packer;
use super::segment::Block;
use fathometer_engine::input::{Body, Input, NO_LINK};
use fathometer_engine::units::{NANOS_PER_MILLI, Nanos};
use std::collections::VecDeque;
use std::io;

/// A block is closed before it exceeds that many uncompressed bytes; a larger input gets a block of its own.
const BLOCK_BYTES_MAX: usize = 512 << 10;
/// A block is closed when an input arrives that long after its first, ns: a stretch ends at most that much late.
const BLOCK_NANOS: i64 = 500 * NANOS_PER_MILLI;

/// Encodes inputs into blocks, on the thread on which they arrive.
#[derive(Debug)]
pub struct Encoder {
    block: Block,
    state: codec::State,
}

/// Encoded inputs, not compressed yet.
#[derive(Debug)]
pub struct Encoded(Block);

impl Default for Encoder {
    fn default() -> Self {
        Encoder { block: Block::default(), state: codec::State::new(Nanos(0)) }
    }
}

impl Encoder {
    /// Takes an input; the block before it, if that is full.
    pub fn append(&mut self, input: &Input<'_>) -> Option<Encoded> {
        let large = self.block.bytes.len() + codec::size_max(input) > BLOCK_BYTES_MAX;
        let full = self.block.inputs > 0 && (large || input.at.since(self.block.first) >= BLOCK_NANOS);
        let cut = if full { self.cut() } else { None };
        if self.block.inputs == 0 {
            self.block.first = input.at;
            self.state = codec::State::new(input.at);
        }
        codec::encode(&mut self.block.bytes, &mut self.state, input);
        self.block.inputs += 1;
        self.block.last = input.at;
        cut
    }

    /// The block under way.
    pub fn cut(&mut self) -> Option<Encoded> {
        (self.block.inputs > 0).then(|| Encoded(std::mem::take(&mut self.block)))
    }
}

/// The recent past.
pub struct Ring {
    segments: VecDeque<Segment>,
    bytes: usize,
    bytes_max: usize,
    packer: Packer,
}

struct Segment {
    first: Nanos,
    /// The engine's state before its first input; none where the engine began with it.
    state: Option<Packed>,
    blocks: Vec<Packed>,
}

struct Packed {
    head: BlockHead,
    payload: Vec<u8>,
}

impl Ring {
    /// Holds at most so many compressed bytes, the latest.
    ///
    /// # Errors
    /// No memory for the compressor.
    pub fn new(bytes_max: usize) -> io::Result<Self> {
        Ok(Ring { segments: VecDeque::new(), bytes: 0, bytes_max, packer: Packer::new()? })
    }

    /// Begins a segment at a time with the engine's state; what came before is let go unless it `follows` without a hole.
    ///
    /// # Errors
    /// The compressor refuses.
    pub fn begin(&mut self, at: Nanos, state: Option<&[u8]>, follows: bool) -> io::Result<()> {
        if !follows {
            self.segments.clear();
            self.bytes = 0;
        }
        let state = match state {
            Some(bytes) => {
                let mut encoder = Encoder::default();
                encoder.append(&Input { at, link: NO_LINK, body: Body::Checkpoint(bytes) });
                Some(self.pack(&encoder.block)?)
            }
            None => None,
        };
        self.bytes += state.as_ref().map_or(0, Packed::bytes);
        self.segments.push_back(Segment { first: at, state, blocks: Vec::new() });
        self.shrink();
        Ok(())
    }

    /// Takes the next block of the segment.
    ///
    /// # Errors
    /// The compressor refuses.
    pub fn push(&mut self, encoded: &Encoded) -> io::Result<()> {
        let packed = self.pack(&encoded.0)?;
        if let Some(segment) = self.segments.back_mut() {
            self.bytes += packed.bytes();
            segment.blocks.push(packed);
        }
        self.shrink();
        Ok(())
    }

    /// Memory in use, bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Time of the newest input.
    pub fn last(&self) -> Option<Nanos> {
        self.segments.iter().rev().find_map(|segment| segment.blocks.last()).map(|block| block.head.last)
    }

    /// One segment file with everything from `from` (or what is left of that) to `to`, with what a replay needs at its head:
    /// it begins with the last state before `from`. `None` where nothing is left from before `needed`.
    pub fn excerpt(&self, from: Nanos, needed: Nanos, to: Nanos, header: &[u8]) -> Option<Vec<u8>> {
        let start = self.segments.iter().rposition(|segment| segment.first <= from).unwrap_or(0);
        let first = self.segments.get(start).filter(|segment| segment.first <= needed)?;
        let mut out = SegmentHead::encode(0, first.first, first.first, header);
        let blocks = self.segments.iter().skip(start).flat_map(|segment| &segment.blocks);
        let within = blocks.take_while(|block| block.head.first <= to);
        for (number, block) in (0..).zip(first.state.iter().chain(within)) {
            out.extend_from_slice(&BlockHead { number, ..block.head }.encode());
            out.extend_from_slice(&block.payload);
        }
        Some(out)
    }

    fn pack(&mut self, block: &Block) -> io::Result<Packed> {
        let mut payload = Vec::new();
        let codec = self.packer.pack(&block.bytes, block.first, &mut payload)?;
        let head = BlockHead {
            length: payload.len() as u32,
            raw_length: block.bytes.len() as u32,
            inputs: block.inputs,
            first: block.first,
            last: block.last,
            number: 0,
            codec,
            crc: crc32c::crc32c(&payload),
        };
        payload.shrink_to_fit();
        Ok(Packed { head, payload })
    }

    /// The oldest segment goes first; the newest, as far as it has come, is never cut in two.
    fn shrink(&mut self) {
        while self.bytes > self.bytes_max {
            let Some(old) = self.segments.pop_front() else { return };
            self.bytes = self.bytes.saturating_sub(old.state.iter().chain(&old.blocks).map(Packed::bytes).sum());
        }
    }
}

impl Packed {
    fn bytes(&self) -> usize {
        BLOCK_HEAD + self.payload.len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Reader;
    use super::*;
    use fathometer_engine::input::LinkId;

    const SECOND: i64 = 1_000_000_000;

    /// Ten inputs a second, a segment every ten seconds, for so many seconds.
    fn ring(seconds: i64, bytes_max: usize) -> Ring {
        let (mut ring, mut encoder) = (Ring::new(bytes_max).unwrap(), Encoder::default());
        for tenth in 0..seconds * 10 {
            let at = Nanos(tenth * SECOND / 10);
            if tenth % 100 == 0 {
                encoder.cut().iter().for_each(|block| ring.push(block).unwrap());
                let state = format!("state {tenth}");
                ring.begin(at, (tenth > 0).then_some(state.as_bytes()), true).unwrap();
            }
            let text = format!("{tenth} {}", "x".repeat(500));
            let input = Input { at, link: LinkId(1), body: Body::Text(text.as_bytes()) };
            encoder.append(&input).iter().for_each(|block| ring.push(block).unwrap());
        }
        encoder.cut().iter().for_each(|block| ring.push(block).unwrap());
        ring
    }

    fn read(bytes: &[u8]) -> (Vec<(i64, String)>, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.ftape");
        std::fs::write(&path, bytes).unwrap();
        let mut reader = Reader::open(&[path]).unwrap();
        let mut all = Vec::new();
        while let Some(input) = reader.next().unwrap() {
            let (Body::Text(text) | Body::Checkpoint(text)) = input.body else { panic!("{input:?}") };
            let text = String::from_utf8_lossy(text);
            all.push((input.at.0, text.split(" x").next().unwrap().to_owned()));
        }
        assert!(reader.torn().is_empty(), "{:?}", reader.torn());
        (all, reader.header().to_vec())
    }

    #[test]
    fn a_stretch_is_a_tape_that_begins_with_the_state_before_it() {
        let ring = ring(60, usize::MAX);
        let cut =
            |from: i64, to: i64| ring.excerpt(Nanos(from * SECOND), Nanos(from * SECOND), Nanos(to * SECOND), b"{}");
        let (inputs, header) = read(&cut(25, 41).unwrap());
        assert_eq!(header, b"{}");
        assert_eq!(inputs[0], (20 * SECOND, "state 200".to_owned()));
        let texts: Vec<String> = inputs[1..].iter().map(|(_, text)| text.clone()).collect();
        let last = texts.len() as i64 + 199;
        assert_eq!(texts, (200..=last).map(|tenth| tenth.to_string()).collect::<Vec<_>>(), "nothing is left out");
        assert!((410..416).contains(&last), "{last}");
        let (inputs, _) = read(&cut(3, 3).unwrap());
        assert_eq!(inputs[0].1, "0", "the first segment needs no state");
        assert_eq!(ring.last(), Some(Nanos(599 * SECOND / 10)));
    }

    #[test]
    fn the_oldest_goes_first_and_what_is_gone_is_not_told_as_if_it_were_there() {
        let whole = ring(60, usize::MAX).bytes();
        let ring = ring(60, whole / 2);
        assert!(ring.bytes() <= whole / 2);
        let at = |second: i64| Nanos(second * SECOND);
        assert!(ring.excerpt(at(5), at(10), at(20), b"").is_none());
        let (inputs, _) = read(&ring.excerpt(at(5), at(55), at(59), b"").unwrap());
        assert!(inputs[0].1.starts_with("state"), "as much as is left: {:?}", inputs[0]);
    }

    #[test]
    fn after_a_hole_nothing_from_before_it_is_left() {
        let mut ring = ring(30, usize::MAX);
        ring.begin(Nanos(40 * SECOND), Some(b"new"), false).unwrap();
        assert!(ring.excerpt(Nanos(25 * SECOND), Nanos(25 * SECOND), Nanos(50 * SECOND), b"").is_none());
    }
}
