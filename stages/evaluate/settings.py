"""Settings: an evaluation in a recipe: which benchmark, which models, how replies are read."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from stages.evaluate.imports.settings import IMPORTED_KINDS, ImportedSettings
from stages.models.answering.settings import ANSWERING_KINDS, BuiltIn, Checkpoint, Server
from stages.models.matching.settings import MATCHING_KINDS, OpenClipTowers, TransformersTowers
from stages.settings import Settings, known_kind

ReaderName = Literal["form", "ours", "cambrian", "lmms-eval", "vlmevalkit", "pope"]
ModelName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=60)]
AskedSettings = BuiltIn | Checkpoint | Server | OpenClipTowers | TransformersTowers
ModelSettings = Annotated[
    AskedSettings | ImportedSettings,
    Field(discriminator="kind"),
    BeforeValidator(known_kind("model", (*ANSWERING_KINDS, *MATCHING_KINDS, *IMPORTED_KINDS))),
]


class RunQuestions(Settings):
    """The frozen questions of a run."""

    kind: Literal["run"]
    uri: str = Field(description="the run's folder, such as runs/mmvp")
    version: int = Field(ge=1, description="version of the questions")


class Published(Settings):
    """A published benchmark's files, as they are on the hub."""

    kind: Literal["cv-bench", "pope", "naturalbench", "vismin", "hallusionbench"]
    uri: str = Field(description="its folder, or its Parquet, JSON or JSON-lines file")
    images: str | None = Field(None, description="folder of the images, if the file only names them")


BENCHMARK_KINDS = ("run", "cv-bench", "pope", "naturalbench", "vismin", "hallusionbench")
BenchmarkSettings = Annotated[
    RunQuestions | Published, Field(discriminator="kind"), BeforeValidator(known_kind("benchmark", BENCHMARK_KINDS))
]
