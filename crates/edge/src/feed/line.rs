//! One planned connection, kept alive for ever: opens, reopens with patience, and replaces before the venue cuts.

use super::FeedOptions;
use super::health::{LinkHealth, LinkState};
use super::outlet::Outlet;
use super::pace::Gate;
use super::session::{End, News, Session, until};
use crate::budget::random_fraction;
use crate::clock;
use crate::net::Dialer;
use fathometer_engine::input::{Leg, LinkId, REPLACED};
use fathometer_engine::output::{FaultKind, Remedy};
use fathometer_engine::units::{NANOS_PER_SECOND, Nanos};
use fathometer_engine::venue::LinkPlan;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Most batches of frames waiting for a link's pace; beyond it the link is closed, its successor subscribes to everything.
const FRAMES_QUEUE_MAX: usize = 256;
/// How much earlier than planned a rotation may come, so that lines opened together do not rotate together.
const ROTATE_EARLIER_MAX: f64 = 0.1;
/// How long links may take to say goodbye when everything stops.
const GOODBYE: Duration = Duration::from_secs(2);

/// What a line consists of, shared with its links.
pub(super) struct Line {
    pub(super) index: usize,
    pub(super) plan: LinkPlan,
    pub(super) leg: Leg,
    pub(super) options: Arc<FeedOptions>,
    pub(super) dialer: Dialer,
    pub(super) gate: Arc<Gate>,
    pub(super) outlet: Arc<Outlet>,
    pub(super) health: Mutex<LinkHealth>,
}

impl Line {
    pub(super) fn health(&self) -> MutexGuard<'_, LinkHealth> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the engine asks of a line.
#[derive(Clone, Debug)]
pub(super) enum Order {
    Send { link: LinkId, frames: Vec<String> },
    Reconnect { link: LinkId },
    Rotate { link: LinkId },
}

/// A link of this line, from its dial to its end.
struct Running {
    link: LinkId,
    frames: mpsc::Sender<Vec<String>>,
    close: watch::Sender<Option<String>>,
    open_since: Option<Nanos>,
    ready_since: Option<Nanos>,
}

impl Running {
    fn close(&self, reason: &str) {
        self.close.send_if_modified(|old| {
            let first = old.is_none();
            if first {
                *old = Some(reason.to_owned());
            }
            first
        });
    }
}

/// The line's own affairs.
struct Keeper {
    line: Arc<Line>,
    sessions: JoinSet<()>,
    news: mpsc::Sender<(LinkId, News)>,
    current: Option<Running>,
    successor: Option<Running>,
    /// When the next link is dialed, if there is none.
    retry_at: Option<Nanos>,
    /// When a successor is dialed.
    rotate_at: Option<Nanos>,
    failures: u32,
    successor_failures: u32,
}

/// Keeps the line until `stop`, or until a person has to act.
pub(super) async fn keep(line: Arc<Line>, mut orders: mpsc::Receiver<Order>, stop: CancellationToken) {
    // Two links may live and one say goodbye; each tells three things and waits if nobody listens yet.
    let (news, mut heard) = mpsc::channel(8);
    let now = Some(clock::now());
    let mut keeper = Keeper {
        line,
        sessions: JoinSet::new(),
        news,
        current: None,
        successor: None,
        retry_at: now,
        rotate_at: None,
        failures: 0,
        successor_failures: 0,
    };
    loop {
        let wake = keeper.due(clock::now());
        let going_on = tokio::select! {
            () = stop.cancelled() => false,
            Some((link, news)) = heard.recv() => keeper.hear(link, news),
            Some(order) = orders.recv() => keeper.obey(order),
            Some(_) = keeper.sessions.join_next() => true,
            () = tokio::time::sleep(wake.map_or(Duration::MAX, until)) => true,
        };
        if !going_on {
            break;
        }
    }
    for running in keeper.current.iter().chain(&keeper.successor) {
        running.close(super::STOPPED);
    }
    keeper.line.health().enter(LinkState::Stopped);
    // The last links still tell their end: somebody has to listen until they are gone.
    let goodbye = async {
        loop {
            tokio::select! {
                gone = keeper.sessions.join_next() => if gone.is_none() { break },
                Some(_) = heard.recv() => {}
            }
        }
    };
    let _ = tokio::time::timeout(GOODBYE, goodbye).await;
}

impl Keeper {
    /// Does what is due and returns when something will be next.
    fn due(&mut self, now: Nanos) -> Option<Nanos> {
        if self.current.is_none() && self.retry_at.is_some_and(|at| at <= now) {
            self.retry_at = None;
            self.current = Some(self.dial());
            self.line.health().enter(LinkState::Connecting);
        }
        if self.successor.is_none() && self.is_open() && self.rotate_at.is_some_and(|at| at <= now) {
            self.rotate_at = None;
            self.successor = Some(self.dial());
            self.line.health().enter(LinkState::Rotating);
        }
        let overlap = i64::try_from(self.line.options.rotate_overlap.as_nanos()).unwrap_or(i64::MAX);
        let hand_over = self.successor.as_ref().and_then(|s| s.ready_since).map(|at| at.plus(overlap));
        if hand_over.is_some_and(|at| at <= now) {
            self.promote(REPLACED);
            return self.rotate_at;
        }
        let retry = if self.current.is_none() { self.retry_at } else { None };
        let rotate = if self.successor.is_none() && self.is_open() { self.rotate_at } else { None };
        [retry, rotate, hand_over].into_iter().flatten().min()
    }

    fn is_open(&self) -> bool {
        self.current.as_ref().is_some_and(|c| c.open_since.is_some())
    }

    fn dial(&mut self) -> Running {
        let link = self.line.outlet.new_link();
        let (frames, frames_of_session) = mpsc::channel(FRAMES_QUEUE_MAX);
        let (close, close_of_session) = watch::channel(None);
        let session = Session {
            line: self.line.clone(),
            link,
            frames: frames_of_session,
            close: close_of_session,
            news: self.news.clone(),
        };
        self.sessions.spawn(session.run());
        Running { link, frames, close, open_since: None, ready_since: None }
    }

    /// The successor takes over; the old link, if it still lives, is closed after it.
    fn promote(&mut self, reason: &str) {
        let Some(successor) = self.successor.take() else { return };
        if let Some(old) = self.current.replace(successor) {
            old.close(reason);
        }
        self.successor_failures = 0;
        self.took_over();
    }

    /// Health and the next rotation after `current` has become another link.
    fn took_over(&mut self) {
        let Some(current) = &self.current else { return };
        let mut health = self.line.health();
        health.link = current.link;
        match current.open_since {
            Some(since) => {
                health.enter(LinkState::Open);
                let seconds = f64::from(self.line.plan.rotate_seconds.max(1));
                let seconds = seconds * (1.0 - ROTATE_EARLIER_MAX * random_fraction());
                let planned = since.plus((seconds * NANOS_PER_SECOND as f64) as i64);
                // The engine may have asked for it before we heard that the link is open.
                self.rotate_at = Some(self.rotate_at.map_or(planned, |asked| asked.min(planned)));
            }
            None => health.enter(LinkState::Connecting),
        }
    }

    /// Takes in what a link tells; whether the line goes on.
    fn hear(&mut self, link: LinkId, news: News) -> bool {
        let now = clock::now();
        let is_current = self.current.as_ref().is_some_and(|c| c.link == link);
        let is_successor = self.successor.as_ref().is_some_and(|s| s.link == link);
        if let News::Ended(End::Failed(error)) = &news {
            self.line.gate.failed(now, error);
        }
        let running = if is_current { &mut self.current } else { &mut self.successor };
        match (news, running) {
            (News::Opened, Some(running)) if is_current || is_successor => {
                running.open_since = Some(now);
                self.line.gate.succeeded();
                let mut health = self.line.health();
                health.reconnects += u64::from(health.link != fathometer_engine::input::NO_LINK);
                drop(health);
                if is_current {
                    self.took_over();
                }
            }
            (News::Ready, Some(running)) if is_current || is_successor => running.ready_since = Some(now),
            (News::Ended(end), _) if is_current => return self.current_ended(now, &end),
            (News::Ended(end), _) if is_successor => self.successor_ended(now, &end),
            // A link that was replaced has said goodbye.
            (News::Ended(End::EngineGone), _) => return false,
            _ => {}
        }
        true
    }

    fn current_ended(&mut self, now: Nanos, end: &End) -> bool {
        let Some(old) = self.current.take() else { return true };
        self.rotate_at = None;
        if matches!(end, End::EngineGone) {
            return false;
        }
        let stable = i64::try_from(self.line.options.stable_after.as_nanos()).unwrap_or(i64::MAX);
        if old.open_since.is_some_and(|since| now.since(since) >= stable) {
            self.failures = 0;
        }
        let tries_max = self.line.options.max_reconnect_attempts;
        let refused = matches!(end, End::Failed(error) if error.is_refusal());
        let exhausted = tries_max > 0 && self.failures >= tries_max && self.successor.is_none();
        let stopped = self.successor.is_none() && (refused || exhausted);
        self.report(old.link, end, stopped, exhausted.then_some(self.failures));
        if self.successor.is_some() {
            self.current = self.successor.take();
            self.took_over();
            return true;
        }
        if stopped {
            return false;
        }
        let wait = self.line.options.backoff.wait(self.failures);
        self.failures = self.failures.saturating_add(1);
        self.retry_at = Some(now.plus(i64::try_from(wait.as_nanos()).unwrap_or(i64::MAX)));
        self.line.health().enter(LinkState::Waiting);
        true
    }

    fn successor_ended(&mut self, now: Nanos, end: &End) {
        let Some(old) = self.successor.take() else { return };
        self.report(old.link, end, false, None);
        self.line.health().enter(LinkState::Open);
        // The link that lives is left in peace for longer and longer; where a person has to act, for good.
        if !matches!(end, End::Failed(error) if error.is_refusal()) {
            let wait = self.line.options.backoff.wait_at_least_half(self.successor_failures);
            self.successor_failures = self.successor_failures.saturating_add(1);
            self.rotate_at = Some(now.plus(i64::try_from(wait.as_nanos()).unwrap_or(i64::MAX)));
        }
    }

    /// Tells people what the engine cannot: it sees only that an open link was closed, and why.
    fn report(&self, link: LinkId, end: &End, stopped: bool, tries: Option<u32>) {
        if !matches!(end, End::Asked(_) | End::EngineGone) {
            self.line.health().last_error = Some(end.reason());
        }
        let kind = match end {
            End::EngineGone => return,
            End::Asked(_) | End::Lost(_) | End::Silent(_) if !stopped => return,
            End::Asked(_) => FaultKind::Disconnected,
            End::Lost(_) => FaultKind::Disconnected,
            End::Silent(_) => FaultKind::Stale,
            End::Overrun(_) => FaultKind::Overrun,
            End::Failed(error) if error.is_refusal() => FaultKind::Refused,
            End::Failed(error) if error.is_throttle() => FaultKind::Throttled,
            End::Failed(_) => FaultKind::Disconnected,
        };
        let line = &self.line;
        let given_up = tries.map(|n| format!("; given up after {n} attempts to reconnect (`max_reconnect_attempts`)"));
        let text = format!(
            "{} at {}: {}{}",
            line.plan.venue.name(),
            line.plan.url,
            end.reason(),
            given_up.unwrap_or_default()
        );
        line.outlet.fault(link, kind, if stopped { Remedy::Stop } else { Remedy::Reconnect }, text);
    }

    /// Does what the engine asks; what is meant for a link that is no more is left out.
    fn obey(&mut self, order: Order) -> bool {
        let now = clock::now();
        let (Order::Send { link, .. } | Order::Reconnect { link } | Order::Rotate { link }) = &order;
        let is_current = self.current.as_ref().is_some_and(|c| c.link == *link);
        let running = if is_current { &self.current } else { &self.successor };
        let Some(running) = running.as_ref().filter(|r| r.link == *link) else { return true };
        match order {
            Order::Send { frames, .. } => {
                if running.frames.try_send(frames).is_err() {
                    running.close("too many subscriptions wait to be sent; the next connection asks for all of them");
                }
            }
            Order::Reconnect { .. }
                if is_current && self.successor.as_ref().is_some_and(|s| s.open_since.is_some()) =>
            {
                self.promote("closed to be opened anew");
            }
            Order::Reconnect { .. } => running.close("closed to be opened anew"),
            Order::Rotate { .. } if is_current && self.successor.is_none() => self.rotate_at = Some(now),
            Order::Rotate { .. } => {}
        }
        true
    }
}
