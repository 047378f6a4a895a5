//! What is asked of a venue without anybody asking: its clock, its instruments, what it does not stream.

use super::{VenuePlan, until};
use crate::budget::Priority;
use crate::clock;
use crate::rest::Rest;
use fathometer_engine::units::{NANOS_PER_SECOND, Nanos};
use fathometer_engine::venue::Request;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Readings of the venue's clock at the start, one a second: the shortest round trip among them is a good first estimate.
const CLOCK_READINGS: u32 = 5;
/// From then on one reading every so many seconds.
const CLOCK_SECONDS: u32 = 60;
/// Instruments are asked for again every so many seconds: ticks and contracts change.
const INSTRUMENTS_SECONDS: u32 = 3600;

struct Chore {
    request: Request,
    every_seconds: u32,
    due: Nanos,
    /// Further readings at a distance of a second.
    extra: u32,
}

/// Hands the venue's chores to `rest` when they fall due, until `stop`. While no link of the venue is open they wait there,
/// each at most once.
pub(super) async fn run(plan: VenuePlan, rest: Arc<Rest>, stop: CancellationToken) {
    let mut chores = chores(&plan, clock::now());
    while let Some(due) = chores.iter().map(|chore| chore.due).min() {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(until(due)) => {}
        }
        let now = clock::now();
        for chore in chores.iter_mut().filter(|chore| chore.due <= now) {
            rest.ask(chore.request.clone(), Priority::Chore, None);
            let seconds = if chore.extra > 0 { 1 } else { chore.every_seconds.max(1) };
            chore.extra = chore.extra.saturating_sub(1);
            chore.due = now.plus(i64::from(seconds) * NANOS_PER_SECOND);
        }
    }
}

fn chores(plan: &VenuePlan, now: Nanos) -> Vec<Chore> {
    let mut all: Vec<Chore> = Vec::new();
    let mut add = |request: &Request, every_seconds: u32, extra: u32| {
        if all.iter().all(|chore| chore.request.path != request.path) {
            all.push(Chore { request: request.clone(), every_seconds, due: now, extra });
        }
    };
    for request in &plan.startup {
        add(request, INSTRUMENTS_SECONDS, 0);
    }
    if let Some(time) = &plan.time {
        add(time, CLOCK_SECONDS, CLOCK_READINGS - 1);
    }
    for (request, seconds) in &plan.periodic {
        add(request, *seconds, 0);
    }
    all
}
