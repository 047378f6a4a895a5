//! The paper's example, its closed forms, and what must hold for every order.

use super::*;
use crate::cost::parameter::HOSTILE;
use proptest::prelude::*;

/// The example of Almgren and Chriss 2000, section 3.4.
const PAPER: Params =
    Params { quantity: 1e6, horizon: 5.0, slices: 5, sigma: 0.95, epsilon: 0.0625, gamma: 2.5e-7, eta: 2.5e-6 };

fn schedule(params: Params, lambda: f64) -> Schedule {
    AlmgrenChriss::new(params).unwrap().schedule(lambda).unwrap()
}

fn close(got: f64, expected: f64, digit: f64) {
    assert!((got - expected).abs() <= 0.5001 * digit, "{got} instead of {expected}");
}

type Field = fn(&mut Params) -> &mut f64;

#[test]
fn golden_numbers() {
    let averse = [541_955.554, 289_854.219, 147_897.488, 62_141.802];
    let more = [428_598.846, 182_932.814, 76_295.722, 27_643.377];
    for (lambda, kappa, left, expected, variance) in [
        (1e-6, 0.607_076_163_2, averse, 911_226.986_30, 364_128_572_058.0),
        (2e-6, 0.846_297_134_5, more, 1_140_715.167_05, 201_931_287_151.0),
    ] {
        let got = schedule(PAPER, lambda);
        close(got.kappa, kappa, 1e-10);
        close(got.half_life.unwrap(), 1.0 / kappa, 1e-8);
        assert_eq!((got.trajectory[0], got.trajectory[5]), (1e6, 0.0));
        left.iter().zip(&got.trajectory[1..]).for_each(|(expected, got)| close(*got, *expected, 1e-3));
        close(got.cost.expected, expected, 1e-5);
        close(got.cost.variance, variance, 1.0);
    }
    close(schedule(PAPER, 1e-6).cost.variance.sqrt(), 603_430.669, 1e-3);
    let straight = schedule(PAPER, 0.0);
    close(straight.cost.expected, 662_500.0, 1e-6);
    close(straight.cost.variance, 1.083e12, 1e-2);
    assert_eq!((straight.kappa, straight.half_life), (0.0, None));
    close(schedule(Params { slices: 1, horizon: 1.0, ..PAPER }, 1e-6).cost.expected, 2_562_500.0, 1e-6);
}

#[test]
fn the_parts_add_up() {
    let cost = schedule(PAPER, 1e-6).cost;
    close(cost.permanent, 125_000.0, 1e-9);
    close(cost.fixed, 62_500.0, 1e-9);
    close(cost.temporary, 911_226.986_30 - 187_500.0, 1e-5);
}

/// E and V as the paper prints them.
fn closed_forms(p: Params, kappa: f64) -> (f64, f64) {
    let (x, t, n) = (p.quantity, p.horizon, f64::from(p.slices));
    let tau = t / n;
    let eta_tilde = p.eta - p.gamma * tau / 2.0;
    let (step, all) = (kappa * tau, kappa * t);
    let temporary = eta_tilde * x * x * (step / 2.0).tanh() * (tau * (2.0 * all).sinh() + 2.0 * t * step.sinh())
        / (2.0 * tau * tau * all.sinh().powi(2));
    let variance = p.sigma * p.sigma * x * x / 2.0 * (tau * all.sinh() * (all - step).cosh() - t * step.sinh())
        / (all.sinh().powi(2) * step.sinh());
    (p.gamma * x * x / 2.0 + p.epsilon * x + temporary, variance)
}

#[test]
fn limits() {
    let params = Params { slices: 40, ..PAPER };
    // lambda -> 0 tends to the straight line, and the straight line is what the formulas of lambda = 0 say.
    let straight = schedule(params, 0.0);
    let n = 40.0;
    let eta_tilde = 2.5e-6 - 2.5e-7 * 0.125 / 2.0;
    close(straight.cost.expected, 125_000.0 + 62_500.0 + eta_tilde * 1e12 / 5.0, 1e-6);
    let variance = 0.95f64.powi(2) * 1e12 * 5.0 / 3.0 * (1.0 - 1.0 / n) * (1.0 - 0.5 / n);
    close(straight.cost.variance / variance, 1.0, 1e-12);
    for (lambda, tolerance) in [(1e-30, 1e-12), (1e-20, 1e-12), (1e-15, 1e-6), (1e-10, 1e-2)] {
        let near = schedule(params, lambda);
        for (got, line) in near.trajectory.iter().zip(&straight.trajectory) {
            assert!((got - line).abs() <= tolerance * 1e6, "lambda {lambda}: {got} instead of {line}");
        }
    }
    // lambda -> infinity is one trade, at epsilon X + eta X^2 / tau and no variance.
    let at_once = schedule(params, 1e30);
    assert_eq!((at_once.trades[0], at_once.trajectory[1] < 1e-9, at_once.cost.variance < 1e-9), (1e6, true, true));
    close(at_once.cost.expected, 62_500.0 + 2.5e-6 * 1e12 / 0.125, 1e-3);
}

#[test]
fn hostile_parameters_are_refused_by_name() {
    let name = |refusal: Refusal| if let Refusal::Parameter { name, .. } = refusal { name } else { "other" };
    let set: [(&str, Field); 6] = [
        ("quantity", |p| &mut p.quantity),
        ("horizon", |p| &mut p.horizon),
        ("sigma", |p| &mut p.sigma),
        ("epsilon", |p| &mut p.epsilon),
        ("gamma", |p| &mut p.gamma),
        ("eta", |p| &mut p.eta),
    ];
    for (field, set) in set {
        for bad in HOSTILE {
            let mut params = PAPER;
            *set(&mut params) = bad;
            assert_eq!(AlmgrenChriss::new(params).map_err(name), Err(field), "{bad}");
        }
        let mut params = PAPER;
        *set(&mut params) = 0.0;
        let zero = AlmgrenChriss::new(params).map_err(name);
        assert_eq!(zero.err(), ["quantity", "horizon", "eta"].contains(&field).then_some(field));
    }
    for slices in [0, u32::MAX] {
        assert_eq!(AlmgrenChriss::new(Params { slices, ..PAPER }).map_err(name), Err("slices"));
    }
    for bad in HOSTILE {
        assert_eq!(AlmgrenChriss::new(PAPER).unwrap().schedule(bad).map_err(name).err(), Some("risk-aversion"));
    }
    let none = Params { gamma: 5e-6, ..PAPER };
    let refusal = AlmgrenChriss::new(none).unwrap_err();
    assert_eq!(refusal, Refusal::NoTemporaryImpact(0.0));
    assert!(refusal.to_string().contains("raise eta, lower gamma"), "{refusal}");
    let trades = AlmgrenChriss::new(PAPER).unwrap().cost_of(&[1.0]);
    assert_eq!(trades, Err(Refusal::Trades { given: 1, wanted: 5 }));
}

#[test]
fn the_frontier_needs_a_choice() {
    let points = |params| AlmgrenChriss::new(params).unwrap().frontier(20).len();
    assert_eq!(
        (points(PAPER), points(Params { slices: 1, ..PAPER }), points(Params { sigma: 0.0, ..PAPER })),
        (20, 1, 1)
    );
}

fn orders() -> impl Strategy<Value = (Params, f64)> {
    let magnitude = |low: f64, high: f64| (low..high).prop_map(|power: f64| 10f64.powf(power));
    let market = (magnitude(-3.0, 3.0), magnitude(-6.0, 1.0), 0.0..1.9f64, magnitude(-9.0, 0.0));
    (magnitude(-2.0, 8.0), magnitude(-3.0, 6.0), 1..200u32, market, magnitude(-20.0, 10.0)).prop_map(
        |(quantity, horizon, slices, (sigma, epsilon, share, eta), lambda)| {
            let gamma = share * eta * f64::from(slices) / horizon; // eta~ above a twentieth of eta
            (Params { quantity, horizon, slices, sigma, epsilon, gamma, eta }, lambda)
        },
    )
}

proptest! {
    #[test]
    fn every_schedule_is_whole_and_finite((params, lambda) in orders()) {
        let got = schedule(params, lambda);
        let sum: f64 = got.trades.iter().sum();
        prop_assert!((sum / params.quantity - 1.0).abs() < 1e-10, "{sum}");
        prop_assert_eq!(got.trajectory.len(), params.slices as usize + 1);
        prop_assert!(got.trajectory.is_sorted_by(|a, b| a >= b) && *got.trajectory.last().unwrap() == 0.0);
        prop_assert!(got.cost.expected.is_finite() && got.cost.variance.is_finite() && got.cost.variance >= 0.0);
        // Where the printed closed forms neither overflow nor cancel, they say the same.
        let all = got.kappa * params.horizon;
        if all < 300.0 && all > 1e-2 {
            let (expected, variance) = closed_forms(params, got.kappa);
            prop_assert!((got.cost.expected / expected - 1.0).abs() < 1e-9);
            prop_assert!(params.slices == 1 || variance < 1e-9 * got.cost.variance.max(f64::MIN_POSITIVE)
                || (got.cost.variance / variance - 1.0).abs() < 1e-6, "{} {variance}", got.cost.variance);
        }
    }

    #[test]
    fn no_other_schedule_is_better((params, lambda) in orders(), shift in proptest::collection::vec(-1.0..1.0f64, 200), scale in 1e-4..1.0f64) {
        let model = AlmgrenChriss::new(params).unwrap();
        let best = model.schedule(lambda).unwrap();
        let mean = shift[..best.trades.len()].iter().sum::<f64>() / best.trades.len() as f64;
        let move_of = |by: f64| (by - mean) * scale * params.quantity / best.trades.len() as f64;
        let other: Vec<f64> = best.trades.iter().zip(&shift).map(|(n, by)| n + move_of(*by)).collect();
        let other = model.cost_of(&other).unwrap();
        let utility = |cost: Cost| cost.expected + lambda * cost.variance;
        prop_assert!(utility(other) >= utility(best.cost) * (1.0 - 1e-9), "{} {}", utility(other), utility(best.cost));
    }

    #[test]
    fn the_frontier_is_convex_and_falls((params, _) in orders()) {
        let points = AlmgrenChriss::new(params).unwrap().frontier(12);
        let slope = |pair: &[Point]| (pair[1].cost.expected - pair[0].cost.expected) / (pair[1].cost.variance - pair[0].cost.variance);
        let scale = points[0].cost.expected;
        for pair in points.windows(2) {
            prop_assert!(pair[1].cost.variance < pair[0].cost.variance);
            prop_assert!(pair[1].cost.expected >= pair[0].cost.expected - 1e-12 * scale);
            prop_assert!(pair[1].risk_aversion > pair[0].risk_aversion);
        }
        for three in points.windows(3) {
            // E falls in V ever less steeply: its slope is -lambda, which rises along the list.
            let (before, after) = (slope(&three[..2]), slope(&three[1..]));
            let rounding = 1e-12 * scale / (three[1].cost.variance - three[2].cost.variance).abs();
            prop_assert!(after <= before + rounding, "{before} {after}");
            prop_assert!(-after >= three[1].risk_aversion - rounding && -before <= three[1].risk_aversion + rounding);
        }
    }

    #[test]
    fn more_costs_more((params, lambda) in orders(), more in 1.001..10.0f64) {
        let larger = Params { quantity: params.quantity * more, ..params };
        let (small, large) = (schedule(params, lambda).cost, schedule(larger, lambda).cost);
        prop_assert!(large.expected / larger.quantity >= small.expected / params.quantity * (1.0 - 1e-12));
        prop_assert!(large.expected > small.expected && large.variance >= small.variance);
    }

    #[test]
    fn nothing_is_earned_by_going_round((params, _) in orders(), trades in proptest::collection::vec(-1.0..1.0f64, 200)) {
        let count = params.slices as usize;
        let mean = trades[..count].iter().sum::<f64>() / count as f64;
        let round: Vec<f64> = trades[..count].iter().map(|n| (n - mean) * params.quantity).collect();
        let cost = AlmgrenChriss::new(params).unwrap().cost_of(&round).unwrap();
        prop_assert!(cost.expected >= 0.0, "{cost:?}");
    }
}
