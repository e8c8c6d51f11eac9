"""The process behind world/web.py: a web server that behaves as badly as its paths say. Prints its port."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import re
import ssl
import sys
import threading
import time
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

sys.path.insert(0, str(Path(__file__).parents[1]))
from world.pictures import GREY, encoded, jpeg, picture, png

LARGE = 50 << 20  # bytes
SLOW_S = 0.3
DRIP_S = 0.2
SHARED = Path(os.environ.get("BLINDPAIRS_SHARED", Path(__file__).parents[3] / "shared"))
PHOTOS = sorted((SHARED / "photos" / "imagenet").glob("*/*.JPEG"))
SEEN: dict[str, int] = {}
OPEN: dict[str, int] = {}  # kind of path -> requests at once, now
PLACES = itertools.count()
LOCK = threading.Lock()


@cache
def _hundred_kilobytes() -> bytes:
    return encoded(picture(1, 300, 210), "JPEG", quality=95)


@cache
def _bomb() -> bytes:
    """A whole PNG of a few kilobytes and 144 million pixels."""
    side = 12_000
    return png(side, side, 1, GREY, bytes(side * (1 + side // 8)))


def _marked(data: bytes, number: int) -> bytes:
    """A JPEG with a comment, so that no two have the same bytes."""
    note = f"image {number}".encode()
    return data[:2] + b"\xff\xfe" + (len(note) + 2).to_bytes(2, "big") + note + data[2:]


class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16

    def do_GET(self) -> None:
        parts = unquote(self.path).split("?")[0].strip("/").split("/")
        kind, number = parts[0], int((re.findall(r"\d+", parts[-1]) or ["0"])[0])
        with LOCK:
            OPEN[kind] = OPEN.get(kind, 0) + 1
            SEEN[self.path] = SEEN.get(self.path, 0) + 1
            at_once, place = OPEN[kind], next(PLACES)
        told = {"path": self.path, "agent": self.headers["User-Agent"], "host": self.headers["Host"]}
        self._log(place=place, at_once=at_once, began=time.time(), **told)
        finished = False
        try:
            try:
                getattr(self, f"{kind.replace('-', '_')}_", self.good_)(number, parts)
            finally:
                with LOCK:  # before the last bytes leave, for they may bring the next request at once
                    OPEN[kind] -= 1
            self.wfile.flush()
            finished = True
        except OSError:
            self.close_connection = True
        finally:
            self._log(place=place, ended=time.time(), finished=finished)

    def _log(self, **told: object) -> None:
        os.write(self.server.log, json.dumps(told).encode() + b"\n")

    def _answer(
        self, data: bytes = b"", status: int = 200, kind: str | None = "image/jpeg", **headers: str | None
    ) -> None:
        self.send_response(status)
        for name, value in ({"Content_Length": str(len(data)), "Content_Type": kind} | headers).items():
            if value is not None:
                self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def _drip(self, data: bytes) -> None:
        self.wfile.flush()
        for place in range(len(data)):
            self.connection.sendall(data[place : place + 1])
            time.sleep(DRIP_S)

    def _raw(self, data: bytes) -> None:
        self.wfile.write(data)
        self.close_connection = True

    def log_message(self, *words: object) -> None:
        return

    # what each path does: its first part names one of these, `number` is the last number in its last part

    def good_(self, number: int, parts: list[str]) -> None:
        self._answer(jpeg(number))

    def photo_(self, number: int, parts: list[str]) -> None:
        data = PHOTOS[number % len(PHOTOS)].read_bytes() if PHOTOS else _hundred_kilobytes()
        self._answer(_marked(data, number))

    def large_(self, number: int, parts: list[str]) -> None:
        self._answer(_marked(_hundred_kilobytes(), number))

    def png_(self, number: int, parts: list[str]) -> None:
        self._answer(encoded(picture(number, 640, 400), "PNG"), kind="image/png")

    def plain_(self, number: int, parts: list[str]) -> None:
        self._answer(jpeg(number), kind=None)

    def slow_(self, number: int, parts: list[str]) -> None:
        time.sleep(SLOW_S)
        self._answer(jpeg(number))

    def held_(self, number: int, parts: list[str]) -> None:
        """held/a/7.jpg is good, and comes once the test lets it."""
        while not os.path.exists(f"{self.server.journal}-{parts[1]}"):
            time.sleep(0.01)
        self._answer(jpeg(number))

    def chunked_(self, number: int, parts: list[str]) -> None:
        self._answer(kind="image/jpeg", Content_Length=None, Transfer_Encoding="chunked")
        data = jpeg(number)
        for piece in (data[:100], data[100:]):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def until_closed_(self, number: int, parts: list[str]) -> None:
        self._answer(jpeg(number), Content_Length=None, Connection="close")
        self.close_connection = True

    def status_(self, number: int, parts: list[str]) -> None:
        self._answer(b"no", status=int(parts[1]), kind="text/plain")

    def flaky_(self, number: int, parts: list[str]) -> None:
        self._answer(jpeg(number)) if SEEN[self.path] > 1 else self._answer(b"no", status=500)

    def hang_(self, number: int, parts: list[str]) -> None:
        self.connection.recv(1)  # until the client leaves
        raise ConnectionError

    def drip_headers_(self, number: int, parts: list[str]) -> None:
        self._drip(b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n" + b"X-Slow: yes\r\n" * 50)

    def drip_body_(self, number: int, parts: list[str]) -> None:
        data = jpeg(number)
        self._answer(b"", Content_Length=str(len(data)))
        self._drip(data)

    def drip_open_(self, number: int, parts: list[str]) -> None:
        """Without a length: its end could be taken for the image's."""
        data = jpeg(number)
        self._answer(data, Content_Length=None, Connection="close")
        self._drip(bytes(100))

    def loop_(self, number: int, parts: list[str]) -> None:
        self._answer(status=302, Location=self.path)

    def hops_(self, number: int, parts: list[str]) -> None:
        """hops/3/7.jpg leads to hops/2/7.jpg, and hops/0/7.jpg is good."""
        left = int(parts[1])
        self._answer(status=302, Location=f"/hops/{left - 1}/{number}.jpg") if left else self.good_(number, parts)

    def to_(self, number: int, parts: list[str]) -> None:
        self._answer(status=301, Location=unquote(self.path.partition("?")[2]))

    def respelled_(self, number: int, parts: list[str]) -> None:
        """Leads from `%28` to `(`, as a site does that has a spelling of its own."""
        plain = self.path.replace("%28", "(")
        self._answer(status=301, Location=plain) if plain != self.path else self.good_(number, parts)

    def nowhere_(self, number: int, parts: list[str]) -> None:
        self._answer(status=302)

    def html_(self, number: int, parts: list[str]) -> None:
        self._answer(b"<html>gone</html>", kind="text/html; charset=utf-8")

    def page_(self, number: int, parts: list[str]) -> None:
        """HTML that says it is a JPEG."""
        self._answer(b"<html>gone</html>")

    def cut_(self, number: int, parts: list[str]) -> None:
        data = jpeg(number)
        self._answer(data[: len(data) // 2], Content_Length=str(len(data)))
        self.close_connection = True

    def broken_chunk_(self, number: int, parts: list[str]) -> None:
        self._answer(Content_Length=None, Transfer_Encoding="chunked")
        self._raw(b"64\r\n" + jpeg(number)[:40])

    def odd_chunk_(self, number: int, parts: list[str]) -> None:
        self._answer(Content_Length=None, Transfer_Encoding="chunked")
        self._raw(b"-1\r\n" + jpeg(number))

    def gzip_(self, number: int, parts: list[str]) -> None:
        self._answer(gzip.compress(bytes(10 << 20)), Content_Encoding="gzip")

    def huge_(self, number: int, parts: list[str]) -> None:
        self._answer(Content_Length=str(LARGE))
        for _ in range(LARGE >> 20):
            self.wfile.write(bytes(1 << 20))

    def endless_(self, number: int, parts: list[str]) -> None:
        self._answer(jpeg(number), Content_Length=None, Connection="close")
        for _ in range(LARGE >> 20):
            self.wfile.write(bytes(1 << 20))

    def noai_(self, number: int, parts: list[str]) -> None:
        self._answer(jpeg(number), X_Robots_Tag="noai")

    def noai_hidden_(self, number: int, parts: list[str]) -> None:
        self._answer(jpeg(number), X_Robots_Tag="noai, unavailable_after: 25 Jun 2030 15:00:00 PST")

    def wide_header_(self, number: int, parts: list[str]) -> None:
        self._answer(jpeg(number), **{f"X-{place}": "a" * 8000 for place in range(40)})

    def empty_(self, number: int, parts: list[str]) -> None:
        self._answer(b"")

    def rubbish_(self, number: int, parts: list[str]) -> None:
        self._answer(bytes(range(256)), kind="application/octet-stream")

    def bomb_(self, number: int, parts: list[str]) -> None:
        self._answer(_bomb(), kind="image/png")

    def undecodable_(self, number: int, parts: list[str]) -> None:
        """The head of a PNG and nothing behind it."""
        self._answer(encoded(picture(number, 64, 64), "PNG")[:60], kind="image/png")

    def gone_(self, number: int, parts: list[str]) -> None:
        self.close_connection = True

    def no_http_(self, number: int, parts: list[str]) -> None:
        self._raw(b"220 mail.example ESMTP\r\n")

    def traversal_(self, number: int, parts: list[str]) -> None:
        name = "../../../../tmp/owned.jpg"
        self._answer(jpeg(number), Content_Disposition=f'attachment; filename="{name}"')


class Server(ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = True

    def handle_error(self, *words: object) -> None:
        return


def main() -> None:
    host, log, certificate = sys.argv[1:]
    server = Server((host, 0), Page)
    server.journal = log
    server.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print(server.server_port, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()  # ends when the test does


if __name__ == "__main__":
    main()
