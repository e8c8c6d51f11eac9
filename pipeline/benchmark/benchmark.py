"""Benchmark: a version of a run's questions as plain values, with what is known of each image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import zip_longest
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from manifests.errors import Refused
from manifests.manifest import COMMIT, Manifest
from manifests.storage import Folder
from manifests.tables import QUESTIONS
from pipeline.benchmark.versions import frozen
from pipeline.runs import run_folder
from stages import images
from stages.author.authored import BENCHMARK


@dataclass(frozen=True)
class Photo:
    """What the images table says of one image; its bytes are read when they are asked for."""

    image_id: str
    source: str
    key: str
    uri: str
    offset: int
    length: int
    sha256: str
    width: int
    height: int
    format: str
    url: str | None = None
    caption: str | None = None
    label: str | None = None
    class_name: str | None = None
    licence: str | None = None

    def read(self) -> bytes:
        """The file's bytes as they lie. Raises ImageRefused where they are gone, OSError where a store failed."""
        return images.read(self.uri, self.offset, self.length)


SHARED = ("left_id", "right_id", "use", "pattern", "question", "options")  # of the two rows of a pair
PHOTO = tuple(one.name for one in fields(Photo))


@dataclass(frozen=True)
class Side:
    """One image of a pair: what is right for it ("a", "b", or None where nothing is asked), and what is true of it."""

    question_id: str
    side: str  # left or right, by image_id
    photo: Photo
    answer: str | None
    statement: str | None


@dataclass(frozen=True)
class Posed:
    """A pair with its question, its statements, or both. `first` and `second` as the benchmark orders them.

    `reviewed_by` are those who answered about both images without knowing.
    """

    first: Side
    second: Side
    use: str
    pattern: str | None
    question: str | None
    options: tuple[str, str] | None
    author: str
    authored_at: str
    reviewed_by: tuple[str, ...]

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.first, self.second


@dataclass(frozen=True)
class Benchmark:
    """A frozen version: its pairs in order, and what it was made of."""

    run: str
    version: int
    pairs: tuple[Posed, ...]
    fingerprint: str
    made_of: Mapping[str, Any] = field(default_factory=dict)  # dotted names of settings, sources, weights -> values
    unlisted: int = 0  # of its pairs, that the run's pairs, made with these thresholds, do not hold
    accepted: tuple[str, ...] = ()  # codes of findings in spite of which it is exported

    @property
    def name(self) -> str:
        return self.run.rstrip("/").rsplit("/", 1)[-1]

    def of(self, use: str = BENCHMARK, *, having: Callable[[Posed], object] = lambda pair: True) -> Benchmark:
        """The same with only the pairs of this use, and of those the ones that have what is asked."""
        return replace(self, pairs=tuple(pair for pair in self.pairs if pair.use == use and having(pair)))

    @property
    def photos(self) -> tuple[Photo, ...]:
        """Both images of each pair, in order."""
        return tuple(side.photo for pair in self.pairs for side in pair.sides)


def asks(pair: Posed) -> bool:
    """Whether it is a question with two options, as MMVP has them."""
    return pair.question is not None


def states(pair: Posed) -> bool:
    """Whether it is two statements under a pattern, as MMVP-VLM has them."""
    return pair.pattern is not None and all(side.statement is not None for side in pair.sides)


def read_benchmark(run: str, version: int | None = None) -> Benchmark:
    """A version of a run's questions, the newest by default.

    Raises Waiting where nothing is frozen, NotCommitted where that version or the images are not there, Refused
    where an image of a question is not among the run's images.
    """
    folder = run_folder(run)
    number, manifest = frozen(run, version)
    rows = sorted(_rows(manifest), key=lambda row: row["place"])
    photos = photos_of(folder, {row["image_id"] for row in rows})
    if lost := [row["image_id"] for row in rows if row["image_id"] not in photos]:
        raise Refused(f"{manifest.folder.url} asks about {lost[0]}, which is not among the images of {run}")
    _check_pairs(rows, manifest.folder.url)
    pairs = tuple(_posed(first, second, photos) for first, second in zip(rows[::2], rows[1::2], strict=True))
    unlisted = _unlisted(folder, {(row["left_id"], row["right_id"]) for row in rows})
    return Benchmark(run, number, pairs, manifest.lineage.fingerprint, _made_of(folder), unlisted)


def photos_of(run: Folder, image_ids: set[str]) -> dict[str, Photo]:
    """image_id -> what the images table says of it, of these images that have bytes."""
    wanted = pa.array(sorted(image_ids), pa.string())
    found: dict[str, Photo] = {}
    for batch in Manifest.open(run / "images").batches((*PHOTO, "status")):
        there = batch.filter(pc.is_in(batch.column("image_id"), wanted))
        there = there.filter(pc.equal(there.column("status"), "ok"))
        found |= {row["image_id"]: Photo(**row) for row in there.select(PHOTO).to_pylist()}
    return found


def _unlisted(run: Folder, ids: set[tuple[str, str]]) -> int:
    """How many of these pairs the run's kept pairs do not hold; 0 where a run has none, as an imported one."""
    if not (run / "pairs").has(COMMIT):
        return 0
    for batch in Manifest.open(run / "pairs").batches(("left_id", "right_id", "rank")):
        kept = batch.filter(pc.is_valid(batch.column("rank")))
        ids = ids - set(zip(kept.column("left_id").to_pylist(), kept.column("right_id").to_pylist(), strict=True))
    return len(ids)


def _rows(manifest: Manifest) -> Sequence[dict[str, Any]]:
    return [row for batch in manifest.batches(QUESTIONS.columns.names) for row in batch.to_pylist()]


def _check_pairs(rows: Sequence[Mapping[str, Any]], url: str) -> None:
    """Raise Refused where two rows that follow one another are no pair: somebody else wrote them."""
    nobody: Mapping[str, Any] = {}
    for first, second in zip_longest(rows[::2], rows[1::2], fillvalue=nobody):
        if any(first[name] != second.get(name) for name in SHARED) or first["side"] == second["side"]:
            raise Refused(f"{url}: place {first['place']} is no pair with the next; freeze the questions again")


def _posed(first: Mapping[str, Any], second: Mapping[str, Any], photos: Mapping[str, Photo]) -> Posed:
    one, other = (
        Side(row["question_id"], row["side"], photos[row["image_id"]], row["answer"], row["statement"])
        for row in (first, second)
    )
    people = tuple(sorted({*first["reviewed_by"]} & {*second["reviewed_by"]}))
    return Posed(
        one,
        other,
        use=first["use"],
        pattern=first["pattern"],
        question=first["question"],
        options=tuple(first["options"]) if first["options"] else None,
        author=first["author"],
        authored_at=first["authored_at"],
        reviewed_by=people,
    )


def _made_of(run: Folder) -> dict[str, Any]:
    """Settings, sources and weights of all that the questions were made of, by dotted name."""
    found: dict[str, Any] = {}
    for step in ("images", "embeddings", "candidates", "pairs"):
        if step in run.folders() and (run / step).has(COMMIT):
            leaves = Manifest.open(run / step).lineage.leaves()
            found |= {name: value for name, value in leaves if "." in name and not name.startswith("inputs.")}
    return found
