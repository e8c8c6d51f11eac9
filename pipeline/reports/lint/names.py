"""Names: which members of a tar belong together, by WebDataset's rule and by this project's.

WebDataset's key is everything before the first dot of the base name (webdataset/tariterators.py, base_plus_ext),
and it groups only neighbors. Here an image's name ends at its last dot, and its sidecars may be anywhere in the tar.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from pipeline.reports.lint.codes import CODES
from pipeline.reports.lint.tally import Lacking, Tally
from stages.download.index import SIDECARS, UNREAD

MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"II*\0", b"MM\0*")


def key_of(name: str) -> str | None:
    """Return WebDataset's key of a member: all before the first dot of its base name; None if WebDataset skips it."""
    folder, slash, base = name.rpartition("/")
    stem, dot, _ = base.partition(".")
    return f"{folder}{slash}{stem}" if dot and stem else None


def stem_of(name: str) -> str:
    return name.rsplit(".", 1)[0]


def is_sidecar(name: str) -> bool:
    """Whether this project reads the member as caption or fields; `.TXT` is neither."""
    return name.rpartition(".")[2] in SIDECARS


def is_unread(name: str, start: bytes = b"") -> bool:
    """Whether a member that is not read is an image nevertheless, by its name or its first bytes."""
    return name.lower().endswith(UNREAD) or start.startswith(MAGIC) or (start[:4], start[8:12]) == (b"RIFF", b"WEBP")


def leads_outside(name: str) -> bool:
    return name.startswith("/") or ".." in name.split("/")


@dataclass
class Some:
    """A count of names, and the first of them."""

    count: int = 0
    first: str = ""

    def add(self, name: str) -> None:
        self.first = self.first or name
        self.count += 1


@dataclass
class Names:
    """The names in one tar, in order; `one_image_a_key`: each key has one image, as img2dataset writes them."""

    one_image_a_key: bool = False
    pictures: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    sidecars: dict[str, str] = field(default_factory=dict)  # name, each once -> its stem
    _seen: set[str] = field(default_factory=set)
    _over: set[str] = field(default_factory=set)  # keys met so far
    _last: str | None = None
    _dotted: Some = field(default_factory=Some)
    _apart: list[str] = field(default_factory=list)

    def enter(self, name: str, tally: Tally) -> None:
        """Record the next member, of any kind."""
        if name in self._seen:
            tally.find("duplicate_key", f"{name} occurs again, at another place of the tar", name)
            self._last = key_of(name)
            return
        self._seen.add(name)
        if leads_outside(name):
            tally.find("unsafe_name", f"the member is called {name}", name)
        if name.rpartition("/")[2].count(".") > 1:
            self._dotted.add(name)
        self._follow(name)

    def judge(self, tally: Tally, *, whole: bool) -> None:
        """Find faults that need all members; of a tar that is not `whole`, missing members are unknown."""
        if self._dotted.count:
            first = self._dotted.first
            field_name = first.rpartition("/")[2].partition(".")[2]
            sentence = (
                f"{_names(self._dotted.count)} more than one dot; WebDataset reads {first} as key {key_of(first)}"
            )
            tally.find("dots_in_name", f"{sentence}, field {field_name}", first, self._dotted.count)
        for key in dict.fromkeys(self._apart):
            tally.find("scattered_key", f"members of the key {key} lie apart; WebDataset makes two halves of them", key)
        if self.one_image_a_key:
            self._judge_keys(tally)
        if self.pictures and whole:
            self._judge_sidecars(tally)

    def _follow(self, name: str) -> None:
        key = key_of(name)
        if key is None:
            return
        if key != self._last and key in self._over:
            self._apart.append(key)
        self._over.add(key)
        self._last = key

    def _judge_keys(self, tally: Tally) -> None:
        taken: dict[str, str] = {}
        for name in dict.fromkeys(self.pictures):
            if (other := taken.setdefault(stem_of(name), name)) != name:
                tally.find("duplicate_key", f"{name} and {other} have one key", name)

    def _judge_sidecars(self, tally: Tally) -> None:
        names = dict.fromkeys(self.pictures)
        for kind in SIDECARS:
            stems = {stem for name, stem in self.sidecars.items() if name.endswith(f".{kind}")}
            without = [name for name in names if not {stem_of(name), key_of(name)} & stems]
            tally.having[kind] += len(names) - len(without)
            if without:
                tally.lacking.append(Lacking(kind, tally.file, without[0], len(without), len(names)))
        alone = list(self._alone())
        if alone:
            sentence = f"{len(alone):,} of {len(self.sidecars):,} captions or fields belong to no image here"
            tally.find("lone_sidecar", sentence, alone[0], len(alone))

    def _alone(self) -> Iterator[str]:
        of_images = {stem for name in (*self.pictures, *self.unread) for stem in (stem_of(name), key_of(name))}
        return (name for name, stem in self.sidecars.items() if stem not in of_images)


def _names(count: int) -> str:
    return "1 name has" if count == 1 else f"{count:,} names have"


def find_missing_captions(tally: Tally) -> None:
    """Find images without a kind of sidecar that other images of the source have; all or none having it is no fault."""
    lacking = Counter[str]()
    for one in tally.lacking:
        if having := tally.having[one.kind]:
            lacking[one.kind] += one.count
            tally.file = one.file
            sentence = (
                f"{one.count:,} of {one.of:,} images have no .{one.kind} beside them, {having:,} of the source have"
            )
            tally.find("missing_caption", sentence, one.first, one.count)
    if lacking:
        each = (f"{lost:,} of {lost + tally.having[kind]:,} images have no .{kind}" for kind, lost in lacking.items())
        tally.findings.group(CODES["missing_caption"]).effect = f"{', '.join(each)} beside them"
