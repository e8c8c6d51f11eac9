"""lmms-eval: the samples file of one task, which `--log_samples` writes: a JSON line for each question.

Source: EvolvingLMMs-Lab/lmms-eval @75571cf, lmms_eval/loggers/evaluation_tracker.py `save_results_samples` and
lmms_eval/evaluator.py L1247-1297. `doc_id` is the number of the data set's row from 0; `input` the prompt without the
image; `target` the right answer; `filtered_resps` the reply that lmms-eval itself reads, without reasoning where it
takes that out. Versions differ in how many lists there are around a reply. `mmvp_accuracy.index`, where the task has
it, is the column Index less 1. A request that failed for good is a reply that begins with FAILED_MARK
(lmms_eval/models/chat/openai.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from manifests.errors import Refused
from manifests.evaluation_tables import FAILED
from manifests.tables import OK
from stages.evaluate.imports.files import objects_in
from stages.evaluate.imports.reply import ImportedReply, clipped, response_of, text_of

FAILED_MARK = "[LMMS_EVAL_REQUEST_FAILED"
REPLY = "filtered_resps"


def replies(data: bytes, uri: str) -> Iterator[ImportedReply]:
    """Yield the replies of a samples file. Raises Refused, naming the line, if one is not of this form."""
    for where, values in objects_in(data, uri):
        if lacking := [name for name in ("doc_id", REPLY) if name not in values]:
            raise Refused(
                f"{where} has no {lacking[0]}, which a samples file of lmms-eval (--log_samples) has; name that file, "
                "DATE_samples_TASK.jsonl, or choose the right kind of file"
            )
        yield _reply(where, values)


def _reply(where: str, values: Mapping[str, Any]) -> ImportedReply:
    said = response_of(_only(values[REPLY], where), where)
    failed = said.startswith(FAILED_MARK)
    tokens_in, tokens_out = _tokens(values.get("token_counts"))
    return ImportedReply(
        where,
        _number(values, where),
        None if failed else said,
        FAILED if failed else OK,
        f"lmms-eval got no reply: {said[:200]}" if failed else None,
        prompt=text_of(values, "input", where),
        answer=text_of(values, "target", where),
        tokens_in=tokens_in,
        tokens_out=tokens_out,
    )


def _only(value: Any, where: str) -> Any:
    """Return what stands in lists of one. Raises Refused for several replies."""
    while isinstance(value, list):
        if len(value) != 1:
            raise Refused(
                f"{where} has {len(value)} replies in {REPLY}; run the exported task, which asks for one reply in words"
            )
        [value] = value
    return value


def _number(values: Mapping[str, Any], where: str) -> int:
    scored = values.get("mmvp_accuracy")
    place = scored.get("index") if isinstance(scored, dict) else None
    place = values["doc_id"] if type(place) is not int else place
    if type(place) is not int:
        raise Refused(f"{where}: its doc_id is {clipped(place)} and not a number; name lmms-eval's own samples file")
    return place + 1


def _tokens(counts: Any) -> tuple[int | None, int | None]:
    """Return tokens of request and reply of the only request, where they are known."""
    only = counts[0] if isinstance(counts, list) and len(counts) == 1 and isinstance(counts[0], dict) else {}
    known = (only.get("input_tokens"), only.get("output_tokens"))
    tokens_in, tokens_out = (one if type(one) is int and 0 <= one < 1 << 62 else None for one in known)
    return tokens_in, tokens_out
