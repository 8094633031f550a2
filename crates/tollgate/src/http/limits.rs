//! Who a request comes from, and how much of it there may be: trusted proxies, allowed networks,
//! requests per second and address, what strangers may cost at Stripe, the size of a body and the
//! time it may take.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use governor::clock::DefaultClock;
use governor::state::keyed::DashMapStateStore;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use ipnet::IpNet;

use super::Client;
use super::bodies::{BODY_BYTES_MAX, Bodies, Whole};
use super::error::Error;
use crate::config;

/// Addresses that may come in before those that have been quiet are forgotten.
const ADDRESSES_MAX: usize = 100_000;
/// How often a second Stripe is asked for strangers of one address, and how often at once.
const ASKED_FOR_ONE: [u32; 2] = [2, 20];
/// The same for all strangers together: the rest of what Stripe takes is left to the app.
const ASKED_FOR_ALL: [u32; 2] = [10, 50];

type PerAddress = RateLimiter<IpAddr, DashMapStateStore<IpAddr>, DefaultClock>;

/// The limits of one server.
pub struct Limits {
    allowed: Vec<IpNet>,
    proxies: Vec<IpNet>,
    limiter: Option<PerAddress>,
    /// Whoever watches the server is not shut out with those who use it, and counts for itself.
    watchers: Option<PerAddress>,
    strangers: Strangers,
    since_purge: AtomicUsize,
    bodies: Bodies,
    body_timeout: Duration,
}

impl Limits {
    /// Makes the limits that are configured.
    pub fn new(server: &config::Server) -> Self {
        let limiter = || {
            server.rate_limit.map(|rate| {
                let burst = rate.saturating_add(rate.get());
                RateLimiter::dashmap(Quota::per_second(rate).allow_burst(burst))
            })
        };
        Self {
            allowed: server.webhook_networks.clone(),
            proxies: server.trusted_proxies.clone(),
            strangers: Strangers::new(server.rate_limit.is_some()),
            watchers: limiter(),
            limiter: limiter(),
            since_purge: AtomicUsize::new(0),
            bodies: Bodies::new(server.bodies_bytes_max),
            body_timeout: server.body_timeout,
        }
    }

    /// Returns the address of the client: the peer's, or, where the peer is a trusted proxy, the
    /// first in `X-Forwarded-For`, read from the right, that is none.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let values = headers.get_all("x-forwarded-for").iter();
        let hops = values.flat_map(|it| it.to_str().unwrap_or_default().split(','));
        for hop in hops.collect::<Vec<_>>().into_iter().rev() {
            if !is_in(&self.proxies, client) {
                break;
            }
            let Some(address) = address(hop.trim()) else { break };
            client = address;
        }
        client
    }

    /// Whether this address may call the webhook.
    pub fn allows(&self, client: IpAddr) -> bool {
        self.allowed.is_empty() || is_in(&self.allowed, client)
    }

    /// Returns for whom a connection or a body from this address counts; for nobody where it is a
    /// trusted proxy, which has those of all its clients.
    pub fn counted(&self, peer: IpAddr) -> Option<IpAddr> {
        let peer = peer.to_canonical();
        (!is_in(&self.proxies, peer)).then(|| subscriber(peer))
    }

    /// Counts a request; `false` is one too many.
    pub fn admits(&self, client: IpAddr) -> bool {
        self.counts(self.limiter.as_ref(), client)
    }

    /// The same for an operator's.
    pub fn admits_watcher(&self, client: IpAddr) -> bool {
        self.counts(self.watchers.as_ref(), client)
    }

    fn counts(&self, limiter: Option<&PerAddress>, client: IpAddr) -> bool {
        let Some(limiter) = limiter else { return true };
        if self.since_purge.fetch_add(1, Ordering::Relaxed) >= ADDRESSES_MAX {
            self.purge();
        }
        limiter.check_key(&subscriber(client)).is_ok()
    }

    /// Counts a call of Stripe's for somebody whom nobody knows; `false` is one too many. Anybody
    /// could else use up what Stripe takes, and nobody could buy.
    pub fn may_ask(&self, client: IpAddr) -> bool {
        let it = &self.strangers;
        let one = it.one.as_ref().is_none_or(|it| it.check_key(&subscriber(client)).is_ok());
        one && it.all.check().is_ok()
    }

    /// Forgets the addresses that have been quiet.
    pub fn purge(&self) {
        self.since_purge.store(0, Ordering::Relaxed);
        for it in self.limiter.iter().chain(&self.watchers).chain(&self.strangers.one) {
            it.retain_recent();
        }
    }

    /// Reads a body, holding no more than [`BODY_BYTES_MAX`] of it.
    ///
    /// # Errors
    /// It is too large, too slow, or cut off, or there is no room for it now.
    pub(super) async fn read(&self, parts: &Parts, body: Body) -> Result<Whole, Error> {
        let declared = parts.headers.get(header::CONTENT_LENGTH).and_then(|it| it.to_str().ok());
        if declared.and_then(|it| it.parse().ok()).is_some_and(|it: u64| it > BODY_BYTES_MAX as u64)
        {
            return Err(Error::PayloadTooLarge(BODY_BYTES_MAX));
        }
        let client = parts.extensions.get::<Client>().and_then(|it| self.counted(it.0));
        let body = self.bodies.read(client, body);
        tokio::time::timeout(self.body_timeout, body).await.map_err(|_| Error::RequestTimeout)?
    }
}

/// What Stripe is asked for people whom nobody knows.
struct Strangers {
    /// None where addresses are not told apart.
    one: Option<PerAddress>,
    all: DefaultDirectRateLimiter,
}

impl Strangers {
    fn new(by_address: bool) -> Self {
        let quota = |[rate, burst]: [u32; 2]| {
            let positive = |it| NonZeroU32::new(it).unwrap_or(NonZeroU32::MIN);
            Quota::per_second(positive(rate)).allow_burst(positive(burst))
        };
        Self {
            one: by_address.then(|| RateLimiter::dashmap(quota(ASKED_FOR_ONE))),
            all: RateLimiter::direct(quota(ASKED_FOR_ALL)),
        }
    }
}

fn is_in(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|it| it.contains(&address))
}

/// Reads a hop of `X-Forwarded-For`, with or without a port.
fn address(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|it| it.split_once(']')).map_or(hop, |(it, _)| it);
    let ip = bare.parse::<IpAddr>().ok();
    let with_port = || bare.parse::<std::net::SocketAddr>().ok().map(|it| it.ip());
    ip.or_else(with_port).map(|it| it.to_canonical())
}

/// Whoever has one address of IPv6 has the 2^64 of its network.
fn subscriber(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V4(_) => client,
        IpAddr::V6(it) => IpAddr::V6(Ipv6Addr::from_bits(it.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(proxies: &str) -> Limits {
        Limits {
            allowed: Vec::new(),
            proxies: config::value::networks(proxies).expect("they are networks"),
            limiter: None,
            watchers: None,
            strangers: Strangers::new(true),
            since_purge: AtomicUsize::new(0),
            bodies: Bodies::new(BODY_BYTES_MAX),
            body_timeout: Duration::from_secs(1),
        }
    }

    fn client(proxies: &str, peer: &str, forwarded: &[&[u8]]) -> String {
        let mut headers = HeaderMap::new();
        for it in forwarded {
            let value = axum::http::HeaderValue::from_bytes(it).expect("it is a header");
            headers.append("x-forwarded-for", value);
        }
        limits(proxies).client(peer.parse().expect("it is an address"), &headers).to_string()
    }

    #[test]
    fn only_a_trusted_peer_may_say_whom_it_speaks_for() {
        assert_eq!(client("", "10.0.0.1", &[b"192.0.2.1"]), "10.0.0.1");
        assert_eq!(client("10.0.0.0/8", "192.0.2.9", &[b"192.0.2.1"]), "192.0.2.9");
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &[b"192.0.2.1"]), "192.0.2.1");
    }

    #[test]
    fn what_a_client_wrote_itself_is_not_believed() {
        let forwarded: &[&[u8]] = &[b"1.1.1.1, 192.0.2.1", b"10.0.0.2"];
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", forwarded), "192.0.2.1");
    }

    #[test]
    fn hops_may_have_ports_and_garbage_ends_the_search() {
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &[b"192.0.2.1:5000"]), "192.0.2.1");
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &[b"[2001:db8::1]:5000"]), "2001:db8::1");
        assert_eq!(client("10.0.0.0/8", "::ffff:10.0.0.1", &[b"::ffff:192.0.2.1"]), "192.0.2.1");
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &[b"192.0.2.1, unknown"]), "10.0.0.1");
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &[b"192.0.2.1", b"\xff"]), "10.0.0.1");
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &[b"10.0.0.3, 10.0.0.2"]), "10.0.0.3");
    }

    #[test]
    fn one_address_does_not_use_up_what_stripe_is_asked_for_strangers() {
        let limits = limits("");
        let asked = |client: IpAddr| (0..100).filter(|_| limits.may_ask(client)).count();
        let first = asked(IpAddr::from([192, 0, 2, 1]));
        assert!((20..30).contains(&first), "{first}");
        assert!(asked(IpAddr::from([192, 0, 2, 2])) >= 20);
        let all: usize = (3..100).map(|it| asked(IpAddr::from([192, 0, 2, it]))).sum();
        assert!(all < 30, "{all}");
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let of = |it: &str| subscriber(it.parse().expect("it is an address"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
