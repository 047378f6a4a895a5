//! What is watched for, with the parameters in force, and how the watch over each instrument stands.

use super::alerts::told::MeasureTold;
use super::asked::{Origin, SourceQuery};
use super::problem::Problem;
use super::stamp::{Stamp, snake};
use super::{Api, Routes};
use crate::view::Market;
use axum::response::Json;
use fathometer_engine::detector::{CATALOGUE, Params, Skip};
use fathometer_engine::metric::Value;
use fathometer_engine::surveillance::{Board, Line};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The paths of this file.
pub fn router() -> Routes {
    OpenApiRouter::<Arc<Api>>::new().routes(routes!(detectors)).routes(routes!(board))
}

/// What is watched for.
#[derive(Debug, Serialize, ToSchema)]
pub struct Detectors {
    /// Whether anything is watched at all.
    pub enabled: bool,
    /// Every detector.
    pub detectors: Vec<DetectorTold>,
}

/// One detector.
#[derive(Debug, Serialize, ToSchema)]
pub struct DetectorTold {
    /// Stable name.
    pub id: &'static str,
    /// For people.
    pub title: &'static str,
    /// `classic`, `liquidity`, `manipulation`, `pricing` or `feed`.
    pub family: String,
    /// What it can see in level data, and what it cannot.
    pub sees: &'static str,
    /// Where the rule comes from.
    pub source: &'static str,
    /// Whether it is asked only while the book may be believed.
    pub needs_book: bool,
    /// An alert of it is over when nothing was found for that long, ms.
    pub clear_ms: u32,
    /// After that the same is not raised again for that long, ms.
    pub cooldown_ms: u32,
    /// Whether it is switched off.
    pub off: bool,
    /// Parameters in force.
    #[schema(value_type = Object)]
    pub params: serde_json::Value,
    /// Those that differ, by the instrument's canonical name.
    #[schema(value_type = Object)]
    pub instruments: BTreeMap<String, serde_json::Value>,
}

/// How the watch stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct Boards {
    /// By instrument.
    pub instruments: Vec<BoardTold>,
}

/// How the watch over one instrument stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct BoardTold {
    /// `venue:symbol`.
    pub id: String,
    /// Name across venues.
    pub canonical: String,
    /// What its market's quality is judged by; null with a reason where it cannot be vouched for.
    pub values: BTreeMap<&'static str, Option<f64>>,
    /// By value, why it is null.
    pub reasons: BTreeMap<&'static str, String>,
    /// By family of detectors: `ok`, `info`, `warning`, `critical`, or `blind` where none of them can tell now.
    pub lights: BTreeMap<String, &'static str>,
    /// Every detector.
    pub detectors: Vec<WatchTold>,
    /// How far the book may be believed.
    #[serde(flatten)]
    pub stamp: Stamp,
}

/// What one detector does for one instrument.
#[derive(Debug, Serialize, ToSchema)]
pub struct WatchTold {
    /// The detector's id.
    pub detector: &'static str,
    /// What it looks at all the time.
    pub gauge: Option<MeasureTold>,
    /// Samples of the z-score so far and needed, while it warms up.
    pub warmup: Option<[u32; 2]>,
    /// Why it cannot tell now.
    pub skip: Option<String>,
    /// How often it could not tell, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Times it found something.
    pub found: u64,
    /// Of these, left out: cooling down, or too many at once.
    pub suppressed: u64,
    /// The worst alert of it that fires.
    pub firing: Option<&'static str>,
}

/// What a market's quality is judged by.
const VALUES: [&str; 5] = ["mid", "spread_bps", "depth_bid_10bps_quote", "depth_ask_10bps_quote", "basis_spot_bps"];

/// The detectors, what each can and cannot see, and the parameters in force.
#[utoipa::path(get, path = "/api/v1/detectors", tag = "surveillance", params(SourceQuery),
    responses((status = 200, description = "The detectors", body = Detectors)))]
async fn detectors(Origin(state): Origin) -> Result<Json<Detectors>, Problem> {
    let rules = state.ask(|engine| engine.config().surveillance.clone()).await?;
    let object = |params: &Params| serde_json::to_value(params).unwrap_or_default();
    let usual = object(&rules.usual);
    let own: Vec<(String, serde_json::Value)> =
        rules.instruments.iter().map(|(name, params)| (name.clone(), object(params))).collect();
    let of = |params: &serde_json::Value, id: &str| params.get(id).cloned().unwrap_or_default();
    let detectors = CATALOGUE.iter().map(|about| DetectorTold {
        id: about.id,
        title: about.title,
        family: snake(&about.family),
        sees: about.sees,
        source: about.source,
        needs_book: about.needs_book,
        clear_ms: about.pace.clear_ms,
        cooldown_ms: about.pace.cooldown_ms,
        off: rules.off.iter().any(|id| id == about.id),
        params: of(&usual, about.id),
        instruments: own
            .iter()
            .map(|(name, params)| (name.clone(), of(params, about.id)))
            .filter(|(_, params)| *params != of(&usual, about.id))
            .collect(),
    });
    Ok(Json(Detectors { enabled: rules.enabled, detectors: detectors.collect() }))
}

/// How the watch over each instrument stands: spread, depth, basis, what every detector looks at and why it cannot tell.
#[utoipa::path(get, path = "/api/v1/board", tag = "surveillance", params(SourceQuery),
    responses((status = 200, description = "The boards", body = Boards)))]
async fn board(Origin(state): Origin) -> Json<Boards> {
    let boards: Vec<Option<Board>> = state.hub.lock().slots.iter().map(|slot| slot.board.clone()).collect();
    let (now, view) = (state.now(), state.view());
    let value = |market: &Market, column: &str| view.value(market, column);
    let told = view.markets.iter().zip(boards.iter().chain(std::iter::repeat(&None)));
    let instruments = told.map(|(market, board)| tell(market, board.as_ref(), Stamp::of(market, now), &value));
    Json(Boards { instruments: instruments.collect() })
}

fn tell(market: &Market, board: Option<&Board>, stamp: Stamp, value: &dyn Fn(&Market, &str) -> Value) -> BoardTold {
    let (mut values, mut reasons) = (BTreeMap::new(), BTreeMap::new());
    for name in VALUES {
        let number = value(market, name);
        values.insert(name, number.get().filter(|number| number.is_finite()));
        if let Value::Absent(reason) = number {
            reasons.insert(name, snake(&reason));
        }
    }
    let lines = board.map(|board| board.lines.as_slice()).unwrap_or_default();
    let mut lights: BTreeMap<String, &'static str> = BTreeMap::new();
    for (about, line) in CATALOGUE.iter().zip(lines) {
        let light = match (line.firing, line.skip) {
            (Some(severity), _) => severity.name(),
            (None, Some(_)) => "blind",
            (None, None) => "ok",
        };
        let rank = |light: &str| ["blind", "ok", "info", "warning", "critical"].iter().position(|word| *word == light);
        let worst = lights.entry(snake(&about.family)).or_insert(light);
        if rank(light) > rank(worst) {
            *worst = light;
        }
    }
    BoardTold {
        id: market.id.clone(),
        canonical: market.info.canonical.clone(),
        values,
        reasons,
        lights,
        detectors: CATALOGUE.iter().zip(lines).map(|(about, line)| line_told(about.id, line)).collect(),
        stamp,
    }
}

fn line_told(detector: &'static str, line: &Line) -> WatchTold {
    let gauge = line.gauge.as_ref();
    let counted = Skip::ALL.iter().zip(line.skipped).filter(|(_, count)| *count > 0);
    WatchTold {
        detector,
        gauge: gauge.and_then(|gauge| gauge.measure.as_ref()).map(MeasureTold::of),
        warmup: gauge.and_then(|gauge| gauge.warmup).map(|(so_far, needed)| [so_far, needed]),
        skip: line.skip.as_ref().map(snake),
        skipped: counted.map(|(skip, count)| (snake(skip), count)).collect(),
        found: line.found,
        suppressed: line.suppressed,
        firing: line.firing.map(|severity| severity.name()),
    }
}
