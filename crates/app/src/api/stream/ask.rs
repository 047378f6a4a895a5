//! What readers say, and what they are told when it cannot be done.

use super::kind::{DEPTH, DEPTH_MAX, Kind, RATES_HZ};
use crate::api::problem::Problem;
use crate::nearest::nearest;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

/// Subscriptions of one reader.
pub const SUBSCRIPTIONS_MAX: usize = 256;
/// Topics of one reader: instruments of all its subscriptions.
pub const READER_TOPICS_MAX: usize = 4_096;
/// A reader's message, bytes.
pub const MESSAGE_BYTES_MAX: usize = 64 << 10;
/// A reader's messages, per second, after a burst.
pub const MESSAGES_PER_SECOND: f64 = 20.0;
/// A reader's messages at once.
pub const MESSAGES_BURST: f64 = 100.0;

/// What a reader says.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum Ask {
    /// To be told of something.
    Subscribe(Wish),
    /// No longer.
    Unsubscribe {
        /// By which number it was asked for.
        id: u64,
    },
    /// Is anybody there?
    Ping,
}

/// What is to be told.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// The reader's own number for it.
    pub id: u64,
    /// One of the kinds.
    pub kind: String,
    /// Names, or `*` for all; not for kinds without instrument.
    pub instruments: Option<Names>,
    /// How often at most, per second.
    pub rate_hz: Option<u32>,
    /// Levels a side, of books.
    pub depth: Option<usize>,
}

/// Instruments.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Names {
    /// `*`, or one.
    One(String),
    /// Each by its name.
    Many(Vec<String>),
}

/// A wish that makes sense by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Meant {
    /// What.
    pub kind: Kind,
    /// How often at most, per second.
    pub rate_hz: u32,
    /// Levels a side; 0 where there are none.
    pub depth: usize,
    /// Names; `None` for all, or where there is none.
    pub names: Option<Vec<String>>,
}

impl Ask {
    /// Reads a message.
    ///
    /// # Errors
    /// It is no JSON of the form that is understood; with the number that it carries, if it does.
    pub fn read(text: &str) -> Result<Ask, (Option<u64>, Problem)> {
        serde_json::from_str(text).map_err(|error| {
            let id = serde_json::from_str::<Value>(text).ok().and_then(|value| value.get("id")?.as_u64());
            let remedy = r#"say {"op":"subscribe","id":1,"kind":"book","instruments":["binance:BTCUSDT"],"rate_hz":10}, {"op":"unsubscribe","id":1} or {"op":"ping"}"#;
            (id, Problem::malformed(format!("the message cannot be understood: {error}"), remedy))
        })
    }
}

impl Wish {
    /// What is meant by it.
    ///
    /// # Errors
    /// Kind, rate, depth or instruments make no sense; what would is said.
    pub fn meant(&self) -> Result<Meant, Problem> {
        let kind = Kind::from_name(&self.kind).ok_or_else(|| unknown_kind(&self.kind))?;
        let asked = self.rate_hz.unwrap_or(RATES_HZ[1]);
        if !RATES_HZ.contains(&asked) {
            let remedy = "rate_hz is 20, 10, 5, 2 or 1";
            return Err(Problem::malformed(format!("rate_hz is {asked}"), remedy));
        }
        let depth = match (kind, self.depth) {
            (Kind::Book, depth) => depth.unwrap_or(DEPTH),
            (_, None) => 0,
            (_, Some(_)) => {
                return Err(Problem::malformed(format!("`{}` has no depth", kind.name()), "only `book` has a depth"));
            }
        };
        if depth > DEPTH_MAX || (kind == Kind::Book && depth == 0) {
            return Err(Problem::malformed(format!("depth is {depth}"), "depth is between 1 and 200"));
        }
        let names = match (kind.has_instrument(), &self.instruments) {
            (false, None) => None,
            (false, Some(Names::One(all))) if all == "*" => None,
            (false, Some(_)) => {
                let detail = format!("`{}` is not of an instrument", kind.name());
                return Err(Problem::malformed(detail, "leave `instruments` out"));
            }
            (true, None) => {
                let detail = format!("`{}` is of instruments, and none is named", kind.name());
                return Err(Problem::malformed(detail, r#"name them, or say "instruments":"*" for all"#));
            }
            (true, Some(Names::One(all))) if all == "*" => None,
            (true, Some(Names::One(one))) => Some(vec![one.clone()]),
            (true, Some(Names::Many(many))) if many.iter().any(|name| name == "*") => None,
            (true, Some(Names::Many(many))) if many.is_empty() || many.len() > READER_TOPICS_MAX => {
                let detail = format!("{} instruments are named", many.len());
                return Err(Problem::malformed(detail, r#"name at least one, or say "instruments":"*" for all"#));
            }
            (true, Some(Names::Many(many))) => Some(many.clone()),
        };
        Ok(Meant { kind, rate_hz: asked.min(kind.rate_hz_max()), depth, names })
    }
}

fn unknown_kind(name: &str) -> Problem {
    let shown: String = name.chars().take(40).collect();
    let near = nearest(&shown, Kind::ALL.map(Kind::name), 1).into_iter().map(str::to_owned).collect();
    Problem::malformed(
        format!("there is no kind `{shown}`"),
        "kinds are metrics, book, trades, relief, status, profile, fault, alerts, clock, latency and system",
    )
    .meaning(near)
}

/// A number that is in use, or an instrument that is told already.
pub fn taken(detail: String) -> Problem {
    let remedy = "unsubscribe the other one first: updates do not say to which subscription they belong";
    Problem::new(StatusCode::CONFLICT, "subscribed-already", "That is subscribed to already", detail, remedy)
}

/// More than one reader may have.
pub fn too_many(detail: String) -> Problem {
    let remedy = "unsubscribe what is no longer read; `limits` of the hello message tells how much there may be";
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too-many-subscriptions",
        "That is more than one reader may have",
        detail,
        remedy,
    )
}

/// A refusal as a message.
pub fn refusal(id: Option<u64>, problem: &Problem) -> String {
    let mut told = json!({
        "type": "error", "id": id, "problem": problem.kind, "title": problem.title, "status": problem.status,
        "detail": problem.detail, "remedy": problem.remedy,
    });
    if let (false, Some(object)) = (problem.candidates.is_empty(), told.as_object_mut()) {
        object.insert("candidates".to_owned(), json!(problem.candidates));
    }
    told.to_string()
}

/// How many messages a reader may send now: so many a second, after a burst.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    left: f64,
    at: f64,
}

impl Allowance {
    /// The whole burst.
    pub fn new(now_seconds: f64) -> Self {
        Allowance { left: MESSAGES_BURST, at: now_seconds }
    }

    /// Takes one; whether there was one.
    pub fn take(&mut self, now_seconds: f64) -> bool {
        self.left = (self.left + (now_seconds - self.at).max(0.0) * MESSAGES_PER_SECOND).min(MESSAGES_BURST);
        self.at = now_seconds;
        self.left -= 1.0;
        self.left >= 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(text: &str) -> Result<Meant, String> {
        match Ask::read(text) {
            Ok(Ask::Subscribe(wish)) => {
                wish.meant().map_err(|problem| format!("{} {}", problem.detail, problem.remedy))
            }
            Ok(other) => Err(format!("{other:?}")),
            Err((id, problem)) => Err(format!("{id:?} {}", problem.detail)),
        }
    }

    #[test]
    fn wishes_are_understood() {
        let book = meant(r#"{"op":"subscribe","id":1,"kind":"book","instruments":["a","b"],"rate_hz":20,"depth":100}"#);
        let names = Some(vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(book, Ok(Meant { kind: Kind::Book, rate_hz: 20, depth: 100, names }));
        let all = meant(r#"{"op":"subscribe","id":1,"kind":"status","instruments":"*","rate_hz":20}"#);
        assert_eq!(all, Ok(Meant { kind: Kind::Status, rate_hz: 5, depth: 0, names: None }));
        let clock = meant(r#"{"op":"subscribe","id":1,"kind":"clock"}"#);
        assert_eq!(clock, Ok(Meant { kind: Kind::Clock, rate_hz: 1, depth: 0, names: None }));
        assert_eq!(Ask::read(r#"{"op":"ping"}"#), Ok(Ask::Ping));
        assert_eq!(Ask::read(r#"{"op":"unsubscribe","id":7}"#), Ok(Ask::Unsubscribe { id: 7 }));
    }

    #[test]
    fn nonsense_is_refused_with_what_would_do() {
        for (text, part) in [
            ("{", "cannot be understood"),
            (r#"{"op":"subscrib","id":4}"#, "Some(4)"),
            (r#"{"op":"subscribe","id":1,"kind":"boook","instruments":"*"}"#, "no kind `boook` kinds are"),
            (r#"{"op":"subscribe","id":1,"kind":"book"}"#, "none is named"),
            (r#"{"op":"subscribe","id":1,"kind":"book","instruments":[]}"#, "0 instruments"),
            (r#"{"op":"subscribe","id":1,"kind":"book","instruments":"*","rate_hz":7}"#, "20, 10, 5, 2 or 1"),
            (r#"{"op":"subscribe","id":1,"kind":"book","instruments":"*","depth":201}"#, "between 1 and 200"),
            (r#"{"op":"subscribe","id":1,"kind":"book","instruments":"*","depth":0}"#, "between 1 and 200"),
            (r#"{"op":"subscribe","id":1,"kind":"trades","instruments":"*","depth":5}"#, "only `book`"),
            (r#"{"op":"subscribe","id":1,"kind":"fault","instruments":["x"]}"#, "not of an instrument"),
            (r#"{"op":"subscribe","id":1,"kind":"book","instruments":"*","dept":5}"#, "unknown field `dept`"),
            (r#"{"op":"subscribe","id":-1,"kind":"clock"}"#, "cannot be understood"),
        ] {
            let told = meant(text).unwrap_err();
            assert!(told.contains(part), "{text}: {told}");
        }
    }

    #[test]
    fn messages_are_limited_after_a_burst() {
        let mut allowance = Allowance::new(10.0);
        assert_eq!((0..200).filter(|_| allowance.take(10.0)).count(), 100);
        let mut allowance = Allowance::new(0.0);
        assert!((0..1_000).all(|n| allowance.take(f64::from(n) / MESSAGES_PER_SECOND)));
    }
}
