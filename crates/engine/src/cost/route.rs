//! One order over several venues: the cheapest split of it, fees in, and what that saves.
//!
//! What the next coin costs on a venue never falls as more is taken there, so that taking the cheapest level of all, again
//! and again, is the cheapest way (the exchange argument: any other split has a coin that is cheaper elsewhere).

use super::Refusal;
use super::parameter::positive;
use crate::book::Book;
use crate::instrument::Instrument;
use crate::metric::{Reason, Value};
use crate::output::Validity;
use crate::units::Side;

/// A venue that the order may go to.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Its book.
    pub book: &'a Book,
    /// Whether it may be believed.
    pub validity: Validity,
    /// What is traded there.
    pub instrument: &'a Instrument,
    /// What taking costs there, bps.
    pub taker_fee_bps: f64,
}

/// What goes to one venue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// Base coins; 0 for a venue that takes none.
    pub base: f64,
    /// Paid or received, quote currency, fee aside.
    pub quote: f64,
    /// Fee, quote currency.
    pub fee: f64,
    /// What the whole order would cost here alone, fee in: paid, or (below zero) received.
    pub alone: Value,
}

/// An order over venues.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// What goes where, in the order of the venues.
    pub parts: Vec<Part>,
    /// Base coins that no venue's known book holds.
    pub unfilled: f64,
    /// Why, if any.
    pub short: Option<Reason>,
    /// Paid (or, below zero, received) for all that is filled, fees in.
    pub total: f64,
    /// Against the best single venue, quote currency; absent where none holds all of it.
    pub saved: Value,
    /// The same, bps of what is traded.
    pub saved_bps: Value,
}

/// The levels of one venue still to be taken, as prices and base coins.
struct Ladder {
    levels: std::vec::IntoIter<(f64, f64)>,
    next: Option<(f64, f64)>,
    /// What one quote currency of trading costs with the fee: above one for a buy, below for a sale.
    factor: f64,
    short: Reason,
}

/// Splits an order of `base` coins that takes from `side` (asks for a buy).
///
/// # Errors
/// `base` is no amount.
pub fn route(places: &[Place<'_>], side: Side, base: f64) -> Result<Route, Refusal> {
    let wanted = positive("quantity", base)?;
    let sign = if side == Side::Ask { 1.0 } else { -1.0 };
    let mut ladders: Vec<Ladder> = places.iter().map(|place| ladder(place, side, wanted, sign)).collect();
    let alone: Vec<Value> =
        places.iter().map(|place| alone(&mut ladder(place, side, wanted, sign), wanted, sign)).collect();
    let nothing = |alone: &Value| Part { base: 0.0, quote: 0.0, fee: 0.0, alone: *alone };
    let mut parts: Vec<Part> = alone.iter().map(nothing).collect();
    let (mut left, mut total) = (wanted, 0.0);
    while left > 0.0 {
        // A buyer takes where a coin costs least, a seller where it brings most; of equals the first.
        let cost = |ladder: &Ladder| ladder.next.map(|(price, _)| sign * price * ladder.factor);
        let cheapest = ladders.iter().enumerate().filter_map(|(i, ladder)| Some((i, cost(ladder)?)));
        let Some((i, _)) = cheapest.min_by(|a, b| a.1.total_cmp(&b.1)) else { break };
        let (Some(ladder), Some(part)) = (ladders.get_mut(i), parts.get_mut(i)) else { break };
        let Some((price, coins)) = ladder.next else { break };
        let taken = coins.min(left);
        part.base += taken;
        part.quote += taken * price;
        part.fee += taken * price * (ladder.factor - 1.0) * sign;
        total += sign * taken * price * ladder.factor;
        left -= taken;
        ladder.next = ladder.levels.next();
    }
    let short =
        if left > 0.0 { ladders.first().map_or(Some(Reason::NoData), |ladder| Some(ladder.short)) } else { None };
    let best = alone.iter().filter_map(|alone| alone.get()).min_by(f64::total_cmp);
    let saved = match (short, best) {
        (None, Some(best)) => Ok((best - total).max(0.0)), // below the last digit it is rounding
        (None, None) => Err(Reason::NotFillable),
        (Some(short), _) => Err(short),
    };
    let traded: f64 = parts.iter().map(|part| part.quote).sum();
    let saved_bps = saved.map(|saved| saved / traded * 1e4);
    Ok(Route { parts, unfilled: left, short, total, saved: saved.into(), saved_bps: saved_bps.into() })
}

/// Levels down to what an order can need; empty for a book that cannot be believed.
fn ladder(place: &Place<'_>, side: Side, wanted: f64, sign: f64) -> Ladder {
    let factor = 1.0 + sign * place.taker_fee_bps / 1e4;
    let scale = place.instrument.scale;
    let mut levels = Vec::new();
    let (mut sum, mut short) = (0.0, Reason::NotFillable);
    if place.validity == Validity::Live {
        for level in place.book.levels(side) {
            if !place.book.knows(side, level.price) || sum >= wanted {
                break;
            }
            let (price, size) = (scale.price_f64(level.price), scale.size_f64(level.size));
            let Some(coins) = place.instrument.base_amount(price, size) else {
                short = Reason::ContractUnknown;
                break;
            };
            sum += coins;
            levels.push((price, coins));
        }
        if place.book.trusted(side).is_some() {
            short = Reason::BeyondTrusted;
        }
    } else {
        short = Reason::BookInvalid;
    }
    let mut levels = levels.into_iter();
    Ladder { next: levels.next(), levels, factor, short }
}

/// What the whole order costs on one venue, fee in.
fn alone(ladder: &mut Ladder, wanted: f64, sign: f64) -> Value {
    let (mut left, mut total) = (wanted, 0.0);
    while left > 0.0 {
        let Some((price, coins)) = ladder.next else { return Value::Absent(ladder.short) };
        let taken = coins.min(left);
        total += sign * taken * price * ladder.factor;
        left -= taken;
        ladder.next = ladder.levels.next();
    }
    total.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instrument::{Contract, Venue};
    use crate::units::{Decimal, Level, Price, Scale, Size};
    use crate::venue::infer;
    use proptest::prelude::*;

    fn book(asks: &[(i64, i64)]) -> Book {
        let mut book = Book::default();
        for (price, size) in asks {
            book.set(Side::Ask, Level { price: Price(*price), size: Size(*size) });
            book.set(Side::Bid, Level { price: Price(20_000 - price), size: Size(*size) });
        }
        book
    }

    fn coins() -> Instrument {
        Instrument { contract: Contract::Base, scale: Scale { price: 2, size: 0 }, ..infer(Venue::Binance, "BTCUSDT") }
    }

    fn place<'a>(book: &'a Book, instrument: &'a Instrument, taker_fee_bps: f64) -> Place<'a> {
        Place { book, validity: Validity::Live, instrument, taker_fee_bps }
    }

    #[test]
    fn by_hand() {
        let (near, far, coins) = (book(&[(10_010, 5), (10_100, 50)]), book(&[(10_020, 10), (10_060, 50)]), coins());
        let places = [place(&near, &coins, 10.0), place(&far, &coins, 5.0)];
        // With fees: 100.2001, 101.101 here; 100.2501, 100.6503 there. 20 coins: 5 here, 10 and 5 there.
        let got = route(&places, Side::Ask, 20.0).unwrap();
        let close = |got: f64, expected: f64| assert!((got - expected).abs() < 1e-9, "{got} instead of {expected}");
        assert_eq!((got.parts[0].base, got.parts[1].base, got.unfilled, got.short), (5.0, 15.0, 0.0, None));
        close(got.total, 5.0 * 100.1 * 1.001 + (10.0 * 100.2 + 5.0 * 100.6) * 1.0005);
        close(got.parts[1].fee, (1_002.0 + 503.0) * 0.0005);
        let alone = (10.0 * 100.2 + 10.0 * 100.6) * 1.0005;
        close(got.parts[1].alone.get().unwrap(), alone);
        close(got.saved.get().unwrap(), alone - got.total);
        // A sale: 99.9 and 99 here, 99.8 and 99.4 there, less fees.
        let got = route(&places, Side::Bid, 20.0).unwrap();
        assert_eq!((got.parts[0].base, got.parts[1].base), (5.0, 15.0));
        close(got.total, -(5.0 * 99.9 * 0.999 + (10.0 * 99.8 + 5.0 * 99.4) * 0.9995));
        close(got.parts[0].fee, 5.0 * 99.9 * 0.001);
    }

    #[test]
    fn what_cannot_be_vouched_for_takes_no_part() {
        let (near, far, coins) = (book(&[(10_010, 5)]), book(&[(10_020, 10)]), coins());
        let stale = Place { validity: Validity::Gap, ..place(&near, &coins, 0.0) };
        let got = route(&[stale, place(&far, &coins, 0.0)], Side::Ask, 8.0).unwrap();
        assert_eq!((got.parts[0].base, got.parts[0].alone), (0.0, Value::Absent(Reason::BookInvalid)));
        assert_eq!((got.parts[1].base, got.saved), (8.0, Value::Is(0.0)));
        let got = route(&[place(&near, &coins, 0.0), place(&far, &coins, 0.0)], Side::Ask, 20.0).unwrap();
        assert_eq!(
            (got.unfilled, got.short, got.saved),
            (5.0, Some(Reason::NotFillable), Value::Absent(Reason::NotFillable))
        );
        let got = route(&[place(&near, &coins, 0.0), place(&far, &coins, 0.0)], Side::Ask, 12.0).unwrap();
        assert_eq!((got.short, got.saved), (None, Value::Absent(Reason::NotFillable)), "no venue holds it alone");
        let unknown = Instrument { contract: Contract::Unknown, ..coins.clone() };
        assert_eq!(route(&[place(&near, &unknown, 0.0)], Side::Ask, 1.0).unwrap().short, Some(Reason::ContractUnknown));
        assert_eq!(route(&[], Side::Ask, 1.0).unwrap().short, Some(Reason::NoData));
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(route(&[], Side::Ask, bad).is_err());
        }
    }

    #[test]
    fn contracts_are_counted_in_coins() {
        let (book, linear) =
            (book(&[(10_000, 100)]), Instrument { contract: Contract::Linear(Decimal::new(1, 2)), ..coins() });
        let got = route(&[place(&book, &linear, 0.0)], Side::Ask, 0.5).unwrap();
        assert_eq!((got.parts[0].base, got.total), (0.5, 50.0));
    }

    proptest! {
        /// Every split into whole coins over three venues is tried.
        #[test]
        fn no_split_is_cheaper(levels in proptest::collection::vec(proptest::collection::vec((0i64..40, 1i64..4), 1..4), 3), fees in proptest::collection::vec(-1.0..12.0f64, 3), wanted in 1i64..10, buys in any::<bool>()) {
            let books: Vec<Book> = levels.iter().map(|asks| {
                let asks: Vec<(i64, i64)> = asks.iter().map(|(ticks, size)| (10_001 + ticks, *size)).collect();
                book(&asks)
            }).collect();
            let coins = coins();
            let places: Vec<Place<'_>> = books.iter().zip(&fees).map(|(book, fee)| place(book, &coins, *fee)).collect();
            let (side, sign) = if buys { (Side::Ask, 1.0) } else { (Side::Bid, -1.0) };
            let got = route(&places, side, wanted as f64).unwrap();
            let cost = |i: usize, size: i64| if size == 0 { Value::Is(0.0) } else { alone(&mut ladder(&places[i], side, size as f64, sign), size as f64, sign) };
            let mut best = f64::INFINITY;
            for a in 0..=wanted {
                for b in 0..=wanted - a {
                    if let (Value::Is(a), Value::Is(b), Value::Is(c)) = (cost(0, a), cost(1, b), cost(2, wanted - a - b)) {
                        best = best.min(a + b + c);
                    }
                }
            }
            prop_assert_eq!(got.short.is_none(), best.is_finite());
            if best.is_finite() {
                prop_assert!((got.total - best).abs() < 1e-9 * best.abs(), "{} {best}", got.total);
                let sum: f64 = got.parts.iter().map(|part| part.base).sum();
                prop_assert!((sum - wanted as f64).abs() < 1e-9);
            }
        }
    }
}
