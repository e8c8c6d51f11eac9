"""Local worker: what runs inside a process that local_executor.py starts."""

from __future__ import annotations

import os
import platform
import signal
import threading
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait

from pipeline.executors.logs import is_verbose, show_logs
from pipeline.executors.serving import Serving, limit_libraries


def serve(line: Connection, threads: int, gpus: tuple[str, ...]) -> None:
    """Say hello, then answer each message until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's to answer
    threading.Thread(target=_end_with_driver, daemon=True).start()
    limit_libraries(threads, gpus)
    if is_verbose():
        show_logs()
    serving = Serving()
    line.send(serving.hello(platform.node()))
    while True:
        try:
            message = line.recv()
        except EOFError:
            return
        line.send(serving.answer(message, line.send))


def _end_with_driver() -> None:
    """End this process when its driver is gone, even by kill -9; a shard is whole or absent either way."""
    driver = parent_process()
    assert driver is not None
    wait([driver.sentinel])
    os._exit(1)
