"""Takeover: become the driver of a run; of several that would replace a dead driver, exactly one does."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

from manifests.errors import Refused
from manifests.storage import Folder
from pipeline.run.lease.driver import NAME, Driver, parsed, written
from pipeline.run.lease.process import Process

LEASE_S = 20.0  # four renewals missed
LOOK_S = 1.0
TRIES = 50
SETTLE_LOCAL_S, SETTLE_S = 0.2, 2.0

Waits = Callable[[str], None]


def acquired(run: Folder, mine: Driver, lease_s: float, waits: Waits) -> Driver:
    """Write `mine` into the run's folder and return it. Raises Refused, naming the process that drives the run."""
    for _ in range(TRIES):
        if run.create(NAME, mine.to_bytes()):
            return mine
        seen = written(run)
        if seen is None:  # it ended just now
            continue
        _wait_for_death(run, NAME, seen, mine.process, lease_s, waits)
        if _taken_over(run, seen, mine, lease_s, waits):
            return mine
    raise Refused(f"{run.url} changes its driver faster than one can look; start it once")


def _wait_for_death(run: Folder, name: str, seen: bytes, me: Process, lease_s: float, waits: Waits) -> None:
    """Return once the driver in `seen` is dead or its file is gone. Raises Refused if it is known to be alive."""
    other = parsed(seen)
    alive = other.process.alive(me) if other else None
    if alive is False:
        return
    if alive:
        raise Refused(_taken(run, other))
    waits(
        f"{run.url} was last driven by {other or 'another process'}, elsewhere; waiting up to {lease_s:g} s "
        "to see whether it still renews its lease"
    )
    began, late = time.monotonic(), False
    while not late:
        time.sleep(min(LOOK_S, lease_s / 4))
        late = time.monotonic() - began >= lease_s  # before the look: one that was stopped itself looks once more
        now = written(run, name)
        if now is None:
            return
        if now != seen:
            raise Refused(_taken(run, parsed(now)))


def _taken_over(run: Folder, dead: bytes, mine: Driver, lease_s: float, waits: Waits) -> bool:
    """Replace `dead` by `mine`. Returns False if another was quicker.

    Only who has claimed that very file (an exclusive create, again) may overwrite it, and only if it
    is still there: so of many who found it dead at once, one does.
    """
    claim = f"_driver.{hashlib.sha256(dead).hexdigest()[:16]}.claim"
    if not run.create(claim, mine.to_bytes()):
        if (claimed := written(run, claim)) is not None:  # its claimant lives, and is refused, or died in the act
            _wait_for_death(run, claim, claimed, mine.process, lease_s, waits)
            run.forget(claim)
        return False
    try:
        if written(run) != dead:
            return False
        run.write(NAME, mine.to_bytes())
    finally:
        run.forget(claim)
    # who was stopped between its look and its write, and whose claim was thought a dead one's, writes late
    time.sleep(SETTLE_LOCAL_S if run.local else SETTLE_S)
    there = parsed(written(run))
    return there is not None and there.token == mine.token


def _taken(run: Folder, other: Driver | None) -> str:
    return f"{run.url} is being made by {other or 'another process'}; wait for it, or stop it"
