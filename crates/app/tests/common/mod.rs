//! A local exchange, the feeds and the engine in one process, with every valid book held against the exchange's own.
#![allow(dead_code, reason = "each test file uses its part")]

use fathometer::view::{Mode, View};
use fathometer_edge::clock;
use fathometer_edge::feed::{FeedOptions, Feeds, VenuePlan};
use fathometer_edge::inbox::{InboxLimits, InboxReceiver, inbox};
use fathometer_engine::book::Book;
use fathometer_engine::engine::Config;
use fathometer_engine::instrument::{Instrument, InstrumentId, Venue};
use fathometer_engine::metric::catalogue;
use fathometer_engine::output::{Action, Counters, Fault, Output, Validity};
use fathometer_engine::units::{Nanos, Scale, Side};
use fathometer_engine::venue::{Endpoints, infer};
use fathometer_venue::publish;
use fathometer_venue::serve::{self, Server};
use fathometer_venue::sim::{self, Regime, Simulation, demo_listings};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// What a rig is made of.
pub(crate) struct Setup {
    /// Instruments of the demo that are listed and watched: `venue:symbol`.
    pub(crate) ids: Vec<&'static str>,
    /// Everything but the instruments.
    pub(crate) config: Config,
    /// How to listen.
    pub(crate) options: FeedOptions,
    /// How to serve; faults come later.
    pub(crate) serve: serve::Options,
    /// Whether everything passes a relay that tears it into pieces of a few bytes.
    pub(crate) crumbs: bool,
    /// A last change of what the venue's rules plan.
    pub(crate) tweak: fn(&mut VenuePlan),
}

impl Default for Setup {
    fn default() -> Self {
        Setup {
            ids: vec![
                "binance:BTCUSDT",
                "binance:ETHUSDT",
                "binance-usdm:BTCUSDT",
                "binance-usdm:ETHUSDT",
                "okx:BTC-USDT",
                "okx:ETH-USDT",
            ],
            config: Config::default(),
            options: FeedOptions::default(),
            serve: serve::Options { tls: false, ..serve::Options::default() },
            crumbs: false,
            tweak: |_| {},
        }
    }
}

/// A book that was shown as valid and was not what the exchange had at that update.
#[derive(Clone, Debug)]
pub(crate) struct Wrong {
    pub(crate) at: Nanos,
    pub(crate) update_id: i64,
    pub(crate) what: String,
}

/// What was seen of one instrument.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) id: String,
    /// As the view shows it.
    pub(crate) shown: Validity,
    /// Every change of what is shown.
    pub(crate) told: Vec<(Nanos, Validity)>,
    pub(crate) last_update_id: i64,
    pub(crate) counters: Counters,
    /// Valid books compared with the exchange's own.
    pub(crate) compared: u64,
    /// Valid books whose update the exchange could not tell any more.
    pub(crate) forgotten: u64,
    pub(crate) wrong: Vec<Wrong>,
}

impl Seen {
    /// Times it was told to be invalid since an instant.
    pub(crate) fn invalid_since(&self, since: Nanos) -> Vec<(Nanos, Validity)> {
        self.told.iter().copied().filter(|(at, validity)| *at >= since && *validity != Validity::Live).collect()
    }
}

/// What was seen of everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    pub(crate) markets: Vec<Seen>,
    pub(crate) faults: Vec<Fault>,
}

impl Log {
    pub(crate) fn of(&self, id: &str) -> &Seen {
        self.markets.iter().find(|seen| seen.id == id).unwrap_or_else(|| panic!("{id} is not watched"))
    }

    pub(crate) fn all_live(&self) -> bool {
        !self.markets.is_empty() && self.markets.iter().all(|seen| seen.shown == Validity::Live && seen.compared > 0)
    }
}

/// Everything running.
pub(crate) struct Rig {
    pub(crate) server: Arc<Server>,
    runtime: Runtime,
    feeds: Arc<Mutex<Option<Feeds>>>,
    log: Arc<Mutex<Log>>,
    thread: JoinHandle<()>,
}

impl Rig {
    pub(crate) fn start(setup: Setup) -> Rig {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listings: Vec<_> =
            demo_listings().into_iter().filter(|l| setup.ids.contains(&l.instrument().id().as_str())).collect();
        assert_eq!(listings.len(), setup.ids.len(), "unknown instruments among {:?}", setup.ids);
        let markets: Vec<(Venue, String)> =
            listings.iter().map(|l| (l.instrument().venue, l.instrument().symbol.clone())).collect();
        let scales: Vec<Scale> = listings.iter().map(|l| l.instrument().scale).collect();
        let simulation =
            Simulation::new(sim::Options { seed: 7, start: clock::now(), listings, regime: Regime::Cycle, rate: 1.0 });
        let server = Arc::new(runtime.block_on(serve::start(Box::new(simulation), setup.serve)).unwrap());

        let mut plans = Vec::new();
        for venue in Venue::ALL {
            let symbols: Vec<String> = markets.iter().filter(|m| m.0 == venue).map(|m| m.1.clone()).collect();
            if !symbols.is_empty() {
                let mut endpoints = server.address(venue).unwrap().plain.clone();
                if setup.crumbs {
                    relay(&runtime, &mut endpoints);
                }
                let mut plan = VenuePlan::new(venue, &endpoints, &symbols);
                (setup.tweak)(&mut plan);
                plans.push(plan);
            }
        }
        let (sender, receiver) = inbox(InboxLimits::default());
        let log = Arc::new(Mutex::new(Log::default()));
        let feeds = Arc::new(Mutex::new(None));
        let config = Config { instruments: markets, ..setup.config };
        let desk = Desk {
            view: View::new(Mode::Demo { seed: 7 }, &catalogue(&config.metrics)),
            runner: fathometer::runner::Runner::new(config),
            scales,
            server: server.clone(),
            feeds: feeds.clone(),
            log: log.clone(),
        };
        let thread = std::thread::spawn(move || desk.work(receiver));
        *feeds.lock().unwrap() = Some(Feeds::start(plans, setup.options, sender, runtime.handle()).unwrap());
        Rig { server, runtime, feeds, log, thread }
    }

    /// Started, and every book valid.
    pub(crate) fn live(setup: Setup) -> Rig {
        let rig = Rig::start(setup);
        assert!(rig.wait(60, Log::all_live), "the books did not become valid: {:#?}", rig.log().markets);
        rig
    }

    pub(crate) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap()
    }

    /// Waits until something is seen; whether it was within the time.
    pub(crate) fn wait(&self, seconds: u64, seen: impl Fn(&Log) -> bool) -> bool {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        loop {
            if seen(&self.log()) {
                return true;
            }
            if Instant::now() > deadline {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn stop(self) -> Log {
        let feeds = self.feeds.lock().unwrap().take();
        if let Some(feeds) = feeds {
            self.runtime.block_on(feeds.stop());
        }
        self.thread.join().unwrap();
        let log = self.log.lock().unwrap().clone();
        self.runtime.shutdown_timeout(Duration::from_secs(1));
        log
    }
}

/// The engine's thread: what `live` does, and the comparison after each step.
struct Desk {
    runner: fathometer::runner::Runner,
    view: View,
    /// As the exchange counts.
    scales: Vec<Scale>,
    server: Arc<Server>,
    feeds: Arc<Mutex<Option<Feeds>>>,
    log: Arc<Mutex<Log>>,
}

impl Desk {
    fn work(mut self, mut receiver: InboxReceiver) {
        let nobody = infer(Venue::Binance, "");
        let mut batch = VecDeque::new();
        while receiver.recv(&mut batch, Duration::from_millis(100)).is_ok() {
            let mut actions: Vec<(Action, Instrument)> = Vec::new();
            for received in batch.drain(..) {
                self.runner.step(&received.as_input());
                let outbox = self.runner.outbox();
                for output in &outbox.items {
                    self.view.apply(output, outbox);
                    match output {
                        Output::Action(action) => {
                            let whose = match action {
                                Action::Snapshot { instrument, .. } | Action::Resubscribe { instrument, .. } => {
                                    self.runner.engine.registry().get(*instrument).clone()
                                }
                                _ => nobody.clone(),
                            };
                            actions.push((action.clone(), whose));
                        }
                        Output::Fault(fault) => self.log.lock().unwrap().faults.push((**fault).clone()),
                        _ => {}
                    }
                }
                self.look(received.at);
            }
            let feeds = self.feeds.lock().unwrap();
            if let Some(feeds) = feeds.as_ref() {
                for (action, instrument) in actions {
                    feeds.act(&action, &instrument);
                }
                self.log.lock().unwrap().faults.extend(feeds.take_faults().0);
            }
        }
    }

    /// What is shown of every instrument after a step, and whether it is true.
    fn look(&mut self, at: Nanos) {
        for index in 0..self.scales.len() {
            let shown = self.view.markets.get(index).and_then(|market| market.status.as_ref());
            let shown = shown.map_or(Validity::Empty, |status| status.validity);
            let id = InstrumentId(index as u32);
            let Some(status) = self.runner.engine.status(id) else { continue };
            let mut log = self.log.lock().unwrap();
            if log.markets.len() <= index {
                log.markets.push(Seen {
                    id: self.runner.engine.registry().get(id).id(),
                    shown: Validity::Empty,
                    told: Vec::new(),
                    last_update_id: -1,
                    counters: Counters::default(),
                    compared: 0,
                    forgotten: 0,
                    wrong: Vec::new(),
                });
            }
            let seen = &mut log.markets[index];
            let changed = seen.shown != shown || seen.last_update_id != status.last_update_id;
            if seen.shown != shown {
                seen.told.push((at, shown));
            }
            (seen.shown, seen.last_update_id, seen.counters) = (shown, status.last_update_id, status.counters);
            if !changed || shown != Validity::Live {
                continue;
            }
            drop(log);
            let info = self.runner.engine.registry().get(id).clone();
            let told = u64::try_from(status.last_update_id).ok();
            let truth = told.and_then(|told| self.server.book(info.venue, &info.symbol, Some(told)));
            let ours = self.runner.engine.book(id);
            let differs =
                truth.as_ref().zip(ours).map(|(truth, ours)| difference(&info, ours, truth, self.scales[index]));
            let mut log = self.log.lock().unwrap();
            let seen = &mut log.markets[index];
            match differs {
                None => seen.forgotten += 1,
                Some(None) => seen.compared += 1,
                Some(Some(what)) => {
                    seen.compared += 1;
                    seen.wrong.push(Wrong { at, update_id: status.last_update_id, what });
                }
            }
        }
    }
}

/// The first level in which a book differs from the true one, as far as it is trusted.
pub(crate) fn difference(info: &Instrument, ours: &Book, truth: &publish::Book, theirs: Scale) -> Option<String> {
    let price = |units: i64, decimals: u8| i128::from(units) * 10i128.pow(18 - u32::from(decimals));
    for side in [Side::Bid, Side::Ask] {
        let worst = ours.trusted(side).map(|p| price(p.0, info.scale.price));
        let trusted = |at: i128| worst.is_none_or(|worst| if side == Side::Bid { at >= worst } else { at <= worst });
        let mine: Vec<(i128, i128)> = ours
            .levels(side)
            .map(|l| (price(l.price.0, info.scale.price), price(l.size.0, info.scale.size)))
            .filter(|l| trusted(l.0))
            .collect();
        let true_levels: Vec<(i128, i128)> = truth
            .top(side, usize::MAX)
            .into_iter()
            .map(|l| (price(l.price.0, theirs.price), price(l.size.0, theirs.size)))
            .filter(|l| trusted(l.0))
            .collect();
        if mine != true_levels {
            let at = mine.iter().zip(&true_levels).take_while(|(a, b)| a == b).count();
            let show = |levels: &[(i128, i128)]| {
                levels
                    .get(at)
                    .map_or("nothing".to_owned(), |(p, s)| format!("{} x {}", *p as f64 / 1e18, *s as f64 / 1e18))
            };
            return Some(format!(
                "{side:?} level {at}: ours {}, the exchange's {} ({} and {} levels)",
                show(&mine),
                show(&true_levels),
                mine.len(),
                true_levels.len()
            ));
        }
    }
    None
}

/// Puts a relay before a venue that passes bytes on in pieces of 1 to 2,000 bytes, each in a packet of its own.
fn relay(runtime: &Runtime, endpoints: &mut Endpoints) {
    let behind = endpoints.rest.trim_start_matches("http://").to_owned();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let before = listener.local_addr().unwrap().to_string();
    (endpoints.ws, endpoints.rest) = (endpoints.ws.replace(&behind, &before), endpoints.rest.replace(&behind, &before));
    runtime.spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let Ok(server) = TcpStream::connect(&behind).await else { continue };
            let _ = (client.set_nodelay(true), server.set_nodelay(true));
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            tokio::spawn(crumble(from_client, to_server));
            tokio::spawn(crumble(from_server, to_client));
        }
    });
}

async fn crumble(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
    let (mut bytes, mut state) = (vec![0; 16 << 10], 1u64);
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        let mut rest = &bytes[..count];
        while !rest.is_empty() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // One in four is a crumb; with nothing else a snapshot would take for ever.
            let size =
                if state >> 62 == 0 { 1 + (state >> 40) as usize % 97 } else { 1 + (state >> 40) as usize % 2_000 };
            let (piece, left) = rest.split_at(size.min(rest.len()));
            if to.write_all(piece).await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
            rest = left;
        }
    }
    let _ = to.shutdown().await;
}
