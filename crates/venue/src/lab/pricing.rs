//! Prices that are not what they should be.

use super::act::Act;
use super::manipulation::takes;
use super::script::{Script, up};
use crate::sim::opposite;

/// One venue quotes away from all others.
pub(crate) fn divergence(script: &mut Script) {
    let bps = script.dose(35.0, 10.0) * up(script.side());
    let lasts = script.draw(12_000.0, 22_000.0);
    script.drift(0, (0.0, 1_500.0), (0.0, bps));
    script.drift(0, (lasts, lasts + 2_000.0), (bps, 0.0));
}

/// The perpetual walks away from index, mark and spot, and stays away.
pub(crate) fn dislocation(script: &mut Script) {
    let bps = script.dose(60.0, 22.0) * up(script.side());
    let walk = script.draw(8_000.0, 15_000.0);
    let lasts = script.draw(40_000.0, 60_000.0);
    script.drift(0, (0.0, walk), (0.0, bps));
    script.drift(0, (lasts, lasts + 4_000.0), (bps, 0.0));
}

/// One venue's quotes stand still while the price moves everywhere else.
pub(crate) fn stale_price(script: &mut Script) {
    let bps = script.dose(25.0, 9.0) * up(script.side());
    let lasts = script.draw(14_000.0, 24_000.0);
    script.at(0.0, Act::Freeze(true));
    for other in 1..script.listings {
        script.drift(other, (1_000.0, 5_000.0), (0.0, bps));
        // The index is made of those that move, and marks follow it.
        for step in 0..=20 {
            let share = f64::from(step) / 20.0;
            script.on(other, 1_000.0 + 4_000.0 * share, Act::Reference(bps * share));
        }
    }
    // In the end it follows in one step.
    script.at(lasts - 20.0, Act::Shift(bps));
    script.at(lasts, Act::Freeze(false));
}

/// Before funding is paid somebody leans on the perpetual, so that the rate is what he wants.
pub(crate) fn funding_pressure(script: &mut Script) {
    let side = script.side();
    let bps = script.dose(30.0, 12.0) * up(side);
    let end = script.funding_seconds * 1e3;
    let from = end - script.draw(35_000.0, 50_000.0);
    script.drift(0, (from, from + 10_000.0), (0.0, bps));
    takes(script, (from, end), side, script.dose(5.0, 2.0), 500.0);
    let rate = script.dose(0.002, 0.0008) * up(side);
    let mut ms = from + 2_000.0;
    while ms < end {
        script.at(ms, Act::Funding { rate, in_seconds: (end - ms) / 1e3 });
        ms += 3_000.0;
    }
    script.drift(0, (end + 500.0, end + 8_000.0), (bps, 0.0));
}

/// Forced orders push the price to where the next ones are forced.
pub(crate) fn cascade(script: &mut Script) {
    let side = script.side();
    let bps = script.dose(60.0, 25.0) * up(side);
    let waves = script.dose(22.0, 9.0).max(4.0) as usize;
    let lasts = script.draw(9_000.0, 16_000.0);
    for wave in 0..waves {
        let ms = lasts * (wave as f64 + script.draw(0.0, 0.8)) / waves as f64;
        let size = script.usual.trade * script.dose(25.0, 8.0) * script.draw(0.5, 1.5);
        let buy = up(side) > 0.0;
        script.at(ms, Act::Forced { buy, size, bps: 3.0 });
    }
    script.drift(0, (200.0, lasts), (0.0, bps));
    let turn = lasts + script.draw(1_000.0, 3_000.0);
    takes(script, (turn, turn + 4_000.0), opposite(side), 2.0, 400.0);
    script.drift(0, (turn, turn + 10_000.0), (bps, bps * 0.6));
}
