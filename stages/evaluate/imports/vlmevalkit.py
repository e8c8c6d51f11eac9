"""VLMEvalKit: a prediction file, MODEL_DATA.tsv, .xlsx or .json: the data set's rows without images, and `prediction`.

Source: open-compass/VLMEvalKit @e8e78f0, vlmeval/inference.py `infer_data_job` and vlmeval/smp/file.py `dump`. Before
that, pandas read the data set's TSV: a cell such as 1 may come back as a number. A request that failed is a reply with
FAILED_MARK in it, which is how VLMEvalKit finds those to ask again. The file does not say how a question was put.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from string import ascii_uppercase
from typing import Any

from manifests.errors import Refused
from manifests.evaluation_tables import FAILED, TRUNCATED
from manifests.tables import OK
from stages.evaluate.imports.files import json_of, text_in
from stages.evaluate.imports.reply import ImportedReply, clipped, response_of
from stages.evaluate.imports.tsv import rows_of
from stages.evaluate.imports.workbook import MOST_IN_A_CELL, sheet_of

FAILED_MARK = "Failed to obtain answer"
WHOLE = re.compile(r"([0-9]{1,15})(\.0+)?")
NEEDED = ("index", "prediction")
Place = tuple[str, Mapping[str, Any]]  # where a row stands, and its values by column


def replies(data: bytes, uri: str, sheet: str | None = None) -> Iterator[ImportedReply]:
    """Yield the replies of a prediction file. Raises Refused, naming the row, if one is not of this form."""
    ending = next((one for one in READERS if uri.lower().endswith(one)), None)
    if ending is None:
        raise Refused(f"{uri} is not one of {', '.join(READERS)}; have VLMEvalKit write one (PRED_FORMAT=tsv)")
    if sheet is not None and ending != WORKBOOK:
        raise Refused(f"{uri} has no sheets, so sheet {sheet!r} does not apply; leave it out")
    rows = sheet_of(data, uri, sheet) if ending == WORKBOOK else READERS[ending](data, uri)
    for where, values in rows:
        if lacking := [name for name in NEEDED if name not in values]:
            raise Refused(
                f"{where} has no column {lacking[0]}, which a prediction file of VLMEvalKit has; its columns are "
                f"{', '.join(map(str, values))[:200] or 'none'}: name the file MODEL_DATA that VLMEvalKit wrote"
            )
        yield _reply(where, values, is_cell=ending == WORKBOOK)


def _reply(where: str, values: Mapping[str, Any], *, is_cell: bool) -> ImportedReply:
    said = values["prediction"]
    said = response_of("" if said is None and is_cell else said, where)
    status, error = _status(said, is_cell=is_cell)
    return ImportedReply(
        where,
        _number(values["index"], where),
        None if status == FAILED else said,
        status,
        error,
        question=_told(values.get("question")),
        options=_options(values),
        answer=_told(values.get("answer")),
    )


def _status(said: str, *, is_cell: bool) -> tuple[str, str | None]:
    if FAILED_MARK in said:
        return FAILED, f"VLMEvalKit got no reply: {said[:200]}"
    if is_cell and len(said) >= MOST_IN_A_CELL:
        cut = f"a cell of a workbook holds {MOST_IN_A_CELL:,} characters, and the reply may have had more"
        return TRUNCATED, f"{cut}; have VLMEvalKit write a TSV (PRED_FORMAT=tsv)"
    return OK, None


def _number(value: Any, where: str) -> int:
    found = WHOLE.fullmatch(str(value).strip())
    if found is None or isinstance(value, bool):
        raise Refused(f"{where}: its index is {clipped(value)} and not a number; name the result of the exported TSV")
    return int(found[1])


def _options(values: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the options under A, B, and so on, up to the first that is not there; None if there is none."""
    told = (_told(values.get(letter)) for letter in ascii_uppercase)
    return tuple(iter(lambda: next(told, None), None)) or None


def _told(value: Any) -> str | None:
    """Return a cell as text; None for an empty one, which pandas writes as nothing or as a NaN."""
    return None if value is None or value != value or value == "" else str(value)


def _records(data: bytes, uri: str) -> Iterator[Place]:
    found = json_of(text_in(data, uri), uri)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Refused(f"{uri} is not a JSON list of objects, as VLMEvalKit writes; name the file MODEL_DATA.json")
    yield from ((f"row {number} of {uri}", values) for number, values in enumerate(found, 1))


WORKBOOK = ".xlsx"
READERS: Mapping[str, Callable[[bytes, str], Iterator[Place]]] = {
    ".tsv": rows_of,
    WORKBOOK: sheet_of,
    ".json": _records,
}
