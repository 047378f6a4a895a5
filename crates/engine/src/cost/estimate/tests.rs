//! Estimates by hand, and what must not be told.

use super::*;
use crate::cost::parameter::HOSTILE;
use crate::instrument::Venue;
use crate::units::{Decimal, Level, Scale, Size};
use crate::venue::infer;
use proptest::prelude::*;

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// Mid 100; asks 50 at 101 and 1,000 at 102; bids 1,000 at 99 and 100 at 90. Prices in hundredths, sizes in thousandths.
fn hundred() -> Book {
    let mut book = Book::default();
    for (side, price, size) in [
        (Side::Ask, 10_100, 50_000),
        (Side::Ask, 10_200, 1_000_000),
        (Side::Bid, 9_900, 1_000_000),
        (Side::Bid, 9_000, 100_000),
    ] {
        book.set(side, Level { price: Price(price), size: Size(size) });
    }
    book
}

fn instrument(contract: Contract) -> Instrument {
    Instrument { contract, scale: Scale { price: 2, size: 3 }, ..infer(Venue::Binance, "BTCUSDT") }
}

fn order(amount: Amount) -> Order {
    Order { side: Side::Ask, amount, limit: None, horizon_days: 1.0, slices: 10, risk_aversion: 0.0 }
}

const RATES: Rates = Rates { maker_bps: -0.5, taker_bps: 10.0 };

fn market<'a>(book: &'a Book, instrument: &'a Instrument) -> Market<'a> {
    let strength = Strength::default();
    let (sigma_daily, daily_volume) = (Value::Is(0.03), Value::Is(6_000.0));
    Market { book, validity: Validity::Live, instrument, rates: Some(RATES), sigma_daily, daily_volume, strength }
}

fn close(value: Value, expected: f64) {
    let Value::Is(number) = value else { panic!("{value:?} instead of {expected}") };
    assert!((number - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{number} instead of {expected}");
}

#[test]
fn sixty_coins_by_hand() {
    let (book, instrument) = (hundred(), instrument(Contract::Base));
    let got = estimate(&order(Amount::Base(decimal("60"))), &market(&book, &instrument), 9).unwrap();
    // 50 at 101 and 10 at 102 are 6,070.
    let vwap = 6_070.0 / 60.0;
    let micro = 100.0 + (1_000.0 / 1_050.0 - 0.5) * 2.0;
    close(got.mid, 100.0);
    close(got.microprice, micro);
    for (worse, than) in [(got.against_best, 101.0), (got.against_mid, 100.0), (got.against_microprice, micro)] {
        close(worse.price, vwap - than);
        close(worse.bps, (vwap - than) / than * 1e4);
    }
    close(got.fee, 6.07);
    close(got.net, 70.0 + 6.07);
    close(got.net_bps, 76.07 / 6_000.0 * 1e4);
    close(got.maker_fee_bps, -0.5);
    assert_eq!(got.rests, Value::Is(0.0));
    // A hundredth of the day's volume at 3 % a day.
    close(got.root_peak_bps, 30.0);
    close(got.root_bps, 20.0);
    let temporary = 0.142 * 300.0 * 0.01f64.powf(0.6);
    close(got.permanent_bps, 0.942);
    close(got.almgren_2005_bps, 0.471 + temporary);
    // A straight line in ten slices: the same, but for a tenth of half the permanent part, and half the spread and the fee.
    close(got.schedule_bps, 0.471 + temporary - 0.0471 + 110.0);
    let deviation = 300.0 * ((1.0 / 3.0) * (1.0 - 0.1) * (1.0 - 0.05f64)).sqrt();
    close(got.schedule_deviation_bps, deviation);
    assert_eq!(got.schedule.unwrap().trajectory.len(), 11);
}

#[test]
fn a_sale_of_money_and_contracts_that_are_paid_in_coins() {
    let (book, coins) = (hundred(), instrument(Contract::Base));
    let sale = Order { side: Side::Bid, ..order(Amount::Quote(decimal("9900"))) };
    let got = estimate(&sale, &market(&book, &coins), 9).unwrap();
    close(got.against_mid.price, 1.0);
    close(got.against_best.bps, 0.0);
    close(got.base, 99.0); // at mid
    close(got.net, 100.0 + 9.9); // 100 coins at 99 instead of 100
    // Contracts of 100 quote: 50 of them stand at 101, 10 more at 102.
    let inverse = instrument(Contract::Inverse(decimal("100")));
    let got = estimate(&order(Amount::Size(decimal("60"))), &market(&book, &inverse), 9).unwrap();
    let filled = 5_000.0 / 101.0 + 1_000.0 / 102.0;
    let vwap = 6_000.0 / filled;
    close(got.against_mid.price, vwap - 100.0);
    close(got.base, 60.0);
    close(got.fee, 6.0);
    close(got.net, filled * (vwap - 100.0) + 6.0);
    let linear = instrument(Contract::Linear(decimal("0.01")));
    let got = estimate(&order(Amount::Size(decimal("60"))), &market(&book, &linear), 9).unwrap();
    close(got.net, 0.6 * (6_070.0 / 60.0 - 100.0) + 60.7 * 0.001);
}

#[test]
fn what_lies_beyond_the_limit_rests() {
    let (book, instrument) = (hundred(), instrument(Contract::Base));
    let limited = |limit| Order { limit: Some(Price(limit)), ..order(Amount::Base(decimal("60"))) };
    let got = estimate(&limited(10_100), &market(&book, &instrument), 9).unwrap();
    assert_eq!((got.rests, got.against_mid.price), (Value::Is(10.0), Value::Is(1.0)));
    close(got.net, 50.0 + 5.05);
    let got = estimate(&limited(9_950), &market(&book, &instrument), 9).unwrap();
    assert_eq!((got.rests, got.net), (Value::Is(60.0), Value::Absent(Reason::NotFillable)));
}

#[test]
fn what_cannot_be_vouched_for_is_absent_with_its_reason() {
    let (mut book, coins) = (hundred(), instrument(Contract::Base));
    let one = order(Amount::Base(decimal("1")));
    let gap = estimate(&one, &Market { validity: Validity::Gap, ..market(&book, &coins) }, 9).unwrap();
    for value in [gap.mid, gap.microprice, gap.against_mid.bps, gap.net, gap.fee, gap.schedule_bps] {
        assert_eq!(value, Value::Absent(Reason::BookInvalid));
    }
    assert_eq!(gap.base, Value::Is(1.0), "coins need no price");
    let mut moved = hundred();
    moved.set_trusted(Side::Bid, Some(Price(9_950)));
    let got = estimate(&one, &market(&moved, &coins), 9).unwrap();
    for value in [got.mid, got.against_mid.bps, got.against_microprice.price, got.net] {
        assert_eq!(value, Value::Absent(Reason::BeyondTrusted), "the best bid is not vouched for");
    }
    let unknown = instrument(Contract::Unknown);
    let got = estimate(&order(Amount::Size(decimal("1"))), &market(&book, &unknown), 9).unwrap();
    assert_eq!(
        (got.net, got.root_bps),
        (Value::Absent(Reason::ContractUnknown), Value::Absent(Reason::ContractUnknown))
    );
    assert!(got.against_mid.price.get().is_some(), "a price needs no contract value");
    let none = Market { rates: None, daily_volume: Value::Absent(Reason::NoData), ..market(&book, &coins) };
    let got = estimate(&one, &none, 9).unwrap();
    for value in [got.fee, got.net, got.maker_fee_bps, got.root_bps, got.almgren_2005_bps, got.schedule_bps] {
        assert_eq!(value, Value::Absent(Reason::NoData));
    }
    assert!(got.against_best.bps.get().is_some());
    let much = order(Amount::Base(decimal("2000")));
    let got = estimate(&much, &market(&book, &coins), 9).unwrap();
    assert_eq!((got.net, got.fee), (Value::Absent(Reason::NotFillable), Value::Absent(Reason::NotFillable)));
    book.set_trusted(Side::Ask, Some(Price(10_150)));
    let got = estimate(&much, &market(&book, &coins), 9).unwrap();
    assert_eq!(
        (got.net, got.against_mid.bps),
        (Value::Absent(Reason::BeyondTrusted), Value::Absent(Reason::BeyondTrusted))
    );
    let mut bids_only = hundred();
    bids_only.set(Side::Ask, Level { price: Price(10_100), size: Size(0) });
    bids_only.set(Side::Ask, Level { price: Price(10_200), size: Size(0) });
    let got = estimate(&one, &market(&bids_only, &coins), 9).unwrap();
    assert_eq!((got.mid, got.net), (Value::Absent(Reason::EmptySide), Value::Absent(Reason::EmptySide)));
}

#[test]
fn hostile_parameters_are_refused_by_name() {
    let (book, coins) = (hundred(), instrument(Contract::Base));
    let one = order(Amount::Base(decimal("1")));
    let name = |order: &Order, market: &Market<'_>| match estimate(order, market, 9) {
        Err(Refusal::Parameter { name, .. }) => name,
        other => panic!("{other:?}"),
    };
    for bad in HOSTILE {
        let market = market(&book, &coins);
        assert_eq!(name(&Order { horizon_days: bad, ..one }, &market), "horizon");
        assert_eq!(name(&Order { risk_aversion: bad, ..one }, &market), "risk-aversion");
        assert_eq!(name(&one, &Market { sigma_daily: Value::Is(bad), ..market }), "volatility");
        assert_eq!(name(&one, &Market { daily_volume: Value::Is(bad), ..market }), "daily-volume");
        assert_eq!(name(&one, &Market { strength: Strength { y: bad, ..Strength::default() }, ..market }), "y");
    }
    let market = market(&book, &coins);
    assert_eq!(name(&Order { slices: 0, ..one }, &market), "slices");
    assert_eq!(name(&order(Amount::Base(decimal("0"))), &market), "quantity");
    assert_eq!(name(&order(Amount::Size(decimal("-1"))), &market), "quantity");
    assert_eq!(name(&Order { limit: Some(Price(-5)), ..one }, &market), "limit");
}

proptest! {
    #[test]
    fn more_costs_more_per_coin(small in 1..1_000_000i64, more in 1..1_000i64, horizon in 0.001..10.0f64, lambda in 0.0..1e-3f64) {
        let (book, coins) = (hundred(), instrument(Contract::Base));
        let of = |thousandths: i64| {
            let amount = Amount::Base(Decimal { mantissa: thousandths, decimals: 3 });
            let order = Order { horizon_days: horizon, risk_aversion: lambda, ..order(amount) };
            estimate(&order, &market(&book, &coins), 0).unwrap()
        };
        let (less, more) = (of(small), of((small + more).min(1_050_000)));
        for (less, more) in [
            (less.against_mid.bps, more.against_mid.bps),
            (less.net_bps, more.net_bps),
            (less.root_bps, more.root_bps),
            (less.almgren_2005_bps, more.almgren_2005_bps),
            (less.schedule_bps, more.schedule_bps),
        ] {
            prop_assert!(more.get().unwrap() >= less.get().unwrap() - 1e-9);
        }
    }
}
