"""Targets: a URL as it is requested, or why it is not requested, and the key by which it is known in any spelling.

Unicode hosts become IDNA 2008, paths and queries are put into normal form (normal_form.py); the odd spellings of an
IPv4 address (2130706433, 0x7f.1, 127.1) that a resolver accepts become the plain one. A default port, a dot at the end
of the host, an empty query and a fragment are left out, and so is white space around a URL.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

import idna

from stages.download.fetch.normal_form import normal_path, normal_query, path_key, query_key
from stages.download.fetch.outcomes import BAD_URL, NotFetched

PORTS = {"http": 80, "https": 443}
LONGEST = 16_384  # characters
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
HOST = re.compile(r"(?![-.])[a-z0-9._-]{1,253}", re.ASCII)


@dataclass(frozen=True)
class Target:
    """Where to connect (`host` is a name or a plain address, without brackets) and what to request there."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def site(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def key(self) -> str:
        """What all spellings of this URL share, itself one of them: to compare with other keys, never to request."""
        path, mark, query = self.path.partition("?")
        return f"{self.scheme}://{self.site}{path_key(path)}{mark}{query_key(query)}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.site}{self.path}"


def target(url: str) -> Target:
    """Parse a URL. Raises NotFetched (bad_url) if it is not an http or https URL, or has a user or password in it."""
    text = url.strip()
    if len(text) > LONGEST or CONTROL.search(text):
        raise NotFetched(BAD_URL, f"control characters, or more than {LONGEST} characters")
    try:
        parts = urlsplit(text)
        port = parts.port
        _check(parts, port)
        path = normal_path(parts.path) + ("?" + normal_query(parts.query) if parts.query else "")
    except ValueError as error:  # including UnicodeEncodeError (half a surrogate pair)
        raise NotFetched(BAD_URL, f"it does not parse: {error}") from error
    return Target(parts.scheme, host_of(parts.hostname or ""), port or PORTS[parts.scheme], path)


def url_key(url: str) -> str:
    """Return the key of a URL (Target.key) in any spelling; a URL that cannot be requested is known by its text."""
    try:
        return target(url).key
    except NotFetched:
        return url.strip()


def forms_of(url: str) -> set[str]:
    """Return the forms in which our own texts may name a URL: as it was written, as it is requested, and its key."""
    try:
        asked = target(url)
    except NotFetched:
        return {url}
    return {url, str(asked), asked.key}


def _check(parts: SplitResult, port: int | None) -> None:
    if parts.scheme not in PORTS:
        raise NotFetched(BAD_URL, f"only http and https are asked, not {parts.scheme[:20] or 'a URL without scheme'}")
    if "@" in parts.netloc:
        raise NotFetched(BAD_URL, "a URL with a user or password in it is not asked")
    if port == 0 or (parts.path and not parts.path.startswith("/")):
        raise NotFetched(BAD_URL, "it names no host and port that can be asked")


def led_to(here: Target, location: str) -> Target:
    """Return where a Location header leads. Raises as `target` does."""
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
    """Return a host in the one spelling by which it is known; its escapes are UTF-8. Raises NotFetched (bad_url)."""
    if ":" in name:
        return _ipv6(name)
    try:
        host = unquote(name, errors="strict").lower()
        if not host.isascii():
            host = idna.encode(host, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        raise NotFetched(BAD_URL, f"the host {name[:80]!r} is not a domain name: {error}") from error
    plain = host.removesuffix(".")
    if ".." in host or not HOST.fullmatch(plain) or any(len(label) > 63 for label in plain.split(".")):
        raise NotFetched(BAD_URL, f"the host {name[:80]!r} is not a domain name")
    try:
        return socket.inet_ntoa(socket.inet_aton(plain))
    except OSError:
        return plain


def _ipv6(name: str) -> str:
    try:
        address = IPv6Address(name)
    except AddressValueError as error:
        raise NotFetched(BAD_URL, f"the host {name[:80]!r} is not an address") from error
    if address.scope_id:
        raise NotFetched(BAD_URL, f"the address {name[:80]!r} belongs to one interface of one machine")
    return str(address)
