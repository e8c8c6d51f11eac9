"""Addresses that may be connected to, against IANA's registers written down by hand."""

from __future__ import annotations

import socket
import time
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world.processes import PATIENCE_S

from manifests.errors import Refused
from stages.download.fetch.addresses import Allowed, Names, is_public
from stages.download.fetch.connections import CheckedAddresses
from stages.download.fetch.outcomes import NotFetched
from stages.download.fetch.targets import target

PRIVATE = [
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
    *("192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
    *("224.0.0.0/4", "240.0.0.0/4"),
]
private = st.sampled_from(PRIVATE).flatmap(
    lambda network: st.integers(int(IPv4Network(network)[0]), int(IPv4Network(network)[-1])).map(IPv4Address)
)


def spellings(address: IPv4Address) -> list[str]:
    number, parts = int(address), address.packed
    return [
        str(address),
        str(number),
        hex(number),
        ".".join(hex(part) for part in parts),
        ".".join(f"0{part:o}" for part in parts),
        f"{parts[0]}.{number & 0xFFFFFF}",
        f"{address}.",
        f"[::ffff:{address}]",
        f"[64:ff9b::{address}]",
        f"[{IPv6Address((0x2002 << 112) | (number << 80))}]",  # 6to4
    ]


def refusal(url: str, allow: tuple[str, ...] = ()) -> str | None:
    asked = target(url)
    try:
        for address in Names().addresses(asked.host, 1):
            Allowed(allow).check(asked.host, address)
    except NotFetched as error:
        return error.status
    return None


@given(private)
def test_a_private_address_is_refused_in_every_spelling(address: IPv4Address) -> None:
    for spelling in spellings(address):
        assert refusal(f"http://{spelling}/") == "private_address", spelling
        assert refusal(f"http://{spelling}/", ("allowed.example",)) == "private_address", spelling


@given(private)
def test_a_private_address_is_asked_in_every_spelling_where_it_is_allowed(address: IPv4Address) -> None:
    for spelling in spellings(address):
        assert refusal(f"http://{spelling}/", (str(address),)) is None, spelling
        assert refusal(f"http://{spelling}/", (f"{address}/20",)) is None, spelling


@pytest.mark.parametrize(
    "address", ["::", "::1", "fe80::1", "fec0::1", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1", "100::1", "2001::1"]
)
def test_a_private_ipv6_address_is_refused(address: str) -> None:
    assert not is_public(ip_address(address))
    assert refusal(f"http://[{address}]/") == "private_address"


@pytest.mark.parametrize(
    "address",
    [
        *("1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.32.0.1", "192.0.1.0", "223.255.255.255"),
        *("2001:200::1", "2001:470::1", "2001:db9::1", "2400:cb00::1", "2606:4700::1111", "2a00:1450::1", "2c0f::1"),
        *("::ffff:1.1.1.1", "64:ff9b::1.1.1.1", "2002:101:101::1"),
    ],
)
def test_a_public_address_is_asked(address: str) -> None:
    assert is_public(ip_address(address))


def test_a_host_is_allowed_by_name() -> None:
    assert refusal("http://localhost/") == "private_address"
    assert refusal("http://LOCALHOST./", ("localhost",)) is None
    assert refusal("http://127.0.0.1/", ("localhost",)) == "private_address"


def test_what_is_no_host_in_allow_is_refused() -> None:
    with pytest.raises(Refused, match=r"fetch.allow: 'a b'"):
        Allowed(["a b"])


def test_a_host_without_address_is_unknown() -> None:
    with pytest.raises(NotFetched) as failed:
        Names().addresses("no-such-host.invalid", 10)
    assert failed.value.status == "unknown_host"


def leads_to(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Have the resolver say one answer after the other; the names it was asked for."""
    asked: list[str] = []

    def resolve(host: str, *words: object, **named: object) -> list[tuple[object, ...]]:
        asked.append(host)
        return [(0, 0, 0, "", (address, 0)) for address in answers[len(asked) - 1]]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


def backend(allow: list[str]) -> CheckedAddresses:
    return CheckedAddresses(Allowed(allow), time.monotonic)


def test_a_name_with_one_private_address_among_public_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    leads_to(monkeypatch, ["1.1.1.1", "127.0.0.1"])
    with pytest.raises(NotFetched) as refused:
        backend([]).connect_tcp("rebound.example", 80, time.monotonic() + PATIENCE_S)
    assert refused.value.status == "private_address"


def test_the_address_that_was_checked_is_the_one_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.2", 0)) as allowed:
        port = allowed.getsockname()[1]
        asked = leads_to(monkeypatch, ["127.0.0.2"], ["127.0.0.1"])
        deadline = time.monotonic() + PATIENCE_S
        opened = backend(["127.0.0.2"]).connect_tcp("rebound.example", port, deadline)
        assert allowed.accept()[0].getsockname()[0] == "127.0.0.2"
        assert asked == ["rebound.example"]
        opened.close()
