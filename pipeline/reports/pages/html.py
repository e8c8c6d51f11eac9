"""HTML: from templates to one self-contained file, which a person opens from disk without a network.

Everything is inline: style, script, figures, thumbnails. The page's own security policy (head.html.j2) forbids every
request and every script except its own. The same facts give the same bytes: no clock, no random ids.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from stages.text import many, shown

SHARED = Path(__file__).parent / "templates"
CHUNK = 8  # template events (a card is one, up to some 30 KB) per piece of text


def stream(environment: Environment, template: str, context: Mapping[str, Any]) -> Iterator[str]:
    """Render a page in pieces, so that a thousand pairs are never in memory twice."""
    pieces = environment.get_template(template).stream(**context)
    pieces.enable_buffering(CHUNK)
    return iter(pieces)


def environment(templates: Path) -> Environment:
    """Return an environment that finds a report's own templates and the shared ones; names not given are errors."""
    made = Environment(
        loader=FileSystemLoader([templates, SHARED]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=shown,
    )
    made.filters.update(number=lambda value: f"{value:,}", many=many, noun=noun, link=web_address)
    return made


def dressed(style: str, script: str) -> dict[str, str]:
    """Return what head.html.j2 needs of a page: its style, its script, and the hash that allows the script."""
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return {"style": style, "script": script, "script_hash": allowed}


def source(templates: Path, name: str) -> str:
    """Return the text of a style or script of these templates."""
    return (templates / name).read_text(encoding="utf-8")


def noun(count: int, one: str, several: str = "") -> str:
    """Return the word for so many: `many` without the number."""
    return many(count, one, several).split(" ", 1)[1]


def web_address(url: str | None) -> str | None:
    """Return the url if a browser may follow it, else None: a data set can hold `javascript:` or anything else."""
    try:
        known = url is not None and urlsplit(url).scheme in ("http", "https")
    except ValueError:
        return None
    return url if known else None
