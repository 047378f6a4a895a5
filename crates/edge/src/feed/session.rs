//! One link from dial to close: hello, pongs, silence, and every frame on its way to the inbox.

use super::STOPPED;
use super::line::Line;
use super::outlet::OpenLink;
use super::pace::{FramePace, Turn};
use crate::clock;
use crate::inbox::{PushError, Received, ReceivedBody};
use crate::net::{Address, NetError, Stage, Stream, USER_AGENT};
use bytes::Bytes;
use fathometer_engine::input::LinkId;
use fathometer_engine::units::{NANOS_PER_SECOND, Nanos};
use fathometer_engine::venue::Heartbeat;
use futures_util::{FutureExt, SinkExt, StreamExt};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// Most frames taken from one wake before the inbox gets them.
const BATCH_MAX: usize = 256;
/// Longest time a frame of ours may take to leave.
const SEND_PATIENCE: Duration = Duration::from_secs(5);
/// Longest time a goodbye may take.
const CLOSE_PATIENCE: Duration = Duration::from_millis(500);
/// Longest message taken, bytes.
const MESSAGE_BYTES_MAX: usize = 64 << 20;

/// Why a link ended.
#[derive(Clone, Debug)]
pub(super) enum End {
    /// We were asked to close it.
    Asked(String),
    /// The other side, or the network.
    Lost(String),
    /// Nothing came for too long.
    Silent(String),
    /// The engine did not keep up.
    Overrun(String),
    /// It was never open.
    Failed(NetError),
    /// The engine is gone.
    EngineGone,
}

impl End {
    pub(super) fn reason(&self) -> String {
        match self {
            End::Asked(text) | End::Lost(text) | End::Silent(text) | End::Overrun(text) => text.clone(),
            End::Failed(error) => error.to_string(),
            End::EngineGone => PushError::Closed.to_string(),
        }
    }
}

/// What a link tells its line.
#[derive(Clone, Debug)]
pub(super) enum News {
    /// The connection is open.
    Opened,
    /// Its hello is said and something came since.
    Ready,
    /// It is over.
    Ended(End),
}

/// What a link needs to live.
pub(super) struct Session {
    pub(super) line: Arc<Line>,
    pub(super) link: LinkId,
    /// Frames to send beside the hello. At its end (see `line`): the link is closed.
    pub(super) frames: mpsc::Receiver<Vec<String>>,
    /// Becomes the reason for closing.
    pub(super) close: watch::Receiver<Option<String>>,
    /// At most three per link; the line always listens.
    pub(super) news: mpsc::Sender<(LinkId, News)>,
}

impl Session {
    pub(super) async fn run(mut self) {
        let mut close = self.close.clone();
        let opened = tokio::select! {
            opened = self.open() => opened.map_err(End::Failed),
            reason = asked(&mut close) => Err(End::Asked(reason)),
        };
        let end = match opened {
            Ok(ws) => self.live(ws).await,
            Err(end) => end,
        };
        self.tell(News::Ended(end)).await;
    }

    async fn tell(&self, news: News) {
        // Nobody listens only when everything is being stopped.
        let _ = self.news.send((self.link, news)).await;
    }

    async fn open(&self) -> Result<WebSocketStream<Stream>, NetError> {
        let line = &self.line;
        loop {
            match line.gate.turn(clock::now()) {
                Turn::Now => break,
                Turn::At(at) => tokio::time::sleep(until(at)).await,
                Turn::Never(error) => return Err(error),
            }
        }
        let address = Address::parse(&line.plan.url)?;
        let stream = line.dialer.dial(&address.host, address.port, address.tls).await?;
        handshake(&line.plan.url, &address, stream, line.options.dial.connect_timeout).await
    }

    /// From open to close.
    async fn live(&mut self, mut ws: WebSocketStream<Stream>) -> End {
        let line = self.line.clone();
        let open = OpenLink { venue: line.plan.venue, line: line.index, announced: false };
        if line.outlet.open(self.link, open, line.leg, &line.plan.url).await.is_err() {
            return End::EngineGone;
        }
        self.tell(News::Opened).await;
        let end = self.listen(&mut ws).await;
        let _ = timeout(CLOSE_PATIENCE, ws.close(None)).await;
        drop(ws); // the socket first: while the close waits for room, nothing piles up behind it
        match line.outlet.close(self.link, &end.reason()).await {
            Ok(()) => end,
            Err(_) => End::EngineGone,
        }
    }

    async fn listen(&mut self, ws: &mut WebSocketStream<Stream>) -> End {
        let line = self.line.clone();
        let plan = &line.plan;
        let silence_nanos = i64::from(plan.silence_seconds.max(1)) * NANOS_PER_SECOND;
        let mut out: VecDeque<String> = plan.hello.iter().cloned().collect();
        let mut pace = FramePace::new(plan.frames_per_second_max);
        let mut heard_at = clock::now();
        let mut pinged_at = heard_at;
        let (mut greeted, mut ready) = (out.is_empty(), false);
        let mut batch: VecDeque<Received> = VecDeque::with_capacity(BATCH_MAX);
        let mut close = self.close.clone();
        // One timer for everything that falls due; it is set anew when it fires, not with every frame.
        let timer = tokio::time::sleep(Duration::ZERO);
        tokio::pin!(timer);
        loop {
            tokio::select! {
                reason = asked(&mut close) => return End::Asked(reason),
                Some(frames) = self.frames.recv() => {
                    out.extend(frames);
                    timer.set(tokio::time::sleep(Duration::ZERO));
                }
                () = timer.as_mut() => {
                    let now = clock::now();
                    if now.since(heard_at) >= silence_nanos {
                        let seconds = plan.silence_seconds;
                        return End::Silent(format!("nothing came for {seconds} s, not even a ping: taken for dead"));
                    }
                    let mut wake = heard_at.plus(silence_nanos);
                    if let Heartbeat::TextPing { after_seconds } = plan.heartbeat {
                        let after = i64::from(after_seconds.max(1)) * NANOS_PER_SECOND;
                        if now.since(heard_at.max(pinged_at)) >= after {
                            out.push_front("ping".to_owned());
                            pinged_at = now;
                        }
                        wake = wake.min(heard_at.max(pinged_at).plus(after));
                    }
                    while !out.is_empty() && pace.next(now) <= now {
                        let Some(frame) = out.pop_front() else { break };
                        pace.sent(now);
                        match timeout(SEND_PATIENCE, ws.send(Message::text(frame))).await {
                            Ok(Ok(())) => {}
                            Ok(Err(e)) => return End::Lost(lost(&e)),
                            Err(_) => return End::Lost("our frames are no longer taken: the connection hangs".into()),
                        }
                    }
                    if out.is_empty() {
                        greeted = true;
                    } else {
                        wake = wake.min(pace.next(now));
                    }
                    timer.set(tokio::time::sleep(until(wake)));
                }
                first = ws.next() => {
                    let mut next = Some(first);
                    let mut end = None;
                    while let Some(message) = next {
                        heard_at = ws.get_ref().read_at();
                        match self.take(message, heard_at, &mut batch, &mut pace) {
                            Ok(()) => {}
                            Err(over) => {
                                end = Some(over);
                                break;
                            }
                        }
                        next = if batch.len() < BATCH_MAX { ws.next().now_or_never() } else { None };
                    }
                    let got_frames = !batch.is_empty();
                    self.count(&batch, heard_at);
                    match line.outlet.inbox.push_within(&mut batch, line.options.inbox_patience).await {
                        Ok(()) => {}
                        Err(PushError::Closed) => return End::EngineGone,
                        Err(PushError::Full) => {
                            let (lost, ms) = (batch.len(), line.options.inbox_patience.as_millis());
                            return End::Overrun(format!(
                                "the engine's queue was full for {ms} ms: {lost} frames are lost and the link is closed to resync; \
                                 follow fewer instruments, or give the machine more"
                            ));
                        }
                    }
                    if let Some(end) = end {
                        return end;
                    }
                    if got_frames && greeted && !ready {
                        ready = true;
                        self.tell(News::Ready).await;
                    }
                }
            }
        }
    }

    /// One message into the batch; an `Err` is the end.
    fn take(
        &self,
        message: Option<Result<Message, WsError>>,
        at: Nanos,
        batch: &mut VecDeque<Received>,
        pace: &mut FramePace,
    ) -> Result<(), End> {
        let body = match message {
            None => return Err(End::Lost("closed by the other side without a word".into())),
            Some(Err(e)) => return Err(End::Lost(lost(&e))),
            Some(Ok(Message::Text(text))) => ReceivedBody::Text(Bytes::from(text)),
            Some(Ok(Message::Binary(bytes))) => ReceivedBody::Binary(bytes),
            Some(Ok(Message::Ping(_))) => {
                // The answer, with the same payload, leaves by itself with the next read.
                pace.sent(at);
                return Ok(());
            }
            Some(Ok(Message::Pong(_) | Message::Frame(_))) => return Ok(()),
            Some(Ok(Message::Close(frame))) => {
                let said = frame.map_or("without a reason".into(), |f| format!("{} {:?}", f.code, f.reason.as_str()));
                return Err(End::Lost(format!("closed by the other side: {said}")));
            }
        };
        batch.push_back(Received { at, link: self.link, body });
        Ok(())
    }

    fn count(&self, batch: &VecDeque<Received>, heard_at: Nanos) {
        let mut health = self.line.health();
        health.last_at = Some(heard_at);
        health.frames += batch.len() as u64;
        for received in batch {
            if let ReceivedBody::Text(bytes) | ReceivedBody::Binary(bytes) = &received.body {
                health.bytes += bytes.len() as u64;
            }
        }
    }
}

/// Waits until a reason for closing is given.
async fn asked(close: &mut watch::Receiver<Option<String>>) -> String {
    match close.wait_for(Option::is_some).await {
        Ok(reason) => reason.clone().unwrap_or_default(),
        Err(_) => STOPPED.to_owned(),
    }
}

/// From now until `at`.
pub(crate) fn until(at: Nanos) -> Duration {
    Duration::from_nanos(u64::try_from(at.since(clock::now())).unwrap_or(0))
}

fn lost(error: &WsError) -> String {
    match error {
        WsError::ConnectionClosed | WsError::AlreadyClosed => "closed by the other side".into(),
        other => format!("the connection broke: {other}"),
    }
}

async fn handshake(
    url: &str,
    address: &Address,
    stream: Stream,
    patience: Duration,
) -> Result<WebSocketStream<Stream>, NetError> {
    let at = address.authority();
    let failed = |detail: String| NetError::new(&at, Stage::Handshake, detail);
    let mut request = url.into_client_request().map_err(|e| failed(e.to_string()))?;
    request.headers_mut().insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    let config =
        WebSocketConfig::default().max_message_size(Some(MESSAGE_BYTES_MAX)).max_frame_size(Some(MESSAGE_BYTES_MAX));
    match timeout(patience, client_async_with_config(request, stream, Some(config))).await {
        Err(_) => Err(failed(format!("no answer to the upgrade within {} s", patience.as_secs_f32()))),
        Ok(Ok((ws, _))) => Ok(ws),
        Ok(Err(WsError::Http(response))) => {
            let said = response.body().as_deref().map(String::from_utf8_lossy).unwrap_or_default();
            let said: String = said.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect();
            let mut error = NetError::new(&at, Stage::Http(response.status().as_u16()), said);
            let seconds =
                response.headers().get(header::RETRY_AFTER).and_then(|v| v.to_str().ok()?.trim().parse().ok());
            error.retry_after = seconds.map(Duration::from_secs);
            Err(error)
        }
        Ok(Err(e)) => Err(failed(e.to_string())),
    }
}
