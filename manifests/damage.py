"""Damage: errors while a shard is read, as one sentence that names the file and says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from manifests.digests import OtherRows
from manifests.errors import Damaged

REPAIR = "run `blindpairs repair`"  # the remedy for a shard of a committed manifest


@contextmanager
def damage_told(url: str, remedy: str) -> Iterator[None]:
    """Turn pyarrow's errors, and rows other than those written, into Damaged.

    Errors for a missing file, a refused one or too little memory are not changed.
    """
    try:
        yield
    except MemoryError:
        raise
    except OtherRows as error:
        raise Damaged(
            f"{url} was changed since it was written ({error}); put the old file back, or {remedy} to make it again"
        ) from error
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        if isinstance(error, OSError) and (type(error) is not OSError or error.errno):
            raise  # the operating system's own error; pyarrow's checksum and parse errors are bare OSErrors
        why = " ".join(str(error).split())
        raise Damaged(
            f"{url} is not as it was written ({why}): the disk or a copy damaged it; {remedy} to make it again"
        ) from error
