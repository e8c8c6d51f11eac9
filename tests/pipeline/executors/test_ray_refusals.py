"""An address where no Ray answers is told in one line, soon, and before anything is written."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from world.commands import demo_run, environment
from world.in_process import answered
from world.processes import PATIENCE_S

from manifests.errors import Refused
from pipeline.executors.ray_executor import RayExecutor

# Ray alone would try for two minutes; here who waits for its end waits for ever
SOON = """
import threading
import ray
from pipeline.executors import cluster

def init(**words):
    try:
        return joined(**words)
    finally:
        threading.Event().wait()

joined, ray.init, cluster.CONNECT_S = ray.init, init, 0.5
if __name__ == "__main__":
    from pipeline.cli.app import main
    main()
"""


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("127.0.0.1:1", r"no Ray answers at 127\.0\.0\.1:1 \(Connection refused\); `ray start --head` starts one"),
        ("nobody.invalid:6379", "no Ray answers at nobody.invalid:6379"),
        ("127.0.0.1:99999", "no Ray answers at 127.0.0.1:99999"),
        ("somewhere", "write it as HOST:PORT"),
        ("ray://127.0.0.1:10001", "use `ray job submit`"),
    ],
)
def test_an_address_where_no_ray_can_be(address: str, told: str) -> None:
    with pytest.raises(Refused, match=told), RayExecutor(address) as executor:
        executor.check([])


def test_something_that_listens_but_is_no_ray(scenes: Path, tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        words = [sys.executable, "-c", SOON, *demo_run(scenes, tmp_path, "--ray", address)]
        ended = subprocess.run(words, env=environment(), capture_output=True, text=True, timeout=PATIENCE_S)
    assert ended.returncode == 2
    ours = [line for line in ended.stderr.splitlines() if "rpc_client" not in line]  # Ray's C++ complains when it may
    assert [line for line in ours if "blindpairs:" in line] == ours[-1:]
    assert f"something listens at {address}, but no Ray answered within 0.5 s" in ended.stderr
    assert not list(tmp_path.rglob("*.parquet"))


def test_a_private_ray_is_not_even_started_for_gpus_that_are_not_here(scenes: Path, tmp_path: Path) -> None:
    words = ("--ray", "local", "--set", "workers.embed.gpus=2")
    ended = answered(*demo_run(scenes, tmp_path, *words))
    assert ended.returncode == 2
    assert "workers of the step embeddings ask for 2 GPUs and this machine has" in ended.stderr
    assert not list(tmp_path.rglob("*.parquet"))
