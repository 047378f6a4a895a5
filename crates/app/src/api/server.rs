//! Takes an address and serves the router on it: plain or TLS, so many connections at a time, none for longer than it is used.

mod tls;

use super::guard::access::Access;
use super::{Api, router};
use crate::cli::serve::ServeArgs;
use crate::failure::Failure;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// Time for a TLS handshake.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// Pause after an accept that failed for want of file descriptors or memory.
const BREATH: Duration = Duration::from_millis(50);

/// An address that is taken, and who is let in there.
pub struct Bound {
    listener: TcpListener,
    /// Who is let in; moves into the `Api`.
    pub access: Access,
    tls: Option<TlsAcceptor>,
}

impl Bound {
    /// Where it listens, as an address for clients.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn url(&self) -> io::Result<String> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        Ok(format!("{scheme}://{}", self.listener.local_addr()?))
    }
}

/// Takes the address.
///
/// # Errors
/// It is taken, or not ours; it can be reached from outside and nothing protects it; certificates that cannot be used.
pub async fn bind(address: SocketAddr, args: &ServeArgs) -> Result<Bound, Failure> {
    let access = Access::of(args, address)?;
    let tls = tls::acceptor(args.tls_cert.as_deref(), args.tls_key.as_deref())?;
    let listener = super::listen::listen(address).map_err(|error| {
        Failure::network(format!(
            "cannot listen on {address}: {error}; another fathometer may be running there (see it with `fathometer top \
             http://{address}`): choose another port with --listen, or --listen off"
        ))
    })?;
    if !access.local && tls.is_none() {
        eprintln!(
            "warning: {address} is served without TLS: whoever is on the way reads along (--tls-cert, --tls-key)"
        );
    }
    Ok(Bound { listener, access, tls })
}

/// Serves until stopped.
pub async fn serve(bound: Bound, api: Arc<Api>, stop: CancellationToken) {
    let Bound { listener, tls, .. } = bound;
    let (router, _) = router(api.clone());
    let room = Arc::new(Semaphore::new(api.limits.connections_max));
    loop {
        // Beyond the limit connections wait in the system's queue, and beyond that the system refuses them.
        let Ok(permit) = room.clone().acquire_owned().await else { return };
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!("a connection could not be taken: {error}");
                    tokio::time::sleep(BREATH).await;
                    continue;
                }
            },
            () = stop.cancelled() => return,
        };
        let _ = stream.set_nodelay(true); // answers are small and wanted at once
        let (router, api, tls, stop) = (router.clone(), api.clone(), tls.clone(), stop.clone());
        tokio::spawn(async move {
            match tls {
                None => converse(Held { stream, _permit: permit }, peer, router, &api, stop).await,
                Some(tls) => match tokio::time::timeout(HANDSHAKE_WITHIN, tls.accept(stream)).await {
                    Ok(Ok(stream)) => converse(Held { stream, _permit: permit }, peer, router, &api, stop).await,
                    Ok(Err(error)) => tracing::debug!(%peer, "no TLS: {error}"),
                    Err(_) => tracing::debug!(%peer, "no TLS within {HANDSHAKE_WITHIN:?}"),
                },
            }
        });
    }
}

/// One connection, request by request, until it ends or becomes a WebSocket.
async fn converse<S>(stream: Held<S>, peer: SocketAddr, router: Router, api: &Api, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request)
    });
    let limits = &api.limits;
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_within)
        .max_header_size(limits.head_bytes_max)
        .max_headers(limits.headers_max)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, "a connection ended: {error}");
    }
}

/// A stream that gives its place back when it ends, also as a WebSocket.
struct Held<S> {
    stream: S,
    _permit: OwnedSemaphorePermit,
}

impl<S: AsyncRead + Unpin> AsyncRead for Held<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Held<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
