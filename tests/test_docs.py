"""README.md and docs/ are a promise: what is generated is the code's, and what they show is taken as it is written."""

from __future__ import annotations

import ast
import importlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from docs.pages import Shown, commands_of, inline_commands, links_of, python_of, recipes_of, settings_of
from typer.main import get_command

from docs import PAGES, ROOT, rendered
from manifests.errors import Refused
from manifests.storage import Folder
from pipeline.cli.app import app
from pipeline.config.loading import preset_names, read_config
from pipeline.run.layout import ORDER
from pipeline.run.run import Run

TEXTS = {name: path.read_text() for name, path in PAGES.items()}
RECIPES = {name: recipes_of(text) for name, text in TEXTS.items()}
KNOWN = get_command(app).commands
PLACEHOLDERS = ("RECIPE", "recipe.yaml")  # a recipe of the reader's own, which no page shows


def shown(of: Any) -> list[Any]:
    """Everything of one kind that the pages show, each once, named by the page it is on."""
    found = dict.fromkeys((name, one) for name, text in TEXTS.items() for one in of(text))
    return [pytest.param(name, one, id=f"{name}: {str(one).splitlines()[0]}") for name, one in found]


@pytest.mark.parametrize("name", PAGES)
def test_generated_parts_are_what_the_code_says(name: str) -> None:
    assert rendered(TEXTS[name]) == TEXTS[name], "run: python -m tests.docs"


def test_every_command_is_shown() -> None:
    assert {shlex.split(one)[1] for text in TEXTS.values() for one in commands_of(text)} == KNOWN.keys()


@pytest.mark.parametrize(("name", "line"), shown(commands_of))
def test_a_command_is_taken_as_written(name: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for recipe, text in RECIPES[name].items():
        (tmp_path / recipe).write_text(text)
    words = shlex.split(line)
    context: typer.Context = KNOWN[words[1]].make_context(words[1], words[2:])
    if context.params.get("recipe", "RECIPE") not in PLACEHOLDERS:
        nowhere = ["images.sources.0.uri=none"] if context.params.get("images") else []  # asks no source
        read_config(context.params["recipe"], [*nowhere, *(context.params["changes"] or [])])


@pytest.mark.parametrize(("name", "words"), shown(inline_commands))
def test_a_command_named_in_a_sentence_exists_with_its_options(name: str, words: Shown) -> None:
    options = {option for one in KNOWN[words.command].params for option in (*one.opts, *one.secondary_opts)}
    assert set(words.options) <= {*options, "--help"}


@pytest.mark.parametrize(
    ("name", "recipe"), [pytest.param(n, r, id=f"{n}: {r}") for n, found in RECIPES.items() for r in found]
)
def test_a_recipe_is_read(name: str, recipe: str, tmp_path: Path) -> None:
    (tmp_path / recipe).write_text(RECIPES[name][recipe])
    config = read_config(str(tmp_path / recipe))
    said = yaml.safe_load(RECIPES[name][recipe]).get("images", {}).get("sources")
    assert said is None or [one.kind for one in config.images.sources] == [one["kind"] for one in said]


@pytest.mark.parametrize("name", PAGES)
def test_a_block_of_yaml_is_a_recipe_with_its_name_or_has_a_title(name: str) -> None:
    assert len(RECIPES[name]) == len(re.findall(r"^ *```yaml *$", TEXTS[name], re.MULTILINE))


@pytest.mark.parametrize(("name", "change"), shown(settings_of))
def test_a_change_named_in_a_sentence_fits_a_preset(name: str, change: str) -> None:
    (word,) = shlex.split(change)
    assert any(_fits(preset, word) for preset in preset_names())


@pytest.mark.parametrize(("name", "text"), shown(python_of))
def test_python_parses_and_names_what_the_module_has(name: str, text: str) -> None:
    module = importlib.import_module("blindpairs")
    named = {node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute)}
    for node in named:
        owner = getattr(node.value, "id", "")
        assert owner != "blindpairs" or hasattr(module, node.attr), f"blindpairs.{node.attr}"
        assert owner != "run" or hasattr(module.Run, node.attr), f"run.{node.attr}"


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = "\n".join(TEXTS.values())
    named = {*re.findall(r"`make ([a-z-]+)", text), *re.findall(r"^ *make ([a-z-]+)$", text, re.MULTILINE)}
    assert {"demo", "test", "docs"} <= named <= targets


@pytest.mark.parametrize(
    ("name", "path"), shown(lambda text: re.findall(r"`((?:stages|pipeline|manifests|tests|docker)/[\w/.]+)`", text))
)
def test_a_file_named_exists(name: str, path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize(("name", "link"), shown(links_of))
def test_a_link_to_a_file_leads_to_one(name: str, link: str) -> None:
    assert (PAGES[name].parent / link).exists()


def test_the_readme_is_short_and_its_picture_small() -> None:
    assert TEXTS["README.md"].count("\n") <= 200
    assert (ROOT / "docs/assets/gallery.png").stat().st_size < 300_000


@pytest.mark.slow
def test_every_word_that_a_run_counts_has_a_sentence(undisturbed: Path) -> None:
    run = Run(Folder(str(undisturbed)))
    words = {word for step in ORDER if run.has(step) for word in run.manifest(step).counts.rejected}
    assert len(words) > 5
    assert {word for word in words if f"| `{word}` |" not in TEXTS["docs/reference/statuses.md"]} == set()


@pytest.mark.slow
def test_the_site_builds_strictly_and_asks_no_other_host(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    built = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True
    )
    assert built.returncode == 0, built.stdout + built.stderr
    pages = sorted(tmp_path.rglob("*.html"))
    assert len(pages) > len(PAGES) - 1
    fetched = r"<(?:script|link|img|iframe|source)\b[^>]*\b(?:src|href)=\"?(?:https?:)?//[^>]*>"
    assert {page.name: found for page in pages if (found := re.findall(fetched, page.read_text()))} == {}
    assert not any('class="mermaid"' in page.read_text() for page in pages), "the theme fetches mermaid from a CDN"


def _fits(preset: str, change: str) -> bool:
    fetched = ["images.sources.0.into=/b", "images.sources.0.fetch.contact=me@example.org"]
    given = ["images.sources.0.uri=/a", *(fetched if preset == "laion-aesthetics" else ())]
    try:
        read_config(preset, [*given, change])
    except Refused:
        return False
    return True
