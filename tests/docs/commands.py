"""Commands: the command line's reference, from the commands' own parameters and docstrings."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

from typer.main import get_command

from pipeline.cli import app, benchmark, look

from .markdown import code, table

GROUPS = {
    app.__name__: ("Runs", "Plan a run, make it, and change it."),
    look.__name__: ("Inspection", "These commands read a run, a recipe or a source, and change nothing."),
    benchmark.__name__: ("Benchmarks", "From the pairs of a run to a benchmark, and back."),
}
VALUES = {int: "N", str: "TEXT", Path: "PATH"}


def commands() -> str:
    """Return a section for each command, in groups."""
    found = get_command(app.app).commands
    return "\n".join(
        "\n".join([f"## {title}\n", f"{sentence}\n", *_group(module, found)])
        for module, (title, sentence) in GROUPS.items()
    )


def _group(module: str, found: dict[str, Any]) -> Iterator[str]:
    for name, command in found.items():
        if inspect.unwrap(command.callback).__module__ == module:
            yield from _command(name, command)


def _command(name: str, command: Any) -> Iterator[str]:
    hints = get_type_hints(inspect.unwrap(command.callback))
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option"]
    yield f"### {name}\n"
    text, _, example = inspect.cleandoc(command.help).partition("\n\nExample: ")
    yield "\n\n".join(" ".join(one.split()) for one in text.split("\n\n")) + "\n"
    usage = " ".join(["blindpairs", name, *map(_argument, arguments), "[OPTIONS]"])
    yield f"```text\n{usage}\n```\n"
    rows = [(code(_argument(one)), "", one.help or "") for one in arguments]
    rows += [(code(_option(one, hints)), code(_default(one)), one.help) for one in options]
    yield table(("argument or option", "default", "meaning"), rows)
    yield f"For example:\n\n```sh\n{example}\n```\n"


def _argument(argument: Any) -> str:
    name = argument.metavar or argument.name.upper()
    return name if argument.required or name.startswith("[") else f"[{name}]"


def _option(option: Any, hints: dict[str, Any]) -> str:
    names = ", ".join((*option.opts, *option.secondary_opts))
    return names if option.is_flag else f"{names} {option.metavar or _value(hints[option.name])}"


def _value(hint: Callable[..., Any]) -> str:
    return next(VALUES[kind] for kind in (hint, *get_args(hint)) if kind in VALUES)


def _default(option: Any) -> str:
    if option.required:
        return "required"
    return "" if option.default in (None, False) else str(option.default).replace("True", option.opts[0])
