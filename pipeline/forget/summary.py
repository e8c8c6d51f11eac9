"""Summary: the report of what `forget` did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pipeline.forget.bytes_there import Elsewhere
from pipeline.run.layout import EVALUATION, VERSION
from stages.text import many, plain_lines, table

SHOWN = 10  # most names shown that are in no row


@dataclass(frozen=True)
class ForgetSummary:
    """Which names were images, what was removed from each step, and what is still stored elsewhere."""

    run: str
    images: int
    named: Mapping[str, int] = field(default_factory=dict)  # name -> how many images
    rows: Mapping[str, int] = field(default_factory=dict)  # step -> rows removed
    alike: int = 0  # other images of the run with the same bytes
    elsewhere: Elsewhere = field(default_factory=Elsewhere)
    gallery: str | None = None
    finished: int = 0  # images of an interrupted earlier removal, which was finished first
    pairs_again: bool = True

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        return plain_lines([self.run, *self._head(), *(self._done() if self.images or self.rows else ())])

    def _head(self) -> list[str]:
        lost = [name for name, count in self.named.items() if not count]
        lines = [f"finished what was begun before: {many(self.finished, 'image')}"] if self.finished else []
        lines += [f"{name}: {count:,} images" for name, count in list(self.named.items())[:SHOWN] if count > 1]
        if lost:
            more = f" and {len(lost) - SHOWN:,} more" if len(lost) > SHOWN else ""
            lines.append(f"named no image of this run: {', '.join(lost[:SHOWN])}{more}")
        if self.images:
            return [*lines, f"{many(self.images, 'image')} forgotten"]
        if self.finished or self.rows:
            return lines
        return [*lines, "nothing of what was named is in this run; nothing was changed"]

    def _done(self) -> list[str]:
        rows = [(step, f"{count:,}") for step, count in self.rows.items()]
        lines = table(("step", "rows taken out"), rows)
        if self.rows and not self.pairs_again:
            lines.append("the pairs are made again by `blindpairs run`")
        if of := sorted({folder for step in self.rows if EVALUATION.fullmatch(folder := step.partition("/")[0])}):
            lines.append(
                f"answers, scores and leaderboard of {', '.join(of)} are made again by the next `blindpairs evaluate`"
            )
        if any(VERSION.fullmatch(step) for step in self.rows):
            lines.append("what was exported before is not touched: export again, and take the old ones back")
        if self.alike:
            others = many(self.alike, "other image")
            lines.append(f"still there: {others} of the run with the same bytes; name the sha256 to forget them too")
        lines += [str(self.elsewhere)] if str(self.elsewhere) else []
        lines += [f"gallery: {self.gallery}"] if self.gallery else []
        return [*lines, "next: where URLs are fetched, put them on the source's opt-out list; no other run does then"]
