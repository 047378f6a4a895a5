//! A recording with controls: `/api/v1/replay`.

use super::problem::Problem;
use super::recordings::blocking;
use super::stamp::{millis, rfc3339};
use super::{Api, Routes};
use crate::player::{Order, OrderError, Player, Position, SPEED_MAX};
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::response::Json;
use fathometer_engine::units::Nanos;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// An answer waits that long for what was ordered; a longer seek goes on by itself, and `seeking` tells.
const PATIENCE: Duration = Duration::from_secs(1);
/// Most frames of one step.
const STEP_MAX: u32 = 10_000;
/// Milliseconds of our days as a float are exact to a quarter of a microsecond: a time that was told is found again.
const FLOAT_NANOS: i64 = 500;
/// Largest body that can make sense, bytes.
const BODY_MAX: usize = 4096;

/// The paths of this file.
pub fn router() -> Routes {
    OpenApiRouter::<Arc<Api>>::new().routes(routes!(replay, order))
}

/// Where the replay is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct ReplayTold {
    /// Whether a recording is open; without one everything below is null.
    pub open: bool,
    /// Which.
    pub name: Option<String>,
    /// `playing`, `paused` or `ended`.
    pub state: Option<String>,
    /// Whether it is on its way to another time at full speed.
    pub seeking: bool,
    /// How many times as fast as it was; 0: as fast as possible.
    pub speed: Option<f64>,
    /// Time of the last input taken, RFC 3339, UTC.
    pub at: Option<String>,
    /// The same, unix milliseconds.
    pub at_ms: Option<f64>,
    /// Time of the first input, unix milliseconds.
    pub from_ms: Option<f64>,
    /// Time of the last; null until the recording has been read through once.
    pub to_ms: Option<f64>,
    /// Frames and answers taken since the beginning of the recording.
    pub frame: Option<u64>,
    /// Frames and answers it holds; null as long as `to_ms` is.
    pub frames_known: Option<u64>,
    /// Why it cannot be read further.
    pub error: Option<String>,
}

impl ReplayTold {
    /// Of an open recording, or of none.
    pub fn of(open: Option<(&Player, Position)>) -> Self {
        let Some((player, it)) = open else { return ReplayTold::default() };
        let state = match (it.ended, it.playing) {
            (true, _) => "ended",
            (_, true) => "playing",
            _ => "paused",
        };
        ReplayTold {
            open: true,
            name: Some(player.name.clone()),
            state: Some(state.to_owned()),
            seeking: it.seeking,
            speed: Some(it.speed),
            at: Some(rfc3339(it.at)),
            at_ms: Some(millis(it.at)),
            from_ms: Some(millis(it.from)),
            to_ms: it.to.map(millis),
            frame: Some(it.frame),
            frames_known: it.frames_known,
            error: it.error,
        }
    }
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[serde(tag = "action", rename_all = "lowercase", deny_unknown_fields)]
pub enum Action {
    /// Opens a recording; it stands at its beginning.
    Open {
        /// A name from `/api/v1/recordings`.
        #[schema(max_length = 255)]
        name: String,
    },
    /// Goes on; from the beginning if it has ended.
    Play {},
    /// Stands still.
    Pause {},
    /// Chooses the speed.
    Speed {
        /// How many times as fast as it was, up to 10000; 0: as fast as possible.
        #[schema(minimum = 0, maximum = 10_000)]
        speed: f64,
    },
    /// Goes some frames further, and stands still.
    Step {
        /// How many.
        #[serde(default = "one")]
        #[schema(minimum = 1, maximum = 10_000)]
        frames: u32,
    },
    /// Goes to the state after everything that was received until then.
    Seek {
        /// Unix milliseconds.
        at_ms: f64,
    },
    /// Closes it.
    Close {},
}

fn one() -> u32 {
    1
}

impl From<OrderError> for Problem {
    fn from(error: OrderError) -> Self {
        Problem::busy(error.to_string())
    }
}

/// Where the replay is.
#[utoipa::path(get, path = "/api/v1/replay", tag = "replay",
    responses((status = 200, description = "Where it is", body = ReplayTold)))]
async fn replay(Shared(api): Shared<Arc<Api>>) -> Json<ReplayTold> {
    let player = api.booth.player();
    Json(ReplayTold::of(player.as_deref().map(|player| (player, player.position()))))
}

/// Opens, plays, pauses, steps, seeks, closes.
#[utoipa::path(post, path = "/api/v1/replay", tag = "replay", request_body = Action,
    responses((status = 200, description = "Where it is then", body = ReplayTold),
        (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json")))]
async fn order(Shared(api): Shared<Arc<Api>>, body: Bytes) -> Result<Json<ReplayTold>, Problem> {
    let order = match understand(&body)? {
        Action::Open { name } => {
            let player = blocking(move || api.booth.open(&name)).await?;
            let position = player.position();
            return Ok(Json(ReplayTold::of(Some((&*player, position)))));
        }
        Action::Close {} => {
            blocking(move || api.booth.close()).await?;
            return Ok(Json(ReplayTold::default()));
        }
        Action::Play {} => Order::Play,
        Action::Pause {} => Order::Pause,
        Action::Speed { speed } => Order::Speed(speed),
        Action::Step { frames } => Order::Step(frames),
        Action::Seek { at_ms } => Order::Seek(Nanos((at_ms * 1e6) as i64).plus(FLOAT_NANOS)),
    };
    let player = api.booth.player().ok_or_else(Problem::no_replay)?;
    let number = player.order(order)?;
    let position = player.after(number, PATIENCE).await;
    Ok(Json(ReplayTold::of(Some((&*player, position)))))
}

/// An action whose numbers make sense.
fn understand(body: &[u8]) -> Result<Action, Problem> {
    let remedy = "send one JSON object: {\"action\":\"open\",\"name\":...}, play, pause, {\"action\":\"speed\",\"speed\":4}, \
                  {\"action\":\"step\",\"frames\":1}, {\"action\":\"seek\",\"at_ms\":...}, close";
    if body.len() > BODY_MAX {
        return Err(Problem::malformed(format!("a body of {} bytes", body.len()), remedy));
    }
    let action = serde_json::from_slice(body).map_err(|error| Problem::malformed(error.to_string(), remedy))?;
    match action {
        Action::Speed { speed } if !(0.0..=SPEED_MAX).contains(&speed) => {
            Err(Problem::malformed(format!("speed is {speed}"), "speed is between 0 and 10000"))
        }
        Action::Step { frames } if !(1..=STEP_MAX).contains(&frames) => {
            Err(Problem::malformed(format!("frames is {frames}"), "frames is between 1 and 10000"))
        }
        Action::Seek { at_ms } if !at_ms.is_finite() => Err(Problem::malformed("at_ms is no number", remedy)),
        action => Ok(action),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ordered_is_understood_or_refused_with_what_to_do() {
        let read = |text: &str| understand(text.as_bytes());
        assert_eq!(read(r#"{"action":"play"}"#).unwrap(), Action::Play {});
        assert_eq!(read(r#"{"action":"step"}"#).unwrap(), Action::Step { frames: 1 });
        assert_eq!(read(r#"{"action":"speed","speed":0.5}"#).unwrap(), Action::Speed { speed: 0.5 });
        assert_eq!(read(r#"{"action":"seek","at_ms":1.5}"#).unwrap(), Action::Seek { at_ms: 1.5 });
        for wrong in [
            "",
            "[]",
            r#"{"action":"rewind"}"#,
            r#"{"action":"open"}"#,
            r#"{"action":"speed","speed":-1}"#,
            r#"{"action":"speed","speed":1e9}"#,
            r#"{"action":"step","frames":0}"#,
            r#"{"action":"seek","at_ms":"now"}"#,
            r#"{"action":"play","speed":4}"#,
        ] {
            let problem = read(wrong).unwrap_err();
            assert!(problem.status == 400 && !problem.remedy.is_empty(), "{wrong}: {problem:?}");
        }
    }
}
