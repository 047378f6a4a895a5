//! How Fathometer listens: every planned connection kept open, every request made, everything that comes handed on.

mod chores;
mod health;
mod line;
pub(crate) mod outlet;
mod pace;
mod session;

pub use crate::rest::RestHealth;
pub use health::{LinkHealth, LinkState};
pub(crate) use session::until;

use crate::budget::{Cooling, Patience, Priority};
use crate::inbox::InboxSender;
use crate::net::{DialOptions, Dialer, HttpClient, NetError};
use crate::rest::Rest;
use fathometer_engine::input::{Leg, LinkId, NO_LINK};
use fathometer_engine::instrument::{Instrument, Venue};
use fathometer_engine::output::{Action, Fault, FaultKind, Remedy};
use fathometer_engine::venue::rules::{self, Budget};
use fathometer_engine::venue::{Endpoints, LinkPlan, Request};
use line::{Line, Order};
use outlet::Outlet;
use pace::Gate;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The reason of a `Close` that we ourselves ended the run with.
pub const STOPPED: &str = "stopped";
/// Time between ticks.
const TICK: Duration = Duration::from_millis(100);
/// Most orders waiting for one line, which takes them at once; beyond it the order is left out with a Fault.
const ORDERS_MAX: usize = 1024;
/// Longest wait for everything to say goodbye.
const STOP_PATIENCE: Duration = Duration::from_secs(4);

/// What is listened to at one venue: its connections and requests.
#[derive(Clone, Debug)]
pub struct VenuePlan {
    /// Which market.
    pub venue: Venue,
    /// HTTP base (`https://api.binance.com`).
    pub rest: String,
    /// Connections to keep.
    pub links: Vec<LinkPlan>,
    /// What may be asked for over HTTP.
    pub budget: Budget,
    /// The request for its clock: five times at the start, then every minute.
    pub time: Option<Request>,
    /// Requests at the start and every hour (instruments).
    pub startup: Vec<Request>,
    /// Requests to repeat, with their period in seconds.
    pub periodic: Vec<(Request, u32)>,
}

impl VenuePlan {
    /// Everything that the venue's rules provide for these symbols.
    pub fn new(venue: Venue, endpoints: &Endpoints, symbols: &[String]) -> VenuePlan {
        VenuePlan {
            venue,
            rest: endpoints.rest.clone(),
            links: rules::plan(venue, endpoints, symbols),
            budget: rules::budget(venue),
            time: Some(rules::time_request(venue)),
            startup: rules::startup_requests(venue, symbols),
            periodic: rules::periodic_requests(venue, symbols),
        }
    }
}

impl VenuePlan {
    /// How many books are kept.
    fn books(&self) -> usize {
        self.links.iter().filter(|link| link.depth).map(|link| link.symbols.len()).sum()
    }
}

/// How to listen.
#[derive(Clone, Debug)]
pub struct FeedOptions {
    /// Two connections for everything; the engine leaves out what comes twice.
    pub redundant: bool,
    /// How connections are made.
    pub dial: DialOptions,
    /// Wait before a connection is opened again: full jitter below a ceiling that doubles from `min` to `max`.
    pub backoff: Patience,
    /// Failed tries in a row after which a line is given up; 0: never.
    pub max_reconnect_attempts: u32,
    /// A link that lived as long makes earlier failures forgotten.
    pub stable_after: Duration,
    /// How long both links live after a successor has begun to speak.
    pub rotate_overlap: Duration,
    /// Least time between two connections to one venue (OKX allows three a second).
    pub open_spacing: Duration,
    /// How long a link waits for room in the inbox before it is closed.
    pub inbox_patience: Duration,
    /// Most time for one HTTP request.
    pub request_timeout: Duration,
    /// Wait before a failed request is made again.
    pub request_backoff: Patience,
    /// Tries before the engine is told that a request failed.
    pub request_tries_max: u32,
    /// Waits after 429 and 418 where the venue names none.
    pub cooling: Cooling,
    /// The number of the first link; a run that goes on with a tape begins behind the numbers used there.
    pub first_link: u32,
}

impl Default for FeedOptions {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        FeedOptions {
            redundant: false,
            dial: DialOptions::default(),
            backoff: Patience { min: seconds(1), max: seconds(30) },
            max_reconnect_attempts: 0,
            stable_after: seconds(60),
            rotate_overlap: seconds(5),
            open_spacing: Duration::from_millis(350),
            inbox_patience: seconds(1),
            request_timeout: seconds(10),
            request_backoff: Patience { min: Duration::from_millis(500), max: seconds(8) },
            request_tries_max: 4,
            cooling: Cooling::default(),
            first_link: 0,
        }
    }
}

/// Everything that listens; when it is dropped, it stops.
pub struct Feeds {
    outlet: Arc<Outlet>,
    lines: Vec<(Arc<Line>, mpsc::Sender<Order>)>,
    venues: Vec<(VenuePlan, Arc<Rest>)>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Feeds {
    /// Begins to listen; what comes goes to `inbox`.
    ///
    /// # Errors
    /// Certificates or addresses that cannot be used. What fails later becomes a fault.
    pub fn start(
        plans: Vec<VenuePlan>,
        options: FeedOptions,
        inbox: InboxSender,
        runtime: &Handle,
    ) -> Result<Feeds, NetError> {
        let dialer = Dialer::new(&options.dial)?;
        let outlet = Arc::new(Outlet::new(inbox, options.first_link));
        let options = Arc::new(options);
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let mut feeds = Feeds { outlet: outlet.clone(), lines: Vec::new(), venues: Vec::new(), stop, tasks };
        let mut keepers = Vec::new();
        for plan in plans {
            let gate = Arc::new(Gate::new(options.open_spacing, options.cooling));
            let legs: &[Leg] = if options.redundant { &[Leg::A, Leg::B] } else { &[Leg::A] };
            for (link, leg) in legs.iter().flat_map(|leg| plan.links.iter().map(move |link| (link, *leg))) {
                let line = Arc::new(Line {
                    index: feeds.lines.len(),
                    plan: link.clone(),
                    leg,
                    options: options.clone(),
                    dialer: dialer.clone(),
                    gate: gate.clone(),
                    outlet: outlet.clone(),
                    health: Mutex::new(LinkHealth::new(link.venue, leg, &link.url)),
                });
                let (orders, of_keeper) = mpsc::channel(ORDERS_MAX);
                keepers.push((line.clone(), of_keeper));
                feeds.lines.push((line, orders));
            }
            let client = HttpClient::new(dialer.clone(), &plan.rest, options.request_timeout)?;
            let rest = Rest::new(plan.venue, client, plan.budget, outlet.clone(), options.clone());
            feeds.venues.push((plan, rest));
        }
        for (line, orders) in keepers {
            feeds.tasks.spawn_on(line::keep(line, orders, feeds.stop.clone()), runtime);
        }
        for (plan, rest) in &feeds.venues {
            feeds.tasks.spawn_on(rest.clone().run(feeds.stop.clone()), runtime);
            feeds.tasks.spawn_on(chores::run(plan.clone(), rest.clone(), feeds.stop.clone()), runtime);
        }
        feeds.tasks.spawn_on(tick(outlet, feeds.stop.clone()), runtime);
        feeds.tasks.close();
        Ok(feeds)
    }

    /// Does what the engine asks; never waits. What concerns a link that is closed by now is left out: its successor
    /// begins anew anyway.
    pub fn act(&self, action: &Action, instrument: &Instrument) {
        match *action {
            Action::Snapshot { link, urgent, .. } => {
                let rest = self.venues.iter().find(|(plan, _)| plan.venue == instrument.venue);
                // A rebuild shares the budget with every other book that may need one now; a comparison can wait.
                let (venue, symbol) = (instrument.venue, instrument.symbol.as_str());
                let books = rest.map_or(1, |(plan, _)| plan.books());
                let request = match urgent {
                    true => rules::snapshot_request(venue, symbol, books),
                    false => Some(rules::comparison_request(venue, symbol)),
                };
                match request {
                    Some(request) => {
                        let priority = if urgent { Priority::Urgent } else { Priority::Audit };
                        if let Some((_, rest)) = rest {
                            rest.ask(request, priority, Some(link).filter(|link| *link != NO_LINK));
                        }
                    }
                    None => self.resubscribe(link, instrument),
                }
            }
            Action::Resubscribe { link, .. } => self.resubscribe(link, instrument),
            Action::Reconnect { link } => self.order(link, Order::Reconnect { link }),
            Action::Rotate { link } => self.order(link, Order::Rotate { link }),
        }
    }

    fn resubscribe(&self, link: LinkId, instrument: &Instrument) {
        let frames = rules::resubscribe(instrument.venue, &instrument.symbol);
        if !frames.is_empty() {
            self.order(link, Order::Send { link, frames });
        }
    }

    fn order(&self, link: LinkId, order: Order) {
        let line = self.outlet.link(link).and_then(|open| self.lines.get(open.line));
        let Some((_, orders)) = line else { return };
        if let Err(mpsc::error::TrySendError::Full(order)) = orders.try_send(order) {
            let text = format!("more than {ORDERS_MAX} orders wait for this line; left out: {order:?}");
            self.outlet.fault(link, FaultKind::Overrun, Remedy::Skip, text);
        }
    }

    /// How every line is doing.
    pub fn health(&self) -> Vec<LinkHealth> {
        self.lines.iter().map(|(line, _)| line.health().clone()).collect()
    }

    /// How every venue's requests are doing.
    pub fn rest_health(&self) -> Vec<RestHealth> {
        self.venues.iter().map(|(_, rest)| rest.health()).collect()
    }

    /// Faults since the last call, oldest first, and how many were ever lost because nobody called in time.
    pub fn take_faults(&self) -> (Vec<Fault>, u64) {
        self.outlet.take_faults()
    }

    /// Whether every line has been given up, so that nothing more will come.
    pub fn all_stopped(&self) -> bool {
        self.lines.iter().all(|(line, _)| line.health().state == LinkState::Stopped)
    }

    /// Closes every link, each with its `Close` input, and waits until they are gone.
    pub async fn stop(self) {
        self.stop.cancel();
        if tokio::time::timeout(STOP_PATIENCE, self.tasks.wait()).await.is_err() {
            tracing::warn!("some links did not say goodbye in time");
        }
    }
}

impl Drop for Feeds {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn tick(outlet: Arc<Outlet>, stop: CancellationToken) {
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = interval.tick() => outlet.tick(),
        }
    }
}
