"""Tiny vision-language models: real classes of the transformers library, built from configuration, random weights.

Each folder has what a checkpoint of the hub has: weights, configuration, processor, tokenizer, chat template.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from world.checkpoints import _drawn, built_once

SPECIAL = ["<s>", "</s>", "<pad>", "<image>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
TEXT = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
VOCABULARY = 270  # 256 bytes, 6 letters with a space, 8 special tokens
LLAVA_TEMPLATE = (
    "{% for message in messages %}{{ message['role'].upper() }}: "
    "{% for block in message['content'] %}"
    "{% if block['type'] == 'image' %}<image>\n{% else %}{{ block['text'] }}{% endif %}"
    "{% endfor %} {% endfor %}{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)
QWEN_TEMPLATE = LLAVA_TEMPLATE.replace("<image>", "<|vision_start|><|image_pad|><|vision_end|>")


@built_once
def llava(folder: Path, *, context: int = 512) -> Path:
    """LLaVA: CLIP's image tower (32 x 32 pixels, 16 patches), a projection, and a Llama of two layers."""
    from transformers import (
        CLIPImageProcessor,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    words = tokenizer()
    pictures = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    LlavaProcessor(
        image_processor=CLIPImageProcessor(**pictures),
        tokenizer=words,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=LLAVA_TEMPLATE,
    ).save_pretrained(folder)
    text = LlamaConfig(**TEXT, **_ids(words), vocab_size=VOCABULARY, max_position_embeddings=context)
    vision = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 32, "patch_size": 8}
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(**vision, intermediate_size=48, projection_dim=32),
        text_config=text,
        image_token_index=words.convert_tokens_to_ids("<image>"),
    )
    return _saved(LlavaForConditionalGeneration(config), words, folder)


@built_once
def qwen2_vl(folder: Path) -> Path:
    """Qwen2-VL: an image tower for any size of image, with positions in two dimensions, and a Qwen of two layers."""
    from transformers import (
        Qwen2VLConfig,
        Qwen2VLForConditionalGeneration,
        Qwen2VLImageProcessor,
        Qwen2VLProcessor,
        Qwen2VLVideoProcessor,
    )

    words = tokenizer()
    pictures = {"patch_size": 8, "temporal_patch_size": 2, "merge_size": 2}
    area = {"size": {"shortest_edge": 32 * 32, "longest_edge": 96 * 96}}
    Qwen2VLProcessor(
        image_processor=Qwen2VLImageProcessor(**pictures, **area),
        tokenizer=words,
        video_processor=Qwen2VLVideoProcessor(**pictures),
        chat_template=QWEN_TEMPLATE,
    ).save_pretrained(folder)
    rope = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [1, 1, 2]}
    text = {**TEXT, "num_key_value_heads": 2, "vocab_size": VOCABULARY, "max_position_embeddings": 512}
    tower = {"depth": 2, "embed_dim": 32, "hidden_size": 32, "num_heads": 2, "mlp_ratio": 2, "patch_size": 8}
    named = {"image": "<|image_pad|>", "video": "<|video_pad|>"}
    named |= {"vision_start": "<|vision_start|>", "vision_end": "<|vision_end|>"}
    config = Qwen2VLConfig(
        text_config={**text, **_ids(words), "rope_parameters": rope},
        vision_config={**tower, "in_channels": 3, "spatial_merge_size": 2, "temporal_patch_size": 2},
        **{f"{name}_token_id": words.convert_tokens_to_ids(token) for name, token in named.items()},
    )
    return _saved(Qwen2VLForConditionalGeneration(config), words, folder)


@built_once
def llama(folder: Path) -> Path:
    """A language model, which is shown no image."""
    from transformers import CLIPImageProcessor, LlamaConfig, LlamaForCausalLM

    words = tokenizer()
    words.save_pretrained(folder)
    CLIPImageProcessor().save_pretrained(folder)
    return _saved(LlamaForCausalLM(LlamaConfig(**TEXT, **_ids(words), vocab_size=VOCABULARY)), words, folder)


def tokenizer() -> Any:
    """Bytes as tokens, a letter with the space before it as one token too, and the models' own special tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    spaced = [f"Ġ{letter}" for letter in "ABCDab"]
    vocabulary = {token: number for number, token in enumerate([*alphabet, *spaced])}
    core = Tokenizer(models.BPE(vocab=vocabulary, merges=[("Ġ", token[1:]) for token in spaced]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    core.decoder = decoders.ByteLevel()
    names = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}
    return PreTrainedTokenizerFast(tokenizer_object=core, **names, additional_special_tokens=SPECIAL[3:])


def _ids(words: Any) -> dict[str, int]:
    return {f"{name}_token_id": getattr(words, f"{name}_token_id") for name in ("bos", "eos", "pad")}


def _saved(model: Any, words: Any, folder: Path) -> Path:
    """Write the weights and a generation_config.json that asks for sampling, as those of many models do."""
    from transformers import GenerationConfig

    asked = {"do_sample": True, "temperature": 1.5, "top_k": 7, "top_p": 0.6, "repetition_penalty": 4.0}
    model.generation_config = GenerationConfig(**_ids(words), **asked)
    _drawn(model).save_pretrained(folder)
    return folder
