//! From configuration, flags and names to what the feeds are to keep open.

use crate::cli::shared::NetworkArgs;
use crate::config::Config;
use crate::config::exchanges::{Connection, VenueSettings, okx_base, stream_base};
use crate::failure::Failure;
use crate::nearest::nearest;
use fathometer_edge::budget::Patience;
use fathometer_edge::feed::{FeedOptions, VenuePlan};
use fathometer_edge::net::DialOptions;
use fathometer_engine::instrument::Venue;
use fathometer_engine::venue::{Endpoints, rules};
use std::time::Duration;

/// Venues that are listened to in the same way.
#[derive(Clone, Debug)]
pub struct Group {
    /// What is listened to.
    pub plans: Vec<VenuePlan>,
    /// How.
    pub options: FeedOptions,
}

/// Link numbers that one group may use before the next begins.
const LINKS_PER_GROUP: u32 = 1 << 20;

/// What to keep open for those markets; venues with the same settings are one group.
///
/// # Errors
/// A market's venue is not configured.
pub fn groups(
    config: &Config,
    network: &NetworkArgs,
    markets: &[(Venue, String)],
    first_link: u32,
) -> Result<Vec<Group>, Failure> {
    let mut groups: Vec<(Connection, Vec<VenuePlan>)> = Vec::new();
    for venue in Venue::ALL {
        let of_venue = markets.iter().filter(|(of, _)| *of == venue);
        let symbols: Vec<String> = of_venue.map(|(_, symbol)| symbol.clone()).collect();
        if symbols.is_empty() {
            continue;
        }
        let Some(settings) = config.venue(venue) else {
            return Err(Failure::input(format!(
                "{} is asked for, but exchanges.yaml does not say where it is (websocket and rest)",
                venue.name()
            )));
        };
        let mut connection = settings.connection;
        connection.redundant |= network.redundant;
        let plan = plan(venue, &settings.endpoints, &symbols, &connection);
        match groups.iter_mut().find(|(same, _)| *same == connection) {
            Some((_, plans)) => plans.push(plan),
            None => groups.push((connection, vec![plan])),
        }
    }
    let dial = DialOptions { ca_file: network.ca_file.clone(), proxy: network.proxy.clone(), ..DialOptions::default() };
    let grouped = groups.into_iter().zip(0u32..).map(|((connection, plans), index)| {
        let first_link = first_link.saturating_add(index * LINKS_PER_GROUP);
        Group { plans, options: options(&connection, dial.clone(), first_link) }
    });
    Ok(grouped.collect())
}

fn plan(venue: Venue, endpoints: &Endpoints, symbols: &[String], connection: &Connection) -> VenuePlan {
    let mut links = rules::plan(venue, endpoints, symbols);
    for link in &mut links {
        link.frames_per_second_max = link.frames_per_second_max.min(connection.rate_limit_per_second);
    }
    VenuePlan {
        venue,
        rest: endpoints.rest.clone(),
        links,
        budget: rules::budget(venue),
        time: Some(rules::time_request(venue)),
        startup: rules::startup_requests(venue, symbols),
        periodic: rules::periodic_requests(venue, symbols),
    }
}

fn options(connection: &Connection, dial: DialOptions, first_link: u32) -> FeedOptions {
    FeedOptions {
        redundant: connection.redundant,
        dial,
        backoff: Patience {
            min: Duration::from_secs_f64(connection.backoff_seconds_min),
            max: Duration::from_secs_f64(connection.backoff_seconds_max),
        },
        max_reconnect_attempts: connection.reconnect_attempts_max,
        first_link,
        ..FeedOptions::default()
    }
}

/// Points venues elsewhere: `venue=url`, where the host speaks both HTTP and WebSocket.
///
/// # Errors
/// Not of that form, an unknown venue, not an address.
pub fn point(config: &mut Config, asked: &[String]) -> Result<(), Failure> {
    for one in asked {
        let Some((name, url)) = one.split_once('=') else {
            return Err(Failure::usage(format!(
                "--venue-url {one}: write it as VENUE=URL, for instance okx=http://127.0.0.1:9014"
            )));
        };
        let Some(venue) = Venue::from_name(name) else {
            let names = Venue::ALL.map(Venue::name);
            let near = nearest(name, names, 1);
            let hint = near
                .first()
                .map_or(format!("venues are {}", names.join(", ")), |near| format!("did you mean `{near}`?"));
            return Err(Failure::usage(format!("--venue-url {one}: unknown venue `{name}`; {hint}")));
        };
        let endpoints = both(venue, url).ok_or_else(|| {
            Failure::usage(format!(
                "--venue-url {one}: `{url}` is no address; it begins with http://, https://, ws:// or wss://"
            ))
        })?;
        redirect(config, venue, endpoints);
    }
    Ok(())
}

/// Points one venue elsewhere, and enables it.
pub fn redirect(config: &mut Config, venue: Venue, endpoints: Endpoints) {
    match config.venues.iter_mut().find(|settings| settings.venue == venue) {
        Some(settings) => (settings.endpoints, settings.enabled) = (endpoints, true),
        None => {
            let connection = Connection::default();
            config.venues.push(VenueSettings { venue, enabled: true, endpoints, connection });
        }
    }
}

/// Both bases of a server from one address.
fn both(venue: Venue, url: &str) -> Option<Endpoints> {
    let (scheme, rest) = url.split_once("://")?;
    let secure = match scheme {
        "http" | "ws" => "",
        "https" | "wss" => "s",
        _ => return None,
    };
    let rest = rest.trim_end_matches('/');
    let host = rest.split('/').next().filter(|host| !host.is_empty() && !host.starts_with(':'))?;
    let ws = format!("ws{secure}://{rest}");
    let ws = match venue {
        Venue::Okx if host == rest => format!("{ws}/ws/v5"),
        Venue::Okx => okx_base(&ws),
        _ => stream_base(&ws),
    };
    Some(Endpoints { ws, rest: format!("http{secure}://{host}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    fn config() -> Config {
        Config::load(Sources::default()).unwrap()
    }

    #[test]
    fn one_address_is_both_bases() {
        for (venue, url, ws, rest) in [
            (Venue::Okx, "http://127.0.0.1:9014", "ws://127.0.0.1:9014/ws/v5", "http://127.0.0.1:9014"),
            (
                Venue::Okx,
                "wss://ws.okx.com:8443/ws/v5/public",
                "wss://ws.okx.com:8443/ws/v5",
                "https://ws.okx.com:8443",
            ),
            (Venue::Binance, "https://localhost:9011/", "wss://localhost:9011", "https://localhost:9011"),
            (Venue::BinanceUsdm, "ws://[::1]:9012/ws", "ws://[::1]:9012", "http://[::1]:9012"),
        ] {
            assert_eq!(both(venue, url), Some(Endpoints { ws: ws.into(), rest: rest.into() }), "{url}");
        }
        for url in ["127.0.0.1:80", "ftp://x", "http://", "http://:80", "http:///x"] {
            assert_eq!(both(Venue::Binance, url), None, "{url}");
        }
    }

    #[test]
    fn venues_with_the_same_settings_are_one_group() {
        let config = config();
        let groups = groups(&config, &NetworkArgs::default(), &config.watched(), 7).unwrap();
        assert_eq!(groups.len(), 1);
        assert_eq!((groups[0].plans.len(), groups[0].options.first_link), (3, 7));
        assert!(groups[0].plans.iter().all(|plan| plan.links.iter().all(|link| link.frames_per_second_max <= 10)));
    }

    #[test]
    fn settings_of_one_exchange_are_its_own() {
        let flags = vec![
            "exchanges.okx.redundant=true".to_owned(),
            "exchanges.okx.connection.max_reconnect_attempts=3".to_owned(),
        ];
        let config = Config::load(Sources { flags, ..Sources::default() }).unwrap();
        let groups = groups(&config, &NetworkArgs::default(), &config.watched(), 0).unwrap();
        let told: Vec<_> =
            groups.iter().map(|group| (group.options.redundant, group.options.max_reconnect_attempts)).collect();
        assert_eq!(told, [(false, 0), (true, 3)]);
        assert_ne!(groups[0].options.first_link, groups[1].options.first_link);
    }

    #[test]
    fn a_wrong_venue_url_is_told() {
        for (asked, part) in
            [("okx", "VENUE=URL"), ("okxx=http://x", "did you mean `okx`?"), ("okx=127.0.0.1:1", "is no address")]
        {
            let failure = point(&mut config(), &[asked.to_owned()]).unwrap_err();
            assert!(failure.text.contains(part), "{failure}");
        }
    }
}
