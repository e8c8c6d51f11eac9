"""Faults: say in a plain sentence which setting of a recipe is wrong, and what to write instead."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from stages.text import did_you_mean

MISSING = "missing"
NUMBER, WHOLE = "write a number", "write a whole number"
TEXT = "write a text, in quotes if YAML would read it as something else ('2024')"
A_LIST, SETTINGS = "write a list, [...]", "write settings, {{name: value}}"
# pydantic's type of a fault -> what to write; words in braces are from the fault's context
REMEDIES: Mapping[str, str] = {
    **dict.fromkeys(("float_type", "float_parsing"), NUMBER),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), WHOLE),
    **dict.fromkeys(("bool_type", "bool_parsing"), "write true or false"),
    **dict.fromkeys(("string_type", "string_sub_type", "string_unicode"), TEXT),
    **dict.fromkeys(("tuple_type", "list_type"), A_LIST),
    **dict.fromkeys(("dict_type", "mapping_type", "model_type", "model_attributes_type"), SETTINGS),
    "finite_number": f"{NUMBER} that is neither infinite nor .nan",
    "greater_than_equal": f"{NUMBER} of at least {{ge}}",
    "less_than_equal": f"{NUMBER} of at most {{le}}",
    "greater_than": f"{NUMBER} above {{gt}}",
    "less_than": f"{NUMBER} below {{lt}}",
    "string_too_long": "write at most {max_length} characters",
    "literal_error": "write {expected}",
}
PATTERNS = {
    r"^[A-Za-z0-9][A-Za-z0-9_.-]*$": "write a name of the letters A-Z, digits, and _ . - (not first)",
    r"^[a-z][a-z0-9_]*$": "write a name of lower-case letters a-z, digits and _, a letter first",
}


def sentence(error: ValidationError, values: Any, most: int = 3) -> str:
    """Return what is wrong with a recipe's `values`, the first `most` faults, in one line."""
    found = error.errors()
    more = f"; and {len(found) - most} more" if len(found) > most else ""
    return "; ".join(_fault(one, values) for one in found[:most]) + more


def _fault(fault: ErrorDetails, values: Any) -> str:
    where = _where(fault["loc"], values, missing=fault["type"] == MISSING)
    named = f"{where}: " if where else ""
    if fault["type"] == MISSING:
        return f"{named}it has no value; {_giving(where)}"
    given = "" if fault["type"] == "value_error" else f" (you gave {reprlib.repr(fault['input'])[:120]})"
    return f"{named}{remedy(fault)}{given}"


def _giving(where: str) -> str:
    """Say how to give a setting, or a whole section of the recipe, that is missing."""
    if "." not in where:
        return f"add `{where}` to the recipe, or start from a preset that has it (preset: mmvp)"
    return f"add it to the recipe (on the command line: --set {where}=...)"


def remedy(fault: ErrorDetails) -> str:
    """Return what to write instead; for a fault that has no sentence here, pydantic's own."""
    context = {name: f"{one:g}" if isinstance(one, float) else one for name, one in fault.get("ctx", {}).items()}
    if fault["type"] == "string_pattern_mismatch":
        return PATTERNS.get(context["pattern"], f"write a text of the form {context['pattern']}")
    if fault["type"] not in REMEDIES:
        return fault["msg"].removeprefix("Value error, ")
    text = REMEDIES[fault["type"]].format(**context)
    if fault["type"] == "literal_error" and isinstance(fault["input"], str):
        hint = did_you_mean(fault["input"], re.findall("'([^']+)'", context["expected"]))
        return f"{hint}{text}"
    return text


def _where(steps: Sequence[str | int], values: Any, *, missing: bool) -> str:
    """Return a fault's dotted name as the recipe spells it, without pydantic's own steps (a union's tag)."""
    named: list[str] = []
    for step in steps:
        there = step in values if isinstance(values, dict) else isinstance(values, list) and isinstance(step, int)
        is_tag = isinstance(values, dict) and values.get("kind") == step
        if there:
            values = values[step]
        if there or (missing and not is_tag):
            named.append(str(step))
    return ".".join(named)
