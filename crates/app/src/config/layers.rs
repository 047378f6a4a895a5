//! Where configuration comes from, weakest first: built in, the folder's files, the environment, flags.

use super::node::Node;
use super::problem::{BUILT_IN, Origin, Problem, Problems, hint};
use std::path::Path;
use std::sync::Arc;

/// The files, with what is built in.
pub const FILES: [(&str, &str); 5] = [
    ("exchanges", include_str!("../../../../config/exchanges.yaml")),
    ("instruments", include_str!("../../../../config/instruments.yaml")),
    ("alerts", include_str!("../../../../config/alerts.yaml")),
    ("features", include_str!("../../../../config/features.yaml")),
    ("fees", include_str!("../../../../config/fees.yaml")),
];

const PREFIX: &str = "FATHOMETER__";

/// The merged trees, in the order of `FILES`.
pub struct Layers {
    trees: Vec<Node>,
    /// Files that could not be read at all: what refers to them is not checked.
    broken: Vec<&'static str>,
}

impl Layers {
    /// What is built in.
    pub fn built_in(problems: &Problems) -> Self {
        let read = |(name, text): &(&str, &str)| {
            Node::parse(text, &format!("{BUILT_IN}{name}.yaml").into()).unwrap_or_else(|problem| {
                problems.push(problem);
                Node::empty(name)
            })
        };
        Layers { trees: FILES.iter().map(read).collect(), broken: Vec::new() }
    }

    /// The merged tree of a file.
    pub fn tree(&self, name: &str) -> Option<&Node> {
        FILES.iter().position(|(file, _)| *file == name).and_then(|index| self.trees.get(index))
    }

    /// Whether a file of the folder was read, or none was there.
    pub fn is_whole(&self, name: &str) -> bool {
        !self.broken.contains(&name)
    }

    /// Lays the files of a folder over what is there; files that are absent leave what is built in.
    ///
    /// # Errors
    /// The folder itself cannot be read.
    pub fn folder(&mut self, folder: &Path, problems: &Problems) -> Result<(), String> {
        let entries = std::fs::read_dir(folder)
            .map_err(|error| format!("cannot read the configuration folder {}: {error}", folder.display()))?;
        let names: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
        let mut found = 0;
        let mut strangers = Vec::new();
        let mut paths: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            let extension = path.extension().and_then(|extension| extension.to_str());
            if !matches!(extension, Some("yaml" | "yml")) {
                continue;
            }
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            match names.iter().position(|name| *name == stem) {
                Some(index) => {
                    found += 1;
                    self.file(index, &path, problems);
                }
                None => strangers.push((path.display().to_string(), stem.to_owned())),
            }
        }
        for (path, stem) in strangers {
            let text = format!("is not one of the files that are read{}", hint(&stem, &names));
            problems.warn(&Origin::line(&path.into(), 0), text);
        }
        if found == 0 {
            let at = Origin::line(&folder.display().to_string().into(), 0);
            problems.warn(&at, format!("holds none of {}.yaml: what is built in is used", names.join(".yaml, ")));
        }
        Ok(())
    }

    fn file(&mut self, index: usize, path: &Path, problems: &Problems) {
        let source: Arc<str> = path.display().to_string().into();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                problems.push(Problem::new(Origin::line(&source, 0), format!("cannot be read: {error}")));
                self.broken.push(FILES[index].0);
                return;
            }
        };
        match Node::parse(&text, &source) {
            // Thresholds belong to instruments: a folder's own replace the built-in ones rather than joining them.
            Ok(node) if FILES[index].0 == "alerts" => self.trees[index] = node,
            Ok(node) => self.trees[index].merge(unwrapped(FILES[index].0, node)),
            Err(problem) => {
                problems.push(problem);
                self.broken.push(FILES[index].0);
            }
        }
    }

    /// Lays environment variables `FATHOMETER__FILE__KEY__KEY=value` over what is there.
    pub fn environment(&mut self, variables: impl Iterator<Item = (String, String)>, problems: &Problems) {
        let mut variables: Vec<_> = variables.filter(|(name, _)| name.starts_with(PREFIX)).collect();
        variables.sort();
        for (name, value) in variables {
            let path: Vec<&str> = name[PREFIX.len()..].split("__").collect();
            self.set(&path, &value, &format!("environment variable {name}"), problems);
        }
    }

    /// Lays flags `file.key.key=value` over what is there.
    pub fn flags(&mut self, flags: &[String], problems: &Problems) {
        for flag in flags {
            let source = format!("--set {flag}");
            match flag.split_once('=') {
                Some((path, value)) => self.set(&path.split('.').collect::<Vec<_>>(), value, &source, problems),
                None => problems.error(&Origin::line(&source.into(), 0), "has no value; write --set file.key=value"),
            }
        }
    }

    fn set(&mut self, path: &[&str], value: &str, source: &str, problems: &Problems) {
        let source: Arc<str> = source.into();
        let at = Origin::line(&source, 0);
        let names: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
        let Some((file, keys)) = path.split_first() else { return };
        let Some(index) = names.iter().position(|name| name.eq_ignore_ascii_case(file)) else {
            let file = file.to_lowercase();
            problems.error(
                &at,
                format!("begins with `{file}`, which is no file of the configuration{}", hint(&file, &names)),
            );
            return;
        };
        if keys.is_empty() || keys.iter().any(|key| key.is_empty()) {
            problems.error(&at, format!("names no key in {}.yaml", names[index]));
            return;
        }
        match Node::parse(value, &source) {
            Ok(mut node) => {
                node.at = at;
                let beside = ["delivery", "detectors", "alerts_per_day"]; // of `thresholds`
                let own = |head: &str| {
                    keys[0].eq_ignore_ascii_case(head) || (names[index] == "alerts" && beside.contains(&keys[0]))
                };
                let head = wrapper(names[index]).filter(|head| !own(head));
                let keys: Vec<&str> = head.into_iter().chain(keys.iter().copied()).collect();
                self.trees[index].set(&keys, node);
            }
            Err(problem) => problems.push(problem),
        }
    }
}

/// The key below which everything of a file stands, so that paths need not repeat the file's name.
fn wrapper(file: &str) -> Option<&'static str> {
    match file {
        "exchanges" => Some("exchanges"),
        "instruments" => Some("instruments"),
        "alerts" => Some("thresholds"),
        _ => None,
    }
}

/// A file of exchanges may leave the outer key out.
fn unwrapped(file: &str, node: Node) -> Node {
    use super::node::{Key, Value};
    match &node.value {
        Value::Map(entries) if file == "exchanges" && !entries.iter().any(|(key, _)| key.name == "exchanges") => {
            let key = Key { name: "exchanges".into(), at: node.at.clone() };
            Node { at: node.at.clone(), value: Value::Map(vec![(key, node)]) }
        }
        _ => node,
    }
}
