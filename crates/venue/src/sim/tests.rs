//! What a simulated market must be, whatever its seed.

use super::*;
use crate::market::What;
use fathometer_engine::instrument::{Contract, Venue};
use fathometer_engine::units::{Level, NANOS_PER_MILLI, POW10, Side};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Some moment, away from a funding time.
const START: Nanos = Nanos(1_750_000_000 * NANOS_PER_SECOND);

fn simulation(seed: u64, listings: Vec<Listing>, regime: Regime) -> Simulation {
    Simulation::new(Options { seed, start: START, listings, regime, rate: 1.0 })
}

fn run(simulation: &mut Simulation, seconds: i64) -> Vec<Happening> {
    let mut out = Vec::new();
    simulation.advance(START.plus(seconds * NANOS_PER_SECOND), &mut out);
    out
}

/// A run of the demo in one regime.
fn demo(seed: u64, regime: Regime, seconds: i64) -> (Simulation, Vec<Happening>) {
    let mut simulation = simulation(seed, demo_listings(), regime);
    let happenings = run(&mut simulation, seconds);
    (simulation, happenings)
}

fn hash(happenings: &[Happening]) -> u64 {
    let mut hasher = DefaultHasher::new();
    happenings.iter().for_each(|h| format!("{h:?}").hash(&mut hasher));
    hasher.finish()
}

/// A book that is only told what happens.
#[derive(Default)]
struct Told([BTreeMap<i64, i64>; 2]);

impl Told {
    fn hear(&mut self, what: &What) {
        match what {
            What::Book { bids, asks } => {
                self.0 = [bids, asks].map(|levels| levels.iter().map(|l| (l.price.0, l.size.0)).collect());
            }
            What::Level(side, level) if level.size.0 == 0 => {
                assert!(
                    self.0[*side as usize].remove(&level.price.0).is_some(),
                    "a level that was not there is removed"
                );
            }
            What::Level(side, level) => {
                self.0[*side as usize].insert(level.price.0, level.size.0);
            }
            _ => {}
        }
    }

    fn bid(&self) -> i64 {
        *self.0[0].last_key_value().expect("bids are never empty").0
    }

    fn ask(&self) -> i64 {
        *self.0[1].first_key_value().expect("asks are never empty").0
    }
}

/// Lets `look` see each happening with the book as told before and after it.
fn replay(happenings: &[Happening], listings: usize, mut look: impl FnMut(&Happening, &Told, bool)) -> Vec<Told> {
    let mut books: Vec<Told> = (0..listings).map(|_| Told::default()).collect();
    for h in happenings {
        look(h, &books[h.listing], false);
        books[h.listing].hear(&h.what);
        look(h, &books[h.listing], true);
    }
    books
}

#[test]
fn the_same_seed_gives_the_same_minute_and_another_seed_another() {
    let minute = |seed| hash(&demo(seed, Regime::Cycle, 60).1);
    let first = minute(7);
    assert_eq!(first, minute(7));
    assert_ne!(first, minute(8));
}

#[test]
fn it_does_not_matter_how_time_is_cut() {
    let whole = demo(11, Regime::Stressed, 6).1;
    for step in [NANOS_PER_MILLI, NANOS_PER_SECOND, 333_333_333] {
        let (mut cut, mut simulation) = (Vec::new(), simulation(11, demo_listings(), Regime::Stressed));
        let mut until = START.plus(-NANOS_PER_SECOND);
        while until.since(START) < 6 * NANOS_PER_SECOND {
            until = until.plus(step).min(START.plus(6 * NANOS_PER_SECOND));
            simulation.advance(until, &mut cut);
        }
        assert_eq!(cut.len(), whole.len(), "step {step}");
        assert!(cut == whole, "step {step}");
    }
}

#[test]
fn time_never_goes_back_and_nothing_happens_before_the_start_or_after_the_asked_time() {
    let mut simulation = simulation(3, demo_listings(), Regime::Busy);
    let mut out = Vec::new();
    assert!(simulation.advance(START.plus(-1), &mut out) && out.is_empty());
    let until = START.plus(5 * NANOS_PER_SECOND);
    simulation.advance(until, &mut out);
    assert!(out.windows(2).all(|w| w[0].at <= w[1].at));
    assert!(out.first().is_some_and(|h| h.at == START) && out.last().is_some_and(|h| h.at <= until));
}

#[test]
fn books_begin_whole_are_never_crossed_or_empty_and_end_as_they_were_told() {
    for regime in [Regime::Calm, Regime::Stressed] {
        let (simulation, happenings) = demo(5, regime, 60);
        for (i, h) in happenings.iter().enumerate().filter(|(_, h)| matches!(h.what, What::Book { .. })) {
            assert!(h.at == START && happenings[..i].iter().all(|earlier| earlier.listing < h.listing));
        }
        let books = replay(&happenings, 9, |_, book, after| assert!(!after || book.bid() < book.ask()));
        for (i, told) in books.iter().enumerate() {
            let book = simulation.book(i).unwrap();
            for side in [Side::Bid, Side::Ask] {
                let mut own: Vec<_> = book.levels(side).map(|l| (l.price.0, l.size.0)).collect();
                own.sort_unstable();
                assert_eq!(own, told.0[side as usize].iter().map(|(p, s)| (*p, *s)).collect::<Vec<_>>(), "listing {i}");
            }
        }
    }
}

#[test]
fn every_fill_takes_the_best_price_there_is_and_is_followed_by_the_level_it_leaves() {
    let (_, happenings) = demo(9, Regime::Busy, 30);
    let mut fills = 0;
    // Per listing: the taker order at work, and what its fills leave of the levels.
    let mut left: Vec<(u64, BTreeMap<i64, i64>)> = vec![Default::default(); 9];
    replay(&happenings, 9, |h, book, after| {
        let (order, levels) = &mut left[h.listing];
        match &h.what {
            What::Trade { price, size, taker_buy, taker_order } if !after => {
                if *order != *taker_order {
                    assert!(*taker_order > *order && levels.is_empty(), "fills of one order follow each other");
                    *order = *taker_order;
                    *levels = book.0[usize::from(*taker_buy)].clone();
                }
                let best = if *taker_buy { levels.first_entry() } else { levels.last_entry() };
                let mut best = best.unwrap();
                assert_eq!(*best.key(), price.0);
                *best.get_mut() -= size.0;
                assert!(*best.get() >= 0);
                if *best.get() == 0 {
                    best.remove();
                }
                fills += 1;
            }
            What::Level(_, level) if after && !levels.is_empty() => {
                let expected = levels.get(&level.price.0).copied().unwrap_or(0);
                assert_eq!(level.size.0, expected, "a level after the fills is what they left");
                levels.clear();
            }
            _ => {}
        }
    });
    assert!(fills > 1_000, "{fills}");
}

#[test]
fn prices_and_sizes_are_whole_ticks_and_lots() {
    let mut inputs = demo_listings();
    let mut five = inputs[0].instrument.clone();
    five.tick = "0.5".parse().ok();
    five.lot = "0.002".parse().ok();
    five.symbol = "BTCFIVE".to_owned();
    inputs.push(Listing::new(five, 64_000.0, inputs[0].habits.clone()).unwrap());
    let steps: Vec<(i64, i64)> = inputs.iter().map(|l| (l.tick, l.lot)).collect();
    let mut simulation = simulation(1, inputs, Regime::Stressed);
    let check = |at: &Happening, level: &Level| {
        let (tick, lot) = steps[at.listing];
        assert!(
            level.price.0 > 0 && level.price.0 % tick == 0 && level.size.0 >= 0 && level.size.0 % lot == 0,
            "{at:?}"
        );
    };
    for h in run(&mut simulation, 10) {
        match &h.what {
            What::Level(_, level) => check(&h, level),
            What::Book { bids, asks } => bids.iter().chain(asks).for_each(|level| check(&h, level)),
            What::Trade { price, size, .. } => check(&h, &Level { price: *price, size: *size }),
            _ => {}
        }
    }
}

/// Figures of one listing over a run.
#[derive(Debug, Default)]
struct Figures {
    changes_per_second: f64,
    trades_per_second: f64,
    takers_per_second: f64,
    /// Mean over the level changes, in ticks.
    spread_ticks: f64,
    /// Share of the level changes at which the spread is one tick.
    tight: f64,
    /// Quote currency within 5 basis points of the mid on both sides, median over the seconds.
    depth: f64,
    levels: usize,
    /// Standard deviation of one-second moves of the mid, in basis points.
    volatility_bps: f64,
    liquidations: usize,
}

fn figures(listings: &[Listing], happenings: &[Happening], seconds: i64) -> Vec<Figures> {
    let mut all: Vec<Figures> = listings.iter().map(|_| Figures::default()).collect();
    let mut changes = vec![0u32; listings.len()];
    let mut depths: Vec<Vec<f64>> = vec![Vec::new(); listings.len()];
    let mut mids: Vec<Vec<f64>> = vec![Vec::new(); listings.len()];
    let mut orders: Vec<u64> = vec![0; listings.len()];
    let books = replay(happenings, listings.len(), |h, book, after| {
        let (f, listing) = (&mut all[h.listing], &listings[h.listing]);
        match &h.what {
            What::Level(..) if after => {
                changes[h.listing] += 1;
                let ticks = (book.ask() - book.bid()) / listing.tick;
                f.spread_ticks += ticks as f64;
                f.tight += f64::from(u8::from(ticks == 1));
                let mid = (book.ask() + book.bid()) as f64 / 2.0;
                let second = h.at.since(START) / NANOS_PER_SECOND;
                if mids[h.listing].len() as i64 <= second {
                    mids[h.listing].push(mid);
                    let reach = (mid * 5e-4) as i64;
                    let bids = book.0[0].range(mid as i64 - reach..);
                    let asks = book.0[1].range(..=mid as i64 + reach);
                    depths[h.listing].push(bids.chain(asks).map(|(p, s)| listing.worth(*s, *p as f64)).sum());
                }
            }
            What::Trade { taker_order, .. } if after => {
                f.trades_per_second += 1.0 / seconds as f64;
                f.takers_per_second += f64::from(u8::from(orders[h.listing] != *taker_order)) / seconds as f64;
                orders[h.listing] = *taker_order;
            }
            What::Liquidation { .. } if after => f.liquidations += 1,
            _ => {}
        }
    });
    for (i, f) in all.iter_mut().enumerate() {
        f.changes_per_second = f64::from(changes[i]) / seconds as f64;
        f.spread_ticks /= f64::from(changes[i]);
        f.tight /= f64::from(changes[i]);
        depths[i].sort_by(f64::total_cmp);
        f.depth = depths[i][depths[i].len() / 2];
        f.levels = books[i].0[0].len().min(books[i].0[1].len());
        let moves = mids[i].windows(2).map(|w| 1e4 * (w[1] / w[0] - 1.0));
        f.volatility_bps = (moves.map(|m| m * m).sum::<f64>() / mids[i].len() as f64).sqrt();
    }
    all
}

#[test]
fn rates_spreads_and_depth_in_calm_are_those_of_a_liquid_market() {
    let listings = demo_listings();
    let happenings = demo(2, Regime::Calm, 120).1;
    for (listing, f) in listings.iter().zip(figures(&listings, &happenings, 120)) {
        let id = listing.instrument.id();
        println!("{id} {f:.2?}");
        let asked = listing.habits.changes_per_second;
        assert!((f.changes_per_second / asked - 1.0).abs() < 0.35, "{id} {f:?}");
        assert!((1.0..40.0).contains(&f.trades_per_second), "{id} {f:?}");
        assert!(f.tight > 0.6, "{id} {f:?}");
        assert!(f.levels > 400, "{id} {f:?}");
        assert!((0.1..1.0).contains(&f.volatility_bps), "{id} {f:?}");
    }
}

#[test]
fn regimes_are_what_their_names_say() {
    let listings = demo_listings();
    let [calm, busy, stressed] = [Regime::Calm, Regime::Busy, Regime::Stressed].map(|regime| {
        let (simulation, happenings) = demo(4, regime, 60);
        assert_eq!(simulation.regime(), regime);
        figures(&listings, &happenings, 60)
    });
    for (i, listing) in listings.iter().enumerate() {
        let (calm, busy, stressed) = (&calm[i], &busy[i], &stressed[i]);
        println!("{}\n  {calm:.2?}\n  {busy:.2?}\n  {stressed:.2?}", listing.instrument.id());
        assert!(calm.spread_ticks < stressed.spread_ticks / 1.5 && busy.spread_ticks < stressed.spread_ticks);
        assert!(calm.depth > stressed.depth * 2.0 && busy.depth > stressed.depth * 1.2);
        assert!(
            calm.changes_per_second < busy.changes_per_second && busy.changes_per_second < stressed.changes_per_second
        );
        assert!(calm.volatility_bps < busy.volatility_bps && busy.volatility_bps < stressed.volatility_bps);
    }
    let depth = |all: &[Figures]| all.iter().map(|f| f.depth).sum::<f64>();
    assert!(depth(&calm) > depth(&busy));
    let forced = |all: &[Figures]| all.iter().map(|f| f.liquidations).sum::<usize>();
    assert!(forced(&stressed) > 5 && forced(&stressed) > 3 * forced(&calm), "{} {}", forced(&stressed), forced(&calm));
}

#[test]
fn perpetuals_stay_near_the_index_and_tell_what_perpetuals_tell() {
    let (simulation, happenings) = demo(6, Regime::Cycle, 300);
    let kinds: Vec<Kind> = simulation.listings().iter().map(|l| l.kind).collect();
    let (mut index, mut told) = (vec![0.0; 9], vec![[0; 4]; 9]);
    for h in &happenings {
        match h.what {
            What::Index(price) => {
                index[h.listing] = price.to_f64();
                told[h.listing][0] += 1;
            }
            What::Mark(price) => {
                let bps = 1e4 * (price.to_f64() / index[h.listing] - 1.0);
                assert!(bps.abs() < 20.0, "mark is {bps} basis points from the index");
                told[h.listing][1] += 1;
            }
            What::Funding { rate, next } => {
                assert!(rate.to_f64().abs() <= 0.003 && next > h.at && next.0 % (8 * 3600 * NANOS_PER_SECOND) == 0);
                told[h.listing][2] += 1;
            }
            What::OpenInterest(open) => {
                assert!(open.to_f64() > 0.0);
                told[h.listing][3] += 1;
            }
            _ => {}
        }
    }
    for (kind, [index, mark, funding, open]) in kinds.iter().zip(told) {
        match kind {
            Kind::Spot => assert_eq!([index, mark, funding, open], [0; 4]),
            _ => assert!(
                index == 301 && mark == 301 && (25..40).contains(&funding) && open > 60,
                "{index} {mark} {funding} {open}"
            ),
        }
    }
    for i in 0..9 {
        let scale = simulation.listings()[i].scale;
        let mid = |i: usize| simulation.markets[i].mid() / POW10[scale.price as usize] as f64;
        if kinds[i] != Kind::Spot {
            let bps = 1e4 * (mid(i) / index[i] - 1.0);
            assert!(bps.abs() < 25.0, "listing {i} is {bps} basis points from its index");
        }
    }
}

#[test]
fn depth_is_humped_and_sizes_are_heavy_tailed() {
    let btc = &demo_listings()[0];
    // Worth per basis point behind the touch, at growing distance, over several markets: one large order is not a shape.
    let mut bands = [0.0; 4];
    let mut sizes: Vec<i64> = Vec::new();
    for seed in 0..40 {
        let simulation = simulation(seed, vec![btc.clone()], Regime::Calm);
        let book = simulation.book(0).unwrap();
        for side in [Side::Bid, Side::Ask] {
            let best = book.best(side).unwrap().0 as f64;
            for level in book.levels(side) {
                let bps = 1e4 * (level.price.0 as f64 / best - 1.0).abs();
                for (band, (from, to)) in bands.iter_mut().zip([(1.0, 2.0), (4.0, 8.0), (20.0, 40.0), (80.0, 200.0)]) {
                    *band += if (from..to).contains(&bps) { btc.worth(level.size.0, best) / (to - from) } else { 0.0 };
                }
                sizes.push(level.size.0);
            }
        }
    }
    // Behind the makers at the touch there is a trough, then the hump, then a long slope.
    assert!(bands[0] < bands[1] && bands[1] > bands[2] && bands[2] > bands[3], "{bands:?}");
    sizes.sort_unstable();
    let (median, high) = (sizes[sizes.len() / 2], sizes[sizes.len() * 999 / 1000]);
    assert!(high > 30 * median, "{median} {high}");
}

#[test]
fn the_rate_scales_how_much_happens() {
    let count = |rate| {
        let listings = many_listings(20);
        let mut simulation = Simulation::new(Options { seed: 1, start: START, listings, regime: Regime::Calm, rate });
        let happenings = run(&mut simulation, 60);
        happenings.iter().filter(|h| matches!(h.what, What::Level(..))).count() as f64 / 60.0 / 20.0
    };
    let (one, three) = (count(1.0), count(3.0));
    assert!((one / MANY_CHANGES_PER_SECOND - 1.0).abs() < 0.3, "{one}");
    assert!((2.2..3.5).contains(&(three / one)), "{one} {three}");
}

#[test]
fn light_books_do_not_run_dry_in_long_stress() {
    let mut simulation = simulation(11, many_listings(20), Regime::Stressed);
    for second in 1..=600 {
        run(&mut simulation, second);
        for (i, market) in simulation.markets.iter().enumerate() {
            let levels = [Side::Bid, Side::Ask].map(|side| market.book.level_count(side));
            assert!(levels.into_iter().all(|n| n >= 8), "listing {i} has {levels:?} levels after {second} s");
        }
    }
}

#[test]
fn a_simulation_of_nothing_is_quiet() {
    let mut nothing = simulation(1, Vec::new(), Regime::Cycle);
    assert_eq!(run(&mut nothing, 10), []);
}

/// Far slower than release, and shared with others: only a gross loss of speed shows here.
#[test]
fn a_minute_of_the_demo_takes_no_more_than_ten_seconds() {
    let began = std::time::Instant::now();
    let happenings = demo(1, Regime::Calm, 60).1;
    println!("{} happenings in {:?}", happenings.len(), began.elapsed());
    assert!(began.elapsed().as_secs() < 10);
}

/// Figures in release: `cargo test --release -p fathometer-venue speed -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn speed() {
    for (name, listings, seconds) in [("demo", demo_listings(), 600), ("a thousand", many_listings(1_000), 30)] {
        for regime in [Regime::Calm, Regime::Stressed] {
            let began = std::time::Instant::now();
            let mut simulation = simulation(1, listings.clone(), regime);
            let opened = began.elapsed();
            let (began, mut count, mut out) = (std::time::Instant::now(), 0, Vec::new());
            for tick in 1..=seconds * 100 {
                simulation.advance(START.plus(tick * 10 * NANOS_PER_MILLI), &mut out);
                count += out.len();
                out.clear();
            }
            let share = began.elapsed().as_secs_f64() / seconds as f64;
            let rate = count as f64 / seconds as f64;
            println!(
                "{name} {regime:?}: opened in {opened:?}, {rate:.0} happenings/s, {:.2} % of a core",
                100.0 * share
            );
        }
    }
}

#[test]
fn inverse_contracts_count_their_worth_in_quote_currency() {
    let listings = demo_listings();
    let coinm = listings.iter().find(|l| l.instrument.venue == Venue::BinanceCoinm).unwrap();
    assert!(matches!(coinm.instrument.contract, Contract::Inverse(_)));
    assert_eq!(coinm.worth(5, 640_000.0), 500.0);
    assert_eq!(coinm.size_of_worth(500.0, 640_000.0), 5.0);
}
