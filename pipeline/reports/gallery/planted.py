"""Planted: the demo's check, kept beside the run it judged, so that its gallery can be written again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from pydantic import TypeAdapter

from manifests.manifest import Manifest, json_bytes
from manifests.storage import Folder
from pipeline.reports.gallery.facts import Planted
from pipeline.run.layout import PLANTED


@dataclass(frozen=True)
class _Kept:
    """The rows, and which pairs they are of."""

    fingerprint: str
    content: str
    rows: tuple[Planted, ...]


def write_planted(run: Folder, pairs: Manifest, rows: Sequence[Planted]) -> None:
    """Keep the rows in the run's folder, with what tells these pairs from others."""
    kept = _Kept(pairs.lineage.fingerprint, pairs.content, tuple(rows))
    run.write(PLANTED, json_bytes(asdict(kept)))


def read_planted(run: Folder, pairs: Manifest) -> tuple[Planted, ...] | None:
    """The rows kept of just these pairs; None where there are none, or of others, or of another version."""
    if not run.has(PLANTED):
        return None
    try:
        kept = TypeAdapter(_Kept).validate_json(run.read(PLANTED))
    except ValueError:
        return None  # as good as none: `blindpairs demo` writes it again
    return kept.rows if (kept.fingerprint, kept.content) == (pairs.lineage.fingerprint, pairs.content) else None
