"""The README is a promise: its tables are the code's, its commands are taken, its recipes are read."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer
import yaml
from typer.main import get_command

from pipeline.cli.app import app
from pipeline.config.loading import read_config
from pipeline.config.settings import Config

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS = [shlex.split(line) for line in re.findall(r"^blindpairs .+$", README, re.MULTILINE)]
TOLD = "".join((ROOT / "pipeline/cli" / name).read_text() for name in ("app.py", "look.py", "benchmark.py"))
HELP = [shlex.split(line) for line in re.findall(r"Example: (blindpairs .+)", TOLD)]
RECIPES = dict(re.findall(r"```yaml\n# (\S+)\n(.*?)```", README, re.DOTALL))


def test_its_generated_parts_are_what_the_code_says() -> None:
    from readme import rendered

    assert rendered(README) == README, "run: python -m tests.readme"


def test_it_shows_every_command() -> None:
    assert {words[1] for words in (*COMMANDS, *HELP)} == set(get_command(app).commands)


@pytest.mark.parametrize("words", [*COMMANDS, *HELP], ids=" ".join)
def test_each_command_it_shows_is_taken_as_written(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in RECIPES.items():
        (tmp_path / name).write_text(text)
    words = words[: words.index(">")] if ">" in words else words
    command = get_command(app).commands[words[1]]
    context: typer.Context = command.make_context(words[1], words[2:])
    if "recipe" in context.params:
        nowhere = ["images.sources.0.uri=none"] if context.params.get("images") else []  # asks no source
        read_config(context.params["recipe"], [*nowhere, *(context.params["changes"] or [])])


@pytest.mark.parametrize("name", RECIPES)
def test_each_recipe_it_shows_is_read(name: str, tmp_path: Path) -> None:
    assert len(RECIPES) == README.count("```yaml\n")
    (tmp_path / name).write_text(RECIPES[name])
    config = read_config(str(tmp_path / name))
    assert isinstance(config, Config)
    assert [source.kind for source in config.images.sources] == [
        source["kind"] for source in yaml.safe_load(RECIPES[name])["images"]["sources"]
    ]


@pytest.mark.parametrize("change", re.findall(r"`--set (embed\.[^`]+)`", README))
def test_each_change_it_shows_inline_fits(change: str) -> None:
    words = shlex.split(change)[0]
    assert read_config("mmvp", ["images.sources.0.uri=/a", words])


def test_every_make_target_it_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`?make ([a-z-]+)", README)) <= targets


def test_every_file_it_names_exists() -> None:
    named = set(re.findall(r"`((?:stages|pipeline|manifests|tests)/[\w/.]+)`", README))
    assert named
    assert all((ROOT / name).exists() for name in named)
