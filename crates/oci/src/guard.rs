//! Hosts and addresses that a name from outside must not make us ask (attack A42; CVE-2026-22039).
//!
//! Checked on the text of every URL, redirects and token realms included, and again on every address
//! that a name resolves to, at the moment of connecting, so that a name cannot change its mind between.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Why a host is not asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(pub(crate) String);

/// Refuses a URL by its host.
pub(crate) fn check(url: &Url, allow_loopback: bool) -> Result<(), Refused> {
    match url.host() {
        None => Err(Refused("the address has no host".to_owned())),
        Some(Host::Ipv4(ip)) => check_address(IpAddr::V4(ip), allow_loopback),
        Some(Host::Ipv6(ip)) => check_address(IpAddr::V6(ip), allow_loopback),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            let inside = |suffix: &str| name == suffix || name.ends_with(&format!(".{suffix}"));
            if inside("svc") || inside("cluster.local") {
                return Err(Refused(format!("{name} is a name inside a cluster, which no image may make us ask")));
            }
            if inside("metadata.google.internal") {
                return Err(Refused(format!("{name} is a metadata service")));
            }
            if is_localhost(&name) && !allow_loopback {
                return Err(Refused(format!("{name} is this machine, which an agent does not ask")));
            }
            Ok(())
        }
    }
}

/// Refuses an address.
pub(crate) fn check_address(address: IpAddr, allow_loopback: bool) -> Result<(), Refused> {
    let address = plain(address);
    let (link_local, metadata) = match address {
        IpAddr::V4(ip) => (ip.is_link_local(), ip == Ipv4Addr::new(100, 100, 100, 200)),
        IpAddr::V6(ip) => {
            (ip.segments()[0] & 0xffc0 == 0xfe80, ip == Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254))
        }
    };
    if link_local || metadata {
        return Err(Refused(format!("{address} is a link-local or metadata address")));
    }
    if address.is_multicast() || address == IpAddr::V4(Ipv4Addr::BROADCAST) {
        return Err(Refused(format!("{address} is not the address of one host")));
    }
    if is_own(address) && !allow_loopback {
        return Err(Refused(format!("{address} is this machine, which an agent does not ask")));
    }
    Ok(())
}

/// Whether a URL names this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => is_own(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => is_own(plain(IpAddr::V6(ip))),
        Some(Host::Domain(name)) => is_localhost(name.trim_end_matches('.')),
        None => false,
    }
}

fn is_localhost(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
}

/// Loopback, and "any address", which connects to this machine too.
fn is_own(address: IpAddr) -> bool {
    address.is_loopback() || address.is_unspecified()
}

/// The address that is reached in the end: IPv4 written as IPv6 (mapped, and the well-known NAT64
/// prefix of RFC 6052) is IPv4.
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    if let Some(v4) = v6.to_ipv4_mapped() {
        return IpAddr::V4(v4);
    }
    match v6.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        _ => address,
    }
}

/// The system's resolver with every address checked. One forbidden address refuses the name.
pub(crate) struct GuardedResolver {
    pub(crate) allow_loopback: bool,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_loopback = self.allow_loopback;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            for address in &found {
                check_address(address.ip(), allow_loopback)
                    .map_err(|Refused(why)| Refused(format!("{} leads to {why}", name.as_str())))?;
            }
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(host: &str) {
        let url = Url::parse(&format!("https://{host}/v2/")).unwrap();
        assert!(check(&url, true).is_err(), "{host}");
    }

    #[test]
    fn a42_metadata_and_link_local_addresses_in_every_spelling() {
        for host in [
            "169.254.169.254",
            "169.254.1.1:443",
            "2852039166",
            "0xa9fea9fe",
            "0251.0376.0251.0376",
            "[fe80::1]",
            "[febf::1]",
            "[fd00:ec2::254]",
            "[::ffff:169.254.169.254]",
            "[64:ff9b::a9fe:a9fe]",
            "100.100.100.200",
            "metadata.google.internal",
            "224.0.0.1",
        ] {
            refused(host);
        }
    }

    #[test]
    fn a42_names_inside_a_cluster() {
        for host in [
            "registry.default.svc",
            "registry.default.svc.",
            "kubernetes.default.SVC.cluster.local",
            "x.cluster.local:5000",
        ] {
            refused(host);
        }
        let url = |host: &str| Url::parse(&format!("https://{host}/")).unwrap();
        assert_eq!(check(&url("svc.example.com"), false), Ok(()));
        assert_eq!(check(&url("mysvc"), false), Ok(()));
        assert_eq!(check(&url("10.0.0.1:5000"), false), Ok(()));
    }

    #[test]
    fn a42_loopback_only_where_it_is_allowed() {
        for host in [
            "127.0.0.1:5000",
            "127.9.9.9",
            "localhost",
            "LOCALHOST.",
            "a.localhost",
            "[::1]:5000",
            "0.0.0.0",
            "[::ffff:127.0.0.1]",
            "2130706433",
        ] {
            let url = Url::parse(&format!("http://{host}/")).unwrap();
            assert!(check(&url, false).is_err(), "{host}");
            assert_eq!(check(&url, true), Ok(()), "{host}");
            assert!(is_loopback(&url), "{host}");
        }
    }

    #[tokio::test]
    async fn a42_a_name_is_judged_by_what_it_resolves_to() {
        let ask = |allow_loopback| GuardedResolver { allow_loopback }.resolve("localhost".parse().unwrap());
        let err = ask(false).await.err().map(|e| e.to_string()).unwrap_or_default();
        assert!(err.contains("localhost leads to"), "{err}");
        assert!(ask(true).await.is_ok());
    }
}
