//! The fixed parts of a segment file: its head and the heads of its blocks.

use fathometer_engine::units::Nanos;

/// The version this program writes, and the highest it reads.
pub(crate) const VERSION: u16 = 1;

const MAGIC: [u8; 8] = *b"FTHMTAPE";
pub(crate) const MARKER: [u8; 4] = *b"FBLK";

/// Bytes of a segment's head before the configuration.
pub(crate) const SEGMENT_HEAD: usize = 40;
/// Bytes of a block's head.
pub(crate) const BLOCK_HEAD: usize = 48;
/// Largest configuration, bytes; larger ones are not written, and a length beyond it is damage.
pub(crate) const CONFIGURATION_MAX: u32 = 64 << 20;

/// Whether a file that begins with these bytes is a tape: 8 of them decide.
pub fn is_tape(start: &[u8]) -> bool {
    start.starts_with(&MAGIC)
}

/// Whether these bytes, all there are, may be a tape of which only the beginning was written.
pub(crate) fn may_become_tape(start: &[u8]) -> bool {
    MAGIC.starts_with(start)
}

/// Head of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHead {
    pub(crate) version: u16,
    pub(crate) segment: u32,
    pub(crate) run: Nanos,
    pub(crate) first: Nanos,
    pub(crate) length: u32,
    pub(crate) crc: u32,
}

impl SegmentHead {
    /// The head with its configuration, as written.
    pub(crate) fn encode(segment: u32, run: Nanos, first: Nanos, configuration: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(SEGMENT_HEAD + configuration.len());
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&segment.to_le_bytes());
        out.extend_from_slice(&run.0.to_le_bytes());
        out.extend_from_slice(&first.0.to_le_bytes());
        out.extend_from_slice(&(configuration.len() as u32).to_le_bytes());
        let crc = crc32c::crc32c_append(crc32c::crc32c(&out), configuration);
        out.extend_from_slice(&crc.to_le_bytes());
        out.extend_from_slice(configuration);
        out
    }

    /// Reads the part before the configuration; its checksum has still to be compared with `crc_of`.
    pub(crate) fn decode(b: &[u8; SEGMENT_HEAD]) -> Self {
        SegmentHead {
            version: u16::from_le_bytes(part(b, 8)),
            segment: u32::from_le_bytes(part(b, 12)),
            run: Nanos(i64::from_le_bytes(part(b, 16))),
            first: Nanos(i64::from_le_bytes(part(b, 24))),
            length: u32::from_le_bytes(part(b, 32)),
            crc: u32::from_le_bytes(part(b, 36)),
        }
    }

    /// The checksum a head and its configuration ought to carry.
    pub(crate) fn crc_of(b: &[u8; SEGMENT_HEAD], configuration: &[u8]) -> u32 {
        crc32c::crc32c_append(crc32c::crc32c(b.split_at(36).0), configuration)
    }
}

/// Head of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlockHead {
    pub(crate) length: u32,
    pub(crate) raw_length: u32,
    pub(crate) inputs: u32,
    pub(crate) first: Nanos,
    pub(crate) last: Nanos,
    pub(crate) number: u32,
    pub(crate) codec: u32,
    pub(crate) crc: u32,
}

impl BlockHead {
    /// As written.
    pub(crate) fn encode(&self) -> [u8; BLOCK_HEAD] {
        let mut out = [0; BLOCK_HEAD];
        let parts: [&[u8]; 9] = [
            &MARKER,
            &self.length.to_le_bytes(),
            &self.raw_length.to_le_bytes(),
            &self.inputs.to_le_bytes(),
            &self.first.0.to_le_bytes(),
            &self.last.0.to_le_bytes(),
            &self.number.to_le_bytes(),
            &self.codec.to_le_bytes(),
            &self.crc.to_le_bytes(),
        ];
        let (body, crc) = out.split_at_mut(BLOCK_HEAD - 4);
        body.copy_from_slice(&parts.concat());
        crc.copy_from_slice(&crc32c::crc32c(body).to_le_bytes());
        out
    }

    /// Reads a head; `None` if marker or checksum are wrong.
    pub(crate) fn decode(b: &[u8; BLOCK_HEAD]) -> Option<Self> {
        let crc = u32::from_le_bytes(part(b, BLOCK_HEAD - 4));
        if !b.starts_with(&MARKER) || crc32c::crc32c(b.split_at(BLOCK_HEAD - 4).0) != crc {
            return None;
        }
        Some(BlockHead {
            length: u32::from_le_bytes(part(b, 4)),
            raw_length: u32::from_le_bytes(part(b, 8)),
            inputs: u32::from_le_bytes(part(b, 12)),
            first: Nanos(i64::from_le_bytes(part(b, 16))),
            last: Nanos(i64::from_le_bytes(part(b, 24))),
            number: u32::from_le_bytes(part(b, 32)),
            codec: u32::from_le_bytes(part(b, 36)),
            crc: u32::from_le_bytes(part(b, 40)),
        })
    }
}

/// `N` bytes from `offset`; callers stay within the array.
fn part<const N: usize, const M: usize>(bytes: &[u8; M], offset: usize) -> [u8; N] {
    let mut out = [0; N];
    out.iter_mut().zip(bytes.iter().skip(offset)).for_each(|(to, from)| *to = *from);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_survive_and_no_flipped_bit_passes() {
        let head = BlockHead {
            length: 7,
            raw_length: 9,
            inputs: 2,
            first: Nanos(-1),
            last: Nanos(4),
            number: 3,
            codec: 1,
            crc: 5,
        };
        let bytes = head.encode();
        assert_eq!(BlockHead::decode(&bytes), Some(head));
        for bit in 0..BLOCK_HEAD * 8 {
            let mut damaged = bytes;
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(BlockHead::decode(&damaged), None, "bit {bit}");
        }
        let bytes = SegmentHead::encode(2, Nanos(5), Nanos(6), b"{}");
        let start: [u8; SEGMENT_HEAD] = bytes[..SEGMENT_HEAD].try_into().unwrap();
        let head = SegmentHead::decode(&start);
        assert_eq!(
            (head.version, head.segment, head.run, head.first, head.length),
            (VERSION, 2, Nanos(5), Nanos(6), 2)
        );
        assert_eq!(head.crc, SegmentHead::crc_of(&start, b"{}"));
        assert_ne!(head.crc, SegmentHead::crc_of(&start, b"{]"));
    }
}
