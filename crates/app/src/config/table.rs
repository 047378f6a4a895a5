//! Reads a group of keys: each key once, in its type and range, and whatever is left over is refused.

use super::node::{Key, Node, Value};
use super::problem::{Origin, Problems, hint};
use std::cell::RefCell;
use std::ops::RangeInclusive;

/// A group of keys being read.
pub struct Table<'a> {
    /// Where the group stands.
    pub at: Origin,
    path: String,
    entries: &'a [(Key, Node)],
    known: RefCell<Vec<&'static str>>,
    problems: &'a Problems,
}

impl<'a> Table<'a> {
    /// Opens a node as a group of keys; nothing written is an empty group.
    pub fn open(node: &'a Node, path: impl Into<String>, problems: &'a Problems) -> Option<Table<'a>> {
        let (path, known) = (path.into(), RefCell::default());
        let entries: &[(Key, Node)] = match &node.value {
            Value::Map(entries) => entries,
            Value::Null => &[],
            other => {
                problems.error(&node.at, format!("`{path}` wants a group of keys, not {other}"));
                return None;
            }
        };
        Some(Table { at: node.at.clone(), path, entries, known, problems })
    }

    /// The node of a key.
    pub fn node(&self, key: &'static str) -> Option<&'a Node> {
        self.known.borrow_mut().push(key);
        let found = self.entries.iter().find(|(k, _)| k.name == key).map(|(_, node)| node);
        found.filter(|node| !matches!(node.value, Value::Null))
    }

    /// Every key with its node, for groups whose keys are names.
    pub fn entries(&self) -> &'a [(Key, Node)] {
        self.entries
    }

    /// The full name of a key in messages.
    pub fn name(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// A group inside this one.
    pub fn table(&self, key: &'static str) -> Option<Table<'a>> {
        self.node(key).and_then(|node| Table::open(node, self.name(key), self.problems))
    }

    /// `true` or `false`.
    pub fn bool(&self, key: &'static str) -> Option<bool> {
        let node = self.node(key)?;
        match &node.value {
            Value::Bool(value) => Some(*value),
            other => self.refuse(node, key, "true or false", other),
        }
    }

    /// Text.
    pub fn text(&self, key: &'static str) -> Option<&'a str> {
        let node = self.node(key)?;
        match &node.value {
            Value::Text(text) if !text.trim().is_empty() => Some(text.as_str()),
            other => self.refuse(node, key, "a text (in quotes if it looks like a number)", other),
        }
    }

    /// A number within a range.
    pub fn number(&self, key: &'static str, range: RangeInclusive<f64>) -> Option<f64> {
        let node = self.node(key)?;
        let value = match &node.value {
            Value::Int(value) => *value as f64,
            Value::Float(value) => *value,
            other => {
                return self.refuse(node, key, &format!("a number from {} to {}", range.start(), range.end()), other);
            }
        };
        if range.contains(&value) {
            return Some(value);
        }
        self.refuse(node, key, &format!("a number from {} to {}", range.start(), range.end()), &node.value)
    }

    /// A whole number within a range.
    pub fn integer(&self, key: &'static str, range: RangeInclusive<i64>) -> Option<i64> {
        let node = self.node(key)?;
        match &node.value {
            Value::Int(value) if range.contains(value) => Some(*value),
            other => {
                self.refuse(node, key, &format!("a whole number from {} to {}", range.start(), range.end()), other)
            }
        }
    }

    /// One of some words.
    pub fn word(&self, key: &'static str, words: &[&'static str]) -> Option<&'static str> {
        let node = self.node(key)?;
        if let Value::Text(text) = &node.value {
            if let Some(word) = words.iter().find(|word| **word == text.as_str()) {
                return Some(word);
            }
            let name = self.name(key);
            self.problems.error(&node.at, format!("`{name}` cannot be `{text}`{}", hint(text, words)));
            return None;
        }
        self.refuse(node, key, &format!("one of {}", words.join(", ")), &node.value)
    }

    /// An address with one of some schemes (`ws://`, `wss://`), without the slash at its end.
    pub fn url(&self, key: &'static str, schemes: &[&str]) -> Option<String> {
        let node = self.node(key)?;
        let wanted = format!("an address that begins with {}", schemes.join(" or "));
        match &node.value {
            Value::Text(text) => {
                let host = schemes.iter().find_map(|scheme| text.strip_prefix(scheme));
                match host {
                    Some(host)
                        if !host.is_empty() && !host.starts_with(['/', ':']) && !host.contains(char::is_whitespace) =>
                    {
                        Some(text.trim_end_matches('/').to_owned())
                    }
                    _ => self.refuse(node, key, &wanted, &node.value),
                }
            }
            other => self.refuse(node, key, &wanted, other),
        }
    }

    /// Refuses every key that nobody asked for, with the nearest that is valid.
    pub fn finish(self) {
        let known = self.known.into_inner();
        for (key, _) in self.entries.iter().filter(|(key, _)| !known.contains(&key.name.as_str())) {
            let place = if self.path.is_empty() { String::new() } else { format!(" in `{}`", self.path) };
            self.problems.error(&key.at, format!("unknown key `{}`{place}{}", key.name, hint(&key.name, &known)));
        }
    }

    /// Says that a key has to be there.
    pub fn missing(&self, at: &Origin, name: &str) {
        self.problems.error(at, format!("`{name}` is missing"));
    }

    fn refuse<T>(&self, node: &Node, key: &str, wanted: &str, got: &Value) -> Option<T> {
        self.problems.error(&node.at, format!("`{}` wants {wanted}, not {got}", self.name(key)));
        None
    }
}
