//! Rows worked by hand, and against every level summed one by one.
#![allow(clippy::inconsistent_digit_grouping)] // 100_05: the hundredths stand apart

use super::*;
use crate::instrument::Venue;
use crate::units::{Decimal, MAX_UNITS};
use crate::venue::infer;
use proptest::prelude::*;

struct Told {
    width: i64,
    first: i64,
    split: usize,
    sums: Vec<i64>,
}

fn book(bids: &[(i64, i64)], asks: &[(i64, i64)]) -> Book {
    let mut book = Book::default();
    for (side, levels) in [(Side::Bid, bids), (Side::Ask, asks)] {
        for (price, size) in levels {
            book.set(side, Level { price: Price(*price), size: Size(*size) });
        }
    }
    book
}

fn say(relief: &mut Relief, book: &Book, rows: u32, bps: f64) -> Option<Told> {
    let mut told = infer(Venue::Binance, "BTCUSDT");
    told.scale = Scale { price: 2, size: 3 };
    told.tick = Some(Decimal::new(1, 2));
    let config = Config { relief_rows: rows, relief_row_bps: bps, ..Config::default() };
    let mut out = Outbox { levels: vec![Level::default(); 3], ..Outbox::default() }; // others stand before it
    relief.say(Nanos(5), InstrumentId(4), &told, book, &config, &mut out);
    let Some(Output::Relief { at, instrument, width, first, bid, ask, span }) = out.items.pop() else {
        assert_eq!(out.levels.len(), 3, "what is not said leaves nothing behind");
        return None;
    };
    assert_eq!((at, instrument, span.start), (Nanos(5), InstrumentId(4), 3));
    assert_eq!((bid, ask), (book.best(Side::Bid).map(|l| l.price), book.best(Side::Ask).map(|l| l.price)));
    let rows = &out.levels[span.start as usize..span.end as usize];
    for (number, row) in rows.iter().enumerate() {
        assert_eq!(row.price.0, (first + number as i64) * width);
    }
    let sums = rows.iter().map(|row| row.size.0).collect();
    Some(Told { width, first, split: span.bids().len(), sums })
}

#[test]
fn a_row_is_a_round_number_of_ticks() {
    for (mid, tick, bps, width) in [
        (6_160_201, 1, 0.5, 200),  // 308.01 ticks: 200 is a factor of 1.54 away, 500 one of 1.62
        (6_160_201, 10, 0.5, 200), // 30.8 ticks of 0.10: 20 of them
        (250_000, 1, 0.5, 10),     // 12.5 ticks
        (2_000, 1, 0.5, 1),        // a tenth of a tick: one tick at least
        (100_000, 500, 0.5, 500),  // a coarse tick is a row
        (MAX_UNITS, 1, 0.5, 50_000_000_000),
        (MAX_UNITS, MAX_UNITS, f64::MAX, MAX_UNITS),
    ] {
        assert_eq!(choose(mid, tick, bps), width, "{mid} {tick}");
    }
    assert_eq!(choose(0, 1, 0.5), 1);
    assert_eq!(choose(100, 1, f64::NAN), 1);
}

#[test]
fn sizes_are_summed_per_row() {
    // Mid 100.00, rows of 5 bps: 0.05; 4 rows a side, from 99.80 to 100.19.
    let bids = [(99_99, 1), (99_95, 2), (99_94, 4), (99_80, 8), (99_79, 16)];
    let asks = [(100_01, 1), (100_04, 2), (100_05, 4), (100_19, 8), (100_20, 16)];
    let told = say(&mut Relief::default(), &book(&bids, &asks), 4, 5.0).unwrap();
    assert_eq!((told.width, told.first, told.split), (5, 1_996, 4));
    assert_eq!(told.sums, [8, 0, 4, 3, 3, 4, 0, 8]);
}

#[test]
fn a_row_of_both_sides_holds_both_and_begins_the_asks() {
    let told =
        say(&mut Relief::default(), &book(&[(99_96, 1), (99_94, 2)], &[(99_98, 4), (100_01, 8)]), 2, 5.0).unwrap();
    assert_eq!((told.first, told.split), (1_997, 2)); // 99.95 to 99.99 is row 1999
    assert_eq!(told.sums, [0, 2, 5, 8]);
}

#[test]
fn rows_that_are_not_known_as_a_whole_are_left_out() {
    let mut book = book(&[(99_99, 1), (99_88, 2)], &[(100_01, 1), (100_12, 2)]);
    book.set_trusted(Side::Bid, Some(Price(99_88))); // row 99.85 is known only in part
    book.set_trusted(Side::Ask, Some(Price(100_14))); // row 100.10 ends there
    let told = say(&mut Relief::default(), &book, 100, 5.0).unwrap();
    assert_eq!((told.first, told.sums), (1_998, vec![0, 1, 1, 0, 2]));
    book.set_trusted(Side::Ask, Some(Price(100_13)));
    assert_eq!(say(&mut Relief::default(), &book, 100, 5.0).unwrap().sums, [0, 1, 1, 0]);
}

#[test]
fn one_side_is_enough_and_none_is_nothing() {
    let told = say(&mut Relief::default(), &book(&[(100_00, 7)], &[]), 2, 5.0).unwrap();
    assert_eq!((told.sums, told.split), (vec![0, 0, 7, 0], 4));
    assert!(say(&mut Relief::default(), &book(&[], &[]), 2, 5.0).is_none());
    let low = say(&mut Relief::default(), &book(&[(1, 7)], &[(3, 1)]), 5, 5.0).unwrap();
    assert_eq!((low.first, low.sums), (0, vec![0, 7, 0, 1, 0, 0, 0]), "no row below zero");
}

#[test]
fn the_width_is_kept_until_mid_has_moved_far() {
    let mut relief = Relief::default();
    let width = |relief: &mut Relief, mid: i64| say(relief, &book(&[(mid, 1)], &[]), 3, 5.0).unwrap().width;
    assert_eq!(width(&mut relief, 10_000), 5);
    assert_eq!(width(&mut relief, 20_000), 5, "10 would be chosen now");
    assert_eq!(width(&mut relief, 20_001), 10);
    assert_eq!(width(&mut relief, 10_001), 10);
    relief.rescale(Scale { price: 2, size: 3 }, Scale { price: 4, size: 3 });
    assert_eq!(relief, Relief { width: 1_000, mid: 2_000_100 });
}

proptest! {
    /// Every level of the column, and no other, is in its row.
    #[test]
    fn nothing_is_lost(
        levels in prop::collection::vec((1i64..30_000, 1i64..1_000_000), 1..200),
        split in 1i64..30_000, rows in 1u32..150, bps in 0.1f64..50.0, trust in prop::option::of(0i64..5_000),
        crossed in any::<bool>(),
    ) {
        let bids: Vec<_> = levels.iter().copied().filter(|l| l.0 < split).collect();
        let top = if crossed { split - split / 4 } else { split };
        let asks: Vec<_> = levels.iter().copied().map(|l| (l.0 + 1, l.1)).filter(|l| l.0 > top).collect();
        let mut book = book(&bids, &asks);
        if let Some(trust) = trust {
            book.set_trusted(Side::Bid, Some(Price(split - trust)));
            book.set_trusted(Side::Ask, Some(Price(split + trust)));
        }
        if let Some(told) = say(&mut Relief::default(), &book, rows, bps) {
            for (number, sum) in told.sums.iter().enumerate() {
                let low = (told.first + number as i64) * told.width;
                let row = low..low + told.width;
                let both = book.levels(Side::Bid).chain(book.levels(Side::Ask));
                prop_assert_eq!(*sum, both.filter(|l| row.contains(&l.price.0)).map(|l| l.size.0).sum::<i64>());
            }
        }
    }
}
