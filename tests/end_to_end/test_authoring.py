"""From a real run's pairs to a published folder and back, by the command line alone."""

from __future__ import annotations

import csv
import http.client
import json
import pwd
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from world.authoring import author, paired_run, pairs_of, written
from world.browser import free_port
from world.commands import blindpairs, started
from world.forgetting import traces
from world.in_process import answered
from world.inline import made_here
from world.processes import PATIENCE_S
from world.runs import recipe

from manifests.errors import Refused
from pipeline.benchmark.person import person_of
from stages.author.store import NAME

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the drawn scenes, of which people have written a dozen pairs."""
    root = tmp_path_factory.mktemp("authored")
    made_here(of(scenes), root)
    author(root / "test", range(12))
    return root / "test"


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run made by hand, of which ann has written two pairs."""
    run = paired_run(tmp_path_factory.mktemp("light"), 2)
    author(run, range(2))
    return run


def of(scenes: Path, **changes: Any) -> dict[str, Any]:
    """The recipe of the drawn scenes."""
    return recipe([{"name": "scenes", "kind": "shards", "uri": f"{scenes}/*.tar"}], **changes)


def told(*words: str, code: int = 0, cwd: Path | None = None) -> str:
    """What a command says that ends so: on stdout, or on stderr where it refuses. It runs in this process."""
    return heard(answered(*words, cwd=cwd), code)


def told_aloud(*words: str, code: int = 0) -> str:
    """The same of a process of its own."""
    return heard(blindpairs(*words), code)


def heard(ended: subprocess.CompletedProcess[str], code: int) -> str:
    assert ended.returncode == code, ended.stderr or ended.stdout
    return ended.stderr if code else ended.stdout


def test_pairs_become_questions_become_a_folder_become_a_run(run: Path, tmp_path: Path) -> None:
    frozen = json.loads(told_aloud("freeze", str(run), "--json"))
    assert (frozen["version"], frozen["pairs"], frozen["questions"]) == (1, 12, 24)
    assert "questions-1" in told("status", str(run))
    assert "24 rows" in told("show", str(run), "questions", "--rows", "2")
    assert "inputs.pairs" in told("lineage", str(run), "questions-1")
    told("export", str(run), "--format", "mmvp", "--to", "MMVP", cwd=tmp_path)
    with (tmp_path / "MMVP" / "Questions.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["Index", "Question", "Options", "Correct Answer"]
    assert {row[1] for row in rows[1:]} == {written(place)["question"] for place in range(12)}
    told("import", "MMVP", "runs/again", "--format", "mmvp", cwd=tmp_path)
    told("export", "runs/again", "--format", "mmvp", "--to", "AGAIN", cwd=tmp_path)
    for path in (tmp_path / "MMVP").rglob("*"):
        assert (
            path.is_dir()
            or (tmp_path / "AGAIN" / path.relative_to(tmp_path / "MMVP")).read_bytes() == path.read_bytes()
        )


def test_other_thresholds_keep_what_people_wrote(run: Path, scenes: Path) -> None:
    before = told("freeze", str(run), "--json")
    made_here(of(scenes, filter={"max_pairs_per_image": 1}), run.parent)
    assert json.loads(told("freeze", str(run), "--json"))["questions"] == json.loads(before)["questions"]
    made_here(of(scenes), run.parent)


def test_what_waits_for_people_says_so_and_ends_with_3(run: Path, tmp_path: Path) -> None:
    unwritten = tmp_path / "unwritten"
    unwritten.mkdir()
    for step in ("images", "pairs"):
        (unwritten / step).symlink_to(run / step)
    for words in (
        ("freeze", str(unwritten)),
        ("export", str(unwritten), "--format", "mmvp"),
        ("show", str(unwritten), "questions"),
        ("people", str(unwritten)),
        ("patterns", str(unwritten), "--prompt"),
    ):
        said = told(*words, code=3)
        assert len(said.splitlines()) == 1
        assert "blindpairs author" in said
    assert "--answer NAME" in told_aloud("people", str(run), code=3)


def test_a_run_without_pairs_says_what_to_run(scenes: Path, tmp_path: Path) -> None:
    made_here(of(scenes), tmp_path, until="images")
    assert "blindpairs run" in told_aloud("author", str(tmp_path / "test"), code=2)
    made_here(of(scenes, filter={"blind_min": 1, "reference_max": -1}), tmp_path)
    assert "filter.reference_max" in told("author", str(tmp_path / "test"), code=2)
    assert not (tmp_path / "test" / NAME).exists()


@contextmanager
def served(*words: str, cwd: Path | None = None) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """What a page's command says when it listens; it is ended as a person ends it."""
    with started("author", *words, cwd=cwd) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline(), process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.communicate(timeout=PATIENCE_S)


def status_of(address: str, port: int, host: str) -> int:
    """What the page answers to a reader who calls it by this name."""
    asking = http.client.HTTPConnection(address, port, timeout=PATIENCE_S)
    asking.request("GET", "/", headers={"Host": f"{host}:{port}"})
    status = asking.getresponse().status
    asking.close()
    return status


def test_the_page_is_opened_where_it_says_and_ended_by_ctrl_c(run: Path) -> None:
    port = free_port()
    with served(str(run), "--name", "ann", "--port", str(port)) as (line, process):
        assert f"http://127.0.0.1:{port}/" in line
        said = told("author", str(run), "--port", str(port), code=2)
        taken = "cannot be listened on (Address already in use); name another --port, or --host"
        assert said == f"blindpairs: 127.0.0.1:{port} {taken}\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, len(errors.splitlines())) == (130, 1)
        assert "kept" in errors


def test_who_writes_is_called_as_before_however_the_name_is_spelt(light: Path) -> None:
    with served(str(light), "--name", " ANN ", "--port", str(free_port())) as (line, _):
        assert "2 pairs for ann: " in line


def test_any_loopback_address_is_this_machine_alone_and_other_names_are_not(light: Path) -> None:
    port = free_port()
    with served(str(light), "--name", "ann", "--host", "127.0.0.2", "--port", str(port)) as (line, _):
        assert f"http://127.0.0.2:{port}/ " in line  # without a key
        asked = {
            host: status_of("127.0.0.2", port, host) for host in ("127.0.0.2", "127.9.8.7", "localhost", "a.example")
        }
    assert {host for host, status in asked.items() if status == 200} == {"127.0.0.2", "127.9.8.7", "localhost"}


def test_of_all_addresses_the_machines_name_is_told_with_the_key(light: Path) -> None:
    port = free_port()
    with served(str(light), "--answer", "bob", "--host", "0.0.0.0", "--port", str(port)) as (line, _):
        assert f"4 of 4 questions for bob: http://{socket.gethostname()}:{port}/?key=" in line
        assert status_of("127.0.0.1", port, socket.gethostname()) in (401, 403)


NOBODY = "nobody is named (a person's name is a line of text, not ''): say who you are with --name NAME"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--name", ""), NOBODY),
        (("--name", " \n"), "nobody is named"),
        (("--answer", ""), NOBODY),
        (("--answer", "bob", "--name", "ann"), "--name does not apply to a person who answers; leave it out"),
        (("--answer", "bob", "--draft", "http://127.0.0.1:1/v1", "--model", "m"),
         "--draft does not apply to a person who answers; leave it out"),
        (("--host", ""), "--host is empty; leave it out for this machine alone, or name an address"),
    ],
    ids=["no name", "an odd name", "no name to answer", "two names", "a draft to answer", "no host"],
)  # fmt: skip
def test_what_says_nothing_or_nobody_is_refused(light: Path, words: tuple[str, ...], said: str) -> None:
    refused = told("author", str(light), "--port", str(free_port()), *words, code=2)
    assert refused.startswith(f"blindpairs: {said}")
    assert len(refused.splitlines()) == 1


def test_a_user_who_is_nobody_is_asked_for_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(user: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {user}")

    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    with pytest.raises(Refused, match=r"^nobody is named .*: say who you are with --name NAME"):
        person_of(None)
    assert person_of(" Ann  Öz ") == "Ann Öz"
    monkeypatch.setenv("LOGNAME", "bob")
    assert person_of(None) == "bob"


def test_who_has_nothing_to_answer_is_told_why(light: Path, tmp_path: Path) -> None:
    said = told("author", str(light), "--answer", " ANN ", "--port", str(free_port()), code=3)
    assert "all with words of ann, who knows the answers: have another answer them" in said
    nothing = paired_run(tmp_path, 1)
    assert "people write them with `blindpairs author" in told("author", str(nothing), "--answer", "bob", code=3)
    assert not (nothing / NAME).exists()
    author(nothing, [0], question="", use="training")
    said = told("author", str(nothing), "--answer", "bob", "--port", str(free_port()), code=3)
    assert "has no whole question of its benchmark yet: people write them with `blindpairs author`" in said


@pytest.mark.parametrize("name", ["", " "])
def test_a_name_that_is_none_is_refused_for_annotations_too(light: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "tasks.json").write_text("[]")
    words = ("import", str(tmp_path / "tasks.json"), str(light), "--format", "label-studio", "--name", name)
    assert "nobody is named" in told(*words, code=2)


def test_a_store_elsewhere_is_told_once_by_the_page_and_found_by_the_others(tmp_path: Path) -> None:
    run, port = paired_run(tmp_path, 2), free_port()
    with served(str(run), "--name", "ann", "--store", "mine.sqlite", "--port", str(port), cwd=tmp_path) as (line, _):
        assert str(tmp_path / "mine.sqlite") in line
    author(run, [0])
    (run / NAME).replace(tmp_path / "mine.sqlite")
    assert json.loads(told("freeze", str(run), "--json"))["pairs"] == 1
    assert not (run / NAME).exists()
    (tmp_path / "mine.sqlite").unlink()
    assert f"is in {tmp_path / 'mine.sqlite'} on " in told("people", str(run), code=2)


def test_a_draft_needs_both_a_server_and_a_model(run: Path) -> None:
    assert "--model" in told("author", str(run), "--draft", "http://127.0.0.1:1/v1", code=2)
    assert "--draft" in told("patterns", str(run), code=2)
    assert "--draft does not apply to --prompt" in told("patterns", str(run), "--prompt", "--draft", "x", code=2)


def test_forgetting_an_image_takes_what_people_wrote_of_it(run: Path, tmp_path: Path) -> None:
    whole = tmp_path / "test"
    subprocess.run(["cp", "-r", run, whole], check=True)
    told("freeze", str(whole))
    image_id = pairs_of(whole)[0][0]
    said = told("forget", str(whole), image_id)
    assert "questions-1" in said
    assert "written by people" in said
    assert not [one for one in traces(whole, [image_id]) if not one.startswith("_events")]
    assert json.loads(told("freeze", str(whole), "--json"))["pairs"] == 11
    (whole / NAME).rename(tmp_path / "elsewhere.sqlite")
    told("freeze", str(whole), "--store", str(tmp_path / "elsewhere.sqlite"))
    image_id = pairs_of(whole)[0][0]  # of the pairs as they were made again
    assert traces(tmp_path, [image_id])
    said = told("forget", str(whole), image_id)
    assert "written by people" in said
    assert not [one for one in traces(tmp_path, [image_id]) if "_events" not in one]
