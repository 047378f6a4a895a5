//! Markets that are ready to use.

use super::listing::{Habits, Listing};
use fathometer_engine::instrument::{Contract, Instrument, Kind, Venue};
use fathometer_engine::units::{Decimal, POW10, Scale};

/// BTC begins at this price, in quote currency.
const BTC: f64 = 64_000.0;
/// ETH begins at this price, in quote currency.
const ETH: f64 = 3_200.0;
/// Level changes per second of each of `many_listings` in a calm market.
pub const MANY_CHANGES_PER_SECOND: f64 = 30.0;

/// BTC and ETH, spot and perpetual, on Binance and OKX, and the COIN-M perpetual of BTC.
pub fn demo_listings() -> Vec<Listing> {
    use Kind::{Perpetual, Spot};
    let contract = |value, decimals| Decimal::new(value, decimals);
    let btc = |share: f64| Habits {
        changes_per_second: 230.0 * share,
        takers_per_second: 6.0 * share,
        near_orders: 120,
        far_orders: 1_900,
        order_worth: 5_000.0 * share,
        taker_worth: 1_500.0 * share,
        lag_ms: 40.0,
        basis_bps: 0.15,
        open_interest: 0.0,
    };
    let eth = |share: f64| Habits {
        near_orders: 80,
        far_orders: 1_300,
        order_worth: 3_000.0 * share,
        taker_worth: 900.0 * share,
        ..btc(share * 0.5)
    };
    let perpetual =
        |habits: Habits, open_interest, basis_bps, lag_ms| Habits { open_interest, basis_bps, lag_ms, ..habits };
    [
        listing(Venue::Binance, "BTCUSDT", ["BTC", "USDT"], Spot, Contract::Base, (2, 5), BTC, btc(1.0)),
        listing(Venue::Binance, "ETHUSDT", ["ETH", "USDT"], Spot, Contract::Base, (2, 4), ETH, eth(1.0)),
        listing(
            Venue::BinanceUsdm,
            "BTCUSDT",
            ["BTC", "USDT"],
            Perpetual,
            Contract::Base,
            (1, 3),
            BTC,
            perpetual(btc(1.2), 5e9, 1.2, 15.0),
        ),
        listing(
            Venue::BinanceUsdm,
            "ETHUSDT",
            ["ETH", "USDT"],
            Perpetual,
            Contract::Base,
            (2, 3),
            ETH,
            perpetual(eth(1.2), 3e9, 1.5, 20.0),
        ),
        listing(Venue::Okx, "BTC-USDT", ["BTC", "USDT"], Spot, Contract::Base, (1, 8), BTC, btc(0.8)),
        listing(Venue::Okx, "ETH-USDT", ["ETH", "USDT"], Spot, Contract::Base, (2, 6), ETH, eth(0.8)),
        listing(
            Venue::Okx,
            "BTC-USDT-SWAP",
            ["BTC", "USDT"],
            Perpetual,
            Contract::Linear(contract(1, 2)),
            (1, 2),
            BTC,
            perpetual(btc(0.9), 2e9, 1.4, 30.0),
        ),
        listing(
            Venue::Okx,
            "ETH-USDT-SWAP",
            ["ETH", "USDT"],
            Perpetual,
            Contract::Linear(contract(1, 1)),
            (2, 2),
            ETH,
            perpetual(eth(0.9), 1e9, 1.7, 35.0),
        ),
        listing(
            Venue::BinanceCoinm,
            "BTCUSD_PERP",
            ["BTC", "USD"],
            Perpetual,
            Contract::Inverse(contract(100, 0)),
            (1, 0),
            BTC,
            Habits { far_orders: 1_200, ..perpetual(btc(0.6), 7e8, 1.6, 80.0) },
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// `n` Binance USD-M perpetuals `S0001USDT`, `S0002USDT` ... of an underlying each, with books of some 200 levels a side
/// and some `MANY_CHANGES_PER_SECOND` changes per second each in a calm market.
pub fn many_listings(n: usize) -> Vec<Listing> {
    (1..=n).filter_map(many).collect()
}

/// The listing of that number: prices from 0.05 to 500, with ticks of 0.3 to 2 basis points.
fn many(number: usize) -> Option<Listing> {
    let base = format!("S{number:04}");
    let decade = (number * 7 % 5) as u8; // 0 is the cheapest
    let digits = 5_000 + (number as i64 * 6_151) % 28_000;
    let decimals = 5 - decade;
    let price = digits as f64 / POW10[decimals as usize] as f64;
    let habits = Habits {
        changes_per_second: MANY_CHANGES_PER_SECOND,
        takers_per_second: 1.0,
        near_orders: 25,
        far_orders: 320,
        order_worth: 600.0,
        taker_worth: 200.0,
        lag_ms: 120.0,
        basis_bps: 3.0,
        open_interest: 2e7,
    };
    let size_decimals = decade.saturating_sub(1);
    listing(
        Venue::BinanceUsdm,
        &format!("{base}USDT"),
        [&base, "USDT"],
        Kind::Perpetual,
        Contract::Base,
        (decimals, size_decimals),
        price,
        habits,
    )
}

/// A listing whose tick and lot are one unit of its scale; `None` if the numbers above do not make sense, which a test
/// rules out.
#[expect(clippy::too_many_arguments, reason = "one table row per listing reads best")]
fn listing(
    venue: Venue,
    symbol: &str,
    [base, quote]: [&str; 2],
    kind: Kind,
    contract: Contract,
    (price_decimals, size_decimals): (u8, u8),
    price: f64,
    habits: Habits,
) -> Option<Listing> {
    let suffix = if kind == Kind::Perpetual { "-PERP" } else { "" };
    let instrument = Instrument {
        venue,
        symbol: symbol.to_owned(),
        base: base.to_owned(),
        quote: quote.to_owned(),
        kind,
        contract,
        tick: Some(Decimal::new(1, price_decimals)),
        lot: Some(Decimal::new(1, size_decimals)),
        scale: Scale { price: price_decimals, size: size_decimals },
        canonical: format!("{base}-{quote}{suffix}"),
    };
    Listing::new(instrument, price, habits).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_lists_the_nine_instruments_by_their_venues_names() {
        let ids: Vec<String> = demo_listings().iter().map(|l| l.instrument().id()).collect();
        assert_eq!(
            ids,
            [
                "binance:BTCUSDT",
                "binance:ETHUSDT",
                "binance-usdm:BTCUSDT",
                "binance-usdm:ETHUSDT",
                "okx:BTC-USDT",
                "okx:ETH-USDT",
                "okx:BTC-USDT-SWAP",
                "okx:ETH-USDT-SWAP",
                "binance-coinm:BTCUSD_PERP",
            ]
        );
        let canonical: Vec<String> = demo_listings().into_iter().map(|l| l.instrument.canonical).collect();
        assert_eq!(canonical[2], "BTC-USDT-PERP");
        assert_eq!(canonical[6], "BTC-USDT-PERP");
        assert_eq!(canonical[8], "BTC-USD-PERP");
    }

    #[test]
    fn a_thousand_listings_are_a_thousand() {
        let all = many_listings(1_000);
        assert_eq!(all.len(), 1_000);
        assert_eq!(all[0].instrument().symbol, "S0001USDT");
        assert!(all.iter().all(|l| l.instrument().canonical == format!("{}-USDT-PERP", l.instrument().base)));
    }
}
