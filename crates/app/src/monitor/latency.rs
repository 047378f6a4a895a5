//! From an event at the exchange to its value on the screen, stage by stage: what is counted for every frame.

use super::bins::{Edges, NETWORK, STAGE, STREAM};
use super::laps::Laps;
use super::line::Line;
use super::rolling::{Rolling, Summary};
use fathometer_engine::event::Event;
use fathometer_engine::instrument::Venue;
use fathometer_engine::output::{Outbox, Output, Status};
use fathometer_engine::registry::Registry;
use fathometer_engine::units::{NANOS_PER_SECOND, Nanos};

/// Seconds that the line covers.
pub const LINE_SECONDS: usize = 900;

/// What a frame passes, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Receive minus venue push time, as the two clocks say.
    Network,
    /// The same less the estimated offset between the clocks.
    NetworkCorrected,
    /// From receipt to the engine's thread, the tape included.
    Queue,
    /// Bytes to events.
    Decode,
    /// Events to books.
    Book,
    /// Books to metrics.
    Metrics,
    /// From the metrics to the view that screens and readers draw.
    Publish,
}

impl Stage {
    /// All, in the order in which a frame passes them.
    pub const ALL: [Stage; 7] = [
        Stage::Network,
        Stage::NetworkCorrected,
        Stage::Queue,
        Stage::Decode,
        Stage::Book,
        Stage::Metrics,
        Stage::Publish,
    ];

    /// Stable name.
    pub fn id(self) -> &'static str {
        match self {
            Stage::Network => "network",
            Stage::NetworkCorrected => "network_corrected",
            Stage::Queue => "queue",
            Stage::Decode => "decode",
            Stage::Book => "book",
            Stage::Metrics => "metrics",
            Stage::Publish => "publish",
        }
    }

    /// What the numbers mean, in one line.
    pub fn help(self) -> &'static str {
        match self {
            Stage::Network => {
                "from the exchange's own time stamp to our receipt, as the two clocks say; a wrong clock shows here"
            }
            Stage::NetworkCorrected => {
                "the same less the clock offset estimated from the exchange's time requests; true within the uncertainty"
            }
            Stage::Queue => "from receipt until the engine takes the frame, writing it onto the tape included",
            Stage::Decode => "from bytes to events in exact units (every fourth frame is measured)",
            Stage::Book => "applying the events to the order book and checking it (every fourth frame is measured)",
            Stage::Metrics => "computing the metrics, samples on the grid included (every fourth frame is measured)",
            Stage::Publish => "from the end of the engine's step until screens and readers can see what it said",
        }
    }

    /// Whether it lies between two clocks, and is told in milliseconds.
    pub fn is_network(self) -> bool {
        matches!(self, Stage::Network | Stage::NetworkCorrected)
    }

    /// Nanoseconds per unit that it is told in, and that unit.
    pub fn unit(self) -> (f64, &'static str) {
        if self.is_network() { (1e6, "ms") } else { (1e3, "us") }
    }

    fn edges(self) -> &'static Edges {
        if self.is_network() { &NETWORK } else { &STAGE }
    }
}

/// Columns of the line: median and 99th percentile of each second, in the stages' units.
const COLUMNS: [&str; 15] = [
    "network_p50",
    "network_p99",
    "network_corrected_p50",
    "network_corrected_p99",
    "queue_p50",
    "queue_p99",
    "decode_p50",
    "decode_p99",
    "book_p50",
    "book_p99",
    "metrics_p50",
    "metrics_p99",
    "publish_p50",
    "publish_p99",
    "frames_per_second",
];

/// Everything that is counted.
#[derive(Debug)]
pub struct Latency {
    stages: [Rolling; 7],
    /// Estimated offset (exchange minus our clock) and its uncertainty by venue, ns.
    offsets: [Option<(i64, i64)>; Venue::ALL.len()],
    streams: Vec<Stream>,
    line: Line,
    frames: u64,
    frames_at_second: u64,
    /// End of the second under way.
    second: Nanos,
}

/// Network latency of one kind of message of one venue.
#[derive(Debug)]
pub struct Stream {
    /// Which market.
    pub venue: Venue,
    /// Kind of message: `depth`, `trades`, ...
    pub kind: &'static str,
    /// As the clocks say.
    pub raw: Rolling,
    /// Corrected by the offset.
    pub corrected: Rolling,
}

impl Default for Latency {
    fn default() -> Self {
        Latency {
            stages: Stage::ALL.map(|stage| Rolling::new(stage.edges())),
            offsets: [None; Venue::ALL.len()],
            streams: Vec::new(),
            line: Line::new(&COLUMNS, LINE_SECONDS),
            frames: 0,
            frames_at_second: 0,
            second: Nanos(0),
        }
    }
}

impl Latency {
    /// What the engine said: to a frame (not an answer over HTTP), how long it was on its way, with the time of its receipt;
    /// to anything else, what it estimates of the clocks.
    pub fn network(&mut self, frame: Option<Nanos>, outbox: &Outbox, registry: &Registry) {
        let mut frame = frame;
        for output in &outbox.items {
            match output {
                Output::Market { stamped, .. } => {
                    let (Some(received), Some(pushed)) = (frame, stamped.ts_venue) else { continue };
                    frame = None; // one frame, one latency, however many events it carries
                    let Some(info) = registry.all().get(stamped.instrument.0 as usize) else { continue };
                    self.on_way(info.venue, kind(&stamped.event), received.since(pushed));
                }
                Output::Status(status) => {
                    if let Some(info) = registry.all().get(status.instrument.0 as usize) {
                        self.learn(info.venue, status);
                    }
                }
                _ => {}
            }
        }
    }

    /// One frame's way through the program: when it was received, taken by the engine, understood, and seen.
    pub fn work(&mut self, received: Nanos, taken: Nanos, done: Nanos, seen: Nanos, laps: &Laps) {
        self.frames += 1;
        self.add(Stage::Queue, taken.since(received).max(0));
        self.add(Stage::Publish, seen.since(done));
        if let Some([decode, book, metrics]) = laps.taken() {
            self.add(Stage::Decode, decode);
            self.add(Stage::Book, book);
            self.add(Stage::Metrics, metrics);
        }
    }

    /// A frame whose way is not measured because it was recorded long ago.
    pub fn replayed(&mut self, laps: &Laps) {
        self.frames += 1;
        if let Some([decode, book, metrics]) = laps.taken() {
            self.add(Stage::Decode, decode);
            self.add(Stage::Book, book);
            self.add(Stage::Metrics, metrics);
        }
    }

    /// Time has passed: closes the seconds that are over.
    pub fn turn(&mut self, now: Nanos) {
        if now < self.second {
            return;
        }
        if self.second > Nanos(0) {
            let over = self.second;
            let mut row: Vec<Option<f64>> = Vec::with_capacity(COLUMNS.len());
            for (stage, rolling) in Stage::ALL.iter().zip(&mut self.stages) {
                let told = rolling.close_second().per(stage.unit().0);
                row.extend([told.p50, told.p99]);
            }
            for stream in &mut self.streams {
                stream.raw.close_second();
                stream.corrected.close_second();
            }
            row.push(Some((self.frames - self.frames_at_second) as f64));
            self.frames_at_second = self.frames;
            self.line.push(over, &row);
        }
        // A pause is not told second by second: the line's own times show it.
        let past = now.0.rem_euclid(NANOS_PER_SECOND);
        self.second = now.plus(NANOS_PER_SECOND - past);
    }

    /// What was counted of a stage.
    pub fn stage(&self, stage: Stage) -> &Rolling {
        let [network, corrected, queue, decode, book, metrics, publish] = &self.stages;
        match stage {
            Stage::Network => network,
            Stage::NetworkCorrected => corrected,
            Stage::Queue => queue,
            Stage::Decode => decode,
            Stage::Book => book,
            Stage::Metrics => metrics,
            Stage::Publish => publish,
        }
    }

    /// Every venue's kinds of messages seen so far.
    pub fn streams(&self) -> &[Stream] {
        &self.streams
    }

    /// Estimated offset of a venue's clock and its uncertainty, ns; absent before the first estimate.
    pub fn offset(&self, venue: Venue) -> Option<(i64, i64)> {
        self.offsets.get(venue as usize).copied().flatten()
    }

    /// The line.
    pub fn line(&self) -> &Line {
        &self.line
    }

    /// Frames counted.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    fn add(&mut self, stage: Stage, nanos: i64) {
        if let Some(rolling) = self.stages.get_mut(stage as usize) {
            rolling.add(nanos);
        }
    }

    fn on_way(&mut self, venue: Venue, kind: &'static str, raw: i64) {
        let corrected = self.offset(venue).map(|(offset, _)| raw.saturating_add(offset));
        self.add(Stage::Network, raw);
        if let Some(corrected) = corrected {
            self.add(Stage::NetworkCorrected, corrected);
        }
        let stream = match self.streams.iter().position(|known| known.venue == venue && known.kind == kind) {
            Some(index) => self.streams.get_mut(index),
            None => {
                self.streams.push(Stream { venue, kind, raw: Rolling::new(&STREAM), corrected: Rolling::new(&STREAM) });
                self.streams.last_mut()
            }
        };
        if let Some(stream) = stream {
            stream.raw.add(raw);
            if let Some(corrected) = corrected {
                stream.corrected.add(corrected);
            }
        }
    }

    /// The engine tells a book's latency both ways: their difference is the offset it reckons with.
    fn learn(&mut self, venue: Venue, status: &Status) {
        if let (Some(raw), Some((corrected, uncertainty))) = (status.latency_raw_ns, status.latency_ns)
            && let Some(known) = self.offsets.get_mut(venue as usize)
        {
            *known = Some((corrected.saturating_sub(raw), uncertainty));
        }
    }
}

/// What kind of message carried an event.
fn kind(event: &Event) -> &'static str {
    match event {
        Event::Depth(_) => "depth",
        Event::Trade(_) => "trades",
        Event::Bbo(_) => "bbo",
        Event::Mark(_) => "mark",
        Event::Index(_) => "index",
        Event::Funding { .. } => "funding",
        Event::OpenInterest(_) => "open_interest",
        Event::Liquidation(_) => "liquidation",
        Event::Instrument(_) => "instrument",
        Event::Status { .. } => "status",
    }
}

/// The last minute of a stage in its unit.
pub fn recent(latency: &Latency, stage: Stage) -> Summary {
    latency.stage(stage).recent().per(stage.unit().0)
}

#[cfg(test)]
mod tests;
