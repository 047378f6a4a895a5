//! Optimal execution under linear impact (Almgren and Chriss 2000, "Optimal execution of portfolio transactions", J. Risk 3).
//!
//! An order of X is worked off in N equal steps of tau = T / N. The price moves as a random walk of sigma per sqrt(time);
//! trading at a rate v moves it for good by gamma v, and costs epsilon + eta v more than it stands. The schedule minimises
//! expected cost + lambda variance. Units are the caller's, consistently: prices, amounts, times.

use super::Refusal;
use super::parameter::{not_negative, positive, slices};

/// Below this kappa T the schedule is a straight line to the last digit: it differs by (kappa T)^2 / 6.
const STRAIGHT: f64 = 1e-9;
/// kappa T at the ends of a frontier: nearly a straight line, and (a slice, not the horizon) nearly all at once.
const FRONTIER_SLOW: f64 = 0.1;
const FRONTIER_FAST: f64 = 12.0;

/// An order, and the market it meets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Params {
    /// X, amount to be bought or sold; above 0.
    pub quantity: f64,
    /// T, time to do it in; above 0.
    pub horizon: f64,
    /// N, number of orders it is cut into.
    pub slices: u32,
    /// Price per sqrt(time).
    pub sigma: f64,
    /// Half the spread and the fee, price per amount.
    pub epsilon: f64,
    /// Permanent impact: price per amount.
    pub gamma: f64,
    /// Temporary impact: price per rate (amount per time).
    pub eta: f64,
}

/// The model of one order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AlmgrenChriss {
    params: Params,
    tau: f64,
    /// eta - gamma tau / 2.
    eta_tilde: f64,
}

/// How an order is cut, and what that comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// What is left at each t_j = j tau, from X down to 0: slices + 1 amounts.
    pub trajectory: Vec<f64>,
    /// What is traded in each slice.
    pub trades: Vec<f64>,
    /// E and V.
    pub cost: Cost,
    /// Urgency, 1 / time; 0 for a straight line.
    pub kappa: f64,
    /// Time in which what is left falls to 1/e, 1 / kappa; none for a straight line.
    pub half_life: Option<f64>,
}

/// What a way of trading is expected to cost, in money (price times amount), and how surely.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// All of it.
    pub expected: f64,
    /// Of which permanent impact: gamma X^2 / 2.
    pub permanent: f64,
    /// Of which spread and fees: epsilon |X|.
    pub fixed: f64,
    /// Of which temporary impact.
    pub temporary: f64,
    /// Variance, money^2.
    pub variance: f64,
}

/// A point of the efficient frontier.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// lambda.
    pub risk_aversion: f64,
    /// E and V of the best schedule at this lambda.
    pub cost: Cost,
    /// Its kappa.
    pub kappa: f64,
}

impl AlmgrenChriss {
    /// Checks the parameters.
    ///
    /// # Errors
    /// One of them makes no sense (by its name), or there would be no temporary impact left.
    pub fn new(params: Params) -> Result<Self, Refusal> {
        let params = Params {
            quantity: positive("quantity", params.quantity)?,
            horizon: positive("horizon", params.horizon)?,
            slices: slices(params.slices)?,
            sigma: not_negative("sigma", params.sigma)?,
            epsilon: not_negative("epsilon", params.epsilon)?,
            gamma: not_negative("gamma", params.gamma)?,
            eta: positive("eta", params.eta)?,
        };
        let tau = params.horizon / f64::from(params.slices);
        let eta_tilde = params.eta - params.gamma * tau / 2.0;
        // What is left of a difference of nearly equal numbers is rounding, not impact.
        match eta_tilde > params.eta * 1e-12 {
            true => Ok(AlmgrenChriss { params, tau, eta_tilde }),
            false => Err(Refusal::NoTemporaryImpact(eta_tilde)),
        }
    }

    /// The best schedule at a risk aversion lambda (1 / money); 0 asks for the least expected cost.
    ///
    /// # Errors
    /// lambda is negative or no number.
    pub fn schedule(&self, risk_aversion: f64) -> Result<Schedule, Refusal> {
        let urgency = self.urgency(not_negative("risk-aversion", risk_aversion)?);
        let trades = self.trades(urgency);
        let trajectory = self.trajectory(urgency);
        let kappa = urgency / self.tau;
        let cost = self.cost(&trades, &trajectory);
        Ok(Schedule { trajectory, trades, cost, kappa, half_life: (kappa > 0.0).then(|| 1.0 / kappa) })
    }

    /// What trading that much in each slice would come to: any signs, any sum.
    ///
    /// # Errors
    /// There are not as many trades as slices.
    pub fn cost_of(&self, trades: &[f64]) -> Result<Cost, Refusal> {
        let wanted = self.params.slices as usize;
        if trades.len() != wanted {
            return Err(Refusal::Trades { given: trades.len(), wanted });
        }
        let mut left = trades.iter().sum::<f64>();
        let mut trajectory = vec![left];
        trajectory.extend(trades.iter().map(|n| {
            left -= n;
            left
        }));
        Ok(self.cost(trades, &trajectory))
    }

    /// Best schedules from the straight line (lambda = 0) to nearly all at once: at most so many points, by rising lambda.
    pub fn frontier(&self, points: usize) -> Vec<Point> {
        let (slices, sigma) = (f64::from(self.params.slices), self.params.sigma);
        // With one slice there is no choice, without risk no trade-off.
        let faster = if self.params.slices > 1 && sigma > 0.0 { points.saturating_sub(1) } else { 0 };
        let (slow, fast) = (FRONTIER_SLOW / slices, FRONTIER_FAST);
        let step = (fast / slow).powf(1.0 / faster.saturating_sub(1).max(1) as f64);
        let urgencies = std::iter::once(0.0).chain((0..faster).map(|i| slow * step.powi(i as i32)));
        urgencies
            .map(|urgency| {
                let root = 2.0 * (urgency / 2.0).sinh() / self.tau;
                let risk_aversion = if urgency > 0.0 { root * root * self.eta_tilde / (sigma * sigma) } else { 0.0 };
                let cost = self.cost(&self.trades(urgency), &self.trajectory(urgency));
                Point { risk_aversion, cost, kappa: urgency / self.tau }
            })
            .collect()
    }

    /// kappa tau: arcosh(1 + y / 2) = 2 arsinh(sqrt(y) / 2), which keeps its digits where y is small.
    fn urgency(&self, risk_aversion: f64) -> f64 {
        let y = risk_aversion / self.eta_tilde * (self.params.sigma * self.tau).powi(2);
        2.0 * (y.sqrt() / 2.0).asinh()
    }

    /// x_j = X sinh(k (N - j)) / sinh(k N), written with falling exponentials only, so that nothing overflows.
    fn trajectory(&self, k: f64) -> Vec<f64> {
        let (x, n) = (self.params.quantity, f64::from(self.params.slices));
        let left = |j: f64| match k * n < STRAIGHT {
            true => x * ((n - j) / n),
            false => x * (-j * k).exp() * ((-2.0 * k * (n - j)).exp_m1() / (-2.0 * k * n).exp_m1()),
        };
        (0..=self.params.slices).map(|j| left(j.into())).collect()
    }

    /// n_j = 2 sinh(k / 2) cosh(k (N - j + 1/2)) / sinh(k N) X, likewise.
    fn trades(&self, k: f64) -> Vec<f64> {
        let (x, n) = (self.params.quantity, f64::from(self.params.slices));
        let traded = |j: f64| match k * n < STRAIGHT {
            true => x / n,
            false => {
                let falling = (-(j - 1.0) * k).exp() * (1.0 + (-2.0 * k * (n - j + 0.5)).exp());
                x * falling * ((-k).exp_m1() / (-2.0 * k * n).exp_m1())
            }
        };
        (1..=self.params.slices).map(|j| traded(j.into())).collect()
    }

    /// E = gamma X^2 / 2 + epsilon sum |n| + (eta~ / tau) sum n^2, V = sigma^2 tau sum x^2. Sums of squares, where the
    /// closed forms subtract nearly equal numbers for a small kappa.
    fn cost(&self, trades: &[f64], trajectory: &[f64]) -> Cost {
        let Params { epsilon, gamma, sigma, .. } = self.params;
        let squares = |list: &[f64]| list.iter().map(|x| x * x).sum::<f64>();
        let whole = trajectory.first().copied().unwrap_or_default();
        let permanent = gamma * whole * whole / 2.0;
        let fixed = epsilon * trades.iter().map(|n| n.abs()).sum::<f64>();
        let temporary = self.eta_tilde / self.tau * squares(trades);
        let variance = sigma * sigma * self.tau * squares(trajectory.get(1..).unwrap_or_default());
        Cost { expected: permanent + fixed + temporary, permanent, fixed, temporary, variance }
    }
}

#[cfg(test)]
mod tests;
