//! Whether any exchange can be reached at all, asked once before everything else: a wrong address or a missing network is
//! told at once instead of being retried for ever.

use super::plan::Group;
use crate::failure::Failure;
use fathometer_edge::net::{Dialer, HttpClient};
use std::time::Duration;

/// Most time for one answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Asks every venue for its time.
///
/// # Errors
/// None answered, or certificates and addresses make no sense; each with its reason.
pub async fn probe(groups: &[Group]) -> Result<(), Failure> {
    let mut asked = Vec::new();
    for group in groups {
        let dialer = Dialer::new(&group.options.dial).map_err(Failure::input)?;
        for plan in &group.plans {
            let client = HttpClient::new(dialer.clone(), &plan.rest, TIMEOUT).map_err(Failure::input)?;
            let path = plan.time.as_ref().map_or_else(|| "/".to_owned(), |request| request.path.clone());
            asked.push((plan.venue.name(), tokio::spawn(async move { client.get(&path).await })));
        }
    }
    let mut errors = String::new();
    let mut answered = asked.is_empty();
    for (venue, answer) in asked {
        match answer.await {
            Ok(Ok(_)) => answered = true, // whatever it says: the feeds tell what a refusal means
            Ok(Err(error)) => errors += &format!("\n  {venue}: {error}"),
            Err(error) => errors += &format!("\n  {venue}: {error}"),
        }
    }
    if answered {
        return Ok(());
    }
    Err(Failure::network(format!(
        "no exchange can be reached:{errors}\n`fathometer demo` needs no network; `run --wait` keeps trying"
    )))
}
