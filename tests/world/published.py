"""Benchmarks as others published them, made by hand to their layouts: numbered images and a Questions.csv."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from world.authoring import photo
from world.inline import Inline

from pipeline.benchmark.formats import importing
from pipeline.run.events.listener import Listener

MMVP = ("Index", "Question", "Options", "Correct Answer")
VLM = ("Question ID", "Type", "Statement")
# the folders of MMVP/MMVP_VLM, in the order of their question ids
FOLDERS = (
    *("Orientation", "Presence", "State", "Quantity", "Spatial", "Color"),
    *("Structural Character", "Text", "Camera Perspective"),
)
Rows = list[list[str]]


def asked(pairs: int, known: Mapping[int, Sequence[str]] | None = None) -> Rows:
    """Rows of MMVP: each pair asks something of its own, and its answers are (a), (b) or (b), (a) in turn.

    `known`: number of a pair's first row -> question and options of that pair.
    """
    rows = []
    for number in range(1, 2 * pairs + 1):
        first, second = number - 1 + number % 2, (number - 1) // 2 % 2
        words = (known or {}).get(first, (f"Is thing {first} open or closed?", "(a) Open (b) Closed"))
        rows.append([str(number), *words, "(a)" if number % 2 != second else "(b)"])
    return rows


# what METHOD says of the four answers that are disputed, as they were published
TUSKS = ("Does the elephant have long or short tusks?", "(a) Long (b) Short")
ELDERLY = ("Is the elderly person standing or sitting in the picture?", "(a) Standing (b) Sitting")


def as_published() -> Rows:
    """300 rows, of which four have the answers that were found to be swapped."""
    rows = asked(150, {99: TUSKS, 279: ELDERLY})
    for number, answer in ((99, "(a)"), (100, "(b)"), (279, "(a)"), (280, "(b)")):
        rows[number - 1][3] = answer
    return rows


def stated(each: int, folders: Sequence[str] = FOLDERS) -> Rows:
    """Rows of MMVP-VLM: `each` pairs a pattern."""
    types = [folder for folder in folders for _ in range(2 * each)]
    return [[str(number), kind, f"a thing that is {number}"] for number, kind in enumerate(types, 1)]


def text_of(rows: Iterable[Sequence[str]], header: Sequence[str], quoting: int = csv.QUOTE_MINIMAL) -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream, quoting=quoting).writerows((header, *rows))
    return stream.getvalue()


def mmvp_folder(root: Path, rows: Rows, *, images: str = "MMVP Images", ending: str = ".jpg") -> Path:
    """A folder as MMVP/MMVP has it: image N is `photo(N)`."""
    (folder := root / "MMVP").mkdir(parents=True)
    (folder / "Questions.csv").write_text(text_of(rows, MMVP), encoding="utf-8", newline="")
    (folder / images).mkdir()
    for number in range(1, len(rows) + 1):
        (folder / images / f"{number}{ending}").write_bytes(photo(number))
    return folder


def vlm_folder(
    root: Path, rows: Rows, *, images: str = "MLLM_VLM Images", renamed: Mapping[str, str] | None = None
) -> Path:
    """A folder as MMVP/MMVP_VLM has it. `renamed`: Type -> how its folder is called, where that is not the Type."""
    (folder := root / "MMVP_VLM").mkdir(parents=True)
    (folder / "Questions.csv").write_text(text_of(rows, VLM), encoding="utf-8", newline="")
    for number, kind, _ in rows:
        at = folder / images / (renamed or {}).get(kind, kind)
        at.mkdir(parents=True, exist_ok=True)
        (at / f"{number}.jpg").write_bytes(photo(int(number)))
    return folder


def run_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Imports run their images step in the test's own process, and nobody is told."""

    @contextmanager
    def nobody(*told: object) -> Iterator[Listener]:
        yield Listener()

    monkeypatch.setattr(importing, "executor_for", lambda ray: Inline())
    monkeypatch.setattr(importing, "broadcast", nobody)
