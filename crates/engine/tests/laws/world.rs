//! A world that misbehaves: several exchanges, connections that lose, repeat and break, answers that come late or not at
//! all. It runs with an engine, answers what that asks for, and keeps the tape.

use crate::common::{START_MS, What};
use crate::market::{Market, Rng};
use fathometer_engine::engine::{Config, Engine, NoStopwatch};
use fathometer_engine::input::{Body, Input, Leg, LinkId, NO_LINK, REPLACED};
use fathometer_engine::instrument::{InstrumentId, Venue};
use fathometer_engine::output::{Action, Outbox, Output, Validity};
use fathometer_engine::units::Nanos;
use std::collections::{BTreeMap, VecDeque};

/// One input that owns what it carries.
#[derive(Clone, Debug)]
pub(crate) struct Owned {
    pub at: i64,
    pub link: LinkId,
    /// `None`: a tick.
    pub what: Option<What>,
}

impl Owned {
    pub(crate) fn input(&self) -> Input<'_> {
        let body = match &self.what {
            None => Body::Tick,
            Some(What::Text(text)) => Body::Text(text.as_bytes()),
            Some(What::Binary(bytes)) => Body::Binary(bytes),
            Some(What::Reply(request, status, body)) => {
                Body::Reply { sent: Nanos(self.at - 5_000_000), request, status: *status, body: body.as_bytes() }
            }
            Some(What::Close) => Body::Close { reason: "cut" },
            Some(What::Replaced) => Body::Close { reason: REPLACED },
            Some(What::Open(venue, leg, url)) => Body::Open { venue: *venue, leg: *leg, url },
            Some(What::Checkpoint(bytes)) => Body::Checkpoint(bytes),
        };
        Input { at: Nanos(self.at), link: self.link, body }
    }
}

/// One in so many frames (0: none) meets the misfortune.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Misfortunes {
    pub lost: u64,
    pub repeated: u64,
    pub damaged: u64,
    pub cut: u64,
    pub refused: u64,
    /// Answers are up to so many changes old.
    pub age: u64,
    /// Tickers that are left out.
    pub thinned: u64,
}

pub(crate) const CALM: Misfortunes =
    Misfortunes { lost: 0, repeated: 0, damaged: 0, cut: 0, refused: 0, age: 1, thinned: 0 };
pub(crate) const STORM: Misfortunes =
    Misfortunes { lost: 60, repeated: 15, damaged: 150, cut: 400, refused: 4, age: 20, thinned: 40 };

struct Line {
    venue: Venue,
    leg: Leg,
    queue: VecDeque<What>,
}

pub(crate) struct World {
    pub engine: Engine,
    pub config: Config,
    pub tape: Vec<Owned>,
    /// What was said at each input, in bytes.
    pub said: Vec<Vec<u8>>,
    /// How often a book was found equal to the truth.
    pub compared: u64,
    pub fate: Misfortunes,
    markets: Vec<Market>,
    lines: BTreeMap<LinkId, Line>,
    answers: VecDeque<(i64, LinkId, What)>,
    next_link: u32,
    now_ms: i64,
    rng: Rng,
    out: Outbox,
}

/// What an outbox holds, in bytes.
pub(crate) fn bytes(out: &Outbox) -> Vec<u8> {
    postcard::to_stdvec(&(&out.items, &out.levels, &out.values)).unwrap()
}

impl World {
    pub(crate) fn new(seed: u64, fate: Misfortunes) -> Self {
        let config = Config { audit_ms: 3_000, ..Config::default() };
        let markets = vec![
            Market::new(Venue::Binance, "BTCUSDT"),
            Market::new(Venue::Binance, "ETHUSDT"),
            Market::new(Venue::BinanceUsdm, "BTCUSDT"),
            Market::new(Venue::Okx, "BTC-USDT"),
            Market::new(Venue::Okx, "BTC-USDT-SWAP"),
        ];
        let mut world = World {
            engine: Engine::new(config.clone()),
            config,
            tape: Vec::new(),
            said: Vec::new(),
            compared: 0,
            fate,
            markets,
            lines: BTreeMap::new(),
            answers: VecDeque::new(),
            next_link: 0,
            now_ms: START_MS,
            rng: Rng(seed),
            out: Outbox::default(),
        };
        for (venue, leg) in [
            (Venue::Binance, Leg::A),
            (Venue::Binance, Leg::B),
            (Venue::BinanceUsdm, Leg::A),
            (Venue::Okx, Leg::A),
            (Venue::Okx, Leg::B),
        ] {
            world.open(venue, leg);
        }
        world
    }

    fn open(&mut self, venue: Venue, leg: Leg) {
        let link = LinkId(self.next_link);
        self.next_link += 1;
        let mut queue = VecDeque::new();
        if venue == Venue::Okx {
            queue.extend(self.markets.iter().filter(|m| m.venue == venue).map(Market::beginning));
        }
        self.lines.insert(link, Line { venue, leg, queue });
        self.feed(link, Some(What::Open(venue, leg, "wss://venue/stream".into())));
    }

    fn reopen(&mut self, link: LinkId) {
        if let Some(line) = self.lines.remove(&link) {
            self.feed(link, Some(What::Close));
            self.open(line.venue, line.leg);
        }
    }

    /// So many steps of a world; each brings one or a few inputs.
    pub(crate) fn run(&mut self, steps: usize) {
        for _ in 0..steps {
            self.now_ms += match self.rng.below(400) {
                0 if self.fate.lost > 0 => -300,  // clocks are set
                1 if self.fate.lost > 0 => 8_000, // silence
                _ => self.rng.below(25),
            };
            while self.answers.front().is_some_and(|(due, ..)| *due <= self.now_ms) {
                let Some((_, link, what)) = self.answers.pop_front() else { break };
                if self.lines.contains_key(&link) {
                    self.feed(link, Some(what));
                }
            }
            match self.rng.below(10) {
                0 => self.feed(NO_LINK, None),
                1..=4 => self.happen(),
                _ => {
                    for _ in 0..3 {
                        self.deliver();
                    }
                }
            }
            if self.rng.one_in(self.fate.cut) {
                let nth = self.rng.below(self.lines.len() as u64) as usize;
                let link = *self.lines.keys().nth(nth).unwrap();
                self.reopen(link);
            }
        }
    }

    /// Something happens on a market; every connection to it will hear of it.
    fn happen(&mut self) {
        let number = self.rng.below(self.markets.len() as u64) as usize;
        let market = &mut self.markets[number];
        market.resets = if self.fate.lost > 0 { 60 } else { 0 };
        let mut news = Vec::new();
        if self.rng.one_in(4) {
            news.push(market.trade());
        } else {
            news.push(market.change(&mut self.rng));
            if !self.rng.one_in(self.fate.thinned) {
                news.push(market.ticker());
            }
        }
        let venue = market.venue;
        for line in self.lines.values_mut().filter(|line| line.venue == venue) {
            line.queue.extend(news.iter().cloned());
        }
    }

    fn deliver(&mut self) {
        let nth = self.rng.below(self.lines.len() as u64) as usize;
        let Some((link, line)) = self.lines.iter_mut().nth(nth) else { return };
        let (link, Some(mut what)) = (*link, line.queue.pop_front()) else { return };
        if self.rng.one_in(self.fate.lost) {
            return;
        }
        if self.rng.one_in(self.fate.damaged)
            && let What::Text(text) = &mut what
        {
            text.truncate(self.rng.below(text.len() as u64) as usize);
        }
        if self.rng.one_in(self.fate.repeated) {
            self.feed(link, Some(what.clone()));
        }
        self.feed(link, Some(what));
    }

    fn feed(&mut self, link: LinkId, what: Option<What>) {
        let input = Owned { at: self.now_ms * 1_000_000, link, what };
        let mut out = std::mem::take(&mut self.out);
        out.clear();
        self.engine.step(&input.input(), &mut out, &mut NoStopwatch);
        self.tape.push(input);
        self.said.push(bytes(&out));
        self.compare();
        let actions: Vec<Action> = out
            .items
            .iter()
            .filter_map(|o| if let Output::Action(action) = o { Some(action.clone()) } else { None })
            .collect();
        self.out = out;
        for action in actions {
            self.answer(&action);
        }
    }

    fn market(&self, id: InstrumentId) -> &Market {
        let info = self.engine.registry().get(id);
        self.markets.iter().find(|m| m.venue == info.venue && m.symbol == info.symbol).unwrap()
    }

    fn answer(&mut self, action: &Action) {
        match *action {
            Action::Snapshot { link, instrument, .. } => {
                if self.rng.one_in(self.fate.refused * 2) {
                    return; // lost
                }
                let age = self.rng.below(self.fate.age) as usize;
                let limit = 10 + self.rng.below(30) as usize;
                let mut what = self.market(instrument).snapshot(age, limit);
                if let (true, What::Reply(_, status, body)) = (self.rng.one_in(self.fate.refused), &mut what) {
                    (*status, *body) = (429, String::new());
                }
                let due = self.now_ms + self.rng.below(300);
                let at = self.answers.partition_point(|(other, ..)| *other <= due);
                self.answers.insert(at, (due, link, what));
            }
            Action::Resubscribe { link, instrument } => {
                let beginning = self.market(instrument).beginning();
                if let Some(line) = self.lines.get_mut(&link).filter(|line| line.venue == Venue::Okx) {
                    line.queue.push_back(beginning);
                }
            }
            Action::Reconnect { link } | Action::Rotate { link } => self.reopen(link),
        }
    }

    /// A book that is called live is the exchange's at its last id, as far as it is trusted.
    fn compare(&mut self) {
        for number in 0..self.engine.registry().all().len() {
            let id = InstrumentId(number as u32);
            let (Some(status), Some(book)) = (self.engine.status(id), self.engine.book(id)) else { continue };
            if status.validity != Validity::Live {
                continue;
            }
            assert!(!book.is_crossed());
            let scale = self.engine.registry().get(id).scale;
            if let Some(difference) = self.market(id).difference(status.last_update_id, book, scale) {
                panic!("after input {}: {difference}", self.tape.len() - 1);
            }
            self.compared += 1;
        }
    }

    /// Everything that is under way arrives.
    pub(crate) fn drain(&mut self) {
        while self.lines.values().any(|line| !line.queue.is_empty()) {
            self.deliver();
        }
    }

    /// Which live books are behind the exchange's.
    pub(crate) fn behind(&self) -> Vec<String> {
        let all = self.engine.registry().all().iter().enumerate();
        let ids = all.map(|(n, info)| {
            let id = InstrumentId(n as u32);
            (info.id(), self.engine.status(id).unwrap().last_update_id, self.market(id).id)
        });
        ids.filter(|(_, ours, theirs)| ours != theirs).map(|behind| format!("{behind:?}")).collect()
    }

    /// Which books are not live, and why.
    pub(crate) fn invalid(&self) -> Vec<(String, Validity)> {
        let all = self.engine.registry().all().iter().enumerate();
        let status = all.map(|(n, info)| (info.id(), self.engine.status(InstrumentId(n as u32)).unwrap().validity));
        status.filter(|(_, validity)| *validity != Validity::Live).collect()
    }
}
