//! The HTTP and WebSocket interface of a run, a demo or a replay: one router, put together from a file per subject.
//!
//! A file of `api/` holds the handlers of one subject and a `router()` with their paths; it stands in one list, `routes`.

pub mod about;
pub mod alerts;
pub mod asked;
pub mod book;
pub mod classic;
pub mod cost;
pub mod detectors;
pub mod faults;
pub mod groups;
pub mod guard;
pub mod history;
pub mod instruments;
pub mod latency;
pub mod limits;
pub mod listen;
pub mod metrics;
pub mod openapi;
pub mod page;
pub mod problem;
pub mod prometheus;
pub mod recordings;
pub mod replay;
pub mod route;
pub mod server;
pub mod simulate;
pub mod stamp;
pub mod stream;
pub mod system;
pub mod trades;
pub mod view;

use crate::live::state::State;
use crate::player::booth::Booth;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, Uri};
use axum::middleware::from_fn_with_state;
use fathometer_engine::cost::fees::Table;
use guard::Guard;
use guard::access::Access;
use limits::Limits;
use problem::Problem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use utoipa::openapi::{Info, OpenApi, Paths};
use utoipa_axum::router::OpenApiRouter;

/// What all handlers share.
pub struct Api {
    /// What is served: a live run, a demo, or the recording of `replay --serve`.
    pub main: Arc<State>,
    /// Where recordings are opened and played, for `?source=replay`.
    pub booth: Booth,
    /// What one asker may have.
    pub limits: Limits,
    /// Who is let in, and what was asked and refused.
    pub guard: Guard,
    /// What the exchanges charge.
    pub fees: Vec<Table>,
}

/// A router whose paths are documented.
pub type Routes = OpenApiRouter<Arc<Api>>;

impl Api {
    /// Serves that to those.
    pub fn new(main: Arc<State>, access: Access) -> Self {
        Api { main, booth: Booth::default(), limits: Limits::default(), guard: Guard::new(access), fees: Vec::new() }
    }

    /// The same, with recordings played there.
    #[must_use]
    pub fn playing(self, booth: Booth) -> Self {
        Api { booth, ..self }
    }

    /// The same, with what the exchanges charge.
    #[must_use]
    pub fn charging(self, fees: Vec<Table>) -> Self {
        Api { fees, ..self }
    }

    /// What was opened to be replayed, if anything was.
    pub fn replay(&self) -> Option<Arc<State>> {
        self.booth.state()
    }

    /// What protects the server from askers, and how often it had to.
    pub fn burst(&self) -> classic::Burst {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        classic::Burst {
            requests_per_second: self.limits.requests_per_second,
            requests_burst: self.limits.requests_burst,
            requests: count(&self.guard.requests),
            throttled: count(&self.guard.throttled),
            refused: count(&self.guard.refused),
        }
    }
}

/// Shorter answers are not worth compressing, bytes.
const COMPRESSED_FROM_BYTES: u16 = 1_400;

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
        .merge(cost::router())
        .merge(route::router())
        .merge(faults::router())
        .merge(alerts::router())
        .merge(detectors::router())
        .merge(view::router())
        .merge(classic::router())
        .merge(recordings::router())
        .merge(replay::router())
        .merge(stream::router())
        .merge(latency::router())
        .merge(system::router())
        .merge(prometheus::router())
        .merge(page::router())
}

/// The router and its description.
pub fn router(api: Arc<Api>) -> (Router, OpenApi) {
    let (router, mut description) = routes().split_for_parts();
    openapi::complete(&mut description);
    let lost = |uri: Uri| async move { Problem::no_path(uri.path()) };
    let wrong = |method: Method| async move { Problem::no_method(method.as_str()) };
    let worth_it = SizeAbove::new(COMPRESSED_FROM_BYTES).and(NotForContentType::IMAGES);
    let compression = CompressionLayer::new().quality(tower_http::CompressionLevel::Fastest).compress_when(worth_it);
    let router = router
        .merge(openapi::router(&description))
        .fallback(lost)
        .method_not_allowed_fallback(wrong)
        .layer(compression)
        .layer(DefaultBodyLimit::max(api.limits.body_bytes_max))
        .layer(from_fn_with_state(api.clone(), guard::guard))
        .with_state(api);
    (router, description)
}
