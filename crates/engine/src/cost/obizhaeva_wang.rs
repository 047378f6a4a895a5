//! Optimal execution against a book that refills (Obizhaeva and Wang 2013, "Optimal trading strategy and supply/demand
//! dynamics", J. Financial Markets 16).
//!
//! The book has q of depth per price; what is eaten displaces the price by x / q, and the displacement decays as
//! e^(-rho t). Trades stand at equal distances from 0 to T, the first and the last at the very ends. Without risk aversion
//! the best ones are known in closed form; with it they follow from the last backwards, the cost to go being a quadratic
//! form of what is left and of the displacement.

use super::Refusal;
use super::parameter::{not_negative, positive, slices};

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
    /// q: amount per price.
    pub depth: f64,
    /// rho: 1 / time.
    pub resilience: f64,
}

/// The model of one order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ObizhaevaWang {
    params: Params,
    /// Time between two trades; none with one.
    step: f64,
    /// What is left of a displacement at the next trade.
    decay: f64,
}

/// How an order is cut, and what that comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// What is left before each trade, from X down, and after the last, 0: slices + 1 amounts.
    pub trajectory: Vec<f64>,
    /// The trades.
    pub trades: Vec<f64>,
    /// When each stands, from 0 to T.
    pub times: Vec<f64>,
    /// E and V.
    pub cost: Cost,
}

/// What a way of trading is expected to cost, in money (price times amount), and how surely.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// All of it.
    pub expected: f64,
    /// Of which permanent impact: gamma X^2 / 2.
    pub permanent: f64,
    /// Of which spread and fees.
    pub fixed: f64,
    /// Of which the displacement that decays.
    pub transient: f64,
    /// Variance, money^2.
    pub variance: f64,
}

impl ObizhaevaWang {
    /// Checks the parameters.
    ///
    /// # Errors
    /// One of them makes no sense, by its name.
    pub fn new(params: Params) -> Result<Self, Refusal> {
        let params = Params {
            quantity: positive("quantity", params.quantity)?,
            horizon: positive("horizon", params.horizon)?,
            slices: slices(params.slices)?,
            sigma: not_negative("sigma", params.sigma)?,
            epsilon: not_negative("epsilon", params.epsilon)?,
            gamma: not_negative("gamma", params.gamma)?,
            depth: positive("depth", params.depth)?,
            resilience: positive("resilience", params.resilience)?,
        };
        let step = params.horizon / f64::from(params.slices.saturating_sub(1).max(1));
        Ok(ObizhaevaWang { params, step, decay: (-params.resilience * step).exp() })
    }

    /// The best schedule at a risk aversion lambda (1 / money); 0 asks for the least expected cost.
    ///
    /// # Errors
    /// lambda is negative or no number.
    pub fn schedule(&self, risk_aversion: f64) -> Result<Schedule, Refusal> {
        let risk_aversion = not_negative("risk-aversion", risk_aversion)?;
        let trades = match risk_aversion * self.params.sigma > 0.0 {
            true => self.averse(risk_aversion),
            false => self.neutral(),
        };
        let times = (0..self.params.slices).map(|i| f64::from(i) * self.step).collect();
        let (cost, trajectory) = self.follow(&trades);
        Ok(Schedule { trajectory, trades, times, cost })
    }

    /// What these trades would come to: any signs, any sum.
    ///
    /// # Errors
    /// There are not as many trades as slices.
    pub fn cost_of(&self, trades: &[f64]) -> Result<Cost, Refusal> {
        match (trades.len(), self.params.slices as usize) {
            (given, wanted) if given == wanted => Ok(self.follow(trades).0),
            (given, wanted) => Err(Refusal::Trades { given, wanted }),
        }
    }

    /// Expected cost of the best schedule as the slices become ever more, without risk aversion: two blocks of
    /// X / (rho T + 2) at the ends and a steady rate between them; the transient part is X^2 / (q (rho T + 2)).
    pub fn continuous_cost(&self) -> f64 {
        let Params { quantity, horizon, epsilon, gamma, depth, resilience, .. } = self.params;
        let transient = quantity / depth * quantity / (resilience * horizon + 2.0);
        gamma * quantity * quantity / 2.0 + epsilon * quantity + transient
    }

    /// The weights of K w = 1, K_ij = decay^|i - j|: 1 at both ends and 1 - decay between, over 1 + decay.
    fn neutral(&self) -> Vec<f64> {
        let count = self.params.slices;
        let gone = -(-self.params.resilience * self.step).exp_m1();
        let weight = |i| if i == 0 || i + 1 == count { 1.0 } else { gone };
        let sum = if count == 1 { 1.0 } else { 2.0 + f64::from(count - 2) * gone };
        (0..count).map(|i| self.params.quantity * weight(i) / sum).collect()
    }

    /// Backwards from the last trade: the cost to go is a x^2 + b x d + c d^2 with x what is left and d the displacement,
    /// reckoned in units of X and X / q.
    fn averse(&self, risk_aversion: f64) -> Vec<f64> {
        let Params { sigma, depth, quantity, .. } = self.params;
        let risk = risk_aversion * sigma * sigma * self.step * depth;
        let decay = self.decay;
        let (mut a, mut b, mut c) = (0.5, 1.0, 0.0);
        let mut rules = Vec::new(); // what is traded: by how much of x and of d
        for _ in 1..self.params.slices {
            a += risk;
            let curvature = 0.5 + a - b * decay + c * decay * decay;
            let by_left = b * decay - 2.0 * a;
            let by_displaced = 1.0 - b * decay + 2.0 * c * decay * decay;
            rules.push((-by_left / (2.0 * curvature), -by_displaced / (2.0 * curvature)));
            a -= by_left * by_left / (4.0 * curvature);
            b = b * decay - by_left * by_displaced / (2.0 * curvature);
            c = c * decay * decay - by_displaced * by_displaced / (4.0 * curvature);
        }
        let (mut left, mut displaced) = (1.0, 0.0);
        let mut trades: Vec<f64> = Vec::with_capacity(rules.len() + 1);
        for (by_left, by_displaced) in rules.into_iter().rev() {
            let trade = by_left * left + by_displaced * displaced;
            left -= trade;
            displaced = (displaced + trade) * decay;
            trades.push(trade * quantity);
        }
        trades.push(left * quantity);
        trades
    }

    /// Trade by trade: each pays the displacement it finds and half of its own.
    fn follow(&self, trades: &[f64]) -> (Cost, Vec<f64>) {
        let Params { sigma, epsilon, gamma, depth, .. } = self.params;
        let whole: f64 = trades.iter().sum();
        let (mut left, mut displaced, mut transient, mut squares) = (whole, 0.0, 0.0, 0.0);
        let mut trajectory = vec![left];
        for (i, trade) in trades.iter().enumerate() {
            transient += trade * (displaced + trade / (2.0 * depth));
            displaced = (displaced + trade / depth) * self.decay;
            left = if i + 1 == trades.len() { 0.0 } else { left - trade };
            squares += left * left;
            trajectory.push(left);
        }
        let permanent = gamma * whole * whole / 2.0;
        let fixed = epsilon * trades.iter().map(|n| n.abs()).sum::<f64>();
        let variance = sigma * sigma * self.step * squares;
        (Cost { expected: permanent + fixed + transient, permanent, fixed, transient, variance }, trajectory)
    }
}

#[cfg(test)]
mod tests;
