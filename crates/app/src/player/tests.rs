//! A recording played in pieces is the recording played through.

use super::*;
use crate::runner::Runner;
use fathometer_edge::recording;
use fathometer_edge::tape::{Options, Writer};
use fathometer_engine::input::{Body, Input, Leg, LinkId, NO_LINK};
use fathometer_engine::instrument::Venue;
use fathometer_engine::units::NANOS_PER_SECOND;
use std::path::Path;
use tempfile::TempDir;

const BEGAN: i64 = 1_723_161_255_000_000_000;
const LINK: LinkId = LinkId(0);

fn config() -> Config {
    Config { instruments: vec![(Venue::Okx, "BTC-USDT".into())], ..Config::default() }
}

/// Seconds after the beginning.
fn at(seconds: f64) -> Nanos {
    Nanos(BEGAN).plus((seconds * 1e9) as i64)
}

fn open(at: Nanos) -> Input<'static> {
    let url = "wss://ws.okx.com:8443/ws/v5/public";
    Input { at, link: LINK, body: Body::Open { venue: Venue::Okx, leg: Leg::A, url } }
}

fn book(action: &str, number: i64, before: i64) -> String {
    format!(
        r#"{{"arg":{{"channel":"books","instId":"BTC-USDT"}},"action":"{action}","data":[{{"asks":[["5.{}","{}","0","1"]],"bids":[["5.1","{}","0","1"]],"ts":"{}","checksum":0,"seqId":{number},"prevSeqId":{before}}}]}}"#,
        2 + number % 7,
        1 + number % 5,
        1 + number % 3,
        (BEGAN / 1_000_000) + number * 100 - 3,
    )
}

fn trade(number: i64) -> String {
    format!(
        r#"{{"arg":{{"channel":"trades","instId":"BTC-USDT"}},"data":[{{"instId":"BTC-USDT","tradeId":"{number}","px":"5.15","sz":"{}","side":"buy","ts":"{}","count":"1"}}]}}"#,
        1 + number % 4,
        (BEGAN / 1_000_000) + number * 100,
    )
}

/// A tape of that many seconds: ten books and ten trades a second, then the goodbye. A new segment every `segment` seconds.
fn record(folder: &Path, seconds: i64, segment: Option<i64>) {
    let header = serde_json::to_vec(&config()).unwrap();
    let mut writer = Writer::create(folder, Options { header, ..Options::default() }).unwrap();
    let mut runner = Runner::new(config());
    let mut put = |writer: &mut Writer, input: &Input<'_>| {
        writer.append(input).unwrap();
        runner.step(input);
        if let Some(every) = segment
            && matches!(input.body, Body::Tick)
            && input.at.since(Nanos(BEGAN)) % (every * NANOS_PER_SECOND) == 0
        {
            let checkpoint = runner.engine.checkpoint().unwrap();
            writer.rotate(&checkpoint).unwrap();
            runner.step(&Input { at: input.at, link: NO_LINK, body: Body::Checkpoint(&checkpoint) });
        }
    };
    put(&mut writer, &open(at(0.0)));
    for number in 1..=seconds * 10 {
        let when = at(number as f64 / 10.0);
        let action = if number == 1 { "snapshot" } else { "update" };
        let before = if number == 1 { -1 } else { number - 1 };
        let (book, trade) = (book(action, number, before), trade(number));
        put(&mut writer, &Input { at: when, link: LINK, body: Body::Text(book.as_bytes()) });
        put(&mut writer, &Input { at: when, link: LINK, body: Body::Text(trade.as_bytes()) });
        put(&mut writer, &Input { at: when, link: NO_LINK, body: Body::Tick });
    }
    let end = at(seconds as f64 + 0.05);
    put(&mut writer, &Input { at: end, link: LINK, body: Body::Close { reason: "stopped" } });
    writer.close().unwrap();
}

/// The view of a replay from the first input to everything received until then, without a player.
fn straight(files: &[PathBuf], until: Nanos) -> View {
    let mut runner = Runner::new(config());
    let mode = Mode::Replay { source: "test".into(), speed: 0.0 };
    let mut view = View::new(mode, &catalogue(&config().metrics));
    let mut source = recording::open(files).unwrap();
    while let Some(input) = source.next().unwrap() {
        if input.at > until || matches!(input.body, Body::Close { .. }) {
            break;
        }
        runner.step(&input);
        runner.outbox().items.iter().for_each(|output| view.apply(output, runner.outbox()));
    }
    view
}

/// Two views are the same, but for how smooth the latency is, which remembers everything since the start.
fn same(one: &View, other: &View, when: &str) {
    let told = |view: &View| {
        let text = serde_json::to_string_pretty(view).unwrap();
        text.lines().filter(|line| !line.contains("latency_avg_ms")).map(str::to_owned).collect::<Vec<_>>()
    };
    let (one, other) = (told(one), told(other));
    let line = one.iter().zip(&other).position(|(one, other)| one != other).unwrap_or(one.len().min(other.len()));
    let around = |lines: &[String]| lines[line.saturating_sub(3)..(line + 3).min(lines.len())].join("\n");
    assert!(one == other, "{when}, line {line}:\n{}\ninstead of\n{}", around(&one), around(&other));
}

fn play(folder: &TempDir) -> Player {
    Player::open("test", &[folder.path().to_path_buf()], &Config::default(), 0.0).unwrap()
}

fn obey(player: &Player, order: Order) -> Position {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let number = player.order(order).unwrap();
    let position = runtime.block_on(player.after(number, Duration::from_secs(60)));
    assert!(position.done >= number, "{order:?} was not carried out: {position:?}");
    position
}

/// Waits for something that the player's thread does by itself.
fn until(player: &Player, what: impl Fn(&Position) -> bool) -> Position {
    for _ in 0..6_000 {
        let position = player.position();
        if what(&position) {
            return position;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it never came to that: {:?}", player.position());
}

#[test]
fn seeking_forward_and_back_shows_what_playing_straight_through_shows() {
    let folder = TempDir::new().unwrap();
    record(folder.path(), 30, None);
    let player = play(&folder);
    let files = files_of(&[folder.path().to_path_buf()]);
    for seconds in [12.34, 25.0, 3.0, 29.99, 0.0, 12.34] {
        let position = obey(&player, Order::Seek(at(seconds)));
        let expected = straight(&files, at(seconds));
        same(&player.state.view(), &expected, &format!("at {seconds} s"));
        assert!(position.at <= at(seconds) && at(seconds).since(position.at) <= NANOS_PER_SECOND / 10 + 1);
        assert_eq!(position.frame, (seconds * 10.0) as u64 * 2);
        if position.frame > 0 {
            let market = player.state.view().markets[0].clone();
            let price = market.info.scale.price_f64(market.bids[0].price);
            assert!((price - 5.1).abs() < 1e-9, "the trades are finer than the book, which says {price}");
        }
        assert!(!position.playing && !position.ended && !position.seeking);
    }
}

#[test]
fn at_the_end_the_books_are_those_before_the_goodbye() {
    let folder = TempDir::new().unwrap();
    record(folder.path(), 5, None);
    let player = play(&folder);
    obey(&player, Order::Play);
    let position = until(&player, |position| position.ended && position.to.is_some());
    assert_eq!((position.frame, position.frames_known, position.playing), (100, Some(100), false));
    assert_eq!((position.from, position.to), (at(0.0), Some(at(5.05))));
    let view = player.state.view().clone();
    let files = files_of(&[folder.path().to_path_buf()]);
    same(&view, &straight(&files, at(100.0)), "at the end");
    assert!(!view.markets[0].bids.is_empty());
    // And again from the beginning.
    obey(&player, Order::Play);
    until(&player, |position| position.ended);
    same(&player.state.view(), &view, "the second time");
}

#[test]
fn a_run_that_follows_a_goodbye_is_played() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("two");
    let header = serde_json::to_vec(&config()).unwrap();
    let mut writer = Writer::create(&file, Options { header, ..Options::default() }).unwrap();
    for (number, start) in [(1, 0.0), (2, 60.0)] {
        writer.append(&open(at(start))).unwrap();
        let text = book("snapshot", number, -1);
        writer.append(&Input { at: at(start + 1.0), link: LINK, body: Body::Text(text.as_bytes()) }).unwrap();
        writer.append(&Input { at: at(start + 2.0), link: LINK, body: Body::Close { reason: "stopped" } }).unwrap();
    }
    writer.close().unwrap();
    let player = Player::open("two", &[file], &Config::default(), 1_000.0).unwrap();
    obey(&player, Order::Seek(at(30.0)));
    assert!(player.state.view().markets[0].status.as_ref().unwrap().last_update_id < 0, "the first goodbye counts");
    obey(&player, Order::Play);
    let position = until(&player, |position| position.ended);
    assert_eq!((position.frame, position.at), (2, at(61.0)));
    assert_eq!(player.state.view().markets[0].status.as_ref().unwrap().last_update_id, 2);
}

#[test]
fn a_step_is_exactly_one_frame() {
    let folder = TempDir::new().unwrap();
    record(folder.path(), 3, None);
    let player = play(&folder);
    for frame in 1..=7 {
        let position = obey(&player, Order::Step(1));
        assert_eq!((position.frame, position.playing), (frame, false));
    }
    assert_eq!(obey(&player, Order::Step(13)).frame, 20);
    let position = obey(&player, Order::Step(1_000));
    assert_eq!((position.frame, position.ended), (60, true));
}

#[test]
fn a_jump_begins_at_the_state_on_the_tape_and_shows_the_same() {
    let folder = TempDir::new().unwrap();
    record(folder.path(), 2_400, Some(300));
    let player = play(&folder);
    until(&player, |position| position.to.is_some());
    let files = files_of(&[folder.path().to_path_buf()]);
    assert_eq!(files.len(), 9);
    let survey = Survey::of(&files, &AtomicBool::new(false)).unwrap();
    assert_eq!(survey.starts.len(), 8);
    assert_eq!(survey.start_for(at(2_300.0)).map(|start| start.file), Some(1));
    let position = obey(&player, Order::Seek(at(2_300.0)));
    assert_eq!(position.frame, 46_000);
    same(&player.state.view(), &straight(&files, at(2_300.0)), "after a jump");
}

#[test]
fn the_pace_is_kept_and_changed() {
    let folder = TempDir::new().unwrap();
    record(folder.path(), 30, None);
    let player = play(&folder);
    obey(&player, Order::Speed(2.0));
    let began = fathometer_edge::clock::now();
    obey(&player, Order::Play);
    until(&player, |position| position.at >= at(2.0));
    let took = fathometer_edge::clock::now().since(began) as f64 / 1e9;
    assert!(took >= 0.9, "two seconds at twice the speed took {took} s");
    let paused = obey(&player, Order::Pause);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(player.position().at, paused.at);
    obey(&player, Order::Speed(0.0));
    obey(&player, Order::Play);
    until(&player, |position| position.ended);
    assert_eq!(player.state.view().mode, Mode::Replay { source: "test".into(), speed: 0.0 });
}

#[test]
fn what_lies_in_a_folder_is_listed_and_found_by_name_only() {
    let folder = TempDir::new().unwrap();
    record(folder.path(), 700, Some(300));
    record(&folder.path().join("earlier"), 3, None);
    std::fs::write(folder.path().join("notes.txt"), "nothing to replay").unwrap();
    let listed = recordings::list(folder.path()).unwrap();
    let names: Vec<_> = listed.iter().map(|about| (about.name.as_str(), about.files.len(), about.kind)).collect();
    assert_eq!(names, [("20240808T235415.000Z-000000", 3, "tape"), ("earlier", 1, "tape")]);
    assert_eq!((listed[0].from, listed[0].to), (Some(at(0.0)), Some(at(700.05))));
    assert!(recordings::find(folder.path(), "earlier").unwrap().is_some());
    for trick in ["../earlier", "earlier/", "/etc/passwd", "", ".", "..", "notes.txt"] {
        assert_eq!(recordings::find(folder.path(), trick).unwrap(), None, "{trick}");
    }
}
