//! `top`: the screen of a run that is under way elsewhere.

use super::watch::runtime;
use crate::cli::market::TopArgs;
use crate::failure::{Failure, Outcome};
use crate::health::Health;
use crate::tui;
use crate::view::{Mode, View};
use fathometer_edge::clock;
use fathometer_edge::net::{DialOptions, Dialer, HttpClient};
use serde::de::DeserializeOwned;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The run is asked that often.
const ASK_EVERY: Duration = Duration::from_millis(500);
const TIMEOUT: Duration = Duration::from_secs(5);

/// Draws what a run shows, until the person leaves.
///
/// # Errors
/// Nothing answers there, or something else does.
pub fn top(args: &TopArgs) -> Outcome {
    let runtime = runtime()?;
    let url = args.url.trim_end_matches('/');
    let dialer = Dialer::new(&DialOptions::default()).map_err(Failure::input)?;
    let client = HttpClient::new(dialer, url, TIMEOUT).map_err(Failure::usage)?;
    let nobody = |error: Failure| Failure {
        text: format!(
            "{}\nno `fathometer run` or `demo` answers at {url}; start one, or name its address: fathometer top URL",
            error.text
        ),
        ..error
    };
    let first = runtime.block_on(ask(&client)).map_err(nobody)?;
    if !std::io::stdout().is_terminal() {
        return Err(Failure::usage("standard output is no terminal; scripts read /health and /api/v1/view instead"));
    }
    let latest = Arc::new(Mutex::new(Latest { health: first.0, view: first.1, trouble: None }));
    runtime.spawn(keep_asking(client, latest.clone()));
    tui::run(&mut Remote(latest))
}

struct Latest {
    health: Health,
    view: View,
    trouble: Option<String>,
}

fn lock(latest: &Mutex<Latest>) -> MutexGuard<'_, Latest> {
    latest.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn keep_asking(client: HttpClient, latest: Arc<Mutex<Latest>>) {
    let mut interval = tokio::time::interval(ASK_EVERY);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        interval.tick().await;
        let answer = ask(&client).await;
        let mut latest = lock(&latest);
        match answer {
            Ok((health, view)) => *latest = Latest { health, view, trouble: None },
            Err(failure) => latest.trouble = Some(format!("no answer, trying again: {}", failure.text)),
        }
    }
}

async fn ask(client: &HttpClient) -> Result<(Health, View), Failure> {
    Ok((get(client, "/health").await?, get(client, "/api/v1/view").await?))
}

async fn get<T: DeserializeOwned>(client: &HttpClient, path: &str) -> Result<T, Failure> {
    let reply = client.get(path).await.map_err(Failure::network)?;
    if reply.status != 200 {
        return Err(Failure::network(format!("{} answered HTTP {} to {path}", client.host(), reply.status)));
    }
    serde_json::from_slice(&reply.body).map_err(|error| {
        Failure::network(format!("{} is no fathometer, or one of another version: {path}: {error}", client.host()))
    })
}

struct Remote(Arc<Mutex<Latest>>);

impl tui::Source for Remote {
    fn look(&mut self, look: &mut tui::Look<'_>) {
        let latest = lock(&self.0);
        let now = if let Mode::Replay { .. } = latest.view.mode { latest.view.now } else { clock::now() };
        look(&latest.view, &latest.health, now, latest.trouble.as_deref());
    }

    fn is_over(&self) -> bool {
        false
    }
}
