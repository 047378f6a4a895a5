//! HTTP/1.1 connections of one market: plain or TLS, REST through a router, WebSocket by upgrade.

use crate::fault::Spot;
use crate::hub::Client;
use crate::serve::{Shared, lock};
use crate::session::{self, Pace, Talk};
use crate::wire::{self, binance, okx};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use fathometer_engine::instrument::Venue;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// One market as its connections see it.
pub(crate) struct Site {
    pub(crate) venue: Venue,
    pub(crate) exchange: Arc<Mutex<wire::Exchange>>,
    pub(crate) pace: Pace,
    pub(crate) shared: Arc<Shared>,
}

/// REST and WebSocket of a market.
pub(crate) fn router(site: Arc<Site>) -> Router {
    let rest = match site.venue {
        Venue::Okx => okx::rest::router(Arc::clone(&site)),
        other => binance::rest::router(Arc::clone(&site), binance::Product::of(other)),
    };
    rest.fallback(upgrade).layer(axum::middleware::from_fn_with_state(Arc::clone(&site), refuse)).with_state(site)
}

/// Serves a listener until the server stops.
pub(crate) async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, router: Router, shared: Arc<Shared>) {
    loop {
        let accepted = tokio::select! {
            () = shared.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, usually: pausing lets connections end.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let (router, stop) = (router.clone(), shared.stop.clone());
        let tls = tls.clone();
        shared.tasks.spawn(async move {
            let work = async {
                match tls {
                    None => converse(stream, router).await,
                    Some(tls) => match tls.accept(stream).await {
                        Ok(stream) => converse(stream, router).await,
                        Err(error) => tracing::debug!(%error, "TLS handshake failed"),
                    },
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = work => {}
            }
        });
    }
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S, router: Router) {
    let service = TowerToHyperService::new(router);
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.with_upgrades().await {
        tracing::debug!(%error, "HTTP connection ended");
    }
}

/// Answers with an HTTP error where a fault asks for it, handshakes included.
async fn refuse(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let symbol = request.uri().query().and_then(|q| {
        let mut pairs = q.split('&').filter_map(|p| p.split_once('='));
        pairs.find(|(key, _)| matches!(*key, "symbol" | "instId")).map(|(_, value)| value.to_owned())
    });
    let status = {
        let mut faults = site.shared.faults();
        let spot = Spot { venue: site.venue, symbol: symbol.as_deref(), target: request.uri().path(), is_diff: false };
        if faults.is_idle() { None } else { faults.strike_http(spot, site.shared.clock.now()) }
    };
    match status {
        None => next.run(request).await,
        Some(status) => refusal(site.venue, status),
    }
}

/// Seconds that 429 and 418 ask to wait: short enough for a test to see the client come back.
const RETRY_AFTER_SECONDS: u16 = 2;

fn refusal(venue: Venue, status: u16) -> Response {
    let body = match (venue, status) {
        (_, 403) => "<html><head><title>403 Forbidden</title></head><body><h1>403 Forbidden</h1></body></html>",
        (Venue::Okx, 429) => r#"{"code":"50011","msg":"Too Many Requests","data":[]}"#,
        (Venue::Okx, 500) => r#"{"code":"50026","msg":"System error. Try again later","data":[]}"#,
        (Venue::Okx, 503) => r#"{"code":"50001","msg":"Service temporarily unavailable. Try again later","data":[]}"#,
        (_, 418) => {
            r#"{"code":-1003,"msg":"Way too much request weight used; IP banned. Please use WebSocket Streams for live updates to avoid bans."}"#
        }
        (_, 429) => {
            r#"{"code":-1003,"msg":"Too much request weight used; please use WebSocket Streams for live updates to avoid polling the API."}"#
        }
        (_, 451) => {
            r#"{"code":0,"msg":"Service unavailable from a restricted location according to 'b. Eligibility' in the terms of use."}"#
        }
        (_, 500) => r#"{"code":-1000,"msg":"An unknown error occurred while processing the request."}"#,
        _ => "Service Unavailable.",
    };
    let kind = if body.starts_with('{') { "application/json" } else { "text/html" };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let mut response = (status, [(header::CONTENT_TYPE, kind)], body).into_response();
    if matches!(status.as_u16(), 418 | 429) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
    }
    response
}

fn accept_key(headers: &HeaderMap) -> Option<String> {
    let has = |name, token: &str| {
        let values = headers.get_all(name).iter().filter_map(|v| v.to_str().ok());
        values.flat_map(|v| v.split(',')).any(|v| v.trim().eq_ignore_ascii_case(token))
    };
    let key = headers.get(header::SEC_WEBSOCKET_KEY)?;
    (has(header::CONNECTION, "upgrade")
        && has(header::UPGRADE, "websocket")
        && has(header::SEC_WEBSOCKET_VERSION, "13"))
    .then(|| tokio_tungstenite::tungstenite::handshake::derive_accept_key(key.as_bytes()))
}

/// Everything that is no REST path: a WebSocket handshake, or not found. Extensions a client offers are not agreed to.
async fn upgrade(State(site): State<Arc<Site>>, mut request: Request) -> Response {
    let (path, query) = (request.uri().path().to_owned(), request.uri().query().unwrap_or_default().to_owned());
    let Some(accept) = accept_key(request.headers()) else {
        return (StatusCode::NOT_FOUND, "Not Found: no REST endpoint and no WebSocket handshake").into_response();
    };
    let id = site.shared.next_connection.fetch_add(1, Ordering::Relaxed);
    let Some(opening) = open(&site, id, &path, &query) else {
        return (StatusCode::NOT_FOUND, "Not Found: no stream is served on this path").into_response();
    };
    let upgrading = hyper::upgrade::on(&mut request);
    let stop = site.shared.stop.clone();
    site.shared.tasks.clone().spawn(async move {
        let Ok(upgraded) = upgrading.await else { return };
        let (client, mailbox, start) = opening;
        lock(&site.exchange).floor_mut().join(&client);
        let mut talk = start(&site, &client);
        let shared = Arc::clone(&site.shared);
        let run = session::run(
            TokioIo::new(upgraded),
            (Arc::clone(&client), mailbox),
            &mut *talk,
            site.pace,
            site.venue,
            shared,
        );
        tokio::select! {
            () = stop.cancelled() => {}
            () = run => {}
        }
        talk.leave();
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(&accept) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}

type Start = Box<dyn FnOnce(&Site, &Arc<Client>) -> Box<dyn Talk> + Send>;

/// The client, its mailbox, and how its conversation starts; `None` where the path is none of the venue's.
fn open(site: &Site, id: u64, path: &str, query: &str) -> Option<(Arc<Client>, crate::hub::Mailbox, Start)> {
    if site.venue == Venue::Okx {
        let path = okx::talk::read_path(path)?;
        let (client, mailbox) = Client::new(id, crate::hub::Route::Unrouted, crate::hub::Form::default());
        let start: Start = Box::new(move |site, client| Box::new(okx::talk::Conversation::new(site, client, path)));
        return Some((client, mailbox, start));
    }
    let asked = binance::talk::read_url(path, query)?;
    let (client, mailbox) = Client::new(id, asked.route, asked.form);
    let start: Start = Box::new(move |site, client| {
        let (exchange, clock) = (Arc::clone(&site.exchange), site.shared.clock);
        Box::new(binance::talk::Conversation::new(exchange, Arc::clone(client), clock, asked.names))
    });
    Some((client, mailbox, start))
}
