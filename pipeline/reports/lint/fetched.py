"""Fetched: the files img2dataset left beside a tar, and whether table, stats and tar agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from manifests.parsing import parse_json
from manifests.stores.faults import Unreachable
from manifests.stores.places import is_local
from pipeline.reports.lint.names import stem_of
from pipeline.reports.lint.tally import Tally, short
from stages import images
from stages.download.fetched import AGAIN_IN, REQUIRED, SUCCESS

STATS_BYTES = 1 << 20  # img2dataset's files have a few hundred
NAMED = 3  # most keys named in a sentence


@dataclass
class Facts:
    """What table and stats say about one shard; None: there is no readable one."""

    rows: int | None = None
    fetched: set[str] | None = None  # keys with status success
    names: dict[str, int] = field(default_factory=dict)  # key -> hash of key and URL, by which images are distinguished
    stats: dict[str, Any] | None = None
    forgets: bool = False  # written by kind: urls: rows are removed from it, and lists of a second try may all fail

    def key_hash(self, name: str) -> int:
        """Return the hash that distinguishes images of one name; 0 where kind urls fetched it: its id is its URL's."""
        return 0 if self.forgets else self.names.get(stem_of(name)) or short(name)

    def may_be_forgotten(self, name: str) -> bool:
        """Whether no row names the image, in a table that rows are removed from."""
        return self.forgets and stem_of(name) not in self.names

    def compare(self, pictures: Sequence[str], tally: Tally, *, whole: bool) -> None:
        """Find where table, stats and tar contradict one another; `pictures`: names of the images in the tar.

        For a tar that is not `whole`, the number of lost images is reported if any could be read at all.
        """
        lying = dict.fromkeys(stem_of(name) for name in pictures)
        if not lying and whole and not self.forgets:
            if self.rows is not None and not self.fetched:
                tally.find("all_failed", f"{self.rows:,} URLs, none fetched")
            else:
                tally.find("no_images", "the tar holds no image")
        if self.fetched is not None and (whole or lying):
            self._compare_keys(lying, tally)
        if self.stats is not None:
            self._compare_counts(len(lying) if whole else None, tally)

    def _compare_keys(self, lying: dict[str, None], tally: Tally) -> None:
        assert self.fetched is not None
        lost = sorted(self.fetched - lying.keys())
        if lost:
            sentence = f"{len(lost):,} of {len(self.fetched):,} images the Parquet calls fetched are not in the tar"
            tally.find("table_disagrees", f"{sentence} ({_some(lost)})", lost[0], len(lost))
        unknown = [key for key in lying if key not in self.fetched]
        if unknown and not self.forgets:
            sentence = f"{len(unknown):,} of {len(lying):,} images in the tar are not fetched ones of the Parquet"
            tally.find("table_disagrees", f"{sentence} ({_some(unknown)})", unknown[0], len(unknown))

    def _compare_counts(self, lying: int | None, tally: Tally) -> None:
        assert self.stats is not None
        count, successes = self.stats.get("count"), self.stats.get("successes")
        fetched = None if self.fetched is None else len(self.fetched)
        compared = (
            ("count", count, "rows in the Parquet", self.rows),
            ("successes", successes, "fetched rows in the Parquet", fetched),
            ("successes", successes, "images in the tar", lying),
        )
        wrong = [
            f"{word} {said}, but {there:,} {what}"
            for word, said, what, there in compared
            if there is not None and said != there
        ]
        if wrong:
            tally.find("stats_disagree", f"_stats.json says {'; '.join(wrong)}")


@dataclass(frozen=True)
class Beside:
    """A shard's Parquet and stats, if any."""

    table: str | None
    stats: str | None

    def read(self, tally: Tally) -> Facts:
        """Read both files. Raises Unreachable where the store failed."""
        facts = Facts()
        if self.table:
            self._read_table(self.table, facts, tally)
        if self.stats:
            facts.stats = _stats(self.stats, tally)
        return facts

    def _read_table(self, uri: str, facts: Facts, tally: Tally) -> None:
        rows, fetched = 0, set[str]()
        try:
            with images.opened(uri) as file:
                parquet = pq.ParquetFile(file, pre_buffer=not is_local(uri))
                if absent := [name for name in REQUIRED if name not in parquet.schema_arrow.names]:
                    tally.find("bad_table", f"the Parquet beside it has no column {absent[0]}")
                    return
                facts.forgets = AGAIN_IN in parquet.schema_arrow.names
                for batch in parquet.iter_batches(4096, columns=list(REQUIRED)):
                    rows += batch.num_rows
                    for key, url, status in zip(*(batch.column(name).to_pylist() for name in REQUIRED), strict=True):
                        facts.names[str(key)] = short(f"{key} {url}")
                        if status == SUCCESS:
                            fetched.add(str(key))
        except (Unreachable, MemoryError):
            raise  # says nothing about the table
        except (pa.ArrowException, OSError, ValueError) as error:
            tally.find("bad_table", f"the Parquet beside it cannot be read: {error}")
            return
        facts.rows, facts.fetched = rows, fetched


def _stats(uri: str, tally: Tally) -> dict[str, Any] | None:
    try:
        with images.opened(uri) as file:
            value = parse_json(file.read(STATS_BYTES))
    except Unreachable:
        raise
    except (OSError, ValueError) as error:
        tally.find("bad_stats", f"its _stats.json cannot be read: {error}")
        return None
    if not isinstance(value, dict) or not {"count", "successes"} <= value.keys():
        tally.find("bad_stats", "its _stats.json states no count and successes")
        return None
    return value


def _some(keys: Sequence[str]) -> str:
    return ", ".join(keys[:NAMED]) + (", ..." if len(keys) > NAMED else "")
