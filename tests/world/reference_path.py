"""The oracle for photos: vectors by the libraries' own reference paths, pairs by brute force in float64.

Shares no code with the project: it opens tars and files itself, calls open_clip and transformers as
their own documentation does, and compares every image with every other one.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

Name = tuple[str, str]  # source, and the image's path inside it
FEW = 300  # photos, for which a process would load its libraries longer than it works


def photos_in_tar(source: str, tar: Path) -> Iterator[tuple[Name, bytes]]:
    with tarfile.open(tar) as archive:
        for member in archive:
            if member.name.endswith(".jpg"):
                yield (source, member.name), archive.extractfile(member).read()


def photos_in_folder(source: str, folder: Path) -> Iterator[tuple[Name, bytes]]:
    for path in folder.rglob("*"):
        if path.suffix.lower() in (".jpeg", ".jpg", ".png"):
            yield (source, path.relative_to(folder).as_posix()), path.read_bytes()


def reference_vectors(
    photos: list[bytes], clip: Path, dino: Path, *, dinov2s_own_pixels: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """(n, 256) and (n, 384) float64 unit vectors, one photo at a time; of many photos on two processes.

    `dinov2s_own_pixels`: DINOv2 sees what its own evaluation shows it, not what transformers' image processor makes.
    """
    if len(photos) < FEW:
        return _vectors((photos, str(clip), str(dino), dinov2s_own_pixels))
    jobs = [(photos[place::2], str(clip), str(dino), dinov2s_own_pixels) for place in range(2)]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        halves = list(pool.map(_vectors, jobs))
    both = []
    for side in range(2):
        vectors = np.empty((len(photos), halves[0][side].shape[1]))
        vectors[0::2], vectors[1::2] = halves[0][side], halves[1][side]
        both.append(vectors)
    return both[0], both[1]


def brute_force(names: list[Name], blind: np.ndarray, reference: np.ndarray) -> dict[frozenset[Name], tuple]:
    """Every unordered pair -> both cosines in float64."""
    a, b = blind @ blind.T, reference @ reference.T
    rows, columns = np.triu_indices(len(names), 1)
    return {
        frozenset((names[i], names[j])): (a[i, j], b[i, j])
        for i, j in zip(rows.tolist(), columns.tolist(), strict=True)
    }


def _vectors(job: tuple[list[bytes], str, str, bool]) -> tuple[np.ndarray, np.ndarray]:
    import open_clip
    import torch
    from PIL import Image
    from transformers import AutoImageProcessor, AutoModel

    torch.set_num_threads(1)
    photos, clip_folder, dino_folder, own_pixels = job
    clip, preprocess = open_clip.create_model_from_pretrained(f"local-dir:{clip_folder}")
    processor = AutoImageProcessor.from_pretrained(dino_folder)
    pixels_of = _dinov2s_own() if own_pixels else lambda image: processor(image, return_tensors="pt")["pixel_values"]
    dino = AutoModel.from_pretrained(dino_folder, dtype=torch.float32).eval()
    clip.eval()
    blind, reference = [], []
    with torch.inference_mode():
        for data in photos:
            image = Image.open(io.BytesIO(data)).convert("RGB")
            blind.append(clip.encode_image(preprocess(image)[None])[0].double().numpy())
            reference.append(dino(pixels_of(image)).last_hidden_state[0, 0].double().numpy())
    return _unit(np.array(blind)), _unit(np.array(reference))


def _dinov2s_own():
    """facebookresearch/dinov2, dinov2/data/transforms.py: make_classification_eval_transform and its defaults."""
    from torchvision import transforms

    whole = transforms.Compose(
        [
            transforms.Resize(256, interpolation=transforms.InterpolationMode.BICUBIC),
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
        ]
    )
    return lambda image: whole(image)[None]


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
