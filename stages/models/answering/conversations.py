"""Conversations: from questions to a model's input, by its own processor and chat template.

Each question is a conversation of its own: an image, if one is shown, before the words. Conversations of one batch are
padded on the left, so that every reply begins right after its prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image

from stages.models.answering.base import Question
from stages.models.encoders.device import Device

Shown = tuple[Question, Image.Image | None]  # a question, with its image decoded
TRIAL = Question("trial", "What is this?", None, ("A", "B"), "A")
BLANK = Image.new("RGB", (64, 48), "grey")


@dataclass(frozen=True)
class Conversations:
    """A processor, the chat template it writes with, and the device its output goes to."""

    processor: Any
    template: str
    device: Device

    def inputs(self, batch: Sequence[Shown]) -> dict[str, torch.Tensor]:
        """Return the model's input: `input_ids` and `attention_mask` (n, longest), and whatever describes the images.

        Either all conversations have an image or none has. Words that look like a control token, such as "<image>",
        stay words.
        """
        made = self.processor.apply_chat_template(
            [_conversation(question, image) for question, image in batch],
            chat_template=self.template,
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            sanitize_control_tokens=True,
            processor_kwargs={"padding": True, "padding_side": "left"},
        )
        return {name: self._placed(tensor) for name, tensor in made.items()}

    def check(self, image_token: int | None) -> None:
        """Raise ValueError unless an image changes the prompt, and by the token in whose place the model puts it."""
        shown, hidden = (self.inputs([(TRIAL, image)])["input_ids"].tolist()[0] for image in (BLANK, None))
        if shown == hidden:
            raise ValueError("its chat template leaves images out; name a checkpoint whose template includes them")
        if image_token is not None and image_token not in shown:
            raise ValueError(
                f"its prompt lacks the image token, {image_token} in its configuration: tokenizer or chat template do "
                "not fit the model; fetch the checkpoint again"
            )

    def _placed(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.to(self.device.place, self.device.dtype if tensor.is_floating_point() else None)


def conversations(processor: Any, device: Device) -> Conversations:
    """Return the conversations of a processor. Raises ValueError if it has no images, tokenizer or chat template."""
    if getattr(processor, "image_processor", None) is None or getattr(processor, "tokenizer", None) is None:
        raise ValueError("its processor does not take images together with words; name a vision-language model")
    words = processor.tokenizer
    template = processor.chat_template or words.chat_template
    template = template.get("default") if isinstance(template, dict) else template
    if not template:
        raise ValueError(
            "its processor has no chat template, so it is unknown how to ask it; add its authors' template "
            "as chat_template.jinja, or name a checkpoint that has one"
        )
    if words.pad_token is None:
        words.pad_token = words.eos_token  # masked, so that any token will do
    return Conversations(processor, template, device)


def _conversation(question: Question, image: Image.Image | None) -> list[dict[str, Any]]:
    words = {"type": "text", "text": question.words}
    blocks = [words] if image is None else [{"type": "image", "image": image}, words]
    system = {"role": "system", "content": [{"type": "text", "text": question.system}]}
    return [*([system] if question.system else []), {"role": "user", "content": blocks}]
