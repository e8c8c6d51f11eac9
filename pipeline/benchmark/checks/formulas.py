"""Formulas: texts that a spreadsheet runs when it opens the CSV or TSV in which they are a cell.

A person who opens a benchmark in Excel, LibreOffice or Sheets should see its texts, and run none of them: they may have
come from a published folder, a model's draft or Label Studio (OWASP, "CSV Injection"). Only cells matter: a form says
which of its texts are cells, and forms in Parquet or JSON have none. MMVP's options are not cells of their own, because
they share one that begins with "(a)". The texts are never changed, since a benchmark must read as it was written; a
person changes them, or accepts that they are intended.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping

from pipeline.benchmark.benchmark import Posed
from pipeline.benchmark.checks.finding import Numbered, found, of
from pipeline.benchmark.checks.words import quoted
from pipeline.findings import Finding

Cells = Callable[[Posed], Mapping[str, str]]  # name of a text of a pair -> the text, of those that are cells

STARTS = tuple("=+-@")
CONTROL = ("\t", "\r", "\n")  # some spreadsheets drop these, and run what follows
NUMBER = re.compile(r"[+-](\d+([.,]\d+)*|[.,]\d+)(e[+-]?\d+)?%?", re.IGNORECASE)


def no_cells(pair: Posed) -> Mapping[str, str]:
    """Return the cells of a form whose files no spreadsheet opens."""
    return {}


def judge_formulas(pairs: Numbered, cells: Cells) -> Iterator[Finding]:
    """Yield one finding for each text that is a cell, and that a spreadsheet takes for a formula."""
    for number, pair in pairs:
        for name, text in cells(pair).items():
            if is_formula(text):
                sentence = (
                    f"the {name} {quoted(text)} begins with {quoted(text.strip()[:1] or text[:1])}, and a spreadsheet "
                    "that opens the table runs it as a formula; write it with another word first"
                )
                yield found("formula_in_table", of(number, pair), sentence)


def is_formula(text: str) -> bool:
    """Whether a spreadsheet may run it. Full-width signs count, as some spreadsheets take them for plain ones.

    A lone number with a sign is harmless: the formula `-1` is the number -1.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    return text.startswith(CONTROL) or (plain.startswith(STARTS) and NUMBER.fullmatch(plain) is None)
