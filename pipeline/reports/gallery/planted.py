"""Planted: the demo's check, stored beside the run it judged, so that the gallery can be written again."""

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
    """The rows, and the pairs they are about."""

    fingerprint: str
    content: str
    rows: tuple[Planted, ...]


def write_planted(run: Folder, pairs: Manifest, rows: Sequence[Planted]) -> None:
    """Store the rows in the run's folder, with what identifies these pairs."""
    kept = _Kept(pairs.lineage.fingerprint, pairs.content, tuple(rows))
    run.write(PLANTED, json_bytes(asdict(kept)))


def read_planted(run: Folder, pairs: Manifest) -> tuple[Planted, ...] | None:
    """Return the rows stored for these pairs; None if there are none, or of other pairs or another version."""
    if not run.has(PLANTED):
        return None
    try:
        kept = TypeAdapter(_Kept).validate_json(run.read(PLANTED))
    except ValueError:
        return None  # treated as absent: `blindpairs demo` writes it again
    return kept.rows if (kept.fingerprint, kept.content) == (pairs.lineage.fingerprint, pairs.content) else None
