//! Games: orders and trades that are there to mislead.

use super::act::Act;
use super::script::{Script, up};
use crate::sim::opposite;
use fathometer_engine::units::Side;

/// A large order near the touch makes others trade on the far side, and is gone a moment later; again and again.
pub(crate) fn spoofing(script: &mut Script) {
    let side = script.side();
    let size = script.usual.large * script.dose(2.2, 0.7);
    let cycles = script.draw(4.0, 8.0) as usize;
    let mut ms = 0.0;
    for _ in 0..cycles {
        let (large, real) = (script.tag(), script.tag());
        let bps = script.draw(0.6, 2.0) + script.usual.tick_bps;
        let size = size * script.draw(0.9, 1.2);
        let lives = script.draw(900.0, 3_200.0);
        let trade = script.usual.trade * script.draw(2.0, 5.0);
        script.at(ms, Act::Rest { tag: real, side: opposite(side), bps: 0.0, size: trade });
        script.at(ms + 150.0, Act::Rest { tag: large, side, bps, size });
        script.at(ms + lives * 0.7, Act::Hit { tag: real, size: trade * 1.1, reach_bps: 0.4 });
        script.at(ms + lives, Act::Pull(large));
        script.at(ms + lives + 50.0, Act::Pull(real));
        ms += lives + script.draw(800.0, 3_000.0);
    }
}

/// Orders by the hundred, placed and taken out at once, that nobody could ever trade with.
pub(crate) fn stuffing(script: &mut Script) {
    let lasts = script.draw(5_000.0, 9_000.0);
    // Each 100 ms so many orders, so that the rate of changes is a multiple of the usual one.
    let count = (script.usual.changes * script.dose(1.4, 0.4)).clamp(40.0, 600.0) as usize;
    let mut ms = 0.0;
    while ms < lasts {
        let tag = script.tag();
        for _ in 0..count / 2 {
            let (side, bps) = (script.side(), script.draw(2.0, 45.0));
            let size = script.usual.level * script.draw(0.1, 0.6);
            script.at(ms, Act::Rest { tag, side, bps, size });
        }
        script.at(ms + 100.0, Act::Pull(tag));
        ms += 100.0;
    }
}

/// A burst of taker orders starts a move that others follow; what was bought is sold to them.
pub(crate) fn ignition(script: &mut Script) {
    let side = script.side();
    let bps = (script.usual.move_bps * script.dose(22.0, 8.0)).max(script.dose(9.0, 3.0)) * up(side);
    let burst = script.draw(1_500.0, 3_500.0);
    let mut ms = 0.0;
    while ms < burst {
        let size = script.usual.trade * script.dose(14.0, 5.0) * script.draw(0.6, 1.4);
        script.at(ms, Act::Take { taker: side, size, bps: 1.5 });
        ms += script.draw(80.0, 300.0);
    }
    script.drift(0, (100.0, burst + 800.0), (0.0, bps));
    let turn = burst + script.draw(2_500.0, 6_000.0);
    let mut ms = turn;
    while ms < turn + 3_000.0 {
        let size = script.usual.trade * script.dose(8.0, 3.0) * script.draw(0.6, 1.4);
        script.at(ms, Act::Take { taker: opposite(side), size, bps: 1.0 });
        ms += script.draw(150.0, 500.0);
    }
    script.drift(0, (turn, turn + 7_000.0), (bps, 0.0));
}

/// The smallest orders, at an even beat, feel for what is hidden.
pub(crate) fn pinging(script: &mut Script) {
    let lasts = script.draw(12_000.0, 20_000.0);
    let beat = script.hidden(90.0, 260.0);
    let jitter = script.hidden(0.03, 0.3);
    let taker = script.side();
    let size = script.usual.trade * 0.01;
    let mut ms = 0.0;
    while ms < lasts {
        let taker = if script.rng.chance(0.85) { taker } else { opposite(taker) };
        script.at(ms, Act::Take { taker, size, bps: 0.5 });
        ms += beat * script.draw(1.0 - jitter, 1.0 + jitter);
    }
}

/// The price is pushed in the last seconds before funding is fixed, and let go after it.
pub(crate) fn marking(script: &mut Script) {
    let side = script.side();
    let bps = script.dose(14.0, 5.0) * up(side);
    let end = script.funding_seconds * 1e3;
    let push = script.draw(14_000.0, 22_000.0);
    let mut ms = end - push;
    while ms < end {
        let size = script.usual.trade * script.dose(10.0, 4.0) * script.draw(0.5, 1.5);
        script.at(ms, Act::Take { taker: side, size, bps: 1.0 });
        ms += script.draw(200.0, 600.0);
    }
    script.drift(0, (end - push, end - 2_000.0), (0.0, bps));
    script.drift(0, (end + 1_000.0, end + 9_000.0), (bps, 0.0));
}

/// Somebody trades with himself: much volume in few sizes, and nobody's orders become fewer.
pub(crate) fn wash(script: &mut Script) {
    let lasts = script.draw(20_000.0, 35_000.0);
    let rate = (script.usual.trades * script.dose(2.5, 0.8)).clamp(3.0, 25.0);
    let sizes: Vec<f64> = (0..3).map(|_| script.usual.trade * script.draw(1.0, 4.0)).collect();
    let spread = script.hidden(0.0, 0.05);
    let mut ms = 0.0;
    let mut buy = true;
    while ms < lasts {
        let size = sizes[script.rng.below(sizes.len())] * script.draw(1.0 - spread, 1.0 + spread);
        script.at(ms, Act::Wash { size, buy });
        buy = !buy;
        ms += 1e3 / rate * script.draw(0.6, 1.4);
    }
}

/// The price is bought up with much noise, and everything is sold to those who followed.
pub(crate) fn pump(script: &mut Script) {
    let bps = script.dose(70.0, 28.0);
    let rise = script.draw(20_000.0, 32_000.0);
    let hold = script.draw(2_000.0, 5_000.0);
    let fall = script.draw(7_000.0, 13_000.0);
    takes(script, (0.0, rise), Side::Bid, script.dose(7.0, 3.0), 250.0);
    script.drift(0, (500.0, rise), (0.0, bps));
    takes(script, (rise + hold, rise + hold + fall), Side::Ask, script.dose(12.0, 5.0), 200.0);
    script.drift(0, (rise + hold, rise + hold + fall), (bps, bps * 0.1));
    script.drift(0, (rise + hold + fall, rise + hold + fall + 4_000.0), (bps * 0.1, 0.0));
}

/// Taker orders of some times the usual size, one about every `pause` ms.
pub(crate) fn takes(script: &mut Script, (from, to): (f64, f64), taker: Side, times: f64, pause: f64) {
    let mut ms = from;
    while ms < to {
        let size = script.usual.trade * times * script.draw(0.4, 1.6);
        script.at(ms, Act::Take { taker, size, bps: 1.5 });
        ms += pause * script.draw(0.5, 1.5);
    }
}
