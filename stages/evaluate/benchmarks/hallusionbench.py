"""HallusionBench: the same question about a figure, changed figures, or none. A group is one question, in 1 to 5 rows.

Sources: tianyi-lab/HallusionBench, HallusionBench.json (a list; `filename` is null or absent where `visual_input` is 0)
with the images of hallusion_bench.zip; lmms-lab/HallusionBench on the hub (image-*.parquet and non_image-*.parquet with
the same columns). Groups as in utils.py, get_eval_pair_all: category, subcategory, set_id and question_id. Answers:
`gt_answer` 1 is yes and 0 is no. Its category here is "VD/illusion": category and subcategory.
"""

from __future__ import annotations

from collections.abc import Iterator

from manifests.errors import Refused
from stages.evaluate.benchmarks.base import Row, yes_no
from stages.evaluate.benchmarks.entries import Entry
from stages.evaluate.benchmarks.published import TABLES, Form

ANSWERS = {"1": "yes", "0": "no"}
NO_IMAGE = "0"  # of visual_input


def _rows(entry: Entry) -> Iterator[Row]:
    category = f"{entry.text('category')}/{entry.text('subcategory')}"
    of, figure, question = (entry.text(name) for name in ("set_id", "figure_id", "question_id"))
    truth = entry.text("gt_answer")
    if truth not in ANSWERS:
        raise Refused(f"{entry.where}: its gt_answer {truth[:40]!r} is neither 1 nor 0; correct the file")
    known = {"question_id": f"{category}/{of}/{figure}/{question}", "group": f"{category}/{of}/{question}"}
    asked = yes_no(entry.text("question"), ANSWERS[truth], entry.where)
    shown = entry.text("visual_input") != NO_IMAGE
    image = FORM.image(entry, f"{category}/{of}_{figure}", "image", "filename") if shown else {}
    yield known | {"category": category} | asked | image


FORM = Form("hallusionbench", _rows, (TABLES, "HallusionBench.json"))
