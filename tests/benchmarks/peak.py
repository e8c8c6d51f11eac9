"""Peak: the most memory that a process and its children hold together."""

from __future__ import annotations

import threading

import psutil


class Peak:
    """Most resident memory of this process and its children, 20 times a second, above what it held to begin with."""

    def __init__(self, above: int | None = None) -> None:
        self._over, self._most = threading.Event(), 0
        self._began = self._now() if above is None else above

    def __enter__(self) -> Peak:
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watch.join()

    @property
    def mib(self) -> int:
        return (self._most - self._began) >> 20

    def _look(self) -> None:
        while not self._over.wait(0.05):
            self._most = max(self._most, self._now())

    def _now(self) -> int:
        total = 0
        for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
            try:
                total += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return total
