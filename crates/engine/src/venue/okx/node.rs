//! A JSON text as a tree that borrows from it: for the messages that are too rare, or too odd, for the scanner.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// A JSON value, as far as this venue uses them.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node<'a> {
    /// A string.
    Text(Cow<'a, str>),
    /// A whole number that fits.
    Int(i64),
    /// An array.
    List(Vec<Node<'a>>),
    /// An object, keys in order; of a key written twice the first counts.
    Map(Vec<(Cow<'a, str>, Node<'a>)>),
    /// Null, a truth value, or any other number.
    Other,
}

impl<'a> Node<'a> {
    /// The tree of a whole text.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|e| format!("not JSON: {e}"))
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Node<'a>> {
        match self {
            Node::Map(entries) => entries.iter().find(|(k, _)| k == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The string of a key; an empty one is how this venue writes "none".
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        match self.get(key) {
            Some(Node::Text(text)) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// The string of a key that has to be there.
    pub(super) fn need(&self, key: &str) -> Result<&str, String> {
        self.text(key).ok_or_else(|| format!("{key} is missing"))
    }

    /// The whole number of a key, written as a number or as a string; `None` where the key is missing or empty.
    pub(super) fn int(&self, key: &str) -> Result<Option<i64>, String> {
        match self.get(key) {
            None => Ok(None),
            Some(Node::Int(n)) => Ok(Some(*n)),
            Some(Node::Text(text)) if text.is_empty() => Ok(None),
            Some(Node::Text(text)) => text.parse().map(Some).map_err(|_| format!("{key} is not a whole number")),
            Some(_) => Err(format!("{key} is not a whole number")),
        }
    }

    /// The array of a key.
    pub(super) fn list(&self, key: &str) -> Result<&[Node<'a>], String> {
        match self.get(key) {
            Some(Node::List(items)) => Ok(items),
            _ => Err(format!("{key} is not a list")),
        }
    }

    /// Number of keys that are not among the known ones.
    pub(super) fn unknown_keys(&self, known: &[&str]) -> u64 {
        match self {
            Node::Map(entries) => entries.iter().filter(|(key, _)| !known.contains(&&**key)).count() as u64,
            _ => 0,
        }
    }
}

impl<'de> Deserialize<'de> for Node<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Build)
    }
}

struct Build;

impl<'de> Visitor<'de> for Build {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Node::Text(Cow::Borrowed(text)))
    }
    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Node::Text(Cow::Owned(text.to_owned())))
    }
    fn visit_i64<E>(self, n: i64) -> Result<Self::Value, E> {
        Ok(Node::Int(n))
    }
    fn visit_u64<E>(self, n: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(n).map_or(Node::Other, Node::Int))
    }
    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Node::Other)
    }
    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Node::Other)
    }
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Node::Other)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut map = Vec::new();
        while let Some(key) = entries.next_key()? {
            let Node::Text(key) = key else { continue }; // keys of JSON are strings
            map.push((key, entries.next_value()?));
        }
        Ok(Node::Map(map))
    }
}
