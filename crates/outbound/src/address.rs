//! What kind of place an IP address is. A pure table; who may go there is `policy`'s.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// From where an address can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// From the whole internet.
    Public,
    /// From this machine or its networks only: loopback, RFC 1918, unique local, shared address
    /// space (RFC 6598), and whatever else is not globally routed.
    Private,
}

/// What to think of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may be connected to, if [`Origin`](crate::Origin) allows its reach.
    Reachable(Reach),
    /// It is never connected to; the reason, as the end of a sentence.
    Never(&'static str),
}

/// Addresses at which clouds hand out credentials to whoever asks, beyond the link-local ones.
const METADATA_V4: [Ipv4Addr; 3] = [
    // Alibaba Cloud.
    Ipv4Addr::new(100, 100, 100, 200),
    // Oracle Cloud, older images.
    Ipv4Addr::new(192, 0, 0, 192),
    // Azure's wire server.
    Ipv4Addr::new(168, 63, 129, 16),
];
const METADATA_V6: [Ipv6Addr; 5] = [
    // Amazon: instances, and pods.
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
    // Google.
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    // Oracle.
    Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe),
    // Scaleway.
    Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42),
];

/// Judges one address. An IPv6 address that merely carries an IPv4 one (mapped, compatible, NAT64,
/// 6to4) is judged by what it carries.
pub fn judge(address: IpAddr) -> Verdict {
    match address {
        IpAddr::V4(v4) => judge_v4(v4),
        IpAddr::V6(v6) => match carried(v6) {
            Some((v4, Carrier::World)) => judge_v4(v4),
            Some((v4, Carrier::Local)) => match judge_v4(v4) {
                Verdict::Reachable(_) => Verdict::Reachable(Reach::Private),
                never @ Verdict::Never(_) => never,
            },
            None => judge_v6(v6),
        },
    }
}

fn judge_v4(v4: Ipv4Addr) -> Verdict {
    let [a, b, c, _] = v4.octets();
    if METADATA_V4.contains(&v4) || v4 == Ipv4Addr::new(169, 254, 169, 254) {
        return Verdict::Never("a cloud metadata address");
    }
    match (a, b, c) {
        (0, ..) => Verdict::Never("the unspecified address"),
        (169, 254, _) => Verdict::Never("a link-local address"),
        (224..=239, ..) => Verdict::Never("a multicast address"),
        (240..=255, ..) => Verdict::Never("a reserved or broadcast address"),
        (10 | 127, ..)
        | (172, 16..=31, _)
        | (192, 168, _)
        // Shared address space (RFC 6598), benchmarks, IETF assignments, documentation.
        | (100, 64..=127, _)
        | (198, 18..=19, _)
        | (192, 0, 0 | 2)
        | (198, 51, 100)
        | (203, 0, 113) => Verdict::Reachable(Reach::Private),
        _ => Verdict::Reachable(Reach::Public),
    }
}

fn judge_v6(v6: Ipv6Addr) -> Verdict {
    if METADATA_V6.contains(&v6) {
        return Verdict::Never("a cloud metadata address");
    }
    if v6.is_unspecified() {
        return Verdict::Never("the unspecified address");
    }
    let [first, second, ..] = v6.segments();
    match (first, second) {
        (0xff00..=0xffff, _) => Verdict::Never("a multicast address"),
        (0xfe80..=0xfebf, _) => Verdict::Never("a link-local address"),
        // Global unicast is 2000::/3; in it, Teredo, benchmarks and documentation are not.
        (0x2001, 0 | 2 | 0xdb8) | (0x3fff, 0..=0xfff) => Verdict::Reachable(Reach::Private),
        (0x2000..=0x3fff, _) => Verdict::Reachable(Reach::Public),
        _ => Verdict::Reachable(Reach::Private),
    }
}

/// Where an IPv6 address that carries an IPv4 one has a meaning.
enum Carrier {
    World,
    /// Only where somebody has set it up so.
    Local,
}

/// The IPv4 address inside an IPv6 one.
fn carried(v6: Ipv6Addr) -> Option<(Ipv4Addr, Carrier)> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match v6.segments() {
        // In this order: ::ffff:a.b.c.d (mapped), ::ffff:0:a.b.c.d (its predecessor),
        // 64:ff9b::a.b.c.d (NAT64), 2002:a.b.c.d:: (6to4), ::a.b.c.d (but not :: and ::1).
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..]
        | [0, 0, 0, 0, 0, 0, high @ (1..), low] => Some((v4(high, low), Carrier::World)),
        // A network's own NAT64 (RFC 8215), and ISATAP behind whatever prefix (RFC 5214).
        [0x64, 0xff9b, 1, _, _, _, high, low] | [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => {
            Some((v4(high, low), Carrier::Local))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(address: &str) -> Verdict {
        judge(address.parse().unwrap())
    }

    #[test]
    fn s4_public_addresses_are_public() {
        for address in [
            "1.1.1.1",
            "17.248.1.2",
            "172.15.0.1",
            "172.32.0.1",
            "100.63.0.1",
            "100.128.0.1",
            "192.0.1.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
            "2002:101:101::1",
        ] {
            assert_eq!(
                verdict(address),
                Verdict::Reachable(Reach::Public),
                "{address}"
            );
        }
    }

    #[test]
    fn s4_private_addresses_are_private() {
        for address in [
            "127.0.0.1",
            "127.255.255.254",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "198.18.0.1",
            "203.0.113.9",
            "::1",
            "fd12:3456::1",
            "fc00::1",
            "fec0::1",
            "2001:db8::1",
            "2001:0:1::1",
            "::ffff:192.168.1.1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::a00:1",
            "64:ff9b:1::808:808",
            "2a00::5efe:8.8.8.8",
            "2002:c0a8:101::1",
            "100::1",
        ] {
            assert_eq!(
                verdict(address),
                Verdict::Reachable(Reach::Private),
                "{address}"
            );
        }
    }

    #[test]
    fn s4_some_addresses_are_never_connected_to() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "169.254.0.1",
            "100.100.100.200",
            "168.63.129.16",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "fe80::1",
            "febf::1",
            "ff02::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "::ffff:169.254.169.254",
            "::ffff:0.0.0.0",
            "::169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "::ffff:0:169.254.169.254",
            "64:ff9b:1::a9fe:a9fe",
            "64:ff9b:1:fffe::a9fe:a9fe",
            "2a00::5efe:169.254.169.254",
            "2a00::200:5efe:169.254.169.254",
            "fd00:ec2::23",
        ] {
            assert!(matches!(verdict(address), Verdict::Never(_)), "{address}");
        }
    }
}
