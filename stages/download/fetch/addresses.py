"""Addresses: which addresses a host has, and which of them may be connected to.

The address that is checked is the very one that is connected to: a name that resolves elsewhere a moment later
(DNS rebinding) gains nothing.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from threading import Lock, Thread

from manifests.errors import Refused
from stages.download.fetch.outcomes import PRIVATE_ADDRESS, TIMEOUT, UNKNOWN_HOST, NotFetched
from stages.download.fetch.targets import host_of

Address = IPv4Address | IPv6Address
# IANA's registers of special-purpose addresses as of October 2025, and multicast. What they call globally reachable
# (AS112, AMT, anycast for PCP and TURN) is here too: it serves protocols, often from the local network, not images
SPECIAL = [
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
    *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16"),
    *("192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
    *("2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20"),  # the other IPv6 ones are outside UNICAST
    "168.63.129.16/32",  # in no register: Azure's wire server, which gives each machine its settings
]
SPECIAL_NETWORKS = [ip_network(block) for block in SPECIAL]
UNICAST = IPv6Network("2000::/3")  # all that IANA assigns; outside it are private, local and unassigned addresses
NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
FRESH_S = 60.0  # how long a resolver's answer is reused
MOST_NAMES = 10_000  # remembered at once


def ends_of(address: Address) -> list[Address]:
    """Return where an address leads: to itself, or to the IPv4 addresses that a tunnel or a translator finds in it.

    Addresses with IPv4 addresses in them are mapped, NAT64, 6to4 (RFC 3056) and ISATAP (RFC 5214) addresses.
    """
    if isinstance(address, IPv4Address):
        return [address]
    last = IPv4Address(int(address) & 0xFFFFFFFF)
    if address.ipv4_mapped or address in NAT64:
        return [last]
    is_isatap = (int(address) >> 32) & 0xFDFFFFFF == 0x5EFE  # ::0:5efe:a.b.c.d and ::200:5efe:a.b.c.d in any network
    return [address.sixtofour or address, *([last] if is_isatap else [])]


def is_public(address: Address) -> bool:
    """Return whether an address, and every address it leads to, is on the public internet by IANA's registers."""
    return all(_is_ordinary(end) for end in ends_of(address))


def _is_ordinary(address: Address) -> bool:
    known = isinstance(address, IPv4Address) or address in UNICAST
    return known and not any(address in network for network in SPECIAL_NETWORKS)


class Allowed:
    """Private hosts, addresses and networks that a recipe allows."""

    def __init__(self, named: Collection[str]) -> None:
        """Raises Refused for anything that is neither a host nor an address nor a network."""
        self._networks: list[IPv4Network | IPv6Network] = []
        self._hosts: set[str] = set()
        for name in named:
            try:
                self._networks.append(ip_network(name.strip("[]"), strict=False))
            except ValueError:
                self._hosts.add(_host(name))

    def check(self, host: str, address: Address) -> None:
        """Check that a host's address may be connected to. Raises NotFetched (private_address)."""
        if host in self._hosts or self._names(address):
            return
        if not all(_is_ordinary(end) or self._names(end) for end in ends_of(address)):
            raise NotFetched(PRIVATE_ADDRESS, f"{host} is {address}, a private address that fetch.allow does not name")

    def _names(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def _host(name: str) -> str:
    try:
        return host_of(name)
    except NotFetched as error:
        raise Refused(
            f"fetch.allow: {name!r} is neither a host nor an address nor a network such as 10.0.0.0/8"
        ) from error


class Names:
    """Answers of the system's resolver, given within a time limit and remembered for FRESH_S."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, list[Address]]] = {}
        self._lock = Lock()

    def addresses(self, host: str, within_s: float) -> list[Address]:
        """Return every address of a host. Raises NotFetched (unknown_host, timeout)."""
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
    """Resolve a host in a separate thread, because the resolver has its own time limits."""
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
