"""Names from outside steer no terminal: whatever they hold, a command's lines are its own, and hold only signs."""

from __future__ import annotations

import json
import os
import signal
import unicodedata
from collections.abc import Iterator
from glob import escape
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner
from world.authoring import author, paired_run
from world.growing import picture, rows, values
from world.inline import made_here
from world.tars import packed

from manifests.errors import Refused
from manifests.storage import Folder
from pipeline.cli.app import app
from pipeline.cli.console import exit_on_error
from pipeline.run.layout import FAILURES
from stages.text import plain, visible

ODD = "\x1b[2J\x1b]0;title\x07\x9b31m\u202egnp\u2066\x7f\r"
FORGED = "\nblindpairs: all is well"
# what a file may be called: Linux takes any byte but 0 and "/"
NAME = f"a{ODD}{FORGED}\udcff"
TEXT = f"\0{ODD}{FORGED}"


def is_steering(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs") or character in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067"


@pytest.fixture(autouse=True)
def _handler() -> Iterator[None]:
    """A command takes SIGTERM for itself."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in a folder of an odd name, of tars of odd names, with odd members and captions."""
    root = tmp_path_factory.mktemp("odd") / f"root{ODD}{FORGED}"
    (root / "tars").mkdir(parents=True)
    for lot in range(2):
        members = []
        for number in range(6):
            key = f"{NAME}{lot}{number}"
            members += [(f"{key}.png", picture(number + 4 * lot)), (f"{key}.txt", TEXT.encode())]
        members += [(f"{lot}{NAME}.json", b"{"), (f"broken{lot}{NAME}.jpg", b"none"), (f"x.{ODD}", b"")]
        (root / "tars" / f"{lot}{ODD}{FORGED}.tar").write_bytes(packed(members))
    manifests, _ = made_here(values(Path(escape(str(root / "tars")))), root)
    assert any(row["rank"] for row in rows(manifests["pairs"]))
    (root / "test" / "images" / FAILURES).write_text(json.dumps([{"task": NAME, "error": NAME}]))
    (root / "test" / "_events").mkdir(exist_ok=True)
    return root / "test"


def said(*words: object, code: int | None = 0) -> str:
    """What a command says on both streams; every line of it is one that it meant."""
    ended = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    text = ended.stdout + ended.stderr
    assert code is None or ended.exit_code == code, text
    assert {character for character in text if is_steering(character)} <= {"\n"}
    assert [line for line in text.split("\n") if line.startswith(FORGED[1:])] == []
    return text


@pytest.mark.parametrize("step", ["images", "embeddings", "copies", "candidates", "pairs"])
def test_show_and_lineage_say_rows_and_settings_a_line_each(run: Path, step: str) -> None:
    assert len(said("show", run, step, "--rows", 5).splitlines()) <= 7
    assert said("lineage", run, step)
    said("show", run, step, "--json")
    said("lineage", run, step, "--json")


def test_status_says_failures_a_line_each(run: Path) -> None:
    (run / "images" / "_lineage.json").rename(run / "away")
    for name in sorted(path.name for path in (run / "images").glob("*.parquet"))[:1]:
        (run / "images" / name).rename(run / f"away-{name}")
    try:
        assert "failed: images/a" in said("status", run)
    finally:
        for path in run.glob("away-*"):
            path.rename(run / "images" / path.name.removeprefix("away-"))
        (run / "away").rename(run / "images" / "_lineage.json")
    said("status", run)


def test_lint_says_findings_a_line_each(run: Path) -> None:
    text = said("lint", run.parent / "tars", code=1)
    assert "bad_json" in text
    said("lint", run.parent / "tars", "--json", code=1)


def test_report_forget_and_audit_say_where(run: Path) -> None:
    assert said("report", run).startswith("gallery: ")
    said("audit", run, "--images", 5)
    said("forget", run, "0" * 32)
    assert len(said("forget", run, NAME, code=2).splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("show", f"nowhere{NAME}", "pairs"),
        ("run", f"recipe{NAME}"),
        ("run", "demo", "--set", f"images.{NAME}=1"),
        ("run", "demo", "--set", f"images.sources.0.uri={NAME}"),
        ("plan", "demo", "--set", f"images.sources.0.uri={NAME}", "--no-measure"),
        ("lint", f"nowhere{NAME}"),
        ("forget", f"nowhere{NAME}", "x"),
        ("freeze", f"nowhere{NAME}"),
        ("presets", NAME),
        ("import", f"nowhere{NAME}", "runs/x", "--format", "mmvp"),
    ],
    ids=lambda words: words[0],
)
def test_what_is_refused_is_one_line(words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(said(*words, code=2).splitlines()) == 1


def test_a_store_of_people_with_odd_names_is_told(tmp_path: Path) -> None:
    run = paired_run(tmp_path, 3, name=f"made{ODD}", captions={0: TEXT})
    author(run, range(3))
    said("freeze", run)
    said("freeze", run)
    said("people", run, code=3)
    said("export", run, "--format", "mmvp", "--check", code=None)
    said("export", run, "--format", "mmvp", "--to", tmp_path / f"to{ODD}{FORGED}", code=None)
    assert os.listdir(tmp_path)


def test_plain_takes_every_sign_that_is_none() -> None:
    every = "".join(map(chr, range(0x110000)))
    assert [hex(ord(one)) for one in plain(every) if is_steering(one)] == []
    assert plain("größe 日本 ≥ …") == "größe 日本 ≥ …"


def test_visible_shows_what_steers_and_leaves_everything_else() -> None:
    every = [chr(number) for number in range(0x110000)]
    changed = {one for one in every if visible(one) != one}
    assert {one for one in every if is_steering(one)} - {"\n", "\t"} <= changed
    assert all(
        unicodedata.category(one) in ("Cc", "Cs") or one in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
        for one in changed
    )
    assert visible("\x1b[31m\0\x7f\x9b") == "␛[31m␀␡\ufffd"
    assert all(len(visible(one)) == 1 and not is_steering(visible(one)) for one in changed)
    assert Folder("x").name == "x"


def test_an_error_shows_no_password_of_a_url(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit), exit_on_error():
        raise Refused("https://me:hush@host/list.csv does not answer; check it")
    assert capsys.readouterr().err == "blindpairs: https://***@host/list.csv does not answer; check it\n"
