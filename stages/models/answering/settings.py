"""Settings: a model that answers questions, in an evaluation's recipe; one class per kind."""

from __future__ import annotations

import re
from typing import Any, Literal, get_args

from pydantic import Field

from stages.settings import Settings

PromptForm = Literal["mmvp", "letter", "lmms-eval", "vlmevalkit", "ours"]
Precision = Literal["auto", "float32", "bfloat16", "float16"]


class Answering(Settings):
    """What every answering model has: how it is asked."""

    prompt: PromptForm = Field("letter", description="prompt form: that of another project, or ours")
    vision: bool = Field(True, description="false: the image is not shown, to measure what the words alone achieve")
    answer: Literal["text", "likelihood"] = Field(
        "text", description="text: the reply's words are read; likelihood: the most probable option counts"
    )
    max_tokens: int | None = Field(None, ge=1, description="longest reply, in tokens; null: as the prompt form has it")
    temperature: float | None = Field(
        None, ge=0, le=2, description="0: always the most probable token; null: as the prompt form has it"
    )
    seed: int = Field(0, ge=0, description="seed for random replies")


class BuiltIn(Answering):
    """Built in, without weights: always_a, coin (fair and seeded), or oracle (always right)."""

    kind: Literal["always_a", "coin", "oracle"]


class Checkpoint(Answering):
    """A vision-language model of the transformers library (AutoModelForImageTextToText)."""

    kind: Literal["transformers"]
    model: str = Field(description="hub id (llava-hf/llava-1.5-7b-hf), or a folder")
    revision: str | None = Field(None, description="commit or branch on the hub")
    precision: Precision = Field("auto", description="auto: bfloat16 on a GPU that has it, float32 on a CPU")
    batch: int = Field(8, ge=1, description="questions asked at the same time, on a GPU; halved when memory runs out")
    remote_code: bool = Field(False, description="run Python code that comes with the checkpoint; only if you trust it")


class Server(Answering):
    """A model behind a server with OpenAI's chat protocol: vLLM, SGLang, llama.cpp, or a hosted one."""

    kind: Literal["openai"]
    url: str = Field(description="where /chat/completions begins, such as http://127.0.0.1:8000/v1")
    model: str = Field(description="what the server calls the model")
    key_variable: str = Field("OPENAI_API_KEY", description="environment variable that holds the key")
    in_flight: int = Field(
        32, ge=1, le=1024, description="requests at the same time; halved when the server answers 429"
    )
    timeout_s: float = Field(120.0, gt=0, description="seconds that one request may take")
    deadline_s: float = Field(
        900.0, gt=0, description="seconds after which a question is given up, including all retries"
    )
    stop_after: int = Field(8, ge=1, description="stop if this many requests fail first, all in the same way")
    token_limit: Literal["max_tokens", "max_completion_tokens"] = Field(
        "max_tokens", description="the server's name for the length limit; OpenAI's newer models: the second"
    )
    structured: Literal["none", "vllm", "json_schema"] = Field(
        "none", description="have the server allow only the options' letters, by vLLM's method or OpenAI's json_schema"
    )
    price_in: float | None = Field(None, ge=0, description="price of a million tokens in requests, in your currency")
    price_out: float | None = Field(None, ge=0, description="price of a million tokens in replies")


# settings that change no reply, and are in no lineage
HOW_FAST = {
    *("in_flight", "timeout_s", "deadline_s", "stop_after", "price_in", "price_out", "key_variable", "batch"),
}


def settings_shown(settings: Settings, *, include: set[str] | None = None) -> dict[str, Any]:
    """Return what of a model's settings belongs to the lineage.

    Of a URL, its query is left out: it may hold a key, and files of an evaluation are passed on.
    """
    shown = settings.model_dump(mode="json", include=include, exclude=HOW_FAST)
    return {**shown, "url": re.split("[?#]", shown["url"])[0]} if "url" in shown else shown


AnsweringSettings = BuiltIn | Checkpoint | Server
ANSWERING: tuple[type[Answering], ...] = (BuiltIn, Checkpoint, Server)
ANSWERING_KINDS = tuple(kind for one in ANSWERING for kind in get_args(one.model_fields["kind"].annotation))
