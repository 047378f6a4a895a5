//! What is watched for: the thresholds, detectors and budget of `alerts.yaml` as the engine's rules.

use super::alerts::{Rule, Thresholds};
use super::node::{Node, Value};
use super::problem::{Problems, hint};
use super::table::Table;
use fathometer_engine::detector::Params;
use fathometer_engine::detector::dual::Cut;
use fathometer_engine::surveillance::Rules;
use fathometer_engine::zscore::ZScoreParams;
use serde_json::Value as Json;

/// Reads `detectors:`, parameters by detector, and which are switched off (`enabled: false`).
pub fn read(node: Option<&Node>, problems: &Problems) -> (Params, Vec<String>) {
    let (defaults, mut off) = (Params::default(), Vec::new());
    let Ok(Json::Object(mut all)) = serde_json::to_value(&defaults) else { return (defaults, off) };
    let Some(table) = node.and_then(|node| Table::open(node, "detectors", problems)) else { return (defaults, off) };
    let ids: Vec<String> = all.keys().cloned().collect();
    let names: Vec<&str> = ids.iter().map(String::as_str).collect();
    for (id, node) in table.entries() {
        let Some(Json::Object(params)) = all.get_mut(&id.name) else {
            problems.error(&id.at, format!("there is no detector `{}`{}", id.name, hint(&id.name, &names)));
            continue;
        };
        let path = table.name(&id.name);
        let Some(own) = Table::open(node, path.clone(), problems) else { continue };
        // What is set per instrument stands under `thresholds`.
        let single = |(_, value): &(&String, &Json)| value.is_number() || value.is_boolean();
        let keys: Vec<String> = params.iter().filter(single).map(|(key, _)| key.clone()).collect();
        let known: Vec<&str> = keys.iter().map(String::as_str).chain(["enabled"]).collect();
        for (key, node) in own.entries() {
            if key.name == "enabled" {
                match node.value {
                    Value::Bool(false) => off.push(id.name.clone()),
                    Value::Bool(true) => {}
                    _ => problems.error(&node.at, format!("`{path}.enabled` wants true or false")),
                }
                continue;
            }
            let Some(slot) = params.get_mut(&key.name).filter(|_| keys.contains(&key.name)) else {
                problems.error(&key.at, format!("unknown key `{}` in `{path}`{}", key.name, hint(&key.name, &known)));
                continue;
            };
            match like(slot, &node.value) {
                Some(value) => *slot = value,
                None => problems.error(
                    &node.at,
                    format!("`{path}.{}` wants a number like its default {slot}, not {}", key.name, node.value),
                ),
            }
        }
    }
    let params = serde_json::from_value(Json::Object(all)).unwrap_or_else(|error| {
        problems.error(&table.at, format!("`detectors`: {error}"));
        defaults
    });
    (params, off)
}

/// A written value in the shape of a default: whole and not negative where the default is.
fn like(default: &Json, written: &Value) -> Option<Json> {
    match (default, written) {
        (Json::Bool(_), Value::Bool(value)) => Some((*value).into()),
        (Json::Number(n), Value::Int(value)) if n.is_f64() => Some((*value as f64).into()),
        (Json::Number(_), Value::Int(value)) if (0..=i64::from(u32::MAX)).contains(value) => Some((*value).into()),
        (Json::Number(n), Value::Float(value)) if n.is_f64() && value.is_finite() => Some((*value).into()),
        _ => None,
    }
}

/// The engine's rules: everywhere those parameters, and an instrument's own thresholds where it has some.
pub fn rules(
    (usual, off): (Params, Vec<String>),
    thresholds: &[Thresholds],
    zscore: ZScoreParams,
    alerts_per_day: Option<f64>,
) -> Rules {
    let mut usual = usual;
    (usual.spread.zscore, usual.basis.zscore, usual.depth.zscore) = (zscore, zscore, zscore);
    let own = |thresholds: &Thresholds| {
        let mut params = usual.clone();
        for rule in &thresholds.rules {
            let place = match rule.name {
                "spread_warning" => &mut params.spread.warning,
                "spread_critical" => &mut params.spread.critical,
                "basis_warning" => &mut params.basis.warning,
                "basis_critical" => &mut params.basis.critical,
                "depth_warning" => &mut params.depth.warning,
                "depth_critical" => &mut params.depth.critical,
                _ => continue,
            };
            *place = Some(cut(rule));
        }
        (thresholds.instrument.clone(), params)
    };
    let instruments = thresholds.iter().map(own).collect();
    Rules { usual, instruments, off, alerts_per_day, ..Rules::default() }
}

fn cut(rule: &Rule) -> Cut {
    Cut {
        threshold: Some(rule.threshold),
        zscore: rule.zscore.unwrap_or(0.0),
        persistence_seconds: rule.persistence_seconds.unwrap_or(0.0),
        ..Cut::default()
    }
}
