//! Requests over HTTP: attributed, budgeted, retried, refused.

use crate::server::*;
use bytes::Bytes;
use fathometer_edge::feed::{FeedOptions, Feeds, VenuePlan};
use fathometer_edge::inbox::{Received, ReceivedBody};
use fathometer_engine::input::LinkId;
use fathometer_engine::instrument::{InstrumentId, Venue};
use fathometer_engine::output::{Action, FaultKind, Remedy};
use fathometer_engine::venue::rules::snapshot_request;
use fathometer_engine::venue::{Request, infer};
use std::sync::atomic::Ordering;
use std::time::Duration;

struct Scene {
    script: Script,
    engine: Engine,
    feeds: Feeds,
    link: LinkId,
    _peer: Peer,
}

async fn scene(options: FeedOptions, change: impl FnOnce(&mut VenuePlan)) -> Scene {
    let mut server = WsServer::start().await;
    let script = Script::default();
    let base = script.serve().await;
    let mut plan = venue(vec![link(&server.url)], &base);
    change(&mut plan);
    let (mut engine, feeds) = Engine::listen(plan, options);
    let peer = server.peer().await;
    let link = engine.next().await.link;
    Scene { script, engine, feeds, link, _peer: peer }
}

impl Scene {
    fn snapshot(&self, symbol: &str, urgent: bool) {
        let action = Action::Snapshot { link: self.link, instrument: InstrumentId(0), urgent };
        self.feeds.act(&action, &infer(Venue::Binance, symbol));
    }

    async fn reply(&mut self) -> (String, u16, Bytes) {
        let received = self.engine.next().await;
        reply(&received, self.link)
    }
}

fn reply(received: &Received, link: LinkId) -> (String, u16, Bytes) {
    match &received.body {
        ReceivedBody::Reply { sent, request, status, body } => {
            assert_eq!(received.link, link);
            assert!(*sent <= received.at);
            (request.clone(), *status, body.clone())
        }
        other => panic!("not a reply: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_comes_back_on_the_link_that_wanted_it() {
    let mut s = scene(options(), |_| {}).await;
    s.snapshot("BTCUSDT", true);
    let Request { path, weight } = snapshot_request(Venue::Binance, "BTCUSDT", 1).unwrap();
    assert_eq!(s.reply().await, (path.clone(), 200, Bytes::from(path)));
    s.snapshot("ETHUSDT", true);
    s.reply().await;
    assert_eq!(s.script.connections.load(Ordering::SeqCst), 1, "the connection is kept and used again");
    assert_eq!(s.feeds.rest_health()[0].weight_used, 2 * u64::from(weight));
}

#[tokio::test(flavor = "multi_thread")]
async fn rebuilds_overtake_checks_and_the_same_request_is_made_once() {
    let mut s = scene(options(), |plan| plan.budget.in_flight_max = 1).await;
    s.script.slow.store(true, Ordering::SeqCst);
    s.snapshot("FIRST", false);
    until(|| !s.script.paths().is_empty()).await;
    s.snapshot("AUDIT", false);
    s.snapshot("REBUILD", true);
    s.snapshot("AUDIT", false);
    let mut order = Vec::new();
    for _ in 0..3 {
        order.push(s.reply().await.0);
    }
    let path = |symbol| snapshot_request(Venue::Binance, symbol, 1).unwrap().path;
    assert_eq!(order, [path("FIRST"), path("REBUILD"), path("AUDIT")]);
    assert!(s.engine.nothing_for(Duration::from_millis(400)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_429_is_left_alone_as_long_as_it_asks_and_then_answered_once() {
    let mut s = scene(options(), |_| {}).await;
    s.script.say(429, &[("retry-after", "1")]);
    s.snapshot("BTCUSDT", true);
    until(|| !s.script.paths().is_empty()).await;
    s.snapshot("ETHUSDT", true); // has to wait too
    assert_eq!((s.reply().await.1, s.reply().await.1), (200, 200));
    let seen = s.script.seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 3);
    assert!(seen[1].0 - seen[0].0 > Duration::from_millis(950));
    let fault = &s.feeds.take_faults().0[0];
    assert_eq!((fault.kind, fault.remedy), (FaultKind::Throttled, Remedy::Skip));
    assert!(fault.text.contains("429") && fault.text.contains("no requests for 1 s"), "{}", fault.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn bans_grow() {
    let mut options = options();
    options.cooling.banned = Duration::from_millis(200);
    let mut s = scene(options, |_| {}).await;
    s.script.say(418, &[]);
    s.script.say(418, &[]);
    s.snapshot("BTCUSDT", true);
    assert_eq!(s.reply().await.1, 200);
    let seen = s.script.seen.lock().unwrap().clone();
    assert!(seen[1].0 - seen[0].0 > Duration::from_millis(190));
    assert!(seen[2].0 - seen[1].0 > Duration::from_millis(390));
    assert!(s.feeds.take_faults().0[0].text.contains("banned"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trouble_of_the_venue_is_retried_and_in_the_end_told() {
    let mut s = scene(options(), |_| {}).await;
    s.script.say(503, &[]);
    s.snapshot("BTCUSDT", true);
    assert_eq!(s.reply().await.1, 200);
    for _ in 0..4 {
        s.script.say(500, &[]);
    }
    s.snapshot("BTCUSDT", true);
    assert_eq!(s.reply().await.1, 500);
    assert_eq!(s.script.paths().len(), 6);
    // A mistake of ours is not repeated.
    s.script.say(400, &[]);
    s.snapshot("NOSUCH", true);
    assert_eq!(s.reply().await.1, 400);
    assert_eq!(s.script.paths().len(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusing_venue_is_not_asked_again() {
    let mut s = scene(options(), |_| {}).await;
    s.script.say(403, &[]);
    s.snapshot("BTCUSDT", true);
    assert_eq!(s.reply().await.1, 403);
    s.snapshot("ETHUSDT", true);
    assert_eq!(s.reply().await.1, 403);
    assert_eq!(s.script.paths().len(), 1);
    let faults = s.feeds.take_faults().0;
    assert_eq!(faults.len(), 1);
    assert_eq!((faults[0].kind, faults[0].remedy), (FaultKind::Refused, Remedy::Stop));
    assert!(faults[0].text.contains("data-api.binance.vision"), "{}", faults[0].text);
    assert_eq!(s.feeds.rest_health()[0].refused, Some(403));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_venue_that_cannot_be_reached_is_told_as_status_0_with_the_reason() {
    let mut s = scene(options(), |plan| plan.rest = "http://127.0.0.1:9".into()).await;
    s.snapshot("BTCUSDT", true);
    let (path, status, body) = s.reply().await;
    assert_eq!((path, status), (snapshot_request(Venue::Binance, "BTCUSDT", 1).unwrap().path, 0));
    let why = String::from_utf8(body.to_vec()).unwrap();
    assert!(why.contains("127.0.0.1:9") && why.contains("refused"), "{why}");
    assert_eq!(s.feeds.take_faults().0[0].kind, FaultKind::Disconnected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_used_weight_that_the_venue_tells_is_believed() {
    let mut s = scene(options(), |_| {}).await;
    s.script.say(200, &[("x-mbx-used-weight-1m", "3999")]);
    s.snapshot("BTCUSDT", true);
    assert_eq!(s.reply().await.1, 200);
    s.snapshot("ETHUSDT", true);
    assert!(s.engine.nothing_for(Duration::from_millis(500)).await, "1 of 4000 is left, more is wanted");
    assert_eq!(s.feeds.rest_health()[0].weight_used, 3999);
}

#[tokio::test(flavor = "multi_thread")]
async fn clock_and_instruments_are_asked_for_without_asking() {
    let ask = |path: &str| Request { path: path.into(), weight: 1 };
    let mut s = scene(options(), |plan| {
        plan.time = Some(ask("/time"));
        plan.startup = vec![ask("/exchangeInfo")];
        plan.periodic = vec![(ask("/openInterest"), 1), (ask("/exchangeInfo"), 60)];
    })
    .await;
    let mut counts = std::collections::BTreeMap::<String, u32>::new();
    while counts.get("/time").copied().unwrap_or(0) < 5 {
        let (path, status, _) = s.reply().await;
        assert_eq!(status, 200);
        *counts.entry(path).or_default() += 1;
    }
    assert_eq!(counts["/exchangeInfo"], 1);
    assert!((4..=5).contains(&counts["/openInterest"]), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_while_no_link_of_the_venue_is_open() {
    let script = Script::default();
    let mut plan = venue(vec![link("ws://127.0.0.1:9/ws")], &script.serve().await);
    plan.startup = vec![Request { path: "/exchangeInfo".into(), weight: 1 }];
    let (_engine, feeds) = Engine::listen(plan, options());
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert!(script.paths().is_empty());
    assert_eq!(feeds.rest_health()[0].waiting, 1);
}
