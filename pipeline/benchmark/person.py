"""Person: who writes or answers."""

from __future__ import annotations

import getpass

from manifests.errors import Refused
from stages.author.authored import Unwritable, person_named


def person_of(name: str | None) -> str:
    """The person that is named, or the user of this process. Raises Refused where that is nobody."""
    try:
        return person_named(getpass.getuser() if name is None else name)
    except (Unwritable, KeyError, OSError) as error:
        raise Refused(f"nobody is named ({error}): say who you are with --name NAME, or --answer NAME") from error
