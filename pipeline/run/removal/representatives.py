"""Representatives: which image represents the copies of a removed image, and which copies have no equal left.

The smallest image_id of the earliest lot takes its place, as stages/copies decides when a run grows. A chain of
copies whose middle is removed is kept together: its vectors differ by no more than float32's rounding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from manifests.removal import Held, batches

BYTES, VECTORS = "bytes", "vectors"


@dataclass
class Crowd:
    """The existing copies, as far as a removal affects them."""

    stands: dict[str, str] = field(default_factory=dict)  # removed image -> its successor
    same_bytes: set[str] = field(default_factory=set)  # the kin that are copies by bytes
    ids: pa.StringArray = field(default_factory=lambda: pa.array([], pa.string()))  # copies that remain copies


def crowd_of(copies: Held, gone: pa.StringArray, kin: pa.StringArray) -> Crowd:
    """Read from the copies table which image replaces which. `kin`: the images about which more must be known."""
    promoted: dict[str, tuple[int, str]] = {}
    found, ids = Crowd(), [pa.array([], pa.string())]
    for lot, name in enumerate(copies.shards()):
        for batch in batches(copies.folder, name):
            stay = batch.filter(pc.invert(pc.is_in(batch.column("image_id"), gone)))
            ids.append(stay.column("image_id"))
            orphans = stay.filter(pc.is_in(stay.column("copy_of"), gone)).to_pydict()
            for copy, of in zip(orphans["image_id"], orphans["copy_of"], strict=True):
                promoted[of] = min(promoted.get(of, (lot, copy)), (lot, copy))
            near = stay.filter(pc.is_in(stay.column("image_id"), kin))
            found.same_bytes |= set(near.filter(pc.equal(near.column("same"), BYTES)).column("image_id").to_pylist())
    found.stands = {of: copy for of, (_, copy) in promoted.items()}
    every, successors = pa.concat_arrays(ids), pa.array(found.stands.values(), pa.string())
    found.ids = every.filter(pc.invert(pc.is_in(every, successors)))
    return found


def alone(crowd: Crowd, kin: Mapping[str, Sequence[tuple[str, int]]]) -> list[str]:
    """Return copies by bytes with no equal in their own lot or before; `kin`: sha256 -> kept (image_id, lot)."""
    found = []
    for images in kin.values():
        for image, lot in images:
            company = any(other != image and of <= lot for other, of in images)
            if image in crowd.same_bytes and not company:
                found.append(image)
    return sorted(found)


def written(rows: pa.RecordBatch, gone: pa.StringArray, stands: Mapping[str, str], single: Sequence[str]) -> pa.Table:
    """Return the rows of the copies table without the removed images and the new representatives."""
    out = pa.concat_arrays([gone, pa.array(stands.values(), pa.string())])
    stay = rows.filter(pc.invert(pc.is_in(rows.column("image_id"), out)))
    lonely = pc.is_in(stay.column("image_id"), pa.array(single, pa.string()))
    return pa.table(
        {
            "image_id": stay.column("image_id"),
            "copy_of": replaced(stay.column("copy_of"), stands),
            "same": pc.if_else(lonely, VECTORS, stay.column("same")),
        }
    )


def replaced(ids: pa.StringArray, by: Mapping[str, str]) -> pa.StringArray:
    """Return `ids`, with each that is a key of `by` replaced by its value."""
    place = pc.index_in(ids, pa.array(by.keys(), pa.string()))
    return pc.coalesce(pa.array(by.values(), pa.string()).take(place), ids)
