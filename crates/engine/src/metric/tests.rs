//! A stage on which every metric is tested, and the contract that all of them keep.

use super::*;
use crate::event::{Depth, DepthKind, Event, LevelSpan, Trade};
use crate::instrument::{Contract, InstrumentId, Kind, Venue};
use crate::units::{Price, Scale, Side, Size};
use proptest::prelude::*;
use std::collections::HashSet;

/// A change of one level: side, price and size in units.
pub(super) type Change = (Side, i64, i64);

pub(super) fn params() -> Params {
    Params::default()
}

/// One instrument with its book and metrics; prices in hundredths, sizes in thousandths.
#[derive(Clone)]
pub(super) struct Stage {
    params: Params,
    pub(super) instrument: Instrument,
    pub(super) validity: Validity,
    pub(super) peers: Peers,
    book: Book,
    metrics: Metrics,
    at: Nanos,
}

impl Stage {
    pub(super) fn new(contract: Contract) -> Self {
        Self::with(params(), contract)
    }

    pub(super) fn with(params: Params, contract: Contract) -> Self {
        let instrument = Instrument {
            venue: Venue::Binance,
            symbol: "BTCUSDT".into(),
            base: "BTC".into(),
            quote: "USDT".into(),
            kind: Kind::Spot,
            contract,
            tick: None,
            lot: None,
            scale: Scale { price: 2, size: 3 },
            canonical: "BTC-USDT".into(),
        };
        let metrics = Metrics::new(&params);
        let (validity, peers) = (Validity::Live, Peers::default());
        Stage { params, instrument, validity, peers, book: Book::default(), metrics, at: Nanos(0) }
    }

    pub(super) fn book(mut self, bids: &[(i64, i64)], asks: &[(i64, i64)]) -> Self {
        for (side, levels) in [(Side::Bid, bids), (Side::Ask, asks)] {
            for (price, size) in levels {
                self.book.set(side, Level { price: Price(*price), size: Size(*size) });
            }
        }
        self
    }

    pub(super) fn trust(&mut self, bid: i64, ask: i64) {
        self.book.set_trusted(Side::Bid, Some(Price(bid)));
        self.book.set_trusted(Side::Ask, Some(Price(ask)));
    }

    pub(super) fn at(&mut self, ms: i64) {
        self.at = Nanos::from_millis(ms);
    }

    pub(super) fn depth(&mut self, ms: i64, changes: &[Change]) {
        let of = |wanted| changes.iter().filter(move |change| change.0 == wanted);
        let (mut levels, mut before) = (Vec::new(), Vec::new());
        for (side, price, size) in of(Side::Bid).chain(of(Side::Ask)) {
            let level = Level { price: Price(*price), size: Size(*size) };
            before.push(self.book.set(*side, level));
            levels.push(level);
        }
        let span = LevelSpan { start: 0, asks: of(Side::Bid).count() as u32, end: levels.len() as u32 };
        let (kind, ids) = (DepthKind::Diff, -1);
        let depth = Depth { kind, first_id: ids, last_id: ids, prev_id: ids, checksum: None, limit: 0, span };
        self.show(ms, Event::Depth(depth), &levels, &before);
    }

    pub(super) fn trade(&mut self, ms: i64, price: i64, size: i64, taker_buy: bool) {
        let (price, size) = (Price(price), Size(size));
        self.event(ms, Event::Trade(Trade { id: 0, price, size, taker_buy, aggregate: false }));
    }

    pub(super) fn event(&mut self, ms: i64, event: Event) {
        self.show(ms, event, &[], &[]);
    }

    fn show(&mut self, ms: i64, event: Event, levels: &[Level], before: &[Size]) {
        self.at(ms);
        let stamped = Stamped { instrument: InstrumentId(0), ts_venue: None, ts_engine: None, event };
        let (at, validity) = (self.at, self.validity);
        let (book, instrument) = (&self.book, &self.instrument);
        let seen = Seen { at, stamped: &stamped, levels, before, best: [None; 2], book, validity, instrument };
        self.metrics.on(&seen);
    }

    pub(super) fn gap(&mut self) {
        self.metrics.on_gap();
    }

    /// More decimal places for prices and sizes, as when the venue sends a finer number than ever before.
    pub(super) fn refine(&mut self, price: u8, size: u8) {
        let old = self.instrument.scale;
        self.instrument.scale = Scale { price: old.price + price, size: old.size + size };
        assert!(self.book.rescale(old, self.instrument.scale));
        self.metrics.on_rescale(old, self.instrument.scale);
    }

    fn sample_with(&self, metrics: &mut Metrics) -> Vec<Value> {
        let (at, validity, peers) = (self.at, self.validity, self.peers);
        let mut out = Vec::new();
        metrics.sample(&Moment { at, book: &self.book, validity, instrument: &self.instrument, peers }, &mut out);
        out
    }

    /// A sample that leaves its traces, as the grid takes them.
    pub(super) fn take_sample(&mut self) -> Vec<Value> {
        let mut metrics = self.metrics.clone();
        let values = self.sample_with(&mut metrics);
        self.metrics = metrics;
        values
    }

    /// A column's value now; sampling leaves this stage as it is.
    pub(super) fn get(&self, id: &str) -> Value {
        let column = column(&self.params, id).unwrap_or_else(|| panic!("no column {id}"));
        self.sample_with(&mut self.metrics.clone())[column]
    }

    pub(super) fn value(&self, id: &str) -> f64 {
        self.get(id).get().unwrap_or_else(|| panic!("{id}: {:?}", self.get(id)))
    }

    pub(super) fn reason(&self, id: &str) -> Option<Reason> {
        match self.get(id) {
            Value::Is(_) => None,
            Value::Absent(reason) => Some(reason),
        }
    }
}

/// Changes around 100.00 / 100.01 that leave the best prices of both sides apart.
pub(super) fn walk() -> impl Strategy<Value = Vec<Change>> {
    let change = (any::<bool>(), 0i64..12, 0i64..4).prop_map(|(bid, away, size)| {
        if bid { (Side::Bid, 100_00 - away, size) } else { (Side::Ask, 100_01 + away, size) }
    });
    prop::collection::vec(change, 0..100)
}

/// Bids for asks, reflected between 100.00 and 100.01.
pub(super) fn mirrored(changes: &[Change]) -> Vec<Change> {
    let other = |side| if side == Side::Bid { Side::Ask } else { Side::Bid };
    changes.iter().map(|(side, price, size)| (other(*side), 200_01 - price, *size)).collect()
}

fn every_params() -> Vec<Params> {
    let few = Params {
        bands_bps: vec![2.5],
        slippage_notionals: vec![],
        imbalance_levels: vec![1, 3],
        ofi_levels: 1,
        ofi_windows_seconds: vec![0.5],
        weighted_levels: 1,
        ..params()
    };
    let odd = Params {
        bands_bps: vec![5.0, 5.0, f64::NAN],
        slippage_notionals: vec![2e6, 1_500.0, 1_500.0],
        imbalance_levels: vec![20, 5, 5],
        ofi_windows_seconds: vec![10.0, 1.0, 1.0],
        trade_window_seconds: 0.0,
        ..params()
    };
    vec![params(), few, odd]
}

#[test]
fn samples_are_as_long_as_the_catalogue_and_ids_tell_apart() {
    for params in every_params() {
        let specs = catalogue(&params);
        let ids: HashSet<&str> = specs.iter().map(|spec| spec.id.as_str()).collect();
        assert_eq!(ids.len(), specs.len());
        for spec in &specs {
            assert!(
                spec.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_.".contains(&b)),
                "{}",
                spec.id
            );
            assert!(!spec.unit.is_empty() && spec.help.ends_with('.') && !spec.formula.is_empty(), "{}", spec.id);
        }
        let full = Stage::with(params.clone(), Contract::Base).book(&[(99_00, 9)], &[(101_00, 9)]);
        let mut invalid = full.clone();
        invalid.validity = Validity::Gap;
        for stage in [Stage::with(params.clone(), Contract::Unknown), full, invalid] {
            assert_eq!(stage.sample_with(&mut stage.metrics.clone()).len(), specs.len());
        }
        for (i, spec) in specs.iter().enumerate() {
            assert_eq!(column(&params, &spec.id), Some(i));
        }
        let table = catalogue_markdown(&params);
        assert_eq!(table.lines().count(), specs.len() + 2);
        for line in table.lines() {
            assert_eq!(line.replace("\\|", "").matches('|').count(), 5, "{line}");
        }
    }
    assert_eq!(column(&params(), "no_such_column"), None);
}

#[test]
fn the_columns_of_the_defaults_keep_their_names() {
    let ids: Vec<String> = catalogue(&params()).into_iter().map(|spec| spec.id).collect();
    let expected = "mid spread spread_bps microprice microprice_minus_mid_bps queue_imbalance imbalance_5 imbalance_10 \
        imbalance_20 depth_bid_1bps_quote depth_bid_5bps_quote depth_bid_10bps_quote depth_bid_25bps_quote \
        depth_bid_50bps_quote depth_bid_100bps_quote depth_ask_1bps_quote depth_ask_5bps_quote depth_ask_10bps_quote \
        depth_ask_25bps_quote depth_ask_50bps_quote depth_ask_100bps_quote slippage_buy_10k_bps slippage_buy_100k_bps \
        slippage_buy_1m_bps slippage_sell_10k_bps slippage_sell_100k_bps slippage_sell_1m_bps weighted_price_10 \
        weighted_price_cross_10 slope_10 ofi_1s ofi_10s ofi_1 ofi_2 ofi_3 ofi_4 ofi_5 integrated_ofi vwap_60s vwap_since_start \
        volume_buy_60s_base_per_s volume_sell_60s_base_per_s trade_imbalance_60s cvd_base volatility_300s_annual_pct \
        realised_variance_300s depth_updates_per_s trades_per_s bbo_updates_per_s basis_index_bps basis_mark_bps \
        basis_spot_bps mark_index_bps funding_rate_bps funding_next_s kyle_lambda_bps_per_million \
        kyle_lambda_se_bps_per_million amihud_bps_per_million roll_spread_bps bipower_volatility_annual_pct jump_share \
        parkinson_volatility_annual_pct two_scale_volatility_annual_pct vpin effective_spread_bps realised_spread_5s_bps \
        price_impact_5s_bps markout_1s_bps markout_5s_bps markout_30s_bps markout_60s_bps \
        hawkes_base_per_s hawkes_branching_ratio hawkes_decay_per_s stoikov_microprice stoikov_minus_mid_bps \
        added_0_1bps_size_per_s added_1_5bps_size_per_s added_5_25bps_size_per_s cancelled_0_1bps_size_per_s \
        cancelled_1_5bps_size_per_s cancelled_5_25bps_size_per_s filled_0_1bps_size_per_s filled_1_5bps_size_per_s \
        filled_5_25bps_size_per_s order_to_trade_number order_to_trade_volume resilience_half_life_s \
        resilience_recovered_1s resilience_recovered_5s resilience_recovered_30s premium_index_bps funding_predicted_bps \
        z_spread z_robust_spread z_depth_10bps z_robust_depth_10bps z_imbalance_5 z_robust_imbalance_5 z_ofi_1s \
        z_robust_ofi_1s z_basis z_robust_basis z_volume z_robust_volume";
    assert_eq!(ids, expected.split_whitespace().collect::<Vec<_>>());
}

#[test]
fn a_book_that_is_not_live_tells_nothing_of_itself() {
    let mut stage = Stage::new(Contract::Base).book(&[(99_99, 9)], &[(100_01, 9)]);
    for i in 0..100 {
        stage.depth(i * 1_000, &[]);
    }
    stage.validity = Validity::Stale;
    let specs = catalogue(&stage.params);
    let values = stage.sample_with(&mut stage.metrics.clone());
    let told: Vec<&str> = specs
        .iter()
        .zip(&values)
        .filter(|(_, v)| **v != Value::Absent(Reason::BookInvalid))
        .map(|(s, _)| s.id.as_str())
        .collect();
    let of_messages = "vwap_60s vwap_since_start volume_buy_60s_base_per_s volume_sell_60s_base_per_s trade_imbalance_60s \
        cvd_base depth_updates_per_s trades_per_s bbo_updates_per_s basis_index_bps basis_mark_bps basis_spot_bps \
        mark_index_bps funding_rate_bps funding_next_s roll_spread_bps vpin hawkes_base_per_s \
        hawkes_branching_ratio hawkes_decay_per_s premium_index_bps funding_predicted_bps z_basis z_robust_basis \
        z_volume z_robust_volume";
    assert_eq!(told, of_messages.split_whitespace().collect::<Vec<_>>());
}

/// What may happen to a stage.
#[derive(Clone, Debug)]
enum Step {
    Depth(Change),
    Trade(i64, i64, bool),
    Gap,
    Refine,
    Sample,
}

fn steps() -> impl Strategy<Value = Vec<(i64, Step)>> {
    let change = (any::<bool>(), 0i64..300, 0i64..2_000_000);
    let step = prop_oneof![
        8 => change.prop_map(|(bid, away, size)| {
            Step::Depth(if bid { (Side::Bid, 100_00 - away, size) } else { (Side::Ask, 100_01 + away, size) })
        }),
        4 => (99_00i64..101_00, 0i64..5_000, any::<bool>()).prop_map(|(p, q, buy)| Step::Trade(p, q, buy)),
        1 => Just(Step::Gap),
        1 => Just(Step::Refine),
        6 => Just(Step::Sample),
    ];
    prop::collection::vec((0i64..700, step), 1..150)
}

fn contracts() -> impl Strategy<Value = Contract> {
    use crate::units::Decimal;
    prop_oneof![
        Just(Contract::Base),
        Just(Contract::Linear(Decimal::new(1, 2))),
        Just(Contract::Inverse(Decimal::new(100, 0))),
        Just(Contract::Unknown),
    ]
}

fn perform(stage: &mut Stage, ms: i64, step: &Step) -> Vec<Value> {
    // Units after a refinement: the script stays in hundredths and thousandths.
    let (p, q) =
        (10i64.pow(u32::from(stage.instrument.scale.price - 2)), 10i64.pow(u32::from(stage.instrument.scale.size - 3)));
    match step {
        Step::Depth((side, price, size)) => stage.depth(ms, &[(*side, price * p, size * q)]),
        Step::Trade(price, size, buy) => stage.trade(ms, price * p, size * q, *buy),
        Step::Gap => stage.gap(),
        Step::Refine if stage.instrument.scale.price < 5 => stage.refine(1, 1),
        Step::Refine => {}
        Step::Sample => {
            stage.at(ms);
            return stage.take_sample();
        }
    }
    Vec::new()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_restored_state_goes_on_as_if_nothing_had_happened(contract in contracts(), script in steps(), cut in 0usize..150) {
        let params = Params { volatility_window_seconds: 10.0, trade_window_seconds: 5.0, ..params() };
        let mut stage = Stage::with(params, contract);
        let mut restored = None;
        let mut now = 0;
        for (i, (wait, step)) in script.iter().enumerate() {
            now += wait;
            if i == cut.min(script.len() / 2) {
                let bytes = postcard::to_stdvec(&stage.metrics).unwrap();
                let mut twin = stage.clone();
                twin.metrics = postcard::from_bytes(&bytes).unwrap();
                restored = Some(twin);
            }
            let values = perform(&mut stage, now, step);
            for value in &values {
                prop_assert!(value.get().is_none_or(f64::is_finite));
            }
            if let Some(twin) = &mut restored {
                prop_assert_eq!(&values, &perform(twin, now, step));
            }
        }
        let twin = restored.unwrap();
        prop_assert_eq!(postcard::to_stdvec(&stage.metrics).unwrap(), postcard::to_stdvec(&twin.metrics).unwrap());
    }

    #[test]
    fn sampling_disturbs_nothing(contract in contracts(), script in steps()) {
        let (mut often, mut seldom) = (Stage::new(contract), Stage::new(contract));
        let mut now = 0;
        for (wait, step) in &script {
            now += wait;
            if matches!(step, Step::Gap) {
                perform(&mut seldom, now, &Step::Sample); // a gap has no time of its own: the engine's grid is before it
            }
            perform(&mut often, now, &Step::Sample);
            perform(&mut often, now, step);
            perform(&mut often, now, &Step::Sample);
            if !matches!(step, Step::Sample) {
                perform(&mut seldom, now, step);
            }
        }
        now += 1_000;
        let (one, other) = (perform(&mut often, now, &Step::Sample), perform(&mut seldom, now, &Step::Sample));
        // Scores are of the samples that were taken: they are the same on the same grid only.
        let specs = catalogue(&params());
        let sampled = |spec: &&Spec| !spec.id.starts_with("z_");
        for (spec, (one, other)) in specs.iter().filter(sampled).zip(one.iter().zip(&other)) {
            prop_assert_eq!(one, other, "{}", spec.id);
        }
    }
}
