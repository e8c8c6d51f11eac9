"""Evaluation tables: the questions as models are asked them, the replies, how they were read, and the scores.

An evaluation makes them in this order. If you change what a column means, raise the version of its table.
"""

from __future__ import annotations

import pyarrow as pa

from manifests.schema import Schema, column

AS_WRITTEN, REVERSED = "as_written", "reversed"  # orders of a question's options
CHOICE, YES_NO = "choice", "yes_no"  # kinds of questions
UNPARSED, REFUSED, TRUNCATED, FAILED = "unparsed", "refused", "truncated", "failed"  # statuses besides OK
ALL = "all"  # the category of a score over all categories

QUESTION_ID = column("question_id", pa.string(), "identifies the question in its benchmark", nullable=False)
MODEL = column("model", pa.string(), "the model's name in the evaluation", nullable=False)
ORDER = column("order", pa.string(), "order of the options when asked: as_written or reversed", nullable=False)
GROUP = column(
    "group", pa.string(), "the same for questions that count as one, such as the two of a pair", nullable=False
)
CATEGORY = column("category", pa.string(), "visual pattern, or the benchmark's own type; null if there is none")
SOURCE = column("source", pa.string(), "data set that the image comes from, if the score is balanced by it")
TEXTS = pa.list_(pa.string())

ASKED = Schema(
    "asked",
    1,
    ("question_id",),
    pa.schema(
        [
            QUESTION_ID,
            column("place", pa.int64(), "number from 1, in the benchmark's order", nullable=False),
            GROUP,
            CATEGORY,
            SOURCE,
            column("kind", pa.string(), "choice; or yes_no, where the options are yes and no", nullable=False),
            column("image_id", pa.string(), "the image that the question is about; null if there is none"),
            column("images", TEXTS, "every image of the group, by image_id, in the benchmark's order", nullable=False),
            column("uri", pa.string(), "the file, tar or Parquet cell that holds the image's bytes"),
            column("offset", pa.int64(), "first byte of the image inside uri"),
            column("length", pa.int64(), "number of bytes of the image inside uri"),
            column("sha256", pa.string(), "hex sha256 of those bytes"),
            column("question", pa.string(), "the question's words; null if there is only a statement"),
            column("options", TEXTS, "the answers to choose from; null if there is only a statement"),
            column("answer", pa.string(), "letter of the right option, from a; null if there is only a statement"),
            column("statement", pa.string(), "a sentence that is true of this image and of no other in the group"),
        ]
    ),
)

PREDICTIONS = Schema(
    "predictions",
    1,
    ("model", "question_id", "order"),
    pa.schema(
        [
            MODEL,
            QUESTION_ID,
            ORDER,
            column("vision", pa.bool_(), "whether the model was shown the image", nullable=False),
            column("prompt", pa.string(), "the words the model was given, exactly", nullable=False),
            column("response", pa.string(), "its reply, exactly; null if it gave none"),
            column(
                "scores",
                pa.list_(pa.float64()),
                "log-probability of each option in the order asked; or, for a matching model, the statement's cosine "
                "with each image of the group; null for replies in words",
            ),
            column("tokens_in", pa.int64(), "tokens of the request, if known"),
            column("tokens_out", pa.int64(), "tokens of the reply, if known"),
            column(
                "seconds", pa.float64(), "from request to reply; in a batch, an equal share of its time", nullable=False
            ),
            column("status", pa.string(), "ok, refused, truncated or failed", nullable=False),
            column("error", pa.string(), "the reason in a sentence; null where status is ok"),
        ]
    ),
)

VERDICTS = Schema(
    "verdicts",
    1,
    ("model", "question_id", "order"),
    pa.schema(
        [
            MODEL,
            QUESTION_ID,
            ORDER,
            column("grader", pa.string(), "the language model that judged the reply", nullable=False),
            column("prompt", pa.string(), "the words the grader was given, exactly", nullable=False),
            column("response", pa.string(), "its reply, exactly; null if it gave none"),
            column("verdict", pa.string(), "yes or no; null if the whole reply is neither"),
            column("status", pa.string(), "ok, unparsed, refused, truncated or failed", nullable=False),
            column("error", pa.string(), "the reason in a sentence; null where status is ok"),
        ]
    ),
)

ANSWERS = Schema(
    "answers",
    1,
    ("model", "question_id", "order"),
    pa.schema(
        [
            MODEL,
            QUESTION_ID,
            ORDER,
            GROUP,
            CATEGORY,
            SOURCE,
            column(
                "answer", pa.string(), "letter of the chosen option, in the order as written; null if none was read"
            ),
            column("rule", pa.string(), "which rule read the reply, such as letter or option; null if none did"),
            column("right", pa.bool_(), "whether the answer is right; null unless status is ok"),
            column("status", pa.string(), "ok, unparsed, refused, truncated or failed", nullable=False),
            column("error", pa.string(), "the reason in a sentence; null where status is ok"),
        ]
    ),
)

SCORES = Schema(
    "scores",
    1,
    ("model", "category", "metric"),
    pa.schema(
        [
            MODEL,
            column("category", pa.string(), "pattern or type; all: every question", nullable=False),
            column(
                "metric", pa.string(), "what is measured, such as question_accuracy or group_accuracy", nullable=False
            ),
            column("right", pa.int64(), "how many count as right; null for a metric that is not a share"),
            column("of", pa.int64(), "out of how many; null for a metric that is not a share"),
            column("value", pa.float64(), "the metric, from 0 to 1; null while replies are missing"),
            column("low", pa.float64(), "lower end of the 95 % interval (Clopper and Pearson), if there is one"),
            column("high", pa.float64(), "upper end of the interval"),
        ]
    ),
)
