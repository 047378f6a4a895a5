//! The markets of one underlying side by side: basis between every two, who leads, how far mids lie apart, and the best bid
//! and ask over all venues with the time that they stood crossed.

mod lead_lag;

pub use lead_lag::LeadLag;

use crate::instrument::InstrumentId;
use crate::units::{NANOS_PER_SECOND, Nanos};
use lead_lag::{Moves, compare};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Members of a group that are compared; the first ones, in the order in which they were met.
pub const MEMBERS_MAX: usize = 12;
/// Seconds over which crossed time is counted.
pub const CROSSED_SECONDS: usize = 60;

/// What one market quotes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quoted {
    /// Best bid, quote currency.
    pub bid: f64,
    /// Best ask, quote currency.
    pub ask: f64,
    /// Since when, by our clock: the exchange's time put right by its clock's offset where that is known, else receipt.
    pub since: Nanos,
}

impl Quoted {
    fn mid(&self) -> f64 {
        (self.bid + self.ask) / 2.0
    }
}

/// Two members that were compared; `first` and `second` are places in `GroupReport::members`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Place of the one that leads when the lag is above 0.
    pub first: u32,
    /// Place of the other.
    pub second: u32,
    /// What came out, and when.
    pub lead: LeadLag,
    /// When it was compared.
    pub at: Nanos,
}

/// The markets of one kind (spot, perpetual) and underlying, over all venues that quote it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Venues {
    /// Canonical name: `BTC-USDT`, `BTC-USDT-PERP`.
    pub canonical: String,
    /// Highest bid, and whose.
    pub bid: Option<(InstrumentId, f64)>,
    /// Lowest ask, and whose.
    pub ask: Option<(InstrumentId, f64)>,
    /// Standard deviation of the mids over their mean, bps; from two live markets on.
    pub dispersion_bps: Option<f64>,
    /// Seconds of the last 60 in which one venue's bid stood above another's ask.
    pub crossed_s: f64,
}

/// A group's state, once a second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupReport {
    /// When.
    pub at: Nanos,
    /// The underlying: `BTC-USDT`.
    pub name: String,
    /// Members.
    pub members: Vec<InstrumentId>,
    /// Mid of each live member, quote currency.
    pub mids: Vec<Option<f64>>,
    /// By canonical name, where two or more members share it.
    pub venues: Vec<Venues>,
    /// The latest comparison of each pair that could be compared.
    pub pairs: Vec<Pair>,
}

impl GroupReport {
    /// Basis of one member above another, bps of the other's mid.
    pub fn basis_bps(&self, of: usize, above: usize) -> Option<f64> {
        let mid = |place: usize| self.mids.get(place).copied().flatten();
        let (of, above) = (mid(of)?, mid(above)?);
        Some((of - above) / above * 1e4)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Member {
    id: InstrumentId,
    canonical: String,
    moves: Moves,
    quoted: Option<Quoted>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Crossing {
    canonical: String,
    is_crossed: bool,
    /// Crossed time of the running second and of those before it, ns.
    running_ns: i64,
    past_ns: VecDeque<i64>,
}

/// What is kept of a group between its reports.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Group {
    members: Vec<Member>,
    crossings: Vec<Crossing>,
    looked_at: Option<Nanos>,
    pairs: Vec<Pair>,
    /// The pair that is compared next.
    turn: usize,
}

impl Group {
    /// Takes over what its members quote now: id, canonical name and quote.
    pub(crate) fn look<'a>(
        &mut self,
        at: Nanos,
        quotes: impl Iterator<Item = (InstrumentId, &'a str, Option<Quoted>)>,
    ) {
        for (place, (id, canonical, quoted)) in quotes.take(MEMBERS_MAX).enumerate() {
            if self.members.get(place).is_some_and(|member| member.id != id || member.canonical != canonical) {
                self.members.truncate(place); // an instrument turned out to be another
                self.pairs.clear();
                self.crossings.clear();
            }
            if place >= self.members.len() {
                let canonical = canonical.to_owned();
                self.members.push(Member { id, canonical, moves: Moves::default(), quoted: None });
            }
            let Some(member) = self.members.get_mut(place) else { break };
            member.quoted = quoted;
            match quoted {
                Some(quoted) => member.moves.push(quoted.since, quoted.mid()),
                None => member.moves.forget(),
            }
        }
        let passed = self.looked_at.map_or(0, |before| at.since(before).clamp(0, NANOS_PER_SECOND));
        self.looked_at = Some(at);
        for canonical in shared(&self.members) {
            if !self.crossings.iter().any(|crossing| crossing.canonical == canonical) {
                self.crossings.push(Crossing { canonical: canonical.to_owned(), ..Crossing::default() });
            }
        }
        for crossing in &mut self.crossings {
            crossing.running_ns += i64::from(crossing.is_crossed) * passed;
            let (bid, ask) = best(&self.members, &crossing.canonical);
            crossing.is_crossed = matches!((bid, ask), (Some((_, bid)), Some((_, ask))) if bid > ask);
        }
    }

    /// Its first member.
    pub(crate) fn first(&self) -> Option<InstrumentId> {
        self.members.first().map(|member| member.id)
    }

    /// Its state, to be asked for once a second; `None` while fewer than two members quote.
    pub(crate) fn report(&mut self, at: Nanos, name: String) -> Option<GroupReport> {
        for crossing in &mut self.crossings {
            if crossing.past_ns.len() >= CROSSED_SECONDS {
                crossing.past_ns.pop_front();
            }
            crossing.past_ns.push_back(std::mem::take(&mut crossing.running_ns));
        }
        self.compare_next(at);
        let mids: Vec<Option<f64>> = self.members.iter().map(|member| Some(member.quoted?.mid())).collect();
        if mids.iter().flatten().count() < 2 {
            return None;
        }
        let venues = self.crossings.iter().map(|crossing| {
            let (bid, ask) = best(&self.members, &crossing.canonical);
            Venues {
                canonical: crossing.canonical.clone(),
                bid,
                ask,
                dispersion_bps: dispersion_bps(&self.members, &crossing.canonical),
                crossed_s: crossing.past_ns.iter().sum::<i64>() as f64 / 1e9,
            }
        });
        let (venues, members) = (venues.collect(), self.members.iter().map(|member| member.id).collect());
        Some(GroupReport { at, name, members, mids, venues, pairs: self.pairs.clone() })
    }

    /// One pair a second: each comparison walks through all moves once per lag.
    fn compare_next(&mut self, at: Nanos) {
        let count = self.members.len();
        let pairs = (0..count).flat_map(|first| (first + 1..count).map(move |second| (first, second)));
        let Some((first, second)) = pairs.clone().nth(self.turn).or_else(|| pairs.clone().next()) else { return };
        self.turn = (self.turn + 1) % (count * (count - 1) / 2).max(1);
        let (Some(x), Some(y)) = (self.members.get(first), self.members.get(second)) else { return };
        let (first, second) = (first as u32, second as u32);
        self.pairs.retain(|pair| (pair.first, pair.second) != (first, second));
        if let Some(lead) = compare(&x.moves, &y.moves) {
            self.pairs.push(Pair { first, second, lead, at });
            self.pairs.sort_unstable_by_key(|pair| (pair.first, pair.second));
        }
    }
}

/// Canonical names that two or more members share, each once.
fn shared(members: &[Member]) -> impl Iterator<Item = &str> {
    members.iter().enumerate().filter_map(|(place, member)| {
        let same = |other: &&Member| other.canonical == member.canonical;
        (members.iter().take(place).filter(same).count() == 1).then_some(member.canonical.as_str())
    })
}

fn live<'a>(members: &'a [Member], canonical: &'a str) -> impl Iterator<Item = (InstrumentId, Quoted)> + 'a {
    members.iter().filter(move |member| member.canonical == canonical).filter_map(|m| Some((m.id, m.quoted?)))
}

type Whose = Option<(InstrumentId, f64)>;

/// Highest bid and lowest ask; the member met first where several quote the same.
fn best(members: &[Member], canonical: &str) -> (Whose, Whose) {
    let bids = live(members, canonical).map(|(id, quoted)| (id, quoted.bid));
    let asks = live(members, canonical).map(|(id, quoted)| (id, quoted.ask));
    let higher = |best: (InstrumentId, f64), next: (InstrumentId, f64)| if next.1 > best.1 { next } else { best };
    let lower = |best: (InstrumentId, f64), next: (InstrumentId, f64)| if next.1 < best.1 { next } else { best };
    (bids.reduce(higher), asks.reduce(lower))
}

fn dispersion_bps(members: &[Member], canonical: &str) -> Option<f64> {
    let mids = || live(members, canonical).map(|(_, quoted)| quoted.mid());
    let n = mids().count() as f64;
    if n < 2.0 {
        return None;
    }
    let mean = mids().sum::<f64>() / n;
    let variance = mids().map(|mid| (mid - mean) * (mid - mean)).sum::<f64>() / (n - 1.0);
    Some(variance.sqrt() / mean * 1e4).filter(|bps| bps.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 3] = ["BTC-USDT", "BTC-USDT-PERP", "BTC-USDT"];

    fn look(group: &mut Group, ms: i64, quotes: [Option<(f64, f64)>; 3]) {
        let at = Nanos::from_millis(ms);
        let all = quotes.into_iter().zip(NAMES).enumerate().map(|(i, (quote, name))| {
            (InstrumentId(i as u32), name, quote.map(|(bid, ask)| Quoted { bid, ask, since: at }))
        });
        group.look(at, all);
    }

    #[test]
    fn by_hand() {
        let mut group = Group::default();
        look(&mut group, 0, [Some((100.0, 102.0)), Some((110.0, 112.0)), Some((103.0, 105.0))]);
        look(&mut group, 400, [Some((100.0, 102.0)), Some((110.0, 112.0)), Some((101.0, 103.0))]);
        look(&mut group, 1_000, [Some((100.0, 102.0)), Some((110.0, 112.0)), Some((101.0, 103.0))]);
        let report = group.report(Nanos::from_millis(1_000), "BTC-USDT".into()).unwrap();
        assert_eq!(report.mids, [Some(101.0), Some(111.0), Some(102.0)]);
        assert!((report.basis_bps(1, 0).unwrap() - 10.0 / 101.0 * 1e4).abs() < 1e-9);
        assert!((report.basis_bps(0, 1).unwrap() + 10.0 / 111.0 * 1e4).abs() < 1e-9);
        let [venues] = report.venues.as_slice() else { panic!("{:?}", report.venues) };
        assert_eq!(venues.canonical, "BTC-USDT"); // the only name that two share
        assert_eq!((venues.bid, venues.ask), (Some((InstrumentId(2), 101.0)), Some((InstrumentId(0), 102.0))));
        assert_eq!(venues.crossed_s, 0.4); // 103 above 102 until 0.4 s
        assert!((venues.dispersion_bps.unwrap() - 0.5f64.sqrt() / 101.5 * 1e4).abs() < 1e-9);
        for second in 2..=61 {
            look(&mut group, second * 1_000, [Some((100.0, 102.0)), None, Some((101.0, 103.0))]);
            let report = group.report(Nanos::from_millis(second * 1_000), "BTC-USDT".into()).unwrap();
            assert_eq!(report.venues[0].crossed_s, if second < 61 { 0.4 } else { 0.0 });
            assert_eq!(report.basis_bps(1, 0), None);
        }
        look(&mut group, 70_000, [None, None, Some((101.0, 103.0))]);
        assert_eq!(group.report(Nanos::from_millis(70_000), "BTC-USDT".into()), None);
    }

    #[test]
    fn every_pair_gets_its_turn_and_an_interruption_begins_anew() {
        let mut group = Group::default();
        let mid = |i: i64| 100.0 + ((i * 7_919) % 13) as f64 / 100.0;
        for i in 0..100 {
            let quote = |i| Some((mid(i) - 0.01, mid(i) + 0.01));
            look(&mut group, i * 100, [quote(i), quote(i - 1), quote(i)]); // the second is a tenth behind
        }
        let pairs: Vec<Vec<(u32, u32, i64)>> = (10..13)
            .map(|second| {
                let report = group.report(Nanos::from_millis(second * 1_000), "BTC-USDT".into()).unwrap();
                report.pairs.iter().map(|pair| (pair.first, pair.second, pair.lead.lag_ms)).collect()
            })
            .collect();
        assert_eq!(
            pairs,
            [vec![(0, 1, 100)], vec![(0, 1, 100), (0, 2, 0)], vec![(0, 1, 100), (0, 2, 0), (1, 2, -100)]]
        );
        look(&mut group, 13_000, [Some((99.0, 101.0)), None, Some((99.0, 101.0))]);
        let report = group.report(Nanos::from_millis(13_000), "BTC-USDT".into()).unwrap();
        assert_eq!(report.pairs.len(), 2);
    }
}
