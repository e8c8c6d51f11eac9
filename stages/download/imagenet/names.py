"""Names: what the names of ImageNet's files and folders say about an image: its synset, its split, its number."""

from __future__ import annotations

import re

from stages.download.imagenet.classes import SYNSET

SPLITS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
OFFICIAL = re.compile(r"ILSVRC\d{4}_(train|val|test)_")
OF_TRAIN = re.compile(r"n\d{8}_\d+")  # n01440764_10026; validation images have no synset before the number
ENDS_WITH_SYNSET = re.compile(r"_(n\d{8})$")
NUMBER = re.compile(r"(\d{1,9})$")


def base(path: str) -> str:
    """Return a path's last component without its extension."""
    return path.rsplit("/", 1)[-1].rsplit(".", 1)[0]


def synset_in(path: str) -> str | None:
    """Return the synset that an image's own name states, at its start (train) or at its end (as on the hub)."""
    name = base(path)
    if ends := ENDS_WITH_SYNSET.search(name):
        return ends[1]
    starts = SYNSET.match(name)
    return starts[0] if starts and not name[starts.end() :][:1].isalnum() else None


def number_in(path: str) -> int | None:
    """Return the number of a validation image: 293 for ILSVRC2012_val_00000293.JPEG and ..._00000293_n01440764.JPEG."""
    number = NUMBER.search(ENDS_WITH_SYNSET.sub("", base(path)))
    return int(number[1]) if number else None


def is_official(path: str) -> bool:
    """Return whether an image is named as ILSVRC names its own."""
    name = path.rsplit("/", 1)[-1]
    return bool(OFFICIAL.match(name) or OF_TRAIN.match(name))


def label_in(path: str, archive: str = "") -> str | None:
    """Return the synset stated by an image's folders, its own name, or the name of the tar that holds it."""
    found = next((folder for folder in reversed(path.split("/")[:-1]) if SYNSET.fullmatch(folder)), None)
    return found or synset_in(path) or (base(archive) if SYNSET.fullmatch(base(archive)) else None)


def split_of(path: str, archive: str = "") -> str | None:
    """Return the split stated by an image's folders, its tar or table, the folder of that, or its own name.

    For a folder of images the archive is that folder, ending with "/".
    """
    above, _, name = archive.rpartition("/")
    words = [word for word in re.split(r"[^a-z]+", base(name).lower()) if word in SPLITS]
    said = [*reversed(path.split("/")[:-1]), *words[:1], above.rpartition("/")[2]]
    if found := next((SPLITS[word.lower()] for word in said if word.lower() in SPLITS), None):
        return found
    own = path.rsplit("/", 1)[-1]
    if official := OFFICIAL.match(own):
        return SPLITS[official[1]]
    return "train" if OF_TRAIN.match(own) else None
