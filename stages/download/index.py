"""Index: what one tar contains, and where."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO

from manifests.stores.faults import Unreachable
from manifests.stores.places import is_local
from stages import images
from stages.download.row import Look, Unfit, look, printable
from stages.download.tar import Damage, Member, members
from stages.images import ImageRefused

SIDECARS = ("json", "txt", "cls")  # in this order: a caption or class in a file of its own overrides one in the .json
# endings of images in formats that are not read, and image endings that are not recognized
UNREAD = (".jfif", ".jpe", ".jxl", ".tga", ".ico", ".psd", ".j2k", ".pbm", ".pnm", ".svg", ".dng",
          ".cr2", ".nef", ".arw", ".apng", ".jpeg2", ".image", ".img")  # fmt: skip
SIDECAR_BYTES = 1 << 20  # longer than any caption
KEPT_BYTES = 64 << 20  # of a tar's sidecars, kept while its rows are made; further sidecars are read one by one
KINDS_ASIDE = 20  # endings counted separately


@dataclass
class Index:
    """What one tar holds, by name; `damage` says why there may be more that cannot be read."""

    pictures: list[Member] = field(default_factory=list)
    sidecars: dict[tuple[str, str], Member] = field(default_factory=dict)  # (name, "txt") -> member
    aside: Counter[str] = field(default_factory=Counter)
    damage: Damage | None = None
    looks: dict[int, Look | Unfit] = field(default_factory=dict)  # offset of an image -> what its bytes say
    kept: dict[int, bytes] = field(default_factory=dict)  # offset of a sidecar -> its bytes
    room: int = KEPT_BYTES


def index_of(uri: str, part: Callable[[IO[bytes]], IO[bytes]] = lambda file: file) -> Index:
    """Index the tar at `uri`, or a `part` of that file that is a tar: offsets are then within the part.

    On a disk only headers are read. From a store the tar is read once, from start to end, in large
    blocks: its images are inspected as they pass, because later each would cost a request.

    Raises Unreachable if a store failed, which is not a fault of the tar.
    """
    index = Index()
    try:
        with images.opened(uri, ahead=True) as whole:
            file = part(whole)
            for member in members(file):
                _enter(index, member)
                if isinstance(member, Member) and not member.fault and not is_local(uri):
                    _look(index, file, uri, member)
    except Unreachable:
        raise
    except OSError as error:
        if error.errno in images.OF_THE_MACHINE:
            raise
        index.damage = Damage(images.UNREADABLE, f"{uri}: {error.strerror or error}")
    return index


def _enter(index: Index, member: Member | Damage) -> None:
    if isinstance(member, Damage):
        index.damage = member
        return
    stem, _, ending = member.name.rpartition(".")
    if images.is_named_as_image(member.name):
        index.pictures.append(member)
    elif ending in SIDECARS and (stem, ending) not in index.sidecars and not member.fault:
        index.sidecars[stem, ending] = member
    else:
        index.aside[_kind_of(member.name, index.aside)] += 1


def _look(index: Index, file: IO[bytes], uri: str, member: Member) -> None:
    """Inspect an image's bytes while the tar is read, and keep a sidecar's bytes."""
    if images.is_named_as_image(member.name):
        index.looks[member.offset] = look(lambda: images.read_from(file, uri, member.offset, member.length))
    elif member.length <= min(SIDECAR_BYTES, index.room):
        stem, _, ending = member.name.rpartition(".")
        if index.sidecars.get((stem, ending)) is member:
            with suppress(ImageRefused):  # it is tried again, and noted, where it is needed
                index.kept[member.offset] = images.read_from(file, uri, member.offset, member.length)
                index.room -= member.length


def _kind_of(name: str, kinds: Mapping[str, int]) -> str:
    """Return the name under which a member that is neither image nor sidecar is counted; there are only a few names."""
    ending = os.path.splitext(name)[1]
    kind = f"{printable(ending)} members" if ending else "members without an ending"
    return kind if kind in kinds or len(kinds) < KINDS_ASIDE else "(other members)"
