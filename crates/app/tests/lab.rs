//! The laboratory's command: its figures are the same for the same seed, in the form that is promised, and a change of a
//! threshold changes them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests

use serde_json::Value;
use std::process::Command;

fn lab(args: &[&str]) -> (i32, String, String) {
    let command = ["lab", "--flow", "simulated"];
    let output = Command::new(env!("CARGO_BIN_EXE_fathometer")).args(command).args(args).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn figures(args: &[&str]) -> Value {
    let (code, out, err) = lab(&[args, &["--json", "--skip-clean"]].concat());
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).unwrap()
}

fn recall(figures: &Value, kind: &str) -> f64 {
    let line = figures["kinds"].as_array().unwrap().iter().find(|line| line["kind"] == kind).unwrap();
    line["recall"].as_f64().unwrap()
}

#[test]
fn the_figures_are_the_same_for_the_same_seed_and_in_the_promised_form() {
    let args = ["--seed", "5..7", "--kind", "spread", "--kind", "depth", "--kind", "cascade"];
    let (once, again) = (figures(&args), figures(&args));
    assert_eq!(once, again);
    for line in once["kinds"].as_array().unwrap() {
        assert_eq!(line["runs"], 3);
        for key in ["precision", "recall", "f1", "baseline_f1"] {
            assert!((0.0..=1.0).contains(&line[key].as_f64().unwrap()), "{key}: {line}");
        }
        assert!(line.get("lead_time_s_median").is_some());
    }
    assert!(once.get("false_alerts_per_instrument_hour").is_some());
    for kind in ["spread", "depth", "cascade"] {
        assert!(recall(&once, kind) > 0.6, "{kind}: {once}");
    }
}

#[test]
fn a_threshold_out_of_reach_finds_nothing() {
    let args = ["--seed", "5..6", "--kind", "spread"];
    assert!(recall(&figures(&args), "spread") > 0.0);
    let raised = ["--set", "spread.warning.threshold=1e6", "--set", "spread.critical.threshold=1e6"];
    assert!(recall(&figures(&[&args[..], &raised[..]].concat()), "spread") == 0.0);
}

#[test]
fn clean_flow_is_watched_and_counted() {
    let (code, out, err) = lab(&["--seed", "5", "--kind", "spread", "--json"]);
    assert_eq!(code, 0, "{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    let hours = report["clean_simulated"]["instrument_hours"].as_f64().unwrap();
    assert!((0.05..0.1).contains(&hours), "{hours}");
    let without = report["without_recordings"].as_bool().unwrap();
    assert_eq!(without, report["clean_recorded"]["instrument_hours"].as_f64().unwrap() == 0.0);
}

#[test]
fn what_cannot_be_meant_is_refused_with_what_could() {
    let refused = |args: &[&str], code: i32, part: &str| {
        let (ended, _, err) = lab(args);
        assert!(ended == code && err.contains(part), "{args:?}: {ended} {err}");
    };
    refused(&["--kind", "spofing"], 2, "spoofing");
    refused(&["--seed", "9..2"], 2, "above");
    refused(&["--disguise", "2"], 2, "0 to 1");
    refused(&["--set", "spred.warning.threshold=4"], 3, "spread.warning.threshold");
    refused(&["--set", "spread.warning.threshold"], 2, "PATH=VALUE");
}
