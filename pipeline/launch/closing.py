"""Closing: the last lines of `blindpairs run`: how many pairs there are, and if none, the command that gives some."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from manifests.manifest import Manifest
from pipeline.config.changes import Change
from pipeline.config.loading import Recipe
from pipeline.reports.gallery.advice import SEARCH_FROM, WANTED, advised
from pipeline.reports.gallery.facts import Advice
from stages.text import many


@dataclass(frozen=True)
class Command:
    """What a person asked of `blindpairs run`, to be asked again with other settings."""

    recipe: str
    changes: tuple[str, ...]
    root: str
    name: str | None  # --run
    others: tuple[str, ...] = ()  # further options

    @classmethod
    def asked(
        cls, recipe: Recipe, changes: Sequence[Change], root: str, name: str | None, others: Sequence[str]
    ) -> Command | None:
        """Return the command; None where Python asked, with values that no command line holds."""
        words = tuple(change for change in changes if isinstance(change, str))
        if not isinstance(recipe, str) or len(words) < len(changes):
            return None
        return cls(recipe, words, root, name, tuple(others))

    def again(self, settings: Sequence[str], redo: str | None = None) -> str:
        """Return the same command with these settings (NAME=VALUE) changed, for a shell; `redo`: a step to discard."""
        changed = {setting.split("=", 1)[0] for setting in settings}
        kept = [change for change in self.changes if change.split("=", 1)[0].strip() not in changed]
        sets = [word for change in (*kept, *settings) for word in ("--set", change)]
        root = ["--root", self.root] if self.root != "runs" else []
        run = ["--run", self.name] if self.name else []
        again = ["--redo", redo] if redo else []
        return shlex.join(["blindpairs", "run", self.recipe, *sets, *root, *run, *self.others, *again])


def closing(manifests: Mapping[str, Manifest], command: Command | None) -> str:
    """Return the closing lines of a run; "" if it has not come to pairs."""
    if "pairs" not in manifests:
        return ""
    chosen, pairs = manifests["pairs"].lineage.settings["filter"], manifests["pairs"].counts.ok
    bounds = f"blind {chosen['comparison']} {chosen['blind_min']:g}, reference < {chosen['reference_max']:g}"
    among = many(manifests["embeddings"].counts.ok, "image")
    lines = _advice(advised(manifests), command)
    return "\n".join([f"{many(pairs, 'blind pair')} among {among} ({bounds})", *lines])


def _advice(advice: Advice | None, command: Command | None) -> Iterator[str]:
    if advice is None:
        return
    if advice.choice:
        yield f"For {many(advice.pairs, 'pair')}, without a new search:"
        yield f"  {_again(command, advice.settings())}"
    if advice.wider:
        yield (
            f"The search kept only pairs with a blind cosine >= {advice.floor:g} (search.min_cosine), too high "
            f"for about {WANTED} pairs. To search again with a lower floor, and keep the embeddings:"
        )
        yield f"  {_again(command, advice.wider.settings(), SEARCH_FROM)}"


def _again(command: Command | None, settings: Sequence[str], redo: str | None = None) -> str:
    if command is None:
        return ", ".join([*settings, *([f"redo={redo}"] if redo else [])])
    return command.again(settings, redo)
