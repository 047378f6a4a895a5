//! A tiny market, a WebSocket client, an HTTP client, and a client's book.

use fathometer_engine::instrument::{Contract, Instrument, Kind, Venue};
use fathometer_engine::units::{Decimal, Level, Nanos, Price, Scale, Side, Size};
use fathometer_venue::market::{Happening, Source, What};
use fathometer_venue::serve::{Options, Server, start};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message};

/// A market of a few listings whose books change about 400 times a second, deep enough to overflow OKX's 400 levels.
pub struct Tiny {
    listings: Vec<Instrument>,
    /// Nothing happens after the books are set.
    still: bool,
    state: u64,
    last: Option<Nanos>,
}

pub fn listing(venue: Venue, symbol: &str, base: &str, quote: &str, kind: Kind, contract: Contract) -> Instrument {
    Instrument {
        venue,
        symbol: symbol.to_owned(),
        base: base.to_owned(),
        quote: quote.to_owned(),
        kind,
        contract,
        tick: Some("0.1".parse().unwrap()),
        lot: Some(if matches!(contract, Contract::Inverse(_)) {
            "1".parse().unwrap()
        } else {
            "0.001".parse().unwrap()
        }),
        scale: Scale { price: 1, size: if matches!(contract, Contract::Inverse(_)) { 0 } else { 3 } },
        canonical: format!("{base}-{quote}"),
    }
}

pub fn tiny() -> Tiny {
    let decimal = |t: &str| t.parse::<Decimal>().unwrap();
    let (perp, spot) = (Kind::Perpetual, Kind::Spot);
    Tiny {
        listings: vec![
            listing(Venue::Binance, "BTCUSDT", "BTC", "USDT", spot, Contract::Base),
            listing(Venue::Binance, "ETHUSDT", "ETH", "USDT", spot, Contract::Base),
            listing(Venue::BinanceUsdm, "BTCUSDT", "BTC", "USDT", perp, Contract::Base),
            listing(Venue::BinanceUsdm, "ETHUSDT", "ETH", "USDT", perp, Contract::Base),
            listing(Venue::BinanceCoinm, "BTCUSD_PERP", "BTC", "USD", perp, Contract::Inverse(decimal("100"))),
            listing(Venue::Okx, "BTC-USDT", "BTC", "USDT", spot, Contract::Base),
            listing(Venue::Okx, "BTC-USDT-SWAP", "BTC", "USDT", perp, Contract::Linear(decimal("0.01"))),
        ],
        still: false,
        state: 1,
        last: None,
    }
}

pub fn still() -> Tiny {
    Tiny { still: true, ..tiny() }
}

const MID: i64 = 600_000;

impl Tiny {
    fn random(&mut self, below: u64) -> i64 {
        self.state = self.state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.state >> 33) % below) as i64
    }
}

impl Source for Tiny {
    fn listings(&self) -> &[Instrument] {
        &self.listings
    }

    fn advance(&mut self, until: Nanos, out: &mut Vec<Happening>) -> bool {
        let Some(mut at) = self.last else {
            for listing in 0..self.listings.len() {
                let side = |sign: i64| -> Vec<Level> {
                    (1..=450).map(|i| Level { price: Price(MID + sign * i * 2), size: Size(1000 + i) }).collect()
                };
                let what = What::Book { bids: side(-1), asks: side(1) };
                out.push(Happening { at: until, listing, what });
                for what in [
                    What::Mark("60000.12".parse().unwrap()),
                    What::Index("60001.5".parse().unwrap()),
                    What::OpenInterest("12345.6".parse().unwrap()),
                    What::Funding { rate: "0.0001".parse().unwrap(), next: until.plus(3_600_000_000_000) },
                ] {
                    out.push(Happening { at: until, listing, what });
                }
            }
            self.last = Some(until);
            return true;
        };
        while !self.still && at.plus(2_500_000) <= until {
            at = at.plus(2_500_000);
            for listing in 0..self.listings.len() {
                let (buys, offset, size) = (self.random(2) == 0, 1 + self.random(900), self.random(5) * 500);
                let (side, sign) = if buys { (Side::Bid, -1) } else { (Side::Ask, 1) };
                // Mostly near the touch.
                let offset = if self.random(3) == 0 { offset } else { 1 + offset % 12 };
                let level = Level { price: Price(MID + sign * offset), size: Size(size) };
                out.push(Happening { at, listing, what: What::Level(side, level) });
                if self.random(5) == 0 {
                    let (taker_order, size) = (self.state, Size(250));
                    for _ in 0..2 {
                        let what = What::Trade { price: Price(MID + 1), size, taker_buy: true, taker_order };
                        out.push(Happening { at, listing, what });
                    }
                }
                if self.random(80) == 0 {
                    let what = What::Liquidation { price: Price(MID - 5), size: Size(1 + size), buy: false };
                    out.push(Happening { at, listing, what });
                }
            }
        }
        self.last = Some(at);
        true
    }
}

pub fn options() -> Options {
    Options { tls: false, ..Options::default() }
}

pub async fn serve(options: Options) -> Server {
    start(Box::new(tiny()), options).await.unwrap()
}

/// Base addresses without scheme: `127.0.0.1:port`.
pub fn host(server: &Server, venue: Venue) -> String {
    server.address(venue).unwrap().plain.rest.strip_prefix("http://").unwrap().to_owned()
}

pub struct Ws(pub WebSocketStream<TcpStream>);

impl Ws {
    pub async fn open(host: &str, path: &str) -> Ws {
        Ws::try_open(host, path).await.unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    pub async fn try_open(host: &str, path: &str) -> Result<Ws, Error> {
        let stream = TcpStream::connect(host).await?;
        Ok(Ws(tokio_tungstenite::client_async(format!("ws://{host}{path}"), stream).await?.0))
    }

    pub async fn say(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    /// The next message within three seconds, whatever it is; `None` when none comes or the connection ended.
    pub async fn hear(&mut self) -> Option<Message> {
        self.hear_within(3000).await
    }

    pub async fn hear_within(&mut self, millis: u64) -> Option<Message> {
        tokio::time::timeout(Duration::from_millis(millis), self.0.next()).await.ok()??.ok()
    }

    /// The next text message.
    pub async fn text(&mut self) -> String {
        loop {
            match self.hear().await {
                Some(Message::Text(text)) => return text.as_str().to_owned(),
                Some(Message::Ping(_) | Message::Pong(_)) => {}
                other => panic!("a text was expected, not {other:?}"),
            }
        }
    }

    pub async fn json(&mut self) -> Value {
        let text = self.text().await;
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
    }

    /// The next message of which `wanted` is true.
    pub async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..2000 {
            let json = self.json().await;
            if wanted(&json) {
                return json;
            }
        }
        panic!("it did not come");
    }

    /// Everything until the connection ends; the close code, if there was one.
    pub async fn drain(&mut self) -> Option<u16> {
        let end = tokio::time::timeout(Duration::from_secs(5), async {
            while let Some(Ok(message)) = self.0.next().await {
                if let Message::Close(frame) = message {
                    return frame.map(|f| f.code.into());
                }
            }
            None
        });
        end.await.expect("the connection did not end")
    }
}

pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let line = self.head.lines().find(|l| l.to_ascii_lowercase().starts_with(&format!("{name}:")))?;
        line.split_once(':').map(|(_, value)| value.trim())
    }
}

pub async fn http(host: &str, method: &str, path: &str, body: &str) -> Reply {
    let mut stream = TcpStream::connect(host).await.unwrap();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Reply { status, head: head.to_owned(), body: body.to_owned() }
}

pub async fn get(host: &str, path: &str) -> Value {
    let reply = http(host, "GET", path, "").await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.body);
    reply.json()
}

/// A client's book, keyed by numbers, so that the venue's own way of writing them does not matter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClientBook {
    pub bids: BTreeMap<i64, String>,
    pub asks: BTreeMap<i64, String>,
}

impl ClientBook {
    /// Sets levels from `[[price, size, ..], ..]`.
    pub fn apply(&mut self, bids: &Value, asks: &Value) {
        for (levels, side) in [(bids, &mut self.bids), (asks, &mut self.asks)] {
            for level in levels.as_array().unwrap() {
                let price: Decimal = level[0].as_str().unwrap().parse().unwrap();
                let size: Decimal = level[1].as_str().unwrap().parse().unwrap();
                let price = price.at(1).unwrap();
                if size == Decimal::ZERO {
                    side.remove(&price);
                } else {
                    side.insert(price, size.to_string());
                }
            }
        }
    }

    pub fn from(json: &Value) -> Self {
        let mut book = ClientBook::default();
        book.apply(&json["bids"], &json["asks"]);
        book
    }

    /// Only the best `levels` of each side.
    pub fn top(mut self, levels: usize) -> Self {
        let skip = self.bids.len().saturating_sub(levels);
        self.bids = self.bids.into_iter().skip(skip).collect();
        self.asks = self.asks.into_iter().take(levels).collect();
        self
    }
}

/// The venue's true book at an update id.
pub async fn truth(server: &Server, venue: Venue, symbol: &str, id: u64) -> ClientBook {
    let control = server.control_url().strip_prefix("http://").unwrap().to_owned();
    let json = get(&control, &format!("/book?venue={}&symbol={symbol}&at={id}", venue.name())).await;
    assert_eq!(json["update_id"], id);
    ClientBook::from(&json)
}
