"""Whether a real server understands what is sent: `transformers serve` with a tiny LLaVA of random weights.

    python -m tests.benchmarks.serve_check

It needs what `transformers serve` does beyond this project's own packages: openai and accelerate. It asks with images
and without, greedily and at random, and checks that the image changes the prompt, that tokens are counted, that a
greedy reply is the same twice; and shows what is said of what this server cannot do: likelihoods, vLLM's choices.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx

# the tests' world, which pytest finds by itself
sys.path.insert(0, str(Path(__file__).parents[1]))

from world.answering import llava
from world.pictures import jpeg

from manifests.errors import BlindpairsError
from stages.base import Machine
from stages.models.answering.base import Generation, Question, Reply
from stages.models.answering.server import load
from stages.models.answering.settings import Server

NEEDED = ("openai", "accelerate")
START_S = 120.0
SERVE = "from transformers.cli.transformers import main; main()"
QUESTIONS = [Question(f"q{n}", f"Which is it, A or B? {n}", jpeg(n), ("A", "B"), "A") for n in range(12)]


def main() -> None:
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        sys.exit(f"transformers serve needs {' and '.join(missing)}; install them in an environment of their own")
    with tempfile.TemporaryDirectory() as folder:
        model = str(llava(Path(folder)))
        with serving(model) as url:
            check(url, model)


def check(url: str, model: str) -> None:
    """Ask the server in every way. Raises AssertionError for an answer that is not right."""
    blind = [replace(one, image=None) for one in QUESTIONS]
    first, again, words = (asked(url, model, what) for what in (QUESTIONS, QUESTIONS, blind))
    assert [one.response for one in first] == [one.response for one in again]
    assert {one.status for one in first + words} <= {"ok", "truncated"}
    assert all(seen.tokens_in > unseen.tokens_in > 0 for seen, unseen in zip(first, words, strict=True))
    print(
        f"greedy: {len(first)} replies, twice the same; an image takes {first[0].tokens_in - words[0].tokens_in} tokens"
    )
    print(
        "at random:", len({one.response for one in asked(url, model, QUESTIONS, temperature=1.0)}), "different replies"
    )
    ways: list[dict[str, Any]] = [{"likelihood": True}, {"structured": "vllm"}, {"structured": "json_schema"}]
    for how in [*ways, {"token_limit": "max_completion_tokens"}]:
        try:
            came = sorted({one.status for one in asked(url, model, QUESTIONS, **how)})
        except BlindpairsError as error:
            came = [f"{type(error).__name__}: {error}"]
        print(f"{how}: {', '.join(came)}")


def asked(
    url: str, model: str, questions: list[Question], *, likelihood: bool = False, temperature: float = 0.0, **how: Any
) -> list[Reply]:
    """The replies, by question. Raises what asking raises."""
    settings = Server(kind="openai", url=url, model=model, in_flight=4, **how)
    made = load(settings, None, Generation(12, temperature), Machine())
    return [reply for _, reply in sorted(made.replies(questions, likelihood=likelihood), key=lambda one: one[0])]


@contextmanager
def serving(model: str) -> Iterator[str]:
    """Where completions are asked for, while the block lasts."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", SERVE, "serve", model, "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(
        [*command, "--device", "cpu"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait_for(f"http://127.0.0.1:{port}/health", process)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_S
    with httpx.Client(trust_env=False) as client:
        while time.monotonic() < until and process.poll() is None:
            try:
                client.get(url).raise_for_status()
                return
            except httpx.HTTPError:
                time.sleep(0.5)
    sys.exit("transformers serve did not start")


if __name__ == "__main__":
    main()
