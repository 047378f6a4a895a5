//! A recording as a market: what an exact book made of it happened, at the recorded pace.

use crate::market::{Happening, Source, What};
use anyhow::{Context, Result, bail};
use fathometer_edge::recording::{self, Source as Recording};
use fathometer_engine::engine::{Config, Engine, NoStopwatch};
use fathometer_engine::event::{DepthKind, Event, Stamped};
use fathometer_engine::instrument::{Instrument, InstrumentId};
use fathometer_engine::output::{Outbox, Output, Validity};
use fathometer_engine::units::{Decimal, Level, NANOS_PER_SECOND, Nanos, POW10, Price, Scale, Side, Size};
use std::collections::VecDeque;
use std::path::PathBuf;

/// Between the end of a recording and its next beginning.
const PAUSE_NANOS: i64 = NANOS_PER_SECOND;

/// Plays recordings, as one stream in the given order.
pub struct Playback {
    paths: Vec<PathBuf>,
    again: bool,
    listings: Vec<Instrument>,
    /// By the engine's index: which listing it is, if it has a book.
    places: Vec<Place>,
    recording: Recording,
    engine: Engine,
    outbox: Outbox,
    /// What follows from the input read last: at most what one frame says.
    queue: VecDeque<Happening>,
    /// Recorded time and exchange time of the beginning.
    start: Option<(Nanos, Nanos)>,
    last: Nanos,
    has_ended: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    listing: Option<usize>,
    /// Single trades are played where there are any, else aggregated ones: never both.
    has_single_trades: bool,
    is_live: bool,
}

impl Playback {
    /// Reads the recording once, to know what is listed, and stands at its beginning.
    ///
    /// # Errors
    /// It cannot be read, or holds no book.
    pub fn open(paths: &[PathBuf], again: bool) -> Result<Self> {
        let mut engine = Engine::new(Config::default());
        let mut outbox = Outbox::default();
        let mut places: Vec<Place> = Vec::new();
        let mut with_book = Vec::new();
        let mut recording = recording::open(paths)?;
        while let Some(input) = recording.next()? {
            outbox.clear();
            engine.step(&input, &mut outbox, &mut NoStopwatch);
            for output in &outbox.items {
                let Output::Market { valid, stamped, .. } = output else { continue };
                let index = stamped.instrument.0 as usize;
                places.resize(places.len().max(index + 1), Place::default());
                places[index].has_single_trades |= matches!(stamped.event, Event::Trade(trade) if !trade.aggregate);
                if *valid && !with_book.contains(&index) {
                    with_book.push(index);
                }
            }
        }
        with_book.sort_unstable();
        let known = engine.registry().all();
        let listings: Vec<Instrument> = with_book.iter().filter_map(|index| known.get(*index)).map(listing).collect();
        if listings.is_empty() {
            bail!(
                "there is no whole book in this recording: a snapshot and the changes after it are needed to serve one"
            );
        }
        for (place, index) in with_book.into_iter().enumerate() {
            places[index].listing = Some(place);
        }
        let recording = recording::open(paths).context("the recording was read once, but not a second time")?;
        Ok(Playback {
            paths: paths.to_vec(),
            again,
            listings,
            places,
            recording,
            engine: Engine::new(Config::default()),
            outbox,
            queue: VecDeque::new(),
            start: None,
            last: Nanos(0),
            has_ended: false,
        })
    }

    /// Reads one input; false at the end of everything.
    fn read(&mut self, now: Nanos) -> bool {
        let input = match self.recording.next() {
            Ok(Some(input)) => input,
            Ok(None) => return self.again && self.rewind(now),
            Err(error) => {
                tracing::error!("the recording ends early: {error}");
                return false;
            }
        };
        let (recorded, begun) = *self.start.get_or_insert((input.at, now));
        self.last = self.last.max(input.at);
        let at = begun.plus(input.at.since(recorded).max(0));
        self.outbox.clear();
        self.engine.step(&input, &mut self.outbox, &mut NoStopwatch);
        let shift = begun.since(recorded);
        let items = std::mem::take(&mut self.outbox.items);
        for output in &items {
            match output {
                Output::Market { valid, stamped, .. } => self.market(at, shift, *valid, stamped),
                Output::Status(status) if status.validity != Validity::Live => {
                    if let Some(place) = self.places.get_mut(status.instrument.0 as usize) {
                        place.is_live = false;
                    }
                }
                _ => {}
            }
        }
        self.outbox.items = items;
        true
    }

    /// Back to the beginning, which is a moment from now.
    fn rewind(&mut self, now: Nanos) -> bool {
        let Ok(recording) = recording::open(&self.paths) else { return false };
        self.recording = recording;
        self.engine = Engine::new(Config::default());
        self.places.iter_mut().for_each(|place| place.is_live = false);
        self.start = self.start.map(|(recorded, begun)| {
            let end = begun.plus(self.last.since(recorded));
            (recorded, Nanos(end.0.max(now.0)).plus(PAUSE_NANOS))
        });
        true
    }

    fn market(&mut self, at: Nanos, shift: i64, valid: bool, stamped: &Stamped) {
        let Some(place) = self.places.get_mut(stamped.instrument.0 as usize) else { return };
        let Some(listing) = place.listing else { return };
        let becomes_live = valid && !place.is_live;
        place.is_live = valid;
        let has_single_trades = place.has_single_trades;
        let mut units =
            Units { from: self.engine.registry().get(stamped.instrument).scale, to: self.listings[listing].scale };
        if becomes_live {
            let what = book(&self.engine, stamped.instrument, &mut units);
            return self.queue.push_back(Happening { at, listing, what });
        }
        let what = match &stamped.event {
            Event::Depth(depth) if valid && depth.kind == DepthKind::Snapshot => {
                book(&self.engine, stamped.instrument, &mut units)
            }
            Event::Depth(depth) if valid && depth.kind == DepthKind::Diff => {
                for (side, range) in [(Side::Bid, depth.span.bids()), (Side::Ask, depth.span.asks())] {
                    for level in self.outbox.levels.get(range).unwrap_or_default() {
                        let what = What::Level(side, units.level(*level));
                        self.queue.push_back(Happening { at, listing, what });
                    }
                }
                return;
            }
            Event::Trade(trade) if trade.aggregate != has_single_trades => {
                let Level { price, size } = units.level(Level { price: trade.price, size: trade.size });
                What::Trade { price, size, taker_buy: trade.taker_buy, taker_order: trade.id.unsigned_abs() }
            }
            Event::Mark(price) => What::Mark(*price),
            Event::Index(price) => What::Index(*price),
            Event::Funding { rate, next } => What::Funding { rate: *rate, next: next.plus(shift) },
            Event::OpenInterest(amount) => What::OpenInterest(*amount),
            Event::Liquidation(order) => {
                let Level { price, size } = units.level(Level { price: order.price, size: order.size });
                What::Liquidation { price, size, buy: order.buy }
            }
            _ => return,
        };
        self.queue.push_back(Happening { at, listing, what });
    }
}

impl Source for Playback {
    fn listings(&self) -> &[Instrument] {
        &self.listings
    }

    fn advance(&mut self, until: Nanos, out: &mut Vec<Happening>) -> bool {
        loop {
            while self.queue.front().is_some_and(|next| next.at <= until) {
                out.extend(self.queue.pop_front());
            }
            if !self.queue.is_empty() {
                return true;
            }
            if self.has_ended || !self.read(until) {
                self.has_ended = true;
                return false;
            }
        }
    }
}

/// What is listed has its steps and its contract: those of the units in use where the recording does not tell.
fn listing(known: &Instrument) -> Instrument {
    let step = |decimals| Some(Decimal { mantissa: 1, decimals });
    Instrument {
        tick: known.tick.or(step(known.scale.price)),
        lot: known.lot.or(step(known.scale.size)),
        ..known.clone()
    }
}

fn book(engine: &Engine, id: InstrumentId, units: &mut Units) -> What {
    let mut side =
        |side| engine.book(id).into_iter().flat_map(|book| book.levels(side)).map(|level| units.level(level)).collect();
    What::Book { bids: side(Side::Bid), asks: side(Side::Ask) }
}

/// From the units of the moment to those of the listing, which are the finest that the recording needs.
struct Units {
    from: Scale,
    to: Scale,
}

impl Units {
    fn level(&mut self, level: Level) -> Level {
        let finer =
            |units: i64, from: u8, to: u8| units.saturating_mul(POW10[usize::from(to.saturating_sub(from)).min(18)]);
        Level {
            price: Price(finer(level.price.0, self.from.price, self.to.price)),
            size: Size(finer(level.size.0, self.from.size, self.to.size)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A collector file: a snapshot, two changes and a trade within a second.
    fn recorded(folder: &std::path::Path) -> Vec<PathBuf> {
        let diff = |at: u64, first: u64, last: u64, before: u64, bids: &str| {
            let stamp = at / 1_000_000;
            format!(
                "{at} {{\"stream\":\"btcusdt@depth@0ms\",\"data\":{{\"e\":\"depthUpdate\",\"E\":{stamp},\"T\":{stamp},\
                 \"s\":\"BTCUSDT\",\"U\":{first},\"u\":{last},\"pu\":{before},\"b\":[{bids}],\"a\":[]}}}}\n"
            )
        };
        let start = 1_723_075_200_000_000_000u64;
        let mut text = diff(start, 98, 99, 97, "");
        text += &format!(
            "{} {{\"lastUpdateId\":100,\"E\":1723075200000,\"T\":1723075200000,\"bids\":[[\"5.1\",\"2\"],[\"5.0\",\"1\"]],\"asks\":[[\"5.2\",\"3\"]]}}\n",
            start + 1_000_000
        );
        text += &diff(start + 100_000_000, 100, 101, 99, "[\"5.15\",\"4\"]");
        text += &diff(start + 200_000_000, 102, 103, 101, "[\"5.0\",\"0\"]");
        text += &format!(
            "{} {{\"stream\":\"btcusdt@trade\",\"data\":{{\"e\":\"trade\",\"E\":1723075200300,\"T\":1723075200300,\"s\":\"BTCUSDT\",\
             \"t\":7,\"p\":\"5.15\",\"q\":\"1\",\"X\":\"MARKET\",\"m\":true}}}}\n",
            start + 300_000_000
        );
        let path = folder.join("btcusdt.txt");
        std::fs::write(&path, text).unwrap();
        vec![path]
    }

    fn play(playback: &mut Playback, millis: i64) -> (Vec<What>, bool) {
        let mut out = Vec::new();
        let goes_on = playback.advance(Nanos::from_millis(1_000_000 + millis), &mut out);
        (out.into_iter().map(|happening| happening.what).collect(), goes_on)
    }

    fn level(price: i64, size: i64) -> Level {
        Level { price: Price(price), size: Size(size) }
    }

    #[test]
    fn a_recording_happens_again_at_its_own_pace() {
        let folder = tempfile::tempdir().unwrap();
        let mut playback = Playback::open(&recorded(folder.path()), false).unwrap();
        assert_eq!(playback.listings()[0].id(), "binance-usdm:BTCUSDT");
        assert_eq!(
            playback.listings()[0].tick,
            Some(Decimal { mantissa: 1, decimals: 2 }),
            "the finest price it needs"
        );
        assert!(play(&mut playback, 0).0.is_empty());
        let bids = vec![level(515, 4), level(510, 2), level(500, 1)];
        let book = What::Book { bids, asks: vec![level(520, 3)] };
        assert_eq!(play(&mut playback, 150), (vec![book], true));
        assert_eq!(play(&mut playback, 199), (vec![], true));
        let (told, goes_on) = play(&mut playback, 1_000);
        let trade = What::Trade { price: Price(515), size: Size(1), taker_buy: false, taker_order: 7 };
        assert_eq!((told, goes_on), (vec![What::Level(Side::Bid, level(500, 0)), trade], false));
        assert_eq!(play(&mut playback, 100_000), (vec![], false));
    }

    #[test]
    fn a_loop_begins_again_with_the_whole_book() {
        let folder = tempfile::tempdir().unwrap();
        let mut playback = Playback::open(&recorded(folder.path()), true).unwrap();
        let mut books = 0;
        for second in 0..10 {
            let (told, goes_on) = play(&mut playback, second * 1_000);
            assert!(goes_on);
            books += told.iter().filter(|what| matches!(what, What::Book { .. })).count();
        }
        assert!((5..=10).contains(&books), "{books}");
    }

    #[test]
    fn a_recording_without_a_book_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let paths = recorded(folder.path());
        let text = std::fs::read_to_string(&paths[0]).unwrap();
        let trades: String =
            text.lines().filter(|line| line.contains("@trade")).map(|line| format!("{line}\n")).collect();
        std::fs::write(&paths[0], trades).unwrap();
        let error = Playback::open(&paths, false).err().unwrap().to_string();
        assert!(error.contains("no whole book"), "{error}");
    }
}
