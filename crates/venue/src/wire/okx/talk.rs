//! The OKX side of a conversation: requests, acknowledgements, errors.

use super::Exchange;
use super::channel::{Arg, Path, quoted};
use crate::http::Site;
use crate::hub::{Client, End};
use crate::serve::{Shared, lock};
use crate::session::{Reply, Talk};
use crate::wire;
use fathometer_engine::units::Nanos;
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Longest request, bytes.
const REQUEST_BYTES_MAX: usize = 64 << 10;
/// Most subscribe, unsubscribe and login requests of one connection within an hour.
const REQUESTS_PER_HOUR_MAX: u32 = 480;
const HOUR: Duration = Duration::from_secs(3600);

/// Reads a path: `/ws/v5/public`, `/business` or `/private`.
pub(crate) fn read_path(path: &str) -> Option<Path> {
    match path.trim_end_matches('/') {
        "/ws/v5/public" => Some(Path::Public),
        "/ws/v5/business" => Some(Path::Business),
        "/ws/v5/private" => Some(Path::Private),
        _ => None,
    }
}

/// One conversation.
pub(crate) struct Conversation {
    exchange: Arc<Mutex<wire::Exchange>>,
    shared: Arc<Shared>,
    client: Arc<Client>,
    path: Path,
    hour: Instant,
    requests: u32,
}

/// The id a connection goes by.
fn conn_id(client: u64) -> String {
    format!("{:08x}", (client as u32).wrapping_mul(0x9e37_79b1))
}

/// The notice before a service upgrade.
pub(super) fn notice(client: u64) -> String {
    format!(
        "{{\"event\":\"notice\",\"code\":\"64008\",\"msg\":\"The connection will soon be closed for a service upgrade. Please reconnect.\",\"connId\":\"{}\"}}",
        conn_id(client)
    )
}

impl Conversation {
    /// Starts with no subscription.
    pub(crate) fn new(site: &Site, client: &Arc<Client>, path: Path) -> Self {
        Conversation {
            exchange: Arc::clone(&site.exchange),
            shared: Arc::clone(&site.shared),
            client: Arc::clone(client),
            path,
            hour: Instant::now(),
            requests: 0,
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Exchange, Nanos) -> T) -> Option<T> {
        match &mut *lock(&self.exchange) {
            wire::Exchange::Okx(exchange) => Some(act(exchange, self.shared.clock.now())),
            wire::Exchange::Binance(_) => None,
        }
    }

    fn id(request: &Value) -> String {
        let valid = |id: &&str| (1..=32).contains(&id.len()) && id.bytes().all(|c| c.is_ascii_alphanumeric());
        request
            .get("id")
            .and_then(Value::as_str)
            .filter(valid)
            .map(|id| format!("\"id\":\"{id}\","))
            .unwrap_or_default()
    }

    fn error(&self, id: &str, code: &str, msg: &str) -> String {
        let conn = conn_id(self.client.id);
        format!("{{{id}\"event\":\"error\",\"code\":\"{code}\",\"msg\":{},\"connId\":\"{conn}\"}}", quoted(msg))
    }

    fn obey(&mut self, text: &str) -> Vec<String> {
        let bad_request = || vec![self.error("", "60012", &format!("Invalid request: {text}"))];
        let Ok(request) = serde_json::from_str::<Value>(text) else { return bad_request() };
        let id = Self::id(&request);
        let Some(op) = request.get("op").and_then(Value::as_str).map(str::to_owned) else { return bad_request() };
        if self.is_too_frequent() {
            return vec![self.error(&id, "60014", "Requests too frequent")];
        }
        match op.as_str() {
            "subscribe" | "unsubscribe" => {}
            "login" => return vec![self.error(&id, "60009", "Login failed.")],
            other => return vec![self.error(&id, "60019", &format!("Invalid op: {other}"))],
        }
        let args = request.get("args").and_then(Value::as_array).filter(|args| !args.is_empty());
        let Some(args) = args else { return vec![self.error(&id, "60013", "Invalid args")] };
        args.iter().map(|arg| self.one(&id, &op, arg)).collect()
    }

    fn one(&self, id: &str, op: &str, value: &Value) -> String {
        let Some(arg) = Arg::read(value) else { return self.error(id, "60013", "Invalid args") };
        let done = if self.path == Path::Private {
            Err("60011")
        } else if arg.kind().is_none() || arg.path() != self.path {
            Err("60018")
        } else if op == "subscribe" {
            let subscribed = self.with(|e, now| e.subscribe(&arg, &self.client, now, &mut self.shared.faults()));
            subscribed.unwrap_or(Err("64007"))
        } else {
            self.with(|e, _| e.unsubscribe(&arg, self.client.id));
            Ok(())
        };
        match done {
            Ok(()) => {
                format!("{{{id}\"event\":\"{op}\",\"arg\":{},\"connId\":\"{}\"}}", arg.text(), conn_id(self.client.id))
            }
            Err(code) => self.error(id, code, &explained(code, &arg)),
        }
    }

    fn is_too_frequent(&mut self) -> bool {
        if self.hour.elapsed() > HOUR {
            (self.hour, self.requests) = (Instant::now(), 0);
        }
        self.requests += 1;
        self.requests > REQUESTS_PER_HOUR_MAX
    }
}

fn explained(code: &str, arg: &Arg) -> String {
    let what = arg.inst_id.as_deref().or(arg.inst_type.as_deref()).unwrap_or("null");
    let channel = &arg.channel;
    match code {
        "60011" => "Please log in".to_owned(),
        "60018" => format!(
            "Wrong URL or channel:{channel},instId:{what} doesn't exist. Please use the correct URL, channel and parameters referring to API document."
        ),
        "64003" => format!("Your trading fee tier doesn't meet the requirement to access {channel}."),
        "64004" => format!(
            "Subscribe to both {channel} and books-l2-tbt for {what} is not allowed. Unsubscribe books-l2-tbt first."
        ),
        _ => "Internal system error. Please try again later.".to_owned(),
    }
}

impl Talk for Conversation {
    fn hear(&mut self, text: &str) -> Reply {
        if text == "ping" {
            return Reply { say: vec!["pong".to_owned()], end: None };
        }
        if text.len() > REQUEST_BYTES_MAX {
            return Reply {
                say: Vec::new(),
                end: Some(End::Close(1009, "Request message exceeds the maximum frame length")),
            };
        }
        Reply { say: self.obey(text), end: None }
    }

    fn leave(&mut self) {
        self.with(|exchange, _| exchange.leave(self.client.id));
    }
}
