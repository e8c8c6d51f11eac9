"""Form: which of the forms of ImageNet is stored at a uri, judged by the first files and members alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from itertools import islice

from manifests.errors import Refused
from manifests.stores.places import absolute
from stages import images
from stages.download.imagenet.classes import SYNSET
from stages.download.imagenet.names import base, is_official, synset_in
from stages.download.imagenet.stretch import Endless
from stages.download.index import SIDECARS
from stages.download.listing import files_below, files_matching, listing
from stages.download.parquet.source import ENDINGS
from stages.download.settings import ImagenetSettings
from stages.download.store_listing import is_folder
from stages.download.tar import Damage, Member, members
from stages.download.walk import File

CLASS_TAR = re.compile(r"(.*/)?n\d{8}\.tar")
FIRST = 12  # members of a tar that are inspected: an image and its sidecars are among them


class Form(StrEnum):
    """The forms in which people have ImageNet."""

    CLASS_TARS = "tar of class tars"
    IMAGES = "tar of images"
    FOLDER = "folder of images"
    SHARDS = "WebDataset"
    PARQUET = "Parquet"


GROWING = (Form.SHARDS, Form.PARQUET)
FORMS = (
    "ILSVRC2012_img_train.tar (a tar of class tars), ILSVRC2012_img_val.tar, a folder with synset folders such as "
    "n01440764 or with ILSVRC2012_val_*.JPEG, WebDataset tars by braces or glob, or the hub's Parquet files"
)


def form_of(source: ImagenetSettings) -> Form:
    """Return the form of a source. Raises Refused, naming the forms, if it has none of them."""
    uri = absolute(source.uri)
    with listing(source):
        folder = is_folder(uri)
    form, why = _of_folder(source, uri) if folder else _of_files(source, files_matching(source, source.uri))
    if form is None:
        raise Refused(f"source {source.name}: {uri} is none of ImageNet's forms{why}; such are {FORMS}")
    return form


def _of_folder(source: ImagenetSettings, uri: str) -> tuple[Form | None, str]:
    tar = ""
    with listing(source):
        for file in files_below(uri):
            if file.name.endswith(ENDINGS):
                return Form.PARQUET, ""
            if images.is_named_as_image(file.name) and (source.truth or _is_of_imagenet(file.name)):
                return Form.FOLDER, ""
            tar = tar or (file.uri if file.name.endswith(".tar") else "")
    return None, f", but a folder with tars; name these, such as {tar}" if tar else ""


def _of_files(source: ImagenetSettings, files: Sequence[File]) -> tuple[Form | None, str]:
    if all(file.name.endswith(ENDINGS) for file in files):
        return Form.PARQUET, ""
    why = ""
    for file in files:
        try:
            with images.opened(file.uri, ahead=True) as opened:
                first = list(islice(members(Endless(opened)), FIRST))
        except OSError as error:
            raise Refused(f"source {source.name}: {file.uri} cannot be read: {error.strerror or error}") from error
        names = [one.name for one in first if isinstance(one, Member)]
        if (form := _of_members(file.name, names, anything=source.truth is not None)) is not None:
            return form, ""
        why = why or next((f" ({one.sentence})" for one in first if isinstance(one, Damage)), "")
    return None, why


def _of_members(tar: str, names: Sequence[str], *, anything: bool) -> Form | None:
    if any(CLASS_TAR.fullmatch(name) for name in names):
        return Form.CLASS_TARS
    pictures = [name for name in names if images.is_named_as_image(name)]
    if pictures and any(name.rpartition(".")[2] in SIDECARS for name in names):
        return Form.SHARDS
    known = anything or SYNSET.fullmatch(base(tar)) or any(map(_is_of_imagenet, pictures))
    return Form.IMAGES if pictures and known else None


def _is_of_imagenet(path: str) -> bool:
    folders = path.split("/")[:-1]
    return is_official(path) or synset_in(path) is not None or any(SYNSET.fullmatch(folder) for folder in folders)
