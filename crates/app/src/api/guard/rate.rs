//! How much one address may ask: a bucket of requests that fills again with time.

use crate::api::limits::Limits;
use crate::api::problem::Problem;
use axum::http::StatusCode;
use fathometer_edge::clock;
use fathometer_engine::units::{NANOS_PER_SECOND, Nanos};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Addresses that are remembered; beyond them those whose bucket is full again are forgotten, and if there is none such,
/// all: a moment of patience with everybody rather than memory without end.
const ADDRESSES_MAX: usize = 10_000;
/// This machine's own programs may ask so many times as much: they are many, and nobody else's.
const LOCAL_FACTOR: f64 = 10.0;

/// The buckets.
#[derive(Default)]
pub struct Rate(Mutex<HashMap<IpAddr, Bucket>>);

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Nanos,
}

impl Rate {
    /// Takes one request out of an address's bucket.
    ///
    /// # Errors
    /// It is empty.
    pub fn take(&self, peer: Option<IpAddr>, limits: &Limits) -> Result<(), Problem> {
        let Some(peer) = peer else { return Ok(()) }; // only tests ask from nowhere
        self.take_at(key(peer), clock::now(), limits)
    }

    fn take_at(&self, peer: IpAddr, now: Nanos, limits: &Limits) -> Result<(), Problem> {
        let factor = if peer.is_loopback() { LOCAL_FACTOR } else { 1.0 };
        let (rate, burst) = (f64::from(limits.requests_per_second) * factor, f64::from(limits.requests_burst) * factor);
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= ADDRESSES_MAX && !buckets.contains_key(&peer) {
            let seconds_to_fill = (burst / rate) as i64 + 1;
            buckets.retain(|_, bucket| now.since(bucket.at) < seconds_to_fill * NANOS_PER_SECOND);
            if buckets.len() >= ADDRESSES_MAX {
                buckets.clear();
            }
        }
        let bucket = buckets.entry(peer).or_insert(Bucket { left: burst, at: now });
        let gained = now.since(bucket.at).max(0) as f64 / NANOS_PER_SECOND as f64 * rate;
        *bucket = Bucket { left: (bucket.left + gained).min(burst), at: now };
        if bucket.left >= 1.0 {
            bucket.left -= 1.0;
            return Ok(());
        }
        let detail = format!("more than {rate} requests a second from one address");
        let remedy = "ask less often, or subscribe to /api/v1/stream, which tells changes by itself";
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many", "Too many requests", detail, remedy);
        Err(problem.again_in(1))
    }
}

/// An IPv6 asker has a whole /64 of addresses; one that speaks IPv4 through IPv6 is the IPv4 one.
fn key(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits { requests_per_second: 10, requests_burst: 5, ..Limits::default() }
    }

    fn count(rate: &Rate, peer: &str, ms: i64) -> usize {
        (0..1_000).filter(|_| rate.take_at(peer.parse().unwrap(), Nanos::from_millis(ms), &limits()).is_ok()).count()
    }

    #[test]
    fn a_burst_and_then_so_many_a_second_for_each_address() {
        let rate = Rate::default();
        assert_eq!(count(&rate, "10.0.0.1", 0), 5);
        assert_eq!(count(&rate, "10.0.0.2", 0), 5);
        assert_eq!(count(&rate, "10.0.0.1", 200), 2);
        assert_eq!(count(&rate, "10.0.0.1", 100_000), 5);
        assert_eq!(count(&rate, "127.0.0.1", 0), 50);
        let refused = rate.take_at("10.0.0.1".parse().unwrap(), Nanos::from_millis(100_000), &limits()).unwrap_err();
        assert_eq!((refused.status, refused.retry_after_seconds), (429, Some(1)));
    }

    #[test]
    fn many_addresses_take_little_memory() {
        let rate = Rate::default();
        for n in 0..50_000u32 {
            let peer = IpAddr::V4((0x0a00_0000 + n).into());
            rate.take_at(peer, Nanos::from_millis(i64::from(n) / 100), &limits()).unwrap();
            assert!(rate.0.lock().unwrap().len() <= ADDRESSES_MAX);
        }
    }

    #[test]
    fn a_network_of_ipv6_addresses_is_one_asker() {
        assert_eq!(key("2001:db8::1".parse().unwrap()), key("2001:db8::ffff".parse().unwrap()));
        assert_ne!(key("2001:db8::1".parse().unwrap()), key("2001:db8:0:1::1".parse().unwrap()));
        assert_eq!(key("::ffff:10.0.0.1".parse().unwrap()), "10.0.0.1".parse::<IpAddr>().unwrap());
    }
}
