//! PagerDuty, Events API v2: an alert is an incident with its number as deduplication key.

use super::{Message, Request};
use serde_json::json;

/// Longest summary that is taken, characters.
const SUMMARY_MAX: usize = 1_024;

pub(super) fn request(message: &Message<'_>) -> Request {
    let alert = &message.alert;
    let mut body = json!({
        "routing_key": message.sink.secret(),
        "event_action": if message.resolved { "resolve" } else { "trigger" },
        "dedup_key": alert.id,
    });
    if !message.resolved {
        body["client"] = json!("Fathometer");
        body["payload"] = json!({
            "summary": message.line().chars().take(SUMMARY_MAX).collect::<String>(),
            "source": alert.instrument,
            "severity": message.severity.name(),
            "timestamp": alert.fired,
            "component": alert.detector,
            "group": alert.family,
            "class": alert.title,
            "custom_details": { "evidence": alert.evidence, "count": alert.count, "since": alert.since },
        });
    }
    Request::json(format!("{}/v2/enqueue", message.sink.path.0), &body)
}
