"""Settings: what a recipe may set for a stage, read strictly."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


class Settings(BaseModel):
    """What a recipe may set for a stage. Unknown keys are errors; values never change once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, values: Any) -> Any:
        unknown = [key for key in values if key not in cls.model_fields] if isinstance(values, dict) else []
        if unknown:
            near = difflib.get_close_matches(str(unknown[0]), cls.model_fields, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"known are: {', '.join(cls.model_fields)}"
            raise ValueError(f"unknown setting {unknown[0]!r}; {hint}")
        return values


def known_kind(what: str, kinds: Collection[str]) -> Callable[[Any], Any]:
    """Return a validator that accepts settings of a known `kind`; pydantic's own error would suggest no nearest one."""

    def checked(values: Any) -> Any:
        kind = values.get("kind") if isinstance(values, dict) else None
        if isinstance(values, dict) and not (isinstance(kind, str) and kind in kinds):
            given = str(values.get("kind", "none"))
            near = difflib.get_close_matches(given, kinds, n=1)
            hint = f"did you mean {near[0]}?" if near else f"kinds are: {', '.join(kinds)}"
            raise ValueError(f"no {what} is of kind {given!r}; {hint}")
        return values

    return checked
