"""Training: questions as conversations, for LLaVA (one JSON list) and for Cambrian-1 (one JSON object per line).

Both take `{id, image, conversations}` with the image's path below a folder, and a turn of `human` before one of `gpt`.
The answer is a letter, so the question ends with the prompt that requests one: short answers without it teach a model
to be curt everywhere (the "answer machine" of Cambrian-1, arXiv 2406.16860).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from manifests.errors import Refused
from pipeline.benchmark.benchmark import Benchmark, Posed, Side, asks
from pipeline.benchmark.formats.writing.form import Form, as_jpeg
from pipeline.benchmark.formats.writing.markdown import filled
from stages.author.authored import TRAINING

IMAGE = "<image>"  # where LLaVA's reader inserts the image
LETTER = "Answer with the option's letter from the given choices directly."


def write_llava(benchmark: Benchmark, folder: Path) -> None:
    """Write llava.json and images/. Raises Refused, before writing, for words that the reader takes for an image."""
    entries = list(_entries(benchmark))
    text = json.dumps(entries, ensure_ascii=False, indent=1)
    (folder / "llava.json").write_text(text + "\n", encoding="utf-8")
    _write_rest(benchmark, folder, "llava.json")


def write_cambrian(benchmark: Benchmark, folder: Path) -> None:
    """Write cambrian.jsonl and images/. Raises Refused as write_llava does."""
    lines = [json.dumps(entry, ensure_ascii=False) + "\n" for entry in _entries(benchmark)]
    (folder / "cambrian.jsonl").write_text("".join(lines), encoding="utf-8")
    _write_rest(benchmark, folder, "cambrian.jsonl")


def _write_rest(benchmark: Benchmark, folder: Path, data: str) -> None:
    (folder / "images").mkdir()
    for photo in {photo.image_id: photo for photo in benchmark.photos}.values():
        (folder / _path(photo.image_id)).write_bytes(as_jpeg(photo))
    told = filled("training.md.j2", data=data, pairs=len(benchmark.pairs), benchmark=benchmark)
    (folder / "README.md").write_text(told + "\n", encoding="utf-8")


def _entries(benchmark: Benchmark) -> Iterator[dict[str, Any]]:
    for pair in benchmark.pairs:
        asked = _asked(pair)
        if IMAGE in asked:
            where = f"{pair.first.photo.image_id} and {pair.second.photo.image_id}"
            raise Refused(
                f"the question of {where} holds the word {IMAGE}, which LLaVA takes for an image: change it with "
                f"`blindpairs author {benchmark.run}` and freeze again"
            )
        yield from (_entry(side, asked) for side in pair.sides)


def _asked(pair: Posed) -> str:
    assert pair.options is not None
    return f"{pair.question}\nA. {pair.options[0]}\nB. {pair.options[1]}\n{LETTER}"


def _entry(side: Side, asked: str) -> dict[str, Any]:
    assert side.answer is not None
    turns = (("human", f"{IMAGE}\n{asked}"), ("gpt", side.answer.upper()))
    conversations = [{"from": speaker, "value": value} for speaker, value in turns]
    return {"id": side.question_id, "image": _path(side.photo.image_id), "conversations": conversations}


def _path(image_id: str) -> str:
    return f"images/{image_id}.jpg"


LLAVA = Form(
    "llava",
    "conversations for training, as LLaVA reads them: a JSON list and images/; of pairs for training only",
    asks,
    write_llava,
    "train with --data_path {to}/llava.json --image_folder {to}",
    use=TRAINING,
)
CAMBRIAN = Form(
    "cambrian",
    "the same as Cambrian-1 reads them: a JSON object a line and images/",
    asks,
    write_cambrian,
    "train with --data_path {to}/cambrian.jsonl --image_folder {to}",
    use=TRAINING,
)
