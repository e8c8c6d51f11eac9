"""Console: answers on stdout, errors as one line on stderr with an exit code. It alone ends a command."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer


def without_secrets(text: str) -> str:
    """`text` with user names and passwords of URLs masked, wherever a person may have put one."""
    return re.sub(r"://[^\s'\"]+@", "://***@", text)


@contextmanager
def exit_on_error(stopped: str = "whole shards are kept, the same command goes on from them") -> Iterator[None]:
    """Turn an error into its one line and exit code; a stop (Ctrl-C, or SIGTERM) into what became of it: `stopped`."""
    from manifests.errors import BlindpairsError
    from pipeline.executors.arrow import leave_pandas_out

    leave_pandas_out()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a scheduler's stop is a person's
    try:
        yield
    except BlindpairsError as error:
        _complain(without_secrets(str(error)))
        raise typer.Exit(error.exit_code) from error
    except KeyboardInterrupt:
        _complain(f"stopped; {stopped}")
        raise typer.Exit(130) from None
    except BrokenPipeError:  # whoever read the answer has read enough, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        _complain(f"{error.strerror or error}: {error.filename or 'see above'}")
        raise typer.Exit(1) from error


def print_summary(value: Any, as_json: bool) -> None:
    """Print a command's answer: `value.to_json()` for programs, `str(value)` for people."""
    print_text(json.dumps(value.to_json(), indent=1) if as_json else str(value))


def print_text(text: str) -> None:
    """Print a text, of which no character but its ends of lines steers a terminal."""
    from stages.text import visible

    typer.echo(visible(text))


def _complain(sentence: str) -> None:
    """Print why a command ends, in one line."""
    from stages.text import plain

    typer.echo(f"blindpairs: {plain(sentence)}", err=True)
