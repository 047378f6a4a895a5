//! Detector parameters by path: `spread.warning.threshold=4`.

use crate::failure::Failure;
use crate::nearest::nearest;
use fathometer_engine::detector::Params;
use serde_json::Value;

/// Names listed where none is near.
const LISTED_MAX: usize = 12;

/// The usual parameters with changes made to them.
///
/// # Errors
/// A path that leads nowhere, with the nearest that do; a value that does not fit.
pub fn params(changes: &[String]) -> Result<Params, Failure> {
    let mut tree = serde_json::to_value(Params::default())
        .map_err(|error| Failure::failed(format!("the parameters cannot be written as JSON: {error}")))?;
    let known = paths(&tree);
    for change in changes {
        let (path, text) =
            change.split_once('=').ok_or_else(|| Failure::usage(format!("--set {change}: wants PATH=VALUE")))?;
        let value = serde_json::from_str::<Value>(text)
            .map_err(|_| Failure::usage(format!("--set {change}: `{text}` is no number, truth value or list")))?;
        let place = tree.pointer_mut(&format!("/{}", path.replace('.', "/")));
        let Some(place) = place.filter(|place| !place.is_object()) else {
            return Err(Failure::input(unknown(path, &known)));
        };
        *place = value;
    }
    serde_json::from_value(tree).map_err(|error| Failure::input(format!("--set: {error}")))
}

fn unknown(path: &str, known: &[String]) -> String {
    let near = nearest(path, known.iter().map(String::as_str), 3);
    if !near.is_empty() {
        return format!("--set {path}: no detector has this parameter; did you mean {}?", near.join(" or "));
    }
    let head = path.split('.').next().unwrap_or(path);
    let below: Vec<&str> = known.iter().map(String::as_str).filter(|k| k.split('.').next() == Some(head)).collect();
    let list = |names: &[&str]| names.iter().take(LISTED_MAX).copied().collect::<Vec<_>>().join(", ");
    if below.is_empty() {
        let mut heads: Vec<&str> = known.iter().filter_map(|k| k.split('.').next()).collect();
        heads.dedup();
        return format!("--set {path}: there is no detector `{head}`; there are {}", heads.join(", "));
    }
    format!("--set {path}: no such parameter; `{head}` has {}", list(&below))
}

/// Every path that leads to a value.
fn paths(tree: &Value) -> Vec<String> {
    let Value::Object(map) = tree else { return Vec::new() };
    map.iter()
        .flat_map(|(key, value)| match value {
            Value::Object(_) => paths(value).into_iter().map(|path| format!("{key}.{path}")).collect(),
            _ => vec![key.clone()],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(text: &str) -> Result<Params, String> {
        params(&[text.to_owned()]).map_err(|failure| failure.text)
    }

    #[test]
    fn a_parameter_is_changed_by_its_path() {
        assert_eq!(change("crossed.warning_ms=77").unwrap().crossed.warning_ms, 77);
        assert_eq!(params(&[]).unwrap(), Params::default());
    }

    #[test]
    fn what_does_not_exist_or_fit_is_refused_with_what_does() {
        assert!(change("crossed.warning_sm=77").unwrap_err().contains("crossed.warning_ms"));
        assert!(change("crossed.x=77").unwrap_err().contains("crossed.critical_ms"));
        assert!(change("crosed.qqqqqqqqqqqqq=1").unwrap_err().contains("crossed"));
        assert!(change("crossed=1").unwrap_err().contains("crossed"), "a detector as a whole is no parameter");
        assert!(change("crossed.warning_ms=often").unwrap_err().contains("often"));
        assert!(change("crossed.warning_ms=-1").is_err());
        assert!(change("crossed.warning_ms").is_err());
    }
}
