"""Folder: the images in a folder, or in a single file given in its place, on a disk or in a bucket.

All files are checked before any is read completely, so that unreadable files are reported at once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from manifests.draft import PLAN
from manifests.errors import Refused
from manifests.manifest import COMMIT
from manifests.stores.places import absolute, is_local, place
from manifests.stores.reach import check_reached
from pipeline.benchmark.formats.scanning.scan import AWAY, Found, fault, images_in
from pipeline.benchmark.formats.scanning.source import Source
from pipeline.run.layout import ORDER
from stages import images
from stages.download.listing import files_below
from stages.download.parquet.entries import raise_if_not_the_files, reason_of
from stages.download.store_listing import is_folder
from stages.download.walk import File
from stages.text import plain

SHOWN = 3  # files named by a refusal


def images_below(folder: str) -> Iterator[Found]:
    """Return every image in `folder`, in path order; links are followed. All files are checked before the first image.

    Raises Refused if the folder is not there or contains a run, and for a file that may be or contain images and cannot
    be read; OSError if a store failed.
    """
    files = _files(folder)
    _check_no_run(files)
    if faults := [sentence for file in files if (sentence := _fault(file))]:
        more = f"; and {len(faults) - SHOWN:,} more files" if len(faults) > SHOWN else ""
        raise Refused(plain("; ".join(faults[:SHOWN]) + more))
    return (found for file in files for found in _images_of(file))


def without_images(folder: str) -> Refused:
    """Return the error to raise for a folder in which there is nothing to compare."""
    return Refused(f"{folder} is neither a run nor a folder with images; name the benchmark that is to be held out")


def _files(folder: str) -> Sequence[File]:
    uri = absolute(folder)
    check_reached(uri, f"{folder} cannot be read")
    if not is_folder(uri):
        if is_local(uri) and not os.path.isfile(place(uri)[1]):
            raise without_images(folder)
        return [File(uri.rpartition("/")[2], uri, -1)]
    try:
        if is_local(uri):
            os.scandir(place(uri)[1]).close()
        return list(files_below(uri))
    except PermissionError as error:
        raise Refused(f"{folder} cannot be read ({error.strerror}); fix its permissions") from error


def _check_no_run(files: Sequence[File]) -> None:
    """Raise Refused for a run among the files: its images are stored where its tables say."""
    for file in files:
        run, step, name = ("", "", *file.uri.rsplit("/", 2))[-3:]
        if name in (PLAN, COMMIT) and step in ORDER:
            raise Refused(f"{plain(run)} is a run, whose images lie elsewhere: name it by --apart-from {plain(run)}")


def _fault(file: File) -> str:
    """Return why a file cannot be read, as far as its first bytes show; empty if they show no reason."""
    if file.fault:
        return f"{file.fault}: mend it, {AWAY}"
    try:
        with images.opened(file.uri) as opened:
            return fault(Source(file.uri, opened))
    except OSError as error:
        raise_if_not_the_files(error)
        return f"{file.uri} cannot be read ({reason_of(error)}): mend it, {AWAY}"


def _images_of(file: File) -> Iterator[Found]:
    try:
        with images.opened(file.uri, ahead=True) as opened:
            yield from images_in(Source(file.uri, opened))
    except Refused as refusal:
        raise Refused(plain(str(refusal))) from refusal  # names from inside archives may be anything
