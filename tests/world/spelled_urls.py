"""Resources of the web, taken apart, and the many URLs of each: an oracle that reads no URL, it only writes some."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from unicodedata import normalize

from hypothesis import assume
from hypothesis import strategies as st

Text = tuple[str | bytes, ...]  # characters, and bytes that are no UTF-8


@dataclass(frozen=True)
class Resource:
    """What a URL means: its parts, decoded. A query is its fields, between ampersands."""

    scheme: str
    host: str
    port: int
    segments: tuple[Text, ...]
    fields: tuple[Text, ...]

    def composed(self) -> Resource:
        """With each accent joined to its letter."""
        return replace(self, segments=tuple(map(joined, self.segments)), fields=tuple(map(joined, self.fields)))

    def decomposed(self) -> Resource:
        """With each accent after its letter."""
        return replace(self, segments=tuple(map(parted, self.segments)), fields=tuple(map(parted, self.fields)))


def parted(text: Text) -> Text:
    return tuple(part for one in text for part in (normalize("NFD", one) if isinstance(one, str) else [one]))


def joined(text: Text) -> Text:
    return (normalize("NFC", "".join(one if isinstance(one, str) else chr(0xE000 + one[0]) for one in text)),)


def encoded(text: Text) -> bytes:
    return b"".join(one.encode() if isinstance(one, str) else one for one in text)


LETTERS = ["a", "C", "e", "\u0301", "\u0327", "\u00e9", "\u65e5", "~", ".", "-", "2", "5"]
CHARACTERS = [*LETTERS, *"(+;=:@!'/?#%&[|\\ \"", b"\xe9", b"\x81"]
TEXT = st.lists(st.sampled_from(CHARACTERS), max_size=5).map(tuple)
SEGMENT = TEXT.filter(lambda text: text not in ((".",), (".", ".")))
HOSTS = {
    "a.example": ["a.example", "A.eXample", "a.example.", "%61.example", "\uff41.example"],
    "xn--bcher-kva.example": ["b\u00fccher.example", "XN--bcher-kva.example", "b%C3%BCcher.example"],
    "192.0.2.1": ["192.0.2.1", "0xC0.0.2.1", "3221225985", "192.0.513"],
    "[2001:db8::1]": ["[2001:DB8::1]", "[2001:db8:0:0::0.0.0.1]"],
}
PORTS = {("http", 80): ["", ":", ":80", ":080"], ("https", 443): ["", ":443"]}
RESOURCES = st.builds(
    Resource,
    st.sampled_from(["http", "https"]),
    st.sampled_from(list(HOSTS)),
    st.sampled_from([80, 443, 8080]),
    st.lists(SEGMENT, min_size=1, max_size=4).map(tuple),
    st.lists(TEXT, max_size=3).map(tuple).filter(lambda fields: fields != ((),)),
)


@dataclass
class Pen:
    """Writes a resource as a URL, each time another. `wide`: also in ways that RFC 3986 does not call equivalent."""

    dice: Random
    wide: bool = False

    def url(self, one: Resource) -> str:
        port = self.dice.choice(PORTS.get((one.scheme, one.port), [f":{one.port}"]))
        scheme = self.dice.choice([one.scheme, one.scheme.upper()])
        host = self.dice.choice(HOSTS.get(one.host, [one.host]))
        query = "&".join(self.field(field) for field in one.fields)
        mark = "?" if query else self.dice.choice(["", "?"])
        url = f"{scheme}://{host}{port}{self.path(one.segments)}{mark}{query}"
        bare = url.rstrip()  # white space around a URL is no part of it
        return f"{bare}{'%20' * (len(url) - len(bare))}{self.dice.choice(['', ' ', '#', '#/../?%7e'])}"

    def path(self, segments: tuple[Text, ...]) -> str:
        if segments == ((),) and self.dice.random() < 0.5:
            return ""
        path = "".join(self.noise() + "/" + self.text(segment, "/?#%", "(:@!'+;=&") for segment in segments)
        return self.dice.choice([path, f"{path}{self.dot()}", f"{path}x/{self.dots()}"]) if segments[-1] == () else path

    def noise(self) -> str:
        """Segments that come to nothing."""
        return self.dice.choice(["", "", f"/{self.dot()}", f"/(x%2F/{self.dots()}"])

    def dots(self) -> str:
        return self.dot() + self.dot()

    def dot(self) -> str:
        return self.dice.choice([".", "%2e", "%2E"])

    def field(self, field: Text) -> str:
        spelled = self.text(field, "#%&+;=", "(:@!'/?")
        return spelled.replace(" ", "+").replace("%20", "+") if self.wide and self.dice.random() < 0.3 else spelled

    def text(self, text: Text, delimiters: str, reserved: str) -> str:
        """`delimiters` are always escaped where they are data, `reserved` characters only by a wide pen."""
        return "".join(self.character(one, delimiters, reserved) for one in text)

    def character(self, one: str | bytes, delimiters: str, reserved: str) -> str:
        data = encoded((one,))
        escaped = "".join(self.dice.choice([f"%{byte:02x}", f"%{byte:02X}"]) for byte in data)
        if isinstance(one, bytes) or one in delimiters:
            return escaped
        return one if one in reserved and not self.wide else self.dice.choice([one, escaped])


def changed(one: Resource, dice: Random) -> Resource:
    """Another resource, or the same again: one character more, less or another, or two parts that have become one."""
    name = dice.choice(["segments", "fields"])
    parts = list(getattr(one, name)) or [()]
    place = dice.randrange(len(parts))
    if len(parts[place:]) > 1 and dice.random() < 0.3:
        parts[place : place + 2] = [(*parts[place], "/" if name == "segments" else "&", *parts[place + 1])]
    else:
        text, at = list(parts[place]), dice.randrange(len(parts[place]) + 1)
        text[at : at + dice.randrange(2)] = dice.sample(CHARACTERS, dice.randrange(2))
        parts[place] = tuple(text)
    assume(not {(".",), (".", ".")} & set(parts) and (name, parts) != ("fields", [()]))
    return replace(one, **{name: tuple(parts)})
