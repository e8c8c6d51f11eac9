"""Benchmark: a version of a run's questions as plain values, with what is known about each image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any

from manifests.earlier_tables import LATER_COLUMNS
from manifests.errors import Refused
from manifests.manifest import Manifest
from manifests.tables import QUESTIONS
from pipeline.benchmark.frozen_lineage import lineages_of
from pipeline.benchmark.photos import Photo, photos_of
from pipeline.benchmark.unlisted import unlisted_ids
from pipeline.run.run import Run
from stages.author.authored import BENCHMARK, Ids
from stages.author.origins import Origin, origins

SHARED = ("left_id", "right_id", "use", "pattern", "question", "options")  # the same in both rows of a pair


@dataclass(frozen=True)
class Side:
    """One image of a pair: its right answer ("a", "b", or None if nothing is asked) and the statement true of it."""

    question_id: str
    side: str  # left or right, by order of image_id
    photo: Photo
    answer: str | None
    statement: str | None


@dataclass(frozen=True)
class Posed:
    """A pair with its question, its statements, or both; `first` and `second` are in the benchmark's order.

    `reviewed_by` names the people who answered about both images blind; `missed_by`, those of them who were wrong about
    one or both.
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
    missed_by: tuple[str, ...]
    origin: Origin = field(default_factory=Origin)

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.first, self.second

    @property
    def is_missed(self) -> bool:
        """Whether at least half of the people who answered it blind were wrong."""
        return bool(self.missed_by) and 2 * len(self.missed_by) >= len(self.reviewed_by)

    @property
    def ids(self) -> Ids:
        left_id, right_id = sorted(side.photo.image_id for side in self.sides)
        return left_id, right_id


@dataclass(frozen=True)
class Benchmark:
    """A frozen version: its pairs in order, and what it was made from."""

    run: str
    version: int
    pairs: tuple[Posed, ...]
    fingerprint: str
    made_of: Mapping[str, Any] = field(default_factory=dict)  # dotted names of settings, sources, weights -> values
    unlisted: frozenset[Ids] = frozenset()  # its pairs that are not among the run's pairs at these thresholds
    accepted: tuple[str, ...] = ()  # codes of findings that were accepted for its export

    @property
    def name(self) -> str:
        return self.run.rsplit("/", 1)[-1]

    def of(self, use: str = BENCHMARK, *, having: Callable[[Posed], object] = lambda pair: True) -> Benchmark:
        """Return the benchmark with only those pairs of this use for which `having` is true."""
        pairs = tuple(pair for pair in self.pairs if pair.use == use and having(pair))
        return replace(self, pairs=pairs, unlisted=self.unlisted & {pair.ids for pair in pairs})

    @property
    def photos(self) -> tuple[Photo, ...]:
        """Both images of each pair, in order."""
        return tuple(side.photo for pair in self.pairs for side in pair.sides)


def asks(pair: Posed) -> bool:
    """Whether the pair has a question with two options, as in MMVP."""
    return pair.question is not None


def states(pair: Posed) -> bool:
    """Whether the pair has two statements under a pattern, as in MMVP-VLM."""
    return pair.pattern is not None and all(side.statement is not None for side in pair.sides)


def read_benchmark(run: Run, version: int | None = None) -> Benchmark:
    """Read a version of a run's questions, by default the newest.

    Raises Waiting if nothing is frozen, NotCommitted if that version or the images are not there, Refused if an image
    of a question is not among the run's images.
    """
    number, manifest = run.questions(version)
    rows = sorted(_rows(run, manifest), key=lambda row: row["place"])
    photos = photos_of(run, {row["image_id"] for row in rows})
    if lost := [row["image_id"] for row in rows if row["image_id"] not in photos]:
        raise Refused(f"{manifest.folder.url} asks about {lost[0]}, which is not among the images of {run}")
    _check_pairs(rows, manifest.folder.url)
    pairs = tuple(_posed(first, second, photos) for first, second in zip(rows[::2], rows[1::2], strict=True))
    unlisted = unlisted_ids(run, {(row["left_id"], row["right_id"]) for row in rows})
    return Benchmark(run.url, number, pairs, manifest.lineage.fingerprint, _made_of(run, manifest), unlisted)


def _rows(run: Run, version: Manifest) -> Sequence[dict[str, Any]]:
    """Return the rows with all columns. Earlier versions did not keep what the run, if it has it still, says now."""
    later = LATER_COLUMNS.get(version.lineage.table, ())
    columns = [name for name in QUESTIONS.columns.names if name not in later]
    rows = [row for batch in version.batches(columns) for row in batch.to_pylist()]
    if not later:
        return rows
    reads = {"pairs": run.manifest("pairs")} if "pairs" in lineages_of(run, version) else {}
    found = origins({(row["left_id"], row["right_id"]) for row in rows}, reads, {})
    return [row | found[row["left_id"], row["right_id"]].to_json() for row in rows]


def read_versions(run: Run) -> list[Benchmark]:
    """Read every version of a run's questions. Raises as `read_benchmark` does."""
    return [read_benchmark(run, version) for version in run.versions() or (None,)]


def _check_pairs(rows: Sequence[Mapping[str, Any]], url: str) -> None:
    """Raise Refused if two consecutive rows are not a pair, which means that another program wrote them."""
    nobody: Mapping[str, Any] = {}
    for first, second in zip_longest(rows[::2], rows[1::2], fillvalue=nobody):
        if any(first[name] != second.get(name) for name in SHARED) or first["side"] == second["side"]:
            raise Refused(f"{url}: place {first['place']} is not a pair with the next; freeze the questions again")


def _posed(first: Mapping[str, Any], second: Mapping[str, Any], photos: Mapping[str, Photo]) -> Posed:
    one, other = (
        Side(row["question_id"], row["side"], photos[row["image_id"]], row["answer"], row["statement"])
        for row in (first, second)
    )
    people = {*first["reviewed_by"]} & {*second["reviewed_by"]}
    return Posed(
        one,
        other,
        use=first["use"],
        pattern=first["pattern"],
        question=first["question"],
        options=tuple(first["options"]) if first["options"] else None,
        author=first["author"],
        authored_at=first["authored_at"],
        reviewed_by=tuple(sorted(people)),
        missed_by=tuple(sorted(people & {*first["missed_by"], *second["missed_by"]})),
        origin=Origin(first["blind_cosine"], first["reference_cosine"], first["thresholds"]),
    )


def _made_of(run: Run, version: Manifest) -> dict[str, Any]:
    """Collect settings, sources and weights of everything that the questions were made from, by dotted name."""
    found: dict[str, Any] = {}
    for step, lineage in lineages_of(run, version).items():
        if step in ("images", "embeddings", "candidates", "pairs"):
            leaves = lineage.leaves()
            found |= {name: value for name, value in leaves if "." in name and not name.startswith("inputs.")}
    return found
