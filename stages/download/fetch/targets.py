"""Targets: a URL as it is asked, or why it is not asked.

Unicode hosts become IDNA 2008, paths and queries percent-encoded UTF-8; the odd spellings of an IPv4
address (2130706433, 0x7f.1, 127.1) that a resolver takes become the plain one.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address
from urllib.parse import SplitResult, quote, urljoin, urlsplit

import idna

from stages.download.fetch.outcomes import BAD_URL, NotFetched

PORTS = {"http": 80, "https": 443}
LONGEST = 16_384  # characters
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
HOST = re.compile(r"(?![-.])[a-z0-9._-]{1,253}", re.ASCII)
# what stands in a URL unquoted; a percent sign was quoted by whoever wrote the URL
PLAIN = "/%:@!$&'()*+,;=~-._"


@dataclass(frozen=True)
class Target:
    """Where to connect (`host` is a name or a plain address, without brackets) and what to ask for there."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def site(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.site}{self.path}"


def target(url: str) -> Target:
    """Raises NotFetched (bad_url) for what is no http or https URL, or has a user or password in it."""
    text = url.strip(" ")
    if len(text) > LONGEST or CONTROL.search(text):
        raise NotFetched(BAD_URL, f"control characters, or more than {LONGEST} characters")
    try:
        parts = urlsplit(text)
        port = parts.port
        path = quote(parts.path, safe=PLAIN) or "/"
        query = "?" + quote(parts.query, safe=PLAIN + "?[]|^`{}\\") if parts.query else ""
    except ValueError as error:  # UnicodeEncodeError (half a surrogate pair) among them
        raise NotFetched(BAD_URL, f"it does not parse: {error}") from error
    _check(parts, port)
    return Target(parts.scheme, host_of(parts.hostname or ""), port or PORTS[parts.scheme], path + query)


def spelled(url: str) -> str:
    """A URL in the one spelling in which it is asked, by which it is known; as it stands where it is not asked."""
    try:
        return str(target(url))
    except NotFetched:
        return url.strip()


def _check(parts: SplitResult, port: int | None) -> None:
    if parts.scheme not in PORTS:
        raise NotFetched(BAD_URL, f"only http and https are asked, not {parts.scheme[:20] or 'a URL without scheme'}")
    if "@" in parts.netloc:
        raise NotFetched(BAD_URL, "a URL with a user or password in it is not asked")
    if port == 0 or (parts.path and not parts.path.startswith("/")):
        raise NotFetched(BAD_URL, "it names no host and port that can be asked")


def led_to(here: Target, location: str) -> Target:
    """Where a Location header leads. Raises as `target` does."""
    try:
        location = location.encode("latin-1").decode("utf-8")  # as http.client reads headers, and as sites write them
    except UnicodeError:
        location = location.strip()
    try:
        joined = urljoin(str(here), location.strip())
    except ValueError as error:
        raise NotFetched(BAD_URL, f"it leads to what does not parse: {error}") from error
    return target(joined)


def host_of(name: str) -> str:
    """A host in the one spelling under which it is known. Raises NotFetched (bad_url)."""
    if ":" in name:
        return _ipv6(name)
    host = name.lower()
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError) as error:
            raise NotFetched(BAD_URL, f"the host {name!r} is not a domain name: {error}") from error
    host = host.removesuffix(".")
    if not HOST.fullmatch(host) or ".." in host or any(len(label) > 63 for label in host.split(".")):
        raise NotFetched(BAD_URL, f"the host {name[:80]!r} is not a domain name")
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return host


def _ipv6(name: str) -> str:
    try:
        address = IPv6Address(name)
    except AddressValueError as error:
        raise NotFetched(BAD_URL, f"the host {name[:80]!r} is not an address") from error
    if address.scope_id:
        raise NotFetched(BAD_URL, f"the address {name[:80]!r} belongs to one interface of one machine")
    return str(address)
