//! The engine and what is counted about what it says: the one loop that live, demo and replay share.

use fathometer_engine::engine::{Config, Engine, NoStopwatch};
use fathometer_engine::input::{Body, Input};
use fathometer_engine::output::Outbox;
use xxhash_rust::xxh3::Xxh3;

/// An engine, what its last step said, and the hash of everything that it ever said.
pub struct Runner {
    /// The engine.
    pub engine: Engine,
    /// Frames and answers taken; opens, closes and ticks are not frames.
    pub frames: u64,
    outbox: Outbox,
    hash: OutputHash,
}

impl Runner {
    /// A fresh engine.
    pub fn new(config: Config) -> Self {
        Runner { engine: Engine::new(config), frames: 0, outbox: Outbox::default(), hash: OutputHash::default() }
    }

    /// Takes one input; what follows from it stands in `outbox` until the next.
    pub fn step(&mut self, input: &Input<'_>) {
        self.frames += u64::from(matches!(input.body, Body::Text(_) | Body::Binary(_) | Body::Reply { .. }));
        // Emptied before each step rather than each batch: how inputs were batched must not show in the outputs.
        self.outbox.clear();
        self.engine.step(input, &mut self.outbox, &mut NoStopwatch);
        self.hash.take(&self.outbox);
    }

    /// What the last step said.
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// The hash of all outputs so far: 16 hexadecimal digits.
    pub fn output_hash(&self) -> String {
        format!("{:016x}", self.hash.state.digest())
    }
}

/// A running hash over outputs and what they point to.
#[derive(Default)]
struct OutputHash {
    state: Xxh3,
    bytes: Vec<u8>,
}

impl OutputHash {
    fn take(&mut self, outbox: &Outbox) {
        if outbox.items.is_empty() {
            return;
        }
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        // Plain data in memory can always be written; should it ever not be, the hash differs from every other.
        let parts = (&outbox.items, &outbox.levels, &outbox.values);
        self.bytes = postcard::to_extend(&parts, bytes).unwrap_or_else(|_| vec![u8::MAX; 16]);
        self.state.update(&self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fathometer_engine::input::{Leg, LinkId};
    use fathometer_engine::instrument::Venue;
    use fathometer_engine::units::Nanos;

    fn hash(frames: &[&str]) -> String {
        let mut runner = Runner::new(Config::default());
        let link = LinkId(0);
        let url = "wss://stream.binance.com:9443/stream?streams=btcusdt@trade";
        runner.step(&Input { at: Nanos(1), link, body: Body::Open { venue: Venue::Binance, leg: Leg::A, url } });
        for frame in frames {
            runner.step(&Input { at: Nanos(2), link, body: Body::Text(frame.as_bytes()) });
        }
        assert_eq!(runner.frames, frames.len() as u64);
        runner.output_hash()
    }

    #[test]
    fn the_hash_is_of_what_was_said() {
        let trade = |price: &str| {
            format!(
                r#"{{"stream":"btcusdt@trade","data":{{"e":"trade","E":1,"s":"BTCUSDT","t":1,"p":"{price}","q":"1","T":1,"m":true,"M":true}}}}"#
            )
        };
        assert_eq!(hash(&[&trade("5.1")]), hash(&[&trade("5.1")]));
        assert_ne!(hash(&[&trade("5.1")]), hash(&[&trade("5.2")]));
        assert_eq!(hash(&[]).len(), 16);
    }
}
