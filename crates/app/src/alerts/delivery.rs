//! Tells those who want to be told: each sink has a task of its own, which sends what the sink is owed, one after the other,
//! until it is taken. What has been taken is written down with the alert, so that a restart goes on where the last run stopped.
//!
//! At least once, in the order in which alerts came: a message may come twice (the program ended before the answer came),
//! always with the same `Idempotency-Key`, which is made of the alert's number.

mod alertmanager;
mod chat;
mod hmac;
mod pagerduty;
mod webhook;

use super::Alerts;
use super::entry::{Entry, Told};
use crate::api::alerts::told::AlertTold;
use crate::cli::serve::Secret;
use crate::config::delivery::{Sink, SinkKind, Value};
use crate::failure::Failure;
use bytes::Bytes;
use fathometer_edge::clock;
use fathometer_edge::net::{DialOptions, Dialer, HttpClient};
use fathometer_engine::alert::Severity;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;

/// Time for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Time before the second try; it doubles from try to try.
const BACKOFF_MIN: Duration = Duration::from_millis(500);
/// It looks at least that often whether there is something to send.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is to be told.
pub(super) struct Message<'a> {
    alert: AlertTold,
    /// How bad it is now.
    severity: Severity,
    /// How bad it was told to be before, if it was told.
    before: Option<Severity>,
    /// Whether it is over.
    resolved: bool,
    /// What the sink is called, and how it is reached.
    sink: &'a Ready,
    /// Our clock, unix seconds.
    now_seconds: i64,
}

/// A request that tells it.
pub(super) struct Request {
    /// Path and query.
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

/// A sink with its secrets, which nothing prints.
pub struct Ready {
    kind: SinkKind,
    name: String,
    severity: Severity,
    backoff_max: Duration,
    client: Option<HttpClient>,
    /// Path and query of its address: for some it is the secret.
    path: Secret,
    secret: Option<Secret>,
    chat: String,
}

/// How a sink does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct SinkHealth {
    /// Messages that it took, since the start.
    pub sent: u64,
    /// Tries that failed, since the start.
    pub failed: u64,
    /// Messages that it refuses for good, since the start.
    pub refused: u64,
    /// Why the last try failed, until one succeeds.
    pub last_error: Option<String>,
}

impl Message<'_> {
    /// `firing` or `resolved`.
    fn event(&self) -> &'static str {
        if self.resolved { "resolved" } else { "firing" }
    }

    /// The same for every try of the same message.
    fn key(&self) -> String {
        format!("{}-{}-{}", self.alert.id, self.event(), self.severity.name())
    }

    /// One line for people.
    fn line(&self) -> String {
        let what = if self.resolved { "resolved" } else { self.severity.name() };
        format!("[{what}] {} {}: {}", self.alert.instrument, self.alert.title, self.alert.text)
    }

    /// The numbers, a line each.
    fn numbers(&self) -> String {
        let mut text = String::new();
        for it in &self.alert.evidence {
            let cut = it.cut.map_or_else(String::new, |cut| format!(" (cut {cut})"));
            let zscore = it.zscore.map_or_else(String::new, |zscore| format!(", z {zscore:.1}"));
            text += &format!("\n{} {}{cut}{zscore}", it.name, it.value);
        }
        text
    }

    fn request(&self) -> Request {
        match self.sink.kind {
            SinkKind::Webhook => webhook::request(self),
            SinkKind::Slack => chat::slack(self),
            SinkKind::Discord => chat::discord(self),
            SinkKind::Telegram => chat::telegram(self),
            SinkKind::Pagerduty => pagerduty::request(self),
            SinkKind::Alertmanager => alertmanager::request(self),
            SinkKind::Log => Request { path: String::new(), headers: Vec::new(), body: Vec::new() },
        }
    }
}

impl Request {
    fn json(path: String, body: &serde_json::Value) -> Self {
        Request { path, headers: Vec::new(), body: body.to_string().into_bytes() }
    }
}

impl Ready {
    /// Reads the sink's secrets.
    fn of(sink: &Sink, dialer: &Dialer) -> Result<Self, Failure> {
        let wrong = |what: &str| Failure::input(format!("alerts.yaml: `delivery.{}`: {what}", sink.name));
        let read = |value: &Value| match value {
            Value::Plain(text) => Ok(text.clone()),
            Value::Env(name) => {
                std::env::var(name).map_err(|_| wrong(&format!("the environment variable {name} is not set")))
            }
            Value::File(path) => std::fs::read_to_string(path)
                .map(|text| text.trim().to_owned())
                .map_err(|error| wrong(&format!("{} cannot be read: {error}", path.display()))),
        };
        let url = sink.url.as_ref().map(read).transpose()?;
        let secret = sink.secret.as_ref().map(read).transpose()?;
        if secret.as_ref().is_some_and(|secret| secret.is_empty()) {
            return Err(wrong("the secret is empty"));
        }
        let (client, path) = match &url {
            None => (None, String::new()),
            Some(url) => {
                let start = url.find("://").map_or(0, |at| at + 3);
                let end = url.get(start..).and_then(|rest| rest.find(['/', '?'])).map_or(url.len(), |at| start + at);
                let (base, path) = url.split_at_checked(end).unwrap_or((url, ""));
                // The address may be a secret: what is wrong with it is told without it.
                let client = HttpClient::new(dialer.clone(), base, TIMEOUT);
                let no_address = "the address is none; it begins with http:// or https://";
                (Some(client.map_err(|_| wrong(no_address))?), path.trim_end_matches('/').to_owned())
            }
        };
        Ok(Ready {
            kind: sink.kind,
            name: sink.name.clone(),
            severity: sink.severity,
            backoff_max: Duration::from_secs_f64(sink.retry_seconds_max.clamp(0.1, 86_400.0)),
            client,
            path: Secret(path),
            secret: secret.map(Secret),
            chat: sink.chat.clone().unwrap_or_default(),
        })
    }

    /// The secret's text.
    fn secret(&self) -> &str {
        self.secret.as_ref().map_or("", |secret| &secret.0)
    }

    /// Sends one message.
    async fn send(&self, entry: &Entry, told: Told) -> Result<(), Trouble> {
        let before = entry.told.get(&self.name).map(|told| told.severity);
        let message = Message {
            alert: AlertTold::of(entry),
            severity: told.severity,
            before,
            resolved: told.resolved,
            sink: self,
            now_seconds: clock::now().0 / 1_000_000_000,
        };
        let Some(client) = &self.client else {
            tracing::warn!(alert = %entry.id, severity = told.severity.name(), event = message.event(), "{}", message.line());
            return Ok(());
        };
        let mut request = message.request();
        request.headers.push(("content-type", "application/json".to_owned()));
        request.headers.push(("idempotency-key", message.key()));
        let reply = client.post(&request.path, &request.headers, Bytes::from(request.body)).await;
        let reply = reply.map_err(|error| Trouble { text: error.to_string(), refused: false, wait: None })?;
        match reply.status {
            200..=299 => Ok(()),
            status => Err(Trouble {
                text: format!("{} answered HTTP {status}", client.host()),
                // It understands us and does not want this one; a wrong key or path may be put right meanwhile.
                refused: matches!(status, 400 | 413 | 422),
                wait: reply.retry_after(),
            }),
        }
    }
}

/// Why a message was not taken.
struct Trouble {
    text: String,
    /// Whether it never will be.
    refused: bool,
    wait: Option<Duration>,
}

/// All sinks, ready to be told.
pub struct Senders(Vec<Ready>);

impl Senders {
    /// Reads every secret.
    ///
    /// # Errors
    /// A secret is not there, or an address is none.
    pub fn of(sinks: &[Sink], dial: &DialOptions) -> Result<Self, Failure> {
        if sinks.is_empty() {
            return Ok(Senders(Vec::new()));
        }
        let dialer = Dialer::new(dial).map_err(Failure::input)?;
        sinks.iter().map(|sink| Ready::of(sink, &dialer)).collect::<Result<_, _>>().map(Senders)
    }

    /// Begins to tell them.
    pub fn begin(self, alerts: &Arc<Alerts>, runtime: &Handle) {
        alerts.lock().tell(self.0.iter().map(|sink| sink.name.clone()).collect());
        for sink in self.0 {
            alerts.sinks().insert(sink.name.clone(), (sink.severity, SinkHealth::default()));
            runtime.spawn(deliver(sink, alerts.clone()));
        }
    }
}

async fn deliver(sink: Ready, alerts: Arc<Alerts>) {
    let mut backoff = BACKOFF_MIN;
    loop {
        let news = alerts.saved.notified();
        tokio::pin!(news);
        news.as_mut().enable(); // what is saved from here on is not missed
        let owed = alerts.lock().owed(&sink.name, sink.severity);
        let Some((entry, told)) = owed else {
            let _ = tokio::time::timeout(PATIENCE, news).await; // either is a reason to look
            continue;
        };
        let sent = sink.send(&entry, told).await;
        let wait = {
            let mut sinks = alerts.sinks();
            let (_, health) = sinks.entry(sink.name.clone()).or_insert((sink.severity, SinkHealth::default()));
            match &sent {
                Ok(()) => (health.sent, health.last_error) = (health.sent + 1, None),
                Err(trouble) => {
                    health.failed += 1;
                    health.refused += u64::from(trouble.refused);
                    health.last_error = Some(trouble.text.clone());
                }
            }
            sent.as_ref().err().and_then(|trouble| trouble.wait)
        };
        match sent {
            Err(trouble) if !trouble.refused => {
                tracing::warn!(sink = sink.name, alert = %entry.id, "an alert is not delivered yet: {}", trouble.text);
                tokio::time::sleep(wait.unwrap_or(backoff).min(sink.backoff_max)).await;
                backoff = (backoff * 2).min(sink.backoff_max);
            }
            done => {
                if let Err(trouble) = done {
                    tracing::error!(sink = sink.name, alert = %entry.id, "an alert is refused for good: {}", trouble.text);
                }
                backoff = BACKOFF_MIN;
                alerts.lock().told(entry.id, &sink.name, told);
                alerts.wake();
            }
        }
    }
}

#[cfg(test)]
mod tests;
