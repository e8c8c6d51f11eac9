"""Importing: turn a benchmark that others published into a run with frozen questions.

All of it is read and checked before anything is written. The images stay where they are stored: the run's own images
step reads them, so that the run can be embedded and searched like any other. A killed import is finished by the same
command.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from manifests.draft import Draft
from manifests.errors import Refused
from manifests.manifest import COMMIT, Manifest
from manifests.storage import Folder
from manifests.stores.places import absolute, is_local
from manifests.tables import OK
from pipeline.benchmark.formats.import_summary import ImportSummary
from pipeline.benchmark.formats.reading.disputed import ANSWERS, AS_FOUND
from pipeline.benchmark.formats.reading.huggingface import read_huggingface
from pipeline.benchmark.formats.reading.mmvp import read_mmvp
from pipeline.benchmark.formats.reading.mmvp_vlm import read_mmvp_vlm
from pipeline.benchmark.formats.reading.published import IMPORTED, Published
from pipeline.benchmark.formats.writing import label_studio
from pipeline.benchmark.freeze import freeze
from pipeline.benchmark.store_path import store_path
from pipeline.config.loading import read_config
from pipeline.config.settings import Config
from pipeline.executors.choice import OFF, executor_for
from pipeline.run.events.broadcast import broadcast
from pipeline.run.layout import question_versions
from pipeline.run.recipe import steps
from pipeline.run.run import Run
from pipeline.run.runner import run as run_steps
from stages.author.authored import CHOICES, TEXTS, Authored
from stages.author.store import Store, utc_now
from stages.download.overlap import would_read
from stages.text import did_you_mean, many

RECIPE = "mmvp"  # its encoders are MMVP's own
PUBLISHED = ("left_id", "right_id", *CHOICES, *TEXTS, "first", "place", "author")  # fields of a pair
READERS: Mapping[str, Callable[[Path, str], Published]] = {
    "mmvp": read_mmvp,
    "mmvp-vlm": read_mmvp_vlm,
    "huggingface": read_huggingface,
}


def import_benchmark(
    source: str, url: str, form: str, *, answers: str = AS_FOUND, store: Path | None = None
) -> ImportSummary:
    """Make the run `url` from a published folder. `answers`: which version of MMVP's disputed answers to use.

    Raises Refused, with nothing written, for a folder that does not follow its form, and for a run that already has
    questions or people's work.
    """
    root, name = _root_and_name(url)
    run, found = Folder(root) / name, _read(source, form, answers)
    changes = _changes(found, name)
    config = read_config(RECIPE, changes, name)
    at = store_path(run, store)
    _check_apart(config, run)
    _check_ours(config, run)
    if not _is_in_store(found, run, at):
        pairs = _authored(found, _images(config, run))
        _adopt([replace(pair, authored_at=pair.authored_at or utc_now()) for pair in pairs], at)
    version, _, _ = freeze(Run.open(run.url), store)
    return ImportSummary(
        run.url,
        form,
        len(found.pairs),
        sum(bool(pair.question) for pair in found.pairs),
        sum(bool(pair.first.statement) for pair in found.pairs),
        version,
        found.uri,
        found.note,
        shlex.join(["blindpairs", "run", RECIPE, "--root", root, "--run", name, *_settings(changes)]),
    )


def _root_and_name(url: str) -> tuple[str, str]:
    root, _, name = url.rstrip("/").rpartition("/")
    return root or ("/" if url.startswith("/") else "."), name


def _read(source: str, form: str, answers: str) -> Published:
    _check_form(form)
    if answers not in ANSWERS:
        raise Refused(f"--answers {answers}: it is one of {', '.join(ANSWERS)}")
    if not is_local(source):
        raise Refused(f"{source} is in a bucket; download it and import the folder")
    folder = Path(absolute(source))
    if not folder.is_dir():
        raise Refused(
            f"{folder} {'is not a folder' if folder.exists() else 'does not exist'}; name the published folder"
        )
    return READERS[form](folder, answers)


def _check_form(form: str) -> None:
    """Raise Refused, naming the nearest form and all of them, if there is none of this name."""
    known = (*READERS, label_studio.FORM.name)
    if form not in known:
        hint = did_you_mean(form, known)
        raise Refused(f"there is no format {form!r} to import; {hint}there are: {', '.join(known)}")


def _changes(found: Published, name: str) -> list[str]:
    """Set the recipe's one source, named after the run, so that no two benchmarks have images with the same id."""
    told = {"name": json.dumps(name), "kind": found.kind, "uri": found.uri}  # quoted, so that 2024 is a name
    return [f"images.sources.0.{setting}={value}" for setting, value in told.items()]


def _settings(changes: Sequence[str]) -> list[str]:
    return [word for change in changes for word in ("--set", change)]


def _check_apart(config: Config, run: Folder) -> None:
    if any(would_read(source, run.url, [COMMIT]) for source in config.images.sources):
        raise Refused(f"{run.url} lies inside the folder that is imported; choose another place for the run")


def _check_ours(config: Config, run: Folder) -> None:
    """Raise Refused if a run of other images is stored there."""
    there = Draft.planned(run / "images")
    if there is not None and there.lineage.settings != steps(config)[0].stage.settings:
        raise Refused(f"{run.url} is a run of other images; name another run")


def _is_in_store(found: Published, run: Folder, at: Path) -> bool:
    """Whether a killed import got as far as the store. Raises Refused for a run with anybody's work in it."""
    if question_versions(run):
        raise Refused(f"{run.url} has questions already; name another run")
    there = list(label_studio.written_pairs(at).values())
    if not there:
        return False
    images = run / "images"
    if images.has(COMMIT) and _alike(_authored(found, Manifest.open(images))) == _alike(there):
        return True
    raise Refused(f"{at} holds what people wrote of {many(len(there), 'pair')} already; name another run")


def _alike(pairs: Sequence[Authored]) -> list[tuple[str, ...]]:
    """Return what was published about the pairs, which is the same whenever the same import is run again."""
    return sorted(tuple(str(getattr(pair, name)) for name in PUBLISHED) for pair in pairs)


def _images(config: Config, run: Folder) -> Manifest:
    with executor_for(OFF) as executor, broadcast(run, RECIPE, executor) as listener:
        return run_steps(steps(config)[:1], run, executor, listener)["images"]


def _authored(found: Published, images: Manifest) -> list[Authored]:
    """Return the pairs with the ids of their images. Raises Refused for an image that is gone since it was read."""
    rows = (row for batch in images.batches(("image_id", "uri", "status")) for row in batch.to_pylist())
    ids = {row["uri"]: row["image_id"] for row in rows if row["status"] == OK}
    if lost := [shown.uri for pair in found.pairs for shown in (pair.first, pair.second) if shown.uri not in ids]:
        raise Refused(f"{lost[0]} is not among the images of {images.folder.url}; name another run")
    return found.authored(ids)


def _adopt(pairs: Sequence[Authored], at: Path) -> None:
    with closing(Store(at)) as store:
        store.adopt(pairs, IMPORTED)
