"""Pictures: the bytes of the images that questions are about, checked against the hash the benchmark was made with."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from stages import images


def picture(row: Mapping[str, Any]) -> bytes | None:
    """Return the file's bytes; None for a question without an image.

    Raises ImageRefused if they are gone or have changed since the benchmark was made, OSError if a store failed.
    """
    if row["uri"] is None:
        return None
    data = images.read(row["uri"], row["offset"], row["length"])
    if row["sha256"] is not None and hashlib.sha256(data).hexdigest() != row["sha256"]:
        raise images.ImageRefused("bytes_changed", f"{row['uri']}: its bytes were changed since the benchmark was made")
    return data
