"""Footer: the end of a shard, which states its counts, how it was computed, and digests of its columns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from manifests.counts import Counts
from manifests.digests import Digests
from manifests.parsing import parse_json

COUNTS, COMPUTED, DIGESTS = b"counts", b"computed", b"digests"
KEPT, KEPT_BYTES = 64, 256 << 10  # parsed footers that one process caches, and the length of the longest
AHEAD = 64 << 10  # bytes read at once from a file's end, as Arrow does: most footers are shorter
END = 8  # bytes after the metadata: its length, and Parquet's magic bytes
MARK = b"PAR1"


@dataclass(frozen=True)
class Footer:
    """The bytes after the last row group of a file, and the file's size."""

    raw: bytes
    size: int

    @cached_property
    def _parsed(self) -> _Parsed:
        return _kept(self.raw) if len(self.raw) <= KEPT_BYTES else _parsed(self.raw)

    @property
    def metadata(self) -> pq.FileMetaData:
        return self._parsed.metadata

    @property
    def counts(self) -> Counts:
        """The shard's counts. Raises ArrowInvalid if there are none."""
        if COUNTS not in (facts := self._parsed.facts):
            raise pa.ArrowInvalid("it holds no counts, so this project did not write it")
        try:
            return Counts.from_json(_json(facts[COUNTS]))
        except (KeyError, TypeError) as error:
            raise pa.ArrowInvalid(f"its counts do not read: {error}") from error

    @property
    def computed(self) -> str:
        return self._parsed.facts.get(COMPUTED, b"").decode()

    @property
    def digests(self) -> Digests:
        """The digests of the columns; empty for a shard that was written before there were any."""
        return self._parsed.digests

    @property
    def digest(self) -> str:
        """32 hex digits that change with any row; empty if the footer holds no digests of rows."""
        return digest_of(self.raw) if DIGESTS in self._parsed.facts else ""

    @property
    def groups(self) -> Sequence[int]:
        """The number of rows in each row group."""
        return self._parsed.groups


@dataclass(frozen=True)
class _Parsed:
    metadata: pq.FileMetaData
    facts: Mapping[bytes, bytes]
    digests: Digests
    groups: Sequence[int]


def _parsed(raw: bytes) -> _Parsed:
    metadata = pq.read_metadata(pa.BufferReader(raw))
    facts = metadata.metadata or {}
    groups = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    return _Parsed(metadata, facts, _json(facts.get(DIGESTS, b"{}")), groups)


def _json(text: bytes) -> Any:
    try:
        return parse_json(text)
    except ValueError as error:
        raise pa.ArrowInvalid(f"what its footer says does not read: {error}") from error


@lru_cache(KEPT)
def _kept(raw: bytes) -> _Parsed:
    """Cache parsed footers: a search opens the same shards again and again, and parsing takes half a millisecond."""
    return _parsed(raw)


def digest_of(raw: bytes) -> str:
    return xxhash.xxh3_128_hexdigest(raw)


def read_footer(file: IO[bytes]) -> Footer:
    """Read it in one request, or in two if it is long. Raises ArrowInvalid for anything that is not a Parquet file."""
    size = file.seek(0, 2)
    file.seek(max(0, size - AHEAD))
    raw = file.read()
    length = int.from_bytes(raw[-END : -len(MARK)], "little") + END
    if raw[-len(MARK) :] != MARK or not END < length <= size:
        raise pa.ArrowInvalid("it does not end as a Parquet file does")
    if length > len(raw):
        file.seek(size - length)
        raw = file.read(length - len(raw)) + raw
    return Footer(raw[-length:], size)


def facts_of(counts: Counts, computed: str, digests: Digests) -> dict[str, str]:
    """Return the metadata that a footer is to hold."""
    facts = {COUNTS: json.dumps(counts.to_json(), sort_keys=True), DIGESTS: json.dumps(digests, sort_keys=True)}
    return {name.decode(): text for name, text in (facts | ({COMPUTED: computed} if computed else {})).items()}
