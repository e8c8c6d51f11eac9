"""Settings: a file of another program's replies, in place of a model that is asked; one class per format."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field

from manifests.stores.places import absolute
from stages.settings import Settings

FilePrompt = Literal["mmvp", "letter", "lmms-eval", "vlmevalkit"]  # not `ours`, which asks both orders of the options
File = Annotated[str, AfterValidator(absolute)]  # a worker may have another working folder


class Imported(Settings):
    """What every file of replies has. `prompt` says how they were obtained: nothing is asked again."""

    uri: File = Field(description="the file, on a disk or in a bucket")
    vision: bool = Field(True, description="false: the model was not shown the images")


class LmmsEvalLog(Imported):
    """Replies to the exported task from lmms-eval: one task's samples file, written with `--log_samples`."""

    kind: Literal["lmms-eval-log"]
    prompt: FilePrompt = Field("lmms-eval", description="prompt form in which the questions were put")


class VlmEvalKitResult(Imported):
    """Replies to the exported TSV from VLMEvalKit: its prediction file, a .tsv, an .xlsx or a .json."""

    kind: Literal["vlmevalkit-result"]
    prompt: FilePrompt = Field("vlmevalkit", description="prompt form in which the questions were put; not in the file")
    sheet: str | None = Field(None, description="name of the sheet in the workbook; null: the first one")


class MmvpAnswers(Imported):
    """Replies to the exported folder from MMVP's own script evaluate_mllm.py: its answers file, in JSON lines."""

    kind: Literal["mmvp-answers"]
    prompt: FilePrompt = Field("mmvp", description="prompt form in which the questions were put")


ImportedSettings = LmmsEvalLog | VlmEvalKitResult | MmvpAnswers
IMPORTED: tuple[type[Imported], ...] = (LmmsEvalLog, VlmEvalKitResult, MmvpAnswers)
IMPORTED_KINDS = tuple(kind for one in IMPORTED for kind in get_args(one.model_fields["kind"].annotation))
