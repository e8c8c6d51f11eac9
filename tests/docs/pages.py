"""Pages: what a page of Markdown shows: commands, recipes, settings, Python and links."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

FENCE = re.compile(r"^(?P<indent> *)```(?P<kind>[^\n]*)\n(?P<text>.*?)^(?P=indent)```", re.MULTILINE | re.DOTALL)
PLACEHOLDER = "NAME=VALUE"


@dataclass(frozen=True)
class Shown:
    """A command as a sentence names it: its word, and its options."""

    command: str
    options: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join((self.command, *self.options))


def blocks(text: str) -> Iterator[tuple[str, str]]:
    """Yield each block of code: what follows its fence, and its text without the block's own indentation."""
    for found in FENCE.finditer(text):
        yield found["kind"].strip(), textwrap.dedent(found["text"])


def prose(text: str) -> str:
    """Return the page without its blocks of code."""
    return FENCE.sub("", text)


def commands_of(text: str) -> Iterator[str]:
    """Yield each command of blindpairs in a block, on one line, without what the shell does with its output."""
    for _, block in blocks(text):
        for line in block.replace("\\\n", " ").splitlines():
            found = re.match(r"(?:\$ |.* -- |.*(?:docker|kubectl) .* )?(blindpairs [a-z].*)", line.strip())
            if found and "[OPTIONS]" not in line:
                yield re.split(r" (?:>|\||2>|&&) ?", found[1])[0]


def inline_commands(text: str) -> Iterator[Shown]:
    """Yield each command of blindpairs that a sentence names."""
    for found in re.findall(r"`blindpairs ([a-z][^`]*)`", prose(text)):
        words = found.split()
        yield Shown(words[0], tuple(re.findall(r"(?<!\S)--[a-z-]+", found)))


def recipes_of(text: str) -> dict[str, str]:
    """Return the recipes by name: blocks of YAML whose first line is a comment with the file's name."""
    found = (re.match(r"# (\S+\.yaml)\n(.*)", block, re.DOTALL) for kind, block in blocks(text) if kind == "yaml")
    return {one[1]: one[2] for one in found if one}


def settings_of(text: str) -> Iterator[str]:
    """Yield each change of a setting that a sentence shows: `--set NAME=VALUE`."""
    for found in re.findall(r"`--set ([^`]+)`", prose(text)):
        words = shlex.split(f"--set {found}")
        yield from (shlex.quote(word) for word in words if word != "--set" and word != PLACEHOLDER)


def python_of(text: str) -> Iterator[str]:
    """Yield each block of Python."""
    return (block for kind, block in blocks(text) if kind.split(" ")[0] == "python")


def links_of(text: str) -> Iterator[str]:
    """Yield where each link to a file of the project leads, without its place in the page."""
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(text)):
        if not re.match(r"[a-z]+:|#", target):
            yield target.split("#")[0]
