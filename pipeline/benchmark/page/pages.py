"""Pages: the templates, and the files they load, which are read when the server starts and looked up only by name."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from fastapi import HTTPException
from fastapi.responses import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from stages.text import shown

HERE = Path(__file__).parent
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def page(name: str, **values: Any) -> str:
    """Render a page with these values, each shown as text."""
    return _environment().get_template(name).render(**values)


def static(name: str) -> Response:
    """Serve scripts and styles: those that come with the program, by their full names."""
    if (found := _files().get(name)) is None:
        raise HTTPException(404, "no such file")
    data, kind = found
    return Response(data, media_type=kind, headers={"Cache-Control": "no-cache"})


@cache
def _files() -> dict[str, tuple[bytes, str]]:
    return {
        path.name: (path.read_bytes(), KINDS[path.suffix])
        for path in (HERE / "static").iterdir()
        if path.suffix in KINDS
    }


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=shown,
    )
