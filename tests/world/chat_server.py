"""A small server that speaks OpenAI's chat protocol on loopback, with replies as a test wants them.

    with chat_server() as server:                       # a sound draft to each question
        Chat(server.url, "made-up")
        server.asked                                    # every request so far, one Asked each
    with chat_server(failure(429, headers={"Retry-After": "1"}), said("{...}")) as server:   # in turn, the last again
    with chat_server(to=lambda asked: said("A" if "door" in asked.words else "B")) as server:   # by what is asked

It answers as the real ones do: 404 for other paths, 401 where `key` is asked for and not given, 400 for a request
that is none of the protocol.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DRAFT = {
    "question": "Is the door open or closed?",
    "option_a": "Open",
    "option_b": "Closed",
    "left_answer": "a",
    "right_answer": "b",
    "pattern": "state",
    "left_statement": "an open door",
    "right_statement": "a closed door",
}


@dataclass(frozen=True)
class Reply:
    """One answer as bytes; `drop` closes the connection without it, `before` is called before each `piece` bytes."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: bool = False
    before: Callable[[], object] = lambda: None
    piece: int = 1 << 20


@dataclass(frozen=True)
class Asked:
    """A request: its path, its headers by lower-case name, its JSON, and when it came (monotonic)."""

    path: str
    headers: Mapping[str, str]
    body: Any
    at: float

    @property
    def words(self) -> str:
        """All text of all messages."""
        return "\n".join(part["text"] for part in self._parts() if part["type"] == "text")

    @property
    def pictures(self) -> list[str]:
        return [part["image_url"]["url"] for part in self._parts() if part["type"] == "image_url"]

    def _parts(self) -> Iterator[dict[str, Any]]:
        for message in self.body["messages"]:
            content = message["content"]
            yield from [{"type": "text", "text": content}] if isinstance(content, str) else content


@dataclass
class ChatServer:
    """Where it listens, and what it was asked."""

    url: str
    asked: list[Asked] = field(default_factory=list)


def completion(content: Any, *, finish: str = "stop", usage: Any = None, logprobs: Any = None, **message: Any) -> Reply:
    """A completion whose message has this content; `usage`: tokens (in, out); `message`: its other fields."""
    spoken = {"role": "assistant", "content": content, **message}
    choice = {"index": 0, "message": spoken, "finish_reason": finish, "logprobs": logprobs}
    whole = {"id": "made-1", "object": "chat.completion", "model": "made-up", "choices": [choice]}
    if usage:
        whole["usage"] = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
    return Reply(200, json.dumps(whole).encode())


def top(*alternatives: tuple[str, float]) -> dict[str, Any]:
    """Log-probabilities of a reply's one token, the first of these (token, log-probability)."""
    listed = [{"token": token, "logprob": value, "bytes": list(token.encode())} for token, value in alternatives]
    return {"content": [{**listed[0], "top_logprobs": listed}]}


def said(value: Any) -> Reply:
    """A completion that says this: a text as it is, anything else as JSON."""
    return completion(value if isinstance(value, str) else json.dumps(value))


def failure(status: int, message: str = "no", headers: Mapping[str, str] | None = None, **error: Any) -> Reply:
    """A refusal as OpenAI's server words it; `error`: its other fields, such as code."""
    said = {"message": message, "type": "made", **error}
    return Reply(status, json.dumps({"error": said}).encode(), headers or {})


class Listener(ThreadingHTTPServer):
    """Takes as many connections at once as a test opens."""

    request_queue_size = 128
    daemon_threads = True


@contextmanager
def chat_server(
    *replies: Reply, key: str | None = None, to: Callable[[Asked], Reply] | None = None
) -> Iterator[ChatServer]:
    """A server on loopback while the block lasts; `key`: what it wants as a bearer's token.

    `to` answers each request by what it asks, in a thread of the request's own, instead of `replies` in turn.
    """
    server = Listener(("127.0.0.1", 0), BaseHTTPRequestHandler)
    told = ChatServer(f"http://127.0.0.1:{server.server_port}/v1")
    server.RequestHandlerClass = _speaker(told, list(replies) or [said(DRAFT)], key, to)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _speaker(
    told: ChatServer, replies: list[Reply], key: str | None, to: Callable[[Asked], Reply] | None
) -> Callable[..., BaseHTTPRequestHandler]:
    turn = threading.Lock()

    class Speaker(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            with turn:
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.path, headers, json.loads(data), time.monotonic())
                told.asked.append(asked)
                reply = _odd(asked, key)
                if reply is None and to is None:
                    reply = replies.pop(0) if len(replies) > 1 else replies[0]
            self._give(reply or to(asked))

        def _give(self, reply: Reply) -> None:
            self.close_connection = True
            if reply.drop:
                return
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", "Connection": "close", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            for start in range(0, len(reply.body), reply.piece):
                reply.before()
                self.wfile.write(reply.body[start : start + reply.piece])

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:  # the client has heard enough
                self.close_connection = True

        def log_message(self, *words: Any) -> None:
            """Nothing: what was asked is kept."""

    return Speaker


def _odd(asked: Asked, key: str | None) -> Reply | None:
    """What a real server refuses."""
    if asked.path.split("?")[0] != "/v1/chat/completions":
        return Reply(404, b'{"detail":"Not Found"}')
    if key is not None and asked.headers.get("authorization") != f"Bearer {key}":
        return failure(401, "Incorrect API key provided")
    body = asked.body
    sound = (
        isinstance(body.get("model"), str)
        and body.get("messages")
        and asked.headers["content-type"].startswith("application/json")
    )
    roles = {message.get("role") for message in body.get("messages", ())}
    return None if sound and roles <= {"system", "user", "assistant"} else failure(400, "not of this protocol")
