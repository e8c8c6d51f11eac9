"""POPE's reader, as LLaVA has it: the first sentence says no if it holds the word No, no or not; else it says yes.

Source: haotian-liu/LLaVA @c121f04, llava/eval/eval_pope.py L8-20, on replies without white space around them, as its
llava/eval/model_vqa_loader.py writes them. Known errors, kept: whatever is not a no is a yes, an empty reply and a
refusal too; words are split at single spaces, so that "No" before a line break is a yes. A question whose options are
not yes and no is never read.
"""

from __future__ import annotations

from collections.abc import Sequence

from stages.evaluate.readers.read import Read, named

NO = {"No", "not", "no"}


def read(response: str, options: Sequence[str], kind: str) -> Read:
    """Return yes or no, as an option."""
    words = response.strip().partition(".")[0].replace(",", "").split(" ")
    return named("no", options, "no_among_words") if NO & set(words) else named("yes", options, "no_no")
