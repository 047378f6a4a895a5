//! The closed forms, and what must hold for every order.

use super::*;
use crate::cost::parameter::HOSTILE;
use proptest::prelude::*;

/// One unit into a book of depth 1 that refills with rho = 2.2.
const UNIT: Params = Params {
    quantity: 1.0,
    horizon: 1.0,
    slices: 200,
    sigma: 0.0,
    epsilon: 0.0,
    gamma: 0.0,
    depth: 1.0,
    resilience: 2.2,
};

fn schedule(params: Params, lambda: f64) -> Schedule {
    ObizhaevaWang::new(params).unwrap().schedule(lambda).unwrap()
}

type Set = fn(&mut Params, f64);

#[test]
fn golden_numbers() {
    let model = ObizhaevaWang::new(UNIT).unwrap();
    assert_eq!(format!("{:.4}", model.continuous_cost()), "0.2381");
    let many = schedule(UNIT, 0.0);
    assert_eq!(format!("{:.4}", many.cost.expected), "0.2381");
    assert!(many.cost.expected > model.continuous_cost());
    // The inner 199 points of a grid of 200 steps only, so without its ends: 0.2394.
    let inner = Params { slices: 199, horizon: 0.99, ..UNIT };
    assert_eq!(format!("{:.4}", schedule(inner, 0.0).cost.expected), "0.2394");
    // At once: X^2 / 2 q.
    assert_eq!(schedule(Params { slices: 1, ..UNIT }, 0.0).cost.expected, 0.5);
    // Blocks at both ends, X / (rho T + 2) each, and the same everywhere between.
    let fine = schedule(Params { slices: 100_000, ..UNIT }, 0.0);
    assert!((fine.trades[0] - 1.0 / 4.2).abs() < 1e-5 && (fine.trades[99_999] - 1.0 / 4.2).abs() < 1e-5);
    assert!((fine.trades[1..99_999].iter().sum::<f64>() - 2.2 / 4.2).abs() < 1e-5);
    assert!((fine.cost.expected - 1.0 / 4.2).abs() < 1e-9);
}

#[test]
fn three_trades_by_hand() {
    // Decay 1/2 between trades: weights 1, 1/2, 1 over 5/2. Cost with X = 5, q = 10: trades 2, 1, 2;
    // 2 * 0.1 + 1 * (0.1 + 0.05) + 2 * (0.1 + 0.1) / 1 ... each pays what it finds and half of its own.
    let params = Params { quantity: 5.0, horizon: 2.0, slices: 3, depth: 10.0, resilience: 2f64.ln(), ..UNIT };
    let got = schedule(Params { sigma: 2.0, epsilon: 0.25, gamma: 0.1, ..params }, 0.0);
    let near = |got: f64, expected: f64| assert!((got - expected).abs() < 1e-12, "{got} instead of {expected}");
    [2.0, 1.0, 2.0].iter().zip(&got.trades).for_each(|(expected, got)| near(*got, *expected));
    [5.0, 3.0, 2.0, 0.0].iter().zip(&got.trajectory).for_each(|(expected, got)| near(*got, *expected));
    assert_eq!(got.times, [0.0, 1.0, 2.0]);
    // Displaced 0, then 0.2 / 2 = 0.1, then (0.1 + 0.1) / 2 = 0.1.
    near(got.cost.transient, 2.0 * 0.1 + (0.1 + 0.05) + 2.0 * (0.1 + 0.1));
    near(got.cost.permanent, 0.1 * 25.0 / 2.0);
    near(got.cost.fixed, 1.25);
    near(got.cost.variance, 4.0 * (9.0 + 4.0));
}

#[test]
fn limits() {
    let params = Params { sigma: 1.0, slices: 30, ..UNIT };
    let (neutral, nearly) = (schedule(params, 0.0), schedule(params, 1e-20));
    for (a, b) in neutral.trades.iter().zip(&nearly.trades) {
        assert!((a - b).abs() < 1e-9, "{a} {b}");
    }
    let at_once = schedule(params, 1e20);
    assert!((at_once.trades[0] - 1.0).abs() < 1e-12 && at_once.cost.variance < 1e-12);
    assert!((at_once.cost.expected - 0.5).abs() < 1e-9);
    // A book that never refills is walked once, however slowly; one that does at once is hit by equal trades.
    let slow = schedule(Params { resilience: 1e-30, ..params }, 0.0);
    assert!((slow.cost.expected - 0.5).abs() < 1e-12);
    let quick = schedule(Params { resilience: 1e30, ..params }, 0.0);
    assert!(quick.trades.iter().all(|n| (n - 1.0 / 30.0).abs() < 1e-15));
    assert!((quick.cost.expected - 0.5 / 30.0).abs() < 1e-12);
}

#[test]
fn hostile_parameters_are_refused_by_name() {
    let set: [(&str, Set); 7] = [
        ("quantity", |p, bad| p.quantity = bad),
        ("horizon", |p, bad| p.horizon = bad),
        ("sigma", |p, bad| p.sigma = bad),
        ("epsilon", |p, bad| p.epsilon = bad),
        ("gamma", |p, bad| p.gamma = bad),
        ("depth", |p, bad| p.depth = bad),
        ("resilience", |p, bad| p.resilience = bad),
    ];
    for (field, set) in set {
        let zero = ["quantity", "horizon", "depth", "resilience"].contains(&field).then_some(0.0);
        for bad in HOSTILE.into_iter().chain(zero) {
            let mut params = UNIT;
            set(&mut params, bad);
            let Err(Refusal::Parameter { name, .. }) = ObizhaevaWang::new(params) else { panic!("{field} {bad}") };
            assert_eq!(name, field);
        }
    }
    let model = ObizhaevaWang::new(UNIT).unwrap();
    assert!(HOSTILE.into_iter().all(|bad| model.schedule(bad).is_err()));
    assert!(ObizhaevaWang::new(Params { slices: 0, ..UNIT }).is_err());
    assert_eq!(model.cost_of(&[1.0]), Err(Refusal::Trades { given: 1, wanted: 200 }));
}

fn orders() -> impl Strategy<Value = (Params, f64)> {
    let magnitude = |low: f64, high: f64| (low..high).prop_map(|power: f64| 10f64.powf(power));
    let market = (magnitude(-3.0, 2.0), 0.0..1.0f64, 0.0..1.0f64, magnitude(-2.0, 6.0), magnitude(-4.0, 3.0));
    (magnitude(-2.0, 6.0), magnitude(-2.0, 4.0), 1..120u32, market, magnitude(-12.0, 4.0)).prop_map(
        |(quantity, horizon, slices, (sigma, epsilon, gamma, depth, resilience), lambda)| {
            (Params { quantity, horizon, slices, sigma, epsilon, gamma, depth, resilience }, lambda)
        },
    )
}

proptest! {
    #[test]
    fn no_other_schedule_is_better((params, lambda) in orders(), neutral in any::<bool>(), shift in proptest::collection::vec(-1.0..1.0f64, 120), scale in 1e-3..1.0f64) {
        let lambda = if neutral { 0.0 } else { lambda };
        let model = ObizhaevaWang::new(params).unwrap();
        let best = model.schedule(lambda).unwrap();
        let sum: f64 = best.trades.iter().sum();
        prop_assert!((sum / params.quantity - 1.0).abs() < 1e-9, "{sum}");
        prop_assert!(best.trades.iter().all(|n| *n >= -1e-9 * params.quantity));
        let mean = shift[..best.trades.len()].iter().sum::<f64>() / best.trades.len() as f64;
        let move_of = |by: f64| (by - mean) * scale * params.quantity / best.trades.len() as f64;
        let other: Vec<f64> = best.trades.iter().zip(&shift).map(|(n, by)| n + move_of(*by)).collect();
        let other = model.cost_of(&other).unwrap();
        let utility = |cost: Cost| cost.expected - cost.fixed + lambda * cost.variance; // signs differ: spread is apart
        prop_assert!(utility(other) >= utility(best.cost) * (1.0 - 1e-9), "{} {}", utility(other), utility(best.cost));
    }

    #[test]
    fn nothing_is_earned_by_going_round((params, _) in orders(), trades in proptest::collection::vec(-1.0..1.0f64, 120)) {
        let count = params.slices as usize;
        let mean = trades[..count].iter().sum::<f64>() / count as f64;
        let round: Vec<f64> = trades[..count].iter().map(|n| (n - mean) * params.quantity).collect();
        let cost = ObizhaevaWang::new(params).unwrap().cost_of(&round).unwrap();
        prop_assert!(cost.expected >= -1e-9 * params.quantity * params.quantity / params.depth, "{cost:?}");
    }

    #[test]
    fn more_costs_more_and_slices_help((params, lambda) in orders(), more in 1.001..10.0f64) {
        let larger = Params { quantity: params.quantity * more, ..params };
        prop_assert!(schedule(larger, lambda).cost.expected > schedule(params, lambda).cost.expected);
        // Twice as fine a grid holds every trade of the coarse one.
        let finer = Params { slices: 2 * params.slices - 1, ..params };
        prop_assert!(params.slices == 1 || schedule(finer, 0.0).cost.expected <= schedule(params, 0.0).cost.expected * (1.0 + 1e-12));
    }
}
