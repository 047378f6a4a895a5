//! What the server refuses: wrong hosts, foreign pages, missing tokens, too much, too long, nonsense.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "common/api.rs"]
mod api;

use api::{KNOWN, Rig};
use fathometer::api::limits::Limits;
use fathometer::cli::serve::{Secret, ServeArgs};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

const TOKEN: &str = "a-token-of-good-length";

fn with_token() -> Rig {
    let args = ServeArgs { token: Some(Secret(TOKEN.into())), ..ServeArgs::default() };
    Rig::with(args, Limits::default())
}

fn with_limits(limits: Limits) -> Rig {
    Rig::with(ServeArgs::default(), limits)
}

#[test]
fn a_name_that_somebody_else_points_here_gets_nothing() {
    let rig = Rig::new();
    for host in ["evil.example", "evil.example:8050", "127.0.0.1.evil.example", "user@127.0.0.1", "192.168.0.1"] {
        let answer = rig.ask("GET", "/health", &[("Host", host)], b"");
        assert_eq!((answer.status, answer.problem().as_str()), (421, "host"), "{host}");
        let answer = rig.upgrade("/api/v1/stream", &[("Host", host)]);
        assert_eq!(answer.status, 421, "{host}");
    }
    for host in ["localhost", "127.0.0.1", "[::1]:8050", "LOCALHOST:1"] {
        assert_eq!(rig.ask("GET", "/health", &[("Host", host)], b"").status, 200, "{host}");
    }
    let none = rig.raw(b"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert_eq!((none.status, none.problem().as_str()), (400, "malformed"));
    let absolute = rig.ask("GET", "http://evil.example/health", &[("Host", "localhost")], b"");
    assert_eq!(absolute.status, 421);
}

#[test]
fn pages_of_other_sites_get_nothing_and_open_no_websocket() {
    let rig = Rig::new();
    for origin in ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost.evil.example"] {
        let answer = rig.ask("GET", "/api/v1/instruments", &[("Origin", origin)], b"");
        assert_eq!((answer.status, answer.problem().as_str()), (403, "origin"), "{origin}");
        assert_eq!(answer.header("access-control-allow-origin"), None);
        for path in ["/api/v1/stream".to_owned(), format!("/ws/{KNOWN}")] {
            assert_eq!(rig.upgrade(&path, &[("Origin", origin)]).status, 403, "{origin} {path}");
        }
        let post = rig.ask("POST", "/api/v1/replay", &[("Origin", origin)], b"{\"action\":\"close\"}");
        assert_eq!(post.status, 403);
    }
    let cross = [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "no-cors"), ("Sec-Fetch-Dest", "script")];
    assert_eq!(rig.ask("GET", "/api/v1/instruments", &cross, b"").problem(), "origin");
    let own = format!("http://{}", rig.address);
    let answer = rig.ask("GET", "/api/v1/instruments", &[("Origin", &own)], b"");
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, None));
}

#[test]
fn a_listed_page_may_ask_and_only_that() {
    let args = ServeArgs { allow_origin: vec!["https://desk.example".into()], ..ServeArgs::default() };
    let rig = Rig::with(ServeArgs { token: Some(Secret(TOKEN.into())), ..args }, Limits::default());
    let preflight = [("Origin", "https://desk.example"), ("Access-Control-Request-Method", "GET")];
    let answer = rig.ask("OPTIONS", "/api/v1/instruments", &preflight, b"");
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, Some("https://desk.example")));
    assert!(answer.header("access-control-allow-headers").unwrap().contains("authorization"));
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    let bearer = format!("Bearer {TOKEN}");
    let asked = [("Origin", "https://desk.example"), ("Authorization", bearer.as_str())];
    let answer = rig.ask("GET", "/api/v1/instruments", &asked, b"");
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some("https://desk.example")));
    let foreign = [("Origin", "https://desk.example.evil"), ("Access-Control-Request-Method", "GET")];
    assert_eq!(rig.ask("OPTIONS", "/api/v1/instruments", &foreign, b"").status, 403);
}

#[test]
fn without_the_token_nothing_is_told() {
    let rig = with_token();
    let described = rig.get("/api/v1/openapi.json").json();
    for path in described["paths"].as_object().unwrap().keys() {
        let path = path.replace("{id}", KNOWN).replace("{symbol}", KNOWN).replace("{canonical}", "BTC-USDT");
        let answer = rig.get(&path);
        assert_eq!((answer.status, answer.problem().as_str()), (401, "token"), "{path}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
    for path in ["/api/v1/nowhere", "/metrics", "/api/v1/stream", "/assets/../health", "//health", "/HEALTH"] {
        let answer = rig.get(path);
        assert!(matches!(answer.status, 401 | 404), "{path}: {answer:?}");
    }
    for wrong in ["Bearer a-token-of-good-lengtH", "Bearer a-token-of-good-lengt", "Bearer", "Basic YTpi", TOKEN] {
        assert_eq!(rig.ask("GET", "/health", &[("Authorization", wrong)], b"").status, 401, "{wrong}");
    }
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(rig.ask("GET", "/health", &[("Authorization", &bearer)], b"").status, 200);
    assert_eq!(rig.get("/api/v1/docs").status, 200, "the page itself tells nothing");
    assert_eq!(rig.upgrade("/api/v1/stream", &[]).status, 401);
    assert_eq!(rig.upgrade("/api/v1/stream?token=wrong-wrong-wrong", &[]).status, 401);
    assert_ne!(rig.upgrade(&format!("/api/v1/stream?token={TOKEN}"), &[]).status, 401);
    let offer = format!("fathometer, token.{TOKEN}");
    assert_ne!(rig.upgrade("/api/v1/stream", &[("Sec-WebSocket-Protocol", &offer)]).status, 401);
}

#[test]
fn an_address_that_others_reach_is_not_served_by_accident() {
    for address in ["0.0.0.0:0", "[::]:0"] {
        let run = ["demo", "--headless", "--seconds", "1", "--listen", address];
        let output = Command::new(env!("CARGO_BIN_EXE_fathometer")).args(run).env_remove("FATHOMETER_TOKEN").output();
        let output = output.unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains("--token-file") && told.contains("--insecure"), "{told}");
    }
}

#[test]
fn too_much_at_once_is_refused_and_told_when_to_come_back() {
    // This machine's own programs may ask ten times as much.
    let rig = with_limits(Limits { requests_per_second: 1, requests_burst: 1, ..Limits::default() });
    let answers: Vec<_> = (0..40).map(|_| rig.get("/health")).collect();
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert!(refused.len() >= 10, "{} of 40 were refused", refused.len());
    assert_eq!((refused[0].problem().as_str(), refused[0].header("retry-after")), ("too-many", Some("1")));
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(rig.get("/health").status, 200);
}

#[test]
fn what_is_too_long_is_refused() {
    let rig =
        with_limits(Limits { body_bytes_max: 1_000, head_bytes_max: 4_000, headers_max: 20, ..Limits::default() });
    let long = rig.ask("POST", "/api/v1/replay", &[("Content-Type", "application/json")], &[b'x'; 1_001]);
    assert_eq!((long.status, long.problem().as_str()), (413, "too-long"));
    let declared =
        format!("POST /api/v1/replay HTTP/1.1\r\nHost: {}\r\nContent-Length: 99999999999\r\n\r\n", rig.address);
    assert_eq!(rig.raw(declared.as_bytes()).status, 413);
    let long = format!("/health?x={}", "y".repeat(5_000));
    assert!(matches!(rig.get(&long).status, 414 | 431), "a long address");
    let value = "y".repeat(5_000);
    assert_eq!(rig.ask("GET", "/health", &[("X-Long", &value)], b"").status, 431);
    let many: Vec<(&str, &str)> = (0..40).map(|_| ("X-Many", "1")).collect();
    assert_eq!(rig.ask("GET", "/health", &many, b"").status, 431);
    let name = "a".repeat(3_000);
    assert_eq!(rig.get(&format!("/api/v1/instruments/{name}")).problem(), "unknown-instrument");
    assert_eq!(rig.get("/health").status, 200);
}

#[test]
fn nonsense_is_refused_and_harms_nobody() {
    let rig = Rig::new();
    for bytes in [
        &b"\x00\x01\x02\x03\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"GET /health HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nX : y\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"POST /health HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let answer = rig.raw(bytes);
        assert!(answer.status == 0 || (400..=505).contains(&answer.status), "{bytes:?}: {answer:?}");
        assert_ne!(answer.status, 500, "{bytes:?}");
    }
    for (method, path) in [("DELETE", "/health"), ("PUT", "/api/v1/time"), ("TRACE", "/"), ("FOO", "/health")] {
        let answer = rig.ask(method, path, &[], b"");
        assert_eq!((answer.status, answer.problem().as_str()), (405, "method"), "{method} {path}");
        assert!(answer.header("allow").is_some_and(|allow| allow.contains("GET")), "{answer:?}");
    }
    assert_eq!(rig.get("/health").status, 200);
}

#[test]
fn tricks_with_paths_lead_nowhere() {
    let rig = Rig::new();
    for path in [
        "/../../../../etc/passwd",
        "/assets/../../../../etc/passwd",
        "/assets/..%2f..%2f..%2fetc%2fpasswd",
        "/assets/%2e%2e/%2e%2e/etc/passwd",
        "/assets//etc/passwd",
        "/api/v1/../../etc/passwd",
        "/api/v1/instruments/..%2f..%2fetc%2fpasswd",
        "/api/v1/instruments/%00",
        "/api/v1/instruments/%ff%fe",
        "/api/v1/instruments/okx:BTC-USDT%00",
        "/simulate/..?side=buy&size=1",
        "/api/v1/groups/%2e%2e/book",
        "/api/v1/instruments/%F0%9F%98%80/book",
        "/.git/config",
        "/%2e%2e/",
    ] {
        let answer = rig.get(path);
        assert!(matches!(answer.status, 400 | 404), "{path}: {answer:?}");
        answer.problem();
        assert!(!answer.text().contains("root:"), "{path}");
    }
}

#[test]
fn answers_keep_browsers_from_doing_more_than_they_were_asked_to() {
    let rig = Rig::new();
    for path in ["/health", "/api/v1/nowhere", "/api/v1/docs", "/api/v1/openapi.json"] {
        let answer = rig.get(path);
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"));
        assert!(answer.header("cache-control").is_some());
        assert_eq!(answer.header("server"), None);
    }
}

#[test]
fn who_never_finishes_a_request_is_let_go() {
    let rig = with_limits(Limits { head_within: Duration::from_millis(300), ..Limits::default() });
    let began = Instant::now();
    let mut slow = TcpStream::connect(rig.address).unwrap();
    slow.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    slow.write_all(b"GET /health HTTP/1.1\r\nHost: local").unwrap();
    let mut all = Vec::new();
    let _ = slow.read_to_end(&mut all);
    assert!(began.elapsed() < Duration::from_secs(8), "let go after {:?}", began.elapsed());
    assert_eq!(rig.get("/health").status, 200);
}

#[test]
fn beyond_the_limit_connections_wait_until_others_end() {
    let rig = with_limits(Limits { connections_max: 2, ..Limits::default() });
    let idle: Vec<TcpStream> = (0..2).map(|_| TcpStream::connect(rig.address).unwrap()).collect();
    std::thread::sleep(Duration::from_millis(200));
    let address = rig.address;
    let asker = std::thread::spawn(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        (Instant::now(), text)
    });
    std::thread::sleep(Duration::from_millis(500));
    let freed = Instant::now();
    drop(idle);
    let (answered, text) = asker.join().unwrap();
    assert!(text.starts_with("HTTP/1.1 200") && answered >= freed, "{text}");
}

#[test]
fn tls_is_served_with_ones_own_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let args = ServeArgs { tls_cert: Some(cert.clone()), tls_key: Some(key.clone()), ..ServeArgs::default() };
    let rig = Rig::with(args.clone(), Limits::default());
    assert_ne!(rig.get("/health").status, 200, "nothing is told in the clear");
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let name = "localhost".to_owned().try_into().unwrap();
    let mut session = rustls::ClientConnection::new(std::sync::Arc::new(config), name).unwrap();
    let mut socket = TcpStream::connect(rig.address).unwrap();
    let mut stream = rustls::Stream::new(&mut session, &mut socket);
    write!(stream, "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    assert!(text.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&text));

    std::fs::write(&key, "nothing").unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let bound = runtime.block_on(fathometer::api::server::bind("127.0.0.1:0".parse().unwrap(), &args));
    let told = bound.err().unwrap().text;
    assert!(told.contains("--tls-key") && told.contains("key.pem"), "{told}");
}
