//! Which addresses an endpoint may stand at. Whoever sets an endpoint's URL, or answers for its
//! name, must not be able to make this server call what stands beside it: a database, a router,
//! the page on which a cloud tells a machine its own keys.

use std::net::IpAddr;
use std::sync::LazyLock;

use ipnet::IpNet;
use reqwest::Url;

use crate::config::notify::{Endpoint, is_loopback};

/// How far an endpoint may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// In the public internet.
    Public,
    /// There, in a private network, or on this machine.
    Private,
    /// On this machine, as its URL says.
    Loopback,
}

impl Reach {
    /// Returns how far an endpoint may be.
    pub fn of(endpoint: &Endpoint, url: &Url) -> Self {
        match (is_loopback(url), endpoint.allow_private) {
            (true, _) => Self::Loopback,
            (false, true) => Self::Private,
            (false, false) => Self::Public,
        }
    }

    /// Judges an address.
    ///
    /// # Errors
    /// Says what kind of address it is that may not be called.
    pub fn judge(self, address: IpAddr) -> Result<(), &'static str> {
        let special = SPECIAL.iter().find(|it| it.net.contains(&address));
        match (self, special) {
            (Self::Loopback, Some(Special { kind: LOOPBACK, .. })) => Ok(()),
            (Self::Loopback, _) => Err("not on this machine"),
            (_, None) if is_global(address) => Ok(()),
            (_, None) => Err("not of the public internet"),
            (Self::Private, Some(it)) if it.private => Ok(()),
            (_, Some(it)) => Err(it.kind),
        }
    }
}

/// A block of addresses that is not of the public internet.
struct Special {
    net: IpNet,
    kind: &'static str,
    /// People have machines of their own there.
    private: bool,
}

const LOOPBACK: &str = "loopback";
const PRIVATE: &str = "private";
const DOCUMENTATION: &str = "documentation";
const TRANSLATED: &str = "translated";

/// The special-purpose registries of IANA, as far as they are not global; the first that contains
/// an address names it.
const BLOCKS: &[(&str, &str, bool)] = &[
    ("127.0.0.0/8", LOOPBACK, true),
    ("10.0.0.0/8", PRIVATE, true),
    ("172.16.0.0/12", PRIVATE, true),
    ("192.168.0.0/16", PRIVATE, true),
    ("100.64.0.0/10", "shared by a provider's customers", true),
    ("169.254.0.0/16", "link-local", false),
    ("0.0.0.0/8", "unspecified", false),
    ("192.0.0.0/24", "reserved", false),
    ("192.88.99.0/24", "reserved", false),
    ("192.0.2.0/24", DOCUMENTATION, false),
    ("198.51.100.0/24", DOCUMENTATION, false),
    ("203.0.113.0/24", DOCUMENTATION, false),
    ("198.18.0.0/15", "benchmark", false),
    ("224.0.0.0/4", "multicast", false),
    ("240.0.0.0/4", "reserved", false),
    ("::1/128", LOOPBACK, true),
    ("fc00::/7", "unique-local", true),
    ("fe80::/10", "link-local", false),
    ("fec0::/10", "site-local", false),
    ("ff00::/8", "multicast", false),
    ("::ffff:0:0/96", "IPv4-mapped", false),
    ("64:ff9b::/96", TRANSLATED, false),
    ("64:ff9b:1::/48", TRANSLATED, false),
    ("2002::/16", TRANSLATED, false),
    ("2001::/23", "reserved", false),
    ("2001:db8::/32", DOCUMENTATION, false),
    ("3fff::/20", DOCUMENTATION, false),
];

static SPECIAL: LazyLock<Vec<Special>> = LazyLock::new(|| {
    let block = |&(net, kind, private): &(&str, &'static str, bool)| Special {
        net: net.parse().expect("the table holds networks, as its test shows"),
        kind,
        private,
    };
    BLOCKS.iter().map(block).collect()
});

/// Of IPv6 only 2000::/3 is given to networks so far.
fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => true,
        IpAddr::V6(it) => it.segments()[0] >> 13 == 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(reach: Reach, address: &str) -> Result<(), &'static str> {
        reach.judge(address.parse().expect("it is an address"))
    }

    #[test]
    fn the_public_internet_may_always_be_called() {
        for it in ["1.1.1.1", "8.8.8.8", "172.15.0.1", "172.32.0.1", "100.63.0.1", "2606:4700::1"] {
            assert_eq!(judged(Reach::Public, it), Ok(()), "{it}");
            assert_eq!(judged(Reach::Private, it), Ok(()), "{it}");
            assert!(judged(Reach::Loopback, it).is_err(), "{it}");
        }
    }

    #[test]
    fn what_stands_beside_the_server_is_called_only_where_that_is_allowed() {
        for it in ["127.0.0.1", "127.9.9.9", "::1", "10.1.2.3", "172.16.0.1", "172.31.255.255"]
            .into_iter()
            .chain(["192.168.1.1", "100.64.0.1", "100.127.255.255", "fd00::1", "fc00::1"])
        {
            assert!(judged(Reach::Public, it).is_err(), "{it}");
            assert_eq!(judged(Reach::Private, it), Ok(()), "{it}");
        }
        for it in ["127.0.0.1", "::1"] {
            assert_eq!(judged(Reach::Loopback, it), Ok(()), "{it}");
        }
        assert!(judged(Reach::Loopback, "10.0.0.1").is_err());
    }

    #[test]
    fn where_no_app_can_stand_is_never_called() {
        for it in [
            "0.0.0.0",
            "169.254.169.254",
            "192.0.2.1",
            "198.51.100.1",
            "203.0.113.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "fe80::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "::ffff:8.8.8.8",
            "::10.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "2002:a00:1::",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "fec0::1",
            "4000::1",
        ] {
            for reach in [Reach::Public, Reach::Private, Reach::Loopback] {
                assert!(judged(reach, it).is_err(), "{reach:?} {it}");
            }
        }
    }
}
