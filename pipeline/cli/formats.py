"""Formats: for `freeze`, `export` and `import`, which formats and options apply, and which function does the work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from manifests.stores.places import absolute
from pipeline.benchmark.benchmark import read_benchmark
from pipeline.benchmark.formats.export import export, export_pairs
from pipeline.benchmark.formats.import_summary import ImportSummary, ReturnedSummary
from pipeline.benchmark.formats.importing import import_benchmark
from pipeline.benchmark.formats.reading.disputed import AS_FOUND
from pipeline.benchmark.formats.reading.returning import read_label_studio
from pipeline.benchmark.formats.summary import ExportSummary
from pipeline.benchmark.formats.writing import label_studio
from pipeline.benchmark.formats.writing.form import RunForm
from pipeline.benchmark.formats.writing.forms import form_of, forms_for
from pipeline.benchmark.freeze import freeze
from pipeline.benchmark.person import person_of
from pipeline.benchmark.store_path import store_path
from pipeline.benchmark.summary import FreezeSummary
from pipeline.benchmark.unlisted import unlisted_of
from pipeline.cli.unused import check_unused
from pipeline.run.run import Run
from stages.author.authored import TRAINING
from stages.author.stage import Author
from stages.author.unfinished import unfinished


def freeze_version(run: Run, store: Path | None) -> FreezeSummary:
    """Freeze, and say what is not in the version and which formats fit it. Raises as `freeze` does."""
    version, manifest, new = freeze(run, store)
    path = store_path(run.folder, store)
    return FreezeSummary(
        run.url,
        version,
        manifest,
        new,
        unfinished(Author(path).written),
        unlisted_of(run.reopened(), path),
        forms_of_version(run, version),
    )


def forms_of_version(run: Run, version: int) -> tuple[str, ...]:
    """Return the names of the formats that take at least one pair of a frozen version."""
    return forms_for(read_benchmark(run.reopened(), version))


def export_to(
    run: Run,
    name: str,
    to: str | Path,
    *,
    version: int | None = None,
    store: Path | None = None,
    accepted: Sequence[str] = (),
    apart_from: Sequence[str] = (),
    only_check: bool = False,
    most: int | None = None,
) -> ExportSummary:
    """Export in the form called `name`. Raises as the exports do, and Refused for an option it does not use."""
    form, held = form_of(name), dict[str, object]({"--apart-from": apart_from})
    if isinstance(form, RunForm):
        unused: dict[str, object] = {
            "--questions": version,
            "--accept": accepted,
            **held,
            "--check": only_check or None,
        }
        check_unused(f"the format {name}", unused | ({} if form.reads_store else {"--store": store}))
        return export_pairs(run, form, to, store=store, most=most)
    check_unused(f"the format {name}", {"--pairs": most, **({} if form.use == TRAINING else held)})
    return export(
        run,
        form,
        to,
        version=version,
        store=store,
        accepted=accepted,
        apart_from=apart_from,
        only_check=only_check,
    )


def import_from(
    source: str,
    url: str,
    name: str,
    *,
    answers: str | None = None,
    by: str | None = None,
    store: Path | None = None,
) -> ImportSummary | ReturnedSummary:
    """Make a new run of a published folder, or put Label Studio's work into the store of its run.

    `by`: the author of what Label Studio names none for; this process's user by default. Raises as the imports do, and
    Refused for an option that the form called `name` does not use.
    """
    if name == label_studio.FORM.name:
        check_unused(f"the format {name}", {"--answers": answers})
        run = Run.open(url)
        return read_label_studio(run, store_path(run.folder, store), Path(absolute(source)), by or person_of(None))
    check_unused(f"the format {name}", {"--name": by})
    return import_benchmark(source, url, name, answers=answers or AS_FOUND, store=store)
