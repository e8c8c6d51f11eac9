"""Repaired: what a repair read and made again, and why a shard that was made again differs from the committed one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from manifests.damaged_shards import DamagedShard
from manifests.manifest import COMMIT, Manifest, parsed
from manifests.shard import SUFFIX, Receipt
from pipeline.executors.worker import Outcome
from pipeline.run.libraries import versions
from stages.text import plain_lines


@dataclass(frozen=True)
class StepRepair:
    """One finished step: how many shards were read, and those that were damaged and made again."""

    step: str
    shards: int
    repaired: tuple[DamagedShard, ...] = ()


@dataclass(frozen=True)
class RepairSummary:
    """What a repair did to each finished step of a run."""

    run: str
    steps: tuple[StepRepair, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        damaged = [(step, shard) for step in self.steps for shard in step.repaired]
        lines = [f"{step.step}/{one.name}{SUFFIX} {one.why}: made again" for step, one in damaged]
        shards = sum(step.shards for step in self.steps)
        read = f"{self.run}: read {shards_text(shards)} of {len(self.steps)} finished steps"
        told = f"{len(damaged):,} made again, with the bytes and the digests they had" if damaged else "none is damaged"
        return plain_lines([*lines, f"{read}; {told}"])


def shards_text(count: int) -> str:
    return f"{count:,} shard{'s' * (count != 1)}"


def failures_text(manifest: Manifest, failures: Sequence[Outcome], tasks: int) -> str:
    """Say which damaged shards could not be made again, and why the first could not."""
    names = ", ".join(one.name for one in failures[:10]) + (" ..." if len(failures) > 10 else "")
    return (
        f"{manifest.folder.url}: {len(failures)} of {tasks} damaged shards could not be made again ({names}); "
        f"the first: {failures[0].error} - the step is left as it was; the same command makes only these again"
    )


def difference_text(manifest: Manifest, then: Receipt, now: Receipt) -> str:
    """Say that a shard comes out different, how, and what may be the cause."""
    url = manifest.folder.url
    odd = [f"{name} was {getattr(then, name)}, now {getattr(now, name)}" for name in _differing(then, now)]
    why = [f"computed was {then.computed}, now {now.computed}"] if then.computed != now.computed else []
    why += [f"{name} was {was}, now {versions().get(name, 'absent')}" for name, was in _changed_versions(manifest)]
    why += ["rows were removed from this step since it was made"] if manifest.removed else []
    cause = f" ({'; '.join(why)})" if why else ""
    return (
        f"{url}/{then.name}{SUFFIX} comes out different when it is made again: {'; '.join(odd)}{cause}. The step is "
        "left as it was; repair it with such a machine and such libraries as made it, put the old file back, or "
        f"remove the folder {url} and those after it to make them again."
    )


def _differing(then: Receipt, now: Receipt) -> list[str]:
    return [name for name in ("rows", "bytes", "digest") if getattr(then, name) != getattr(now, name)] or ["counts"]


def _changed_versions(manifest: Manifest) -> list[tuple[str, str]]:
    """Return the libraries whose version is not the one recorded with the commit, and that one."""
    made_with: Mapping[str, str] = parsed(manifest.folder, COMMIT, lambda value: dict(value.get("made_with", {})))
    return [(name, was) for name, was in made_with.items() if versions().get(name) != was]
