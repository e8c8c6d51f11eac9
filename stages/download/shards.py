"""WebDataset shards: tars of images with their captions (.txt) and fields (.json, .cls) beside them.

Members belong together by name, adjacent or not. An image's name is everything before its last dot, so that
`dog.left.jpg` and `dog.right.jpg` are two images; `dog.txt` is the caption of both, by WebDataset's own rule
that the name ends at the first dot.
"""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from manifests.counts import Counts
from manifests.errors import Refused
from manifests.parsing import parse_json
from manifests.stores.places import absolute
from stages import images
from stages.base import PriorState, Task
from stages.download.growth import grown
from stages.download.index import SIDECAR_BYTES, SIDECARS, Index, index_of
from stages.download.listing import digest, files_matching
from stages.download.row import Found, Row, fields_of, looked_at, refused
from stages.download.settings import ShardsSettings
from stages.download.tar import Damage, Member
from stages.images import ImageRefused

DUPLICATE_KEY = "duplicate_key"


@dataclass(frozen=True)
class ShardsSource:
    """One tar is one task."""

    source: ShardsSettings

    def external_state(self) -> dict[str, int | str]:
        """Return the current number, bytes, and a hash of names and sizes of the tars.

        Raises Refused if `keys_repeat` would distinguish images by the names of tars, and two tars share a name.
        """
        files = files_matching(self.source, self.source.uri)
        names = Counter(file.name for file in files)
        if self.source.keys_repeat and (twice := [name for name in names if names[name] > 1]):
            raise Refused(
                f"source {self.source.name}: {names[twice[0]]} tars are called {twice[0]}, and keys_repeat tells their "
                "images apart by that name; make each folder a source of its own"
            )
        return digest(files)

    def plan(self) -> list[Task]:
        files = files_matching(self.source, self.source.uri)
        facts = [{"source": self.source.name, "uri": absolute(file.uri), "bytes": file.size} for file in files]
        return [Task(f"{self.source.name}-{place:05d}", one) for place, one in enumerate(facts)]

    def extended(self, begun: PriorState) -> tuple[list[Task], list[Task]]:
        """Recognize earlier files by location and bytes; new files come after them."""
        return grown(begun, self.plan())

    def rows(self, task: Task) -> tuple[list[Row], Counts]:
        """Return a row for every image of the tar, one more if it is damaged, and counts of what else it held."""
        uri, notes = task.facts["uri"], Counter[str]()
        index = index_of(uri)
        seen: Counter[str] = Counter()
        rows = []
        for member in index.pictures:
            seen[member.name] += 1
            rows.append(self._row(uri, index, member, seen[member.name], notes))
        if index.damage:
            rows.append(self._damaged(uri, index.damage))
        return rows, Counts(aside=dict(index.aside + notes))

    def _row(self, uri: str, index: Index, member: Member, occurrence: int, notes: Counter[str]) -> Row:
        stem = member.name.rsplit(".", 1)[0]
        natural = f"{_file_name(uri)}/{member.name}" if self.source.keys_repeat else member.name
        fields = fields_of(read_sidecars(uri, index, member.name, notes), self.source.license)
        place = (uri, member.offset, member.length)
        if occurrence == 1:
            found = Found(self.source.name, stem, natural, *place, fields, member.fault)
            return looked_at(found, index.looks.get(member.offset))
        again = Found(self.source.name, stem, f"{natural}#{occurrence}", *place, fields)
        sentence = f"{member.name} occurs {occurrence} times in {_file_name(uri)}; the first one counts"
        return refused(again, DUPLICATE_KEY, sentence)

    def _damaged(self, uri: str, damage: Damage) -> Row:
        name = _file_name(uri)
        return refused(Found(self.source.name, name, f"{name}#damage", uri, 0, 0), damage.status, damage.sentence)


def read_sidecars(uri: str, index: Index, name: str, notes: Counter[str]) -> dict[str, Any]:
    """Return the caption and fields of the image called `name`; anything that does not parse is noted and left out."""
    values: dict[str, Any] = {}
    for kind in SIDECARS:
        if (member := _sidecar(index, name, kind)) is not None:
            data = index.kept.get(member.offset)
            values |= _parsed(kind, _bytes_of(uri, member, kind, notes) if data is None else data, notes)
    return values


def _bytes_of(uri: str, member: Member, kind: str, notes: Counter[str]) -> bytes:
    if member.length > SIDECAR_BYTES:
        notes[f"(.{kind} of more than {SIDECAR_BYTES} bytes)"] += 1
        return b""
    try:
        return images.read(uri, member.offset, member.length)
    except ImageRefused:  # the tar changed since its headers were read
        notes[f"(.{kind} that could not be read)"] += 1
        return b""


def _parsed(kind: str, data: bytes, notes: Counter[str]) -> Mapping[str, Any]:
    if not data.strip():
        return {}
    data = data.removeprefix(codecs.BOM_UTF8)
    text = data.decode("utf-8", "replace")
    if text.encode() != data:
        notes[f"(.{kind} that is not UTF-8)"] += 1
    if kind != "json":
        return {"caption" if kind == "txt" else "label": text.strip()}
    try:
        value = parse_json(text)
    except ValueError:
        value = None
    if isinstance(value, dict):
        return value
    notes["(.json that is not a JSON object)"] += 1
    return {}


def _sidecar(index: Index, name: str, kind: str) -> Member | None:
    folder, slash, base = name.rpartition("/")
    exact = index.sidecars.get((name.rsplit(".", 1)[0], kind))
    return exact or index.sidecars.get((folder + slash + base.split(".", 1)[0], kind))


def _file_name(uri: str) -> str:
    return uri.rsplit("/", 1)[-1]
