//! Orders filled by hand.

use super::*;
use crate::instrument::Venue;
use crate::units::{Scale, Size};
use crate::venue::infer;
use proptest::prelude::*;

/// Prices in hundredths, sizes in thousandths.
fn book(bids: &[(i64, i64)], asks: &[(i64, i64)]) -> Book {
    let mut book = Book::default();
    for (side, levels) in [(Side::Bid, bids), (Side::Ask, asks)] {
        for (price, size) in levels {
            book.set(side, Level { price: Price(*price), size: Size(*size) });
        }
    }
    book
}

fn instrument(contract: Contract) -> Instrument {
    Instrument { contract, scale: Scale { price: 2, size: 3 }, ..infer(Venue::Binance, "BTCUSDT") }
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn filled(book: &Book, contract: Contract, side: Side, amount: Amount) -> Walk {
    walk(book, Validity::Live, &instrument(contract), side, amount, 100).unwrap()
}

fn close(value: Value, expected: f64) {
    let Value::Is(number) = value else { panic!("{value:?} instead of {expected}") };
    assert!((number - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{number} instead of {expected}");
}

/// Mid 100; asks 50 at 101 and 1,000 at 102; bids 1,000 at 99 and 100 at 90.
fn hundred() -> Book {
    book(&[(9_900, 1_000_000), (9_000, 100_000)], &[(10_100, 50_000), (10_200, 1_000_000)])
}

#[test]
fn a_size_of_coins_level_by_level() {
    // 60 coins: 50 at 101 and 10 at 102 are 6,070; 6,070 / 60 = 101.1666...
    let walk = filled(&hundred(), Contract::Base, Side::Ask, Amount::Base(decimal("60")));
    assert_eq!((walk.levels, walk.short, walk.best, walk.size), (2, None, Price(10_100), 60.0));
    close(walk.vwap, 6_070.0 / 60.0);
    close(walk.quote, 6_070.0);
    close(walk.slippage, 6_070.0 / 60.0 - 101.0);
    close(walk.slippage_bps, (6_070.0 / 60.0 - 101.0) / 101.0 * 1e4);
    close(walk.slippage_mid_bps, (6_070.0 / 60.0 - 100.0) / 100.0 * 1e4);
    let [first, second] = walk.fills.as_slice() else { panic!("{walk:?}") };
    assert_eq!((first.price, first.size, first.size_total), (Price(10_100), 50.0, 50.0));
    close(first.quote_total, 5_050.0);
    assert_eq!((second.price, second.size, second.size_total), (Price(10_200), 10.0, 60.0));
    close(second.quote_total, 6_070.0);
}

#[test]
fn a_sum_of_money() {
    // 10,000 buys 50 + 4,950 / 102 = 98.529412 coins at 101.492537: 149.25373 bps over mid.
    let walk = filled(&hundred(), Contract::Base, Side::Ask, Amount::Quote(decimal("10000")));
    close(walk.base, 50.0 + 4_950.0 / 102.0);
    close(walk.slippage_mid_bps, (10_000.0 / (50.0 + 4_950.0 / 102.0) - 100.0) * 100.0);
    // 100,000 sells 1,000 at 99 and 1,000 / 90 more.
    let walk = filled(&hundred(), Contract::Base, Side::Bid, Amount::Quote(decimal("100000")));
    close(walk.slippage_mid_bps, 109.890_109_890_11);
    close(walk.quote, 100_000.0);
}

#[test]
fn contracts_count_as_they_are_worth() {
    // 0.01 coin a contract: one coin is 100 contracts, 50 of them at 101.
    let linear = Contract::Linear(decimal("0.01"));
    let walk = filled(&hundred(), linear, Side::Ask, Amount::Base(decimal("1")));
    assert_eq!((walk.size, walk.levels), (100.0, 2));
    close(walk.base, 1.0);
    close(walk.quote, 0.5 * 101.0 + 0.5 * 102.0);
    close(walk.vwap, 101.5);
    assert_eq!(filled(&hundred(), linear, Side::Ask, Amount::Size(decimal("100"))).vwap, walk.vwap);
    close(filled(&hundred(), linear, Side::Ask, Amount::Quote(decimal("101.5"))).base, 1.0);
}

#[test]
fn inverse_contracts_are_paid_in_coins() {
    // 100 USD a contract: 50 at 101 are 5,000 USD and 49.50495 coins; 50 more at 102 are 49.01961; 10,000 / 98.52456.
    let inverse = Contract::Inverse(decimal("100"));
    let coins = 5_000.0 / 101.0 + 5_000.0 / 102.0;
    for amount in [Amount::Quote(decimal("10000")), Amount::Size(decimal("100"))] {
        let walk = filled(&hundred(), inverse, Side::Ask, amount);
        assert_eq!(walk.size, 100.0);
        close(walk.base, coins);
        close(walk.vwap, 10_000.0 / coins);
        close(walk.slippage_mid_bps, 149.753_694_581_28);
        close(walk.quote, 10_000.0);
    }
    let walk = filled(&hundred(), inverse, Side::Ask, Amount::Base(decimal("98.52455833818675")));
    assert!((walk.size - 100.0).abs() < 1e-9, "{walk:?}");
}

#[test]
fn finer_than_the_book_counts_and_exactly_the_whole_book() {
    let walk = filled(&hundred(), Contract::Base, Side::Ask, Amount::Base(decimal("0.00012345")));
    assert_eq!((walk.size, walk.short), (0.000_123_45, None));
    assert_eq!((walk.slippage, walk.slippage_bps), (Value::Is(0.0), Value::Is(0.0)));
    let whole = filled(&hundred(), Contract::Base, Side::Bid, Amount::Base(decimal("1100")));
    assert_eq!((whole.short, whole.levels), (None, 2));
}

#[test]
fn what_the_book_does_not_hold_is_told_and_what_is_not_known_is_absent() {
    let mut thin = hundred();
    let walk = filled(&thin, Contract::Base, Side::Bid, Amount::Base(decimal("2000")));
    assert_eq!((walk.short, walk.size), (Some(Reason::NotFillable), 1_100.0));
    close(walk.vwap, (99_000.0 + 9_000.0) / 1_100.0);
    thin.set_trusted(Side::Bid, Some(Price(9_500)));
    let walk = filled(&thin, Contract::Base, Side::Bid, Amount::Base(decimal("1050")));
    assert_eq!((walk.short, walk.size, walk.levels), (Some(Reason::BeyondTrusted), 1_000.0, 1));
    for value in [walk.vwap, walk.slippage, walk.slippage_bps, walk.slippage_mid_bps] {
        assert_eq!(value, Value::Absent(Reason::BeyondTrusted));
    }
    assert_eq!(filled(&thin, Contract::Base, Side::Bid, Amount::Base(decimal("1000"))).short, None);
}

#[test]
fn nothing_worse_than_the_limit_is_taken() {
    let mut thin = hundred();
    thin.set_trusted(Side::Ask, Some(Price(10_150)));
    let to = |limit| {
        let (amount, instrument) = (Amount::Base(decimal("60")), instrument(Contract::Base));
        walk_to(&thin, Validity::Live, &instrument, Side::Ask, amount, Some(Price(limit)), 9).unwrap()
    };
    let walk = to(10_100);
    assert_eq!((walk.short, walk.base, walk.vwap), (Some(Reason::NotFillable), Value::Is(50.0), Value::Is(101.0)));
    let walk = to(10_099);
    assert_eq!((walk.levels, walk.base, walk.vwap), (0, Value::Is(0.0), Value::Absent(Reason::NotFillable)));
    assert_eq!(to(10_200).short, Some(Reason::BeyondTrusted));
}

#[test]
fn what_cannot_be_vouched_for_is_refused() {
    let one = Amount::Base(decimal("1"));
    let refuse = |book: &Book, validity, contract, amount| {
        walk(book, validity, &instrument(contract), Side::Ask, amount, 1).unwrap_err()
    };
    assert_eq!(refuse(&hundred(), Validity::Gap, Contract::Base, one), Reason::BookInvalid);
    assert_eq!(refuse(&book(&[(1, 1)], &[]), Validity::Live, Contract::Base, one), Reason::EmptySide);
    assert_eq!(refuse(&hundred(), Validity::Live, Contract::Unknown, one), Reason::ContractUnknown);
    let nothing = Amount::Size(Decimal::ZERO);
    assert_eq!(refuse(&hundred(), Validity::Live, Contract::Base, nothing), Reason::Undefined);
    let huge = Contract::Linear(Decimal { mantissa: i64::MAX, decimals: 0 });
    let tiny = Amount::Base(Decimal { mantissa: i64::MAX, decimals: 0 });
    assert!(walk(&hundred(), Validity::Live, &instrument(huge), Side::Ask, tiny, 1).is_ok());
}

proptest! {
    #[test]
    fn every_fill_adds_up(sizes in prop::collection::vec(1i64..10_000, 1..60), wanted in 1i64..400_000) {
        let asks: Vec<(i64, i64)> = sizes.iter().zip(0i64..).map(|(size, i)| (10_000 + i, *size)).collect();
        let book = book(&[(9_999, 1)], &asks);
        let walk = filled(&book, Contract::Base, Side::Ask, Amount::Size(Decimal::new(wanted, 3)));
        let there: i64 = sizes.iter().sum();
        prop_assert_eq!(walk.short.is_none(), wanted <= there);
        let taken = wanted.min(there) as f64 / 1e3;
        prop_assert!((walk.size - taken).abs() < 1e-9);
        let paid: f64 = walk.fills.iter().map(|fill| fill.size * fill.price.0 as f64 / 100.0).sum();
        prop_assert!((paid - walk.quote.get().unwrap()).abs() < 1e-6);
        prop_assert!((walk.vwap.get().unwrap() - paid / taken).abs() < 1e-6);
        prop_assert!(walk.slippage.get().unwrap() >= 0.0);
    }
}
