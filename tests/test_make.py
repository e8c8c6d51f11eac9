"""Make: what a person sees while the environment is set up."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTHING = "#!/bin/sh\nexit 0\n"

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="there is no make")


def program(path: Path) -> str:
    """A program that does nothing, here."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(NOTHING)
    path.chmod(0o755)
    return str(path)


def test_setting_up_says_at_once_and_only_once_what_it_takes(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    program(tmp_path / ".ci/install")
    program(tmp_path / ".venv/bin/blindpairs")
    words = ["make", "demo", f"PYTHON={program(tmp_path / 'python')}"]
    first, second = (subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True) for _ in range(2))
    assert first.stderr.startswith("setting up .venv: installs about 8 GB of packages")
    assert second.stderr == ""
