"""HEIC: photos as iPhones take them, which Pillow opens once pillow-heif is installed (the extra `heic`)."""

from __future__ import annotations

from functools import cache

FORMAT = "HEIF"  # as pillow-heif names it
NAMES = (".heic", ".heif")
MISSING = (
    "a HEIC image, and decoding it needs pillow-heif; run pip install 'blindpairs[heic]' on every machine, and make "
    "the images again (--redo images)"
)
HEVC = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"))
AV1 = frozenset((b"avif", b"avis"))  # Pillow's own
MOST_BRANDS = 64  # that are looked at


def is_heic(data: bytes) -> bool:
    """Return whether a file's first bytes are those of HEIC: the brands in the box `ftyp` of ISO/IEC 23008-12."""
    if data[4:8] != b"ftyp":
        return False
    box = data[: min(int.from_bytes(data[:4], "big"), 16 + 4 * MOST_BRANDS)]
    brands = {box[8:12], *(box[at : at + 4] for at in range(16, len(box), 4))}
    return bool(brands & HEVC) and not brands & AV1


@cache
def can_open() -> bool:
    """Return whether Pillow can open HEIC; has it do so if pillow-heif is installed."""
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener(thumbnails=False, decode_threads=1)  # a worker has threads of its own
    return True
