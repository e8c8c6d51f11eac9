"""`blindpairs author` before it serves: who is named, where it listens, and what it says where nothing is to do."""

from __future__ import annotations

import getpass
import signal
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import typer
from world.authoring import author, paired_run

from manifests.errors import Refused, Waiting
from pipeline.benchmark.page.gate import Pass
from pipeline.benchmark.page.serve import Address, serve_answers, serve_author
from pipeline.cli import benchmark
from pipeline.run.run import Run
from stages.author.store import NAME

HOST = "127.0.0.1"
pytestmark = pytest.mark.timeout(300)  # a command that is not refused would serve


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return paired_run(tmp_path, 2)


@pytest.fixture(autouse=True)
def _handler() -> Iterator[None]:
    """A command takes SIGTERM for itself."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def refused(capsys: pytest.CaptureFixture[str], run: Path, code: int = 2, **how: Any) -> str:
    """What the command says that ends so before it serves."""
    with pytest.raises(typer.Exit) as ended:
        benchmark.author(str(run), port=0, **how)
    assert ended.value.exit_code == code
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    return said


@pytest.mark.parametrize("how", [{"name": ""}, {"name": " \n"}, {"name": "x" * 501}, {"answer": ""}, {"answer": "\t"}])
def test_nobody_is_no_person(capsys: pytest.CaptureFixture[str], run: Path, how: dict[str, str]) -> None:
    assert "nobody is named" in refused(capsys, run, **how)
    assert not (run / NAME).exists()


@pytest.mark.parametrize("error", [KeyError("getpwuid(): uid not found: 4242"), OSError("No username set")])
def test_a_user_without_a_name_is_asked_to_say_one(
    capsys: pytest.CaptureFixture[str], run: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def nobody() -> str:
        raise error

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert "--name NAME" in refused(capsys, run)


@pytest.mark.parametrize("more", [{"name": "ann"}, {"draft": "http://127.0.0.1:1/v1", "model": "m"}])
def test_who_answers_neither_writes_nor_asks_for_drafts(
    capsys: pytest.CaptureFixture[str], run: Path, more: dict[str, str]
) -> None:
    assert f"--{next(iter(more))} does not apply to a person who answers" in refused(capsys, run, answer="bob", **more)


def test_who_has_nothing_to_answer_is_told_why(capsys: pytest.CaptureFixture[str], run: Path) -> None:
    assert "people write them" in refused(capsys, run, 3, answer="bob")
    author(run, [0], decision="open")
    assert "no whole question" in refused(capsys, run, 3, answer="bob")
    author(run, [1], by="Bob")
    said = refused(capsys, run, 3, answer="bob")
    assert "all with words of Bob" in said
    with pytest.raises(Waiting, match="asks about 1 pairs"):
        serve_answers(Run.open(str(run)), Address(HOST, 0), "BOB", None, lambda line: None)


def test_a_port_that_is_taken_is_said_once(run: Path) -> None:
    with closing(socket.create_server((HOST, 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Refused) as error:
            serve_author(Run.open(str(run)), Address(HOST, port), "ann", None, None, lambda line: None)
    sentence = f"{HOST}:{port} cannot be listened on (Address already in use); name another --port, or --host"
    assert str(error.value) == sentence
    assert not (run / NAME).exists()


@pytest.mark.parametrize("host", ["", "  "])
def test_an_empty_host_is_not_every_address(capsys: pytest.CaptureFixture[str], run: Path, host: str) -> None:
    assert "--host is empty" in refused(capsys, run, host=host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_a_server_on_every_address_is_told_by_this_machines_name(host: str) -> None:
    given = Pass.on(host)
    assert Address(host, 8765).url(given) == f"http://{socket.gethostname()}:8765/?key={given.key}"


def test_a_server_on_one_address_is_told_by_it() -> None:
    assert Address("::1", 80).url(Pass.on("::1")) == "http://[::1]:80/"
    assert Address("127.0.0.1", 80).url(Pass.on("127.0.0.1")) == "http://127.0.0.1:80/"
