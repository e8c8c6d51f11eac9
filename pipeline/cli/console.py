"""Console: answers on stdout, errors as one line on stderr with an exit code. It alone ends a command.

With --json an error is also a JSON object on stdout, so that whoever parses the answer finds it there.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NoReturn, cast

import typer

JSON = "--json"
_in_json = ContextVar("in_json", default=False)
# of an unknown option, a missing argument and the like; typer gives this class no public name
_UsageError = cast("type[Any]", typer.BadParameter.__base__)


def answer_in_json(value: bool) -> bool:
    """Remember --json, whose callback this is, for errors."""
    _in_json.set(value)
    return value


@contextmanager
def exit_on_error(stopped: str = "finished shards are kept; run the same command again to continue") -> Iterator[None]:
    """Turn an error into one line and an exit code. `stopped`: what to print after Ctrl-C or SIGTERM."""
    from manifests.errors import BlindpairsError
    from pipeline.executors.arrow import leave_pandas_out
    from stages.text import without_secrets

    leave_pandas_out()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a scheduler's stop is a person's
    try:
        yield
    except BlindpairsError as error:
        _end(without_secrets(str(error)), error.exit_code, error)
    except KeyboardInterrupt:
        _end(f"stopped; {stopped}", 130)
    except BrokenPipeError:  # whoever read the answer has read enough, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        _end(f"{error.strerror or error}: {error.filename or 'see above'}", 1, error)


@contextmanager
def usage_errors_in_json(words: Sequence[str]) -> Iterator[None]:
    """Give the error of a command line that cannot be parsed as any other error, if its words ask for JSON."""
    try:
        yield
    except _UsageError as error:
        if JSON not in words:
            raise  # the usage, and the error below it
        with_help = f"; see `{error.ctx.command_path} --help`" if error.ctx else ""
        _end(error.format_message().rstrip(".") + with_help, error.exit_code, error, in_json=True)


def print_summary(value: Any, as_json: bool) -> None:
    """Print a command's answer: `value.to_json()` for programs, `str(value)` for people."""
    print_text(json.dumps(value.to_json(), indent=1) if as_json else str(value))


def print_text(text: str) -> None:
    """Print a text, of which no character but its ends of lines steers a terminal."""
    from stages.text import visible

    typer.echo(visible(text))


def _end(sentence: str, code: int, cause: BaseException | None = None, *, in_json: bool = False) -> NoReturn:
    """Print why a command ends, in one line, and end it."""
    from stages.text import plain

    line = plain(sentence)
    if in_json or _in_json.get():
        typer.echo(json.dumps({"error": line, "exit_code": code}))
    typer.echo(f"blindpairs: {line}", err=True)
    raise typer.Exit(code) from cause
