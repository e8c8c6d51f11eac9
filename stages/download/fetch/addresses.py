"""Addresses: which ones a host has, and which of them may be connected to.

What is checked is the very address that is connected to: a name that leads elsewhere a moment later
(DNS rebinding) gains nothing.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Collection
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from threading import Lock, Thread

from manifests.errors import Refused
from stages.download.fetch.outcomes import PRIVATE_ADDRESS, TIMEOUT, UNKNOWN_HOST, NotFetched
from stages.download.fetch.targets import host_of

Address = IPv4Address | IPv6Address
NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
FRESH_S = 60.0  # how long what a resolver said is taken again
MOST_NAMES = 10_000  # remembered at once


def within(address: Address) -> Address:
    """The IPv4 address that an IPv6 address leads to (mapped, 6to4, NAT64), or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    led = address.ipv4_mapped or address.sixtofour
    return led or (IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 else address)


def is_public(address: Address) -> bool:
    """Whether it belongs to the public internet, by IANA's registers of special purpose addresses."""
    led = within(address)
    special = led.is_multicast or led.is_reserved or led.is_unspecified or led.is_loopback or led.is_link_local
    return led.is_global and not special and not (isinstance(led, IPv6Address) and led.is_site_local)


class Allowed:
    """Private hosts, addresses and networks that a recipe allows."""

    def __init__(self, named: Collection[str]) -> None:
        """Raises Refused for what is neither a host nor an address nor a network."""
        self._networks: list[IPv4Network | IPv6Network] = []
        self._hosts: set[str] = set()
        for name in named:
            try:
                self._networks.append(ip_network(name.strip("[]"), strict=False))
            except ValueError:
                self._hosts.add(_host(name))

    def check(self, host: str, address: Address) -> None:
        """Raises NotFetched (private_address)."""
        if is_public(address) or host in self._hosts:
            return
        if not any(one in network for one in (address, within(address)) for network in self._networks):
            raise NotFetched(PRIVATE_ADDRESS, f"{host} is {address}, a private address that fetch.allow does not name")


def _host(name: str) -> str:
    try:
        return host_of(name)
    except NotFetched as error:
        raise Refused(
            f"fetch.allow: {name!r} is neither a host nor an address nor a network such as 10.0.0.0/8"
        ) from error


class Names:
    """What the system's resolver says, within a time, remembered for FRESH_S."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, list[Address]]] = {}
        self._lock = Lock()

    def addresses(self, host: str, within_s: float) -> list[Address]:
        """Every address of a host. Raises NotFetched (unknown_host, timeout)."""
        try:
            return [ip_address(host)]
        except ValueError:
            pass_on = self._known.get(host)
        if pass_on and time.monotonic() - pass_on[0] < FRESH_S:
            return pass_on[1]
        found = _resolved(host, within_s)
        with self._lock:
            if len(self._known) >= MOST_NAMES:
                self._known.clear()
            self._known[host] = (time.monotonic(), found)
        return found


def _resolved(host: str, within_s: float) -> list[Address]:
    """In a thread of its own, for the resolver keeps its own time."""
    told: list[list[Address] | OSError | UnicodeError] = []

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            told.append([ip_address(str(entry[4][0])) for entry in found])
        except (OSError, UnicodeError) as error:
            told.append(error)

    asking = Thread(target=ask, daemon=True)
    asking.start()
    asking.join(within_s)
    if not told:
        raise NotFetched(TIMEOUT, f"no resolver answered for {host} in time")
    if isinstance(told[0], Exception):
        raise NotFetched(UNKNOWN_HOST, f"{host} has no address: {told[0]}")
    return told[0]
