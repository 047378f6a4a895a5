//! Many WebSocket readers of one server, and how long updates take to reach them. `tests/readers` runs it.
//!
//!   readers HOST:PORT [READERS] [SECONDS] [RATE_HZ]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measuring tool stops at the first surprise"
)]

use fathometer_edge::clock;
use futures_util::{SinkExt, StreamExt};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// Handshakes a second: the server takes 200 requests a second from one address.
const OPENED_PER_SECOND: u64 = 150;
const IDS: [&str; 8] = [
    "binance:BTCUSDT",
    "binance:ETHUSDT",
    "binance-usdm:BTCUSDT",
    "binance-usdm:ETHUSDT",
    "okx:BTC-USDT",
    "okx:ETH-USDT",
    "okx:BTC-USDT-SWAP",
    "okx:ETH-USDT-SWAP",
];

/// One update as one reader had it.
struct Got {
    /// Kind and instrument, as the head of the frame has them.
    topic: u64,
    sequence: u64,
    /// Receive time of the newest frame in it, ns.
    at: i64,
    /// When it was here, ns.
    here: i64,
    bytes: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let address: SocketAddr =
        arguments.first().expect("readers HOST:PORT [READERS] [SECONDS] [RATE_HZ]").parse().unwrap();
    let number = |index: usize, or: u64| arguments.get(index).map_or(or, |text| text.parse().unwrap());
    let (count, seconds, rate) = (number(1, 1_000), number(2, 30), number(3, 10));

    // Two who do not behave.
    let still = open(address, 0, 20, "json").await;
    let mut slow = open(address, 1, 20, "json").await;
    tokio::spawn(async move {
        let mut byte = [0];
        while matches!(slow.get_mut().read(&mut byte).await, Ok(1)) {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });

    let begin = tokio::sync::watch::Sender::new(0i64);
    let mut readers = Vec::new();
    for index in 0..count {
        let mut socket = open(address, index as usize, rate, "binary").await;
        let mut begun = begin.subscribe();
        readers.push(tokio::spawn(async move {
            let mut got = Vec::new();
            let mut until = i64::MAX;
            loop {
                tokio::select! {
                    message = socket.next() => match message {
                        Some(Ok(Message::Binary(frame))) if *begun.borrow() > 0 => {
                            let number = |at: usize| u64::from_le_bytes(frame[at..at + 8].try_into().unwrap());
                            // Without flags and validity: version, kind and instrument.
                            let topic = number(0) & 0xffff_ffff_0000_ffff;
                            let (sequence, at) = (number(8), number(16) as i64);
                            let here = clock::now().0;
                            if here > until {
                                break;
                            }
                            got.push(Got { topic, sequence, at, here, bytes: frame.len() });
                        }
                        Some(Ok(Message::Text(text))) if text.contains("conflated") => panic!("a reader was too slow: {text}"),
                        Some(Ok(_)) => {}
                        other => panic!("a reader lost its connection: {other:?}"),
                    },
                    _ = begun.changed() => until = *begun.borrow() + seconds as i64 * 1_000_000_000,
                }
            }
            got
        }));
        tokio::time::sleep(Duration::from_millis(1_000 / OPENED_PER_SECOND)).await;
    }
    println!("{count} readers are connected");
    tokio::time::sleep(Duration::from_secs(3)).await;
    println!("begin"); // what the script measures begins here
    begin.send_replace(clock::now().0);
    let mut all = Vec::new();
    for reader in readers {
        all.extend(reader.await.unwrap());
    }
    println!("end");
    drop(still);
    tell(&all, seconds);
}

async fn open(address: SocketAddr, index: usize, rate: u64, format: &str) -> WebSocketStream<TcpStream> {
    let stream = TcpStream::connect(address).await.unwrap();
    let url = format!("ws://{address}/api/v1/stream?format={format}");
    let (mut socket, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
    let id = IDS[index % IDS.len()];
    for (number, kind) in ["book", "metrics"].into_iter().enumerate() {
        let wish =
            format!(r#"{{"op":"subscribe","id":{number},"kind":"{kind}","instruments":["{id}"],"rate_hz":{rate}}}"#);
        socket.send(Message::text(wish)).await.unwrap();
    }
    socket
}

fn tell(all: &[Got], seconds: u64) {
    let mut first: HashMap<(u64, u64), i64> = HashMap::new();
    for got in all {
        let at = first.entry((got.topic, got.sequence)).or_insert(got.here);
        *at = got.here.min(*at);
    }
    let quantiles = |mut millis: Vec<f64>| {
        millis.sort_by(f64::total_cmp);
        let at = |share: f64| {
            millis.get(((millis.len() as f64 * share) as usize).min(millis.len() - 1)).copied().unwrap_or(0.0)
        };
        format!("median {:.1} ms, p99 {:.1} ms, most {:.1} ms", at(0.5), at(0.99), at(1.0))
    };
    let bytes: usize = all.iter().map(|got| got.bytes).sum();
    let rate = all.len() as f64 / seconds as f64;
    println!("updates/s {rate:.0}, {:.1} MB/s, {} different ones", bytes as f64 / seconds as f64 / 1e6, first.len());
    let is_book = |got: &&Got| (got.topic >> 8) & 0xff == 2;
    let age = |got: &Got| (got.here - got.at) as f64 / 1e6;
    println!(
        "from the exchange's frame to the reader (book): {}",
        quantiles(all.iter().filter(is_book).map(age).collect())
    );
    let after = |got: &Got| (got.here - first[&(got.topic, got.sequence)]) as f64 / 1e6;
    println!("after the first reader who had it: {}", quantiles(all.iter().map(after).collect()));
}
