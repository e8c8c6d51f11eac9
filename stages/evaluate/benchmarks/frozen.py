"""Frozen: the benchmark's questions in one version of a run's questions, and where the run says their images are.

A question about an image that is not among the run's images is refused, as it is when the version is exported:
forgetting an image also removes its questions, so such a run is damaged. Whether the bytes are still there is found
when a model is asked. If they are gone, that prediction alone fails, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from manifests.errors import Refused
from manifests.evaluation_tables import CHOICE
from manifests.manifest import Manifest
from manifests.storage import Folder
from manifests.tables import OK, QUESTIONS
from stages.evaluate.benchmarks.base import Row, choice, in_groups
from stages.evaluate.settings import RunQuestions

USE = "benchmark"  # never those for training
TABLES = tuple(f"{QUESTIONS.name} {version}" for version in range(1, QUESTIONS.version + 1))
COLUMNS = (
    *("question_id", "place", "left_id", "right_id", "side", "image_id", "use", "pattern"),
    *("question", "options", "answer", "statement"),
)
LOCATED = ("uri", "offset", "length", "sha256")
SHARED = ("left_id", "right_id", "pattern", "question", "options")  # the same in both rows of a pair


@dataclass(frozen=True)
class FrozenQuestions:
    """The benchmark's questions in a frozen version of a run."""

    settings: RunQuestions

    def state(self) -> Mapping[str, Any]:
        """Return the version's fingerprint: it stays when the run grows, and when images are forgotten."""
        manifest = self._manifest()
        for _ in self.rows():
            pass
        return {"questions": manifest.lineage.fingerprint}

    def rows(self) -> Iterator[Row]:
        rows = self._rows()
        located = self._located({row["image_id"] for row in rows})
        return in_groups((f"place {row['place']} of {self._url}", self._row(row, located)) for row in rows)

    @property
    def _url(self) -> str:
        return f"{self.settings.uri.rstrip('/')}/{QUESTIONS.name}-{self.settings.version}"

    def _manifest(self) -> Manifest:
        manifest = Manifest.open(Folder(self._url))
        if manifest.lineage.table not in TABLES:
            raise Refused(
                f"{self._url} holds {manifest.lineage.table}, which this version of blindpairs cannot read; "
                "update blindpairs"
            )
        return manifest

    def _rows(self) -> list[dict[str, Any]]:
        """Return the benchmark's rows in order. Raises Refused if two consecutive ones are not a pair, or none is."""
        read = (row for batch in self._manifest().batches(COLUMNS) for row in batch.to_pylist())
        rows = sorted((row for row in read if row["use"] == USE), key=lambda row: row["place"])
        if not rows:
            raise Refused(f"{self._url} holds no questions for the benchmark; freeze some, or name another version")
        pairs = list(zip(rows[::2], rows[1::2], strict=False))
        odd = [one for one, other in pairs if any(one[name] != other[name] for name in SHARED)]
        odd += [one for one, other in pairs if one["side"] == other["side"]] + (rows[-1:] if len(rows) % 2 else [])
        if odd:
            raise Refused(
                f"{self._url}: place {odd[0]['place']} is not a pair with the next place; freeze the questions again"
            )
        return rows

    def _located(self, image_ids: set[str]) -> dict[str, dict[str, Any]]:
        """Map the id of each of these images that the run has to where its bytes are."""
        wanted, found = pa.array(sorted(image_ids), pa.string()), dict[str, dict[str, Any]]()
        images = Manifest.open(Folder(self.settings.uri) / "images")
        for batch in images.batches(("image_id", "status", *LOCATED)):
            there = batch.filter(pc.is_in(batch.column("image_id"), wanted))
            there = there.filter(pc.equal(there.column("status"), OK))
            found |= {row["image_id"]: {name: row[name] for name in LOCATED} for row in there.to_pylist()}
        return found

    def _row(self, row: Mapping[str, Any], located: Mapping[str, dict[str, Any]]) -> Row:
        where, image = f"place {row['place']} of {self._url}", row["image_id"]
        if image not in located:
            raise Refused(
                f"{where} asks about {image}, which is not among the images of {self.settings.uri}; "
                "freeze the questions again, and evaluate that version"
            )
        if row["question"] is None and row["statement"] is None:
            raise Refused(f"{where} has neither a question nor a statement; freeze the questions again")
        asked = choice(row["question"], row["options"], row["answer"], where) if row["question"] else {"kind": CHOICE}
        known = {"question_id": row["question_id"], "group": f"{row['left_id']}-{row['right_id']}"}
        return {**known, **asked, **located[image], "image_id": image, **_said(row)}


def _said(row: Mapping[str, Any]) -> Row:
    return {"category": row["pattern"], "statement": row["statement"]}
