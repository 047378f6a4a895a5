//! Volume at price: what takers bought and sold per row of prices, since the start and over the last minutes.

use fathometer_engine::units::{NANOS_PER_SECOND, Nanos};
use std::collections::{BTreeMap, VecDeque};

/// Length of the rolling profile, seconds.
pub const ROLLING_SECONDS: i64 = 180;
/// What leaves the rolling profile together, ns: three seconds.
const BUCKET_NANOS: i64 = 3 * NANOS_PER_SECOND;
const BUCKETS: i64 = ROLLING_SECONDS * NANOS_PER_SECOND / BUCKET_NANOS;

/// Volume by row number: bought and sold by takers, size units.
pub type Rows = BTreeMap<i64, [i64; 2]>;

/// The profile of one instrument.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// Width of a row, price units; 0 before it is known.
    width: i64,
    session: Rows,
    rolling: Rows,
    /// What the rolling profile is made of, by time.
    parts: VecDeque<(i64, i64, [i64; 2])>,
}

impl Profile {
    /// Width of a row, price units; 0 before it is known.
    pub fn width(&self) -> i64 {
        self.width
    }

    /// Since the start.
    pub fn session(&self) -> &Rows {
        &self.session
    }

    /// Over the last three minutes.
    pub fn rolling(&self) -> &Rows {
        &self.rolling
    }

    /// Takes the first width that is offered.
    pub fn begin(&mut self, width: i64) -> bool {
        let begins = self.width == 0 && width > 0;
        if begins {
            self.width = width;
        }
        begins
    }

    /// Adds a trade; with more than `max` rows, rows become wider.
    pub fn add(&mut self, at: Nanos, price: i64, size: i64, taker_buy: bool, max: usize) {
        if self.width <= 0 {
            return;
        }
        self.pass(at);
        let row = price.div_euclid(self.width);
        let sizes = if taker_buy { [size, 0] } else { [0, size] };
        let bucket = at.0.div_euclid(BUCKET_NANOS);
        plus(&mut self.session, row, sizes);
        plus(&mut self.rolling, row, sizes);
        let same = self.parts.iter_mut().rev().take_while(|part| part.0 == bucket).find(|part| part.1 == row);
        match same {
            Some((_, _, sums)) => sum(sums, sizes),
            None => self.parts.push_back((bucket, row, sizes)),
        }
        // The rolling profile has few rows but each of them in many buckets.
        while (self.session.len() > max || self.parts.len() > 4 * max) && self.widen() {}
    }

    /// Time goes on: what is older than three minutes leaves the rolling profile.
    pub fn pass(&mut self, now: Nanos) {
        let oldest = now.0.div_euclid(BUCKET_NANOS) - BUCKETS;
        while let Some((bucket, row, sizes)) = self.parts.front().copied()
            && bucket <= oldest
        {
            self.parts.pop_front();
            if let Some(left) = self.rolling.get_mut(&row) {
                *left = [left[0].saturating_sub(sizes[0]), left[1].saturating_sub(sizes[1])];
                if *left == [0, 0] {
                    self.rolling.remove(&row);
                }
            }
        }
    }

    /// Units became finer.
    pub fn rescale(&mut self, price: i64, size: i64) {
        self.width = self.width.saturating_mul(price);
        let all = self
            .session
            .values_mut()
            .chain(self.rolling.values_mut())
            .chain(self.parts.iter_mut().map(|part| &mut part.2));
        all.for_each(|sizes| *sizes = sizes.map(|units| units.saturating_mul(size)));
    }

    /// Memory taken, about, bytes.
    pub fn bytes(&self) -> usize {
        (self.session.len() + self.rolling.len()) * 32 + self.parts.capacity() * 32
    }

    /// Makes rows wider by the next round number; whether that is possible.
    fn widen(&mut self) -> bool {
        let mut lead = self.width;
        while lead % 10 == 0 {
            lead /= 10;
        }
        // 1, 2, 5, 10: a row of 2 becomes one of 10, so that whole rows join.
        let factor = if lead == 2 { 5 } else { 2 };
        let Some(width) = self.width.checked_mul(factor) else { return false };
        self.width = width;
        let join = |rows: &Rows| {
            let mut joined = Rows::new();
            rows.iter().for_each(|(row, sizes)| plus(&mut joined, row.div_euclid(factor), *sizes));
            joined
        };
        (self.session, self.rolling) = (join(&self.session), join(&self.rolling));
        let mut parts: BTreeMap<(i64, i64), [i64; 2]> = BTreeMap::new();
        for (bucket, row, sizes) in &self.parts {
            sum(parts.entry((*bucket, row.div_euclid(factor))).or_default(), *sizes);
        }
        self.parts = parts.into_iter().map(|((bucket, row), sizes)| (bucket, row, sizes)).collect();
        true
    }
}

fn plus(rows: &mut Rows, row: i64, sizes: [i64; 2]) {
    sum(rows.entry(row).or_default(), sizes);
}

fn sum(sums: &mut [i64; 2], sizes: [i64; 2]) {
    *sums = [sums[0].saturating_add(sizes[0]), sums[1].saturating_add(sizes[1])];
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Nanos {
        Nanos(seconds * NANOS_PER_SECOND)
    }

    #[test]
    fn trades_add_up_per_row_and_leave_after_three_minutes() {
        let mut profile = Profile::default();
        profile.add(at(0), 100, 9, true, 100);
        assert!(profile.session().is_empty(), "without a width there are no rows");
        assert!(profile.begin(5) && !profile.begin(10));
        for (seconds, price, size, buy) in [(0, 104, 1, true), (1, 100, 2, false), (2, 99, 4, true), (90, 101, 8, true)]
        {
            profile.add(at(seconds), price, size, buy, 100);
        }
        let all = Rows::from([(19, [4, 0]), (20, [9, 2])]);
        assert_eq!((profile.session(), profile.rolling()), (&all, &all));
        profile.pass(at(179));
        assert_eq!(profile.rolling(), &all);
        profile.pass(at(180));
        assert_eq!((profile.session(), profile.rolling()), (&all, &Rows::from([(20, [8, 0])])));
        profile.pass(at(1_000));
        assert!(profile.rolling().is_empty());
    }

    #[test]
    fn too_many_rows_become_wider_ones_and_nothing_is_lost() {
        let mut profile = Profile::default();
        profile.begin(1);
        for n in 0..5_000i64 {
            profile.add(at(n / 10), 10_000 + n % 977, 1, n % 2 == 0, 50);
            assert!(profile.session().len() <= 50);
            let parts = profile.parts.iter().fold([0, 0], |mut all, part| {
                sum(&mut all, part.2);
                all
            });
            let rolling = profile.rolling().values().fold([0, 0], |mut all, sizes| {
                sum(&mut all, *sizes);
                all
            });
            assert_eq!(parts, rolling);
        }
        let total = profile.session().values().fold([0, 0], |mut all, sizes| {
            sum(&mut all, *sizes);
            all
        });
        assert_eq!((total, profile.width()), ([2_500, 2_500], 20));
        profile.rescale(10, 1_000);
        assert_eq!((profile.width(), profile.session().values().next().map(|s| s[0] % 1_000)), (200, Some(0)));
    }
}
