//! Messages in channels: Slack and Discord through their incoming webhooks, Telegram through its bots.

use super::{Message, Request};
use serde_json::json;

/// Longest message that each of them takes whole, characters.
const LENGTH_MAX: usize = 1_900;

fn text(message: &Message<'_>) -> String {
    let text = format!("{}{}\nalert {}", message.line(), message.numbers(), message.alert.id);
    text.chars().take(LENGTH_MAX).collect()
}

/// `POST` to an incoming webhook; `&`, `<` and `>` would be markup.
pub(super) fn slack(message: &Message<'_>) -> Request {
    let text = text(message).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    Request::json(message.sink.path.0.clone(), &json!({ "text": text }))
}

/// `POST` to a channel's webhook; nobody is mentioned, whatever the text says.
pub(super) fn discord(message: &Message<'_>) -> Request {
    let body = json!({ "content": text(message), "allowed_mentions": { "parse": [] } });
    Request::json(message.sink.path.0.clone(), &body)
}

/// `sendMessage` of a bot, as plain text.
pub(super) fn telegram(message: &Message<'_>) -> Request {
    let sink = message.sink;
    let path = format!("{}/bot{}/sendMessage", sink.path.0, sink.secret());
    Request::json(path, &json!({ "chat_id": sink.chat, "text": text(message) }))
}
