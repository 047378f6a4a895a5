//! How the program does: latency, books, connections, queues, process.

use super::page::{Labels, Page};
use crate::api::Api;
use crate::api::system::{QueueTold, ReadersTold, queues as queues_of};
use crate::live::state::State;
use crate::monitor::bins::buckets;
use crate::monitor::latency::{Latency, Stage, Stream};
use crate::monitor::rolling::Rolling;
use fathometer_edge::feed::{LinkHealth, LinkState, RestHealth};
use fathometer_engine::alert::Severity;
use fathometer_engine::detector::CATALOGUE;
use fathometer_engine::instrument::Venue;
use fathometer_engine::output::{Counters, Status, Validity};
use std::collections::BTreeMap;
use std::fmt;

/// Our own work takes microseconds, nanoseconds.
const STAGE_BUCKETS: (i64, i64) = (1_000, 1_000_000_000);
/// The way here takes milliseconds, nanoseconds.
const NETWORK_BUCKETS: (i64, i64) = (100_000, 10_000_000_000);

pub(super) fn write(page: &mut Page<'_>, api: &Api) -> fmt::Result {
    let state = &api.main;
    let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
    page.gauges("build", "The running version, as a label.", vec![(version, 1.0)])?;
    latency(page, &state.latency())?;
    books(page, state)?;
    links(page, &state.lines())?;
    requests(page, &state.requests())?;
    queues(page, state)?;
    process(page, state)?;
    alerts(page, state)?;
    let readers = ReadersTold::of(state);
    page.gauge("readers", "Readers of the stream that are connected.", Some(readers.connected as f64))?;
    page.counter("reader_updates_conflated", "Updates left out for slow readers.", readers.conflated)?;
    page.counter("readers_cut", "Readers cut off because they stood still.", readers.cut)?;
    let burst = api.burst();
    page.counter("api_requests", "HTTP requests received.", burst.requests)?;
    page.counter("api_throttled", "HTTP requests refused for being too many.", burst.throttled)?;
    page.counter("api_refused", "HTTP requests refused for their host, origin or token.", burst.refused)
}

fn alerts(page: &mut Page<'_>, state: &State) -> fmt::Result {
    let labels = |detector: &str, severity: Severity| -> Labels {
        vec![("severity", severity.name().to_owned()), ("detector", detector.to_owned())]
    };
    let (firing, fired) = {
        let store = state.hub.alerts.lock();
        let mut firing: BTreeMap<(&str, Severity), f64> = BTreeMap::new();
        for about in CATALOGUE {
            Severity::ALL.into_iter().for_each(|severity| _ = firing.insert((about.id, severity), 0.0));
        }
        for entry in store.all().filter(|entry| entry.fired.is_some() && entry.is_open()) {
            *firing.entry((&entry.detector, entry.severity)).or_default() += 1.0;
        }
        let firing = firing.into_iter().map(|((detector, severity), count)| (labels(detector, severity), count));
        let fired = store.fired().map(|(detector, severity, count)| (labels(detector, severity), count));
        (firing.collect::<Vec<_>>(), fired.collect::<Vec<_>>())
    };
    page.gauges("alerts_firing", "Alerts that fire, acknowledged or not.", firing)?;
    page.counters("alerts", "Alerts that began to fire or got worse.", fired)
}

fn latency(page: &mut Page<'_>, latency: &Latency) -> fmt::Result {
    let ours = Stage::ALL.into_iter().filter(|stage| !stage.is_network());
    let rows = ours.map(|stage| (vec![("stage", stage.id().to_owned())], latency.stage(stage)));
    let (from, to) = STAGE_BUCKETS;
    let help = "How long a frame takes from its receipt to the screens, by stage.";
    page.histograms("stage_latency_seconds", help, &buckets(from, to), rows.collect())?;
    let (from, to) = NETWORK_BUCKETS;
    let edges = buckets(from, to);
    let of = |pick: fn(&Stream) -> &Rolling| -> Vec<(Labels, &Rolling)> {
        let labels =
            |stream: &Stream| vec![("exchange", stream.venue.name().to_owned()), ("stream", stream.kind.to_owned())];
        latency.streams().iter().map(|stream| (labels(stream), pick(stream))).collect()
    };
    let help = "From the exchange's time stamp to our receipt, as the two clocks say.";
    page.histograms("network_latency_seconds", help, &edges, of(|stream| &stream.raw))?;
    let help = "The same less the estimated offset between the clocks.";
    page.histograms("network_latency_corrected_seconds", help, &edges, of(|stream| &stream.corrected))?;
    let offsets = |pick: fn((i64, i64)) -> i64| -> Vec<(Labels, f64)> {
        let known = Venue::ALL.into_iter().filter_map(|venue| Some((venue, latency.offset(venue)?)));
        known.map(|(venue, it)| (vec![("exchange", venue.name().to_owned())], pick(it) as f64 / 1e9)).collect()
    };
    let help = "How far the exchange's clock is ahead of ours, as estimated.";
    page.gauges("clock_offset_seconds", help, offsets(|(offset, _)| offset))?;
    let help = "The estimate may be wrong by that much either way.";
    page.gauges("clock_offset_uncertainty_seconds", help, offsets(|(_, uncertainty)| uncertainty))?;
    page.counter("frames", "Frames taken by the engine.", latency.frames())
}

fn books(page: &mut Page<'_>, state: &State) -> fmt::Result {
    let (now, faults, books) = {
        let view = state.view();
        let books: Vec<(Labels, Option<Status>)> =
            view.markets.iter().map(|market| (instrument(&market.id), market.status.clone())).collect();
        (crate::api::stamp::now(state, &view), view.faults_seen, books)
    };
    page.counter("faults", "Faults noted: gaps, lost connections, refusals and the like.", faults)?;
    let valid = |status: &Option<Status>| status.as_ref().is_some_and(|status| status.validity == Validity::Live);
    let rows = books.iter().map(|(labels, status)| (labels.clone(), f64::from(u8::from(valid(status))))).collect();
    page.gauges(
        "book_valid",
        "1 where the book is exact to the last update; the market metrics are absent else.",
        rows,
    )?;
    let number = |pick: &dyn Fn(&Status) -> Option<f64>| -> Vec<(Labels, f64)> {
        books.iter().filter_map(|(labels, status)| Some((labels.clone(), pick(status.as_ref()?)?))).collect()
    };
    let age = number(&|status| (status.last_at.0 > 0).then(|| now.since(status.last_at).max(0) as f64 / 1e9));
    page.gauges("book_age_seconds", "Since the last event of the instrument.", age)?;
    let recovery = number(&|status| status.recovery_ns.map(|nanos| nanos as f64 / 1e9));
    page.gauges("book_recovery_seconds", "How long the last recovery took from gap to valid.", recovery)?;
    let mut levels = Vec::new();
    for (labels, status) in &books {
        let (bids, asks) = status.as_ref().map_or((0, 0), |status| status.levels);
        for (side, count) in [("bid", bids), ("ask", asks)] {
            levels.push(([labels.clone(), vec![("side", side.to_owned())]].concat(), f64::from(count)));
        }
    }
    page.gauges("book_levels", "Price levels in the book.", levels)?;
    for (name, help, pick) in COUNTERS {
        let count = |status: &Option<Status>| status.as_ref().map_or(0, |status| pick(&status.counters));
        page.counters(name, help, books.iter().map(|(labels, status)| (labels.clone(), count(status))).collect())?;
    }
    Ok(())
}

/// What is counted per book: name, help, which.
type Counted = (&'static str, &'static str, fn(&Counters) -> u64);
const COUNTERS: [Counted; 12] = [
    ("book_frames", "Frames that said something of the instrument.", |it| it.frames),
    ("book_updates", "Depth changes applied.", |it| it.diffs_applied),
    ("book_updates_stale", "Depth changes older than the book, left out.", |it| it.stale_dropped),
    ("book_gaps", "Depth changes lost.", |it| it.gaps),
    ("book_resyncs", "Times the book was rebuilt after it had been valid.", |it| it.resyncs),
    ("book_checksum_matches", "Checksums that matched.", |it| it.checksums_ok),
    ("book_checksum_mismatches", "Checksums that did not match.", |it| it.checksums_bad),
    ("book_audits", "Comparisons with independent messages.", |it| it.audit_checked),
    ("book_audit_mismatches", "Of these, unequal.", |it| it.audit_checked.saturating_sub(it.audit_matched)),
    ("trades", "Trades.", |it| it.trades),
    ("trades_duplicate", "Trades seen before, left out.", |it| it.duplicates),
    ("book_quotes", "Updates of the best bid and ask.", |it| it.bbo_updates),
];

fn links(page: &mut Page<'_>, lines: &[LinkHealth]) -> fmt::Result {
    let labelled = || {
        lines.iter().enumerate().map(|(number, line)| {
            let host = line.url.split("://").nth(1).unwrap_or_default().split('/').next().unwrap_or_default();
            let labels = vec![
                ("exchange", line.venue.name().to_owned()),
                ("host", host.to_owned()),
                ("line", number.to_string()),
            ];
            (labels, line)
        })
    };
    let open = |line: &LinkHealth| matches!(line.state, LinkState::Open | LinkState::Rotating);
    let rows = labelled().map(|(labels, line)| (labels, f64::from(u8::from(open(line))))).collect();
    page.gauges("link_open", "1 where the connection is open.", rows)?;
    let count = |pick: fn(&LinkHealth) -> u64| labelled().map(|(labels, line)| (labels, pick(line))).collect();
    page.counters("link_reconnects", "Times a connection was opened after the first.", count(|line| line.reconnects))?;
    page.counters("link_frames", "Frames received.", count(|line| line.frames))?;
    page.counters("link_bytes", "Payload received.", count(|line| line.bytes))
}

fn requests(page: &mut Page<'_>, all: &[RestHealth]) -> fmt::Result {
    let labels = |it: &RestHealth| vec![("exchange", it.venue.name().to_owned()), ("host", it.host.clone())];
    let number = |pick: fn(&RestHealth) -> f64| all.iter().map(|it| (labels(it), pick(it))).collect();
    let count = |pick: fn(&RestHealth) -> u64| all.iter().map(|it| (labels(it), pick(it))).collect();
    let help = "Request weight spent within the last minute.";
    page.gauges("request_weight_used", help, number(|it| it.weight_used as f64))?;
    let help = "Request weight that may be spent within a minute.";
    page.gauges("request_weight_limit", help, number(|it| f64::from(it.weight_per_minute)))?;
    page.counters("request_replies", "Answers over HTTP from the exchange.", count(|it| it.replies))?;
    page.counters("request_errors", "Requests that failed or were refused.", count(|it| it.errors))
}

fn queues(page: &mut Page<'_>, state: &State) -> fmt::Result {
    let queues = queues_of(state);
    let labels = |id: &str| vec![("queue", id.to_owned())];
    let rows = |pick: fn(&QueueTold) -> u64| -> Vec<(Labels, u64)> {
        queues.iter().map(|queue| (labels(&queue.id), pick(queue))).collect()
    };
    let gauges = |rows: Vec<(Labels, u64)>| rows.into_iter().map(|(labels, value)| (labels, value as f64)).collect();
    page.gauges("queue_length", "What waits now.", gauges(rows(|queue| queue.length)))?;
    page.gauges("queue_limit", "What may wait.", gauges(rows(|queue| queue.limit)))?;
    page.counters("queue_dropped", "What found no room.", rows(|queue| queue.dropped))?;
    if let Some((_, gauge)) = state.tape.get() {
        let stats = gauge.stats();
        page.counter("tape_bytes", "Written to the tape.", stats.bytes)?;
        page.counter("tape_raw_bytes", "The same before compression.", stats.bytes_raw)?;
        let help = "1 where recording has stopped because of an error.";
        page.gauge("tape_failed", help, Some(f64::from(u8::from(stats.failed))))?;
    }
    Ok(())
}

fn process(page: &mut Page<'_>, state: &State) -> fmt::Result {
    let told = state.system().now();
    let bytes = |megabytes: Option<f64>| megabytes.map(|megabytes| (megabytes * 1e6).round());
    page.seconds("cpu_seconds", "Processor time over all threads.", told.cpu_seconds)?;
    page.gauge("memory_bytes", "Resident memory.", bytes(told.memory_mb))?;
    let help = "Resident memory a minute after the start.";
    page.gauge("memory_baseline_bytes", help, bytes(told.memory_baseline_mb))?;
    let help = "1 where memory has grown by more than half since the first minute.";
    page.gauge("memory_alert", help, Some(f64::from(u8::from(told.memory_alert))))?;
    page.gauge("threads", "Threads.", told.threads.map(|threads| threads as f64))?;
    page.gauge("uptime_seconds", "Since the start.", Some(state.uptime_seconds()))
}

/// Labels of an instrument.
pub(super) fn instrument(id: &str) -> Labels {
    let (venue, symbol) = id.split_once(':').unwrap_or(("", id));
    vec![("exchange", venue.to_owned()), ("instrument", id.to_owned()), ("symbol", symbol.to_owned())]
}
