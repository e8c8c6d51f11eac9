"""VisMin: two images that differ in one thing, and two texts. A group is the two images, each with its own text.

Source: mair-lab/vismin-bench on the hub, 2,084 rows; columns image_0, image_1, text_0, text_1, id and category as
rabiulcste/vismin, vismin-bench/eval.py, reads them: text_i is true of image_i alone.
Models that match compare the texts with both images. Models that answer are asked which text suits an image, with the
texts as options, in words of our own: the authors' questions are worded for two lettered texts in an order of their own
(evals/dataset_zoo/task_prompts.py), whose letters are in another file (vismin-bench/solutions/vqa_solution.csv). Their
questions about both images at once are not asked here.
"""

from __future__ import annotations

from collections.abc import Iterator

from manifests.errors import Refused
from stages.evaluate.benchmarks.base import Row, choice
from stages.evaluate.benchmarks.entries import Entry
from stages.evaluate.benchmarks.published import TABLES, Form

QUESTION = "Which of these texts describes the image?"


def _rows(entry: Entry) -> Iterator[Row]:
    group, texts = entry.text("id"), [entry.text("text_0"), entry.text("text_1")]
    if texts[0] == texts[1]:
        raise Refused(f"{entry.where}: its text_0 and text_1 are the same; correct the file")
    for place, text in enumerate(texts):
        known = {"question_id": f"{group}/{place}", "group": group, "category": entry.text("category")}
        asked = choice(QUESTION, texts, "ab"[place], entry.where)
        yield known | asked | {"statement": text} | FORM.image(entry, f"{group}/{place}", f"image_{place}")


FORM = Form("vismin", _rows, (TABLES,))
