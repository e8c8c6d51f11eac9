"""Forms: all of them, by the name that `--format` takes."""

from __future__ import annotations

from pipeline.exchange import (
    huggingface_form,
    label_studio,
    lmms_eval_form,
    mmvp,
    mmvp_vlm,
    paired_images,
    vlmevalkit_form,
)
from pipeline.exchange.form import Form, RunForm
from pipeline.exchange.training_forms import CAMBRIAN, LLAVA

FORMS: dict[str, Form] = {
    form.name: form
    for form in (
        mmvp.FORM,
        mmvp_vlm.FORM,
        lmms_eval_form.FORM,
        vlmevalkit_form.FORM,
        huggingface_form.FORM,
        LLAVA,
        CAMBRIAN,
    )
}
OF_THE_RUN: dict[str, RunForm] = {form.name: form for form in (label_studio.FORM, paired_images.FORM)}
