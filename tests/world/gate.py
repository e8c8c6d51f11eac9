"""A gate before the files of a run: processes wait at it for as long as a test wants, however fast the machine is.

    gate = Gate(tmp_path)
    gate.close(f"{run}/embeddings/[!_]*.parquet", after=2)    # two shards may appear, who makes a third waits
    driver = started(*words, gate=gate)
    until(gate.waiting)                                       # the numbers of the processes that wait
    gate.open()                                               # they go on, and nobody waits any more

It holds every Python process that is started in `gate.around(environment)`, and those that this one starts: drivers,
workers, Ray's actors. Who waits has its file whole under another name, and is about to give it its own
(held/sitecustomize.py).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

HELD = Path(__file__).with_name("held")


class Gate:
    """Open at first. `folder` is where processes look for it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "gate"
        self._folder.mkdir()
        self._times = 0

    def around(self, world: Mapping[str, str]) -> dict[str, str]:
        """This environment, in which processes are held."""
        paths = [str(HELD), *filter(None, [world.get("PYTHONPATH")])]
        return {**world, "BLINDPAIRS_GATE": str(self._folder), "PYTHONPATH": os.pathsep.join(paths)}

    def close(self, pattern: str, *, after: int = 0, each: bool = False) -> None:
        """Let so many files appear whose paths match (as fnmatch does, `*` also over folders), and no more.

        `each`: so many of each process.
        """
        self._times += 1
        (room := self._folder / str(self._times)).mkdir()
        (self._folder / "next").write_text(
            json.dumps({"pattern": pattern, "after": after, "each": each, "room": str(room)})
        )
        (self._folder / "next").replace(self._folder / "closed")

    def open(self) -> None:
        (self._folder / "closed").unlink(missing_ok=True)

    def passed(self) -> int:
        """How many matching files it has let appear since it was closed last."""
        return sum(1 for _ in self._folder.glob(f"{self._times}/passed-*"))

    def waiting(self) -> list[int]:
        """The numbers of the processes that have come to the gate since it was closed last."""
        return sorted(int(path.name.removeprefix("waits-")) for path in self._folder.glob(f"{self._times}/waits-*"))
