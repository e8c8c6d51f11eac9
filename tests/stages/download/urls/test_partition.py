"""Tables cut into stretches: every row in one of them, and every repeated URL known."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.errors import Refused
from stages.download.settings import WhereSettings
from stages.download.urls import tables
from stages.download.urls.partition import MOST_ROWS, stretches
from stages.download.urls.stretch import rows_of
from stages.download.urls.where import bounds

COLUMNS = {"url": "url", "aesthetic": "aesthetic", "language": "language"}
ROW = st.tuples(
    st.one_of(st.none(), st.sampled_from([f"http://host/{name}" for name in "abcdefghijkl"])),
    st.one_of(st.none(), st.floats(0, 10)),
    st.sampled_from(["en", "de", None]),
)
TABLES = st.lists(st.lists(ROW, min_size=1, max_size=40), min_size=1, max_size=3)


def written(folder: Path, parts: list[list[tuple]]) -> list[str]:
    for place, rows in enumerate(parts):
        columns = [
            pa.array(list(column), kind) for column, kind in zip(zip(*rows), (pa.string(), pa.float64(), pa.string()))
        ]
        pq.write_table(pa.table(columns, names=list(COLUMNS)), folder / f"{place}.parquet", row_group_size=9)
    return [str(folder / f"{place}.parquet") for place in range(len(parts))]


def expected(parts: list[list[tuple]], where: WhereSettings) -> list[str | None]:
    """What each row is, said the plain way."""
    seen, told = set(), []
    for url, score, language in (row for rows in parts for row in rows):
        low = where.aesthetic_min is not None and (score is None or score < where.aesthetic_min)
        foreign = where.languages is not None and language not in where.languages
        repeated = "duplicate_url" if url in seen else None
        told.append("bad_url" if url is None else "filtered" if low or foreign else repeated)
        if told[-1] is None:
            seen.add(url)
    return told


@settings(max_examples=50, deadline=None)
@given(parts=TABLES, score=st.one_of(st.none(), st.floats(0, 10)), spoken=st.booleans(), most=st.integers(1, 9))
def test_each_row_is_what_a_plain_reading_says_in_order_and_in_one_stretch(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[tuple]], score: float | None, spoken: bool, most: int
) -> None:
    where = WhereSettings(aesthetic_min=score, languages=("en",) if spoken else None)
    uris = written(tmp_path_factory.mktemp("tables"), parts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "LOT_ROWS", 7)
        cut = stretches(dict.fromkeys(uris, COLUMNS), bounds(where), most)
    asked = [(one, rows_of(one, COLUMNS, bounds(where))) for one in cut]
    assert [row.status for _, rows in asked for row in rows] == expected(parts, where)
    assert [row.values["url"] for _, rows in asked for row in rows] == [row[0] for rows in parts for row in rows]
    for one, rows in asked:
        assert sum(row.status in (None, "duplicate_url") for row in rows) == one.urls <= most
        assert len(rows) == one.rows <= most * MOST_ROWS
        assert [row.number for row in rows] == list(range(one.first, one.first + one.rows))


def test_a_table_cut_short_since_is_refused(tmp_path: Path) -> None:
    (uri,) = written(tmp_path, [[(f"http://a/{n}", 5.0, "en") for n in range(9)]])
    (one,) = stretches({uri: COLUMNS}, (), 100)
    written(tmp_path, [[("http://a/0", 5.0, "en")]])
    with pytest.raises(Refused, match="changed while it was read"):
        rows_of(one, COLUMNS, ())


def test_a_filtered_row_says_its_value_and_the_bound(tmp_path: Path) -> None:
    (uri,) = written(tmp_path, [[("http://a/0", 4.25, "en"), ("http://a/1", 9.0, "fr")]])
    filters = bounds(WhereSettings(aesthetic_min=5, languages=("en", "de")))
    (one,) = stretches({uri: COLUMNS}, filters, 100)
    assert [row.sentence for row in rows_of(one, COLUMNS, filters)] == [
        "aesthetic is 4.25, where.aesthetic_min is 5",
        "language is fr, where.languages is en, de",
    ]
