"""Commands: the command line's reference, from the commands' own parameters and docstrings."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

from typer.main import get_command

from pipeline.cli import app

from .markdown import code, table

SENTENCES = {
    "Make": "Plan a run and make it.",
    "Inspect": "Look at a run, a recipe or a source. `report` writes the gallery; the others change nothing.",
    "Benchmark": "From the pairs of a run to a benchmark, and back.",
    "Models": "Ask models the questions of a benchmark, and compare them.",
    "Manage": "Mend a run, take images out of it, and start a recipe.",
}
VALUES = {int: "N", str: "TEXT", Path: "PATH"}


def commands() -> str:
    """Return a section for each command, in the groups of `blindpairs --help`."""
    found = get_command(app.app).commands
    return "\n".join(
        "\n".join([f"## {title}\n", f"{sentence}\n", *_group(title, found)]) for title, sentence in SENTENCES.items()
    )


def _group(title: str, found: dict[str, Any]) -> Iterator[str]:
    for command in app.GROUPS[title]:
        name = command.__name__.rstrip("_")
        yield from _command(name, found[name])


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
