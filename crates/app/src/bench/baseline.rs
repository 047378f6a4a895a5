//! The plain version: what one would write first, with serde_json and a BTreeMap. Decode and book, then best bid/ask and
//! top-5 imbalance read after every frame; no other metric, no checks.

use fathometer_engine::input::{Body, Input};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::hint::black_box;

/// Prices and sizes are kept in units of 10^-8, which is what the exchanges' texts have at most.
const DECIMALS: usize = 8;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    data: Message<'a>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, alias = "b", default)]
    bids: Vec<Vec<&'a str>>,
    #[serde(borrow, alias = "a", default)]
    asks: Vec<Vec<&'a str>>,
}

#[derive(Deserialize)]
struct Okx<'a> {
    #[serde(borrow)]
    data: Vec<Message<'a>>,
}

#[derive(Default)]
struct Book {
    bids: BTreeMap<i64, i64>,
    asks: BTreeMap<i64, i64>,
}

/// Decodes and applies every frame.
pub(super) fn run(inputs: &[Input<'_>]) {
    let mut book = Book::default();
    for input in inputs {
        match input.body {
            Body::Text(bytes) => {
                if let Ok(frame) = serde_json::from_slice::<Envelope<'_>>(bytes) {
                    book.apply(&frame.data);
                } else if let Ok(frame) = serde_json::from_slice::<Okx<'_>>(bytes) {
                    frame.data.iter().for_each(|message| book.apply(message));
                } else if let Ok(message) = serde_json::from_slice::<Message<'_>>(bytes) {
                    book.apply(&message);
                }
            }
            Body::Reply { body, .. } => {
                if let Ok(message) = serde_json::from_slice::<Message<'_>>(body) {
                    book.apply(&message);
                }
            }
            _ => continue,
        }
        black_box(book.read());
    }
}

impl Book {
    fn apply(&mut self, message: &Message<'_>) {
        for (levels, side) in [(&message.bids, &mut self.bids), (&message.asks, &mut self.asks)] {
            for level in levels {
                let [price, size, ..] = level[..] else { continue };
                let (Some(price), Some(size)) = (units(price), units(size)) else { continue };
                if size == 0 {
                    side.remove(&price);
                } else {
                    side.insert(price, size);
                }
            }
        }
    }

    fn read(&self) -> (Option<i64>, Option<i64>, f64) {
        let bids: i64 = self.bids.values().rev().take(5).sum();
        let asks: i64 = self.asks.values().take(5).sum();
        let imbalance = (bids - asks) as f64 / (bids + asks).max(1) as f64;
        (self.bids.keys().next_back().copied(), self.asks.keys().next().copied(), imbalance)
    }
}

fn units(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut units = whole.parse::<i64>().ok()?.checked_mul(10i64.pow(DECIMALS as u32))?;
    if !fraction.is_empty() {
        let missing = DECIMALS.checked_sub(fraction.len())?;
        units += fraction.parse::<i64>().ok()? * 10i64.pow(missing as u32);
    }
    Some(units)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A baseline that did less work than it claims would flatter us.
    #[test]
    fn the_plain_version_keeps_the_same_book() {
        let mut book = Book::default();
        let frame = r#"{"stream":"x","data":{"e":"depthUpdate","b":[["10.5","1"],["10.4","2"]],"a":[["10.6","0.5"]]}}"#;
        book.apply(&serde_json::from_str::<Envelope<'_>>(frame).unwrap().data);
        book.apply(&Message { bids: vec![vec!["10.5", "0.000"]], asks: vec![] });
        assert_eq!(book.read(), (Some(1_040_000_000), Some(1_060_000_000), 0.6));
    }
}
