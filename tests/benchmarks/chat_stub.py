"""A server with OpenAI's chat protocol that answers every request "A" after 100 ms, as many at once as come.

    python -m tests.benchmarks.chat_stub        (prints its port, ends when its input does)

One thread and no framework, so that it is no limit itself.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import suppress

LATENCY_S = 0.1
CHOICE = {"index": 0, "message": {"role": "assistant", "content": "A"}, "finish_reason": "stop"}
USAGE = {"prompt_tokens": 600, "completion_tokens": 1, "total_tokens": 601}
BODY = json.dumps({"id": "1", "object": "chat.completion", "choices": [CHOICE], "usage": USAGE}).encode()
HEAD = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n".encode()


async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one connection's requests, one after another."""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            await reader.readexactly(int(head.split("content-length:")[1].split("\r\n")[0]))
            await asyncio.sleep(LATENCY_S)
            writer.write(HEAD + BODY)
            await writer.drain()
    writer.close()


async def main() -> None:
    server = await asyncio.start_server(converse, "127.0.0.1", 0, limit=1 << 20, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    os._exit(0)  # connections are still open, each of which would complain


if __name__ == "__main__":
    asyncio.run(main())
