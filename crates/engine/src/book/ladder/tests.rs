//! The ladder against a plain map.

use super::*;
use std::collections::BTreeMap;

/// Small deterministic generator, so that a failing run can be repeated.
struct Rng(u64);
impl Rng {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % n
    }
}

fn agree(ladder: &Ladder, naive: &BTreeMap<i64, i64>) {
    assert_eq!(ladder.len(), naive.len());
    assert_eq!(ladder.best(), naive.first_key_value().map(|(k, v)| (*k, *v)));
    assert_eq!(ladder.worst(), naive.last_key_value().map(|(k, _)| *k));
    assert!(ladder.iter().eq(naive.iter().map(|(k, v)| (*k, *v))));
    let runs = ladder
        .blocks()
        .flat_map(|(key, block, head)| block.levels(head.occupied).map(move |(offset, size)| (key + offset, size)));
    assert!(runs.chain(ladder.beyond()).eq(naive.iter().map(|(k, v)| (*k, *v))));
    for (key, _, Head { sums, .. }) in ladder.blocks() {
        let total = naive.range(key..=key + Block::LAST).fold((0, 0), |(s, m), (k, v)| (s + v, m + (k - key) * v));
        assert_eq!((sums.size, sums.moment), total);
    }
}

/// One million operations of every kind that moves the window, empties it and fills the far store.
#[test]
fn equals_a_naive_map_over_a_million_operations() {
    let mut rng = Rng(7);
    let mut ladder = Ladder::default();
    let mut naive = BTreeMap::new();
    let mut centre: i64 = -50_000;
    for step in 0..1_000_000u64 {
        let spread = [30, 500, 20_000, 300_000][rng.below(4) as usize];
        let key = centre + rng.below(spread) as i64 - if rng.below(50) == 0 { spread as i64 / 2 } else { 0 };
        let size = if rng.below(2) == 0 { 0 } else { 1 + rng.below(1 << 40) as i64 };
        let old = if size == 0 { naive.remove(&key) } else { naive.insert(key, size) };
        assert_eq!(ladder.set(key, size), old.unwrap_or(0));
        match rng.below(10_000) {
            0 => centre += rng.below(400_000) as i64 - 200_000,
            1 => {
                while naive.len() > 3 {
                    let (key, _) = naive.pop_first().unwrap();
                    ladder.set(key, 0);
                    assert_eq!(ladder.best(), naive.first_key_value().map(|(k, v)| (*k, *v)));
                }
            }
            2 if rng.below(20) == 0 => {
                ladder.clear();
                naive.clear();
            }
            _ => {}
        }
        assert_eq!(ladder.best(), naive.first_key_value().map(|(k, v)| (*k, *v)), "step {step}");
        if step % 5_000 == 0 {
            agree(&ladder, &naive);
            let limits = [centre, centre + 64, centre + 1_000, centre + 70_000, centre + 1_000_000];
            let (mut one_by_one, mut at_once) = (Vec::new(), Vec::new());
            one_by_one.extend(limits.map(|limit| ladder.total_to(limit)));
            ladder.totals_to(limits.into_iter(), |size, moment| at_once.push((size, moment)));
            assert_eq!(at_once, one_by_one);
            for limit in limits {
                let expected = naive
                    .range(..=limit)
                    .fold((0i128, 0i128), |(s, m), (k, v)| (s + i128::from(*v), m + i128::from(*k) * i128::from(*v)));
                assert_eq!(ladder.total_to(limit), expected, "limit {limit}");
            }
        }
    }
    agree(&ladder, &naive);
}

#[test]
fn rescaling_multiplies_or_refuses() {
    let mut ladder = Ladder::default();
    ladder.set(5, 7);
    ladder.set(900_000, 1);
    assert!(ladder.rescale(10, 100));
    assert_eq!(ladder.iter().collect::<Vec<_>>(), [(50, 700), (9_000_000, 100)]);
    assert!(!ladder.rescale(MAX_UNITS, 1));
    assert_eq!(ladder.len(), 2);
}
