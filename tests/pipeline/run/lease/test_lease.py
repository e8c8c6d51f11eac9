"""One driver a run: real processes, killed and stopped; on a disk and in a bucket alike."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from world.commands import demo_run, started
from world.gate import Gate
from world.processes import PATIENCE_S, until
from world.store import Bucket

from manifests.errors import Refused
from manifests.storage import Folder
from pipeline.run.lease import lease as leases
from pipeline.run.lease.driver import NAME, new_driver, parsed, written
from pipeline.run.lease.lease import driving
from pipeline.run.lease.process import this_process

ROOT = Path(__file__).parents[4]
DRIVE = """
import sys
from dataclasses import replace
from manifests.errors import Refused
from manifests.storage import Folder
from pipeline.run.lease import lease as leases
from pipeline.run.lease.lease import driving
from pipeline.run.lease.process import this_process
leases.RENEW_S = 600.0
url, host, lease_s = sys.argv[1], sys.argv[2], float(sys.argv[3])
me = this_process()
print("ready", flush=True)
sys.stdin.readline()
try:
    with driving(Folder(url), me=replace(me, host=host or me.host), lease_s=lease_s) as lease:
        print("drives", flush=True)
        while sys.stdin.readline():
            lease.check()
            print("still drives", flush=True)
except Refused as error:
    print(error, flush=True)
"""


class Starter:
    """A process that drives a run when told to, as one of `host` (empty: this one); it renews when it is told to."""

    def __init__(self, url: str, host: str = "", lease_s: float = 20) -> None:
        words = [sys.executable, "-c", DRIVE, url, host, str(lease_s)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(words, env={**os.environ, "PYTHONPATH": str(ROOT)}, **pipes)
        assert self.heard() == "ready"

    def tell(self) -> None:
        print(file=self.process.stdin, flush=True)

    def heard(self) -> str:
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture(params=["disk", "bucket"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    """A run's folder that does not exist yet."""
    if request.param == "disk":
        return Folder(str(tmp_path / "runs/test"))
    return Folder(request.getfixturevalue("bucket").url("runs/test"))


@pytest.fixture(autouse=True)
def unrenewed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drivers of this process do not renew by themselves, and end when their file is gone, however long that takes."""
    monkeypatch.setattr(leases, "RENEW_S", PATIENCE_S)


@pytest.fixture
def quick(unrenewed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drivers of this process renew ten times a second."""
    monkeypatch.setattr(leases, "RENEW_S", 0.1)


@pytest.fixture
def starters() -> Iterator[list[Starter]]:
    made: list[Starter] = []
    yield made
    for starter in made:
        starter.kill()


def elsewhere():
    return replace(this_process(), host="elsewhere")


def left_behind(run: Folder, process) -> None:
    """The file of a driver that is no more; its clock was far ahead, which nobody may look at."""
    run.write(NAME, replace(new_driver(process), renewed="2999-01-01T00:00:00+00:00").to_bytes())


@pytest.mark.parametrize("after", ["nobody", "a dead one"])
def test_of_eight_processes_that_start_at_once_one_drives(tmp_path: Path, starters: list[Starter], after: str) -> None:
    run = Folder(str(tmp_path))
    if after == "a dead one":
        left_behind(run, replace(this_process(), began="1"))
    starters += [Starter(run.url) for _ in range(8)]
    for starter in starters:
        starter.tell()
    said = [starter.heard() for starter in starters]
    assert said.count("drives") == 1, said
    number = starters[said.index("drives")].process.pid
    assert all("is being made by process" in one for one in said if one != "drives")
    assert parsed(written(run)).process.number == number
    assert list(run.sizes()) == [NAME]


@pytest.mark.parametrize("after", ["nobody", "a dead one"])
def test_of_eight_that_start_at_once_on_a_bucket_one_drives(bucket: Bucket, after: str) -> None:
    run = Folder(bucket.url("runs/test"))
    if after == "a dead one":
        left_behind(run, replace(this_process(), began="1"))
    all_there, all_have_tried = threading.Barrier(8), threading.Barrier(8)

    def start(_: int) -> str:
        all_there.wait()
        try:
            with driving(run) as lease:
                all_have_tried.wait()
                return lease.mine.token
        except Refused as refusal:
            all_have_tried.wait()
            return str(refusal)

    with ThreadPoolExecutor(8) as threads:
        said = list(threads.map(start, range(8)))
    assert sum("is being made by process" in one for one in said) == 7, said
    assert run.sizes() == {}


def test_a_killed_driver_of_this_machine_is_followed_at_once(run: Folder, starters: list[Starter]) -> None:
    starters.append(Starter(run.url))
    starters[0].tell()
    assert starters[0].heard() == "drives"
    starters[0].kill()
    waited: list[str] = []
    with driving(run, waited.append):
        assert parsed(written(run)).process == this_process()
    assert not waited


def test_a_living_one_of_this_machine_is_named_at_once(run: Folder) -> None:
    waited: list[str] = []
    with driving(run) as lease, pytest.raises(Refused) as caught, driving(run, waited.append):
        pass
    me = this_process()
    assert f"is being made by process {me.number} on {me.host} since {lease.mine.since}" in str(caught.value)
    assert not waited


def test_a_process_number_that_was_given_again_is_not_the_driver(run: Folder) -> None:
    left_behind(run, replace(this_process(), began="1"))
    with driving(run):
        assert parsed(written(run)).process == this_process()


def test_one_elsewhere_that_renews_keeps_the_run(run: Folder, quick: None) -> None:
    waited: list[str] = []
    with (
        driving(run, me=elsewhere()),
        pytest.raises(Refused, match=r"is being made by process .* on elsewhere since"),
        driving(run, waited.append, lease_s=PATIENCE_S),
    ):
        pass
    assert f"waiting up to {PATIENCE_S:g} s to see whether it still renews" in waited[0]


def test_one_elsewhere_that_does_not_renew_is_dead_whatever_its_clock_said(run: Folder) -> None:
    left_behind(run, elsewhere())
    with driving(run, lease_s=0.1):
        assert parsed(written(run)).process == this_process()


def test_a_stopped_driver_loses_its_run_and_notices_when_it_wakes(run: Folder, starters: list[Starter]) -> None:
    starters.append(Starter(run.url, "elsewhere", lease_s=0.1))
    stopped = starters[0]
    stopped.tell()
    assert stopped.heard() == "drives"
    os.kill(stopped.process.pid, signal.SIGSTOP)
    with driving(run, lease_s=0.1) as lease:
        os.kill(stopped.process.pid, signal.SIGCONT)
        stopped.tell()
        assert f"was taken over by {this_process()}" in stopped.heard()
        stopped.process.communicate()
        assert parsed(written(run)).token == lease.mine.token, "who lost the run must not remove the file"


def test_a_stopped_run_commits_nothing_when_it_wakes(scenes: Path, tmp_path: Path) -> None:
    gate, run = Gate(tmp_path), Folder(str(tmp_path / "demo"))
    gate.close(f"{tmp_path}/demo/images/[!_]*.parquet", after=1)
    driver = started(*demo_run(scenes, tmp_path), gate=gate, module="world.unrenewed")
    until(lambda: gate.waiting() and any((tmp_path / "demo/images").glob("[!_]*.parquet")))
    os.kill(driver.pid, signal.SIGSTOP)
    with driving(run, me=elsewhere(), lease_s=0.1):
        gate.open()
        os.kill(driver.pid, signal.SIGCONT)
        _, said = driver.communicate(timeout=PATIENCE_S)
        assert driver.returncode == 2
        assert f"was taken over by process {os.getpid()} on elsewhere" in said
        assert not list(tmp_path.rglob("_lineage.json"))


def test_nothing_stays_of_a_driver_that_ended(run: Folder) -> None:
    with pytest.raises(ValueError, match="anything"), driving(run):
        raise ValueError("anything")
    assert run.sizes() == {}


def test_a_store_that_does_not_answer_for_a_while_costs_nothing(
    tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = {"now": False, "asked": 0}
    read = Folder.read

    def patchy(folder: Folder, name: str) -> bytes:
        away["asked"] += away["now"]
        if away["now"]:
            raise OSError("it does not answer")
        return read(folder, name)

    monkeypatch.setattr(Folder, "read", patchy)
    with driving(Folder(str(tmp_path)), lease_s=PATIENCE_S) as lease:
        away["now"] = True
        until(lambda: away["asked"] > 3)
        lease.check()
        lease.confirm()  # renewed lately, so it is still good
        away["now"], renewal = False, lease.mine.renewal
        until(lambda: lease.mine.renewal > renewal)


def test_a_driver_whose_file_somebody_removed_puts_it_back(tmp_path: Path, quick: None) -> None:
    run = Folder(str(tmp_path))
    with driving(run) as lease:
        (tmp_path / NAME).unlink()
        until(lambda: run.has(NAME))
        lease.confirm()
        assert parsed(written(run)).token == lease.mine.token


def test_who_died_while_taking_over_holds_up_nobody(run: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = replace(this_process(), began="1")
    left_behind(run, dead)

    def killed(folder: Folder, name: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Folder, "forget", killed)  # its claim stays
        patched.setattr(Folder, "write", killed)  # and the run was not taken
        with pytest.raises(KeyboardInterrupt), driving(run, me=replace(dead, began="2")):
            pass
    assert [name for name in run.sizes() if name.endswith(".claim")]
    with driving(run):
        assert parsed(written(run)).process == this_process()


def test_folders_that_were_made_for_a_run_go_if_nothing_is_put_into_them(tmp_path: Path) -> None:
    run = Folder(str(tmp_path / "new/runs/mine"))
    with pytest.raises(ZeroDivisionError), driving(run):
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())
    with driving(run):
        run.write("kept", b"")
    with driving(run):
        pass
    assert (tmp_path / "new/runs/mine/kept").exists()
