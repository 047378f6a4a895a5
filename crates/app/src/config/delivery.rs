//! `alerts.yaml`, `delivery`: who is told of alerts. Secrets stand in the environment or in files, never in the configuration.

use super::node::Node;
use super::problem::Problems;
use super::table::Table;
use fathometer_engine::alert::Severity;
use serde::Serialize;
use std::path::PathBuf;

/// One that is told of alerts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sink {
    /// What it is called.
    pub name: String,
    /// In which form it is told.
    pub kind: SinkKind,
    /// Where it listens.
    pub url: Option<Value>,
    /// What lets us in there, or signs what we send.
    pub secret: Option<Value>,
    /// Which chat, of Telegram.
    pub chat: Option<String>,
    /// It is told of alerts that are at least that bad.
    pub severity: Severity,
    /// Longest time between two tries while it does not answer, seconds.
    pub retry_seconds_max: f64,
}

/// Forms in which alerts are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SinkKind {
    /// Signed JSON.
    Webhook,
    /// A message in a channel.
    Slack,
    /// A message in a channel.
    Discord,
    /// A message in a chat.
    Telegram,
    /// Events of version 2.
    Pagerduty,
    /// Alerts of version 2.
    Alertmanager,
    /// A line of the program's own log.
    Log,
}

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Value {
    /// Here: it is no secret.
    Plain(String),
    /// In an environment variable of that name.
    Env(String),
    /// In a file; spaces and line ends around it do not count.
    File(PathBuf),
}

/// What a kind wants.
struct Wants {
    word: &'static str,
    kind: SinkKind,
    /// Whether its address may be written down; for some the address is the secret.
    plain_url: bool,
    /// Where it listens unless said otherwise; empty where that has to be said.
    url: &'static str,
    /// The name of its secret, and whether it has to have one.
    secret: Option<(&'static str, bool)>,
}

const KINDS: [Wants; 7] = {
    use SinkKind::{Alertmanager, Discord, Log, Pagerduty, Slack, Telegram, Webhook};
    const fn wants(
        word: &'static str,
        kind: SinkKind,
        plain_url: bool,
        url: &'static str,
        secret: Option<(&'static str, bool)>,
    ) -> Wants {
        Wants { word, kind, plain_url, url, secret }
    }
    [
        wants("webhook", Webhook, true, "", Some(("secret", true))),
        wants("slack", Slack, false, "", None),
        wants("discord", Discord, false, "", None),
        wants("telegram", Telegram, true, "https://api.telegram.org", Some(("token", true))),
        wants("pagerduty", Pagerduty, true, "https://events.pagerduty.com", Some(("key", true))),
        wants("alertmanager", Alertmanager, true, "", Some(("token", false))),
        wants("log", Log, true, "-", None),
    ]
};

/// Reads the group, by name.
pub fn read(group: Option<Table<'_>>, problems: &Problems) -> Vec<Sink> {
    let Some(group) = group else { return Vec::new() };
    let sinks = group.entries().iter().filter_map(|(key, node)| {
        let path = group.name(&key.name);
        sink(&key.name, node, &path, problems)
    });
    sinks.collect()
}

fn sink(name: &str, node: &Node, path: &str, problems: &Problems) -> Option<Sink> {
    let table = Table::open(node, path, problems)?;
    let word = table.word("kind", &KINDS.map(|wants| wants.word));
    if table.node("kind").is_none() {
        table.missing(&table.at, &table.name("kind"));
    }
    let wants = KINDS.into_iter().find(|wants| Some(wants.word) == word);
    let severity = table.word("severity", &Severity::ALL.map(Severity::name));
    let severity = Severity::ALL.into_iter().find(|it| Some(it.name()) == severity).unwrap_or(Severity::Warning);
    let retry_seconds_max = table.number("retry_seconds_max", 0.1..=86_400.0).unwrap_or(300.0);
    let wants = wants?;
    let url = match wants.kind {
        SinkKind::Log => None,
        _ => {
            let plain = if wants.plain_url { table.url("url", &["http://", "https://"]) } else { None };
            let elsewhere = plain.map(Value::Plain).or_else(|| value(&table, ["url_env", "url_file"]));
            match (elsewhere, wants.url) {
                (Some(url), _) => Some(url),
                (None, "") => {
                    let plain = if wants.plain_url { "`url`, " } else { "" };
                    let text = format!("`{path}` has no address; set {plain}`url_env` or `url_file`");
                    problems.error(&table.at, text);
                    None
                }
                (None, usual) => Some(Value::Plain(usual.to_owned())),
            }
        }
    };
    let names = match wants.secret {
        Some(("secret", _)) => Some(["secret_env", "secret_file"]),
        Some(("key", _)) => Some(["key_env", "key_file"]),
        Some(_) => Some(["token_env", "token_file"]),
        None => None,
    };
    let secret = names.and_then(|names| value(&table, names));
    if let (Some((_, true)), Some([env, file]), None) = (wants.secret, names, &secret) {
        problems.error(&table.at, format!("`{path}` has no secret; set `{env}` or `{file}`"));
    }
    let chat = if wants.kind == SinkKind::Telegram { table.text("chat").map(str::to_owned) } else { None };
    if wants.kind == SinkKind::Telegram && chat.is_none() {
        table.missing(&table.at, &table.name("chat"));
    }
    table.finish();
    Some(Sink { name: name.to_owned(), kind: wants.kind, url, secret, chat, severity, retry_seconds_max })
}

fn value(table: &Table<'_>, [env, file]: [&'static str; 2]) -> Option<Value> {
    let env = table.text(env).map(|name| Value::Env(name.to_owned()));
    let file = table.text(file).map(|path| Value::File(PathBuf::from(path)));
    env.or(file)
}
