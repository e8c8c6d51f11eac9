"""The examples run as they are, on the demo's run."""

from __future__ import annotations

import json
import re
import runpy
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image
from world.commands import environment
from world.inline import commands_run_here
from world.processes import PATIENCE_S

import blindpairs

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = ("count_by_threshold.py", "inspect_pairs.py", "mine_folder.py")
NOTEBOOK = EXAMPLES / "pairs.ipynb"


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run an example with these words, and return what it printed."""

    def run(script: str, *words: object) -> str:
        monkeypatch.setattr(sys, "argv", [script, *map(str, words)])
        with commands_run_here():
            runpy.run_path(str(EXAMPLES / script), run_name="__main__")
        return capsys.readouterr().out

    return run


def test_these_are_all_examples() -> None:
    assert sorted(path.name for path in EXAMPLES.iterdir() if path.is_file()) == [*SCRIPTS, NOTEBOOK.name]


@pytest.mark.parametrize("script", SCRIPTS)
def test_each_script_says_how_to_call_it(script: str, said, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        said(script, "--help")
    assert ended.value.code == 0
    assert f"Example: python examples/{script} " in (EXAMPLES / script).read_text()


def test_the_best_pairs_are_listed_and_drawn(undisturbed: Path, tmp_path: Path, said) -> None:
    text = said("inspect_pairs.py", undisturbed, "--top", 3, "--out", tmp_path / "sheet.png")
    best = blindpairs.open(undisturbed).pairs().to_pylist()[:3]
    assert all(f"{row['gap']:.6f}" in text for row in best)
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (384, 576)
        assert len(sheet.crop((0, 0, 192, 192)).getcolors(1 << 16) or ()) > 10


def test_candidates_are_counted_within_each_two_thresholds(undisturbed: Path, said) -> None:
    text = said("count_by_threshold.py", undisturbed, "--blind-min", 0.95, 0.99, "--reference-max", 0.6, 0.3)
    rows = pq.read_table(undisturbed / "candidates").to_pylist()
    for low, line in zip((0.95, 0.99), text.splitlines()[1:], strict=True):
        counts = [
            sum(row["blind_cosine"] >= low and row["reference_cosine"] < high for row in rows) for high in (0.6, 0.3)
        ]
        assert [float(word) for word in line.split()] == [low, *counts]


def test_a_folder_of_photos_becomes_a_run(undisturbed: Path, tmp_path: Path, said) -> None:
    demo = blindpairs.open(undisturbed)
    best = demo.pairs().to_pylist()[0]
    (photos := tmp_path / "photos").mkdir()
    for image_id in (best["left_id"], best["right_id"], demo.pairs().to_pylist()[1]["left_id"]):
        demo.image(image_id).save(photos / f"{image_id}.png")
    text = said("mine_folder.py", photos, "--root", tmp_path / "runs", "--reference-max", 0.7)
    assert re.match(r"[1-3] blind pairs among 3 images; gallery: ", text)
    assert best["left_id"] in text
    assert Path(text.splitlines()[0].split("gallery: ")[1]).is_file()


def test_the_notebook_is_kept_without_outputs() -> None:
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


def test_the_notebook_runs_from_top_to_bottom(
    undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import nbformat
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient

    for name in ("JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    here = AsyncKernelManager(kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))  # that of this interpreter
    client = NotebookClient(notebook, km=here, timeout=PATIENCE_S, startup_timeout=PATIENCE_S)
    client.execute(env=environment() | {"BLINDPAIRS_RUN": str(undisturbed)})
    shown = [
        output["data"].get("text/html", "")
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "execute_result"
    ]
    assert sum(html.count("data:image/webp") for html in shown) == 4, "two pairs"
    assert "committed" in shown[0]
