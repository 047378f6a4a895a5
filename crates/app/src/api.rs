//! The HTTP and WebSocket interface of a run, a demo or a replay: one router, put together from a file per subject.
//!
//! A file of `api/` holds the handlers of one subject and a `router()` with their paths; it stands in one list, `routes`.

pub mod about;
pub mod asked;
pub mod book;
pub mod classic;
pub mod faults;
pub mod groups;
pub mod history;
pub mod instruments;
pub mod latency;
pub mod limits;
pub mod metrics;
pub mod page;
pub mod problem;
pub mod server;
pub mod simulate;
pub mod stamp;
pub mod system;
pub mod trades;
pub mod view;

use crate::live::state::State;
use axum::Router;
use axum::http::{Method, Uri};
use problem::Problem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use utoipa::openapi::{Info, OpenApi, Paths};
use utoipa_axum::router::OpenApiRouter;

/// What all handlers share.
pub struct Api {
    /// What is served: a live run, a demo, or the recording of `replay --serve`.
    pub main: Arc<State>,
    /// The recording that was opened beside it, for `?source=replay`.
    replay: Mutex<Option<Arc<State>>>,
    /// What one asker may have.
    pub limits: limits::Limits,
    /// What was asked and refused since the start.
    pub counts: Counts,
}

/// Requests since the start.
#[derive(Debug, Default)]
pub struct Counts {
    /// All.
    pub requests: AtomicU64,
    /// Refused for being too many.
    pub throttled: AtomicU64,
    /// Refused for their host, origin or token.
    pub refused: AtomicU64,
}

/// A router whose paths are documented.
pub type Routes = OpenApiRouter<Arc<Api>>;

impl Api {
    /// Serves that.
    pub fn new(main: Arc<State>) -> Self {
        Api { main, replay: Mutex::default(), limits: limits::Limits::default(), counts: Counts::default() }
    }

    /// What was opened to be replayed, if anything was.
    pub fn replay(&self) -> Option<Arc<State>> {
        self.replay.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What protects the server from askers, and how often it had to.
    pub fn burst(&self) -> classic::Burst {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        classic::Burst {
            requests_per_second: self.limits.requests_per_second,
            requests_burst: self.limits.requests_burst,
            requests: count(&self.counts.requests),
            throttled: count(&self.counts.throttled),
            refused: count(&self.counts.refused),
        }
    }

    /// Puts another recording, or none, in the place of the opened one.
    pub fn set_replay(&self, state: Option<Arc<State>>) -> Option<Arc<State>> {
        std::mem::replace(&mut *self.replay.lock().unwrap_or_else(PoisonError::into_inner), state)
    }
}

/// Every path, by subject.
fn routes() -> Routes {
    OpenApiRouter::with_openapi(OpenApi::new(Info::new("Fathometer", env!("CARGO_PKG_VERSION")), Paths::new()))
        .merge(about::router())
        .merge(instruments::router())
        .merge(book::router())
        .merge(metrics::router())
        .merge(history::router())
        .merge(trades::router())
        .merge(groups::router())
        .merge(simulate::router())
        .merge(faults::router())
        .merge(view::router())
        .merge(classic::router())
        .merge(latency::router())
        .merge(system::router())
        .merge(page::router())
}

/// The router and its description.
pub fn router(api: Arc<Api>) -> (Router, OpenApi) {
    let (router, description) = routes().split_for_parts();
    let lost = |uri: Uri| async move { Problem::no_path(uri.path()) };
    let wrong = |method: Method| async move { Problem::no_method(method.as_str()) };
    (router.fallback(lost).method_not_allowed_fallback(wrong).with_state(api), description)
}
