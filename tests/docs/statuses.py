"""Statuses: every word in a column `status` or `reason`, or in a step's counts, and every exit code."""

from __future__ import annotations

from manifests import errors
from manifests import evaluation_tables as evaluation
from manifests.tables import OK, OVER_CAP
from stages import images
from stages.copies.stage import BYTES, VECTORS
from stages.download import fetched, shards, tar
from stages.download.fetch import outcomes
from stages.download.urls import stretch
from stages.embed import computing, decoding
from stages.filter import reasons
from stages.search import stage as search
from stages.vectors import sound

from .markdown import code, table

MILLIONS = f"{images.MAX_PIXELS / 1e6:.0f} million pixels"
READING = {
    OK: "the image continues to the next step",
    images.EMPTY: "it has no bytes",
    images.TRUNCATED: "it has fewer bytes than it should",
    images.UNREADABLE: "its file, or the image itself, cannot be read",
    images.NOT_AN_IMAGE: f"its bytes are none of these: {', '.join(images.FORMATS)}, HEIC",
    images.TOO_LARGE: f"it has more than {MILLIONS}, or more than {images.MAX_BYTES:,} bytes",
    images.TOO_NARROW: f"one side is over {images.MAX_ASPECT} times the other",
}
LISTING = {
    shards.DUPLICATE_KEY: "the tar already has a member of this name; the first one counts",
    tar.NOT_A_TAR: "the file is not a tar: it gives no images",
    tar.COMPRESSED: "the tar is compressed: it gives no images; unpack it",
    tar.AFTER_END: "there is more data after the tar's end mark, such as a second tar; it is not read",
    fetched.MISSING: "img2dataset reports success, but the tar does not contain the image",
    fetched.FAILED: "img2dataset gives no reason; any word that is not on this page is img2dataset's own",
    stretch.FILTERED: "the row of the table does not pass `where`",
    stretch.DUPLICATE: "an earlier row has the same URL",
}
EMBEDDING = {
    decoding.CHANGED: "its bytes are no longer those from which the images table was made",
    decoding.UNPREPARED: "an encoder's preprocessing failed",
    computing.BAD_VECTOR: "an encoder's vector is zero or not finite",
}
COPYING = {
    f"same_{BYTES}": "another image with the same sha256 represents this one in the search",
    f"same_{VECTORS}": "another image with the same two vectors represents this one in the search",
}
SEARCHING = {
    search.BELOW_FLOOR: "the blind cosine is below `search.min_cosine`",
    search.COPY: "one of the two is a copy, so they were not compared",
    OVER_CAP: "one of the two has more than `search.max_per_image` candidates in this tile",
}
FILTERING = {
    reasons.BLIND_LOW: "the blind cosine does not reach `filter.blind_min`; counted, no row",
    reasons.REFERENCE_HIGH: "the reference cosine is not below `filter.reference_max`; counted, no row",
    reasons.NEAR: "the two images are near-duplicates of each other, or a better pair shows near-duplicates of them",
    reasons.CAPPED: "one of the two is already in `filter.max_pairs_per_image` better pairs",
}
REPLYING = {
    evaluation.UNPARSED: "the reply does not clearly choose one option; in `verdicts`, it is neither yes nor no",
    evaluation.REFUSED: "the model or its server refused because of the content",
    evaluation.TRUNCATED: "the reply was cut at `max_tokens`; it is not read",
    evaluation.FAILED: "the question could not be asked and never can be; the model's figures are incomplete",
}
STEPS = {
    "Every image, in `images` and `embeddings`": READING,
    "Sources, in `images`": LISTING,
    "Vectors, in `embeddings`": EMBEDDING,
    "Vectors, in `sketches`": sound.SENTENCES,
    "Copies, in the counts of `copies`": COPYING,
    "Comparisons, in the counts of `candidates`": SEARCHING,
    "Pairs, in the counts of `pairs` and its column `reason`": FILTERING,
    "Replies of models, in an evaluation's `predictions`, `verdicts` and `answers`": REPLYING,
}
RETRIED = "The last column says when `blindpairs run RECIPE --retry-failed` requests a URL again."
AGAIN = {
    outcomes.RetryWhen.NOW: "at once",
    outcomes.RetryWhen.LATER: "after `fetch.again_after_h`",
    outcomes.RetryWhen.NEVER: "never",
}


def statuses() -> str:
    """Return a section for each step, and one for fetched URLs, with when each is requested again."""
    parts = [
        f"## {title}\n\n{table(('word', 'meaning'), ((code(word), text) for word, text in words.items()))}"
        for title, words in STEPS.items()
    ]
    parts.insert(2, f"## URLs, in `images`\n\n{RETRIED}\n\n{_fetching()}")
    return "\n".join(parts)


def _fetching() -> str:
    rows = (
        (code(word), sentence, AGAIN[outcomes.retry_when(word)])
        for word, sentence in outcomes.SENTENCES.items()
        if word != OK
    )
    return table(("word", "meaning", "retried"), rows)


def exits() -> str:
    """Return the exit codes: those of the error classes, and those that are no error."""
    found = [error for error in vars(errors).values() if isinstance(error, type) and issubclass(error, Exception)]
    known = [(error.exit_code, error.__name__, (error.__doc__ or "").strip()) for error in found]
    rows = [
        (0, "", "Done."),
        *sorted(one for one in known if one[1] != errors.BlindpairsError.__name__),
        (1, "", "`audit`, `parity`, `lint` or `export --check` found an error."),
        (1, "OSError", "A disk or a store failed; the message names the file."),
        (2, "", "An argument or option of the command line is wrong."),
        (130, "", "Stopped by Ctrl-C or by SIGTERM; everything that is finished is kept."),
    ]
    return table(("exit code", "error", "meaning"), ((number, code(name), text) for number, name, text in sorted(rows)))
