"""Answers: what each command says, for a person (`str`) and for a program (`to_json`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from manifests.counts import Counts
from manifests.draft import Draft
from manifests.manifest import Manifest


@dataclass(frozen=True)
class StepAnswer:
    """One step: its state, its shards, and what became of what it saw."""

    step: str
    state: str
    shards: int
    planned: int | None
    counts: Counts
    unit: str = "rows"
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "counts": self.counts.to_json()}

    def cells(self) -> tuple[str, ...]:
        shards = f"{self.shards}/{'?' if self.planned is None else self.planned}"
        why = ", ".join(f"{reason} {count:,}" for reason, count in self.counts.rejected.items())
        aside = ", ".join(f"{name} {count:,}" for name, count in list(self.counts.aside.items())[:4])
        notes = (why, aside and f"aside: {aside}", self.note)
        seen, ok = (f"{self.counts.seen:,}", f"{self.counts.ok:,}") if self.counts.seen else ("", "")
        return (self.step, self.state, shards, seen, ok, plain("; ".join(note for note in notes if note)))


@dataclass(frozen=True)
class RunAnswer:
    """A run, step by step, and where to look next."""

    run: str
    steps: tuple[StepAnswer, ...]
    gallery: str | None = None
    next: str = ""

    def to_json(self) -> dict[str, Any]:
        return {"run": self.run, "steps": [one.to_json() for one in self.steps], "gallery": self.gallery}

    def __str__(self) -> str:
        head = ("step", "state", "shards", "seen", "ok", "left out, and notes")
        lines = [self.run, *table(head, [step.cells() for step in self.steps])]
        lines += [f"gallery: {self.gallery}"] if self.gallery else []
        return plain_lines([*lines, self.next] if self.next else lines)


class Told(Protocol):
    """Something that says itself to a person (`str`) and to a program."""

    def to_json(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class PlanAnswer:
    """What a run would do, step by step, and what embedding and search will take as far as that is known."""

    run: str
    steps: tuple[StepAnswer, ...]
    search: Told | None = None
    embedding: Told | None = None

    def to_json(self) -> dict[str, Any]:
        told = {"embedding": self.embedding, "search": self.search}
        known = {name: one.to_json() for name, one in told.items() if one is not None}
        return {"run": self.run, "steps": [one.to_json() for one in self.steps], **known}

    def __str__(self) -> str:
        lines = [str(RunAnswer(self.run, self.steps))] if self.steps else []
        lines += [str(one) for one in (self.embedding, self.search) if one is not None]
        start = "`blindpairs run` with the same words does it" if self.steps else "no source and no hub was asked"
        return "\n".join([*lines, f"nothing was started; {start}"])


@dataclass(frozen=True)
class RowsAnswer:
    """The first rows of a manifest."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]
    total: int

    def to_json(self) -> dict[str, Any]:
        return {"manifest": self.title, "rows": [dict(row) for row in self.rows], "total": self.total}

    def __str__(self) -> str:
        cells = [tuple(_cell(row[name]) for name in self.columns) for row in self.rows]
        return plain_lines([f"{self.title}: {len(self.rows)} of {self.total:,} rows", *table(self.columns, cells)])


@dataclass(frozen=True)
class LineageAnswer:
    """What a manifest was made of, and of what its inputs were."""

    chain: tuple[Manifest | Draft, ...]

    def to_json(self) -> dict[str, Any]:
        return {"steps": [_lineage_json(one) for one in self.chain]}

    def __str__(self) -> str:
        return plain_lines(line for one in self.chain for line in _lineage_lines(one))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of text in columns as wide as they must be; the last column is not padded."""
    widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
    widths[-1] = 0
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (head, *rows)
    ]


def _lineage_json(one: Manifest | Draft) -> dict[str, Any]:
    state = {"committed": isinstance(one, Manifest), "grown": [then.to_json() for then in one.grown]}
    state["removed"] = [gone.to_json() for gone in one.removed]
    state["computed"] = dict(_computed(one))
    return {**one.lineage.to_json(), "fingerprint": one.lineage.fingerprint, **state}


def _lineage_lines(one: Manifest | Draft) -> list[str]:
    lineage, state = one.lineage, "committed" if isinstance(one, Manifest) else "not finished"
    lines = [f"{lineage.step}  {lineage.fingerprint}  ({lineage.stage}, table {lineage.table}, {state})"]
    lines += [f"  it grew: {then.shards:,} shards were {then.fingerprint}" for then in one.grown]
    lines += [f"  taken out {gone.at}: {gone.rows:,} rows ({gone.why})" for gone in one.removed]
    lines += [f"  computed in {how}: {shards:,} shards" for how, shards in _computed(one).items()]
    lines += [f"  {name} = {value}" for name, value in lineage.leaves()]
    return lines


def _computed(one: Manifest | Draft) -> Mapping[str, int]:
    return one.computed if isinstance(one, Manifest) else {}


def many(count: int, one: str, several: str = "") -> str:
    """`3 pairs`, `1 pair`; `several` where more than one take no `s`."""
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"


def plain(text: str) -> str:
    """`text` without control characters: a file's name must not steer a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)


def plain_lines(lines: Iterable[str]) -> str:
    """A text of these lines and no others, each of them plain."""
    return "\n".join(map(plain, lines))


# C0 but tab and line feed, DEL, C1; what turns the direction of all that follows; halves of characters
STEERING = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    """`text` for a page: each control character as a sign that can be seen, all else as it is."""
    return STEERING.sub(lambda found: _sign(ord(found[0])), text)


def shown(value: Any) -> Any:
    """A value as a template puts it into a page (Jinja's `finalize`): a text as `visible` has it, markup as it is."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _sign(code: int) -> str:
    """The picture of a control character that has one (Unicode's block Control Pictures)."""
    return chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else "\ufffd"


def _cell(value: Any, most: int = 44) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        value = f"[{', '.join(value)}]"
    if isinstance(value, list):
        return f"[{', '.join(f'{number:.3f}' for number in value[:3])}, ... {len(value)}]"
    text = "" if value is None else plain(" ".join(str(value).split()))
    return text if len(text) <= most else text[: most - 1] + "…"
