"""lmms-eval's samples: the JSON lines that `--log_samples` writes, one a question, numbered from 0 (doc_id).

Source: EvolvingLMMs-Lab/lmms-eval, lmms_eval/loggers/evaluation_tracker.py `save_results_samples`: `input` is the
prompt, `resps` holds the reply inside lists; it is left out where `filtered_resps` is the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from manifests.errors import Refused
from stages.evaluate.files import json_values
from stages.evaluate.imports.base import ANOTHER, Found, Row, field, one_line

PROGRAM = "lmms-eval"


def read(uri: str) -> Iterator[Found]:
    """Yield the replies. Raises Refused if the file is none of lmms-eval's samples."""
    for number, value in json_values(uri, ANOTHER):
        where = f"line {number} of {uri}"
        row = value if isinstance(value, dict) else {}
        prompt = _prompt(field(row, ("input", "input_text"), object, where, PROGRAM))

        def same(question: Row, said: str = one_line(prompt)) -> bool:
            words = [question["question"], *question["options"]]
            return all(one_line(one) in said for one in words)

        place = field(row, ("doc_id",), int, where, PROGRAM)
        response = _reply(field(row, ("resps", "filtered_resps"), object, where, PROGRAM), where)
        yield Found(where, place + 1, response, same, prompt)


def _prompt(value: Any) -> str:
    """Return the words of a prompt; of a conversation, those of its parts."""
    if isinstance(value, str):
        return value
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return "\n".join(_prompt(one) for one in parts if isinstance(one, (str, dict, list)))


def _reply(value: Any, where: str) -> str:
    """Return the one text inside lists. Raises Refused if there is none, or more than one."""
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, str):
        raise Refused(f"{where}: its reply is {repr(value)[:60]} and not one text; name the samples of another task")
    return value
