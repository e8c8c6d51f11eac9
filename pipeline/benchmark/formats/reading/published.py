"""Published: a benchmark as it is stored in a folder, read and checked in full before any of it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from manifests.errors import Refused
from stages import images
from stages.author.authored import KEPT, MOST, Authored, Unwritable, checked
from stages.images import ImageRefused

IMPORTED = "imported"  # the author if none is named
DECODERS = 4  # images decoded at once, to check that they decode


@dataclass(frozen=True)
class Shown:
    """One image of a published pair: its uri, as in the images table, and what is said about it."""

    uri: str
    answer: str = ""  # a or b
    statement: str = ""


@dataclass(frozen=True)
class PublishedPair:
    """A pair in its published order, with its question, its statements, or both."""

    first: Shown
    second: Shown
    question: str = ""
    option_a: str = ""
    option_b: str = ""
    pattern: str = ""
    author: str = IMPORTED
    authored_at: str = ""

    def authored(self, ids: Mapping[str, str], place: int) -> Authored:
        """Return the pair as people write it, its images in the order of their ids. `ids`: uri -> image_id."""
        first = "left" if ids[self.first.uri] < ids[self.second.uri] else "right"
        left, right = (self.first, self.second) if first == "left" else (self.second, self.first)
        return Authored(
            ids[left.uri],
            ids[right.uri],
            decision=KEPT,
            pattern=self.pattern,
            question=self.question,
            option_a=self.option_a,
            option_b=self.option_b,
            left_answer=left.answer,
            left_statement=left.statement,
            right_statement=right.statement,
            first=first,
            place=place,
            author=self.author,
            authored_at=self.authored_at,
        )


@dataclass(frozen=True)
class Published:
    """A published benchmark: its pairs in order, and the source (`kind`, `uri`) from which a run reads its images."""

    kind: str
    uri: str
    pairs: tuple[PublishedPair, ...]
    note: str = ""  # what a person should know about it

    def authored(self, ids: Mapping[str, str]) -> list[Authored]:
        return [pair.authored(ids, place) for place, pair in enumerate(self.pairs, 1)]


def text_of(what: str, text: str, where: str) -> str:
    """Return a text as the store keeps it. Raises Refused if it is empty or too long; `where` begins the sentence."""
    try:
        found = checked({"question": text})["question"]
    except Unwritable as error:
        raise Refused(f"{where}: its {what} has {len(text)} characters; at most {MOST} are taken") from error
    if not found:
        raise Refused(f"{where}: its {what} is empty")
    return found


def whole(pair: PublishedPair, rows: str) -> PublishedPair:
    """Return the pair unchanged. Raises Refused, naming its rows, if freezing would leave out a part of it."""
    authored = pair.authored({pair.first.uri: "first", pair.second.uri: "second"}, 1)
    asks, states = bool(pair.question), bool(pair.first.statement)
    if lost := [*(authored.question_lacks if asks else ()), *(authored.statements_lack if states else ())]:
        raise Refused(f"{rows} lack {', '.join(lost)}; fix them, and import again")
    return pair


def check_decode(found: Sequence[tuple[str, Path]]) -> None:
    """Raise Refused, naming the first row and file, if an image does not decode; `found`: (row, file)."""
    with ThreadPoolExecutor(DECODERS) as pool:
        faults = pool.map(lambda one: _fault_of_file(one[1]), found)
        for (where, path), fault in zip(found, faults, strict=True):
            if fault:
                raise Refused(f"{where}: its image {path} does not decode ({fault}); download it again")


def _fault_of_file(path: Path) -> str:
    try:
        return fault_of(path.read_bytes())
    except OSError as error:
        return str(error.strerror or error)


def fault_of(data: bytes) -> str:
    """Return why these bytes are not an image that a run accepts; empty if they are."""
    try:
        images.decode(data)
    except ImageRefused as refusal:
        return refusal.sentence
    return ""
