//! The whole engine written down and read again. A state carries a version and a checksum, and what is read must hang
//! together: within that it is believed, like the program that wrote it.

use super::Engine;
use crate::units::MAX_DECIMALS;

/// Marks a state; the last byte is the version of its layout.
const MAGIC: [u8; 8] = *b"FTHMST\0\x04";
/// Bytes before the state: the mark, and CRC-32 of what follows.
const HEAD: usize = 12;

/// A checkpoint that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "the checkpoint cannot be read ({0}); it was written by another version, or is damaged: replay an earlier segment"
)]
pub struct CheckpointError(String);

impl Engine {
    /// The whole state, to go on from.
    ///
    /// # Errors
    /// When it cannot be written down, which only lack of memory can cause.
    pub fn checkpoint(&self) -> Result<Vec<u8>, CheckpointError> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&[0; 4]);
        let mut bytes = postcard::to_extend(self, bytes).map_err(|error| CheckpointError(error.to_string()))?;
        let (head, state) = bytes.split_at_mut(HEAD);
        head[MAGIC.len()..].copy_from_slice(&crc32fast::hash(state).to_le_bytes());
        Ok(bytes)
    }

    /// Goes on from a checkpoint.
    ///
    /// # Errors
    /// When the bytes are not a checkpoint of this version.
    pub fn restore(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let wrong = |what: &str| CheckpointError(what.to_owned());
        let (head, state) = bytes.split_at_checked(HEAD).ok_or_else(|| wrong("it is too short"))?;
        if !head.starts_with(&MAGIC) {
            return Err(wrong("it does not begin like one of this version"));
        }
        if head[MAGIC.len()..] != crc32fast::hash(state).to_le_bytes() {
            return Err(wrong("its checksum does not match"));
        }
        let engine: Engine = postcard::from_bytes(state).map_err(|error| CheckpointError(error.to_string()))?;
        if engine.hangs_together() { Ok(engine) } else { Err(wrong("its parts do not fit together")) }
    }

    fn hangs_together(&self) -> bool {
        let fine = |n: u8| n <= MAX_DECIMALS;
        self.desks.len() <= self.registry.all().len()
            && self.registry.all().iter().all(|i| fine(i.scale.price) && fine(i.scale.size))
            && self.desks.iter().all(|desk| {
                let shadow = desk.shadow.as_deref();
                desk.synced.hangs_together() && shadow.is_none_or(|shadow| shadow.hangs_together())
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Config;

    #[test]
    fn a_state_survives_and_no_flipped_bit_passes() {
        let engine = Engine::new(Config::default());
        let state = engine.checkpoint().unwrap();
        assert_eq!(Engine::restore(&state).unwrap().checkpoint().unwrap(), state);
        for bit in 0..state.len() * 8 {
            let mut damaged = state.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(Engine::restore(&damaged).is_err(), "bit {bit}");
        }
    }
}
