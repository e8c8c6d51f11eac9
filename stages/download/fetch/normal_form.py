"""Normal form: paths and queries of URLs as they are asked for, and the coarser keys by which they are compared.

The normal form is that of RFC 3986, section 6.2.2: an escaped unreserved character is written plainly, the digits of
other escapes are capitals, dot segments are removed, and what may not stand in a URL is escaped (as UTF-8). Two URLs
with one normal form are the same request. Reserved characters stay as they were written, escaped or not, for a server
may tell `(` from `%28`.

Keys ignore that difference wherever the character separates nothing, and compare letters with accents in Unicode's
form C. So a key matches a little too much, as it should where people ask not to be used, and is never asked for.
"""

from __future__ import annotations

import re
import string
from unicodedata import normalize
from urllib.parse import quote, unquote

UNRESERVED = string.ascii_letters + string.digits + "-._~"
SUB_DELIMS = "!$&'()*+,;="
PATH = SUB_DELIMS + ":@/"  # what may stand in a path beside unreserved characters and escapes
QUERY = PATH + "?"
# what a key does not tell from its escape: `/` separates the segments of a path, `&`, `=` and `;` the fields of a
# query, and `+` its words
SAME_IN_PATH = UNRESERVED + SUB_DELIMS + ":@"
SAME_IN_QUERY = UNRESERVED + "!$'()*,:@/?"
ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})?")
ASCII_ESCAPE = re.compile(r"(%[0-7][0-9A-F])")
OTHER_ESCAPE = re.compile(r"%[89A-F]")


def normal_path(path: str) -> str:
    """A path in normal form; "/" where it is empty. Raises UnicodeEncodeError for half a surrogate pair."""
    return _without_dots(_escaped(path, PATH)) or "/"


def normal_query(query: str) -> str:
    """A query in normal form. Raises as `normal_path` does."""
    return _escaped(query, QUERY)


def path_key(path: str) -> str:
    """What all paths of one resource share; `path` is in normal form, and so is its key."""
    return _composed(_plain(path, SAME_IN_PATH))


def query_key(query: str) -> str:
    """What all queries of one resource share; `query` is in normal form, and so is its key."""
    return _composed(_plain(query.replace("+", "%20"), SAME_IN_QUERY))  # forms write a space as a plus sign


def _escaped(text: str, allowed: str) -> str:
    return _plain(quote(text, safe=allowed + "%"), UNRESERVED)


def _plain(text: str, characters: str) -> str:
    """Escapes of these characters become the characters; a percent sign that begins no escape is escaped itself."""
    if "%" not in text:  # as nearly always, of millions
        return text

    def one(escape: re.Match[str]) -> str:
        character = chr(int(escape[1], 16)) if escape[1] else "%"
        return character if character in characters else f"%{ord(character):02X}"

    return ESCAPE.sub(one, text)


def _without_dots(path: str) -> str:
    """RFC 3986, 5.2.4, for a path that is empty or begins with "/". Empty segments stay."""
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
    """Letters and their accents in Unicode's form C (NFC), escaped; bytes that are no UTF-8 stay as they are."""
    if not OTHER_ESCAPE.search(text):
        return text
    parts = ASCII_ESCAPE.split(text)  # what is escaped for a reason joins no accent
    for place in range(0, len(parts), 2):
        characters = unquote(parts[place], errors="surrogateescape")
        parts[place] = quote(normalize("NFC", characters), safe=QUERY, errors="surrogateescape")
    return "".join(parts)
