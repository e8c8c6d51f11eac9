"""A small real world for every test: drawn pictures, real files, and the photos beside the project if any."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from world.store import bucket, store  # noqa: F401 - fixtures for every test

# how long an example takes says how busy the machine is
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("few", settings.get_profile("unhurried"), max_examples=20)  # `make check`
settings.load_profile("unhurried")

# a shell that starts the suite in the background of a script has it ignore Ctrl-C, and so would every process it starts
signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ["world.processless"]
SHARED = Path(os.environ.get("BLINDPAIRS_SHARED", Path(__file__).parents[2] / "shared"))


@pytest.fixture(scope="session", autouse=True)
def _no_loss_of_power() -> Iterator[None]:
    """Nothing waits until a disk has it: a kill loses nothing that was written, and no test switches a machine off."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: None)
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of photos and small real encoders beside the project; a test that needs it skips without."""
    if not (SHARED / "photos").is_dir() or not (SHARED / "models").is_dir():
        pytest.skip(f"no photos and encoders at {SHARED} (set BLINDPAIRS_SHARED)")
    return SHARED


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight tars of drawn scenes, with planted pairs, copies and broken files among them."""
    from pipeline.drawing.shards import pack

    folder = tmp_path_factory.mktemp("scenes")
    pack(folder, count=120, shard_rows=15)
    return folder


@pytest.fixture(scope="session")
def undisturbed(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the demo's run of these scenes, made in one process that nobody disturbed. Not to be changed."""
    from world.inline import demo_here

    return demo_here(scenes, tmp_path_factory.mktemp("undisturbed"))


@pytest.fixture(autouse=True)
def _hub_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test's `--offline` says to its process, no other test hears."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "")  # so that what was there before is remembered, and put back
    monkeypatch.delenv("HF_HUB_OFFLINE")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that anybody may enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
