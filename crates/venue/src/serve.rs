//! Starts the server: one plain and one TLS port per market, a control port, and the driver that moves the market on.

use crate::clock::Clock;
use crate::control;
use crate::fault::{Fault, Faults, Injection};
use crate::http::{self, Site};
use crate::market::{Happening, Source};
use crate::publish::Book;
use crate::session::Pace;
use crate::wire::{self, Event, binance, okx};
use anyhow::{Context, Result, bail};
use fathometer_engine::instrument::{Instrument, Venue};
use fathometer_engine::venue::Endpoints;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How often the market is moved on.
const STEP: Duration = Duration::from_millis(5);

/// Ports of one market; 0 takes a free one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// `ws://` and `http://`.
    pub plain: u16,
    /// `wss://` and `https://`.
    pub tls: u16,
}

/// How to serve.
#[derive(Clone, Debug)]
pub struct Options {
    /// Address to listen on.
    pub bind: IpAddr,
    /// Ports per market; free ones where none are given.
    pub ports: BTreeMap<Venue, Ports>,
    /// Port of the control endpoint; 0 takes a free one. It always listens on loopback.
    pub control_port: u16,
    /// Serve TLS as well.
    pub tls: bool,
    /// Where the throw-away CA certificate is written; by default into the folder for temporary files.
    pub ca_path: Option<PathBuf>,
    /// Exchange seconds per real second.
    pub speed: f64,
    /// Faults from the start.
    pub faults: Vec<Fault>,
    /// Time between server pings, instead of what each market does (spot 20 s, futures 3 min).
    pub ping_every: Option<Duration>,
    /// Time without a pong after which a client is dropped (as served: 1 min spot, 10 min futures).
    pub pong_within: Option<Duration>,
    /// OKX: idle time after which a connection is closed (30 s).
    pub idle_max: Option<Duration>,
    /// OKX: allow `books-l2-tbt` and `books50-l2-tbt`, which want a fee tier that nobody has here (else 64003).
    pub allow_tbt: bool,
    /// Disconnect clients that send more messages per second than the market allows.
    pub limit_messages: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            ports: BTreeMap::new(),
            control_port: 0,
            tls: true,
            ca_path: None,
            speed: 1.0,
            faults: Vec::new(),
            ping_every: None,
            pong_within: None,
            idle_max: None,
            allow_tbt: false,
            limit_messages: true,
        }
    }
}

/// Addresses of one market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Which market.
    pub venue: Venue,
    /// `ws://` and `http://` bases.
    pub plain: Endpoints,
    /// `wss://` and `https://` bases, with the name `localhost`.
    pub tls: Option<Endpoints>,
}

/// What all parts of a server share.
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    faults: Mutex<Faults>,
    pub(crate) exchanges: BTreeMap<Venue, Arc<Mutex<wire::Exchange>>>,
    pub(crate) addresses: Vec<Address>,
    pub(crate) next_connection: AtomicU64,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
    pub(crate) ended: AtomicBool,
}

impl Shared {
    /// The faults; always taken after an exchange, never before.
    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }
}

/// Takes a lock; a panic elsewhere does not spread.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running server.
pub struct Server {
    shared: Arc<Shared>,
    control: SocketAddr,
    ca_path: Option<PathBuf>,
}

impl Server {
    /// Where each market is reached.
    pub fn addresses(&self) -> &[Address] {
        &self.shared.addresses
    }

    /// Where one market is reached.
    pub fn address(&self, venue: Venue) -> Option<&Address> {
        self.shared.addresses.iter().find(|a| a.venue == venue)
    }

    /// Base of the control endpoint: `http://127.0.0.1:port`.
    pub fn control_url(&self) -> String {
        format!("http://{}", self.control)
    }

    /// The CA certificate that clients must trust for TLS.
    pub fn ca_path(&self) -> Option<&Path> {
        self.ca_path.as_deref()
    }

    /// The true published book of a listing, now or at a recent update id; `None` where it is not listed or no longer known.
    pub fn book(&self, venue: Venue, symbol: &str, id: Option<u64>) -> Option<Book> {
        let exchange = lock(self.shared.exchanges.get(&venue)?);
        let floor = exchange.floor();
        let board = floor.boards.get(floor.find(symbol)?)?;
        id.map_or_else(|| Some(board.book.clone()), |id| board.at_id(id))
    }

    /// Makes something go wrong; returns the number of the fault.
    pub fn inject(&self, fault: Fault) -> u64 {
        self.shared.faults().add(fault, self.shared.clock.now())
    }

    /// Ends a fault.
    pub fn lift(&self, fault: u64) -> bool {
        self.shared.faults().remove(Some(fault)) > 0
    }

    /// What went wrong so far, oldest first.
    pub fn injections(&self) -> Vec<Injection> {
        self.shared.faults().log().cloned().collect()
    }

    /// Whether the source has come to its end, so that nothing will ever happen again.
    pub fn has_ended(&self) -> bool {
        self.shared.ended.load(Ordering::Relaxed)
    }

    /// Closes everything.
    pub async fn stop(self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

/// Serves a market until the server is stopped or dropped.
///
/// # Errors
/// If a port is taken, or the certificates cannot be made or written.
pub async fn start(mut source: Box<dyn Source>, options: Options) -> Result<Server> {
    let clock = Clock::start(options.speed);
    let (exchanges, places) = exchanges(source.listings(), clock, &options)?;

    let ca_path = options.tls.then(|| {
        let name = || std::env::temp_dir().join(format!("fathometer-venue-ca-{}.pem", std::process::id()));
        options.ca_path.clone().unwrap_or_else(name)
    });
    let tls = ca_path.as_deref().map(crate::tls::acceptor).transpose()?;

    let mut listeners = Vec::new();
    let mut addresses = Vec::new();
    for venue in exchanges.keys().copied() {
        let ports = options.ports.get(&venue).copied().unwrap_or_default();
        let plain = bind(options.bind, ports.plain, venue.name()).await?;
        let secure = match &tls {
            Some(_) => Some(bind(options.bind, ports.tls, venue.name()).await?),
            None => None,
        };
        let tls_port = secure.as_ref().map(TcpListener::local_addr).transpose()?.map(|a| a.port());
        addresses.push(Address {
            venue,
            plain: endpoints(venue, "", &plain.local_addr()?.to_string()),
            tls: tls_port.map(|port| endpoints(venue, "s", &format!("localhost:{port}"))),
        });
        listeners.push((venue, plain, secure));
    }
    let control_listener = bind(IpAddr::V4(Ipv4Addr::LOCALHOST), options.control_port, "control").await?;
    let control = control_listener.local_addr()?;

    let mut faults = Faults::default();
    for fault in &options.faults {
        faults.add(fault.clone(), clock.now());
    }
    let shared = Arc::new(Shared {
        clock,
        faults: Mutex::new(faults),
        exchanges,
        addresses,
        next_connection: AtomicU64::new(1),
        stop: CancellationToken::new(),
        tasks: TaskTracker::new(),
        ended: AtomicBool::new(false),
    });

    // Books are there before the first client can ask.
    let mut ended = step(&mut *source, &places, &shared);
    for (venue, plain, secure) in listeners {
        let Some(exchange) = shared.exchanges.get(&venue).map(Arc::clone) else { continue };
        let site = Site { venue, exchange, pace: pace(venue, &options), shared: Arc::clone(&shared) };
        let router = http::router(Arc::new(site));
        shared.tasks.spawn(http::serve(plain, None, router.clone(), Arc::clone(&shared)));
        if let Some(secure) = secure {
            shared.tasks.spawn(http::serve(secure, tls.clone(), router, Arc::clone(&shared)));
        }
    }
    let router = control::router(Arc::clone(&shared));
    shared.tasks.spawn(http::serve(control_listener, None, router, Arc::clone(&shared)));

    // A thread of its own: the market's pace must not hang on how busy the connections are.
    let (driver, token) = (Arc::clone(&shared), shared.tasks.token());
    std::thread::Builder::new().name("venue".to_owned()).spawn(move || {
        while !driver.stop.is_cancelled() {
            std::thread::sleep(STEP);
            if ended {
                publish(Vec::new(), &places, &driver);
            } else {
                ended = step(&mut *source, &places, &driver);
                driver.ended.store(ended, Ordering::Relaxed);
            }
        }
        drop(token);
    })?;
    Ok(Server { shared, control, ca_path })
}

type Exchanges = BTreeMap<Venue, Arc<Mutex<wire::Exchange>>>;
/// Market and board of each listing.
type Places = Vec<(Venue, usize)>;

fn exchanges(listings: &[Instrument], clock: Clock, options: &Options) -> Result<(Exchanges, Places)> {
    if listings.is_empty() {
        bail!("nothing is listed: the source of the market names no instrument");
    }
    let mut by_venue: BTreeMap<Venue, Vec<Instrument>> = BTreeMap::new();
    let mut places = Vec::new();
    for listing in listings {
        let of_venue = by_venue.entry(listing.venue).or_default();
        places.push((listing.venue, of_venue.len()));
        of_venue.push(listing.clone());
    }
    let now = clock.now();
    let exchanges = by_venue.into_iter().map(|(venue, listings)| {
        let exchange = match venue {
            Venue::Okx => wire::Exchange::Okx(okx::Exchange::new(listings, now, options.allow_tbt)),
            other => wire::Exchange::Binance(binance::Exchange::new(other, listings, now)),
        };
        (venue, Arc::new(Mutex::new(exchange)))
    });
    Ok((exchanges.collect(), places))
}

/// Moves the source on to now and publishes; true when it has come to its end.
fn step(source: &mut dyn Source, places: &Places, shared: &Shared) -> bool {
    let mut happenings = Vec::new();
    let goes_on = source.advance(shared.clock.now(), &mut happenings);
    publish(happenings, places, shared);
    !goes_on
}

fn publish(happenings: Vec<Happening>, places: &Places, shared: &Shared) {
    let mut by_venue: BTreeMap<Venue, Vec<Event>> = BTreeMap::new();
    for Happening { at, listing, what } in happenings {
        if let Some((venue, board)) = places.get(listing) {
            by_venue.entry(*venue).or_default().push(Event { at, board: *board, what });
        }
    }
    let now = shared.clock.now();
    for (venue, exchange) in &shared.exchanges {
        let mut exchange = lock(exchange);
        exchange.advance(by_venue.remove(venue).unwrap_or_default(), now, &mut shared.faults());
    }
    shared.faults().prune(now);
}

async fn bind(address: IpAddr, port: u16, what: &str) -> Result<TcpListener> {
    TcpListener::bind((address, port)).await.with_context(|| {
        format!("cannot listen on {address}:{port} for {what}: choose another port, or 0 for a free one")
    })
}

/// Bases as clients are given them.
fn endpoints(venue: Venue, secure: &str, host: &str) -> Endpoints {
    let ws_path = if venue == Venue::Okx { "/ws/v5" } else { "" };
    Endpoints { ws: format!("ws{secure}://{host}{ws_path}"), rest: format!("http{secure}://{host}") }
}

fn pace(venue: Venue, options: &Options) -> Pace {
    let seconds = Duration::from_secs;
    let (ping, pong, messages) = match venue {
        Venue::Binance => (Some(seconds(20)), seconds(60), Some(5)),
        Venue::BinanceUsdm | Venue::BinanceCoinm => (Some(seconds(180)), seconds(600), Some(10)),
        Venue::Okx => (None, seconds(60), None),
    };
    Pace {
        ping_every: if venue == Venue::Okx { None } else { options.ping_every.or(ping) },
        pong_within: options.pong_within.unwrap_or(pong),
        idle_max: (venue == Venue::Okx).then(|| options.idle_max.unwrap_or(seconds(30))),
        messages_per_second_max: messages.filter(|_| options.limit_messages),
    }
}
