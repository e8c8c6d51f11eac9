"""Destination: the folder an export is written to, checked before any work; it then appears complete or not at all."""

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
    """Return the folder that `to` names. Raises Refused for a bucket and for the current folder."""
    if not is_local(to):
        raise Refused(f"--to {to} is in a bucket; export to a folder of this machine, and copy that")
    folder = Path(place(to)[1])
    if any(len(os.fsencode(name)) > LONGEST_NAME for name in folder.parts):
        raise Refused(f"--to has a name of more than {LONGEST_NAME} bytes, which no disk takes; choose a shorter one")
    if os.path.realpath(folder) == os.path.realpath(Path.cwd()):
        raise Refused("--to is the current folder; name a new one")
    return folder


def check_new(folder: Path) -> Path:
    """Return the folder to write, links resolved: it must not exist yet, or be empty.

    Raises Refused if it exists already, for a link that leads nowhere, for a folder in a run, and if nothing can be
    written.
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
    """Yield a folder to write into, which becomes `to` if the block succeeds, and is removed otherwise.

    What a killed export left behind is removed first: it may hold images that were forgotten since.
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
        if to.exists():  # an empty folder
            to.rmdir()
        aside.rename(to)


def _check_outside_runs(folder: Path, real: Path) -> None:
    """Raise Refused if the folder is or is inside a run or a step of one, by its own path or by its resolved path."""
    above = [real, *real.parents, folder, *folder.parents]
    inside = [f"the run {one}" for one in above if any(_is_step(one / step) for step in ORDER)]
    inside += [f"{one}, a step of a run" for one in above if _is_step(one)]
    if inside:
        raise Refused(f"--to {folder} lies in {inside[0]}; an export is not part of a run, so name a folder elsewhere")


def _is_step(folder: Path) -> bool:
    return any(os.path.exists(folder / name) for name in (PLAN, COMMIT))


def _check_parent(folder: Path, real: Path) -> None:
    """Raise Refused if the nearest existing folder above does not accept a new folder."""
    for path in (folder, real):
        above = next(one for one in path.parents if os.path.lexists(one))
        if not above.is_dir():
            raise Refused(f"{folder} cannot be written ({above} is not a folder); {REMEDY}")
    if not os.access(above, os.W_OK | os.X_OK):
        raise Refused(f"{folder} cannot be written (nothing may be added to {above}); {REMEDY}")
