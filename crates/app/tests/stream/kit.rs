//! A demo that is served in this process, readers of it, and a ladder as a reader keeps it.

use fathometer::api::{Api, server};
use fathometer::cli::serve::ServeArgs;
use fathometer::cli::shared::NetworkArgs;
use fathometer::config::{Config, Sources};
use fathometer::live::state::State;
use fathometer::live::{Live, plan};
use fathometer::view::Mode;
use fathometer_edge::clock;
use fathometer_engine::engine;
use fathometer_engine::units::Decimal;
use fathometer_venue::market::Source as _;
use fathometer_venue::serve::{self, Server};
use fathometer_venue::sim::{self, Regime, Simulation, demo_listings};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::Runtime;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

pub(crate) const ID: &str = "binance:BTCUSDT";

/// A demo that is served, in this process.
pub(crate) struct Demo {
    pub(crate) runtime: Runtime,
    pub(crate) venue: Server,
    pub(crate) live: Option<Live>,
    pub(crate) address: SocketAddr,
    pub(crate) stop: CancellationToken,
}

impl Demo {
    pub(crate) fn start() -> Demo {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listings = demo_listings();
        let simulation =
            Simulation::new(sim::Options { seed: 3, start: clock::now(), listings, regime: Regime::Cycle, rate: 1.0 });
        let markets: Vec<_> = simulation.listings().iter().map(|l| (l.venue, l.symbol.clone())).collect();
        let serving = serve::Options { tls: false, ..serve::Options::default() };
        let venue = runtime.block_on(serve::start(Box::new(simulation), serving)).unwrap();
        let mut config = Config::load(Sources::default()).unwrap();
        for address in venue.addresses() {
            plan::redirect(&mut config, address.venue, address.plain.clone());
        }
        let groups = plan::groups(&config, &NetworkArgs::default(), &markets, 0).unwrap();
        let config = engine::Config { instruments: markets, ..engine::Config::default() };
        let live = Live::start(Mode::Demo { seed: 3 }, config, groups, None, None, runtime.handle()).unwrap();
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut bound = runtime.block_on(server::bind(anywhere, &ServeArgs::default())).unwrap();
        let address = bound.url().unwrap().trim_start_matches("http://").parse().unwrap();
        let (stop, access) = (CancellationToken::new(), std::mem::take(&mut bound.access));
        runtime.spawn(server::serve(bound, Arc::new(Api::new(live.state.clone(), access)), stop.clone()));
        let demo = Demo { runtime, venue, live: Some(live), address, stop };
        let began = Instant::now();
        while demo.state().health().symbols_live < demo_listings().len() {
            assert!(began.elapsed() < Duration::from_secs(60), "{:?}", demo.state().health());
            std::thread::sleep(Duration::from_millis(50));
        }
        demo
    }

    pub(crate) fn state(&self) -> &Arc<State> {
        &self.live.as_ref().unwrap().state
    }

    pub(crate) fn end(mut self) {
        let live = self.live.take().unwrap();
        live.state.end();
        self.stop.cancel();
        live.stop(self.runtime.handle()).unwrap();
        self.runtime.block_on(self.venue.stop());
        self.runtime.shutdown_timeout(Duration::from_secs(1));
    }
}

/// A reader.
pub(crate) struct Reader {
    pub(crate) socket: WebSocketStream<TcpStream>,
}

impl Reader {
    pub(crate) async fn open(address: SocketAddr, path: &str) -> Reader {
        Reader::open_with(address, path, None).await
    }

    /// With a small receive buffer, so that standing still is felt soon.
    pub(crate) async fn open_with(address: SocketAddr, path: &str, receive_bytes: Option<u32>) -> Reader {
        let socket = TcpSocket::new_v4().unwrap();
        if let Some(bytes) = receive_bytes {
            socket.set_recv_buffer_size(bytes).unwrap();
        }
        let stream = socket.connect(address).await.unwrap();
        let (socket, answer) = tokio_tungstenite::client_async(format!("ws://{address}{path}"), stream).await.unwrap();
        assert_eq!(answer.status(), 101);
        Reader { socket }
    }

    /// Connected, greeted.
    pub(crate) async fn greeted(address: SocketAddr, query: &str) -> Reader {
        let mut reader = Reader::open(address, &format!("/api/v1/stream{query}")).await;
        assert_eq!(reader.text().await["type"], "hello");
        reader
    }

    pub(crate) async fn say(&mut self, what: &Value) {
        self.socket.send(Message::text(what.to_string())).await.unwrap();
    }

    pub(crate) async fn next(&mut self) -> Message {
        let next = tokio::time::timeout(Duration::from_secs(20), self.socket.next()).await;
        next.expect("nothing came for 20 s").expect("the connection ended").unwrap()
    }

    pub(crate) async fn text(&mut self) -> Value {
        loop {
            match self.next().await {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) => {}
                other => panic!("no text: {other:?}"),
            }
        }
    }

    pub(crate) async fn subscribe(&mut self, id: u64, kind: &str, more: Value) {
        let mut wish = json!({ "op": "subscribe", "id": id, "kind": kind, "instruments": [ID] });
        wish.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.say(&wish).await;
        // Updates of other subscriptions may come in between.
        loop {
            match self.next().await {
                Message::Text(text) => {
                    let told: Value = serde_json::from_str(&text).unwrap();
                    if told["type"] != "update" {
                        assert_eq!((&told["type"], &told["id"]), (&json!("subscribed"), &json!(id)), "{told}");
                        return;
                    }
                }
                Message::Binary(_) | Message::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub(crate) async fn refused(&mut self, what: &Value) -> Value {
        self.say(what).await;
        let told = self.text().await;
        assert_eq!(told["type"], "error", "{told}");
        assert!(told["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty()), "{told}");
        told
    }
}

/// A ladder as a reader keeps it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Ladder {
    pub(crate) sequence: u64,
    pub(crate) last_update_id: i64,
    pub(crate) sides: [BTreeMap<String, String>; 2],
}

impl Ladder {
    /// Takes an update in; a hole without a snapshot is an error.
    pub(crate) fn take(&mut self, told: &Value) {
        let sequence = told["sequence"].as_u64().unwrap();
        if told["snapshot"] == true {
            self.sides = Default::default();
        } else {
            assert_eq!(sequence, self.sequence + 1, "a hole: {told}");
        }
        self.sequence = sequence;
        self.last_update_id = told["last_update_id"].as_i64().unwrap();
        for (side, name) in self.sides.iter_mut().zip(["bids", "asks"]) {
            for level in told[name].as_array().unwrap() {
                let (price, size) = (level[0].as_str().unwrap(), level[1].as_str().unwrap());
                match size.parse::<Decimal>().unwrap().mantissa {
                    0 => assert!(side.remove(price).is_some(), "{price} was not there"),
                    _ => assert_ne!(side.insert(price.into(), size.into()).as_deref(), Some(size), "told twice"),
                }
            }
        }
    }
}
