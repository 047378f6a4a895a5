//! Least squares of one cause, with errors that hold where the noise is uneven (White 1980, with HC1's correction).

use super::calibrate::INTERVALS_MIN;
use crate::metric::Reason;

/// A cause and its effect.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) x: f64,
    pub(super) y: f64,
}

/// y = intercept + slope x.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fit {
    /// Value and standard error.
    pub(super) slope: (f64, f64),
    /// Value and standard error; nothing without one.
    pub(super) intercept: (f64, f64),
    /// Share of the variance of the last third that a fit of the first two explains.
    pub(super) out_of_sample_r2: Option<f64>,
    pub(super) count: usize,
}

/// Fits rows; through the origin without an intercept.
pub(super) fn fit(rows: &[Row], intercept: bool) -> Result<Fit, Reason> {
    if rows.len() < INTERVALS_MIN {
        return Err(Reason::Warmup);
    }
    let line = line(rows, intercept).ok_or(Reason::Undefined)?;
    let (first, last) = rows.split_at(rows.len() * 2 / 3);
    let before = self::line(first, intercept);
    Ok(Fit { out_of_sample_r2: before.and_then(|before| explained(&before, last)), ..line })
}

fn line(rows: &[Row], intercept: bool) -> Option<Fit> {
    let count = rows.len() as f64;
    let mean = |of: fn(&Row) -> f64| if intercept { rows.iter().map(of).sum::<f64>() / count } else { 0.0 };
    let (x, y) = (mean(|row| row.x), mean(|row| row.y));
    let spread: f64 = rows.iter().map(|row| (row.x - x).powi(2)).sum();
    let together: f64 = rows.iter().map(|row| (row.x - x) * (row.y - y)).sum();
    let slope = together / spread;
    let base = y - slope * x;
    // Each row's part in the slope and in the intercept, times what it is off.
    let (mut of_slope, mut of_base) = (0.0, 0.0);
    for row in rows {
        let off = row.y - base - slope * row.x;
        let part = (row.x - x) / spread;
        of_slope += (part * off).powi(2);
        of_base += ((1.0 / count - x * part) * off).powi(2);
    }
    let parameters = if intercept { 2.0 } else { 1.0 };
    let correction = count / (count - parameters);
    let error = |sum: f64| (sum * correction).sqrt();
    let fit = Fit {
        slope: (slope, error(of_slope)),
        intercept: if intercept { (base, error(of_base)) } else { (0.0, 0.0) },
        out_of_sample_r2: None,
        count: rows.len(),
    };
    (fit.slope.0.is_finite() && fit.slope.1.is_finite()).then_some(fit)
}

fn explained(fit: &Fit, rows: &[Row]) -> Option<f64> {
    let mean = rows.iter().map(|row| row.y).sum::<f64>() / rows.len() as f64;
    let all: f64 = rows.iter().map(|row| (row.y - mean).powi(2)).sum();
    let off: f64 = rows.iter().map(|row| (row.y - fit.intercept.0 - fit.slope.0 * row.x).powi(2)).sum();
    let share = 1.0 - off / all;
    share.is_finite().then_some(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // Twenty-one times (0, 1), (1, 2), (2, 6): slope 5 / 2, intercept 1 / 2; off by 1/2, -1, 1/2.
        let rows: Vec<Row> =
            (0..63).map(|i| [(0.0, 1.0), (1.0, 2.0), (2.0, 6.0)][i % 3]).map(|(x, y)| Row { x, y }).collect();
        let got = fit(&rows, true).unwrap();
        assert!((got.slope.0 - 2.5).abs() < 1e-12 && (got.intercept.0 - 0.5).abs() < 1e-12);
        // HC1: 63 / 61 * 21 * (2 * (1/2)^2 * 1) / 42^2 for the slope.
        assert!((got.slope.1.powi(2) - 63.0 / 61.0 * 21.0 * 0.5 / 1_764.0).abs() < 1e-12, "{got:?}");
        // The intercept's weights are (1 + 1.5) / 63, 1 / 63, (1 - 1.5) / 63.
        let weights = (2.5f64 * 0.5).powi(2) + 1.0 + (0.5f64 * 0.5).powi(2);
        assert!((got.intercept.1.powi(2) - 63.0 / 61.0 * 21.0 * weights / 3_969.0).abs() < 1e-12, "{got:?}");
        // The same line explains all but 1.5 of 14 a triple in the last third.
        assert!((got.out_of_sample_r2.unwrap() - (1.0 - 1.5 / 14.0)).abs() < 1e-12);
        let origin = fit(&rows, false).unwrap();
        assert!((origin.slope.0 - 14.0 / 5.0).abs() < 1e-12 && origin.intercept == (0.0, 0.0));
        assert_eq!(fit(&rows[..59], true), Err(Reason::Warmup));
        assert_eq!(fit(&[Row { x: 1.0, y: 1.0 }; 60], true), Err(Reason::Undefined));
    }
}
