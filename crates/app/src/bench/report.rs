//! The figures of a measurement, as an object and as a table.

use serde::Serialize;
use std::fmt::Write;

/// Nanoseconds by part of the work.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct PerDepthFrame {
    /// Bytes to events.
    pub decode: f64,
    /// Events to the book.
    pub book: f64,
    /// Book to metrics, and what is said of it.
    pub metrics: f64,
    /// All, measured without a stopwatch in between.
    pub total: f64,
}

impl PerDepthFrame {
    /// Each part divided.
    pub(super) fn over(self, by: f64) -> Self {
        PerDepthFrame {
            decode: self.decode / by,
            book: self.book / by,
            metrics: self.metrics / by,
            total: self.total / by,
        }
    }
}

/// All figures; times are medians over the rounds, ns.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figures {
    pub frames: u64,
    pub depth_frames: u64,
    pub levels_per_depth_frame: f64,
    pub bytes: u64,
    pub rounds: u64,
    pub ns_per_depth_frame: PerDepthFrame,
    pub ns_per_level: PerDepthFrame,
    pub ns_depth_frame_p50: u64,
    pub ns_depth_frame_p99: u64,
    pub ns_depth_frame_p999: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ns_per_bbo_decode: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ns_per_trade_decode: Option<f64>,
    pub frames_per_second: f64,
    pub megabytes_per_second: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline_ns_per_depth_frame: Option<f64>,
    /// Against our decode and book, which is what the plain version does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline_ratio: Option<f64>,
    /// Against ours with all metrics, of which the plain version has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline_ratio_with_metrics: Option<f64>,
}

impl Figures {
    /// For people.
    pub(super) fn table(&self) -> String {
        let mut text = String::new();
        let (frame, level) = (self.ns_per_depth_frame, self.ns_per_level);
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{} frames, {:.1} MB; {} depth frames of {:.1} levels; medians of {} rounds on one thread\n",
            self.frames,
            self.bytes as f64 / 1e6,
            self.depth_frames,
            self.levels_per_depth_frame,
            self.rounds
        );
        let _ = writeln!(text, "{:<10} {:>16} {:>12}", "", "ns/depth frame", "ns/level");
        for (name, frame, level) in [
            ("decode", frame.decode, level.decode),
            ("book", frame.book, level.book),
            ("metrics", frame.metrics, level.metrics),
            ("all", frame.total, level.total),
        ] {
            let _ = writeln!(text, "{name:<10} {frame:>16.0} {level:>12.1}");
        }
        let _ = writeln!(
            text,
            "\none depth frame: p50 {} ns, p99 {} ns, p99.9 {} ns",
            self.ns_depth_frame_p50, self.ns_depth_frame_p99, self.ns_depth_frame_p999
        );
        for (name, figure) in [("best bid/ask", self.ns_per_bbo_decode), ("trade", self.ns_per_trade_decode)] {
            if let Some(nanos) = figure {
                let _ = writeln!(text, "one {name} message, decoded: {nanos:.0} ns");
            }
        }
        let _ =
            writeln!(text, "all frames: {:.0} frames/s, {:.0} MB/s", self.frames_per_second, self.megabytes_per_second);
        if let (Some(nanos), Some(like), Some(whole)) =
            (self.baseline_ns_per_depth_frame, self.baseline_ratio, self.baseline_ratio_with_metrics)
        {
            let _ = writeln!(
                text,
                "serde_json + BTreeMap, decode and book: {nanos:.0} ns/depth frame, {like:.1} times our decode and book, \
                 {whole:.1} times ours with all metrics"
            );
        }
        text
    }
}
