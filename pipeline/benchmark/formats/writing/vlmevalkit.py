"""VLMEvalKit: a TSV for its data folder, and a script that computes MMVP's pair accuracy from its results.

VLMEvalKit takes an unknown name for a custom multiple-choice dataset and scores single questions; its own pair metric
runs only for the name `MMVP`, whose file is locked by a hash. So the pairs are counted afterward, by pair_score.py.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from pipeline.benchmark.benchmark import Benchmark, Posed, asks
from pipeline.benchmark.formats.writing.form import Form
from pipeline.benchmark.formats.writing.markdown import TEMPLATES, filled
from pipeline.benchmark.formats.writing.names import plain_name

SCORER = "pair_score.py"
# VLMEvalKit or one of its models treats these specially in a dataset's name, some case-insensitively
SPECIAL = (
    *("mmbench", "ccbench", "circular", "mmcr", "mmt", "mmsci", "mmmu", "lego", "openended", "video", "mme", "cot"),
    *("hallusionbench", "megabench", "treebench", "mathvista", "mmvet", "chartmuseum", "ocrvqa", "crpe", "niah"),
    *("qspatial", "olympiadbench"),
)
# what pandas, with which VLMEvalKit reads the TSV, takes for an empty cell, quoted or not
MISSING = (
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA"),
    *("NULL", "NaN", "None", "n/a", "nan", "null"),
)
# what pandas may read as a number or a boolean, with or without trailing spaces, if a complete column is like that
NO_TEXT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]*)?|[+-]?inf(inity)?|true|false", re.IGNORECASE)
WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")  # numbers that pandas does not change
ASKED = ("index", "question", "A", "B", "answer", "category")
NO_PATTERN = "other"  # never empty: VLMEvalKit sorts the categories, and cannot sort a missing one
# a last row: with it no column of words holds only numbers, and VLMEvalKit, once it has read them, drops a row
# that has no image; a space after a number would not suffice, because pandas skips it
NOT_ASKED = ("0", *("no question: it keeps the words of the others",) * 3, "", "", "", "")


def data_name(benchmark: Benchmark) -> str:
    """Return a name that VLMEvalKit does not treat specially, and that no other rows or images have.

    VLMEvalKit stores images and results by name and index, and does not check that they are those of the TSV. Runs with
    the same name, and one version before and after `forget`, differ; so the name ends in a hash of what the rows hold.
    """
    name = f"blindpairs_{plain_name(benchmark.name)}"
    if any(word in name.lower() for word in SPECIAL):
        name = f"blindpairs_{hashlib.sha256(benchmark.name.encode()).hexdigest()[:8]}"
    return f"{name}_v{benchmark.version}_{_hash_of(benchmark)}"


def _hash_of(benchmark: Benchmark) -> str:
    """Return eight hex digits, which hold no SPECIAL word. An image counts by its SHA-256, which `read` checks."""
    rows = zip(_asked(benchmark), benchmark.photos, strict=True)
    told = json.dumps([(*asked, photo.sha256) for asked, photo in rows])
    return hashlib.sha256(told.encode()).hexdigest()[:8]


def write(benchmark: Benchmark, folder: Path) -> None:
    """Write the TSV, the scorer with its data, and how to use both. Raises ImageRefused if an image is gone."""
    name = data_name(benchmark)
    _write_table(folder / f"{name}.tsv", (*ASKED, "split", "image"), _rows(benchmark), "\t")
    _write_table(folder / "answers.csv", ASKED, _asked(benchmark), ",")
    (folder / SCORER).write_bytes((TEMPLATES / SCORER).read_bytes())
    known = {"pairs": len(benchmark.pairs), "benchmark": benchmark, "one_more": _loses_words(benchmark)}
    told = filled("vlmevalkit.md.j2", name=name, **known)
    (folder / "README.md").write_text(told + "\n", encoding="utf-8")


def _write_table(path: Path, names: Sequence[str], rows: Iterable[Sequence[str]], between: str) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=between, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)


def _rows(benchmark: Benchmark) -> Iterator[Sequence[str]]:
    for asked, photo in zip(_asked(benchmark), benchmark.photos, strict=True):
        # the file's own bytes: VLMEvalKit's own encoder would re-encode JPEGs, and enlarge small ones
        yield (*map(_told, asked), "test", base64.b64encode(photo.read()).decode("ascii"))
    if _loses_words(benchmark):
        yield NOT_ASKED


def _asked(benchmark: Benchmark) -> Iterator[Sequence[str]]:
    """Yield what is asked and what is right, in the order of ASKED; a pair is the rows 2k - 1 and 2k."""
    place = 0
    for pair in benchmark.pairs:
        for side in pair.sides:
            place += 1
            yield (str(place), *_words(pair), str(side.answer).upper(), pair.pattern or NO_PATTERN)


def _words(pair: Posed) -> Iterator[str]:
    """Return question and options, each on one line."""
    assert pair.question is not None
    assert pair.options is not None
    return (" ".join(text.split()) for text in (pair.question, *pair.options))


def _cells(pair: Posed) -> Mapping[str, str]:
    option_a, option_b = pair.options or ("", "")
    return {"question": pair.question or "", "option a": option_a, "option b": option_b}


def _told(text: str) -> str:
    """Return a cell that pandas reads as text: otherwise an option `None` would be missing."""
    return f"{text} " if text in MISSING else text


def _loses_words(benchmark: Benchmark) -> bool:
    """Whether pandas reads a column of the questions not as text, and thereby changes its cells: 1.50 to 1.5."""
    columns = zip(*_asked(benchmark), strict=True)
    return any(all(map(NO_TEXT.fullmatch, one)) and not all(map(WHOLE.fullmatch, one)) for one in columns)


FORM = Form(
    "vlmevalkit",
    "a TSV for VLMEvalKit, and the script that makes pair accuracy of its results",
    asks,
    write,
    "{to}/README.md says where the TSV goes, how to run VLMEvalKit, and how to count the pairs",
    cells=_cells,
)
