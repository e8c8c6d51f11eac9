"""Tars: check one shard from its first header to what follows its end mark, and its images in reading order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import IO

from manifests.parsing import parse_json
from pipeline.reports.lint.fetched import Beside, Facts
from pipeline.reports.lint.names import Names, is_sidecar, is_unread, stem_of
from pipeline.reports.lint.tally import Tally
from stages import images
from stages.download.index import SIDECAR_BYTES
from stages.download.tar import NOT_A_TAR, Damage, Member, member_file, members
from stages.images import ImageRefused

TARS = (".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.bz2", ".tar.xz")
PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
START = 16  # first bytes by which an image is recognized


def entries(file: IO[bytes]) -> Iterator[Member | Damage]:
    """Yield a tar's members, those of a nested tar in its place as `inner.tar/name` (as in ILSVRC's class tars)."""
    for outer in members(file):
        if isinstance(outer, Damage) or outer.fault or not outer.name.endswith(".tar"):
            yield outer
            continue
        for one in members(member_file(file, outer)):
            if isinstance(one, Damage):
                yield Damage(one.status, f"inside, {outer.name}: {one.sentence}")
            else:
                yield replace(one, name=f"{outer.name}/{one.name}", offset=outer.offset + one.offset)


@dataclass(frozen=True)
class TarShard:
    """A tar, and the files img2dataset left beside it, if any."""

    file: str
    uri: str
    size: int
    beside: Beside | None = None

    def look(self, tally: Tally) -> None:
        """Find all its faults except those shared with other shards. Raises OSError where it cannot be read."""
        facts = self.beside.read(tally) if self.beside else Facts()
        damaged = False
        names = Names(one_image_a_key=self.beside is not None)
        with images.opened(self.uri, ahead=True) as file:
            for one in entries(file):
                if isinstance(one, Damage):
                    self._damaged(file, one, tally)
                    damaged = True
                    continue
                self._enter(file, one, names, tally, facts)
                tally.beat(one.length)
        names.judge(tally, whole=not damaged)
        if self.beside:
            facts.compare(names.pictures, tally, whole=not damaged)
        elif not names.pictures and not damaged:
            tally.find("no_images", f"{self.size:,} bytes without an image")

    def names(self) -> Iterator[str]:
        """Yield its images' names, in order."""
        with images.opened(self.uri, ahead=True) as file:
            for one in entries(file):
                if isinstance(one, Member) and not one.fault and images.is_named_as_image(one.name):
                    yield one.name

    def _damaged(self, file: IO[bytes], damage: Damage, tally: Tally) -> None:
        file.seek(0)
        start = file.read(START)
        form = next((form for magic, form in PACKED.items() if start.startswith(magic)), None)
        if form:
            tally.find("compressed", f"its bytes are {form}'s")
        elif damage.status == NOT_A_TAR:
            tally.find("not_a_tar", f"{damage.sentence}; it starts with {start[:8]!r}" if start else "it has no bytes")
        else:
            tally.find(damage.status, damage.sentence)

    def _enter(self, file: IO[bytes], member: Member, names: Names, tally: Tally, facts: Facts) -> None:
        name = member.name
        names.enter(name, tally)
        if member.fault:
            tally.find(member.kind, member.fault, name)
        elif facts.may_be_forgotten(name) and self._is_wiped(file, member):
            tally.forget(is_image=images.is_named_as_image(name))
        elif images.is_named_as_image(name):
            names.pictures.append(name)
            read = partial(images.read_from, file, self.uri, member.offset, member.length)
            again = partial(images.read, self.uri, member.offset, member.length)
            tally.see(name, facts.key_hash(name), read, again)
        else:
            try:
                self._enter_other(file, member, names, tally)
            except ImageRefused as refusal:
                tally.find("unreadable", refusal.sentence, name)

    def _is_wiped(self, file: IO[bytes], member: Member) -> bool:
        """Whether the member holds only zeros, as `forget` leaves it; False if it cannot be read."""
        with suppress(ImageRefused):
            data = images.read_from(file, self.uri, member.offset, member.length)
            return 0 < len(data) == data.count(0)
        return False

    def _enter_other(self, file: IO[bytes], member: Member, names: Names, tally: Tally) -> None:
        if is_sidecar(member.name):
            names.sidecars[member.name] = stem_of(member.name)
            self._check_sidecar(file, member, tally)
        elif is_unread(member.name, images.read_from(file, self.uri, member.offset, min(member.length, START))):
            names.unread.append(member.name)
            tally.find("unread_image", "an image that is not read", member.name)

    def _check_sidecar(self, file: IO[bytes], member: Member, tally: Tally) -> None:
        if not member.length:
            tally.find("empty_member", "it has no bytes", member.name)
        elif member.length > SIDECAR_BYTES:
            tally.find("long_sidecar", f"{member.length:,} bytes, more than {SIDECAR_BYTES:,}", member.name)
        else:
            check_sidecar(member.name, images.read_from(file, self.uri, member.offset, member.length), tally)


def check_sidecar(name: str, data: bytes, tally: Tally) -> None:
    """Check that a caption or fields file is UTF-8, and that a .json holds a JSON object."""
    try:
        text = data.decode("utf-8-sig")
        if name.endswith(".json") and not isinstance(parse_json(text), dict):
            tally.find("bad_json", "it is JSON, but no object", name)
    except UnicodeDecodeError as error:
        tally.find("not_utf8", f"byte {error.start:,} of {len(data):,} is {data[error.start]:#04x}", name)
    except ValueError as error:
        tally.find("bad_json", f"it does not parse: {error}", name)
