//! What venues charge: rates per product and tier, discounts, rebates. The numbers themselves are configuration.

use crate::instrument::{Instrument, Kind, Venue};
use serde::{Deserialize, Serialize};

/// What has a fee table of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Product {
    /// Binance spot.
    BinanceSpot,
    /// Binance USD-M futures.
    BinanceUsdm,
    /// Binance COIN-M futures.
    BinanceCoinm,
    /// OKX spot.
    OkxSpot,
    /// OKX perpetuals.
    OkxSwap,
    /// OKX dated futures.
    OkxFutures,
}

impl Product {
    /// Every product, in the order in which they are listed.
    pub const ALL: [Product; 6] = [
        Product::BinanceSpot,
        Product::BinanceUsdm,
        Product::BinanceCoinm,
        Product::OkxSpot,
        Product::OkxSwap,
        Product::OkxFutures,
    ];

    /// The name used in configuration.
    pub fn name(self) -> &'static str {
        match self {
            Product::BinanceSpot => "binance-spot",
            Product::BinanceUsdm => "binance-usdm",
            Product::BinanceCoinm => "binance-coinm",
            Product::OkxSpot => "okx-spot",
            Product::OkxSwap => "okx-swap",
            Product::OkxFutures => "okx-futures",
        }
    }

    /// The product that an instrument is; none for options, which are charged by rules of their own.
    pub fn of(instrument: &Instrument) -> Option<Product> {
        match (instrument.venue, instrument.kind) {
            (_, Kind::Option) => None,
            (Venue::Binance, _) => Some(Product::BinanceSpot),
            (Venue::BinanceUsdm, _) => Some(Product::BinanceUsdm),
            (Venue::BinanceCoinm, _) => Some(Product::BinanceCoinm),
            (Venue::Okx, Kind::Spot) => Some(Product::OkxSpot),
            (Venue::Okx, Kind::Perpetual) => Some(Product::OkxSwap),
            (Venue::Okx, Kind::Future) => Some(Product::OkxFutures),
        }
    }
}

/// What is charged; below zero it is paid out (a rebate).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// For orders that rest, bps of what is traded.
    pub maker_bps: f64,
    /// For orders that take, bps of what is traded.
    pub taker_bps: f64,
}

/// The rates of one tier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tier {
    /// `regular`, `vip1`, ...
    pub name: String,
    /// Before discounts.
    pub rates: Rates,
}

/// What is charged for one product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// For what.
    pub product: Product,
    /// The tier where none is asked for.
    pub tier: String,
    /// Taken off fees, not off rebates, by who pays in the venue's own coin; percent.
    pub discount_pct: f64,
    /// Whether it is.
    pub discount: bool,
    /// The tiers, as listed.
    pub tiers: Vec<Tier>,
}

impl Table {
    /// What is charged in a tier (none asks for the usual one), discount taken off; none if there is no such tier. Case,
    /// blanks, `-` and `_` in its name do not matter, and `vip0` is `regular`.
    pub fn rates(&self, tier: Option<&str>) -> Option<Rates> {
        let asked = plain(tier.unwrap_or(&self.tier));
        let found = self.tiers.iter().find(|tier| plain(&tier.name) == asked)?;
        let part = if self.discount { 1.0 - self.discount_pct / 100.0 } else { 1.0 };
        let charged = |bps: f64| if bps > 0.0 { bps * part } else { bps };
        Some(Rates { maker_bps: charged(found.rates.maker_bps), taker_bps: charged(found.rates.taker_bps) })
    }
}

/// The table of an instrument's product.
pub fn table<'a>(tables: &'a [Table], instrument: &Instrument) -> Option<&'a Table> {
    let product = Product::of(instrument)?;
    tables.iter().find(|table| table.product == product)
}

fn plain(name: &str) -> String {
    let name: String = name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    if name == "vip0" { "regular".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::infer;

    fn okx(discount: bool) -> Table {
        let tier =
            |name: &str, maker_bps, taker_bps| Tier { name: name.to_owned(), rates: Rates { maker_bps, taker_bps } };
        Table {
            product: Product::OkxSpot,
            tier: "regular".into(),
            discount_pct: 25.0,
            discount,
            tiers: vec![tier("regular", 8.0, 10.0), tier("vip7", -0.5, 2.0)],
        }
    }

    #[test]
    fn a_discount_is_taken_off_fees_and_not_off_rebates() {
        let rates = |discount, tier| okx(discount).rates(tier).map(|it| (it.maker_bps, it.taker_bps));
        assert_eq!(rates(false, None), Some((8.0, 10.0)));
        assert_eq!(rates(true, None), Some((6.0, 7.5)));
        assert_eq!(rates(true, Some("VIP 7")), Some((-0.5, 1.5)));
        assert_eq!((rates(false, Some("vip0")), rates(false, Some("vip8"))), (Some((8.0, 10.0)), None));
    }

    #[test]
    fn each_instrument_has_the_table_of_its_product() {
        for (venue, symbol, product) in [
            (Venue::Binance, "BTCUSDT", Some(Product::BinanceSpot)),
            (Venue::BinanceUsdm, "BTCUSDT", Some(Product::BinanceUsdm)),
            (Venue::BinanceCoinm, "BTCUSD_PERP", Some(Product::BinanceCoinm)),
            (Venue::Okx, "BTC-USDT", Some(Product::OkxSpot)),
            (Venue::Okx, "BTC-USD-SWAP", Some(Product::OkxSwap)),
            (Venue::Okx, "BTC-USDT-261225", Some(Product::OkxFutures)),
            (Venue::Okx, "BTC-USD-261225-100000-C", None),
        ] {
            let instrument = infer(venue, symbol);
            assert_eq!(Product::of(&instrument), product, "{symbol}");
            assert_eq!(table(&[okx(false)], &instrument).is_some(), symbol == "BTC-USDT");
        }
    }
}
