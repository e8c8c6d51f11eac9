"""Unused: options that say nothing to what was asked for."""

from __future__ import annotations

from collections.abc import Mapping

from manifests.errors import Refused


def check_unused(what: str, given: Mapping[str, object]) -> None:
    """Raise Refused for an option that would do nothing."""
    if odd := [name for name, value in given.items() if value is not None and value != () and value != []]:
        raise Refused(f"{odd[0]} does not apply to {what}; leave it out")
