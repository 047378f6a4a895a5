//! Request weights and the budget per minute.

use super::Product;
use fathometer_engine::units::Nanos;

/// Nanoseconds of the window in which weight is counted.
const WINDOW_NANOS: i64 = 60 * 1_000_000_000;

impl Product {
    /// Weight that may be used within a minute.
    pub(crate) fn weight_max(self) -> u32 {
        if self == Product::Spot { 6000 } else { 2400 }
    }
}

/// Weight used within the current minute of the exchange's clock.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    window: i64,
    used: u32,
}

impl Budget {
    /// Counts a request: the weight used so far, or the seconds to wait.
    pub(crate) fn charge(&mut self, weight: u32, weight_max: u32, now: Nanos) -> Result<u32, i64> {
        let window = now.0.div_euclid(WINDOW_NANOS);
        if window != self.window {
            (self.window, self.used) = (window, 0);
        }
        self.used = self.used.saturating_add(weight);
        if self.used > weight_max {
            return Err(((window + 1) * WINDOW_NANOS - now.0).div_euclid(1_000_000_000) + 1);
        }
        Ok(self.used)
    }
}

/// Weight of a request, by the part of its path after the root, its `limit`, and whether it names a symbol.
pub(crate) fn weight(product: Product, endpoint: &str, limit: Option<u32>, has_symbol: bool) -> u32 {
    let one_or_all = |one, all| if has_symbol { one } else { all };
    match (product, endpoint) {
        (Product::Spot, "/depth") => match limit.unwrap_or(100) {
            0..=100 => 5,
            101..=500 => 25,
            501..=1000 => 50,
            _ => 250,
        },
        (_, "/depth") => match limit.unwrap_or(500) {
            0..=50 => 2,
            51..=100 => 5,
            101..=500 => 10,
            _ => 20,
        },
        (Product::Spot, "/exchangeInfo") => 20,
        (Product::Spot, "/trades") => 25,
        (Product::Spot, "/aggTrades") => 4,
        (Product::Spot, "/ticker/bookTicker") => one_or_all(2, 4),
        (Product::Spot, "/ticker/24hr") => one_or_all(2, 80),
        (_, "/aggTrades") => 20,
        (_, "/trades") => 5,
        (_, "/ticker/bookTicker") => one_or_all(2, 5),
        (_, "/ticker/24hr") => one_or_all(1, 40),
        (_, "/premiumIndex") => one_or_all(1, 10),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_full_again_with_each_minute() {
        let mut budget = Budget::default();
        let at = |seconds: i64| Nanos(seconds * 1_000_000_000);
        assert_eq!(budget.charge(4000, 6000, at(1)), Ok(4000));
        assert_eq!(budget.charge(2000, 6000, at(30)), Ok(6000));
        assert_eq!(budget.charge(1, 6000, at(40)), Err(21));
        assert_eq!(budget.charge(1, 6000, at(60)), Ok(1));
    }

    #[test]
    fn weights_follow_product_endpoint_and_limit() {
        let check = |product, endpoint, limit, symbol, expect| {
            assert_eq!(weight(product, endpoint, limit, symbol), expect, "{product:?} {endpoint} {limit:?}");
        };
        for (limit, expect) in [(None, 5), (Some(100), 5), (Some(500), 25), (Some(1000), 50), (Some(5000), 250)] {
            check(Product::Spot, "/depth", limit, true, expect);
        }
        for (limit, expect) in [(Some(50), 2), (Some(100), 5), (None, 10), (Some(1000), 20)] {
            check(Product::Usdm, "/depth", limit, true, expect);
        }
        check(Product::Spot, "/exchangeInfo", None, false, 20);
        check(Product::Coinm, "/premiumIndex", None, false, 10);
    }
}
