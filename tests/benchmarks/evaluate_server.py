"""How near a model behind a server comes to what the server can do: many questions, each answered after the same time.

    python -m tests.benchmarks.evaluate_server [--questions 1000] [--in-flight 32] [--seconds 0.1]

The server is a process of its own that waits so long before each reply, and does nothing else. Its limit is in_flight
questions in that time. Images are drawn photos of some 100 KB.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import multiprocessing
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from stages.base import Machine
from stages.models.answering.base import Generation, Question
from stages.models.answering.server import load
from stages.models.answering.settings import Server

LENGTH = b"content-length:"
REPLY = {
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "A"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 600, "completion_tokens": 1},
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--questions", type=int, default=1000)
    parser.add_argument("--in-flight", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=0.1)
    asked = parser.parse_args()
    told = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(told, asked.seconds), daemon=True)
    server.start()
    try:
        measure(f"http://127.0.0.1:{told.get()}/v1", asked)
    finally:
        server.terminate()


def measure(url: str, asked: argparse.Namespace) -> None:
    settings = Server(kind="openai", url=url, model="stub", in_flight=asked.in_flight)
    model = load(settings, None, Generation(16), Machine())
    questions = [Question(str(n), f"Which is it, {n}?", photo(n % 8), ("A", "B"), "A") for n in range(asked.questions)]
    list(model.replies(questions[: asked.in_flight], likelihood=False))  # connections are open, as in a long run
    begun = time.perf_counter()
    replies = dict(model.replies(questions, likelihood=False))
    rate, limit = len(replies) / (time.perf_counter() - begun), asked.in_flight / asked.seconds
    assert {reply.response for reply in replies.values()} == {"A"}
    print(f"{len(replies):,} questions: {rate:.0f} a second of {limit:.0f} that the server allows: {rate / limit:.1%}")


def photo(number: int) -> bytes:
    """A JPEG of some 100 KB."""
    pixels = np.random.default_rng(number).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).resize((640, 480)).save(stream, "JPEG", quality=95)
    return stream.getvalue()


def serve(told: Any, seconds: float) -> None:
    asyncio.run(_serve(told, seconds))


async def _serve(told: Any, seconds: float) -> None:
    body = json.dumps(REPLY).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                lines = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
                (length,) = (int(line.removeprefix(LENGTH)) for line in lines if line.startswith(LENGTH))
                await reader.readexactly(length)
                await asyncio.sleep(seconds)
                writer.write(head + body)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, limit=1 << 20)
    told.put(server.sockets[0].getsockname()[1])
    await server.serve_forever()


if __name__ == "__main__":
    main()
