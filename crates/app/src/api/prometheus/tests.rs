//! What Prometheus reads is what it can read.

use super::*;
use crate::api::guard::access::Access;
use crate::live::state::State;
use crate::monitor::laps::Laps;
use crate::view::tests::busy;
use fathometer_engine::units::Nanos;
use std::io::Write;
use std::process::{Command, Stdio};

fn api() -> Arc<Api> {
    let state = State::new(busy());
    let at = |nanos: i64| Nanos(1_000_000_000_000 + nanos);
    state.latency().turn(at(0));
    for number in 1..=100 {
        state.latency().work(
            at(0),
            at(1_000 * number),
            at(1_000 * number + 50),
            at(1_000 * number + 2_050),
            &Laps::default(),
        );
    }
    state.latency().turn(at(2_000_000_000));
    state.system().take(state.moment());
    Arc::new(Api::new(Arc::new(state), Access::default()))
}

#[test]
fn histograms_are_cumulative_and_what_is_absent_is_not_told() {
    let text = open_metrics(&api()).unwrap();
    assert!(text.ends_with("# EOF\n"));
    for line in [
        "# TYPE fathometer_stage_latency_seconds histogram",
        "fathometer_stage_latency_seconds_bucket{le=\"0.000005\",stage=\"queue\"} 4",
        "fathometer_stage_latency_seconds_bucket{le=\"+Inf\",stage=\"queue\"} 100",
        "fathometer_stage_latency_seconds_count{stage=\"publish\"} 100",
        "# TYPE fathometer_frames counter",
        "fathometer_frames_total 100",
    ] {
        assert!(text.lines().any(|told| told == line), "{line} is not among\n{text}");
    }
    let mids = text.lines().filter(|line| line.starts_with("fathometer_market_mid{")).count();
    let view = busy();
    let known = view.markets.iter().filter(|market| view.value(market, "mid").get().is_some()).count();
    assert_eq!(mids, known);
    assert!(known > 0 && known < view.markets.len(), "{known} of {}: some must be absent", view.markets.len());
    assert!(!text.contains("NaN"), "a number that is none is told");
    let valid = text.lines().filter(|line| line.starts_with("fathometer_book_valid{")).count();
    assert_eq!(valid, view.markets.len());
}

#[test]
fn the_classic_form_names_counters_by_their_samples() {
    let text =
        classic("# HELP a Help.\n# TYPE a counter\na_total{x=\"1\"} 2\n# HELP b B.\n# TYPE b gauge\nb 1\n# EOF\n");
    assert_eq!(
        text,
        "# HELP a_total Help.\n# TYPE a_total counter\na_total{x=\"1\"} 2\n# HELP b B.\n# TYPE b gauge\nb 1\n"
    );
}

#[test]
fn promtool_has_nothing_to_say() {
    let promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = promtool else {
        eprintln!("NOT RUN: there is no promtool here (Debian: apt-get install prometheus)");
        return;
    };
    let text = classic(&open_metrics(&api()).unwrap());
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));
}
