//! Samples, ladders and status reports, on grids of event time.

use super::Engine;
use super::mates::{Groups, Quote, mates, quotes};
use crate::alert::Ripe;
use crate::detector::{CATALOGUE, Columns, Look};
use crate::event::LevelSpan;
use crate::group::{Group, Quoted};
use crate::instrument::{Instrument, InstrumentId, Kind, Venue};
use crate::metric::{Moment, Peers};
use crate::output::{Outbox, Output, Validity};
use crate::surveillance::Candidate;
use crate::units::{NANOS_PER_MILLI, Nanos, Side};
use serde::{Deserialize, Serialize};

/// When each grid is due next; 0 before the first input.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Grid {
    sample_due: Nanos,
    ladder_due: Nanos,
    relief_due: Nanos,
    status_due: Nanos,
    pub(super) watch_due: Nanos,
}

impl Engine {
    /// Everything that was due before now. A long silence gives one report at its end, not one for every step of it.
    #[inline]
    pub(super) fn on_grid(&mut self, out: &mut Outbox) {
        let grid = &self.grid;
        if self.now >= grid.sample_due.min(grid.ladder_due).min(grid.relief_due).min(grid.status_due) {
            self.on_grid_due(out);
        }
    }

    fn on_grid_due(&mut self, out: &mut Outbox) {
        if let Some(at) = due(&mut self.grid.sample_due, self.now, self.config.sample_ms) {
            self.sample(at, out);
        }
        if let Some(at) = due(&mut self.grid.ladder_due, self.now, self.config.ladder_ms) {
            for number in 0..self.desks.len() {
                self.ladder(at, number, out);
            }
        }
        if self.config.relief_ms == 0 {
            self.grid.relief_due = Nanos(i64::MAX);
        } else if let Some(at) = due(&mut self.grid.relief_due, self.now, self.config.relief_ms) {
            for (number, desk) in self.desks.iter_mut().enumerate().filter(|(_, desk)| desk.reason().is_none()) {
                let (id, told) = (InstrumentId(number as u32), &self.registry.all()[number]);
                desk.relief.say(at, id, told, &desk.synced.book, &self.config, out);
            }
        }
        if let Some(at) = due(&mut self.grid.status_due, self.now, self.config.status_ms) {
            for group in &mut self.crowds {
                let name = group.first().map(|first| self.registry.get(first).group()).unwrap_or_default();
                out.items.extend(group.report(at, name).map(|report| Output::Group(Box::new(report))));
            }
            for (number, desk) in self.desks.iter().enumerate() {
                let offset = self.links.offset(self.registry.all()[number].venue);
                let id = InstrumentId(number as u32);
                out.items.push(Output::Status(Box::new(desk.status(id, at, offset))));
                if self.config.surveillance.enabled {
                    out.items.push(Output::Board(Box::new(desk.surveillance.board(at, id))));
                }
            }
        }
    }

    fn sample(&mut self, at: Nanos, out: &mut Outbox) {
        let columns = self.columns.take().unwrap_or_else(|| Columns::new(&self.config.metrics));
        let groups = self.groups.take().unwrap_or_else(|| Groups::new(self.registry.all()));
        let mut room = std::mem::take(&mut self.room);
        quotes(self.registry.all(), &self.desks, &mut room.quotes);
        self.compare(at, &groups, &room.quotes);
        let rules = &self.config.surveillance;
        let watched = rules.enabled;
        for number in 0..self.desks.len() {
            let id = InstrumentId(number as u32);
            let peers = Peers {
                mark: self.desks[number].mark,
                index: self.desks[number].index,
                spot_mid: self.spot_mid(&self.registry.all()[number]),
            };
            let (instrument, desk) = (&self.registry.all()[number], &mut self.desks[number]);
            if desk.validity == Validity::Empty {
                continue;
            }
            let moment = Moment { at, book: &desk.synced.book, validity: desk.validity, instrument, peers };
            let start = out.values.len();
            desk.metrics.sample(&moment, &mut out.values);
            let len = (out.values.len() - start) as u32;
            out.items.push(Output::Sample { at, instrument: id, start: start as u32, len });
            if watched {
                mates(groups.others(id), self.registry.all(), &room.quotes, &mut room.mates);
                desk.surveillance.look(
                    &Look {
                        at,
                        book: &desk.synced.book,
                        validity: desk.validity,
                        may_cross: desk.may_cross,
                        instrument,
                        peers,
                        values: &out.values[start..],
                        columns: &columns,
                        mates: &room.mates,
                        counters: &desk.counters,
                        latency_raw_ns: desk.latency_raw_ns,
                        depth_at: desk.last_depth_at,
                    },
                    rules,
                );
                desk.surveillance.say(at, id, instrument, rules, out);
            }
        }
        (self.columns, self.groups, self.room) = (Some(columns), Some(groups), room);
        if let Some(per_day) = self.config.surveillance.alerts_per_day.filter(|_| watched) {
            self.spend(at, per_day, out);
        }
    }

    /// Which of all alerts that would fire now do, within the operator's budget.
    fn spend(&mut self, at: Nanos, per_day: f64, out: &mut Outbox) {
        let mut waiting: Vec<(usize, Ripe)> = Vec::new();
        for (number, desk) in self.desks.iter().enumerate() {
            waiting.extend(desk.surveillance.ripe(at, &mut self.budget).map(|ripe| (number, ripe)));
        }
        if waiting.is_empty() {
            return;
        }
        let candidate = |(_, ripe): &(usize, Ripe)| {
            let Ripe { detector, severity, score, .. } = *ripe;
            Candidate { detector, score, severity }
        };
        let candidates: Vec<Candidate> = waiting.iter().map(candidate).collect();
        let admitted = self.budget.admit(at, per_day, self.desks.len() * CATALOGUE.len(), &candidates);
        for ((number, ripe), fires) in waiting.into_iter().zip(admitted) {
            self.desks[number].surveillance.decide(at, InstrumentId(number as u32), &ripe, fires, out);
        }
    }

    /// Every group takes over what its members quote. Since when: by the exchange's clock, where it is known how far that is
    /// from ours.
    fn compare(&mut self, at: Nanos, groups: &Groups, quotes: &[Quote]) {
        self.crowds.resize_with(groups.all().count(), Group::default);
        let alone = |members: &[InstrumentId]| members.len() < 2;
        for (members, group) in groups.all().zip(&mut self.crowds).filter(|(members, _)| !alone(members)) {
            if members.iter().any(|id| self.registry.get(*id).base.is_empty()) {
                continue; // it is not known of what
            }
            group.look(
                at,
                members.iter().map(|id| {
                    let told = self.registry.get(*id);
                    let late = self.desks.get(id.0 as usize).and_then(|desk| desk.latency_raw_ns);
                    let late = late
                        .zip(self.links.offset(told.venue))
                        .map_or(0, |(raw, (offset, _))| raw.saturating_add(offset));
                    let quoted = quotes.get(id.0 as usize).copied().flatten();
                    let quoted = quoted.map(|(bid, ask, since)| Quoted {
                        bid,
                        ask,
                        since: Nanos(since.0.saturating_sub(late.max(0))),
                    });
                    (*id, told.canonical.as_str(), quoted)
                }),
            );
        }
    }

    /// Mid of the live spot book of the same underlying, the same exchange's first.
    fn spot_mid(&self, of: &Instrument) -> Option<(f64, Nanos)> {
        if of.kind == Kind::Spot {
            return None;
        }
        let is_okx = |venue: Venue| venue == Venue::Okx;
        let candidates = self.registry.all().iter().zip(&self.desks).filter(|(other, desk)| {
            other.kind == Kind::Spot
                && other.base == of.base
                && other.quote == of.quote
                && desk.validity == Validity::Live
        });
        let best = candidates.min_by_key(|(other, _)| is_okx(other.venue) != is_okx(of.venue))?;
        let (other, desk) = best;
        let (bid, ask) = (desk.synced.book.best(Side::Bid)?, desk.synced.book.best(Side::Ask)?);
        Some(((other.scale.price_f64(bid.price) + other.scale.price_f64(ask.price)) / 2.0, desk.last_depth_at))
    }

    fn ladder(&self, at: Nanos, number: usize, out: &mut Outbox) {
        let desk = &self.desks[number];
        if desk.reason().is_some() {
            return;
        }
        let start = out.levels.len() as u32;
        desk.synced.book.first(Side::Bid, self.config.ladder_levels, &mut out.levels);
        let asks = out.levels.len() as u32;
        desk.synced.book.first(Side::Ask, self.config.ladder_levels, &mut out.levels);
        let span = LevelSpan { start, asks, end: out.levels.len() as u32 };
        out.items.push(Output::Ladder { at, instrument: InstrumentId(number as u32), span });
    }
}

/// The latest grid instant at or before now, if it has not been served.
fn due(next: &mut Nanos, now: Nanos, step_ms: u32) -> Option<Nanos> {
    let step = i64::from(step_ms.max(1)) * NANOS_PER_MILLI;
    if now < *next {
        return None;
    }
    let at = Nanos(now.0.div_euclid(step) * step);
    let first = *next == Nanos(0);
    *next = at.plus(step);
    (!first).then_some(at)
}
