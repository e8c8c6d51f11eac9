"""Devkit: the ground truth of ILSVRC's validation images from its development kit, packed or unpacked.

It numbers classes by ILSVRC2012_ID, 1 to 1000, whose order is not that of the synsets: data/meta.mat gives the
synset of each ID (read as torchvision.datasets.imagenet does).
"""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from io import BytesIO

import numpy as np

from manifests.errors import Refused
from manifests.storage import Folder
from stages import images

GROUND_TRUTH, META = "ILSVRC2012_validation_ground_truth.txt", "meta.mat"
PACKED = (".tar.gz", ".tgz", ".tar")
MOST_BYTES = 64 << 20  # of one file of the devkit; the largest has 1 MB


def packed_files(uri: str) -> dict[str, bytes]:
    """Return which of the two files the devkit's archive holds, by name. Raises OSError, tarfile.TarError, EOFError."""
    found: dict[str, bytes] = {}
    with images.opened(uri, ahead=True) as file, tarfile.open(fileobj=file, mode="r:*") as archive:
        for member in archive:
            name = member.name.rsplit("/", 1)[-1]
            if name in (GROUND_TRUTH, META) and member.isreg() and member.size <= MOST_BYTES:
                opened = archive.extractfile(member)
                assert opened is not None
                found[name] = opened.read()
    return found


def unpacked_files(uri: str) -> dict[str, bytes]:
    """Return the same from a folder: the devkit's own, or its `data`. Raises OSError."""
    for folder in (Folder(uri) / "data", Folder(uri)):
        if folder.has(GROUND_TRUTH):
            return {name: folder.read(name) for name in (GROUND_TRUTH, META) if folder.has(name)}
    return {}


def beside(uri: str) -> dict[str, bytes]:
    """Return the meta.mat stored beside a ground truth, if any. Raises OSError."""
    folder = Folder(uri.rpartition("/")[0])
    return {META: folder.read(META)} if folder.has(META) else {}


def synsets_by_id(meta: bytes, where: str) -> Mapping[int, str]:
    """Return ILSVRC2012_ID -> synset for the classes that are not groups of classes. Raises Refused."""
    from scipy.io import loadmat  # importing it takes a fifth of a second, and only this needs it

    try:
        rows = np.atleast_1d(loadmat(BytesIO(meta), squeeze_me=True)["synsets"])
        return {int(row["ILSVRC2012_ID"]): str(row["WNID"]) for row in rows if int(row["num_children"]) == 0}
    except Exception as error:  # a broken file makes SciPy raise nearly anything
        raise Refused(
            f"{META} of {where} does not read ({error}); take the devkit ILSVRC2012_devkit_t12.tar.gz"
        ) from error
