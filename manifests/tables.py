"""Tables: all of them, in the order in which an image reaches them. If you change a meaning here, raise its version."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import pyarrow as pa

from manifests.schema import Schema, column

OK = "ok"
OVER_CAP = "over_max_per_image"  # a candidate that the search counted but did not keep

IMAGE_ID = column(
    "image_id",
    pa.string(),
    "first 32 hex digits of sha256(source, natural key): the same in every run and after re-sharding",
    nullable=False,
)
STATUS = column("status", pa.string(), "ok, or in one word why this image goes no further", nullable=False)
ERROR = column("error", pa.string(), "the reason in a sentence; null where status is ok")
LEFT = column("left_id", pa.string(), "the smaller image_id of the two", nullable=False)
RIGHT = column("right_id", pa.string(), "the larger image_id of the two", nullable=False)
BLIND = column("blind_cosine", pa.float64(), "cosine of the two blind (CLIP) vectors, in float64", nullable=False)
REFERENCE = column(
    "reference_cosine", pa.float64(), "cosine of the two reference (DINOv2) vectors, in float64", nullable=False
)

IMAGES = Schema(
    "images",
    3,
    ("image_id",),
    pa.schema(
        [
            IMAGE_ID,
            column("source", pa.string(), "name of the source in the recipe", nullable=False),
            column("key", pa.string(), "what the source calls the image: its path without extension", nullable=False),
            column("url", pa.string(), "where it came from on the web, if the source says"),
            column("uri", pa.string(), "the file, tar or Parquet cell that holds its bytes; null where there are none"),
            column("offset", pa.int64(), "first byte of the image inside uri"),
            column("length", pa.int64(), "number of bytes of the image inside uri"),
            column("sha256", pa.string(), "hex sha256 of those bytes"),
            column("width", pa.int32(), "pixels, as the file's header says, EXIF rotation not applied"),
            column("height", pa.int32(), "pixels, as the file's header says, EXIF rotation not applied"),
            column("format", pa.string(), "what the bytes are (JPEG, PNG, ...), whatever the name says"),
            column("caption", pa.string(), "text that came with it"),
            column("label", pa.string(), "class that came with it, such as the synset or its folder"),
            column("class_name", pa.string(), "what people call that class, if the source says"),
            column("split", pa.string(), "train, validation or test, if the source says"),
            column("aesthetic", pa.float32(), "LAION aesthetic score, if the source says"),
            column("unsafe", pa.float32(), "probability of being unsafe, if the source says"),
            column("watermark", pa.float32(), "probability of a watermark, if the source says"),
            column("license", pa.string(), "license, if the source or the recipe says"),
            STATUS,
            ERROR,
        ]
    ),
)

DIRECTIONS = Schema(
    "directions",
    1,
    ("direction",),
    pa.schema(
        [
            column("direction", pa.int64(), "rank of the direction: 1 has the largest share", nullable=False),
            column("vector", pa.list_(pa.float64()), "unit vector, orthogonal to all others", nullable=False),
            column("share", pa.float64(), "share of the sampled vectors' squared length along it", nullable=False),
        ]
    ),
)

SKETCHES = Schema(
    "sketches",
    1,
    ("image_id",),
    pa.schema(
        [
            IMAGE_ID,
            STATUS,
            ERROR,
            column("digest", pa.string(), "first 32 hex digits of sha256 of the blind and the reference vector"),
            column("sketch", pa.list_(pa.float32()), "the blind vector along each direction, then the rest's length"),
        ]
    ),
)

COPIES = Schema(
    "copies",
    1,
    ("image_id",),
    pa.schema(
        [
            IMAGE_ID,
            column("copy_of", pa.string(), "the image that represents it in the search", nullable=False),
            column("same", pa.string(), "what is the same: bytes (the sha256), or only the vectors", nullable=False),
        ]
    ),
)

CANDIDATES = Schema("candidates", 1, ("left_id", "right_id"), pa.schema([LEFT, RIGHT, BLIND, REFERENCE]))

PAIRS = Schema(
    "pairs",
    2,
    ("left_id", "right_id"),
    pa.schema(
        [
            LEFT,
            RIGHT,
            BLIND,
            REFERENCE,
            column("gap", pa.float64(), "blind_cosine - reference_cosine", nullable=False),
            column("group", pa.int64(), "connected component among kept pairs; 1 has the best pair; null if left out"),
            column("rank", pa.int64(), "1 is the widest gap among kept pairs; null if left out"),
            column("left_copies", pa.int64(), "how many other images are copies of the left one", nullable=False),
            column("right_copies", pa.int64(), "how many other images are copies of the right one", nullable=False),
            column("reason", pa.string(), "why a pair within both thresholds is left out; null if kept"),
        ]
    ),
)

QUESTIONS = Schema(
    "questions",
    2,
    ("question_id",),
    pa.schema(
        [
            column(
                "question_id", pa.string(), "first 32 hex digits of sha256(left_id, right_id, side)", nullable=False
            ),
            column("place", pa.int64(), "number from 1, as MMVP's Index; pair k has 2k - 1 and 2k", nullable=False),
            LEFT,
            RIGHT,
            column("side", pa.string(), "left or right: which of the two images is asked about", nullable=False),
            column("image_id", pa.string(), "the image that is asked about", nullable=False),
            column("use", pa.string(), "benchmark or training; a pair is never used for both", nullable=False),
            column("pattern", pa.string(), "one of the nine visual patterns of MMVP; null if none was chosen"),
            column("question", pa.string(), "the same for both images of a pair; null if there is only a statement"),
            column("options", pa.list_(pa.string()), "two answers to choose from, the same for both images"),
            column("answer", pa.string(), "a or b: which option is right for this image"),
            column("statement", pa.string(), "a sentence that is true of this image and not of the other"),
            column("author", pa.string(), "who last wrote it", nullable=False),
            column("authored_at", pa.string(), "when it was last written, in UTC", nullable=False),
            column("reviewed_by", pa.list_(pa.string()), "who answered it blind, in these words", nullable=False),
            column("missed_by", pa.list_(pa.string()), "who of reviewed_by chose the wrong option", nullable=False),
            *(one.with_nullable(True) for one in (BLIND, REFERENCE)),  # null if the run never found the pair
            column("thresholds", pa.string(), "the thresholds by which it was a pair of the run; null if unknown"),
        ]
    ),
)


def embeddings(dims: Mapping[str, int], dtype: pa.DataType | None = None) -> Schema:
    """Return the embeddings table for these encoders: one fixed-size list of `dims[name]` numbers each.

    `dtype` is float32 unless the recipe chooses float16.
    """
    vectors = [
        column(name, pa.list_(dtype or pa.float32(), dim), f"unit vector of the encoder `{name}`; null if rejected")
        for name, dim in dims.items()
    ]
    return Schema("embeddings", 1, ("image_id",), pa.schema([IMAGE_ID, STATUS, ERROR, *vectors]))


def question_id(left_id: str, right_id: str, side: str) -> str:
    """Return 32 hex digits that identify the question about one image of a pair, whatever its words are."""
    return hashlib.sha256("\0".join((left_id, right_id, side)).encode()).hexdigest()[:32]


def image_id(source: str, natural_key: str) -> str:
    """Return 32 hex digits that identify an image by where it comes from, never by its place in a shard."""
    # the NUL keeps ("a", "bc") and ("ab", "c") apart; surrogateescape keeps undecodable file names apart
    text = f"{source}\0{natural_key}".encode("utf-8", "surrogateescape")
    return hashlib.sha256(text).hexdigest()[:32]
