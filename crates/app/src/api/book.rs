//! Whole books: levels to any depth, or within a band around mid, from the engine itself.

use super::asked::{Asked, Named, Origin, SourceQuery, basis_points, instrument};
use super::problem::Problem;
use super::stamp::{Stamp, decimal, level};
use super::{Api, Routes};
use axum::extract::State as Shared;
use axum::response::Json;
use fathometer_engine::book::excerpt::{Excerpt, excerpt};
use fathometer_engine::engine::Engine;
use fathometer_engine::instrument::InstrumentId;
use fathometer_engine::output::{Status, Validity};
use fathometer_engine::units::{Scale, Side};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The paths of this file.
pub fn router() -> Routes {
    OpenApiRouter::<Arc<Api>>::new().routes(routes!(book))
}

/// Which part of a book.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BookQuery {
    /// Most levels a side [default: 25, or with `band_bps` as many as there are].
    #[param(minimum = 1, maximum = 5000)]
    pub depth: Option<u32>,
    /// Only levels within so many basis points of mid.
    #[param(minimum = 0, maximum = 10000)]
    pub band_bps: Option<f64>,
}

/// Levels a side when nothing else is asked for.
pub const DEPTH: usize = 25;

/// A book.
#[derive(Debug, Serialize, ToSchema)]
pub struct WholeBook {
    /// `venue:symbol`.
    pub id: String,
    /// How far it may be believed; the levels of a book that is not `live` are those it had.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// Buyers, best first: price and size, exact.
    pub bids: Vec<[String; 2]>,
    /// Sellers, best first: price and size, exact.
    pub asks: Vec<[String; 2]>,
    /// Worst prices up to which the sides are known.
    pub trusted: TrustedTold,
    /// Whether all that was asked for is there, rather than cut where the book is not known.
    pub complete: bool,
}

/// Worst prices up to which the sides are known; null where they are known to the end.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrustedTold {
    /// Of the bids.
    pub bid: Option<String>,
    /// Of the asks.
    pub ask: Option<String>,
}

/// What the engine's thread tells of a book.
pub struct Seen {
    /// The asked part.
    pub levels: Excerpt,
    /// State and counters.
    pub status: Option<Status>,
    /// Units.
    pub scale: Scale,
    /// Where the sides end to be known.
    pub trusted: [Option<i64>; 2],
}

/// Looks a book up; on the engine's thread.
pub fn look(engine: &Engine, id: InstrumentId, depth: usize, band: Option<i64>) -> Option<Seen> {
    let info = engine.registry().all().get(id.0 as usize)?;
    let status = engine.status(id);
    let (levels, trusted) = match engine.book(id) {
        Some(book) => {
            let trusted = [Side::Bid, Side::Ask].map(|side| book.trusted(side).map(|price| price.0));
            (excerpt(book, depth, band), trusted)
        }
        None => (Excerpt::default(), [None; 2]),
    };
    Some(Seen { levels, status, scale: info.scale, trusted })
}

/// The book of an instrument: so many levels, or a band around mid.
#[utoipa::path(get, path = "/api/v1/instruments/{id}/book", tag = "market", params(Named, BookQuery, SourceQuery),
    responses((status = 200, description = "The book", body = WholeBook)))]
async fn book(
    Shared(api): Shared<Arc<Api>>,
    Named { id }: Named,
    Asked(asked): Asked<BookQuery>,
    Origin(state): Origin,
) -> Result<Json<WholeBook>, Problem> {
    let band = asked.band_bps.map(basis_points).transpose()?;
    let most = api.limits.depth_max;
    let depth = match asked.depth {
        Some(depth) if depth == 0 || depth as usize > most => {
            return Err(Problem::malformed(format!("depth is {depth}"), "depth is between 1 and 5000"));
        }
        Some(depth) => depth as usize,
        None if band.is_some() => most,
        None => DEPTH,
    };
    let (index, id) = {
        let view = state.view();
        let index = instrument(&view, &id)?;
        (index, view.get(index).map(|market| market.id.clone()).unwrap_or_default())
    };
    let seen = state.ask(move |engine| look(engine, index, depth, band)).await?;
    let seen = seen.ok_or_else(|| Problem::busy("the instrument has just been added"))?;
    let validity = seen.status.as_ref().map_or(Validity::Empty, |status| status.validity);
    let sequence = seen.status.as_ref().map_or(-1, |status| status.last_update_id);
    let at = seen.status.as_ref().map(|status| status.last_at);
    let price = |units: Option<i64>| units.map(|units| decimal(units, seen.scale.price));
    Ok(Json(WholeBook {
        id,
        stamp: Stamp::new(validity, sequence, at, state.now()),
        bids: seen.levels.bids.iter().map(|it| level(seen.scale, it)).collect(),
        asks: seen.levels.asks.iter().map(|it| level(seen.scale, it)).collect(),
        trusted: TrustedTold { bid: price(seen.trusted[0]), ask: price(seen.trusted[1]) },
        complete: seen.levels.complete && validity == Validity::Live,
    }))
}
