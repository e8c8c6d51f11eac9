"""POPE: is there such a thing in the image? Yes or no, in three categories: adversarial, popular and random.

Sources: lmms-lab/POPE on the hub (columns question_id, question, answer, category, image_source, image), as lmms-eval,
tasks/pope/utils.py, reads it; coco_pope_adversarial.json and its two siblings of RUCAIBox/POPE, which hold a JSON
object a line (question_id, image, text, label), as LLaVA, llava/eval/eval_pope.py, reads them: the file's name says
the category. Question ids count each category apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from manifests.errors import Refused
from stages.evaluate.benchmarks.base import Row, yes_no
from stages.evaluate.benchmarks.entries import Entry
from stages.evaluate.benchmarks.published import TABLES, Form

CATEGORY = re.compile(r"_pope_(?:seem_)?(adversarial|popular|random)\.jsonl?$")


def _rows(entry: Entry) -> Iterator[Row]:
    category = entry.text("category") if entry.is_table else _category(entry)
    name = f"{category}/{entry.text('question_id')}"
    asked = yes_no(entry.text("question", "text"), entry.text("answer", "label"), entry.where)
    key = _key(entry, name)
    known = {"question_id": name, "group": name, "category": category}
    yield known | asked | FORM.image(entry, key, "image")


def _key(entry: Entry, name: str) -> str:
    """Return what identifies the image, about which a category asks several questions."""
    if not entry.is_table:
        return entry.text("image")
    return entry.text("image_source") if entry.has("image_source") else name


def _category(entry: Entry) -> str:
    if (found := CATEGORY.search(entry.file)) is None:
        raise Refused(
            f"the name of {entry.file} does not say its category: it must end in _pope_adversarial.json, "
            "_pope_popular.json or _pope_random.json: name the file as it was published"
        )
    return found[1]


FORM = Form("pope", _rows, (TABLES, "*_pope_*.json", "*_pope_*.jsonl"))
