//! The demo from outside: live books within seconds, served to `top`, recorded, and replayed to the same outputs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn fathometer(args: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fathometer"));
    command.args(args).current_dir(folder).stdin(Stdio::null());
    command
}

fn json(output: &[u8]) -> Value {
    serde_json::from_slice(output).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(output)))
}

/// A program that ends with the test, however that ends.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// GET over a plain socket.
fn get(address: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.starts_with("HTTP/1.1 200").then(|| body.to_owned())
}

#[test]
fn what_a_live_run_said_is_what_its_replay_says() {
    let here = tempfile::tempdir().unwrap();
    let run = [
        "demo",
        "--headless",
        "--seconds",
        "8",
        "--listen",
        "off",
        "--record",
        "tape",
        "--log-format",
        "json",
        "--fault",
        "gap:binance:BTCUSDT@2",
        "--fault",
        "cut:okx@4",
        "--fault",
        "duplicate:binance-usdm@3",
    ];
    let ran = fathometer(&run, here.path()).output().unwrap();
    assert_eq!(ran.status.code(), Some(0), "{}", String::from_utf8_lossy(&ran.stderr));
    let live = json(&ran.stdout);
    assert!(live["instruments"].as_array().unwrap().len() >= 8);
    let gaps: u64 = live["instruments"].as_array().unwrap().iter().map(|it| it["gaps"].as_u64().unwrap()).sum();
    assert!(gaps >= 1, "the fault was seen: {live}");
    assert_eq!(live["tape"]["whole"], true);

    let replay = |args: &[&str]| {
        let output = fathometer(&[&["replay", "tape"], args].concat(), here.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let replayed = json(&replay(&["--json"]));
    assert_eq!(replayed["output_hash"], live["output_hash"]);
    assert_eq!(replayed["frames"], live["frames"]);
    assert_eq!(replayed["instruments"], live["instruments"], "books, counters and hashes");

    let text = replay(&["--book", "binance:ETHUSDT"]);
    let told = live["instruments"].as_array().unwrap().iter().find(|it| it["id"] == "binance:ETHUSDT").unwrap();
    use sha2::Digest;
    let sha256: String = sha2::Sha256::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(told["book_sha256"], sha256.as_str());
    assert_eq!(told["valid"], true);
}

#[test]
fn a_demo_serves_what_top_reads_and_ends_when_asked_to() {
    let here = tempfile::tempdir().unwrap();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let run = ["demo", "--headless", "--listen", &address.to_string()];
    let demo = fathometer(&run, here.path()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut demo = Running(demo);
    let began = Instant::now();
    let health = loop {
        let health = get(address, "/health").map(|body| json(body.as_bytes()));
        match health {
            Some(health) if health["status"] == "ok" && health["symbols"].as_u64() >= Some(8) => break health,
            _ if began.elapsed() > Duration::from_secs(30) => panic!("no live books: {health:?}"),
            _ => std::thread::sleep(Duration::from_millis(100)),
        }
    };
    assert!(health["connections"].as_u64().unwrap() >= 4 && health["uptime_seconds"].as_f64().unwrap() > 0.0);
    // Ladders come on their own grid, a moment after the books.
    std::thread::sleep(Duration::from_secs(1));
    let view: fathometer::view::View = serde_json::from_str(&get(address, "/api/v1/view").unwrap()).unwrap();
    assert!(view.markets.iter().all(|market| !market.bids.is_empty()));
    let view: fathometer::view::View =
        serde_json::from_str(&get(address, "/api/v1/view?detail=okx:BTC-USDT").unwrap()).unwrap();
    assert_eq!(view.markets.iter().filter(|market| !market.bids.is_empty()).count(), 1);

    let terminate = Command::new("kill").args(["-TERM", &demo.0.id().to_string()]).status().unwrap();
    assert!(terminate.success());
    let mut told = String::new();
    demo.0.stdout.take().unwrap().read_to_string(&mut told).unwrap();
    assert_eq!(demo.0.wait().unwrap().code(), Some(0));
    assert!(told.contains("output hash"), "{told}");
}
