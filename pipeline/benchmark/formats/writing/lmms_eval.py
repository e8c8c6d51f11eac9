"""lmms-eval: a task folder for `--include_path`, whose prompts and scores are those of lmms-eval's own task `mmvp`.

The functions are lmms-eval's (lmms_eval/tasks/mmvp/utils.py); they take an Index that is an integer from 1, pairs on
(2k - 1, 2k), Options `(a) x (b) y` and a Correct Answer `(a)` or `(b)`. Built-in tasks take precedence over included
ones with the same name, so ours has a name of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.benchmark.benchmark import Benchmark, asks
from pipeline.benchmark.formats.writing.form import Form
from pipeline.benchmark.formats.writing.markdown import filled
from pipeline.benchmark.formats.writing.mmvp import options_of
from pipeline.benchmark.formats.writing.names import plain_name
from pipeline.benchmark.formats.writing.pictures import PICTURE, for_datasets, picture, write_rows

COLUMNS = for_datasets(
    pa.schema(
        [
            ("Index", pa.int32()),
            ("Question", pa.string()),
            ("Options", pa.string()),
            ("Correct Answer", pa.string()),
            ("image", PICTURE),
        ]
    )
)


def task_name(benchmark: Benchmark) -> str:
    return f"blindpairs_{plain_name(benchmark.name)}_v{benchmark.version}"


def write(benchmark: Benchmark, folder: Path) -> None:
    """Write the task's YAML, its Parquet and how to run it. Raises ImageRefused if an image is gone."""
    task = task_name(benchmark)
    write_rows(folder / f"{task}.parquet", COLUMNS, _rows(benchmark))
    (folder / f"{task}.yaml").write_text(filled("lmms_eval.yaml.j2", task=task) + "\n", encoding="utf-8")
    told = filled("lmms_eval.md.j2", task=task, pairs=len(benchmark.pairs), benchmark=benchmark)
    (folder / "README.md").write_text(told + "\n", encoding="utf-8")


def _rows(benchmark: Benchmark) -> Iterator[dict[str, Any]]:
    place = 0
    for pair in benchmark.pairs:
        for side in pair.sides:
            place += 1
            yield {
                "Index": place,
                "Question": pair.question,
                "Options": options_of(pair),
                "Correct Answer": f"({side.answer})",
                # named by place: the name in the source may reveal the answer
                "image": picture(side.photo, str(place)),
            }


FORM = Form(
    "lmms-eval",
    "a task folder (YAML and Parquet) for lmms-eval's --include_path",
    asks,
    write,
    "{to}/README.md has the command, which is run from inside that folder",
)
