//! The matching engine of one listing: orders in price-time priority, each with its own place in the queue.

use super::rng::Rng;
use fathometer_engine::units::{Level, Price, Side, Size};
use std::collections::BTreeMap;

/// Who an order belongs to, as far as the book cares: what may pick it for cancelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// Short-lived orders near the touch, of those who follow the price.
    Near,
    /// Patient orders across the depth of the book.
    Far,
    /// Orders of a script: only the script cancels them.
    Script,
}

const POOLS: usize = 3;
const NONE: u32 = u32::MAX;

/// An order that was placed; stays distinct from every later order in the same slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OrderRef {
    slot: u32,
    serial: u32,
}

/// What an operation did to the book, in the order in which it is told: the fills first, then the levels they touched.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// The total size at a price became this.
    Level(Side, Level),
    /// A resting order was filled.
    Fill {
        /// Price of the resting order.
        price: Price,
        /// Size filled.
        size: Size,
        /// Whether the taker bought.
        taker_buy: bool,
        /// Same for all fills of one taker order.
        taker_order: u64,
        /// The resting order.
        maker: OrderRef,
        /// Its remaining size.
        maker_left: Size,
    },
}

struct Order {
    serial: u32,
    pool: Pool,
    side: Side,
    price: i64,
    size: i64,
    before: u32,
    after: u32,
    /// Index into `seats` of its pool and side.
    seat: u32,
}

struct Queue {
    total: i64,
    first: u32,
    last: u32,
}

/// All resting orders of one listing.
#[derive(Default)]
pub struct OrderBook {
    orders: Vec<Order>,
    free: Vec<u32>,
    /// Per side, queues by the price's distance order: the key is the price for asks and its negative for bids, so that
    /// the first is the best on either side.
    queues: [BTreeMap<i64, Queue>; 2],
    /// Slots of live orders per pool and side, in no order, to draw one at random.
    seats: [[Vec<u32>; 2]; POOLS],
    volume: [i64; 2],
    /// Levels touched by the taker order at work, told after its fills.
    touched: Vec<Level>,
}

/// The other side.
pub(crate) fn opposite(side: Side) -> Side {
    match side {
        Side::Bid => Side::Ask,
        Side::Ask => Side::Bid,
    }
}

/// +1 where a higher price is worse for the side's queue (asks), -1 for bids.
pub(crate) fn sign(side: Side) -> i64 {
    match side {
        Side::Bid => -1,
        Side::Ask => 1,
    }
}

impl OrderBook {
    /// Best price of a side.
    pub fn best(&self, side: Side) -> Option<Price> {
        self.queues[side as usize].first_key_value().map(|(key, _)| Price(key * sign(side)))
    }

    /// Levels of a side, best first.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = Level> + '_ {
        self.queues[side as usize]
            .iter()
            .map(move |(key, q)| Level { price: Price(key * sign(side)), size: Size(q.total) })
    }

    /// Number of price levels on a side.
    pub fn level_count(&self, side: Side) -> usize {
        self.queues[side as usize].len()
    }

    /// Number of resting orders of a pool on a side.
    pub fn order_count(&self, pool: Pool, side: Side) -> usize {
        self.seats[pool as usize][side as usize].len()
    }

    /// Total resting size of a side.
    pub fn volume(&self, side: Side) -> Size {
        Size(self.volume[side as usize])
    }

    /// Remaining size of an order; `None` once it is filled or cancelled.
    pub fn remaining(&self, order: OrderRef) -> Option<Size> {
        self.live(order).map(|o| Size(o.size))
    }

    /// Pool of an order; `None` once it is filled or cancelled.
    pub fn pool(&self, order: OrderRef) -> Option<Pool> {
        self.live(order).map(|o| o.pool)
    }

    /// Size queued before an order at its price; `None` once it is filled or cancelled.
    pub fn ahead(&self, order: OrderRef) -> Option<Size> {
        let (mut at, mut sum) = (self.live(order)?.before, 0);
        while at != NONE {
            sum += self.orders[at as usize].size;
            at = self.orders[at as usize].before;
        }
        Some(Size(sum))
    }

    /// A limit order: what crosses is filled at once, the rest joins the end of the queue at its price. `None` when
    /// nothing is left to rest.
    pub fn place(
        &mut self,
        (side, pool): (Side, Pool),
        Level { price, size }: Level,
        taker_order: u64,
        out: &mut Vec<Change>,
    ) -> Option<OrderRef> {
        let left = size.0 - self.market(side, size, Some(price), taker_order, out).0;
        (left > 0).then(|| self.rest(side, pool, price.0, left, out))
    }

    /// Fills up to `size` against the other side, no worse than `limit`; what is not filled is gone. Returns the size
    /// filled.
    pub fn market(
        &mut self,
        taker: Side,
        size: Size,
        limit: Option<Price>,
        taker_order: u64,
        out: &mut Vec<Change>,
    ) -> Size {
        let side = opposite(taker);
        let worst = limit.map_or(i64::MAX, |p| p.0 * sign(side));
        let mut left = size.0;
        self.touched.clear();
        while left > 0 {
            let Some(entry) = self.queues[side as usize].first_entry() else { break };
            if *entry.key() > worst {
                break;
            }
            let (price, first) = (entry.key() * sign(side), entry.get().first);
            let Order { serial, size: resting, .. } = self.orders[first as usize];
            let fill = resting.min(left);
            left -= fill;
            let level = self.take(first, fill);
            out.push(Change::Fill {
                price: Price(price),
                size: Size(fill),
                taker_buy: taker == Side::Bid,
                taker_order,
                maker: OrderRef { slot: first, serial },
                maker_left: Size(resting - fill),
            });
            match self.touched.last_mut() {
                Some(last) if last.price.0 == price => *last = level,
                _ => self.touched.push(level),
            }
        }
        out.extend(self.touched.iter().map(|level| Change::Level(side, *level)));
        Size(size.0 - left)
    }

    /// Takes an order out. False if it is no longer there.
    pub fn cancel(&mut self, order: OrderRef, out: &mut Vec<Change>) -> bool {
        let size = self.live(order).map_or(0, |o| o.size);
        self.reduce(order, Size(size), out)
    }

    /// Makes an order smaller by `size` without losing its place; all of it or more cancels it. False if it is not there.
    pub fn reduce(&mut self, order: OrderRef, size: Size, out: &mut Vec<Change>) -> bool {
        let Some((side, resting)) = self.live(order).map(|o| (o.side, o.size)) else { return false };
        let level = self.take(order.slot, size.0.min(resting));
        out.push(Change::Level(side, level));
        true
    }

    /// One of a pool's orders on a side, each as likely.
    pub(crate) fn random(&self, pool: Pool, side: Side, rng: &mut Rng) -> Option<OrderRef> {
        let seats = &self.seats[pool as usize][side as usize];
        let slot = *seats.get(rng.below(seats.len()))?;
        Some(OrderRef { slot, serial: self.orders[slot as usize].serial })
    }

    /// The first orders of a side in order of priority, no worse than `bound`, at most `most` of them.
    pub fn front(&self, side: Side, bound: Price, most: usize, into: &mut Vec<OrderRef>) {
        for (_, queue) in self.queues[side as usize].range(..=bound.0 * sign(side)) {
            let mut at = queue.first;
            while at != NONE {
                if into.len() >= most {
                    return;
                }
                let order = &self.orders[at as usize];
                into.push(OrderRef { slot: at, serial: order.serial });
                at = order.after;
            }
        }
    }

    fn live(&self, order: OrderRef) -> Option<&Order> {
        self.orders.get(order.slot as usize).filter(|o| o.serial == order.serial && o.size > 0)
    }

    fn rest(&mut self, side: Side, pool: Pool, price: i64, size: i64, out: &mut Vec<Change>) -> OrderRef {
        let slot = self.free.pop().unwrap_or(self.orders.len() as u32);
        let serial = self.orders.get(slot as usize).map_or(0, |o| o.serial.wrapping_add(1));
        let queue =
            self.queues[side as usize].entry(price * sign(side)).or_insert(Queue { total: 0, first: slot, last: NONE });
        let before = queue.last;
        queue.last = slot;
        queue.total += size;
        let total = queue.total;
        if before != NONE {
            self.orders[before as usize].after = slot;
        }
        let seats = &mut self.seats[pool as usize][side as usize];
        let order = Order { serial, pool, side, price, size, before, after: NONE, seat: seats.len() as u32 };
        seats.push(slot);
        match self.orders.get_mut(slot as usize) {
            Some(old) => *old = order,
            None => self.orders.push(order),
        }
        self.volume[side as usize] += size;
        out.push(Change::Level(side, Level { price: Price(price), size: Size(total) }));
        OrderRef { slot, serial }
    }

    /// Takes `size` off the order in a slot, and the order out of the book when nothing is left; returns its level.
    fn take(&mut self, slot: u32, size: i64) -> Level {
        let order = &mut self.orders[slot as usize];
        order.size -= size;
        let Order { pool, side, price, before, after, seat, size: left, .. } = *order;
        self.volume[side as usize] -= size;
        let queues = &mut self.queues[side as usize];
        let mut total = 0;
        if let Some(queue) = queues.get_mut(&(price * sign(side))) {
            queue.total -= size;
            total = queue.total;
            if left == 0 {
                if before == NONE {
                    queue.first = after;
                }
                if after == NONE {
                    queue.last = before;
                }
            }
        }
        if total == 0 {
            queues.remove(&(price * sign(side)));
        }
        if left == 0 {
            if before != NONE {
                self.orders[before as usize].after = after;
            }
            if after != NONE {
                self.orders[after as usize].before = before;
            }
            let seats = &mut self.seats[pool as usize][side as usize];
            seats.swap_remove(seat as usize);
            if let Some(moved) = seats.get(seat as usize) {
                self.orders[*moved as usize].seat = seat;
            }
            self.free.push(slot);
        }
        Level { price: Price(price), size: Size(total) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(price: i64, size: i64) -> Level {
        Level { price: Price(price), size: Size(size) }
    }

    fn fills(changes: &[Change]) -> Vec<(i64, i64, OrderRef)> {
        let fill = |c: &Change| match *c {
            Change::Fill { price, size, maker, .. } => Some((price.0, size.0, maker)),
            Change::Level(..) => None,
        };
        changes.iter().filter_map(fill).collect()
    }

    #[test]
    fn the_earlier_order_at_a_price_is_filled_first_and_levels_follow_the_fills() {
        let (mut book, mut out) = (OrderBook::default(), Vec::new());
        let far = book.place((Side::Ask, Pool::Far), level(102, 9), 0, &mut out).unwrap();
        let first = book.place((Side::Ask, Pool::Near), level(101, 5), 0, &mut out).unwrap();
        let second = book.place((Side::Ask, Pool::Script), level(101, 5), 0, &mut out).unwrap();
        assert_eq!(book.ahead(second), Some(Size(5)));
        out.clear();
        assert_eq!(book.market(Side::Bid, Size(7), None, 1, &mut out), Size(7));
        assert_eq!(fills(&out), [(101, 5, first), (101, 2, second)]);
        assert_eq!(out.last(), Some(&Change::Level(Side::Ask, level(101, 3))));
        assert_eq!((book.ahead(second), book.remaining(first)), (Some(Size(0)), None));
        out.clear();
        let rest = book.place((Side::Bid, Pool::Near), level(102, 20), 2, &mut out).unwrap();
        assert_eq!(fills(&out), [(101, 3, second), (102, 9, far)]);
        assert_eq!(out[2], Change::Level(Side::Ask, level(101, 0)));
        assert_eq!(
            (book.remaining(rest), book.best(Side::Bid), book.best(Side::Ask)),
            (Some(Size(8)), Some(Price(102)), None)
        );
    }

    #[test]
    fn a_limit_stops_a_market_order_and_a_dead_order_cannot_be_cancelled_twice() {
        let (mut book, mut out) = (OrderBook::default(), Vec::new());
        let bid = book.place((Side::Bid, Pool::Near), level(100, 4), 0, &mut out).unwrap();
        assert_eq!(book.market(Side::Ask, Size(9), Some(Price(101)), 1, &mut out), Size(0));
        assert!(book.reduce(bid, Size(1), &mut out));
        assert_eq!(out.last(), Some(&Change::Level(Side::Bid, level(100, 3))));
        assert!(book.cancel(bid, &mut out) && !book.cancel(bid, &mut out));
        let again = book.place((Side::Bid, Pool::Near), level(100, 4), 0, &mut out).unwrap();
        assert!(again != bid && book.remaining(bid).is_none() && book.remaining(again) == Some(Size(4)));
    }

    #[test]
    fn totals_agree_with_a_naive_list_of_orders_under_random_operations() {
        let (mut rng, mut book, mut out) = (Rng::new(3, 0), OrderBook::default(), Vec::new());
        let mut naive: Vec<(OrderRef, Side, i64)> = Vec::new();
        for _ in 0..20_000 {
            out.clear();
            let side = if rng.chance(0.5) { Side::Bid } else { Side::Ask };
            let size = 1 + rng.below(20) as i64;
            match rng.below(10) {
                0..=5 => {
                    let price = 1000 + sign(side) * (rng.below(30) as i64 - 5);
                    let placed = book.place((side, Pool::Near), level(price, size), 0, &mut out);
                    naive.extend(placed.map(|r| (r, side, price)));
                }
                6..=8 => {
                    if let Some(order) = book.random(Pool::Near, side, &mut rng) {
                        assert!(book.reduce(order, Size(size), &mut out));
                    }
                }
                _ => {
                    book.market(side, Size(size * 3), None, 0, &mut out);
                }
            }
            naive.retain(|(r, ..)| book.remaining(*r).is_some());
            for side in [Side::Bid, Side::Ask] {
                let mut levels: BTreeMap<i64, i64> = BTreeMap::new();
                for (order, _, price) in naive.iter().filter(|n| n.1 == side) {
                    *levels.entry(price * sign(side)).or_default() += book.remaining(*order).unwrap().0;
                }
                let held: Vec<_> = book.levels(side).map(|l| (l.price.0 * sign(side), l.size.0)).collect();
                assert_eq!(held, levels.into_iter().collect::<Vec<_>>());
                assert_eq!(book.volume(side).0, held.iter().map(|l| l.1).sum::<i64>());
                assert_eq!(book.order_count(Pool::Near, side), naive.iter().filter(|n| n.1 == side).count());
            }
            if let (Some(bid), Some(ask)) = (book.best(Side::Bid), book.best(Side::Ask)) {
                assert!(bid < ask);
            }
        }
    }
}
