"""ImageNet by hand: the same drawn photos in each of the forms that people have it in, and the devkit.

Class names come from timm's own data files, so that what is tested is compared with another's list.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.io import savemat
from world.pictures import jpeg
from world.tars import packed

# tench, goldfish, and the two classes whose words are both "crane"
SYNSETS = ("n01440764", "n01443537", "n02012849", "n03126707")
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
Photos = Mapping[str, bytes]  # n01440764/n01440764_3.JPEG -> bytes


@lru_cache(maxsize=1)
def timms_synsets() -> list[str]:
    return _of_timm("imagenet_synsets.txt").splitlines()


@lru_cache(maxsize=1)
def timms_words() -> dict[str, str]:
    """Synset -> words, of all synsets timm knows."""
    return dict(line.split("\t", 1) for line in _of_timm("imagenet_synset_to_lemma.txt").splitlines())


def _of_timm(name: str) -> str:
    (folder,) = find_spec("timm").submodule_search_locations
    return (Path(folder) / "data" / "_info" / name).read_text(encoding="utf-8")


def noise(count: int = 3) -> Photos:
    """So many photos of noise a synset."""
    return {
        f"{synset}/{synset}_{number}.JPEG": jpeg(10 * place + number)
        for place, synset in enumerate(SYNSETS)
        for number in range(count)
    }


def drawn(count: int = 40) -> Photos:
    """Drawn scenes with planted pairs, dealt to the synsets."""
    from pipeline.drawing.scenes import scenes

    folders = [SYNSETS[place % len(SYNSETS)] for place in range(count)]
    return {
        f"{synset}/{synset}_{place}.JPEG": one.data
        for place, (synset, one) in enumerate(zip(folders, scenes(count), strict=True))
    }


def class_tars(photos: Photos) -> dict[str, bytes]:
    """n01440764.tar -> its bytes."""
    inner: dict[str, list[tuple[str, bytes]]] = {}
    for path, data in photos.items():
        synset, _, name = path.partition("/")
        inner.setdefault(f"{synset}.tar", []).append((name, data))
    return {name: packed(members) for name, members in inner.items()}


def write_train_tar(folder: Path, photos: Photos) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "ILSVRC2012_img_train.tar"
    path.write_bytes(packed(class_tars(photos).items()))
    return path


def write_folders(folder: Path, photos: Photos) -> Path:
    for path, data in photos.items():
        file = folder / "train" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return folder


def write_webdataset(folder: Path, photos: Photos, each: int = 16) -> str:
    """As timm/imagenet-1k-wds has it; the tars by a glob."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = sorted(photos)
    for number, start in enumerate(range(0, len(paths), each)):
        members = [one for path in paths[start : start + each] for one in _webdataset_members(path, photos[path])]
        (folder / f"imagenet1k-train-{number:04d}.tar").write_bytes(packed(members))
    return f"{folder}/imagenet1k-train-*.tar"


def _webdataset_members(path: str, data: bytes) -> list[tuple[str, bytes]]:
    stem, index = path.partition("/")[2].removesuffix(".JPEG"), timms_synsets().index(path[:9])
    facts = {"label": index, "filename": path, "width": 1, "height": 1}
    return [(f"{stem}.cls", str(index).encode()), (f"{stem}.jpg", data), (f"{stem}.json", json.dumps(facts).encode())]


def write_hub(folder: Path, photos: Photos, split: str = "train", rows: int = 7) -> Path:
    """As ILSVRC/imagenet-1k has it: two files, classes called by their words, row groups of a few rows."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = sorted(photos)
    half = len(paths) // 2
    for number, part in enumerate((paths[:half], paths[half:])):
        cells = [{"bytes": photos[path], "path": f"{path[10:-5]}_{path[:9]}.JPEG"} for path in part]
        labels = [timms_synsets().index(path[:9]) for path in part]
        write_table(folder / f"{split}-{number:05d}-of-00002.parquet", cells, labels, rows=rows)
    return folder


def write_table(
    path: Path,
    cells: Sequence[Mapping[str, object] | None],
    labels: Sequence[int | None],
    *,
    names: Sequence[str] | None = None,
    rows: int = 100,
) -> Path:
    """One file with the hub's two columns and its description of them; `names` of the classes, or ImageNet's."""
    known = [timms_words()[synset] for synset in timms_synsets()] if names is None else list(names)
    features = {"image": {"_type": "Image"}, "label": {"names": known, "_type": "ClassLabel"}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    schema = pa.schema([("image", IMAGE), ("label", pa.int64())], metadata)
    table = pa.table([pa.array(cells, IMAGE), pa.array(labels, pa.int64())], schema=schema)
    pq.write_table(table, path, row_group_size=rows)
    return path


def validation(count: int = 12) -> Photos:
    return {f"ILSVRC2012_val_{number:08d}.JPEG": jpeg(500 + number) for number in range(1, count + 1)}


def truth_of(photos: Photos) -> list[str]:
    """A class for each, in no order of theirs."""
    return [SYNSETS[(7 * place) % 5 % len(SYNSETS)] for place in range(len(photos))]


def write_devkit(folder: Path, truth: Sequence[str]) -> Path:
    """Unpacked: ILSVRC2012_IDs that are in another order than the synsets, and meta.mat that says which is which."""
    data = folder / "ILSVRC2012_devkit_t12" / "data"
    data.mkdir(parents=True)
    ids = {synset: number for number, synset in enumerate(reversed(SYNSETS), 1)}
    kinds = [("ILSVRC2012_ID", "i4"), ("WNID", "O"), ("words", "O"), ("gloss", "O"), ("num_children", "i4")]
    leaves = [(number, synset, "words, more words", "a gloss", 0) for synset, number in ids.items()]
    groups = [(len(ids) + 1, "n00000001", "a group", "of classes", 2)]
    savemat(data / "meta.mat", {"synsets": np.array(leaves + groups, dtype=kinds)})
    lines = "".join(f"{ids[synset]}\n" for synset in truth)
    (data / "ILSVRC2012_validation_ground_truth.txt").write_text(lines)
    return data.parent


def pack_devkit(unpacked: Path) -> Path:
    path = unpacked.parent / "ILSVRC2012_devkit_t12.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(unpacked, unpacked.name)
    return path
