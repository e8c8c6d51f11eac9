"""NaturalBench: two images and two questions, all four combinations, whose answers alternate. A group is these four.

Source: BaiqiL/NaturalBench on the hub, 1,900 rows; columns as Baiqi-Li/NaturalBench, naturalbench_vqa.py, reads them
(Question_Type was `Question Type` in its earlier example.py). The four stand in that script's order, which is also that
of lmms-eval, tasks/naturalbench: q0_i0, q0_i1, q1_i0, q1_i1.
[unverified] The options of a multiple choice question are written into it, as "Option: A: ...; B: ...;".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

from manifests.errors import Refused
from stages.evaluate.benchmarks.base import Row, choice, yes_no
from stages.evaluate.benchmarks.entries import Entry
from stages.evaluate.benchmarks.published import TABLES, Form

YES_NO, MULTIPLE_CHOICE = "yes_no", "multiple_choice"
OPTIONS = re.compile(
    r"(?P<stem>.+?)\s*\bOptions?\s*:\s*A\s*:\s*(?P<a>.+?)\s*;\s*B\s*:\s*(?P<b>.+?)\s*;?\s*", re.DOTALL | re.IGNORECASE
)


def _rows(entry: Entry) -> Iterator[Row]:
    group, kind = entry.text("Index"), entry.text("Question_Type", "Question Type")
    if kind not in (YES_NO, MULTIPLE_CHOICE):
        raise Refused(f"{entry.where}: its Question_Type {kind[:40]!r} is neither {YES_NO} nor {MULTIPLE_CHOICE}")
    for question, image in product("01", "01"):
        words, answer = entry.text(f"Question_{question}"), entry.text(f"Image_{image}_Question_{question}")
        asked = yes_no(words, answer, entry.where) if kind == YES_NO else _choice(words, answer, entry.where)
        known = {"question_id": f"{group}/q{question}_i{image}", "group": group, "category": kind}
        yield known | asked | FORM.image(entry, f"{group}/{image}", f"Image_{image}")


def _choice(words: str, answer: str, where: str) -> Row:
    if (found := OPTIONS.fullmatch(words)) is None:
        raise Refused(f"{where}: its question {words[:80]!r} does not end in Option: A: ...; B: ...; correct the file")
    return choice(found["stem"], [found["a"], found["b"]], answer, where)


FORM = Form("naturalbench", _rows, (TABLES,))
