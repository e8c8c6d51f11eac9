"""Destination: the folder an export is written to, checked before any work, and there whole or not at all after it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from glob import escape
from pathlib import Path

from manifests.draft import PLAN
from manifests.errors import Refused
from manifests.manifest import COMMIT
from manifests.stores.disk import ASIDE
from manifests.stores.holding import held_folder, remove_left
from manifests.stores.places import is_local, place
from pipeline.run.layout import ORDER

LONGEST_NAME = 255  # bytes
REMEDY = "name another folder with --to"


def destination(to: str) -> Path:
    """The folder that `to` names. Raises Refused for a bucket and for the current folder."""
    if not is_local(to):
        raise Refused(f"--to {to} is in a bucket; export to a folder of this machine, and copy that")
    folder = Path(place(to)[1])
    if any(len(os.fsencode(name)) > LONGEST_NAME for name in folder.parts):
        raise Refused(f"--to has a name of more than {LONGEST_NAME} bytes, which no disk takes; choose a shorter one")
    if os.path.realpath(folder) == os.path.realpath(Path.cwd()):
        raise Refused("--to is the current folder; name a new one")
    return folder


def check_new(folder: Path) -> Path:
    """The folder to write, links followed: one that is not there yet, or is empty.

    Raises Refused for what is there already, for a link that leads nowhere, for a folder in a run, and where nothing
    can be written.
    """
    real = Path(os.path.realpath(folder))
    if folder.is_symlink() and not folder.exists():
        raise Refused(
            f"{folder} is a link to {os.readlink(folder)}, which does not exist; make that folder, or {REMEDY}"
        )
    _check_outside_runs(folder, real)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refused(f"{folder} already exists; {REMEDY}, or remove it")
    if os.path.ismount(real):
        raise Refused(f"{folder} is where a disk is mounted, and cannot be replaced; name a new folder in it with --to")
    _check_parent(folder, real)
    return real


@contextmanager
def whole_or_absent(to: Path) -> Iterator[Path]:
    """A folder to write into, which becomes `to` when the block ends well, and else is removed.

    What a killed export left of it is removed first: it may hold images that were forgotten since.
    """
    with ExitStack() as stack:
        try:
            to.parent.mkdir(parents=True, exist_ok=True)
            remove_left(to.parent.glob(f"{escape(f'.{to.name}-')}*{ASIDE}"))
            aside = stack.enter_context(held_folder(to.parent, f".{to.name}-", ASIDE))
        except OSError as error:
            raise Refused(f"{to} cannot be written ({error.strerror}); {REMEDY}") from error
        yield aside
        aside.chmod(0o755)
        if to.exists():  # an empty one
            to.rmdir()
        aside.rename(to)


def _check_outside_runs(folder: Path, real: Path) -> None:
    """Raise Refused where the folder is a run or a step of one, or lies in one, by its own path or by its links'."""
    above = [real, *real.parents, folder, *folder.parents]
    inside = [f"the run {one}" for one in above if any(_is_step(one / step) for step in ORDER)]
    inside += [f"{one}, a step of a run" for one in above if _is_step(one)]
    if inside:
        raise Refused(f"--to {folder} lies in {inside[0]}; an export is not part of a run, so name a folder elsewhere")


def _is_step(folder: Path) -> bool:
    return any(os.path.exists(folder / name) for name in (PLAN, COMMIT))


def _check_parent(folder: Path, real: Path) -> None:
    """Raise Refused where the nearest folder above that is there takes no new folder."""
    for path in (folder, real):
        above = next(one for one in path.parents if os.path.lexists(one))
        if not above.is_dir():
            raise Refused(f"{folder} cannot be written ({above} is not a folder); {REMEDY}")
    if not os.access(above, os.W_OK | os.X_OK):
        raise Refused(f"{folder} cannot be written (nothing may be added to {above}); {REMEDY}")
