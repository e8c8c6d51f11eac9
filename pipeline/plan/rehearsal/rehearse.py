"""Rehearse: run the recipe's own embed stage on drawn photos, with the workers a run would have, for some seconds.

It uses the real stage on the real executor of this machine, which reads JPEGs through a committed images
manifest and writes shards, in a temporary folder that is deleted afterwards (a GPU's batch size is remembered
as in a run).
"""

from __future__ import annotations

import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from manifests.errors import Refused
from manifests.manifest import Manifest
from manifests.storage import Folder
from pipeline.executors import machine
from pipeline.executors.executor import ResourceRequest
from pipeline.executors.local_executor import LocalExecutor, gpus_each, places
from pipeline.executors.worker import Job, Outcome
from pipeline.plan.rehearsal import corpus
from pipeline.plan.rehearsal.pace import Beat, Pace, pace_of, warmed_up_at
from pipeline.run.recipe import Step
from stages import images

LIMIT_S = 45.0  # for the entire rehearsal, so that a plan takes less than a minute
LONGEST_S, SHORTEST_S = 20.0, 3.0  # of measuring, once all workers have warmed up
STRAGGLER = 0.3  # share of the first worker's start-up time: no other worker starts much later
SHARDS, ERROR = 4, 0.05  # end it early: this many counted shards, and at most this standard error
DECODED = 50


@dataclass(frozen=True)
class Rehearsal:
    """What was measured, and which part of this machine it used."""

    pace: Pace
    gpus: float  # 0: none
    cores: float  # beside GPUs, all cores of the machine
    decode_s: float  # seconds of one core to decode one of the photos, with the other cores idle


@dataclass(frozen=True)
class Unmeasured:
    """Why nothing could be measured, although nothing is wrong with the recipe."""

    why: str

    def to_json(self) -> dict[str, str]:
        return {"not_measured": self.why}

    def __str__(self) -> str:
        return f"embedding was not measured: {self.why}"


def rehearsed(step: Step, limit_s: float = LIMIT_S) -> Rehearsal | Unmeasured:
    """Measure the step, which has already checked its weights (Stage.external_state), on this machine.

    Raises Refused where it cannot be set up or does not work, TasksFailed where its workers die.
    """
    beats: list[Beat] = []
    began, decode_s = time.monotonic(), 0.0
    with tempfile.TemporaryDirectory(prefix="blindpairs-") as name, LocalExecutor() as executor:
        try:
            executor.check([ResourceRequest(step.name, step.stage, step.workers)])
        except Refused as refusal:  # about this machine; the run may be meant for another machine
            return Unmeasured(str(refusal))
        with suppress(OutOfTime), at_most(limit_s):
            made = corpus.written(Path(name), gpus=gpus_each(step.stage, step.workers) > 0)
            decode_s = _decode_s(Path(name))  # before there are workers, which would only slow it down
            for beat in _beats(step, made, executor):
                beats.append(beat)
                if _enough(beats, began):
                    break
    if not beats:
        return Unmeasured(f"within {limit_s:g} s no worker had embedded an image here")
    pace = pace_of(beats)
    gpus = min(pace.workers * gpus_each(step.stage, step.workers), len(machine.gpus()))
    return Rehearsal(pace, gpus, machine.cores() if gpus else pace.workers * step.workers.cpus_of(), decode_s)


def _beats(step: Step, made: Manifest, executor: LocalExecutor) -> Iterator[Beat]:
    """Yield each shard as it is made. Raises Refused where one cannot be made."""
    folder = Folder(f"{Path(made.folder.url).parent / step.name}")
    job = Job(step.stage, folder, {"images": made.folder}, step.workers.max_failed)
    tasks = corpus.tasks(_most_workers(step), gpus=gpus_each(step.stage, step.workers) > 0)
    for heard in executor.execute(job, tasks, step.workers):
        if not isinstance(heard, Outcome):
            continue
        if heard.receipt is None:
            raise Refused(f"{step.name}: drawn photos cannot be embedded here: {heard.error}")
        yield Beat(heard.where, time.monotonic(), heard.receipt.rows, heard.seconds, heard.receipt.computed)


def _enough(beats: Sequence[Beat], began: float) -> bool:
    """Whether the rate is known accurately enough, or as accurately as time allows."""
    measured = beats[-1].at - warmed_up_at(beats)
    if measured >= LONGEST_S:
        return True
    if measured < max(SHORTEST_S, STRAGGLER * (beats[0].at - began)):
        return False
    pace = pace_of(beats)
    return pace.shards >= max(SHARDS, 2 * pace.workers) and pace.error is not None and pace.error <= ERROR


def _most_workers(step: Step) -> int:
    """Return an upper bound on the number of workers: memory may allow fewer."""
    each = gpus_each(step.stage, step.workers)
    return step.workers.count or (places(machine.gpus(), each) if each else machine.cores())


def _decode_s(folder: Path) -> float:
    photos = [path.read_bytes() for path in sorted((folder / corpus.SOURCE).glob("*.jpg"))[:DECODED]]
    began = time.perf_counter()
    for photo in photos:
        images.decode(photo)
    return (time.perf_counter() - began) / len(photos)


class OutOfTime(BaseException):
    """The time is over. Like KeyboardInterrupt not an Exception: no handler on the way takes it for a failure."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise OutOfTime in the block after `seconds`. Only the main thread can be interrupted; others continue."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _ring)
    left, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, left)  # another caller's alarm, if there was one


def _ring(number: int, frame: FrameType | None) -> None:
    raise OutOfTime
