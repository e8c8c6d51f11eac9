"""Settings: an evaluation in a recipe: which benchmark, which models, how replies are read."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from stages.models.answering.settings import ANSWERING_KINDS, BuiltIn, Checkpoint, PromptForm, Server
from stages.models.matching.settings import MATCHING_KINDS, OpenClipTowers, TransformersTowers
from stages.settings import Settings, known_kind

ReaderName = Literal["form", "ours", "cambrian", "lmms-eval", "vlmevalkit", "pope"]
ModelName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=60)]


class Imported(Settings):
    """Replies that another program got: lmms-eval's samples, VLMEvalKit's table, or the answers of MMVP's script."""

    kind: Literal["lmms-eval-log", "vlmevalkit-table", "mmvp-answers"]
    file: str = Field(description="the file it wrote: .jsonl of lmms-eval and MMVP, .xlsx or .tsv of VLMEvalKit")
    prompt: PromptForm | None = Field(None, description="the form in which it asked; null: the program's own")
    vision: bool = Field(True, description="false: the model was not shown the images")


IMPORTED_KINDS = ("lmms-eval-log", "vlmevalkit-table", "mmvp-answers")
AskedModel = BuiltIn | Checkpoint | Server | OpenClipTowers | TransformersTowers
ModelSettings = Annotated[
    AskedModel | Imported,
    Field(discriminator="kind"),
    BeforeValidator(known_kind("model", (*ANSWERING_KINDS, *MATCHING_KINDS, *IMPORTED_KINDS))),
]


class RunQuestions(Settings):
    """The frozen questions of a run."""

    kind: Literal["run"]
    uri: str = Field(description="the run's folder, such as runs/mmvp")
    version: int = Field(ge=1, description="version of its questions")


class Published(Settings):
    """A published benchmark's files, as they are on the hub."""

    kind: Literal["cv-bench", "pope", "naturalbench", "vismin", "hallusionbench"]
    uri: str = Field(description="its folder, or its Parquet, JSON or JSON-lines file")
    images: str | None = Field(None, description="folder of its images, where the file only names them")


BENCHMARK_KINDS = ("run", "cv-bench", "pope", "naturalbench", "vismin", "hallusionbench")
BenchmarkSettings = Annotated[
    RunQuestions | Published, Field(discriminator="kind"), BeforeValidator(known_kind("benchmark", BENCHMARK_KINDS))
]
