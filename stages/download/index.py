"""Index: what lies where in one tar."""

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

SIDECARS = ("json", "txt", "cls")  # in this order: a caption or class of its own counts more than one in the .json
# what people call images in formats that are not read, or by an ending that is not known
UNREAD = (".jfif", ".jpe", ".heic", ".heif", ".jxl", ".tga", ".ico", ".psd", ".j2k", ".pbm", ".pnm", ".svg", ".dng",
          ".cr2", ".nef", ".arw", ".apng", ".jpeg2", ".image", ".img")  # fmt: skip
SIDECAR_BYTES = 1 << 20  # longer than any caption
KEPT_BYTES = 64 << 20  # of a tar's sidecars while its rows are made; those beyond are read one by one
KINDS_ASIDE = 20  # endings counted one by one


@dataclass
class Index:
    """What one tar holds, by name; `damage` says why there may be more that cannot be had."""

    pictures: list[Member] = field(default_factory=list)
    sidecars: dict[tuple[str, str], Member] = field(default_factory=dict)  # (name, "txt") -> member
    aside: Counter[str] = field(default_factory=Counter)
    damage: Damage | None = None
    looks: dict[int, Look | Unfit] = field(default_factory=dict)  # offset of a picture -> what its bytes say
    kept: dict[int, bytes] = field(default_factory=dict)  # offset of a sidecar -> its bytes
    room: int = KEPT_BYTES


def index_of(uri: str, part: Callable[[IO[bytes]], IO[bytes]] = lambda file: file) -> Index:
    """Where everything lies in the tar at `uri`, or in a `part` of that file that is a tar: offsets are then within it.

    On a disk only headers are read. From a store the tar comes once, from its start to its end, in large
    blocks: its images are looked at as they go by, for later each would cost a request.

    Raises Unreachable where it is a store that failed: no fault of the tar's.
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
    """Look at a picture's bytes as the tar goes by, and keep a sidecar's."""
    if images.is_named_as_image(member.name):
        index.looks[member.offset] = look(lambda: images.read_from(file, uri, member.offset, member.length))
    elif member.length <= min(SIDECAR_BYTES, index.room):
        stem, _, ending = member.name.rpartition(".")
        if index.sidecars.get((stem, ending)) is member:
            with suppress(ImageRefused):  # it is tried again, and noted, where it is needed
                index.kept[member.offset] = images.read_from(file, uri, member.offset, member.length)
                index.room -= member.length


def _kind_of(name: str, kinds: Mapping[str, int]) -> str:
    """What a member that is neither image nor sidecar is counted under; never more than a few words in all."""
    ending = os.path.splitext(name)[1]
    kind = f"{printable(ending)} members" if ending else "members without an ending"
    return kind if kind in kinds or len(kinds) < KINDS_ASIDE else "(other members)"
