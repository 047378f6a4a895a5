//! The Binance side of a conversation: what the URL asks for, and the control messages.

use super::Exchange;
use crate::hub::{Client, Form, Route};
use crate::serve::lock;
use crate::session::{Reply, Talk};
use crate::wire;
use fathometer_engine::units::Nanos;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// Most streams of one connection.
const STREAMS_MAX: usize = 1024;

/// What a WebSocket URL asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) route: Route,
    pub(crate) form: Form,
    pub(crate) names: Vec<String>,
}

/// Reads path and query: `[/public|/market|/private]/ws[/names]` or `.../stream[?streams=names]`. Parts that are no
/// stream names (numbers, words) are passed over, as clients put counters there. `None` where it is no stream URL.
pub(crate) fn read_url(path: &str, query: &str) -> Option<Asked> {
    let path = percent_decoded(path);
    let mut parts = path.split('/').filter(|p| !p.is_empty()).peekable();
    let route = match parts.peek().copied() {
        Some("public") => Route::Public,
        Some("market") => Route::Market,
        Some("private") => Route::Private,
        _ => Route::Unrouted,
    };
    if route != Route::Unrouted {
        parts.next();
    }
    let combined = match parts.next()? {
        "ws" => false,
        "stream" => true,
        _ => return None,
    };
    let is_name = |n: &&str| n.contains('@') || n.starts_with('!');
    let mut names: Vec<String> = parts.filter(is_name).map(str::to_owned).collect();
    let mut micros = false;
    for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        let value = percent_decoded(value);
        match key {
            "streams" => names.extend(value.split('/').filter(|n| !n.is_empty()).map(str::to_owned)),
            "timeUnit" => micros = value.eq_ignore_ascii_case("microsecond"),
            _ => {}
        }
    }
    Some(Asked { route, form: Form { combined, micros }, names })
}

/// Text with `%XX` (and nothing else) decoded.
pub(crate) fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
        match (byte, digit(ahead.next()), digit(ahead.next())) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                bytes = ahead;
            }
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// One conversation.
pub(crate) struct Conversation {
    exchange: Arc<Mutex<wire::Exchange>>,
    client: Arc<Client>,
    clock: crate::clock::Clock,
    /// Everything subscribed to, streams without data included.
    names: BTreeSet<String>,
}

impl Conversation {
    /// Starts with the streams of the URL.
    pub(crate) fn new(
        exchange: Arc<Mutex<wire::Exchange>>,
        client: Arc<Client>,
        clock: crate::clock::Clock,
        names: Vec<String>,
    ) -> Self {
        let mut conversation = Conversation { exchange, client, clock, names: BTreeSet::new() };
        conversation.subscribe(names);
        conversation
    }

    fn with(&self, act: impl FnOnce(&mut Exchange, Nanos)) {
        if let wire::Exchange::Binance(exchange) = &mut *lock(&self.exchange) {
            act(exchange, self.clock.now());
        }
    }

    fn subscribe(&mut self, names: Vec<String>) {
        self.with(|exchange, now| {
            for name in &names {
                exchange.subscribe(name, &self.client, now);
            }
        });
        self.names.extend(names);
    }

    fn unsubscribe(&mut self, names: &[String]) {
        self.with(|exchange, _| {
            for name in names {
                exchange.unsubscribe(name, self.client.id);
            }
        });
        for name in names {
            self.names.remove(name);
        }
    }

    fn obey(&mut self, text: &str) -> Result<Value, (u8, String)> {
        let invalid = |why: &str| (2, format!("Invalid request: {why}"));
        let request: Value = serde_json::from_str(text).map_err(|e| (3, format!("Invalid JSON: {e}")))?;
        let Value::Object(request) = request else { return Err(invalid("request must be an object")) };
        let id = request.get("id").cloned().unwrap_or(Value::Null);
        if !is_valid_id(&id) {
            return Err(invalid("request ID must be an integer, a string of up to 36 characters, or null"));
        }
        let method = match request.get("method") {
            None => return Err(invalid("missing field `method`")),
            Some(method) => method.as_str().ok_or_else(|| invalid("`method` must be a string"))?,
        };
        let params = match request.get("params") {
            None | Some(Value::Null) => &[][..],
            Some(Value::Array(params)) => params.as_slice(),
            Some(_) => return Err(invalid("`params` must be an array")),
        };
        let names = || {
            let names = params.iter().map(|p| p.as_str().map(str::to_owned));
            names.collect::<Option<Vec<_>>>().ok_or_else(|| invalid("stream names must be strings"))
        };
        let property = |expected: usize| match params.first().and_then(Value::as_str) {
            _ if params.len() > expected => Err(invalid("too many parameters")),
            Some("combined") => Ok(()),
            Some(other) => Err((0, format!("Unknown property: {other}"))),
            None => Err(invalid("property name must be a string")),
        };
        let mut result = Value::Null;
        match method {
            "SUBSCRIBE" => {
                let names = names()?;
                if self.names.len() + names.iter().filter(|n| !self.names.contains(*n)).count() > STREAMS_MAX {
                    return Err(invalid("too many streams, at most 1024 per connection"));
                }
                self.subscribe(names);
            }
            "UNSUBSCRIBE" => self.unsubscribe(&names()?),
            "LIST_SUBSCRIPTIONS" => result = json!(self.names),
            "GET_PROPERTY" => {
                property(1)?;
                result = json!(self.client.form().combined);
            }
            "SET_PROPERTY" => {
                property(2)?;
                let Some(combined) = params.get(1).and_then(Value::as_bool) else {
                    return Err((1, "Invalid value type: expected Boolean".to_owned()));
                };
                self.client.set_form(Form { combined, ..self.client.form() });
            }
            other => {
                let known = "`SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`";
                return Err(invalid(&format!("unknown variant `{other}`, expected one of {known}")));
            }
        }
        Ok(json!({ "result": result, "id": id }))
    }
}

fn is_valid_id(id: &Value) -> bool {
    match id {
        Value::Null => true,
        Value::Number(n) => n.is_i64() || n.is_u64(),
        Value::String(s) => s.len() <= 36 && s.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_'),
        _ => false,
    }
}

impl Talk for Conversation {
    fn hear(&mut self, text: &str) -> Reply {
        let answer = self.obey(text).unwrap_or_else(|(code, msg)| json!({ "code": code, "msg": msg }));
        Reply { say: vec![answer.to_string()], end: None }
    }

    fn leave(&mut self) {
        self.with(|exchange, _| exchange.leave(self.client.id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_real_clients_are_read() {
        let check = |url: &str, route, combined, micros, names: &[&str]| {
            let (path, query) = url.split_once('?').unwrap_or((url, ""));
            let asked = read_url(path, query).unwrap_or_else(|| panic!("{url}"));
            let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
            assert_eq!(asked, Asked { route, form: Form { combined, micros }, names }, "{url}");
        };
        use Route::{Market, Private, Public, Unrouted};
        check("/ws", Unrouted, false, false, &[]);
        check("/ws/0", Unrouted, false, false, &[]);
        check("/ws/btcusdt@depth", Unrouted, false, false, &["btcusdt@depth"]);
        check("/ws/a@trade/b@trade", Unrouted, false, false, &["a@trade", "b@trade"]);
        check("/stream?streams=", Unrouted, true, false, &[]);
        check("/stream?streams=a@trade/b@depth", Unrouted, true, false, &["a@trade", "b@depth"]);
        check("/stream?streams=a%40trade%2Fb%40depth", Unrouted, true, false, &["a@trade", "b@depth"]);
        check("/stream/7", Unrouted, true, false, &[]);
        check("/stream/ws/3", Unrouted, true, false, &[]);
        check("/public/ws/!bookTicker", Public, false, false, &["!bookTicker"]);
        check("/market/stream?streams=&x=1", Market, true, false, &[]);
        check("/private/stream", Private, true, false, &[]);
        check("/stream?timeUnit=MICROSECOND", Unrouted, true, true, &[]);
        check("/ws/btcusdt@trade?timeUnit=microsecond", Unrouted, false, true, &["btcusdt@trade"]);
        for url in ["/", "/api/v3/time", "/public", "/foo/ws"] {
            assert_eq!(read_url(url, ""), None, "{url}");
        }
    }
}
