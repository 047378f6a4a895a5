//! Liquidity that is not what it seems, and liquidity that is gone.

use super::act::Act;
use super::script::Script;
use crate::sim::opposite;

/// A large order stands for a while, near enough to be seen, and is pulled before anybody reaches it.
pub(crate) fn wall(script: &mut Script) {
    let (side, tag) = (script.side(), script.tag());
    let size = script.usual.large * script.dose(3.0, 0.9) * script.draw(0.9, 1.3);
    let bps = script.draw(3.0, 9.0) + 2.0 * script.usual.move_bps;
    let lasts = script.draw(14_000.0, 30_000.0);
    script.at(0.0, Act::Rest { tag, side, bps, size });
    script.at(lasts, Act::Pull(tag));
}

/// Several neighbouring levels of one side fill up together, move with the touch, and vanish together.
pub(crate) fn layering(script: &mut Script) {
    let side = script.side();
    let count = script.draw(5.0, 9.0) as i64;
    let size = script.usual.large * script.dose(0.9, 0.3);
    let near = script.draw(1.0, 3.0);
    let rounds = script.draw(4.0, 8.0) as usize;
    let mut ms = 0.0;
    for _ in 0..rounds {
        let anchor = script.tag();
        let first = size * script.draw(0.8, 1.2);
        script.at(ms, Act::Rest { tag: anchor, side, bps: near, size: first });
        for ticks in 1..count {
            let size = size * script.draw(0.8, 1.2);
            let tag = script.tag();
            script.at(ms, Act::Beside { tag, of: anchor, side, ticks, size });
            let until = ms + 2_500.0;
            script.at(until, Act::Pull(tag));
        }
        script.at(ms + 2_500.0, Act::Pull(anchor));
        // What it is for: selling into what the layers of bids pretend, or the other way round.
        let trade = script.usual.trade * script.draw(1.0, 2.0);
        script.at(ms + 1_800.0, Act::Take { taker: opposite(side), size: trade, bps: 0.5 });
        ms += 2_500.0 + script.draw(100.0, 700.0);
    }
}

/// Both sides are used up faster than they are filled: the depth halves and the spread doubles.
pub(crate) fn exhaustion(script: &mut Script) {
    let gap = (script.usual.spread_bps * script.dose(3.0, 1.4)).max(script.dose(1.6, 0.35));
    let keep = script.hidden(0.1, 0.42);
    let lasts = script.draw(9_000.0, 18_000.0);
    let mut ms = 0.0;
    while ms < 1_500.0 {
        let (taker, size) = (script.side(), script.usual.trade * script.draw(2.0, 6.0));
        script.at(ms, Act::Take { taker, size, bps: 1.0 });
        ms += script.draw(80.0, 250.0);
    }
    let mut gone = Script::thin(0.0, 15.0, keep).to_vec();
    gone.extend(Script::thin(0.0, gap, 0.0));
    script.at(600.0, Act::Thin(gone));
    script.at(lasts, Act::Thin(Script::thin(0.0, 15.0, 0.75).to_vec()));
    script.at(lasts + 1_500.0, Act::Thin(Vec::new()));
}

/// One sweep, and a side is empty for some distance; it comes back slowly.
pub(crate) fn vacuum(script: &mut Script) {
    let side = script.side();
    let reach = script.draw(10.0, 18.0);
    let keep = script.hidden(0.02, 0.2);
    let only = |keep: f64| Script::thin(0.2, reach, keep).into_iter().filter(|t| t.side == side).collect::<Vec<_>>();
    let size = script.usual.depth * script.draw(0.15, 0.3);
    script.at(0.0, Act::Take { taker: opposite(side), size, bps: 2.0 });
    script.at(100.0, Act::Thin(only(keep)));
    let stays = script.draw(5_000.0, 9_000.0);
    let back = script.draw(8_000.0, 14_000.0);
    for step in 1..=8 {
        let share = f64::from(step) / 8.0;
        script.at(stays + back * share, Act::Thin(only(keep + (0.9 - keep) * share)));
    }
    script.at(stays + back + 1_000.0, Act::Thin(Vec::new()));
}

/// A price is hit again and again, and the same size stands there again each time.
pub(crate) fn iceberg(script: &mut Script) {
    let (side, tag) = (script.side(), script.tag());
    let show = script.usual.level.max(script.usual.trade) * script.draw(1.0, 2.0);
    let slices = script.dose(22.0, 8.0).max(3.0);
    script.at(0.0, Act::Hide { tag, side, show, size: show * slices });
    refill(script, tag, show, slices, 700.0);
}

/// A price takes in far more than is usually traded, and does not give way.
pub(crate) fn absorption(script: &mut Script) {
    let (side, tag) = (script.side(), script.tag());
    let total = script.usual.volume.max(script.usual.trade) * script.dose(160.0, 60.0);
    let show = script.usual.large * script.hidden(0.6, 0.3);
    let slices = (total / show).clamp(4.0, 40.0);
    script.at(0.0, Act::Hide { tag, side, show, size: show * slices });
    refill(script, tag, show, slices, 450.0);
}

/// Others run against a hidden order until it is used up, or they are out of patience.
fn refill(script: &mut Script, tag: u32, show: f64, slices: f64, pause: f64) {
    let mut ms = 400.0;
    let hits = (slices * 1.6) as usize;
    for _ in 0..hits {
        let size = show * script.draw(0.5, 1.3);
        script.at(ms, Act::Hit { tag, size, reach_bps: 0.6 });
        ms += pause * script.draw(0.5, 1.5);
    }
    script.at(ms, Act::Pull(tag));
}

/// The spread is wide and stays wide.
pub(crate) fn spread(script: &mut Script) {
    let half = (script.usual.spread_bps * script.dose(6.0, 2.5)).max(script.dose(6.0, 1.8));
    let lasts = script.draw(35_000.0, 60_000.0);
    script.at(0.0, Act::Thin(Script::thin(0.0, half * 0.6, 0.0).to_vec()));
    script.at(1_500.0, Act::Thin(Script::thin(0.0, half, 0.0).to_vec()));
    script.at(lasts, Act::Thin(Vec::new()));
}

/// Most of what rests near the price is gone, though the spread is as it was.
pub(crate) fn depth(script: &mut Script) {
    let keep = script.hidden(0.08, 0.4);
    let lasts = script.draw(35_000.0, 60_000.0);
    let gone = |keep| Script::thin(0.0, 14.0, keep).to_vec();
    script.at(0.0, Act::Thin(gone(0.6)));
    script.at(2_000.0, Act::Thin(gone(keep)));
    script.at(lasts, Act::Thin(Vec::new()));
}
