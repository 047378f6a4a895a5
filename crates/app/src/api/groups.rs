//! The same thing on several venues: who belongs together, and their books as one.

use super::asked::{Asked, Origin, PathPart, SourceQuery};
use super::problem::Problem;
use super::stamp::{Stamp, snake};
use super::{Api, Routes};
use crate::nearest::nearest;
use crate::view::View;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::Json;
use fathometer_engine::book::merge::{Member, Merged, Row, merge};
use fathometer_engine::engine::Engine;
use fathometer_engine::instrument::{Contract, InstrumentId};
use fathometer_engine::metric::Reason;
use fathometer_engine::output::Validity;
use fathometer_engine::units::Nanos;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The paths of this file.
pub fn router() -> Routes {
    OpenApiRouter::<Arc<Api>>::new().routes(routes!(groups)).routes(routes!(group_book))
}

/// All groups.
#[derive(Debug, Serialize, ToSchema)]
pub struct Groups {
    /// By name.
    pub groups: Vec<Group>,
}

/// The same thing on several venues.
#[derive(Debug, Serialize, ToSchema)]
pub struct Group {
    /// Name across venues.
    pub canonical: String,
    /// `venue:symbol` of each.
    pub instruments: Vec<String>,
}

/// How deep.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DepthQuery {
    /// Most prices a side [default: 25].
    #[param(minimum = 1, maximum = 5000)]
    pub depth: Option<u32>,
}

/// Several books as one.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupBook {
    /// Name across venues.
    pub canonical: String,
    /// How far it may be believed; its time is that of the book that was heard of longest ago.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// Buyers, best first.
    pub bids: Vec<RowTold>,
    /// Sellers, best first.
    pub asks: Vec<RowTold>,
    /// Whose book could not be taken in, and why.
    pub left_out: Vec<LeftOut>,
    /// Whether all that was asked for is there, rather than cut where a book is not known.
    pub complete: bool,
}

/// One price.
#[derive(Debug, Serialize, ToSchema)]
pub struct RowTold {
    /// Quote currency.
    pub price: String,
    /// Base coins on all venues.
    pub size: String,
    /// Who has how much of it.
    pub parts: Vec<Part>,
}

/// What one venue has at a price.
#[derive(Debug, Serialize, ToSchema)]
pub struct Part {
    /// `venue:symbol`.
    pub id: String,
    /// Base coins; of inverse contracts rounded down to eight places.
    pub size: String,
}

/// A book that could not be taken in.
#[derive(Debug, Serialize, ToSchema)]
pub struct LeftOut {
    /// `venue:symbol`.
    pub id: String,
    /// The state of its book, or `contract_unknown`.
    pub reason: String,
}

/// Which instruments are the same thing on several venues.
#[utoipa::path(get, path = "/api/v1/groups", tag = "market", params(SourceQuery),
    responses((status = 200, description = "The groups", body = Groups)))]
async fn groups(Origin(state): Origin) -> Json<Groups> {
    let groups = grouped(&state.view());
    let group = |(canonical, members): (String, Vec<(InstrumentId, String)>)| Group {
        canonical,
        instruments: members.into_iter().map(|(_, id)| id).collect(),
    };
    Json(Groups { groups: groups.into_iter().map(group).collect() })
}

/// By name across venues, who is the same thing.
pub(super) fn grouped(view: &View) -> BTreeMap<String, Vec<(InstrumentId, String)>> {
    let mut groups: BTreeMap<String, Vec<(InstrumentId, String)>> = BTreeMap::new();
    for (index, market) in (0u32..).zip(&view.markets) {
        groups.entry(market.info.canonical.clone()).or_default().push((InstrumentId(index), market.id.clone()));
    }
    groups
}

/// The books of a group as one, sizes in base coins.
#[utoipa::path(get, path = "/api/v1/groups/{canonical}/book", tag = "market",
    params(("canonical" = String, Path, description = "Name across venues: `BTC-USDT-PERP`", min_length = 1,
        max_length = 64, example = "BTC-USDT"), DepthQuery, SourceQuery),
    responses((status = 200, description = "The book", body = GroupBook)))]
async fn group_book(
    Shared(api): Shared<Arc<Api>>,
    PathPart(asked): PathPart<String>,
    Asked(DepthQuery { depth }): Asked<DepthQuery>,
    Origin(state): Origin,
) -> Result<Json<GroupBook>, Problem> {
    let depth = depth.map_or(super::book::DEPTH, |depth| depth as usize);
    if depth == 0 || depth > api.limits.depth_max {
        return Err(Problem::malformed(format!("depth is {depth}"), "depth is between 1 and 5000"));
    }
    let (canonical, members) = find(grouped(&state.view()), &asked)?;
    let told = members.clone();
    let (merged, stamps) = state.ask(move |engine| look(engine, &told, depth)).await?;
    let mut left_out = Vec::new();
    let (mut oldest, mut live, mut inside) = (None::<Nanos>, Validity::Empty, Vec::new());
    for ((_, id), (validity, at, reason)) in members.into_iter().zip(stamps) {
        match reason {
            Some(reason) => {
                if live != Validity::Live {
                    live = validity;
                }
                left_out.push(LeftOut { id, reason });
            }
            None => {
                live = Validity::Live;
                oldest = Some(oldest.map_or(at, |oldest| oldest.min(at)));
                inside.push(id);
            }
        }
    }
    let row = |row: Row| RowTold {
        price: row.price.to_string(),
        size: row.size.to_string(),
        parts: row
            .parts
            .into_iter()
            .map(|(index, size)| Part { id: inside.get(index).cloned().unwrap_or_default(), size: size.to_string() })
            .collect(),
    };
    Ok(Json(GroupBook {
        canonical,
        stamp: Stamp::new(live, -1, oldest, state.now()),
        bids: merged.bids.into_iter().map(&row).collect(),
        asks: merged.asks.into_iter().map(&row).collect(),
        complete: merged.complete && left_out.is_empty(),
        left_out,
    }))
}

pub(super) type Members = Vec<(InstrumentId, String)>;

/// The group of a name.
pub(super) fn find(groups: BTreeMap<String, Members>, asked: &str) -> Result<(String, Members), Problem> {
    let near: Vec<String> =
        nearest(asked, groups.keys().map(String::as_str), 5).into_iter().map(str::to_owned).collect();
    groups.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(asked)).ok_or_else(|| {
        let shown: String = asked.chars().take(64).collect();
        let detail = format!("`{shown}` is the name of no group");
        let remedy = "GET /api/v1/groups lists them; `candidates` holds the nearest names";
        Problem::new(StatusCode::NOT_FOUND, "unknown-group", "No such group is watched", detail, remedy).meaning(near)
    })
}

/// Merges what is to be believed; per member its state, its time, and why it is left out, if it is.
fn look(engine: &Engine, ids: &Members, depth: usize) -> (Merged, Vec<(Validity, Nanos, Option<String>)>) {
    let mut members = Vec::new();
    let mut told = Vec::new();
    for (id, _) in ids {
        let status = engine.status(*id);
        let validity = status.as_ref().map_or(Validity::Empty, |status| status.validity);
        let at = status.map_or(Nanos(0), |status| status.last_at);
        let info = engine.registry().all().get(id.0 as usize);
        let reason = match (engine.book(*id), info) {
            _ if validity != Validity::Live => Some(snake(&validity)),
            (Some(_), Some(info)) if info.contract == Contract::Unknown => Some(snake(&Reason::ContractUnknown)),
            (Some(book), Some(instrument)) => {
                members.push(Member { book, instrument });
                None
            }
            _ => Some(snake(&Validity::Empty)),
        };
        told.push((validity, at, reason));
    }
    (merge(&members, depth), told)
}
