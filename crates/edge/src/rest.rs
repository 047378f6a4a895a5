//! What is asked of a venue over HTTP: in order of urgency, within its budget, each answer becoming an input.

use crate::budget::{Admission, Governor, Priority};
use crate::clock;
use crate::feed::FeedOptions;
use crate::feed::outlet::Outlet;
use crate::inbox::{Received, ReceivedBody};
use crate::net::{HttpClient, HttpReply, NetError, Stage};
use bytes::Bytes;
use fathometer_engine::input::{LinkId, NO_LINK};
use fathometer_engine::instrument::Venue;
use fathometer_engine::output::{FaultKind, Remedy};
use fathometer_engine::units::Nanos;
use fathometer_engine::venue::Request;
use fathometer_engine::venue::rules::Budget;
use serde::Serialize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Most requests waiting. At its end the least urgent and newest is answered with status 0 at once, so that the engine
/// asks again in its own time.
const JOBS_MAX: usize = 4096;
/// The header in which Binance says how much of the minute's weight our address has used.
const USED_WEIGHT: &str = "x-mbx-used-weight-1m";

#[derive(Clone, Debug)]
struct Job {
    request: Request,
    priority: Priority,
    /// The link that wants it; `None`: any of the venue.
    link: Option<LinkId>,
    number: u64,
    not_before: Nanos,
    tries: u32,
}

/// How a venue's requests are doing, for screens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RestHealth {
    /// Which market.
    pub venue: Venue,
    /// Host and port.
    pub host: String,
    /// Weight spent within the last minute.
    pub weight_used: u64,
    /// Weight that may be spent per minute.
    pub weight_per_minute: u32,
    /// Requests waiting.
    pub waiting: usize,
    /// Answers received.
    pub replies: u64,
    /// Requests that failed or were answered with an error.
    pub errors: u64,
    /// The status with which it refused for good.
    pub refused: Option<u16>,
    /// What went wrong last.
    pub last_error: Option<String>,
}

struct State {
    jobs: Vec<Job>,
    governor: Governor,
    next_number: u64,
    overflow: Vec<Job>,
    replies: u64,
    errors: u64,
    refusal: Bytes,
    last_error: Option<String>,
}

/// The HTTP side of one venue.
pub(crate) struct Rest {
    venue: Venue,
    client: HttpClient,
    weight_per_minute: u32,
    outlet: Arc<Outlet>,
    options: Arc<FeedOptions>,
    state: Mutex<State>,
    wake: Notify,
}

enum Next {
    Send(Job),
    Answer(Job, u16, Bytes),
    Wait(Option<Nanos>),
}

impl Rest {
    pub(crate) fn new(
        venue: Venue,
        client: HttpClient,
        budget: Budget,
        outlet: Arc<Outlet>,
        options: Arc<FeedOptions>,
    ) -> Arc<Rest> {
        let state = State {
            jobs: Vec::new(),
            governor: Governor::new(budget, options.cooling),
            next_number: 0,
            overflow: Vec::new(),
            replies: 0,
            errors: 0,
            refusal: Bytes::new(),
            last_error: None,
        };
        let (state, wake) = (Mutex::new(state), Notify::new());
        Arc::new(Rest { venue, client, weight_per_minute: budget.weight_per_minute, outlet, options, state, wake })
    }

    /// Asks for a request to be made. The same one for the same link, still waiting, is made once, at the greater urgency.
    pub(crate) fn ask(&self, request: Request, priority: Priority, link: Option<LinkId>) {
        let mut state = self.lock();
        let waiting = state.jobs.iter_mut().find(|job| job.link == link && job.request.path == request.path);
        if let Some(job) = waiting {
            job.priority = job.priority.min(priority);
        } else {
            let number = state.next_number;
            state.next_number += 1;
            state.jobs.push(Job { request, priority, link, number, not_before: Nanos(i64::MIN), tries: 0 });
            if state.jobs.len() > JOBS_MAX {
                let last = state.jobs.iter().enumerate().max_by_key(|(_, j)| (j.priority, j.number)).map(|(i, _)| i);
                let job = last.map(|i| state.jobs.swap_remove(i));
                state.overflow.extend(job);
            }
        }
        drop(state);
        self.wake.notify_one();
    }

    pub(crate) fn health(&self) -> RestHealth {
        let mut state = self.lock();
        RestHealth {
            venue: self.venue,
            host: self.client.host(),
            weight_used: state.governor.used(clock::now()),
            weight_per_minute: self.weight_per_minute,
            waiting: state.jobs.len(),
            replies: state.replies,
            errors: state.errors,
            refused: state.governor.refused(),
            last_error: state.last_error.clone(),
        }
    }

    /// Makes requests until `stop`.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut opened = self.outlet.openings();
        let mut asks = JoinSet::new();
        loop {
            match self.next(clock::now()) {
                Next::Send(job) => {
                    let rest = self.clone();
                    asks.spawn(async move { rest.make(job).await });
                }
                Next::Answer(job, status, body) => {
                    let now = clock::now();
                    self.answer(&job, now, now, status, body).await;
                }
                Next::Wait(at) => {
                    let wait = at.map_or(Duration::MAX, crate::feed::until);
                    tokio::select! {
                        () = stop.cancelled() => return,
                        () = self.wake.notified() => {}
                        Ok(()) = opened.changed() => {}
                        Some(_) = asks.join_next() => {}
                        () = tokio::time::sleep(wait) => {}
                    }
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The most urgent, oldest request that has somebody to answer; a less urgent one never overtakes it.
    fn next(&self, now: Nanos) -> Next {
        let mut state = self.lock();
        if let Some(job) = state.overflow.pop() {
            let text = format!("more than {JOBS_MAX} requests wait for {}", self.client.host());
            return Next::Answer(job, 0, no_answer(&text));
        }
        // What a closed link wanted is no longer wanted; its successor asks anew.
        state.jobs.retain(|job| job.link.is_none_or(|link| self.outlet.link(link).is_some()));
        let heard = self.outlet.any_link(self.venue).is_some();
        let ready = |job: &Job| (heard || job.link.is_some()) && job.not_before <= now;
        let best = state.jobs.iter().enumerate().filter(|(_, job)| ready(job));
        let Some((index, job)) = best.min_by_key(|(_, job)| (job.priority, job.number)) else {
            let later = state.jobs.iter().map(|job| job.not_before).filter(|at| *at > now);
            return Next::Wait(later.min());
        };
        let (weight, priority) = (job.request.weight, job.priority);
        match state.governor.admit(now, weight, priority) {
            Admission::Now => Next::Send(state.jobs.swap_remove(index)),
            Admission::At(at) => Next::Wait(Some(at)),
            Admission::WhenOneReturns => Next::Wait(None),
            Admission::Never(status) => {
                let body = state.refusal.clone();
                Next::Answer(state.jobs.swap_remove(index), status, body)
            }
        }
    }

    /// One request, up to its answer or to its being put back.
    async fn make(&self, mut job: Job) {
        let asked = clock::now();
        let result = self.client.get(&job.request.path).await;
        let now = clock::now();
        job.tries += 1;
        let again = job.tries < self.options.request_tries_max;
        match result {
            Ok(reply) => self.replied(job, reply, again).await,
            Err(error) => {
                self.lock().governor.answered(now, asked, None, None, None);
                self.failed(&job, &error);
                if again {
                    self.put_back(job);
                } else {
                    self.answer(&job, asked, now, 0, no_answer(&error.to_string())).await;
                }
            }
        }
        self.wake.notify_one();
    }

    async fn replied(&self, job: Job, reply: HttpReply, again: bool) {
        let (status, retry_after) = (reply.status, reply.retry_after());
        let (pause, newly_refused) = {
            let mut state = self.lock();
            let before = state.governor.refused();
            let used = reply.number(USED_WEIGHT);
            let pause = state.governor.answered(reply.received, reply.sent, Some(status), retry_after, used);
            if state.governor.refused().is_some() {
                state.refusal = reply.body.clone();
            }
            state.replies += 1;
            (pause, before.is_none() && state.governor.refused().is_some())
        };
        if status >= 400 {
            let said = String::from_utf8_lossy(&reply.body[..reply.body.len().min(300)]).into_owned();
            let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
            let error = NetError { retry_after, ..NetError::new(&self.client.host(), Stage::Http(status), said) };
            self.note(&error);
            let text = format!("{} over HTTP: {error}", self.venue.name());
            let link = job.link.unwrap_or(NO_LINK);
            if newly_refused {
                self.outlet.fault(link, FaultKind::Refused, Remedy::Stop, text);
            } else if let Some(pause) = pause {
                let text = format!("{text}: no requests for {:.0} s", pause.as_secs_f64());
                self.outlet.fault(link, FaultKind::Throttled, Remedy::Skip, text);
            } else if status >= 500 && job.tries == 1 {
                self.outlet.fault(link, FaultKind::Venue, Remedy::Skip, text);
            }
        }
        match status {
            // The pause is the venue's: the request only has to wait its turn.
            429 | 418 if again => self.lock().jobs.push(job),
            408 | 500..=599 if again => self.put_back(job),
            _ => self.answer(&job, reply.sent, reply.received, status, reply.body).await,
        }
    }

    fn failed(&self, job: &Job, error: &NetError) {
        self.note(error);
        if job.tries == 1 {
            let text = format!("{} over HTTP: {error}", self.venue.name());
            self.outlet.fault(job.link.unwrap_or(NO_LINK), FaultKind::Disconnected, Remedy::Skip, text);
        }
    }

    fn note(&self, error: &NetError) {
        let mut state = self.lock();
        state.errors += 1;
        state.last_error = Some(error.to_string());
    }

    fn put_back(&self, mut job: Job) {
        let wait = self.options.request_backoff.wait_at_least_half(job.tries - 1);
        job.not_before = clock::now().plus(i64::try_from(wait.as_nanos()).unwrap_or(i64::MAX));
        self.lock().jobs.push(job);
    }

    /// The answer as an input on the link that wanted it, or on any of the venue.
    async fn answer(&self, job: &Job, sent: Nanos, at: Nanos, status: u16, body: Bytes) {
        let link = match job.link {
            Some(link) => Some(link).filter(|link| self.outlet.link(*link).is_some()),
            None => self.outlet.any_link(self.venue),
        };
        let Some(link) = link else { return };
        let body = ReceivedBody::Reply { sent, request: job.request.path.clone(), status, body };
        // An error means that the engine is gone, and with it everyone who might want the answer.
        let _ = self.outlet.inbox.push_waiting(Received { at, link, body }).await;
    }
}

/// The body of an answer that never came, in the form in which venues give their errors.
fn no_answer(why: &str) -> Bytes {
    serde_json::json!({ "code": 0, "msg": why }).to_string().into()
}
