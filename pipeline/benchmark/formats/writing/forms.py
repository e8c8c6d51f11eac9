"""Forms: all forms, by the name that `--format` takes."""

from __future__ import annotations

from manifests.errors import Refused
from pipeline.benchmark.benchmark import Benchmark
from pipeline.benchmark.formats.writing import (
    huggingface,
    label_studio,
    lmms_eval,
    mmvp,
    mmvp_vlm,
    paired_images,
    vlmevalkit,
)
from pipeline.benchmark.formats.writing.form import Form, RunForm
from pipeline.benchmark.formats.writing.training import CAMBRIAN, LLAVA
from stages.text import did_you_mean

FORMS: dict[str, Form] = {
    form.name: form
    for form in (
        mmvp.FORM,
        mmvp_vlm.FORM,
        lmms_eval.FORM,
        vlmevalkit.FORM,
        huggingface.FORM,
        LLAVA,
        CAMBRIAN,
    )
}
OF_THE_RUN: dict[str, RunForm] = {form.name: form for form in (label_studio.FORM, paired_images.FORM)}


def form_of(name: str) -> Form | RunForm:
    """Return the form of this name. Raises Refused, naming the nearest and all forms, if there is none."""
    known: dict[str, Form | RunForm] = {**FORMS, **OF_THE_RUN}
    if name not in known:
        raise Refused(f"there is no format {name!r}; {did_you_mean(name, known)}formats are: {', '.join(known)}")
    return known[name]


def forms_for(benchmark: Benchmark) -> tuple[str, ...]:
    """Return the names of the forms that take at least one pair of a frozen version."""
    return tuple(name for name, form in FORMS.items() if form.part(benchmark).pairs)
