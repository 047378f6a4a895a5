//! Prometheus Alertmanager, API v2: labels are what an alert is known by there, so one that got worse ends under its old ones.

use super::{Message, Request};
use fathometer_engine::alert::Severity;
use serde_json::{Value, json};

/// Until then an alert fires there although nothing more is heard of it, seconds.
const LASTS_SECONDS: i64 = 24 * 3600;

pub(super) fn request(message: &Message<'_>) -> Request {
    let mut alerts = vec![alert(message, message.severity, message.resolved)];
    if let Some(before) = message.before.filter(|before| *before != message.severity) {
        alerts.push(alert(message, before, true));
    }
    let mut request = Request::json(format!("{}/api/v2/alerts", message.sink.path.0), &Value::Array(alerts));
    if !message.sink.secret().is_empty() {
        request.headers.push(("authorization", format!("Bearer {}", message.sink.secret())));
    }
    request
}

fn alert(message: &Message<'_>, severity: Severity, over: bool) -> Value {
    let alert = &message.alert;
    let ends = message.now_seconds + if over { 0 } else { LASTS_SECONDS };
    let ends = jiff::Timestamp::from_second(ends).map_or_else(|_| String::new(), |time| time.to_string());
    json!({
        "labels": {
            "alertname": alert.detector,
            "alert_id": alert.id,
            "instrument": alert.instrument,
            "family": alert.family,
            "severity": severity.name(),
        },
        "annotations": { "summary": message.line(), "evidence": message.numbers().trim() },
        "startsAt": alert.fired,
        "endsAt": ends,
    })
}
