//! Connections: opened, kept, cut, replaced, refused.

use crate::server::*;
use bytes::Bytes;
use fathometer_edge::feed::LinkState;
use fathometer_edge::inbox::{InboxLimits, ReceivedBody};
use fathometer_engine::input::{Leg, LinkId};
use fathometer_engine::instrument::{Instrument, InstrumentId, Venue};
use fathometer_engine::output::{Action, FaultKind, Remedy};
use fathometer_engine::venue::rules::resubscribe;
use fathometer_engine::venue::{Heartbeat, infer};
use futures_util::{SinkExt, StreamExt};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio_tungstenite::tungstenite::Message;

/// An HTTP address at which nobody is asked anything in these tests.
const NO_REST: &str = "http://127.0.0.1:9";

fn bitcoin() -> Instrument {
    infer(Venue::Binance, "BTCUSDT")
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_arrive_behind_their_open_and_the_hello_is_paced() {
    let mut server = WsServer::start().await;
    let mut plan = link(&server.url);
    plan.hello = (0..5).map(|i| format!("hello {i}")).collect();
    plan.frames_per_second_max = 3;
    let (mut engine, feeds) = Engine::listen(venue(vec![plan], NO_REST), options());
    let mut peer = server.peer().await;
    let mut times = Vec::new();
    for i in 0..5 {
        let frame = peer.next().await.unwrap().unwrap();
        times.push(Instant::now());
        assert_eq!(frame.into_text().unwrap(), format!("hello {i}"));
    }
    for pair in times.windows(3) {
        // Two a second, the third place being kept for a pong.
        assert!(pair[2] - pair[0] > Duration::from_millis(950), "{times:?}");
    }
    peer.send(Message::text("one")).await.unwrap();
    peer.send(Message::binary(vec![1, 2])).await.unwrap();
    peer.send(Message::text("three")).await.unwrap();

    let open = engine.next().await;
    let body = ReceivedBody::Open { venue: Venue::Binance, leg: Leg::A, url: server.url.clone() };
    assert_eq!((open.link, open.body), (LinkId(0), body));
    let (one, two, three) = (engine.next().await, engine.next().await, engine.next().await);
    assert_eq!((text(&one), text(&three)), ("one", "three"));
    assert_eq!(two.body, ReceivedBody::Binary(Bytes::from(vec![1, 2])));
    assert!(open.at <= one.at && one.at <= two.at && two.at <= three.at);
    let ticks = engine.ticks.load(Ordering::SeqCst);
    assert!((15..40).contains(&ticks), "{ticks} ticks in a little over 2 s");

    until(|| feeds.health()[0].state == LinkState::Open).await;
    let health = &feeds.health()[0];
    assert_eq!((health.state, health.frames, health.bytes, health.reconnects), (LinkState::Open, 3, 10, 0));
    feeds.stop().await;
    assert_eq!(close_reason(&engine.next().await), "stopped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ping_is_answered_with_its_payload() {
    let mut server = WsServer::start().await;
    let (_engine, _feeds) = Engine::listen(venue(vec![link(&server.url)], NO_REST), options());
    let mut peer = server.peer().await;
    peer.send(Message::Ping(Bytes::from("1732112345"))).await.unwrap();
    assert_eq!(peer.next().await.unwrap().unwrap(), Message::Pong(Bytes::from("1732112345")));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_cut_a_new_link_opens() {
    let mut server = WsServer::start().await;
    let (mut engine, feeds) = Engine::listen(venue(vec![link(&server.url)], NO_REST), options());
    let mut peer = server.peer().await;
    assert!(is_open(&engine.next().await));
    peer.send(Message::text("last words")).await.unwrap();
    drop(peer);
    assert_eq!(text(&engine.next().await), "last words");
    let close = engine.next().await;
    assert!(close_reason(&close).contains("connection"), "{close:?}");
    let open = engine.next().await;
    assert!(is_open(&open) && open.link != close.link, "{open:?}");
    assert!(feeds.take_faults().0.is_empty(), "the engine tells of it when it sees the close");
    assert!(feeds.health()[0].last_error.as_deref().unwrap().contains("connection"));
    until(|| feeds.health()[0].reconnects == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_close_frame_of_the_venue_is_quoted() {
    let mut server = WsServer::start().await;
    let (mut engine, _feeds) = Engine::listen(venue(vec![link(&server.url)], NO_REST), options());
    let mut peer = server.peer().await;
    let frame = tokio_tungstenite::tungstenite::protocol::CloseFrame { code: 4004.into(), reason: "idle".into() };
    peer.close(Some(frame)).await.unwrap();
    assert!(is_open(&engine.next().await));
    let close = engine.next().await;
    assert!(close_reason(&close).contains("4004") && close_reason(&close).contains("idle"), "{close:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_taken_for_death_but_pings_are_life() {
    let mut server = WsServer::start().await;
    let mut plan = link(&server.url);
    plan.silence_seconds = 1;
    let (mut engine, feeds) = Engine::listen(venue(vec![plan], NO_REST), options());
    let mut peer = server.peer().await;
    assert!(is_open(&engine.next().await));
    for _ in 0..8 {
        peer.send(Message::Ping(Bytes::new())).await.unwrap();
        assert!(engine.nothing_for(Duration::from_millis(250)).await);
    }
    let start = Instant::now();
    let close = engine.next().await;
    assert!(close_reason(&close).contains("nothing came for 1 s"), "{close:?}");
    assert!(start.elapsed() > Duration::from_millis(500));
    assert!(is_open(&engine.next().await));
    assert!(feeds.health()[0].last_error.as_deref().unwrap().contains("nothing came"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_okx_connection_is_pinged_in_text() {
    let mut server = WsServer::start().await;
    let mut plan = link(&server.url);
    plan.heartbeat = Heartbeat::TextPing { after_seconds: 1 };
    let (mut engine, _feeds) = Engine::listen(venue(vec![plan], NO_REST), options());
    let mut peer = server.peer().await;
    let start = Instant::now();
    assert_eq!(peer.next().await.unwrap().unwrap(), Message::text("ping"));
    assert!(start.elapsed() > Duration::from_millis(900));
    peer.send(Message::text("pong")).await.unwrap();
    assert!(is_open(&engine.next().await));
    assert_eq!(text(&engine.next().await), "pong");
    assert_eq!(peer.next().await.unwrap().unwrap(), Message::text("ping"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_successor_speaks_before_the_old_link_is_closed() {
    let mut server = WsServer::start().await;
    let mut plan = link(&server.url);
    plan.rotate_seconds = 1;
    plan.hello = vec!["subscribe".into()];
    let (mut engine, feeds) = Engine::listen(venue(vec![plan], NO_REST), options());
    let mut old = server.peer().await;
    let first = engine.next().await;
    let mut new = server.peer().await;
    let second = engine.next().await;
    assert!(is_open(&first) && is_open(&second) && first.link != second.link);
    assert_eq!(new.next().await.unwrap().unwrap(), Message::text("subscribe"));
    until(|| feeds.health()[0].state == LinkState::Rotating).await;
    // The successor is open but silent: the old link stays.
    assert!(engine.nothing_for(Duration::from_millis(300)).await);
    old.send(Message::text("still here")).await.unwrap();
    let received = engine.next().await;
    assert_eq!((text(&received), received.link), ("still here", first.link));
    new.send(Message::text("first word")).await.unwrap();
    let received = engine.next().await;
    assert_eq!((text(&received), received.link), ("first word", second.link));
    let close = engine.next().await;
    assert_eq!(close.link, first.link);
    assert!(close_reason(&close).contains("successor"), "{close:?}");
    assert!(feeds.take_faults().0.is_empty(), "a rotation is no fault");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_old_link_dies_during_rotation_the_successor_is_there() {
    let mut server = WsServer::start().await;
    let (mut engine, feeds) = Engine::listen(venue(vec![link(&server.url)], NO_REST), options());
    let old = server.peer().await;
    let first = engine.next().await;
    feeds.act(&Action::Rotate { link: first.link }, &bitcoin());
    let mut new = server.peer().await;
    let second = engine.next().await;
    drop(old);
    assert_eq!(engine.next().await.link, first.link);
    new.send(Message::text("on")).await.unwrap();
    let received = engine.next().await;
    assert_eq!((text(&received), received.link), ("on", second.link));
    assert!(server.nobody_for(Duration::from_millis(300)).await, "a third connection was opened");
    until(|| feeds.health()[0].link == second.link).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_may_ask_to_reconnect_and_to_resubscribe() {
    let mut server = WsServer::start().await;
    let (mut engine, feeds) = Engine::listen(venue(vec![link(&server.url)], NO_REST), options());
    let mut peer = server.peer().await;
    let link = engine.next().await.link;
    feeds.act(&Action::Resubscribe { link, instrument: InstrumentId(0) }, &infer(Venue::Okx, "BTC-USDT"));
    let frames = resubscribe(Venue::Okx, "BTC-USDT");
    assert_eq!(frames.len(), 2);
    for frame in frames {
        assert_eq!(peer.next().await.unwrap().unwrap(), Message::text(frame));
    }
    feeds.act(&Action::Reconnect { link: LinkId(99) }, &bitcoin()); // of no link that is open
    feeds.act(&Action::Reconnect { link }, &bitcoin());
    assert!(close_reason(&engine.next().await).contains("anew"));
    let open = engine.next().await;
    assert!(is_open(&open) && open.link != link);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_place_is_not_asked_again() {
    let server = WsServer::start().await;
    server.refuse.lock().unwrap().extend([(451, None), (451, None)]);
    let (_engine, feeds) = Engine::listen(venue(vec![link(&server.url)], NO_REST), options());
    until(|| feeds.all_stopped()).await;
    let fault = &feeds.take_faults().0[0];
    assert_eq!((fault.kind, fault.remedy), (FaultKind::Refused, Remedy::Stop));
    for part in
        ["127.0.0.1", "451", "this place is not served", "geo-block", "data-stream.binance.vision", "fathometer demo"]
    {
        assert!(fault.text.contains(part), "{part} in {}", fault.text);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(server.attempts.lock().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_upgrade_waits_as_long_as_it_is_told() {
    let mut server = WsServer::start().await;
    server.refuse.lock().unwrap().push_back((429, Some(1)));
    let (_engine, feeds) = Engine::listen(venue(vec![link(&server.url)], NO_REST), options());
    let _peer = server.peer().await;
    let attempts = server.attempts.lock().unwrap().clone();
    assert_eq!(attempts.len(), 2);
    assert!(attempts[1] - attempts[0] > Duration::from_millis(950));
    assert_eq!(feeds.take_faults().0[0].kind, FaultKind::Throttled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_gives_up_where_a_person_set_a_limit() {
    let mut options = options();
    options.max_reconnect_attempts = 2;
    let (_engine, feeds) = Engine::listen(venue(vec![link("ws://127.0.0.1:9/ws")], NO_REST), options);
    until(|| feeds.all_stopped()).await;
    let faults = feeds.take_faults().0;
    let remedies: Vec<Remedy> = faults.iter().map(|f| f.remedy).collect();
    assert_eq!(remedies, [Remedy::Reconnect, Remedy::Reconnect, Remedy::Stop]);
    assert!(faults[2].text.contains("given up after 2 attempts"), "{}", faults[2].text);
}

#[tokio::test(flavor = "multi_thread")]
async fn encrypted_links_trust_the_authority_that_a_person_names() {
    let (acceptor, ca_file, _folder) = certificates(&["127.0.0.1"]);
    let mut server = WsServer::start_with(Some(acceptor)).await;
    let (_, feeds) = Engine::listen(venue(vec![link(&server.url)], NO_REST), options());
    until(|| feeds.health()[0].last_error.is_some()).await;
    let error = feeds.health()[0].last_error.clone().unwrap();
    assert!(error.contains("127.0.0.1") && error.contains("UnknownIssuer") && error.contains("--ca-file"), "{error}");
    feeds.stop().await;

    let mut options = options();
    options.dial.ca_file = Some(ca_file);
    let (mut engine, _feeds) = Engine::listen(venue(vec![link(&server.url)], NO_REST), options);
    let mut peer = server.peer().await;
    peer.send(Message::text("secret")).await.unwrap();
    assert!(is_open(&engine.next().await));
    assert_eq!(text(&engine.next().await), "secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_the_engine_cannot_follow_is_closed_and_resyncs() {
    let mut server = WsServer::start().await;
    let mut options = options();
    options.inbox_patience = Duration::from_millis(100);
    let limits = InboxLimits { inputs_max: 50, bytes_max: 1 << 20 };
    let (mut engine, feeds) = Engine::listen_within(venue(vec![link(&server.url)], NO_REST), options, limits);
    let mut peer = server.peer().await;
    let first = engine.next().await;
    engine.asleep.store(true, Ordering::SeqCst);
    for i in 0..500 {
        if peer.send(Message::text(i.to_string())).await.is_err() {
            break;
        }
    }
    until(|| feeds.health()[0].last_error.is_some() || engine.stats().overruns > 0).await;
    engine.asleep.store(false, Ordering::SeqCst);
    // What found room comes in order and without a hole, then the close, then a new link.
    let mut expected = 0;
    let close = loop {
        let received = engine.next().await;
        assert_eq!(received.link, first.link);
        if matches!(received.body, ReceivedBody::Close { .. }) {
            break received;
        }
        assert_eq!(text(&received), expected.to_string());
        expected += 1;
    };
    assert!(close_reason(&close).contains("queue was full"), "{close:?}");
    assert!((40..=500).contains(&expected), "{expected}");
    assert!(is_open(&engine.next().await));
    assert_eq!(feeds.take_faults().0[0].kind, FaultKind::Overrun);
    assert!(engine.stats().overruns > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn redundant_connections_are_two_legs() {
    let mut server = WsServer::start().await;
    let mut options = options();
    options.redundant = true;
    let (mut engine, feeds) = Engine::listen(venue(vec![link(&server.url)], NO_REST), options);
    let (_one, _two) = (server.peer().await, server.peer().await);
    let mut legs = Vec::new();
    for _ in 0..2 {
        match engine.next().await.body {
            ReceivedBody::Open { leg, .. } => legs.push(leg),
            other => panic!("{other:?}"),
        }
    }
    legs.sort();
    assert_eq!(legs, [Leg::A, Leg::B]);
    assert_eq!(feeds.health().len(), 2);
}

/// Not a check but a figure: frames per second from a socket of this machine to the engine's thread.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints a figure; run with --ignored --nocapture"]
async fn how_many_frames_a_second() {
    const FRAMES: usize = 300_000;
    let (acceptor, ca_file, _folder) = certificates(&["127.0.0.1"]);
    for tls in [None, Some(acceptor)] {
        let encrypted = tls.is_some();
        let mut server = WsServer::start_with(tls).await;
        let mut options = options();
        options.dial.ca_file = Some(ca_file.clone());
        let (mut engine, _feeds) = Engine::listen(venue(vec![link(&server.url)], NO_REST), options);
        let mut peer = server.peer().await;
        let frame = Message::text("x".repeat(400));
        tokio::spawn(async move {
            for _ in 0..FRAMES {
                peer.feed(frame.clone()).await.unwrap();
            }
            peer.flush().await.unwrap();
            tokio::time::sleep(PATIENCE).await;
        });
        assert!(is_open(&engine.next().await));
        let start = Instant::now();
        for _ in 0..FRAMES {
            assert_eq!(text(&engine.next().await).len(), 400);
        }
        let rate = FRAMES as f64 / start.elapsed().as_secs_f64();
        println!(
            "{rate:.0} frames of 400 bytes a second, encrypted: {encrypted}; queue at most {}",
            engine.stats().depth_max
        );
    }
}
