//! What a script does, as data: a list of acts, each at its time, carried out against the market as it then is.

use super::layer::{Layer, Thin};
use crate::market::What;
use fathometer_engine::units::{Decimal, NANOS_PER_MILLI, NANOS_PER_SECOND, Nanos, Price, Side, Size};

/// Orders with the same tag are taken out together.
pub(crate) type Tag = u32;

/// Those who were taken from come back after that long, unless the act says otherwise, ns.
const BACK_NANOS: i64 = 3 * NANOS_PER_SECOND;

/// One act; sizes in units, distances in basis points.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// An order rests that far behind the touch.
    Rest { tag: Tag, side: Side, bps: f64, size: f64 },
    /// An order rests that many ticks behind another one's price, or behind the touch where there is none.
    Beside { tag: Tag, of: Tag, side: Side, ticks: i64, size: f64 },
    /// An order rests at the touch, and shows only part of itself at a time.
    Hide { tag: Tag, side: Side, show: f64, size: f64 },
    /// Somebody takes from the order of that tag, if it is within reach of the touch.
    Hit { tag: Tag, size: f64, reach_bps: f64 },
    /// The orders of a tag are taken out.
    Pull(Tag),
    /// A taker order that goes at most that far beyond the touch.
    Take { taker: Side, size: f64, bps: f64 },
    /// A print between two own accounts.
    Wash { size: f64, buy: bool },
    /// Others leave.
    Thin(Vec<Thin>),
    /// Others quote higher (or lower) than they would.
    Shift(f64),
    /// Mark and index are told that much higher (or lower) than they would be.
    Reference(f64),
    /// Quotes stand still, or go on.
    Freeze(bool),
    /// The venue says what funding will be, and in how many seconds from now it is paid.
    Funding { rate: f64, in_seconds: f64 },
    /// A forced order is filled.
    Forced { buy: bool, size: f64, bps: f64 },
}

/// An act with its time since the script began and the market that it is for.
#[derive(Clone, Debug)]
pub(crate) struct Due {
    pub(crate) ms: i64,
    pub(crate) listing: usize,
    pub(crate) act: Act,
}

impl Act {
    /// Carries it out.
    pub(crate) fn run(&self, layer: &mut Layer, now: Nanos) {
        match *self {
            Act::Rest { tag, side, bps, size } => {
                if let Some(price) = layer.behind(side, bps) {
                    layer.place(tag, side, price, size as i64, size as i64);
                }
            }
            Act::Beside { tag, of, side, ticks, size } => {
                let from = layer.resting(of).map(|(_, price)| price).or(layer.best(side));
                if let Some(from) = from {
                    let price = from + crate::sim::sign(side) * ticks * layer.tick;
                    layer.place(tag, side, price, size as i64, size as i64);
                }
            }
            Act::Hide { tag, side, show, size } => {
                if let Some(price) = layer.best(side) {
                    layer.place(tag, side, price, size as i64, show as i64);
                }
            }
            Act::Hit { tag, size, reach_bps } => hit(layer, tag, size, reach_bps, now),
            Act::Pull(tag) => layer.pull(tag),
            Act::Take { taker, size, bps } => {
                let worst = layer.behind(crate::sim::opposite(taker), bps);
                layer.take(taker, size as i64, worst, now.plus(BACK_NANOS));
            }
            Act::Wash { size, buy } => layer.wash(size as i64, buy),
            Act::Thin(ref thin) => layer.set_thin(thin.clone()),
            Act::Shift(bps) => layer.set_shift(bps),
            Act::Reference(bps) => layer.set_reference(bps),
            Act::Freeze(on) => layer.set_frozen(on),
            Act::Funding { rate, in_seconds } => {
                let rate = Decimal::new((rate * 1e8).round() as i64, 8);
                let next = now.plus((in_seconds * NANOS_PER_SECOND as f64) as i64);
                layer.tell(What::Funding { rate, next });
            }
            Act::Forced { buy, size, bps } => forced(layer, buy, size, bps, now),
        }
    }
}

fn hit(layer: &mut Layer, tag: Tag, size: f64, reach_bps: f64, now: Nanos) {
    let Some((side, price)) = layer.resting(tag) else { return };
    let Some(worst) = layer.behind(side, reach_bps) else { return };
    if (price - worst) * crate::sim::sign(side) <= 0 {
        // What stands before it is taken first, and is back at once: it was there to be taken.
        let taker = crate::sim::opposite(side);
        layer.take(taker, size as i64, Some(price), now.plus(100 * NANOS_PER_MILLI));
    }
}

fn forced(layer: &mut Layer, buy: bool, size: f64, bps: f64, now: Nanos) {
    let (taker, side) = if buy { (Side::Bid, Side::Ask) } else { (Side::Ask, Side::Bid) };
    let Some(worst) = layer.behind(side, bps) else { return };
    let size = layer.lots(size);
    layer.take(taker, size, Some(worst), now.plus(BACK_NANOS));
    layer.tell(What::Liquidation { price: Price(worst), size: Size(size), buy });
}
