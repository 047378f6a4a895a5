//! What a demo and many instruments cost. The short version takes a minute; FATHOMETER_LONG=1 watches for three quarters of
//! an hour: half an hour is how long most of the past is kept.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may")]

use fathometer::health::Health;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Resident memory that a demo stays below, megabytes.
const DEMO_MB_MAX: f64 = 60.0;
/// The past of half an hour is kept second by second: from then on memory is flat.
const FILLED: Duration = Duration::from_secs(31 * 60);
/// What allocators may keep more after that, megabytes.
const GROWTH_MB_MAX: f64 = 3.0;

/// A child that does not outlive its test.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = (self.0.kill(), self.0.wait());
    }
}

fn fathometer(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fathometer"));
    command.args(args).stdin(Stdio::null()).stderr(Stdio::null());
    command
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn health(address: SocketAddr) -> Option<Health> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(stream, "GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
}

/// Waits until that many books are valid.
fn all_valid(address: SocketAddr, count: usize, seconds: u64) -> Health {
    let began = Instant::now();
    loop {
        let told = health(address);
        match told {
            Some(health) if health.symbols_live >= count => return health,
            _ if began.elapsed() > Duration::from_secs(seconds) => panic!("not valid after {seconds} s: {told:?}"),
            _ => std::thread::sleep(Duration::from_millis(200)),
        }
    }
}

#[test]
fn a_demo_stays_small_and_flat() {
    let long = std::env::var_os("FATHOMETER_LONG").is_some();
    let minutes = if long { 45.0 } else { 1.0 };
    let address = free_address();
    let _demo = Guard(
        fathometer(&["demo", "--headless", "--listen", &address.to_string()]).stdout(Stdio::null()).spawn().unwrap(),
    );
    all_valid(address, 9, 60);
    let began = Instant::now();
    let (mut most, mut filled) = (0.0f64, None);
    while began.elapsed().as_secs_f64() < minutes * 60.0 {
        std::thread::sleep(Duration::from_secs(2));
        let now = health(address).expect("the demo ended").memory_mb.expect("memory is told here");
        most = most.max(now);
        assert!(now < DEMO_MB_MAX, "{now:.1} MB after {:?}", began.elapsed());
        if began.elapsed() > FILLED {
            let filled = *filled.get_or_insert(now);
            assert!(now < filled + GROWTH_MB_MAX, "{now:.1} MB after {:?}, {filled:.1} MB before", began.elapsed());
        }
    }
    let last = health(address).unwrap();
    let _ = writeln!(std::io::stderr(), "demo: at most {most:.1} MB in {minutes} min; {last:?}");
    if !long {
        let _ = writeln!(std::io::stderr(), "three quarters of an hour of demo: NOT RUN (set FATHOMETER_LONG=1)");
    }
    assert_eq!(last.symbols_live, last.symbols, "{last:?}");
}

/// A small piece of what `tests/scale` measures: the engine keeps up with a hundred instruments over real sockets.
#[test]
fn a_hundred_instruments_are_kept_up_with() {
    const COUNT: usize = 100;
    let mut venue = fathometer(&["venue", "--simulate", "--instruments", &COUNT.to_string(), "--port", "0"]);
    let mut venue = Guard(venue.stdout(Stdio::piped()).spawn().unwrap());
    let mut told = String::new();
    let mut out = venue.0.stdout.take().unwrap();
    while !told.contains("faults") {
        let mut byte = [0; 256];
        let count = out.read(&mut byte).unwrap();
        assert!(count > 0, "the exchange ended: {told}");
        told += &String::from_utf8_lossy(&byte[..count]);
    }
    let url = told.lines().find_map(|line| line.trim().strip_prefix("binance-usdm")?.split_whitespace().next());
    let url = format!("binance-usdm={}", url.unwrap_or_else(|| panic!("no address: {told}")));
    let address = free_address();
    let symbols: Vec<String> = (1..=COUNT).map(|number| format!("binance-usdm:S{number:04}USDT")).collect();
    let mut run =
        fathometer(&["run", "--unlisted", "--headless", "--listen", &address.to_string(), "--venue-url", &url]);
    let _run = Guard(run.args(&symbols).stdout(Stdio::null()).spawn().unwrap());
    let first = all_valid(address, COUNT, 120);
    std::thread::sleep(Duration::from_secs(8));
    let last = health(address).unwrap();
    let _ = writeln!(std::io::stderr(), "{COUNT} instruments: {last:?}");
    assert_eq!(last.symbols_live, COUNT, "{last:?}");
    assert!(last.frames > first.frames + COUNT as u64 * 50, "{first:?} {last:?}");
    assert!(last.lag_ms_p99.unwrap() < 250.0, "{last:?}");
}
