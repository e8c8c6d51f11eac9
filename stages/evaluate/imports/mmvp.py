"""MMVP's answers: the JSON lines of its script, one a question, numbered from 1.

Source: tsb0601/MMVP, scripts/evaluate_mllm.py: question_id, prompt (question, a space, options), answer, response,
answer_id, model_id.
"""

from __future__ import annotations

from collections.abc import Iterator

from stages.evaluate.files import json_values
from stages.evaluate.imports.base import ANOTHER, Found, Row, field, one_line
from stages.evaluate.prompts import mmvp_words

PROGRAM = "MMVP's script"


def read(uri: str) -> Iterator[Found]:
    """Yield the replies. Raises Refused if the file is none of that script's."""
    for number, value in json_values(uri, ANOTHER):
        where = f"line {number} of {uri}"
        row = value if isinstance(value, dict) else {}
        prompt = field(row, ("prompt",), str, where, PROGRAM)

        def same(question: Row, said: str = prompt) -> bool:
            return one_line(mmvp_words(question["question"], question["options"])) == one_line(said)

        known = field(row, ("question_id",), int, where, PROGRAM), field(row, ("response",), str, where, PROGRAM)
        yield Found(where, *known, same, prompt)
