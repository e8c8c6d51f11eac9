"""Person: the name of the person who writes or answers."""

from __future__ import annotations

import getpass

from manifests.errors import Refused
from stages.author.authored import Unwritable, person_named


def person_of(name: str | None) -> str:
    """Return the given name, or the user of this process. Raises Refused if neither names a person."""
    try:
        return person_named(getpass.getuser() if name is None else name)
    except (Unwritable, KeyError, OSError) as error:
        raise Refused(f"nobody is named ({error}): say who you are with --name NAME, or --answer NAME") from error
