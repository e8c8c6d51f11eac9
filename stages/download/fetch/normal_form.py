"""Normal form: paths and queries of URLs as they are requested, and the coarser keys by which they are compared.

The normal form is that of RFC 3986, section 6.2.2: an escaped unreserved character is written plainly, the digits of
other escapes are capitals, dot segments are removed, and what a URL may not contain is escaped (as UTF-8). Two URLs
with the same normal form are the same request. Reserved characters are kept as written, escaped or not, because a
server may distinguish `(` from `%28`.

Keys ignore that difference wherever the character separates nothing, and compare letters with accents in Unicode's
form C. So a key matches slightly too much, as it should when people opt out, and is never requested.
"""

from __future__ import annotations

import re
import string
from unicodedata import normalize
from urllib.parse import quote, unquote

UNRESERVED = string.ascii_letters + string.digits + "-._~"
SUB_DELIMS = "!$&'()*+,;="
PATH = SUB_DELIMS + ":@/"  # what a path may contain besides unreserved characters and escapes
QUERY = PATH + "?"
# what a key does not distinguish from its escape: `/` separates the segments of a path, `&`, `=` and `;` the fields
# of a query, and `+` its words
SAME_IN_PATH = UNRESERVED + SUB_DELIMS + ":@"
SAME_IN_QUERY = UNRESERVED + "!$'()*,:@/?"
ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})?")
ASCII_ESCAPE = re.compile(r"(%[0-7][0-9A-F])")
OTHER_ESCAPE = re.compile(r"%[89A-F]")


def normal_path(path: str) -> str:
    """Return a path in normal form; "/" if it is empty. Raises UnicodeEncodeError for half a surrogate pair."""
    return _without_dots(_escaped(path, PATH)) or "/"


def normal_query(query: str) -> str:
    """Return a query in normal form. Raises as `normal_path` does."""
    return _escaped(query, QUERY)


def path_key(path: str) -> str:
    """Return what all paths of one resource share; `path` is in normal form, and so is its key."""
    return _composed(_plain(path, SAME_IN_PATH))


def query_key(query: str) -> str:
    """Return what all queries of one resource share; `query` is in normal form, and so is its key."""
    return _composed(_plain(query.replace("+", "%20"), SAME_IN_QUERY))  # forms write a space as a plus sign


def _escaped(text: str, allowed: str) -> str:
    return _plain(quote(text, safe=allowed + "%"), UNRESERVED)


def _plain(text: str, characters: str) -> str:
    """Replace escapes of these characters by the characters, and escape a percent sign that begins no escape."""
    if "%" not in text:  # true of nearly all of millions
        return text

    def one(escape: re.Match[str]) -> str:
        character = chr(int(escape[1], 16)) if escape[1] else "%"
        return character if character in characters else f"%{ord(character):02X}"

    return ESCAPE.sub(one, text)


def _without_dots(path: str) -> str:
    """Remove dot segments (RFC 3986, 5.2.4) from a path that is empty or begins with "/". Empty segments are kept."""
    if "/." not in path:
        return path
    segments, kept = path.split("/")[1:], list[str]()
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    ends_in_folder = segments[-1] in (".", "..")
    return "/" + "/".join([*kept, ""] if ends_in_folder else kept)


def _composed(text: str) -> str:
    """Put letters and their accents into Unicode's form C (NFC), escaped; other bytes than UTF-8 are unchanged."""
    if not OTHER_ESCAPE.search(text):
        return text
    parts = ASCII_ESCAPE.split(text)  # an ASCII character that is still escaped joins no accent
    for place in range(0, len(parts), 2):
        characters = unquote(parts[place], errors="surrogateescape")
        parts[place] = quote(normalize("NFC", characters), safe=QUERY, errors="surrogateescape")
    return "".join(parts)
