//! Dialing: what can go wrong names the host and what to do, and a proxy is used where one is set.

use crate::server::certificates;
use fathometer_edge::net::{DialOptions, Dialer, HttpClient, NetError, Stage};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

fn dialer(change: impl FnOnce(&mut DialOptions)) -> Dialer {
    let mut options = DialOptions { connect_timeout: Duration::from_secs(5), ..DialOptions::default() };
    change(&mut options);
    Dialer::new(&options).unwrap()
}

fn check(error: &NetError, stage: Stage, parts: &[&str]) {
    assert_eq!(error.stage, stage, "{error}");
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[tokio::test]
async fn nobody_there() {
    let error = dialer(|_| {}).dial("127.0.0.1", 9, false).await.unwrap_err();
    check(&error, Stage::Connect, &["127.0.0.1:9", "refused", "firewall"]);
}

#[tokio::test]
async fn a_name_that_does_not_exist() {
    let error = dialer(|_| {}).dial("no-such-exchange.invalid", 443, true).await.unwrap_err();
    check(&error, Stage::Dns, &["no-such-exchange.invalid", "cannot be looked up", "spelling"]);
}

/// Accepts connections and treats each as told.
async fn serve<F>(treat: impl Fn(TcpStream) -> F + Send + 'static) -> u16
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            tokio::spawn(treat(tcp));
        }
    });
    port
}

#[tokio::test]
async fn a_port_without_encryption() {
    let port = serve(|mut tcp| async move {
        let _ = tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let _ = tcp.read(&mut [0; 1024]).await;
    })
    .await;
    let error = dialer(|_| {}).dial("127.0.0.1", port, true).await.unwrap_err();
    check(&error, Stage::Tls, &[&format!("127.0.0.1:{port}"), "speaks TLS"]);
}

#[tokio::test]
async fn certificates_that_do_not_fit() {
    let (acceptor, ca_file, folder) = certificates(&["elsewhere.example"]);
    let port = serve(move |tcp| {
        let acceptor = acceptor.clone();
        async move { drop(acceptor.accept(tcp).await) }
    })
    .await;
    let error = dialer(|_| {}).dial("127.0.0.1", port, true).await.unwrap_err();
    check(&error, Stage::Tls, &["127.0.0.1", "not trusted", "--ca-file", "SSL_CERT_FILE"]);
    let error = dialer(|o| o.ca_file = Some(ca_file)).dial("127.0.0.1", port, true).await.unwrap_err();
    check(&error, Stage::Tls, &["127.0.0.1", "another name"]);

    let missing = DialOptions { ca_file: Some(folder.path().join("none.pem")), ..DialOptions::default() };
    check(&Dialer::new(&missing).err().unwrap(), Stage::Certificates, &["none.pem", "--ca-file"]);
    std::fs::write(folder.path().join("none.pem"), "no certificate").unwrap();
    check(&Dialer::new(&missing).err().unwrap(), Stage::Certificates, &["none.pem", "holds no certificate"]);
}

#[tokio::test]
async fn an_answer_that_never_comes_ends_in_time() {
    let port = serve(|mut tcp| async move { while tcp.read(&mut [0; 1024]).await.is_ok_and(|n| n > 0) {} }).await;
    let quick = dialer(|o| o.connect_timeout = Duration::from_millis(200));
    let error = quick.dial("127.0.0.1", port, true).await.unwrap_err();
    check(&error, Stage::Tls, &["no answer within 0.2 s"]);
    let client = HttpClient::new(quick, &format!("http://127.0.0.1:{port}"), Duration::from_millis(200)).unwrap();
    let error = client.get("/time").await.unwrap_err();
    check(&error, Stage::Silence, &["no answer to /time within 0.2 s"]);
}

/// An HTTP CONNECT proxy that lets through whoever says the password.
async fn proxy(line: Option<&'static str>) -> u16 {
    serve(move |mut tcp| async move {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            head.push(tcp.read_u8().await.unwrap() as char);
        }
        if let Some(line) = line {
            tcp.write_all(format!("{line}\r\n\r\n").as_bytes()).await.unwrap();
            return;
        }
        assert!(head.contains("Proxy-Authorization: Basic bWU6eW91"), "{head}");
        let target = head.split(' ').nth(1).unwrap().to_owned();
        let mut to = TcpStream::connect(target).await.unwrap();
        tcp.write_all(b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n").await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut tcp, &mut to).await;
    })
    .await
}

#[tokio::test]
async fn through_a_proxy() {
    let script = crate::server::Script::default();
    let base = script.serve().await;
    let port = proxy(None).await;
    let through = dialer(|o| o.proxy = Some(format!("http://me:you@127.0.0.1:{port}")));
    let client = HttpClient::new(through, &base, Duration::from_secs(5)).unwrap();
    let reply = client.get("/a?b=c").await.unwrap();
    assert_eq!((reply.status, reply.body.as_ref()), (200, b"/a?b=c".as_slice()));
    assert!(reply.sent <= reply.received);

    for (line, said) in [
        ("HTTP/1.1 407 Proxy Authentication Required", "user and password"),
        ("HTTP/1.1 403 Forbidden", "403 Forbidden"),
    ] {
        let port = proxy(Some(line)).await;
        let closed = dialer(|o| o.proxy = Some(format!("127.0.0.1:{port}")));
        let error = closed.dial("api.example", 443, true).await.unwrap_err();
        check(&error, Stage::Proxy, &["api.example:443", &format!("127.0.0.1:{port}"), said, "HTTPS_PROXY"]);
    }
}
