"""The pages' servers as their pages ask them, without a browser; and what becomes of a run while they are open."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pyarrow.dataset import dataset
from world.committed import committed

from manifests.storage import Folder
from manifests.tables import IMAGES, PAIRS
from pipeline.benchmark.page.answering import Examination, answer_app
from pipeline.benchmark.page.app import author_app
from pipeline.benchmark.page.desk import Desk
from pipeline.benchmark.page.gate import Pass
from pipeline.run.run import Run
from stages.author.store import NAME, Store
from stages.models.chat import Chat

HERE = "http://127.0.0.1:8765"
TABLES = {"images": IMAGES, "pairs": PAIRS}


class Client:
    """A page as the server sees it."""

    def __init__(self, app: FastAPI, given: Pass) -> None:
        self.http = TestClient(app, base_url=HERE, headers={"X-Blindpairs-Token": given.token})

    def get(self, path: str, **query: Any) -> Any:
        answer = self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def put(self, ids: tuple[str, str], version: int, **changes: str) -> tuple[int, Any]:
        answer = self.http.put("/api/pairs/{}/{}".format(*ids), json={"version": version, "changes": changes})
        return answer.status_code, answer.json()

    def post(self, path: str, body: Any = None) -> tuple[int, Any]:
        answer = self.http.post(path, json=body or {})
        return answer.status_code, answer.json()

    def draft(self, ids: tuple[str, str], version: int) -> tuple[int, Any]:
        return self.post("/api/drafts/{}/{}".format(*ids), {"version": version})

    def start(self) -> Any:
        """What came with the page."""
        found = re.search(r'<script[^>]*id="start"[^>]*>(.*?)</script>', self.http.get("/").text, re.DOTALL)
        assert found
        return json.loads(found[1])


@contextmanager
def author_client(run: Path, chat: Chat | None = None) -> Iterator[Client]:
    """ann's page of a run."""
    with closing(Store(run / NAME)) as store:
        given = Pass.on("127.0.0.1")
        yield Client(author_app(Desk(Run.open(str(run)), store, "ann"), given, ("clip", "dino"), chat), given)


@contextmanager
def answer_client(run: Path, person: str = "bob") -> Iterator[Client]:
    """The page of one who answers."""
    with closing(Store(run / NAME)) as store:
        folder, given = Folder(str(run)), Pass.on("127.0.0.1")
        yield Client(answer_app(Run(folder), Examination(Run(folder), store, person), given), given)


def made_anew(run: Path, step: str, keep: Callable[[dict[str, Any]], object]) -> None:
    """Commit `images` or `pairs` of a run again, with those rows only that are to be kept."""
    rows = [row for row in dataset(run / step).to_table().to_pylist() if keep(row)]
    for path in (run / step).iterdir():
        path.unlink()
    committed(run / step, TABLES[step], pa.Table.from_pylist(rows, schema=TABLES[step].columns))


def without_pair(run: Path, ids: tuple[str, str]) -> None:
    """Have the filter leave this pair out."""
    made_anew(run, "pairs", lambda row: (row["left_id"], row["right_id"]) != ids)


def without_images(run: Path, ids: tuple[str, str]) -> None:
    """Take both images of a pair out of a run, and so the pair."""
    without_pair(run, ids)
    made_anew(run, "images", lambda row: row["image_id"] not in ids)
