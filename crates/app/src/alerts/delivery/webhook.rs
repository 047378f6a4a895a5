//! A webhook: JSON, signed.
//!
//! `Fathometer-Signature: t=<unix seconds>,v1=<hex>`, where the code is HMAC-SHA256 with the shared secret over the seconds,
//! a full stop and the body as sent. A receiver compares the code in constant time and refuses seconds that are more than
//! five minutes from its own clock, so that a message cannot be played again later; `Idempotency-Key` tells two tries of the
//! same message, and `dedup_key` two messages of the same alert.

use super::hmac::hmac_sha256;
use super::{Message, Request};
use serde_json::json;

pub(super) fn request(message: &Message<'_>) -> Request {
    let body = json!({
        "version": 1,
        "event": message.event(),
        "dedup_key": message.alert.id,
        "severity": message.severity.name(),
        "summary": message.line(),
        "alert": message.alert,
        "sent_by": concat!("fathometer/", env!("CARGO_PKG_VERSION")),
    });
    let mut request = Request::json(message.sink.path.0.clone(), &body);
    let seconds = message.now_seconds.to_string();
    let code = hmac_sha256(message.sink.secret().as_bytes(), &[seconds.as_bytes(), b".", &request.body]);
    request.headers.push(("fathometer-signature", format!("t={seconds},v1={code}")));
    request
}
