"""Codes: what `lint` and the check of a benchmark find, and the formats a benchmark is exported to."""

from __future__ import annotations

from .markdown import code, table

HEAD = ("code", "severity", "meaning")


def faults() -> str:
    """Return the codes of `blindpairs lint`."""
    from pipeline.reports.lint.codes import CODES

    return table(HEAD, ((code(one.name), one.severity, one.sentence()) for one in CODES.values()))


def checks() -> str:
    """Return the codes of `blindpairs export --check`."""
    from pipeline.benchmark.checks.codes import CODES, KNOWN

    return table(
        HEAD,
        (
            (code(one.name), f"{one.severity}{' (may be accepted)' if one.name in CODES else ''}", one.meaning)
            for one in KNOWN.values()
        ),
    )


def forms() -> str:
    """Return the formats of `blindpairs export`."""
    from pipeline.benchmark.formats.writing.forms import FORMS, OF_THE_RUN

    found = (*FORMS.values(), *OF_THE_RUN.values())
    return table(("`--format`", "writes"), ((code(form.name), form.says) for form in found))
