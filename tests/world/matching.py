"""Tiny models with two towers: real classes of transformers and open_clip, seeded weights, real tokenizers.

Each folder has what a checkpoint of the hub has. Letters are tokens, so that short texts can be too long.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from world.checkpoints import CLIP_CONFIG, CLIP_PREPROCESSING, _drawn, _save, built_once

LONGEST = 24  # tokens, with those that mark begin and end
WIDTH = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
EOS = 1  # of the letters' vocabulary


@built_once
def clip(folder: Path, *, longest: int = LONGEST) -> Path:
    """CLIP: 32 x 32 pixels; text pooled at the token that ends it."""
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

    words = byte_words(longest)
    ids = {"bos_token_id": words.bos_token_id, "eos_token_id": words.eos_token_id, "pad_token_id": words.pad_token_id}
    text = {**WIDTH, **ids, "vocab_size": len(words), "max_position_embeddings": longest, "projection_dim": 24}
    vision = {**WIDTH, "image_size": 32, "patch_size": 8, "projection_dim": 24}
    CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}).save_pretrained(folder)
    words.save_pretrained(folder)
    return _written(CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=24)), folder)


@built_once
def siglip(folder: Path) -> Path:
    """SigLIP2 of one resolution, as the hub has it: SigLIP's classes, with Gemma's tokenizer, which keeps capitals."""
    from transformers import GemmaTokenizer, SiglipConfig, SiglipImageProcessor, SiglipModel

    words = letter_words(GemmaTokenizer)
    vision = {**WIDTH, "image_size": 32, "patch_size": 8}
    SiglipImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    words.save_pretrained(folder)
    return _written(SiglipModel(SiglipConfig(text_config=_text(words), vision_config=vision)), folder)


@built_once
def siglip_of_pieces(folder: Path) -> Path:
    """SigLIP with its own tokenizer, which is built by the package sentencepiece; `</s>` ends a text and fills it."""
    import sentencepiece
    from transformers import SiglipConfig, SiglipImageProcessor, SiglipModel, SiglipTokenizer

    said = ["a photo of a fox facing left", "two drinks with one lid", "the left eye of a dog is open", "a b c d e"]
    model = {
        "model_prefix": str(folder / "spiece"),
        "vocab_size": 30,
        "eos_id": 1,
        "unk_id": 2,
        "pad_id": 0,
        "bos_id": -1,
    }
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(said * 20), minloglevel=2, **model)
    (folder / "spiece.vocab").unlink()
    words = SiglipTokenizer(str(folder / "spiece.model"), model_input_names=["input_ids"], model_max_length=LONGEST)
    vision = {**WIDTH, "image_size": 32, "patch_size": 8}
    SiglipImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    words.save_pretrained(folder)
    text = {**_text(words), "bos_token_id": 1}
    return _written(SiglipModel(SiglipConfig(text_config=text, vision_config=vision)), folder)


@built_once
def siglip2(folder: Path) -> Path:
    """SigLIP2 for images that keep their shape: at most 16 patches of 8 x 8 pixels."""
    from transformers import Siglip2Config, Siglip2ImageProcessor, Siglip2Model, Siglip2Tokenizer

    words = letter_words(Siglip2Tokenizer)
    Siglip2ImageProcessor(patch_size=8, max_num_patches=16).save_pretrained(folder)
    words.save_pretrained(folder)
    vision = {**WIDTH, "patch_size": 8, "num_patches": 16}
    return _written(Siglip2Model(Siglip2Config(text_config=_text(words), vision_config=vision)), folder)


@built_once
def open_clip_towers(folder: Path, *, hf: bool = False, text: dict[str, Any] | None = None) -> Path:
    """An open_clip folder; `hf`: its tokenizer is one of transformers, whose files lie in the folder."""
    from open_clip.model import CLIP

    texts = {**CLIP_CONFIG["text_cfg"], "context_length": LONGEST, "vocab_size": 49408}
    named = {"hf_tokenizer_name": "someone/elsewhere"} if hf else {}
    if hf:
        from transformers import GemmaTokenizer

        letter_words(GemmaTokenizer).save_pretrained(folder)
    config = {**CLIP_CONFIG, "text_cfg": texts}
    saved = {**config, "text_cfg": {**texts, **named, **(text or {})}}
    whole = {"model_cfg": saved, "preprocess_cfg": CLIP_PREPROCESSING}
    (folder / "open_clip_config.json").write_text(json.dumps(whole))
    return _save(CLIP(**config), folder / "open_clip_model.safetensors", half=False)


def byte_words(longest: int) -> Any:
    """CLIP's tokenizer with bytes as tokens."""
    from tokenizers import pre_tokenizers
    from transformers import CLIPTokenizer

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*alphabet, *(f"{letter}</w>" for letter in alphabet), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    return CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=longest)


def letter_words(kind: Any) -> Any:
    """Gemma's tokenizer, or one made from it, with letters as tokens; as SigLIP2 has it, `<eos>` ends a text."""
    from tokenizers import processors

    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "▁"]
    letters = [chr(code) for code in range(33, 127)]
    tokens = [*special, *letters, *(f"<0x{byte:02X}>" for byte in range(256))]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    words = kind(vocab=vocabulary, merges=[], padding_side="right", model_max_length=LONGEST)
    words._tokenizer.post_processor = processors.TemplateProcessing(single="$A <eos>", special_tokens=[("<eos>", EOS)])
    return words


def _text(words: Any) -> dict[str, Any]:
    ids = {"bos_token_id": words.bos_token_id, "eos_token_id": words.eos_token_id, "pad_token_id": words.pad_token_id}
    return {**WIDTH, **ids, "vocab_size": len(words), "max_position_embeddings": LONGEST, "projection_size": 32}


def _written(model: Any, folder: Path) -> Path:
    """Draw the weights, with a scale that is not the library's own; a bias too where the model has one."""
    import torch

    _drawn(model)
    with torch.no_grad():
        model.logit_scale.fill_(2.5)
        if hasattr(model, "logit_bias"):
            model.logit_bias.fill_(-7.0)
    model.save_pretrained(folder)
    return folder
