//! The HTTP and WebSocket interface of a run, a demo or a replay: one router, put together from a file per subject.
//!
//! A file of `api/` holds the handlers of one subject and a `router()` with their paths; it stands in one list, `routes`.

pub mod asked;
pub mod problem;
pub mod server;
pub mod view;

use crate::live::state::State;
use axum::Router;
use axum::http::{Method, Uri};
use problem::Problem;
use std::sync::{Arc, Mutex, PoisonError};
use utoipa::openapi::{Info, OpenApi, Paths};
use utoipa_axum::router::OpenApiRouter;

/// What all handlers share.
pub struct Api {
    /// What is served: a live run, a demo, or the recording of `replay --serve`.
    pub main: Arc<State>,
    /// The recording that was opened beside it, for `?source=replay`.
    replay: Mutex<Option<Arc<State>>>,
}

/// A router whose paths are documented.
pub type Routes = OpenApiRouter<Arc<Api>>;

impl Api {
    /// Serves that.
    pub fn new(main: Arc<State>) -> Self {
        Api { main, replay: Mutex::default() }
    }

    /// What was opened to be replayed, if anything was.
    pub fn replay(&self) -> Option<Arc<State>> {
        self.replay.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another recording, or none, in the place of the opened one.
    pub fn set_replay(&self, state: Option<Arc<State>>) -> Option<Arc<State>> {
        std::mem::replace(&mut *self.replay.lock().unwrap_or_else(PoisonError::into_inner), state)
    }
}

/// Every path, by subject.
fn routes() -> Routes {
    OpenApiRouter::with_openapi(OpenApi::new(Info::new("Fathometer", env!("CARGO_PKG_VERSION")), Paths::new()))
        .merge(view::router())
}

/// The router and its description.
pub fn router(api: Arc<Api>) -> (Router, OpenApi) {
    let (router, description) = routes().split_for_parts();
    let lost = |uri: Uri| async move { Problem::no_path(uri.path()) };
    let wrong = |method: Method| async move { Problem::no_method(method.as_str()) };
    (router.fallback(lost).method_not_allowed_fallback(wrong).with_state(api), description)
}
