"""Columns: what tables of URLs call the columns we need, with LAION's published spellings first."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from manifests.errors import Refused
from stages.download.row import SPELLINGS

URL = "url"
# column of ours -> what tables call it: LAION-400M, LAION-5B, LAION-Aesthetics, LAION-Art, Re-LAION, img2dataset
KNOWN: Mapping[str, tuple[str, ...]] = {
    **SPELLINGS,
    "caption": (*SPELLINGS["caption"], "top_caption", "alt_text"),
    "unsafe": (*SPELLINGS["unsafe"], "nsfw_prediction"),
    "width": ("width", "WIDTH", "original_width"),
    "height": ("height", "HEIGHT", "original_height"),
    "similarity": ("similarity", "SIMILARITY", "clip_similarity_vitb32", "clip_similarity_vitl14"),
    "language": ("language", "LANGUAGE", "lang"),
}
NUMBERS = ("aesthetic", "unsafe", "watermark", "width", "height", "similarity")


def resolved(there: Sequence[str], mapped: Mapping[str, str], needed: Sequence[str], where: str) -> dict[str, str]:
    """Return column of ours -> the table's name for it, for all columns it has; it must have the `needed` ones.

    Raises Refused, in a sentence that starts with `where`, for a column that is missing or not known.
    """
    if unknown := [name for name in mapped if name not in KNOWN]:
        near = difflib.get_close_matches(unknown[0], KNOWN, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are: {', '.join(KNOWN)}"
        raise Refused(f"{where}: columns names {unknown[0]!r}, which is not a column of ours; {hint}")
    if absent := [name for name in mapped.values() if name not in there]:
        raise Refused(
            f"{where} has no column {absent[0]!r}, which the recipe names; it has: {_shown(there)}"
            f"{_comma(there, where)}"
        )
    first = {name: next((one for one in spellings if one in there), None) for name, spellings in KNOWN.items()}
    found = {name: one for name, one in (first | dict(mapped)).items() if one is not None}
    if lacking := [name for name in dict.fromkeys(needed) if name not in found]:
        raise Refused(f"{where} has no column for {_lacking(lacking, there)}{_comma(there, where)}")
    return found


def _lacking(names: Sequence[str], there: Sequence[str]) -> str:
    filters = [name for name in names if name != URL]
    of_which = f"{', '.join(filters)}: " if URL in names else ""
    asked = f" ({of_which}asked for by where)" if filters else ""
    which = "it is" if len(names) == 1 else "they are"
    say = f"say which {which}, columns: {{{', '.join(f'{name}: NAME' for name in names)}}}"
    leave = ", or leave the filter out" if len(filters) == 1 else ", or leave the filters out" if filters else ""
    return f"{', '.join(names)}{asked}; it has: {_shown(there)}; {say}{leave}"


def _comma(there: Sequence[str], where: str) -> str:
    if not where.endswith(".csv") or not any(";" in name for name in there):
        return ""
    return "; the separator of a .csv is a comma here: separated by semicolons? write it with commas, or as Parquet"


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (" ..." if len(names) > 12 else "")
