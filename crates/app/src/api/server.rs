//! Takes an address and serves the router on it.

use super::{Api, router};
use crate::failure::Failure;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

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
pub async fn serve(listener: TcpListener, api: Arc<Api>, stop: CancellationToken) {
    let (router, _) = router(api);
    let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await;
    if let Err(error) = served {
        tracing::warn!("the server ended: {error}");
    }
}
