"""Cluster: the connection to Ray, a private one or one at an address, and the resources of its machines.

Never a bare `ray.init()`: that joins whatever cluster this machine runs.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import ray

from manifests.errors import Refused
from pipeline.executors import machine
from pipeline.executors.logs import hushed, is_verbose

ANSWER_S = 5.0  # for a port to be open
CONNECT_S = 12.0  # for a Ray behind it to answer: ray.init alone would try for two minutes
AUTO = "auto"
RESOURCES = {"CPU": "cores", "GPU": "GPUs", "memory": "bytes of memory"}

Amounts = Mapping[str, float]  # Ray's name of a resource -> how much of it


class Cluster:
    """A connection to a Ray. `address` None: a private one on this machine, gone with this process."""

    def __init__(self, address: str | None) -> None:
        self.address = address

    def connect(self) -> None:
        """Connect, unless connected. Raises Refused, within 20 s, if no Ray of this version answers."""
        if ray.is_initialized():
            return
        if self.address is None:
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
            private = {"num_cpus": machine.cores(), "num_gpus": len(machine.gpus())}
            with hushed(), _sigterm_kept():
                # never in a thread: Ray's servers end with the thread that started them
                _initialized(address="local", **private)
            return
        _check_answers(self.address)
        with hushed(), _sigterm_kept():
            _in_time(lambda: _initialized(address=self.address), self.address)

    def disconnect(self) -> None:
        if ray.is_initialized():
            ray.shutdown()

    def machines(self) -> dict[str, Amounts]:
        """Machine (Ray's node id) -> what it has in all, of those that are alive."""
        return {node["NodeID"]: node["Resources"] for node in ray.nodes() if node["Alive"]}

    def cores_a_gpu(self) -> float | None:
        """Cores for each GPU, on the machine that has the fewest; None where there is no GPU."""
        with_gpus = [has for has in self.machines().values() if has.get("GPU")]
        return min((has.get("CPU", 0.0) / has["GPU"] for has in with_gpus), default=None)

    def machines_with(self, asked: Amounts) -> set[str]:
        """The machines with at least these resources in all, whoever else uses them."""
        return {machine for machine, has in self.machines().items() if _fitting(has, asked)}

    def room_for(self, asked: Amounts) -> int:
        """How many workers with these resources all machines hold together, whoever else uses them."""
        return sum(_fitting(has, asked) for has in self.machines().values())

    def check(self, what: str, asked: Amounts, wait_s: float, waits: Callable[[str], None]) -> None:
        """Wait until some machine has what is asked for, as those of a young cluster are still to come.

        Raises Refused where none has after `wait_s`: what there is.
        """
        if wait_s and not self.room_for(asked):
            waits(f"{what} {_amounts(asked)} each, and no machine has that yet; waiting {wait_s:g} s for one to come")
        until = time.monotonic() + wait_s
        while not self.room_for(asked):
            if time.monotonic() >= until:
                raise Refused(f"{what} {_amounts(asked)} each, and no machine has that: {self}")
            time.sleep(0.5)

    def __str__(self) -> str:
        """What there is, machine by machine, equal ones together."""
        kinds: dict[str, int] = {}
        for has in self.machines().values():
            kinds[_amounts(_telling(has))] = kinds.get(_amounts(_telling(has)), 0) + 1
        name = f"Ray at {self.address}" if self.address else "a Ray of its own"
        return f"{name}: " + ("; ".join(f"{n} x {kind}" for kind, n in kinds.items()) or "no machine")


def _initialized(**words: Any) -> None:
    shown = is_verbose()
    logging.getLogger("ray").setLevel(logging.INFO if shown else logging.ERROR)
    level = "INFO" if shown else "ERROR"
    try:
        ray.init(include_dashboard=None, log_to_driver=shown, logging_level=level, configure_logging=False, **words)
    except Exception as error:
        where = words["address"]
        why = " ".join(str(error).split())[:300].rstrip(".")
        if where == AUTO and isinstance(error, ConnectionError):
            raise Refused(
                "no Ray runs on this machine; `ray start --head` starts one, --ray off does without"
            ) from error
        raise Refused(f"cannot join Ray at {where}: {why}; --ray off does without") from error


def _check_answers(address: str) -> None:
    """Raise Refused where the address is none, or nothing listens there."""
    if address == AUTO:
        return
    host, _, port = address.rpartition(":")
    if "://" in address or not host or not port.isdigit():
        raise Refused(
            f"--ray {address}: write it as HOST:PORT, such as 10.0.0.1:6379 (or auto, for the cluster of this "
            "machine); a Ray client's ray:// keeps no run going when the line breaks: use `ray job submit`"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_S).close()
    except (OSError, OverflowError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise Refused(
            f"no Ray answers at {address} ({why}); `ray start --head` starts one, --ray off does without"
        ) from error


@contextmanager
def _sigterm_kept() -> Iterator[None]:
    """What SIGTERM does stays as it was: Ray would end the process without a word, its C++ half with a dump."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def _in_time(connect: Callable[[], None], address: str) -> None:
    """Connect in a thread of its own: it cannot be stopped, but need not be waited for."""
    failed: list[BaseException] = []

    def attempt() -> None:
        try:
            connect()
        except BaseException as error:  # noqa: BLE001 - raised below, where somebody waits
            failed.append(error)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(CONNECT_S)
    if failed:
        raise failed[0]
    if thread.is_alive():
        raise Refused(
            f"something listens at {address}, but no Ray answered within {CONNECT_S:g} s; is it the GCS port?"
        )


def _fitting(has: Amounts, asked: Amounts) -> int:
    counts = [int(has.get(name, 0.0) / amount + 1e-9) for name, amount in asked.items() if amount > 0]
    return min(counts, default=0)


def _telling(has: Amounts) -> Amounts:
    """Without what Ray adds for itself."""
    own = ("node:", "object_store_memory", "accelerator_type:")
    return {name: amount for name, amount in has.items() if not name.startswith(own)}


def _amounts(amounts: Amounts) -> str:
    parts = []
    for name, amount in sorted(amounts.items()):
        if name == "memory":
            parts.append(f"{amount / (1 << 30):.1f} GiB")
        elif amount:
            word = RESOURCES.get(name, name)
            parts.append(f"{amount:g} {word.removesuffix('s') if amount == 1 and name in RESOURCES else word}")
    return ", ".join(parts) or "nothing"
