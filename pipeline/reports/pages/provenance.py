"""Provenance: the settings that manifests were made with, as a page shows them: no paths of a machine, no passwords."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from manifests.manifest import Manifest
from pipeline.reports.pages.paths import shortened
from stages.text import many, without_secrets


def settings_of(manifests: Iterable[Manifest]) -> Iterator[tuple[str, str]]:
    """Yield the name and value of each setting, and in which precision shards were computed."""
    for manifest in manifests:
        for name, value in manifest.lineage.leaves():
            yield shortened(name), without_secrets(str(shortened(value)))
        for how, shards in manifest.computed.items():
            yield f"{manifest.folder.name} computed in", f"{how} ({many(shards, 'shard')})"
