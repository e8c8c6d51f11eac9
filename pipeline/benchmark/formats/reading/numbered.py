"""Numbered: the image files of a published folder, which are matched to their rows by the number in their name."""

from __future__ import annotations

from pathlib import Path

from manifests.errors import Refused
from stages import images


def plain(name: str) -> str:
    """Return one form for all published spellings of a folder's or pattern's name: `MMVP_Images` is `MMVP Images`."""
    return " ".join(name.replace("_", " ").split()).casefold()


def images_folder(folder: Path, *names: str) -> Path:
    """Return the folder of images in a published folder: the one with one of these names, or the only one with images.

    Raises Refused, saying what was looked for, if there is none or there are several.
    """
    inside = sorted(one for one in folder.iterdir() if one.is_dir() and not one.name.startswith("."))
    wanted = {plain(name) for name in names}
    if not (found := [one for one in inside if plain(one.name) in wanted]):
        found = [one for one in inside if any(images.is_named_as_image(file.name) for file in one.rglob("*"))]
    if len(found) != 1:
        there = f"these hold images: {', '.join(one.name for one in found)}" if found else "no folder holds images"
        raise Refused(f"{folder} has no folder {' or '.join(names)}, and {there}")
    return found[0]


def numbered(folder: Path) -> dict[int, Path]:
    """Map number -> image file. Raises Refused if two files have the same number."""
    found: dict[int, Path] = {}
    for file in sorted(folder.iterdir()):
        if not (images.is_named_as_image(file.name) and file.stem.isascii() and file.stem.isdigit()):
            continue
        if found.setdefault(int(file.stem), file) is not file:
            raise Refused(f"{found[int(file.stem)]} and {file} have one number; remove one of them")
    return found
