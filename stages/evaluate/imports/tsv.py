"""TSV: the rows of a table as pandas writes it: quoted cells that may hold line breaks, separated by tabs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from manifests.errors import Refused
from stages.evaluate.imports.files import text_in
from stages.evaluate.imports.reply import MOST_CHARACTERS


def rows_of(data: bytes, uri: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield (where, column -> cell) of each row below the first.

    Raises Refused, naming the row, if one has more or fewer cells than the first, a quote that never ends, or a cell of
    more than MOST_CHARACTERS.
    """
    csv.field_size_limit(max(csv.field_size_limit(), MOST_CHARACTERS))
    reader = csv.reader(io.StringIO(text_in(data, uri), newline=""), delimiter="\t", strict=True)
    head, number = None, 0
    try:
        for cells in reader:
            if not cells:
                continue
            if head is None:
                head = cells
                continue
            number += 1
            if len(cells) != len(head):
                raise Refused(
                    f"row {number} of {uri} has {len(cells)} cells and the first line {len(head)}; it is not separated "
                    "by tabs, or it is cut off: give the file as VLMEvalKit wrote it"
                )
            yield f"row {number} of {uri}", dict(zip(head, cells, strict=True))
    except csv.Error as error:
        raise Refused(
            f"row {number + 1} of {uri} cannot be read as a TSV ({error}); give the file as VLMEvalKit wrote it"
        ) from error
