"""Tars: ILSVRC's own archives, read in place: the 138 GB tar of class tars, and tars of images.

A task is a class tar, or a stretch of a tar of images; only headers are read while planning. From a store a tar of
images is read once for that, from start to end: its 50,000 headers would take as many requests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from manifests.counts import Counts
from manifests.errors import Refused
from manifests.stores.places import absolute
from stages import images
from stages.base import Task
from stages.download.imagenet.form import CLASS_TAR
from stages.download.imagenet.names import base
from stages.download.imagenet.stretch import Endless, stretch
from stages.download.index import Index, index_of
from stages.download.listing import digest, files_matching, listing
from stages.download.row import Found, Row, looked_at, refused
from stages.download.settings import ImagenetSettings
from stages.download.shards import DUPLICATE_KEY
from stages.download.tar import Damage, Member, members
from stages.download.tar_headers import BLOCK
from stages.download.walk import File

OTHERS = "(members that are no tar of a class)"


@dataclass(frozen=True)
class ClassTars:
    """The tar of class tars. A task is one class tar; the last task also reports where the outer tar is truncated."""

    source: ImagenetSettings

    def external_state(self) -> dict[str, int | str]:
        return digest(files_matching(self.source, self.source.uri))

    def plan(self) -> list[Task]:
        """Return one task for each class tar. Raises Refused if one of the tars holds no class tar."""
        facts = [one for file in files_matching(self.source, self.source.uri) for one in self._facts(file)]
        return [Task(f"{self.source.name}-{place:05d}", one) for place, one in enumerate(facts)]

    def rows(self, task: Task) -> tuple[list[Row], Counts]:
        facts = task.facts
        rows, aside = _rows(self.source, facts, f"{base(facts['inner'])}/", ended=False)
        if facts.get("cut") and not any(row["key"] == _damage_key(facts) for row in rows):
            rows.append(_damaged(self.source, facts, Damage(images.TRUNCATED, facts["cut"])))
        return rows, Counts(aside=dict(aside + Counter({OTHERS: facts["others"]} if facts.get("others") else {})))

    def _facts(self, file: File) -> list[dict[str, Any]]:
        uri, found, others, cut = absolute(file.uri), list[dict[str, Any]](), 0, ""
        with listing(self.source), images.opened(file.uri) as opened:
            for member in members(Endless(opened)):
                if isinstance(member, Damage):
                    cut = f"{uri} is cut: {member.sentence}; classes are missing, so download the rest of it"
                elif member.fault or not CLASS_TAR.fullmatch(member.name):
                    others += 1
                else:
                    inner = member.name.rsplit("/", 1)[-1]
                    place = {"offset": member.offset, "length": member.length, "bytes": file.size}
                    found.append({"source": self.source.name, "uri": uri, "inner": inner, **place})
        if not found:
            raise Refused(f"source {self.source.name}: {uri} holds no tar of a class; {cut or 'correct its uri'}")
        found[-1] |= ({"cut": cut} if cut else {}) | ({"others": others} if others else {})
        return found


@dataclass(frozen=True)
class ImageTars:
    """Tars that hold only images. A task is a stretch of at most `shard_rows` images."""

    source: ImagenetSettings
    shard_rows: int

    def external_state(self) -> dict[str, int | str]:
        return digest(files_matching(self.source, self.source.uri))

    def plan(self) -> list[Task]:
        facts = [one for file in files_matching(self.source, self.source.uri) for one in self._facts(file)]
        return [Task(f"{self.source.name}-{place:05d}", one) for place, one in enumerate(facts)]

    def rows(self, task: Task) -> tuple[list[Row], Counts]:
        rows, aside = _rows(self.source, task.facts, "", ended=not task.facts["last"])
        return rows, Counts(aside=dict(aside))

    def paths(self) -> Iterator[tuple[str, str]]:
        """Yield the path of every image, and the tar that holds it."""
        for file in files_matching(self.source, self.source.uri):
            named = (one for one in self._members(file) if images.is_named_as_image(one.name))
            yield from ((_path(one), absolute(file.uri)) for one in named)

    def _members(self, file: File) -> Iterator[Member]:
        with listing(self.source), images.opened(file.uri, ahead=True) as opened:
            yield from (one for one in members(opened) if isinstance(one, Member))

    def _facts(self, file: File) -> list[dict[str, Any]]:
        """Return stretches that are as even as possible; each begins where the member before it ends."""
        starts, end = list[int](), 0
        for member in self._members(file):
            if images.is_named_as_image(member.name):
                starts.append(end)
            end = max(end, -(-(member.offset + member.length) // BLOCK) * BLOCK)
        count = max(1, -(-len(starts) // self.shard_rows))
        cuts = [0, *(starts[len(starts) * place // count] for place in range(1, count)), file.size]
        known = {"source": self.source.name, "uri": absolute(file.uri), "bytes": file.size}
        return [
            {**known, "offset": start, "length": stop - start, "last": stop == file.size}
            for start, stop in pairwise(cuts)
        ]


def _rows(source: ImagenetSettings, facts: Any, folder: str, *, ended: bool) -> tuple[list[Row], Counter[str]]:
    """Return a row for every image of a stretch of a tar, and one more if it is truncated or broken."""
    offset, length = facts["offset"], facts["length"]
    index = index_of(facts["uri"], lambda file: stretch(file, offset, length, ended=ended))
    seen: Counter[str] = Counter()
    rows = []
    for member in index.pictures:
        seen[path := folder + _path(member)] += 1
        rows.append(_row(source, facts, index, member, path, seen[path]))
    if index.damage:
        rows.append(_damaged(source, facts, index.damage))
    sidecars = Counter(f".{ending} members" for _, ending in index.sidecars)
    return rows, index.aside + sidecars


def _row(source: ImagenetSettings, facts: Any, index: Index, member: Member, path: str, time: int) -> Row:
    key, fields = path.rpartition(".")[0], {"license": source.license}
    place = (facts["uri"], 0 if member.fault else facts["offset"] + member.offset, member.length, fields)
    if time == 1:
        return looked_at(Found(source.name, key, path, *place, member.fault), index.looks.get(member.offset))
    again = Found(source.name, key, f"{path}#{time}", *place)
    return refused(again, DUPLICATE_KEY, f"{path} occurs {time} times in {facts['uri']}; the first one counts")


def _damaged(source: ImagenetSettings, facts: Any, damage: Damage) -> Row:
    inner = f"{facts['inner']}, at byte {facts['offset']} of {facts['uri']}: " if "inner" in facts else ""
    end = "; the outer tar ends there, so classes are missing: download the rest of it" if facts.get("cut") else ""
    sentence = f"{inner}{damage.sentence}{end if inner else ''}"
    found = Found(source.name, _damage_key(facts), f"{_damage_key(facts)}#damage", facts["uri"], facts["offset"], 0)
    return refused(found, damage.status, sentence)


def _damage_key(facts: Any) -> str:
    return str(facts.get("inner") or facts["uri"].rsplit("/", 1)[-1])


def _path(member: Member) -> str:
    return member.name.removeprefix("./")
