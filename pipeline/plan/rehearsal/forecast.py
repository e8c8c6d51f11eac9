"""Forecast: what embedding a corpus will take and cost, from the measured pace, with the arithmetic shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.config.settings import Prices
from pipeline.plan.figures import LEAST_HOURS, duration, number
from pipeline.plan.rehearsal.photos import HEIGHT, WIDTH
from pipeline.plan.rehearsal.rehearse import Rehearsal
from pipeline.plan.search import GPUS
from stages.text import many

MILLION = 1_000_000
HOUR_S = 3600.0


@dataclass(frozen=True)
class EmbeddingForecast:
    """The embedding of `images` images (None: of each million) by this machine, and by other numbers of its GPUs."""

    images: int | None
    rehearsal: Rehearsal
    prices: Prices

    @property
    def of(self) -> int:
        return MILLION if self.images is None else self.images

    @property
    def seconds(self) -> float:
        """The time on this machine, all its workers together."""
        return self.of / self.rehearsal.pace.rate

    @property
    def unit(self) -> str:
        """What is paid for: a GPU with everything that comes with it, or a core."""
        return "gpu" if self.rehearsal.gpus else "core"

    @property
    def units(self) -> float:
        return self.rehearsal.gpus or self.rehearsal.cores

    @property
    def unit_hours(self) -> float:
        return self.seconds / HOUR_S * self.units

    @property
    def price(self) -> float | None:
        return self.prices.gpu_hour if self.rehearsal.gpus else self.prices.core_hour

    @property
    def money(self) -> float | None:
        return None if self.price is None else self.unit_hours * self.price

    def gpu_seconds(self, gpus: int) -> float:
        """Return the time on `gpus` GPUs like those of this machine."""
        return self.seconds * self.rehearsal.gpus / gpus

    def to_json(self) -> dict[str, Any]:
        measured = asdict(self.rehearsal.pace)
        on_gpus = {str(gpus): self.gpu_seconds(gpus) for gpus in GPUS} if self.rehearsal.gpus else None
        return {
            "images": self.images,
            "forecast_for": self.of,
            "measured": {"images_per_second": measured.pop("rate"), **measured},
            "gpus": self.rehearsal.gpus,
            "cores": self.rehearsal.cores,
            "decode_seconds_per_image": self.rehearsal.decode_s,
            "seconds": self.seconds,
            "seconds_on_gpus": on_gpus,
            f"{self.unit}_hours": self.unit_hours,
            f"price_{self.unit}_hour": self.price,
            "money": self.money,
        }

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        pace = self.rehearsal.pace
        what = many(self.of, "image") if self.images is not None else "a million images, for how many there are is open"
        yield f"embedding of {what} (measured here, on drawn photos of {WIDTH} x {HEIGHT})"
        known = f", +- {100 * pace.error:.1f} %" if pace.error is not None else ""
        on = f" in {pace.computed}" if pace.computed else ""
        counted = f"{many(pace.images, 'image')}, {duration(pace.seconds)}{known}"
        yield f"  rate         {number(pace.rate)} images a second by {many(pace.workers, 'worker')}{on} ({counted})"
        if pace.warm_up_only:
            yield "               only the first images were done in time: it will take no longer than this says"
        yield f"  time         {self.of:,} / {number(pace.rate)} = {duration(self.seconds)} on this machine"
        yield from self._gpu_lines()
        yield from self._cost_lines()
        yield self._decoding()

    def _gpu_lines(self) -> Iterator[str]:
        if gpus := self.rehearsal.gpus:
            each = f"each at {number(self.rehearsal.pace.rate / gpus)} images a second, with as many cores beside it"
            yield f"  on GPUs      {', '.join(f'{duration(self.gpu_seconds(gpus))} on {gpus}' for gpus in GPUS)}:"
            yield f"               {each}"

    def _cost_lines(self) -> Iterator[str]:
        name = "GPU-hours" if self.rehearsal.gpus else "core-hours"
        if self.unit_hours < LEAST_HOURS:
            yield f"  {name:<12} under {LEAST_HOURS:g}"
            return
        hours = f"{number(self.seconds / HOUR_S)} h x {self.units:g} = {number(self.unit_hours)}"
        key = f"prices.{self.unit}_hour"
        money = f"say {key}=... for money" if self.price is None else self._money(key)
        yield f"  {name:<12} {hours}; {money}"

    def _money(self, key: str) -> str:
        return f"{number(self.unit_hours)} x {self.price:g} ({key}) = {self.money:,.2f}"

    def _decoding(self) -> str:
        decode_s = self.rehearsal.decode_s
        busy = decode_s * self.rehearsal.pace.rate / self.rehearsal.cores
        return f"  decoding     {1000 * decode_s:.2g} ms of a core an image: {busy:.1%} of the cores at this rate"
