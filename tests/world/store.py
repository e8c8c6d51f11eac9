"""A real store for tests: moto's S3 in a process of its own, a proxy that counts and fails before it.

    def test_it(bucket):                      # a fresh bucket; the environment leads to the proxy
        bucket.put("photos/a.jpg", data)      # past the proxy: neither counted nor failing
        ...s3://... of the code under test: bucket.url("photos")
        assert bucket.proxy.counted() == {"get": 1}
        bucket.proxy.fail(seconds=5)          # 503 for 5 s; see world/store_proxy.py for the other faults
        bucket.allow("s3:GetObject")          # from now on the store looks who asks: a user who may only do this

The store starts once a session. Processes that a test starts find it too, by the environment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from world.processes import PATIENCE_S
from world.store_proxy import Proxy

SCRIPT = Path(__file__).with_name("store_process.py")
UNSET = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "HTTP_PROXY", "http_proxy")


class Store:
    """The process, and the proxy before it."""

    def __init__(self) -> None:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._process = subprocess.Popen([sys.executable, SCRIPT], **pipes)  # type: ignore[call-overload]
        self.port = int(self._process.stdout.readline())
        self.stale = True  # whether connections are kept that another test's environment led to
        self.proxy = Proxy(self.port)

    def ask(self, name: str, *words: Any) -> Any:
        """Have the process do one of its functions."""
        print(json.dumps([name, words]), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())

    def forget_connections(self) -> None:
        """Make the next look at a store read the environment anew."""
        from s3fs import S3FileSystem  # here, for every test session loads this module

        S3FileSystem.clear_instance_cache()

    def close(self) -> None:
        self.proxy.close()
        self._process.stdin.close()
        self._process.kill()
        self._process.wait()


@dataclass(frozen=True)
class Bucket:
    """One bucket of the store. What these methods do goes past the proxy."""

    name: str
    store: Store
    environment: pytest.MonkeyPatch

    def __str__(self) -> str:
        return f"s3://{self.name}"

    @property
    def key(self) -> str:
        """The access key that the environment holds."""
        return os.environ["AWS_ACCESS_KEY_ID"]

    @property
    def proxy(self) -> Proxy:
        return self.store.proxy

    def url(self, key: str = "") -> str:
        """Where the code under test finds `key`."""
        return f"s3://{self.name}/{key}".rstrip("/")

    def put(self, key: str, data: bytes) -> str:
        """Its URL."""
        self._asked("PUT", key, data)
        return self.url(key)

    def get(self, key: str) -> bytes:
        return self._asked("GET", key)

    def delete(self, key: str) -> None:
        self._asked("DELETE", key)

    def names(self) -> list[str]:
        """The names of all files, sorted; of the first 1,000."""
        listed = ElementTree.fromstring(self._asked("GET", "", query="?list-type=2"))
        return sorted(key.text or "" for key in listed.iter("{http://s3.amazonaws.com/doc/2006-03-01/}Key"))

    def upload(self, folder: Path, prefix: str) -> str:
        """Every file below `folder`, under the same names below `prefix`; its URL."""
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.put(f"{prefix}/{path.relative_to(folder).as_posix()}", path.read_bytes())
        return self.url(prefix)

    def fill(self, names: list[str], size: int = 0) -> None:
        """Many files of zeros at once."""
        self.store.ask("fill", self.name, names, size)

    def allow(self, *actions: str) -> None:
        """The store looks at who asks from now on; we are a user who may do these, such as s3:GetObject."""
        self.sign_in(*self.store.ask("user", f"user-{uuid.uuid4().hex}", list(actions)))
        self.store.ask("guard", True)

    def sign_in(self, key: str | None, secret: str = "") -> None:
        """Go on with these credentials; None: without any."""
        if key is None:
            self.environment.delenv("AWS_ACCESS_KEY_ID")
            self.environment.delenv("AWS_SECRET_ACCESS_KEY")
        else:
            self.environment.setenv("AWS_ACCESS_KEY_ID", key)
            self.environment.setenv("AWS_SECRET_ACCESS_KEY", secret)
        self.moved()

    def moved(self) -> None:
        """The test changed the environment: the next look at the store must read it anew."""
        self.store.forget_connections()
        self.store.stale = True

    def _asked(self, method: str, key: str, data: bytes = b"", query: str = "") -> bytes:
        connection = HTTPConnection("127.0.0.1", self.store.port, timeout=PATIENCE_S)
        # signed by anybody: moto looks whether a request is signed, and not by whom unless it is told to
        signed = {"Authorization": "AWS anybody:anything"}
        connection.request(method, f"/{self.name}/{quote(key)}{query}", data, signed)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        assert answer.status < 300, (method, key, answer.status, body)
        return body


@pytest.fixture(scope="session")
def store() -> Iterator[Store]:
    """The store, once a session."""
    started = Store()
    yield started
    started.close()


@pytest.fixture
def bucket(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """A fresh bucket of a store that lets everybody; the environment of this test leads there."""
    store.ask("guard", False)
    store.proxy.fail()
    for name in UNSET:
        monkeypatch.delenv(name, raising=False)
    world = {
        "AWS_ACCESS_KEY_ID": "anybody",
        "AWS_SECRET_ACCESS_KEY": "anything",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{store.proxy.port}",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }
    for name, value in world.items():
        monkeypatch.setenv(name, value)
    if store.stale:  # to connect costs a second
        store.forget_connections()
        store.stale = False
    made = Bucket(f"test-{uuid.uuid4().hex[:12]}", store, monkeypatch)
    made._asked("PUT", "")
    store.proxy.asked.clear()
    yield made
    store.ask("guard", False)
    store.proxy.fail()
