//! A configuration file as it was written: a tree of values, each with the place it came from.

use super::problem::{Origin, Problem};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use std::fmt;
use std::sync::Arc;

/// A value and where it was written.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where.
    pub at: Origin,
    /// What.
    pub value: Value,
}

/// What YAML can say.
#[derive(Clone, Debug)]
pub enum Value {
    /// Nothing.
    Null,
    /// `true` or `false`; the YAML 1.1 words `yes`, `on` and so on are text.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// Keys and values in the order in which they were written.
    Map(Vec<(Key, Node)>),
}

/// A key and where it was written.
#[derive(Clone, Debug)]
pub struct Key {
    /// The key.
    pub name: String,
    /// Where.
    pub at: Origin,
}

impl Node {
    /// Reads YAML text.
    ///
    /// # Errors
    /// The first place that is not YAML.
    pub fn parse(text: &str, source: &Arc<str>) -> Result<Node, Problem> {
        let mut options = serde_saphyr::Options::default();
        options.strict_booleans = true;
        let empty = text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
        if empty {
            return Ok(Node { at: Origin::line(source, 1), value: Value::Null });
        }
        serde_saphyr::from_str_with_options::<Spanned<Raw>>(text, options)
            .map(|raw| Node::from_raw(raw, source))
            .map_err(|error| {
                let line = error.location().map_or(0, |location| location.line());
                let text = error.without_snippet().to_string();
                let text = text.lines().next().unwrap_or_default();
                Problem::new(Origin::line(source, line as u32), format!("not valid YAML: {text}"))
            })
    }

    /// An empty map that came from `source`.
    pub fn empty(source: &str) -> Node {
        Node { at: Origin::line(&source.into(), 0), value: Value::Map(Vec::new()) }
    }

    fn from_raw(raw: Spanned<Raw>, source: &Arc<str>) -> Node {
        let at = Origin::line(source, raw.referenced.line() as u32);
        let value = match raw.value {
            Raw::Null => Value::Null,
            Raw::Bool(b) => Value::Bool(b),
            Raw::Int(i) => Value::Int(i),
            Raw::Float(f) => Value::Float(f),
            Raw::Text(t) => Value::Text(t),
            Raw::List(items) => Value::List(items.into_iter().map(|item| Node::from_raw(item, source)).collect()),
            Raw::Map(entries) => Value::Map(
                entries
                    .into_iter()
                    .map(|(key, node)| {
                        let at = Origin::line(source, key.referenced.line() as u32);
                        (Key { name: key.value, at }, Node::from_raw(node, source))
                    })
                    .collect(),
            ),
        };
        Node { at, value }
    }

    /// Lays `over` upon this: maps key by key, anything else replaces.
    pub fn merge(&mut self, over: Node) {
        match (&mut self.value, over.value) {
            (Value::Map(entries), Value::Map(more)) => {
                self.at = over.at;
                for (key, node) in more {
                    match entries.iter_mut().find(|(known, _)| known.name == key.name) {
                        Some((known, old)) => {
                            *known = key;
                            old.merge(node);
                        }
                        None => entries.push((key, node)),
                    }
                }
            }
            (_, Value::Null) => {}
            (_, value) => *self = Node { at: over.at, value },
        }
    }

    /// Sets the value at a path of keys; a list is entered by the `id` of its items. Case, `-` and `_` do not matter.
    pub fn set(&mut self, path: &[&str], to: Node) {
        let Some((first, rest)) = path.split_first() else {
            *self = to;
            return;
        };
        if let Value::List(items) = &mut self.value
            && let Some(item) = items.iter_mut().find(|item| item.id().is_some_and(|id| same(id, first)))
        {
            item.set(rest, to);
            return;
        }
        if !matches!(self.value, Value::Map(_)) {
            self.value = Value::Map(Vec::new());
        }
        if let Value::Map(entries) = &mut self.value {
            let found = entries.iter().position(|(key, _)| same(&key.name, first));
            let index = found.unwrap_or_else(|| {
                let key = Key { name: first.to_lowercase(), at: to.at.clone() };
                entries.push((key, Node { at: to.at.clone(), value: Value::Null }));
                entries.len() - 1
            });
            if let Some((key, node)) = entries.get_mut(index) {
                key.at = to.at.clone();
                node.set(rest, to);
            }
        }
    }

    /// The node of a key, in a map.
    pub fn get(&self, name: &str) -> Option<&Node> {
        let Value::Map(entries) = &self.value else { return None };
        entries.iter().find(|(key, _)| key.name == name).map(|(_, node)| node)
    }

    /// The text of the key `id`, in a map.
    pub fn id(&self) -> Option<&str> {
        match self.get("id").map(|node| &node.value) {
            Some(Value::Text(text)) => Some(text.as_str()),
            _ => None,
        }
    }
}

/// Whether two names are the same once case, `-` and `_` are left aside (environment variables cannot tell them apart).
pub fn same(a: &str, b: &str) -> bool {
    let plain = |c: char| if c == '-' { '_' } else { c.to_ascii_lowercase() };
    a.chars().map(plain).eq(b.chars().map(plain))
}

impl fmt::Display for Value {
    /// As a message shows it: short, on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("nothing"),
            Value::Bool(b) => write!(f, "`{b}`"),
            Value::Int(i) => write!(f, "`{i}`"),
            Value::Float(x) => write!(f, "`{x}`"),
            Value::Text(t) => write!(f, "`{}`", t.chars().take(60).collect::<String>()),
            Value::List(_) => f.write_str("a list"),
            Value::Map(_) => f.write_str("a group of keys"),
        }
    }
}

enum Raw {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Raw;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("YAML")
            }
            fn visit_unit<E>(self) -> Result<Raw, E> {
                Ok(Raw::Null)
            }
            fn visit_none<E>(self) -> Result<Raw, E> {
                Ok(Raw::Null)
            }
            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
                Raw::deserialize(deserializer)
            }
            fn visit_bool<E>(self, v: bool) -> Result<Raw, E> {
                Ok(Raw::Bool(v))
            }
            fn visit_i64<E>(self, v: i64) -> Result<Raw, E> {
                Ok(Raw::Int(v))
            }
            fn visit_u64<E>(self, v: u64) -> Result<Raw, E> {
                Ok(i64::try_from(v).map_or(Raw::Float(v as f64), Raw::Int))
            }
            fn visit_f64<E>(self, v: f64) -> Result<Raw, E> {
                Ok(Raw::Float(v))
            }
            fn visit_str<E>(self, v: &str) -> Result<Raw, E> {
                Ok(Raw::Text(v.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Raw::List(items))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Raw::Map(entries))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Node, Problem> {
        Node::parse(text, &"test.yaml".into())
    }

    #[test]
    fn every_value_and_key_knows_its_line() {
        let node = parse("# head\na: 1\nb:\n  - true\n  - yes\n").unwrap();
        let Value::Map(entries) = node.value else { panic!() };
        assert_eq!((entries[0].0.at.to_string(), entries[0].1.value.to_string()), ("test.yaml:2".into(), "`1`".into()));
        let Value::List(items) = &entries[1].1.value else { panic!() };
        assert!(matches!(items[0].value, Value::Bool(true)));
        assert!(matches!(&items[1].value, Value::Text(t) if t == "yes"), "yes is a word, not a truth");
        assert_eq!(items[1].at.to_string(), "test.yaml:5");
    }

    #[test]
    fn what_is_not_yaml_is_told_with_its_line() {
        let problem = parse("a: 1\nb: [1, 2\nc: 3\n").unwrap_err();
        assert!(problem.to_string().starts_with("test.yaml:"), "{problem}");
        assert!(problem.to_string().contains("not valid YAML"), "{problem}");
        assert!(parse("a: 1\na: 2\n").unwrap_err().to_string().starts_with("test.yaml:2"));
    }

    #[test]
    fn an_empty_file_says_nothing() {
        assert!(matches!(parse("# only a comment\n\n").unwrap().value, Value::Null));
    }

    #[test]
    fn paths_enter_maps_by_key_and_lists_by_id() {
        let mut node = parse("instruments:\n  - id: BTC-USDT\n    enabled: true\n").unwrap();
        node.set(&["INSTRUMENTS", "BTC_USDT", "ENABLED"], parse("false").unwrap());
        let text = format!("{:?}", node.value);
        assert!(text.contains("Bool(false)") && !text.contains("Bool(true)"), "{text}");
    }
}
