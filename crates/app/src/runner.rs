//! The engine and what is counted about what it says: the one loop that live, demo and replay share.

use crate::report::{self, InstrumentReport};
use fathometer_edge::feed::STOPPED;
use fathometer_engine::engine::{Config, Engine, NoStopwatch, Stopwatch};
use fathometer_engine::input::{Body, Input};
use fathometer_engine::instrument::InstrumentId;
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
    parting: Option<Parting>,
    /// Whose book is kept as canonical text when a run says goodbye; without it only what reports need is kept.
    keep: Option<String>,
}

/// What the books were when a run said goodbye: its own closing of the connections empties them.
pub struct Parting {
    /// Every instrument.
    pub instruments: Vec<InstrumentReport>,
    /// Canonical text of the book that was to be kept.
    pub book: Option<String>,
}

impl Runner {
    /// A fresh engine.
    pub fn new(config: Config) -> Self {
        Runner {
            engine: Engine::new(config),
            frames: 0,
            outbox: Outbox::default(),
            hash: OutputHash::default(),
            parting: None,
            keep: None,
        }
    }

    /// Keeps the canonical text of a book (`venue:symbol`) when a run says goodbye.
    pub fn keep_book(&mut self, id: String) {
        self.keep = Some(id);
    }

    /// What the books were at the goodbye, if there was one and nothing was opened since.
    pub fn parting(&self) -> Option<&Parting> {
        self.parting.as_ref()
    }

    /// The canonical text of a book as it is now.
    pub fn book_text(&self, id: &str) -> Option<String> {
        let registry = self.engine.registry();
        let index = registry.all().iter().position(|info| info.id() == id)?;
        let instrument = InstrumentId(index as u32);
        self.engine.book(instrument).map(|book| book.canonical_text(registry.get(instrument).scale))
    }

    /// Takes one input; what follows from it stands in `outbox` until the next.
    pub fn step(&mut self, input: &Input<'_>) {
        self.step_timed(input, &mut NoStopwatch);
    }

    /// The same, measured.
    pub fn step_timed(&mut self, input: &Input<'_>, watch: &mut impl Stopwatch) {
        self.frames += u64::from(matches!(input.body, Body::Text(_) | Body::Binary(_) | Body::Reply { .. }));
        match input.body {
            Body::Close { reason: STOPPED } if self.parting.is_none() => {
                let book = self.keep.as_ref().and_then(|id| self.book_text(id));
                self.parting = Some(Parting { instruments: report::instruments(self), book });
            }
            Body::Open { .. } => self.parting = None,
            _ => {}
        }
        // Emptied before each step rather than each batch: how inputs were batched must not show in the outputs.
        self.outbox.clear();
        self.engine.step(input, &mut self.outbox, watch);
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
    fn books_are_told_as_they_were_before_the_goodbye() {
        let mut runner =
            Runner::new(Config { instruments: vec![(Venue::Okx, "BTC-USDT".into())], ..Config::default() });
        runner.keep_book("okx:BTC-USDT".into());
        let link = LinkId(0);
        let mut step = |body| runner.step(&Input { at: Nanos(1), link, body });
        step(Body::Open { venue: Venue::Okx, leg: Leg::A, url: "wss://ws.okx.com:8443/ws/v5/public" });
        let snapshot = r#"{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"snapshot","data":[{"asks":[["5.2","1","0","1"]],"bids":[["5.1","2","0","1"]],"ts":"1","checksum":0,"seqId":7,"prevSeqId":-1}]}"#;
        step(Body::Text(snapshot.as_bytes()));
        step(Body::Close { reason: STOPPED });
        let parting = runner.parting().unwrap();
        assert_eq!(parting.book.as_deref(), Some("b 5.1 2\na 5.2 1\n"));
        assert_eq!(parting.instruments[0].best_bid, Some(["5.1".to_owned(), "2".to_owned()]));
        assert_eq!(runner.book_text("okx:BTC-USDT").as_deref(), Some(""), "the engine's own book is gone");
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
