"""Settings: a recipe's values, read strictly. A misspelled key is an error that names the nearest valid key."""

from __future__ import annotations

import difflib
import logging
import math
from functools import cache
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from stages.base import Machine
from stages.directions.settings import SketchSettings
from stages.download.settings import DownloadSettings
from stages.embed.settings import EmbedSettings
from stages.filter.settings import FilterSettings
from stages.search.settings import SearchSettings
from stages.settings import Settings

RunName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=80)]
DECODERS = 2  # decoding threads per computing thread on a CPU


class WorkerSettings(Settings):
    """How a step's work is distributed. It changes rows only by rounding errors, so no fingerprint includes it."""

    count: int | None = Field(
        None, ge=1, description="number of workers; null: as many as the cores (or GPUs) and the memory allow"
    )
    cpus: float | None = Field(
        None,
        gt=0,
        description="cores reserved for a worker; null: its threads, or for embed on a GPU its share of the cores",
    )
    gpus: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="GPUs per worker; 0.5: two share one; null: 0.5 for embed and 1 for search if there are any GPUs",
    )
    memory: float | None = Field(None, gt=0, description="GiB reserved for a worker; null: the stage's own estimate")
    custom: dict[str, float] = Field({}, description="custom Ray resources that a worker takes: {fast_disk: 1}")
    threads: int = Field(1, ge=1, description="threads that a worker computes with; moves a vector by < 1e-6")
    decoders: int | None = Field(
        None, ge=1, description="threads that a worker decodes images with; null: 2, or on a GPU its share of the cores"
    )
    batch: int | None = Field(
        None,
        ge=1,
        description="images that a GPU computes at once, fewer if memory runs out; null: measured, and remembered",
    )
    compile: bool = Field(
        False, description="compile networks first (torch.compile): takes a minute or more per worker"
    )
    vectors: float = Field(
        0.5, ge=0, description="GiB of vectors that a search worker may hold, so that each tile reads them only once"
    )
    attempts: int = Field(
        3, ge=1, description="number of attempts at a task whose worker dies; then the task fails alone"
    )
    timeout_s: float = Field(
        7200, gt=0, description="seconds; if a task (or a worker's set-up) takes longer, the worker is stopped"
    )
    max_failed: float = Field(0.9, ge=0, le=1, description="a task fails if more than this share of its images do")

    @field_validator("gpus")
    @classmethod
    def _whole_or_a_share(cls, gpus: float | None) -> float | None:
        if gpus is not None and gpus > 1 and gpus != int(gpus):
            raise ValueError("a worker has a share of one GPU, such as 0.5, or whole ones")
        return gpus

    def cpus_of(self, share: float | None = None) -> float:
        """Return the cores one worker uses; `share`: its share of the machine's cores, beside a GPU."""
        return self.cpus or max(float(self.threads), math.floor(share or 0.0))

    def reserved_bytes(self, needed: int) -> int:
        """Return the memory one worker uses; `needed` is the stage's own estimate."""
        return int(self.memory * (1 << 30)) if self.memory else needed

    def machine(self, gpus: float, cpus: float = 0.0) -> Machine:
        """Return the resources of a worker with these settings, this many GPUs (0: none) and cores."""
        return Machine(
            device="cuda" if gpus else "cpu",
            gpus=max(1, int(gpus)),
            threads=self.threads,
            decoders=self.decoders or max(DECODERS, int(cpus) if gpus else 0),
            batch=self.batch,
            compile=self.compile,
            vectors=int(self.vectors * (1 << 30)),
        )


class Workers(Settings):
    """The worker settings of each step, by the section that configures the step."""

    images: WorkerSettings = WorkerSettings()
    embed: WorkerSettings = WorkerSettings()
    sketch: WorkerSettings = WorkerSettings()
    search: WorkerSettings = WorkerSettings()
    filter: WorkerSettings = WorkerSettings()


class Prices(Settings):
    """What machines cost. Only `plan` reads it; it changes no row, so no fingerprint includes it."""

    gpu_hour: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="what an hour of one GPU and its share of the machine costs, in your currency",
    )
    core_hour: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="what an hour of one core costs, if there is no GPU"
    )


@cache
def _warn_of_agreement(reference_max: float, blind_min: float) -> None:
    """Warn, once for the same values."""
    logging.getLogger(__name__).warning(
        "filter.reference_max %g is above filter.blind_min %g: pairs on which both encoders agree will count as blind",
        reference_max,
        blind_min,
    )


class Config(Settings):
    """A complete recipe."""

    run: RunName = Field(description="name of the run: its manifests are stored in root/run/step")
    images: DownloadSettings
    embed: EmbedSettings
    sketch: SketchSettings = SketchSettings()
    search: SearchSettings
    filter: FilterSettings = FilterSettings()
    workers: Workers = Workers()
    prices: Prices = Prices()

    @model_validator(mode="after")
    def _roles_are_encoders(self) -> Config:
        for role, name in (("blind", self.search.blind), ("reference", self.search.reference)):
            if name not in self.embed.encoders:
                near = difflib.get_close_matches(name, self.embed.encoders, n=1)
                known = f"did you mean {near[0]}?" if near else f"there are: {', '.join(self.embed.encoders)}"
                raise ValueError(f"search.{role}: {name!r} is no encoder of embed.encoders; {known}")
        return self

    @model_validator(mode="after")
    def _roles_differ(self) -> Config:
        if self.search.blind == self.search.reference:
            raise ValueError(
                f"search.reference: {self.search.reference!r} is also search.blind, and an encoder agrees with itself "
                "on every pair; name two encoders"
            )
        if self.filter.reference_max > self.filter.blind_min:
            _warn_of_agreement(self.filter.reference_max, self.filter.blind_min)
        return self

    @model_validator(mode="after")
    def _floor_below_thresholds(self) -> Config:
        floor, chosen = self.search.min_cosine, self.filter
        asked = {"blind_min": chosen.blind_min}
        if chosen.near_duplicate_min is not None and "near_duplicate_min" in chosen.model_fields_set:
            asked["near_duplicate_min"] = chosen.near_duplicate_min
        for name, value in asked.items():
            if value < floor:
                raise ValueError(
                    f"filter.{name} {value} lies below search.min_cosine {floor}: what lies between was never "
                    f"searched; lower search.min_cosine to it, or raise filter.{name}"
                )
        return self
