"""The house rules that a machine can hold us to."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("manifests", "stages", "pipeline")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
HEAVY = ("torch", "torchvision", "faiss", "open_clip", "transformers", "timm", "ray", "webdataset", "img2dataset")
LIBRARIES = (*HEAVY, "pyarrow", "numpy", "fsspec", "pydantic", "typer", "rich", "matplotlib", "jinja2", "PIL", "scipy")
FORBIDDEN = ("sample", "item", "record", "info", "manager", "handler", "util", "utils", "common", "helper", "helpers")

OF_A_LIBRARY = ("timeout_keep_alive_handler",)  # uvicorn's methods that ours take the place of


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.fixture(params=SOURCES, ids=named)
def source(request: pytest.FixtureRequest) -> tuple[Path, ast.Module]:
    return request.param, ast.parse(request.param.read_text())


def test_a_file_is_under_200_lines_and_opens_with_its_job(source) -> None:
    path, tree = source
    assert len(path.read_text().splitlines()) < 200
    assert ast.get_docstring(tree)


def test_a_function_is_at_most_50_lines_and_says_what_it_returns(source) -> None:
    for node in ast.walk(source[1]):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 50, node.name
            assert node.returns is not None or node.name == "__init__", node.name


def test_the_library_prints_nothing_and_swallows_nothing(source) -> None:
    for node in ast.walk(source[1]):
        assert not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print")
        assert not (isinstance(node, ast.ExceptHandler) and all(isinstance(line, ast.Pass) for line in node.body))


def test_no_name_is_one_of_the_words_that_say_nothing(source) -> None:
    path, tree = source
    names = [n.name for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.ClassDef))]
    words = {
        word for name in (path.stem, *names) if name not in OF_A_LIBRARY for word in name.lower().strip("_").split("_")
    }
    assert not words & set(FORBIDDEN)


def test_no_module_is_named_after_a_library() -> None:
    assert not {path.stem for path in SOURCES} & set(LIBRARIES)


def test_ray_is_known_in_three_places_only() -> None:
    knowing = [
        path
        for path in SOURCES
        if any("ray" in names for names in map(_imported, ast.walk(ast.parse(path.read_text()))))
    ]
    assert {named(path) for path in knowing} == {
        "pipeline/work/cluster.py",
        "pipeline/work/ray_executor.py",
        "pipeline/watch/metrics.py",
    }


def _imported(node: ast.AST) -> set[str]:
    """The libraries that a statement imports."""
    if isinstance(node, ast.Import):
        return {name.name.split(".")[0] for name in node.names}
    return {(node.module or "").split(".")[0]} if isinstance(node, ast.ImportFrom) else set()


def test_the_rooms_know_only_whom_they_may() -> None:
    ended = subprocess.run([Path(sys.executable).parent / "lint-imports"], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout


@pytest.mark.parametrize(
    "module", ["pipeline.recipe", "pipeline.commands", "pipeline.runner", "pipeline.work.local_executor"]
)
def test_importing_the_main_path_loads_no_heavy_library(module: str) -> None:
    script = f"import sys, {module}; print(sorted(set({(*HEAVY, 'matplotlib')!r}) & set(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


def test_help_loads_not_even_the_tables() -> None:
    script = "import sys; sys.argv = ['blindpairs', '--help']\nfrom pipeline.cli import app\ntry: app()\n\
except SystemExit: pass\nprint(sorted({'pyarrow', 'numpy', 'pydantic', 'fsspec'} & set(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout.strip().endswith("[]")
