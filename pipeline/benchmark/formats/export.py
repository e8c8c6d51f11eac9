"""Export: a frozen benchmark in a form that others read, after every check of it, or a run's pairs as they are.

The folder appears complete or not at all. Nothing is written if a check fails, unless that check's code was accepted by
name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from manifests.errors import Refused, Waiting
from pipeline.benchmark.benchmark import Benchmark, read_benchmark, read_versions
from pipeline.benchmark.checks.check import check
from pipeline.benchmark.checks.codes import CODES
from pipeline.benchmark.formats.destination import check_new, destination, whole_or_absent
from pipeline.benchmark.formats.held_out import held_out
from pipeline.benchmark.formats.summary import ExportSummary
from pipeline.benchmark.formats.writing.form import Form, RunForm
from pipeline.benchmark.freeze import is_changed
from pipeline.benchmark.store_path import known_store
from pipeline.benchmark.unlisted import unlisted
from pipeline.findings import Finding
from pipeline.run.run import Run
from stages.author.authored import TRAINING


def export(
    run: Run,
    form: Form,
    to: str | Path,
    *,
    version: int | None = None,
    store: Path | None = None,
    accepted: Sequence[str] = (),
    apart_from: Sequence[str] = (),
    only_check: bool = False,
) -> ExportSummary:
    """Write the run's questions into a new folder, or report what prevents it.

    `accepted`: codes of findings that do not prevent it; `apart_from`: benchmarks whose images must not be in training
    data. Raises Waiting if nothing that the form takes is frozen, Refused for the rest.
    """
    _check_codes(accepted)
    to = destination(str(to))
    to = to if only_check else check_new(to)
    whole = read_benchmark(run, version)
    taken = _taken(whole, form)
    behind = _is_behind(run, known_store(run.folder, store))
    # whatever was ever published must not be trained on; read first, as what `apart_from` names may be refused
    held = held_out(read_versions(run), apart_from) if form.use == TRAINING else None
    findings = check(taken, form.takes, cells=form.cells) + (held.check(taken.photos) if held else ())
    if not only_check:
        _refuse(findings, accepted, run)
        with whole_or_absent(to) as folder:
            form.write(replace(taken, accepted=_accepted(findings, accepted)), folder)
    return ExportSummary(
        run.url,
        form.name,
        None if only_check else str(to),
        version=whole.version,
        pairs=len(taken.pairs),
        left_out=_left_out(whole, form),
        findings=findings,
        accepted=tuple(accepted),
        behind=behind,
        unlisted=unlisted(run, {pair.ids for pair in taken.pairs}),
        next=form.next_step(taken, to),
    )


def export_pairs(
    run: Run, form: RunForm, to: str | Path, *, store: Path | None = None, most: int | None = None
) -> ExportSummary:
    """Write the run's pairs, at most `most`, into a new folder, whether people have written about them or not.

    Raises Refused if no pair has both its images.
    """
    to = check_new(destination(str(to)))
    with whole_or_absent(to) as folder:
        written, left_out = form.write(run, known_store(run.folder, store), folder, to.name, most)
        if not written:
            raise Refused(f"{run} has no pair of which both images are there; nothing was written")
    return ExportSummary(run.url, form.name, str(to), pairs=written, left_out=left_out, next=form.next.format(to=to))


def _left_out(whole: Benchmark, form: Form) -> dict[str, int]:
    """Map each reason why frozen pairs are not in this form to their number."""
    other_use = sum(pair.use != form.use for pair in whole.pairs)
    unfit = sum(pair.use == form.use and not form.takes(pair) for pair in whole.pairs)
    told = {f"not for {form.use}": other_use, "nothing in them that this format takes": unfit}
    return {why: count for why, count in told.items() if count}


def _taken(benchmark: Benchmark, form: Form) -> Benchmark:
    taken = form.part(benchmark)
    if not taken.pairs:
        raise Waiting(
            f"{benchmark.run}/questions-{benchmark.version} has no pair for {form.name} ({form.says}): {_how(form)} "
            f"with `blindpairs author {benchmark.run}`, then `blindpairs freeze {benchmark.run}`"
        )
    return taken


def _how(form: Form) -> str:
    return "set pairs apart for training (key t)" if form.use == TRAINING else "write them"


def _refuse(findings: Sequence[Finding], accepted: Sequence[str], run: Run) -> None:
    """Raise Refused, naming the first findings, if any of them prevents an export."""
    if not (hinders := [one for one in findings if one.hinders(accepted)]):
        return
    told = "; ".join(f"{one.where}: {one.sentence} ({one.code})" for one in hinders[:3])
    more = f"; and {len(hinders) - 3} more, which --check lists" if len(hinders) > 3 else ""
    codes = sorted({one.code for one in hinders if one.acceptable})
    remedy = f", or accept what is meant: {' '.join(f'--accept {code}' for code in codes)}" if codes else ""
    raise Refused(f"{told}{more}. Fix it with `blindpairs author {run}` and freeze again{remedy}")


def _accepted(findings: Sequence[Finding], accepted: Sequence[str]) -> tuple[str, ...]:
    """Return the accepted codes that were found and would have prevented the export."""
    return tuple(sorted({one.code for one in findings if one.hinders(()) and not one.hinders(accepted)}))


def _is_behind(run: Run, store: Path | None) -> bool:
    """Whether people have written anything since the newest version."""
    return store is not None and is_changed(run, store)


def _check_codes(accepted: Sequence[str]) -> None:
    if odd := [code for code in accepted if code not in CODES]:
        raise Refused(
            f"--accept {odd[0]}: there is no such finding that can be accepted; there are: {', '.join(CODES)}"
        )
