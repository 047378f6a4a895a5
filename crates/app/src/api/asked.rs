//! What a request asks for, read with refusals that say what to do: parameters, bodies, the source, instruments by name.

use super::Api;
use super::problem::Problem;
use crate::live::question::Unanswered;
use crate::live::state::State;
use crate::nearest::nearest;
use crate::symbols::{Known, Symbols};
use crate::view::View;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use fathometer_engine::book::excerpt::BAND_ONE;
use fathometer_engine::instrument::InstrumentId;
use fathometer_engine::units::Decimal;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Query parameters.
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Arc<Api>> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Api>) -> Result<Self, Problem> {
        let Query(asked) = Query::try_from_uri(&parts.uri).map_err(|error| {
            Problem::malformed(error.body_text(), "see /api/v1/docs for the parameters of this path")
        })?;
        Ok(Asked(asked))
    }
}

/// The instrument in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct Named {
    /// `venue:symbol`, a canonical name or a bare symbol: `binance:BTCUSDT`, `BTC-USDT-PERP`, `btcusdt`.
    #[param(min_length = 1, max_length = 64, example = "binance:BTCUSDT")]
    pub id: String,
}

/// A part of the path, decoded; too long for a name is refused before it is looked for.
pub struct PathPart<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<Api>> for PathPart<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let path = Path::<T>::from_request_parts(parts, api).await;
        let Path(part) = path.map_err(|error| {
            Problem::malformed(error.body_text(), "write what is in braces in /api/v1/docs as percent-encoded UTF-8")
        })?;
        Ok(PathPart(part))
    }
}

impl FromRequestParts<Arc<Api>> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let PathPart(named) = PathPart::<Named>::from_request_parts(parts, api).await?;
        Ok(named)
    }
}

/// A band in basis points of mid, as the engine takes it.
///
/// # Errors
/// It is no band.
pub fn basis_points(bps: f64) -> Result<i64, Problem> {
    if !(0.0..=10_000.0).contains(&bps) {
        return Err(Problem::malformed(format!("band_bps is {bps}"), "band_bps is between 0 and 10000"));
    }
    Ok((bps * (BAND_ONE / 10_000) as f64).round() as i64)
}

/// The smallest and the largest amount that may be asked for.
const AMOUNTS: std::ops::RangeInclusive<f64> = 1e-8..=1e12;

/// An amount of coins, contracts or money, as exactly as it is written (beyond twelve places rounded).
///
/// # Errors
/// It is no amount.
pub fn amount(name: &str, text: &str) -> Result<Decimal, Problem> {
    let wrong = || {
        let shown: String = text.chars().take(40).collect();
        Problem::malformed(format!("{name} is `{shown}`"), "write a plain number between 0.00000001 and 1000000000000")
    };
    let plain =
        text.len() <= 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    let number: f64 = text.parse().ok().filter(|number| plain && AMOUNTS.contains(number)).ok_or_else(wrong)?;
    Decimal::parse(text.as_bytes()).or_else(|_| Decimal::parse(format!("{number:.12}").as_bytes())).map_err(|_| wrong())
}

impl From<Unanswered> for Problem {
    fn from(why: Unanswered) -> Self {
        match why {
            Unanswered::Full => Problem::busy(why.to_string()),
            Unanswered::Ended => Problem::busy(format!("{why}: the engine answers no more")),
        }
    }
}

/// Which books are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SourceName {
    /// What this program runs: exchanges, the demo, or the recording of `replay --serve`.
    Live,
    /// The recording that was opened through `/api/v1/replay`.
    Replay,
}

/// The parameter that all paths take.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SourceQuery {
    /// `replay` reads the opened recording instead of the live run.
    #[param(inline)]
    pub source: Option<SourceName>,
}

/// The state that is meant.
pub struct Origin(pub Arc<State>);

impl FromRequestParts<Arc<Api>> for Origin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let Asked(asked) = Asked::<SourceQuery>::from_request_parts(parts, api).await?;
        Ok(Origin(api.source(asked.source)?))
    }
}

impl Api {
    /// The state of a source.
    ///
    /// # Errors
    /// No recording is open.
    pub fn source(&self, asked: Option<SourceName>) -> Result<Arc<State>, Problem> {
        if asked != Some(SourceName::Replay) || self.main.is_replay() {
            return Ok(self.main.clone());
        }
        self.replay().ok_or_else(Problem::no_replay)
    }
}

/// The one instrument that a name means in a view.
///
/// # Errors
/// Unknown (404, with the nearest names) or ambiguous (409, with the candidates).
pub fn instrument(view: &View, name: &str) -> Result<InstrumentId, Problem> {
    let symbols = known(view);
    let found = symbols.resolve(name).map_err(|_| refuse(&symbols, name))?;
    let [one] = found.as_slice() else {
        return Err(ambiguous(name, found.iter().map(|known| known.id()).collect()));
    };
    let id = one.id();
    let index = view.markets.iter().position(|market| market.id == id);
    index.map(|index| InstrumentId(index as u32)).ok_or_else(|| refuse(&symbols, name))
}

/// Every instrument of a view, as names are resolved.
pub fn known(view: &View) -> Symbols {
    let one = |market: &crate::view::Market| Known {
        venue: market.info.venue,
        symbol: market.info.symbol.clone(),
        canonical: market.info.canonical.clone(),
        configured: true,
    };
    Symbols::listed(view.markets.iter().map(one).collect())
}

fn refuse(symbols: &Symbols, name: &str) -> Problem {
    let same: Vec<String> =
        symbols.all().iter().filter(|known| known.symbol.eq_ignore_ascii_case(name)).map(Known::id).collect();
    if same.len() > 1 {
        return ambiguous(name, same);
    }
    let names: Vec<String> = symbols.all().iter().flat_map(|known| [known.id(), known.symbol.clone()]).collect();
    let near = nearest(name, names.iter().map(String::as_str), 5).into_iter().map(str::to_owned).collect();
    let shown: String = name.chars().take(64).collect();
    Problem::new(
        StatusCode::NOT_FOUND,
        "unknown-instrument",
        "No such instrument is watched",
        format!("`{shown}` is none of the {} instruments watched", symbols.all().len()),
        "GET /api/v1/instruments lists them; `candidates` holds the nearest names",
    )
    .meaning(near)
}

fn ambiguous(name: &str, candidates: Vec<String>) -> Problem {
    let detail = format!("`{name}` means {} instruments", candidates.len());
    let remedy = "ask for one of `candidates`";
    Problem::new(StatusCode::CONFLICT, "ambiguous-instrument", "The name means several instruments", detail, remedy)
        .meaning(candidates)
}
