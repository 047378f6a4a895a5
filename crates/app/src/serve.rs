//! The small loopback server that `fathometer top` reads: `/health` and `/api/v1/view`.

use crate::failure::Failure;
use crate::live::state::State;
use axum::extract::{Query, State as Shared};
use axum::response::Json;
use axum::routing::get;
use axum::{Router, http::StatusCode};
use serde::Deserialize;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What may be asked of a view.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    /// Only this instrument comes with its ladder, trades and history; without it all do.
    pub detail: Option<String>,
}

/// Takes the address.
///
/// # Errors
/// It is taken, or not ours.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::network(format!(
            "cannot listen on {address}: {error}; another fathometer may be running there (see it with `fathometer top \
             http://{address}`): choose another port with --listen, or --listen off"
        ))
    })
}

/// Serves until stopped.
pub async fn serve(listener: TcpListener, state: Arc<State>, stop: CancellationToken) {
    let served = axum::serve(listener, router(state)).with_graceful_shutdown(stop.cancelled_owned()).await;
    if let Err(error) = served {
        tracing::warn!("the server for `fathometer top` ended: {error}");
    }
}

fn router(state: Arc<State>) -> Router {
    let health = |Shared(state): Shared<Arc<State>>| async move { Json(state.health()) };
    let view = |Shared(state): Shared<Arc<State>>, Query(asked): Query<Asked>| async move {
        let view = match &asked.detail {
            Some(id) => state.view().condensed(id),
            None => state.view().clone(),
        };
        Json(view)
    };
    let lost = || async { (StatusCode::NOT_FOUND, "there are /health and /api/v1/view\n") };
    Router::new().route("/health", get(health)).route("/api/v1/view", get(view)).fallback(lost).with_state(state)
}
