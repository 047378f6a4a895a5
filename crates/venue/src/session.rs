//! One WebSocket connection: reads what the client says, sends what the streams and the conversation produce, keeps the
//! heartbeat, and ends it for the reasons an exchange would.

use crate::fault::{Kind, Spot};
use crate::frame::{self, Bad, Heard};
use crate::hub::{Client, End, Mailbox, Out};
use crate::serve::Shared;
use bytes::{Buf, Bytes, BytesMut};
use fathometer_engine::instrument::Venue;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Bytes gathered before a write is awaited.
const WRITE_BYTES: usize = 64 << 10;
/// Unsent bytes beyond which nothing more is read: answers must not pile up for a client that does not take them.
const READ_STOP_BYTES: usize = 1 << 20;
/// How long a closing connection may take to send its last bytes.
const GOODBYE: Duration = Duration::from_secs(2);

/// How one venue converses on one connection.
pub(crate) trait Talk: Send {
    /// Answers a text message.
    fn hear(&mut self, text: &str) -> Reply;
    /// Forgets the connection: it is gone.
    fn leave(&mut self);
}

/// What a text message is answered with.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    /// Text messages, in order.
    pub(crate) say: Vec<String>,
    /// And then the end.
    pub(crate) end: Option<End>,
}

/// How a venue keeps connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Protocol pings from the server, if any.
    pub(crate) ping_every: Option<Duration>,
    /// Dropped when no pong came for that long.
    pub(crate) pong_within: Duration,
    /// Closed with 4004 when nothing went either way for that long.
    pub(crate) idle_max: Option<Duration>,
    /// Most incoming messages (pings and pongs count) within a second.
    pub(crate) messages_per_second_max: Option<usize>,
}

/// Runs a connection to its end.
pub(crate) async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    (client, mailbox): (Arc<Client>, Mailbox),
    talk: &mut dyn Talk,
    pace: Pace,
    venue: Venue,
    shared: Arc<Shared>,
) {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let mut session =
        Session { client, pace, venue, shared, recent: VecDeque::new(), to_write: BytesMut::new(), closing: false };
    if let Some(end) = session.converse(&mut reader, &mut writer, mailbox, talk).await {
        let last = match end {
            End::Cut => return,
            End::Close(code, reason) => frame::close(code, reason),
            End::Overflow if venue == Venue::Okx => frame::close(4005, "write buffer full"),
            End::Overflow => return,
        };
        session.to_write.extend_from_slice(&last);
        let goodbye = async {
            writer.write_all_buf(&mut session.to_write).await?;
            writer.shutdown().await
        };
        let _ = tokio::time::timeout(GOODBYE, goodbye).await;
    }
}

struct Session {
    client: Arc<Client>,
    pace: Pace,
    venue: Venue,
    shared: Arc<Shared>,
    /// When the last incoming messages came.
    recent: VecDeque<Instant>,
    to_write: BytesMut,
    /// The client's close was answered; what is left is to write that.
    closing: bool,
}

impl Session {
    /// `None` when the client went away or closed in order.
    async fn converse(
        &mut self,
        reader: &mut (impl AsyncRead + Unpin),
        writer: &mut (impl AsyncWrite + Unpin),
        mut mailbox: Mailbox,
        talk: &mut dyn Talk,
    ) -> Option<End> {
        let (mut input, mut frames) = (BytesMut::new(), frame::Reader::default());
        let mut waiting: Option<Out> = None;
        let mut last_pong = Instant::now();
        let mut last_word = Instant::now();
        let mut next_ping = self.pace.ping_every.map(|every| Instant::now() + every);
        let mut end_when_written: Option<End> = None;
        loop {
            if self.to_write.is_empty() && (end_when_written.is_some() || self.closing) {
                return end_when_written;
            }
            let may_take = self.to_write.len() < WRITE_BYTES && end_when_written.is_none() && !self.closing;
            let due = waiting.as_ref().and_then(|w| w.due);
            let wake = [
                due.filter(|_| may_take),
                next_ping,
                self.pace.idle_max.map(|idle| last_word + idle),
                self.pace.ping_every.map(|_| last_pong + self.pace.pong_within),
            ];
            let wake = wake.into_iter().flatten().min().unwrap_or_else(|| Instant::now() + Duration::from_secs(60));
            tokio::select! {
                biased;
                end = mailbox.end.recv() => return end,
                read = reader.read_buf(&mut input), if self.to_write.len() < READ_STOP_BYTES => {
                    if !matches!(read, Ok(1..)) {
                        return None;
                    }
                    last_word = Instant::now();
                    loop {
                        let heard = match frames.next(&mut input) {
                            Ok(Some(heard)) => heard,
                            Ok(None) => break,
                            Err(Bad::Protocol) => return Some(End::Close(1002, "protocol error")),
                            Err(Bad::TooLong) => return Some(End::Close(1009, "message too long")),
                        };
                        if matches!(heard, Heard::Pong(_)) {
                            last_pong = Instant::now();
                        }
                        if let Some(end) = self.answer(heard, talk) {
                            return Some(end);
                        }
                    }
                }
                written = writer.write_buf(&mut self.to_write), if self.to_write.has_remaining() => {
                    if written.is_err() {
                        return None;
                    }
                    if self.to_write.is_empty() && writer.flush().await.is_err() {
                        return None;
                    }
                    last_word = Instant::now();
                }
                out = mailbox.queue.recv(), if may_take && waiting.is_none() => {
                    match out {
                        Some(out) => waiting = Some(out),
                        None => return None,
                    }
                }
                () = tokio::time::sleep_until(wake.into()) => {
                    let now = Instant::now();
                    if self.pace.idle_max.is_some_and(|idle| now >= last_word + idle) {
                        return Some(End::Close(4004, "no data received in 30s"));
                    }
                    if self.pace.ping_every.is_some() && now >= last_pong + self.pace.pong_within {
                        return Some(End::Close(1008, "Pong timeout"));
                    }
                    if let (Some(at), Some(every)) = (next_ping, self.pace.ping_every) && now >= at {
                        next_ping = Some(now + every);
                        if self.is_mute() {
                            last_pong = now; // its own silence is not held against the client
                        } else {
                            let millis = self.shared.clock.now().0 / 1_000_000;
                            self.to_write.extend_from_slice(&frame::ping(millis.to_string().as_bytes()));
                        }
                    }
                }
            }
            // Many small messages go out in one write.
            while self.to_write.len() < WRITE_BYTES && end_when_written.is_none() {
                let Some(out) = waiting.take().or_else(|| if may_take { mailbox.queue.try_recv().ok() } else { None })
                else {
                    break;
                };
                if out.due.is_some_and(|due| due > Instant::now()) {
                    waiting = Some(out);
                    break;
                }
                self.to_write.extend_from_slice(&out.bytes);
                end_when_written = out.then;
            }
        }
    }

    fn answer(&mut self, heard: Heard, talk: &mut dyn Talk) -> Option<End> {
        if self.too_fast() {
            return Some(End::Close(1008, "Too many requests"));
        }
        match heard {
            Heard::Message(bytes) => {
                let text = String::from_utf8_lossy(&bytes);
                if text == "ping" && self.is_mute() {
                    return None;
                }
                let reply = talk.hear(&text);
                for text in reply.say {
                    self.write(&frame::text(&text));
                }
                return reply.end;
            }
            Heard::Ping(payload) => {
                if !self.is_mute() {
                    self.write(&frame::pong(&payload));
                }
            }
            Heard::Pong(_) => {}
            Heard::Close(payload) => {
                self.write(&frame::close_echo(&payload));
                self.closing = true;
            }
        }
        None
    }

    fn write(&mut self, bytes: &Bytes) {
        self.to_write.extend_from_slice(bytes);
    }

    fn too_fast(&mut self) -> bool {
        let Some(limit) = self.pace.messages_per_second_max else { return false };
        let now = Instant::now();
        self.recent.push_back(now);
        while self.recent.front().is_some_and(|t| now.duration_since(*t) > Duration::from_secs(1)) {
            self.recent.pop_front();
        }
        self.recent.len() > limit
    }

    fn is_mute(&self) -> bool {
        let target = format!("connection {}", self.client.id);
        let spot = Spot { venue: self.venue, symbol: None, target: &target, is_diff: false };
        self.shared.faults().strike(&[Kind::PongSilence], spot, self.shared.clock.now()).is_some()
    }
}
