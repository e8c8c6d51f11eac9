"""A server of OpenAI's chat protocol that writes down every question, and holds its replies when a test says so.

with holding_server() as server:
    server.hold_after(10)          # ten more replies are given, who asks after that waits
    until(server.holding)          # how many wait now
    server.drop()                  # whoever waits is cut off, and replies are given again
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class HoldingServer:
    """What was asked, how often, and who waits. The reply to a question is always the same letter."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self._turn = threading.Condition()
        self._left: int | None = None
        self._waiting = 0
        self._round = 0

    def hold_after(self, replies: int) -> None:
        with self._turn:
            self._left = replies

    def holding(self) -> int:
        with self._turn:
            return self._waiting

    def drop(self) -> None:
        with self._turn:
            self._left, self._round = None, self._round + 1
            self._turn.notify_all()

    def answered(self, question: str) -> bool:
        """Note a question, and wait if replies are held; whether it gets its reply."""
        with self._turn:
            self.asked[question] += 1
            if self._left is None:
                return True
            if self._left > 0:
                self._left -= 1
                return True
            now, self._waiting = self._round, self._waiting + 1
            self._turn.wait_for(lambda: self._round > now)
            self._waiting -= 1
            return False


@contextmanager
def holding_server() -> Iterator[tuple[HoldingServer, str]]:
    """The server while the block lasts, and its URL."""
    told = HoldingServer()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _speaker(told))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield told, f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        told.drop()
        server.shutdown()
        server.server_close()
        thread.join()


def _speaker(told: HoldingServer) -> Callable[..., BaseHTTPRequestHandler]:
    class Speaker(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            question = hashlib.sha256(json.dumps(asked["messages"]).encode()).hexdigest()
            if not told.answered(question):
                self.close_connection = True
                return
            message = {"role": "assistant", "content": "AB"[int(question, 16) % 2]}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            usage = {"prompt_tokens": 7, "completion_tokens": 1}
            body = json.dumps({"id": "1", "object": "chat.completion", "choices": [choice], "usage": usage}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:  # who asked was killed
                self.close_connection = True

        def log_message(self, *words: object) -> None:
            """Nothing: what was asked is kept."""

    return Speaker
