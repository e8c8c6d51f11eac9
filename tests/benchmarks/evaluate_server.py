"""How many questions a second a model behind a server is asked, beside the most that the server allows.

    python -m tests.benchmarks.evaluate_server [--questions 1000] [--in-flight 32] [--rounds 3]

The server is a stub in a process of its own that answers after 100 ms (chat_stub.py), so that IN_FLIGHT / 0.1 s is the
most. Beside it, a bare loop: as many threads of the standard library's http.client, which post bodies made before. The
two take turns, and the best round of each counts: other work on the machine only takes away. Goal: 90 % of the most.
"""

from __future__ import annotations

import argparse
import http.client
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from stages.base import Machine
from stages.models.answering.base import Generation, Question
from stages.models.answering.server import load
from stages.models.answering.servers.request import request_body
from stages.models.answering.settings import Server
from tests.benchmarks.author_page import photo
from tests.benchmarks.chat_stub import LATENCY_S
from tests.benchmarks.host import environment, machine

GOAL = 0.9
GENERATION = Generation(16)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--questions", type=int, default=1000)
    parser.add_argument("--in-flight", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    images = [photo(number) for number in range(8)]
    questions = [
        Question(f"q{n}", f"Question {n}: A or B?", images[n % 8], ("A", "B"), "A") for n in range(asked.questions)
    ]
    with stub() as port:
        settings = Server(kind="openai", url=f"http://127.0.0.1:{port}/v1", model="stub", in_flight=asked.in_flight)
        bodies = [json.dumps(request_body(settings, GENERATION, one, likelihood=False)).encode() for one in questions]
        ways: dict[str, Callable[[], None]] = {
            "bare http.client": lambda: bare(port, bodies, asked.in_flight),
            "this project": lambda: evaluate(settings, questions),
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(asked.rounds):
            for name, way in ways.items():
                seconds[name].append(timed(way))
    most = asked.in_flight / LATENCY_S
    print(json.dumps(machine(asked.in_flight)))
    size = sum(map(len, bodies)) / len(bodies) / 1000
    print(f"{asked.questions:,} questions, {asked.in_flight} in flight, {LATENCY_S * 1000:.0f} ms, {size:.0f} kB each")
    print(f"{'the most':18}{most:8.1f} questions/s")
    for name, took in seconds.items():
        rate, rounds = asked.questions / min(took), " ".join(f"{one:.2f}" for one in took)
        print(f"{name:18}{rate:8.1f} questions/s   {rate / most:6.1%}   rounds: {rounds} s")
    reached = asked.questions / min(seconds["this project"]) >= GOAL * most
    print(f"goal of {GOAL:.0%}: {'reached' if reached else 'missed'}")


@contextmanager
def stub() -> Iterator[int]:
    """The stub's port, while the block lasts."""
    command = [sys.executable, "-m", "tests.benchmarks.chat_stub"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
    ) as process:
        assert process.stdin
        assert process.stdout
        yield int(process.stdout.readline())
        process.stdin.close()


def timed(way: Callable[[], None]) -> float:
    began = time.perf_counter()
    way()
    return time.perf_counter() - began


def evaluate(settings: Server, questions: Sequence[Question]) -> None:
    """Ask all questions as an evaluation does."""
    found = dict(load(settings, None, GENERATION, Machine()).replies(questions, likelihood=False))
    assert {reply.response for reply in found.values()} == {"A"}
    assert len(found) == len(questions)


def bare(port: int, bodies: Sequence[bytes], threads: int) -> None:
    """Post the bodies over one connection a thread."""

    def post(own: Sequence[bytes]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for body in own:
            connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
            assert json.loads(connection.getresponse().read())["choices"][0]["message"]["content"] == "A"
        connection.close()

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(post, [bodies[start::threads] for start in range(threads)]))


if __name__ == "__main__":
    main()
