"""Special-purpose addresses, tunnels and clouds' own services, by tables written down by hand."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest

from stages.download.fetch.addresses import Allowed, is_public
from stages.download.fetch.outcomes import NotFetched

# the blocks of IANA's registers of special-purpose addresses, IPv4 and IPv6, and of its list of IPv6 address space;
# those that it calls globally reachable (AS112, AMT, anycast for PCP, TURN and SRP) serve protocols, no images
SPECIAL = {
    "this network": "0.0.0.0/8",
    "private use": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
    "shared with a carrier's NAT": "100.64.0.0/10",
    "loopback": ("127.0.0.0/8", "::1/128"),
    "link-local": ("169.254.0.0/16", "fe80::/10"),
    "IETF protocol assignments": ("192.0.0.0/24", "192.0.0.0/29", "192.0.0.8/32", "192.0.0.170/31", "2001::/23"),
    "PCP, TURN and DNS-SD SRP anycast": ("192.0.0.9/32", "192.0.0.10/32", "2001:1::1/128", "2001:1::2/128"),
    "DNS-SD SRP anycast": "2001:1::3/128",
    "documentation": ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"),
    "AS112": ("192.31.196.0/24", "192.175.48.0/24", "2001:4:112::/48", "2620:4f:8000::/48"),
    "AMT": ("192.52.193.0/24", "2001:3::/32"),
    "6to4 relays, deprecated": "192.88.99.0/24",
    "benchmarking": ("198.18.0.0/15", "2001:2::/48"),
    "multicast": ("224.0.0.0/4", "ff00::/8"),
    "reserved": ("240.0.0.0/4", "255.255.255.255/32"),
    "unspecified": "::/128",
    "IPv4-compatible, deprecated": "::/96",
    "IPv4-translated": "::ffff:0:0:0/96",
    "NAT64 of one's own network": "64:ff9b:1::/48",
    "discard-only and dummy": ("100::/64", "100:0:0:1::/64"),
    "Teredo": "2001::/32",
    "ORCHID and DET": ("2001:10::/28", "2001:20::/28", "2001:30::/28"),
    "segment routing": "5f00::/16",
    "unique local": "fc00::/7",
    "site-local, deprecated": "fec0::/10",
    "not assigned to anyone": ("200::/7", "400::/6", "1000::/4", "4000::/3", "c000::/3", "fe00::/9"),
    "Azure's wire server": "168.63.129.16/32",
}
BLOCKS = [block for blocks in SPECIAL.values() for block in ([blocks] if isinstance(blocks, str) else blocks)]


def is_refused(address: str, *allow: str) -> bool:
    try:
        Allowed(allow).check("host.example", ip_address(address))
    except NotFetched as error:
        return error.status == "private_address"
    return False


@pytest.mark.parametrize("block", BLOCKS)
def test_no_address_of_a_special_purpose_block_is_public(block: str) -> None:
    network = ip_network(block)
    for address in (network[0], network[network.num_addresses // 2], network[-1]):
        assert not is_public(address), address
        if isinstance(address, IPv4Address):
            for prefix in ("::ffff:", "64:ff9b::", "2001:470::5efe:"):
                assert not is_public(ip_address(f"{prefix}{address}")), (prefix, address)
            assert not is_public(IPv6Address((0x2002 << 112) | (int(address) << 80)))  # 6to4


@pytest.mark.parametrize("block", ["192.88.99.0/24", "3fff::/20", "5f00::/16", "168.63.129.16/32", "2620:4f:8000::/48"])
def test_the_neighbours_of_a_special_purpose_block_keep_what_they_are(block: str) -> None:
    network = ip_network(block)
    assert [is_public(network[0] - 1), is_public(network[-1] + 1)] == [block != "5f00::/16"] * 2


@pytest.mark.parametrize(
    "address",
    [
        *("169.254.169.254", "169.254.170.2", "169.254.0.23", "100.100.100.200", "192.0.0.192", "168.63.129.16"),
        *("fd00:ec2::254", "fd20:ce::254", "fe80::a9fe:a9fe", "::ffff:168.63.129.16", "64:ff9b::a83f:8110"),
    ],
)
def test_what_tells_a_cloud_machine_its_secrets_is_not_asked(address: str) -> None:
    assert is_refused(address)


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("2001:470::5efe:10.0.0.1", "10.0.0.1"),  # ISATAP, RFC 5214
        ("2001:470::200:5efe:127.0.0.1", "127.0.0.1"),
        ("2002:808:808::5efe:10.0.0.1", "10.0.0.1"),  # 6to4 to a public router, ISATAP behind it
    ],
)
def test_an_address_that_leads_to_a_private_one_by_a_tunnel_is_refused_unless_that_is_allowed(
    address: str, private: str
) -> None:
    assert is_refused(address)
    assert not is_refused(address, private)
    assert not is_refused(address, address)
    assert is_public(ip_address(address.replace(private, "8.8.8.8")))


def test_of_two_private_addresses_on_the_way_both_must_be_allowed() -> None:
    address = "2002:a00:1::5efe:127.0.0.1"
    assert is_refused(address, "10.0.0.1")
    assert is_refused(address, "127.0.0.1")
    assert not is_refused(address, "10.0.0.1", "127.0.0.1")


def test_a_tunnel_from_a_private_network_is_refused_whatever_it_leads_to() -> None:
    assert is_refused("fe80::5efe:8.8.8.8", "8.8.8.8")


def test_what_is_public_does_not_hang_on_what_python_takes_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (IPv4Address, IPv6Address):
        for name in ("is_global", "is_private", "is_reserved", "is_site_local"):
            monkeypatch.setattr(kind, name, None, raising=False)
    assert not is_public(ip_address("192.168.0.1"))
    assert is_public(ip_address("2606:4700::1111"))
