"""Published benchmarks made by hand, to the layouts that their authors and lmms-eval read, with small photos."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from world.authoring import photo
from world.inline import Inline

from manifests.manifest import Manifest
from manifests.storage import Folder
from pipeline.config.settings import WorkerSettings
from pipeline.run.events.listener import Listener
from pipeline.run.recipe import Step
from pipeline.run.runner import run
from stages.evaluate.questions import AskedQuestions
from stages.evaluate.settings import Published, RunQuestions

Rows = list[dict[str, Any]]
PICTURE = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])


def shown(number: int | None) -> dict[str, Any] | None:
    """An image as the hub stores it in a cell."""
    return None if number is None else {"bytes": photo(number), "path": f"{number}.jpg"}


def write_table(path: Path, rows: Rows, *, group: int = 100) -> Path:
    """A Parquet file; columns whose values are images get the hub's type."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns: dict[str, pa.Array] = {}
    for name in rows[0] if rows else ():
        values = [row[name] for row in rows]
        is_image = any(isinstance(value, dict) for value in values)
        columns[name] = pa.array(values, PICTURE if is_image else None)
    pq.write_table(pa.table(columns), path, row_group_size=group)
    return path


def write_lines(path: Path, rows: Rows) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_images(folder: Path, names: Sequence[str]) -> None:
    """The images of these names: the photo of each one's place."""
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(photo(number))


def cv_bench(count: int, kind: str = "2D") -> Rows:
    return [
        {
            "idx": number,
            "type": kind,
            "task": ("Count", "Relation")[number % 2],
            "question": f"How many things {number} are there?",
            "choices": [f"{number + more}" for more in range(2 + number % 4)],
            "answer": f"({'ABCDE'[number % (2 + number % 4)]})",
            "filename": f"img/{kind}/count/{number}.png",
            "source": ("COCO", "ADE20K")[number % 2],
            "bbox": None,
        }
        for number in range(count)
    ]


def with_images(rows: Rows, *columns: str) -> Rows:
    """The rows with an image in each of these columns, by their places."""
    return [
        row | {column: shown(len(columns) * place + more) for more, column in enumerate(columns)}
        for place, row in enumerate(rows)
    ]


def pope(count: int, category: str) -> Rows:
    return [
        {
            "id": str(number),
            "question_id": str(number + 1),
            "question": f"Is there a thing {number} in the image?",
            "answer": ("yes", "no")[number % 2],
            "image_source": f"COCO_val2014_{number // 2:012d}",
            "category": category,
        }
        for number in range(count)
    ]


def naturalbench(count: int) -> Rows:
    rows = []
    for number in range(count):
        kind, (a, b) = (("yes_no", ("Yes", "No")), ("multiple_choice", ("A", "B")))[number % 2]
        options = "" if kind == "yes_no" else f" Option: A: cup {number}; B: bowl {number};"
        answers = {"Image_0_Question_0": a, "Image_1_Question_0": b, "Image_0_Question_1": b, "Image_1_Question_1": a}
        words = {f"Question_{place}": f"Is it {number}, by question {place}?{options}" for place in range(2)}
        rows.append({"Index": number, **words, **answers, "Question_Type": kind, "Source": "DOCCI"})
    return rows


def vismin(count: int) -> Rows:
    return [
        {
            "id": number,
            "text_0": f"a red {number}",
            "text_1": f"a blue {number}",
            "category": ("object", "counting")[number % 2],
        }
        for number in range(count)
    ]


def hallusionbench(sizes: Sequence[int]) -> Rows:
    """As many groups as sizes: of figures 0 to size - 1 each. In every second group figure 0 shows nothing."""
    rows = []
    for figure in range(max(sizes)):  # as published: all questions of a figure, then those of the next
        for place, size in enumerate(sizes):
            if figure < size:
                blank = place % 2 == 1 and figure == 0
                rows.append(
                    {
                        "category": ("VD", "VS")[place % 2],
                        "subcategory": "chart",
                        "visual_input": "0" if blank else str(1 + figure % 2),
                        "set_id": "0",
                        "figure_id": str(figure),
                        "question_id": str(place),
                        "question": f"Is it {place}?",
                        "gt_answer_details": "words",
                        "gt_answer": str(figure % 2),
                        "filename": None if blank else f"./VS/chart/{place}_{figure}.png",
                    }
                )
    return rows


def asked(root: Path, kind: str, uri: Path | str, **more: Any) -> Rows:
    """What the stage makes of a benchmark, run in this process."""
    return rows_of(ask(root, kind, uri, **more))


def ask(root: Path, kind: str, uri: Path | str, **more: Any) -> Manifest:
    stage = AskedQuestions(settings_of(kind, uri, **more))
    steps = [Step("questions", stage, (), WorkerSettings())]
    return run(steps, Folder(str(root)), Inline(), Listener())["questions"]


def settings_of(kind: str, uri: Path | str, **more: Any) -> RunQuestions | Published:
    model = RunQuestions if kind == "run" else Published
    return model.model_validate({"kind": kind, "uri": str(uri), **more})


def rows_of(manifest: Manifest) -> Rows:
    return [row for one in manifest.shards for row in manifest.read(one.name).to_pylist()]


def by(rows: Rows, column: str) -> Mapping[Any, dict[str, Any]]:
    return {row[column]: row for row in rows}
