"""MMVP: the answers file of MMVP's own script, a JSON line for each row of Questions.csv.

Source: tsb0601/MMVP @7635005, scripts/evaluate_mllm.py L110-120: `question_id` is the number of the row from 1,
`prompt` the question, a space and the options, `answer` the right one as Questions.csv has it, `response` the reply
without white space around it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from manifests.errors import Refused
from stages.evaluate.imports.files import objects_in
from stages.evaluate.imports.reply import ImportedReply, clipped, response_of, text_of

NEEDED = ("question_id", "response")


def replies(data: bytes, uri: str) -> Iterator[ImportedReply]:
    """Yield the replies of an answers file. Raises Refused, naming the line, if one is not of this form."""
    for where, values in objects_in(data, uri):
        if lacking := [name for name in NEEDED if name not in values]:
            raise Refused(
                f"{where} has no {lacking[0]}, which an answers file of MMVP's evaluate_mllm.py has; name that file, "
                "or choose the right kind of file"
            )
        yield ImportedReply(
            where,
            _number(values["question_id"], where),
            response_of(values["response"], where),
            prompt=text_of(values, "prompt", where),
            answer=text_of(values, "answer", where),
        )


def _number(value: Any, where: str) -> int:
    if type(value) is not int:
        raise Refused(f"{where}: its question_id is {clipped(value)} and not a number; name MMVP's own answers file")
    return value
