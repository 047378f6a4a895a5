//! `features.yaml`: how numbers are derived.

use super::node::{Node, Value};
use super::problem::{Problems, hint};
use super::table::Table;
use fathometer_engine::metric::Params;
use fathometer_engine::zscore::ZScoreParams;
use serde::Serialize;

/// How numbers are derived.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Features {
    /// Standard scores.
    pub zscore: ZScoreParams,
    /// What can be chosen about the metrics.
    pub metrics: Params,
}

/// Reads the file's tree.
pub fn read(node: &Node, problems: &Problems) -> Features {
    let mut features = Features::default();
    let Some(file) = Table::open(node, "", problems) else { return features };
    if let Some(table) = file.table("zscore") {
        let it = &mut features.zscore;
        it.enabled = table.bool("enabled").unwrap_or(it.enabled);
        it.window_size = table.integer("window_size", 2..=100_000).map_or(it.window_size, |n| n as u32);
        it.min_samples = table.integer("min_samples", 2..=100_000).map_or(it.min_samples, |n| n as u32);
        it.reset_on_gap = table.bool("reset_on_gap").unwrap_or(it.reset_on_gap);
        if it.min_samples > it.window_size {
            let text = format!(
                "`zscore.min_samples` ({}) is more than `zscore.window_size` ({})",
                it.min_samples, it.window_size
            );
            problems.error(&table.at, text);
        }
        table.finish();
    }
    if let Some(node) = file.node("metrics") {
        features.metrics = metrics(node, problems);
    }
    features.metrics.zscore = features.zscore;
    file.finish();
    features
}

/// The keys of `metrics` are those of the engine's own parameters: their default tells name and shape of each.
fn metrics(node: &Node, problems: &Problems) -> Params {
    let defaults = Params::default();
    let Ok(serde_json::Value::Object(mut object)) = serde_json::to_value(&defaults) else { return defaults };
    object.remove("zscore"); // a section of its own
    let Some(table) = Table::open(node, "metrics", problems) else { return defaults };
    let keys: Vec<String> = object.keys().cloned().collect();
    let names: Vec<&str> = keys.iter().map(String::as_str).collect();
    for (key, node) in table.entries() {
        let Some(slot) = object.get_mut(&key.name) else {
            problems.error(&key.at, format!("unknown key `{}` in `metrics`{}", key.name, hint(&key.name, &names)));
            continue;
        };
        match like(slot, &node.value) {
            Some(value) => *slot = value,
            None => {
                let wanted = if slot.is_array() { "a list of numbers above 0" } else { "a number above 0" };
                problems.error(
                    &node.at,
                    format!("`metrics.{}` wants {wanted} (default {slot}), not {}", key.name, node.value),
                );
            }
        }
    }
    serde_json::from_value(serde_json::Value::Object(object)).unwrap_or_else(|error| {
        problems.error(&table.at, format!("`metrics`: {error}"));
        defaults
    })
}

/// A written value in the shape of a default: a positive number, whole where the default is, or a list of such.
fn like(default: &serde_json::Value, written: &Value) -> Option<serde_json::Value> {
    if let serde_json::Value::Array(items) = default {
        let Value::List(written) = written else { return None };
        let first = items.first()?;
        return written.iter().map(|node| like(first, &node.value)).collect();
    }
    match (default, written) {
        (serde_json::Value::Bool(_), Value::Bool(b)) => Some((*b).into()),
        (serde_json::Value::Number(n), Value::Int(i)) if *i > 0 => {
            Some(if n.is_f64() { (*i as f64).into() } else { (*i).into() })
        }
        (serde_json::Value::Number(n), Value::Float(x)) if n.is_f64() && *x > 0.0 && x.is_finite() => Some((*x).into()),
        _ => None,
    }
}
