"""Request: a question as the body of a chat completion's request.

Sources: OpenAI's API reference (chat/completions, structured outputs); vLLM's "Structured Outputs" for
`structured_outputs: {"choice": [...]}`, which replaced `guided_choice`.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from stages.images import header
from stages.models.answering.base import Generation, Question, seed_of
from stages.models.answering.settings import Server

ANSWER = "answer"  # the one field of the JSON that a reply must be, where `structured` is json_schema
TOP = 20  # alternatives whose log-probabilities are asked for: the most that OpenAI and vLLM give
SEEDS = 1 << 31  # servers differ in how large a seed may be
MEDIA_TYPES = {"JPEG2000": "image/jp2", "PPM": "image/x-portable-anymap"}  # where it is not image/ and the format


def request_body(settings: Server, generation: Generation, question: Question, *, likelihood: bool) -> dict[str, Any]:
    """Return the body, as JSON values. `likelihood`: one token, with the log-probabilities of TOP alternatives.

    Raises ImageRefused if the question's image is no image; its bytes are sent as they are.
    """
    asked = {"model": settings.model, "messages": _messages(question)}
    if likelihood:  # of the model as it is: not restricted to the options, not drawn
        return {**asked, settings.token_limit: 1, "temperature": 0, "logprobs": True, "top_logprobs": TOP}
    drawn = {"seed": seed_of(question, generation.seed) % SEEDS} if generation.temperature else {}
    how = {settings.token_limit: generation.max_tokens, "temperature": generation.temperature}
    return {**asked, **how, **drawn, **_structure(settings.structured, question.letters)}


def data_url(image: bytes) -> str:
    """Return the bytes as a data URL, its media type read from them. Raises ImageRefused if they are no image."""
    kind = header(image).format
    media_type = MEDIA_TYPES.get(kind, f"image/{kind.lower()}")
    return f"data:{media_type};base64,{base64.b64encode(image).decode()}"


def _messages(question: Question) -> list[dict[str, Any]]:
    system = [{"role": "system", "content": question.system}] if question.system else []
    return [*system, {"role": "user", "content": _content(question)}]


def _content(question: Question) -> str | list[dict[str, Any]]:
    if question.image is None:
        return question.words
    shown = {"type": "image_url", "image_url": {"url": data_url(question.image)}}
    return [shown, {"type": "text", "text": question.words}]


def _structure(structured: str, letters: Sequence[str]) -> dict[str, Any]:
    """Return the fields that have the server allow the options' letters alone."""
    if structured == "vllm":
        return {"structured_outputs": {"choice": list(letters)}}
    if structured == "json_schema":
        schema = {
            "type": "object",
            "properties": {ANSWER: {"type": "string", "enum": list(letters)}},
            "required": [ANSWER],
            "additionalProperties": False,
        }
        named = {"name": ANSWER, "strict": True, "schema": schema}
        return {"response_format": {"type": "json_schema", "json_schema": named}}
    return {}
