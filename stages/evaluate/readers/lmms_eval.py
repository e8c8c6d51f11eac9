"""lmms-eval's reader: the first A or B that a pattern of its task mmvp finds; for yes or no, that of its task pope.

Sources: EvolvingLMMs-Lab/lmms-eval @75571cf, lmms_eval/tasks/mmvp/utils.py `_extract_answer_letter`, and
lmms_eval/tasks/pope/utils.py `pope_process_results`. Known errors, kept: "It is a dog facing left. (b)" is A, because
an article is taken for a letter; "Both eyes" is B, by its first character; "**B**" is nothing; an option's words are
nothing; C and later letters do not exist; "Yes." is neither yes nor no.
What differs: lmms-eval reads what there is of a reply that was cut off at its limit; here that reply is `truncated`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from manifests.evaluation_tables import YES_NO
from stages.evaluate.readers.read import UNREAD, Read, by_letter, named

ONE = r"\(?([AB])\)?"
PATTERNS = {  # tried in this order on the reply without white space around it
    "letter": re.compile(rf"\A{ONE}\.?\s*\Z", re.IGNORECASE),
    "first_letter": re.compile(rf"\A{ONE}[.\s]", re.IGNORECASE),
    "answer_is": re.compile(rf"answer\s+is\s+{ONE}", re.IGNORECASE),
    "option_letter": re.compile(rf"option\s+{ONE}", re.IGNORECASE),
    "last_of_a_word": re.compile(rf"{ONE}(?:\s|\Z)", re.IGNORECASE),
}


def read(response: str, options: Sequence[str], kind: str) -> Read:
    """Return the option a reply chooses by lmms-eval's rules."""
    said = response.strip()
    if kind == YES_NO:
        word = response.lower().strip()
        return named(word, options, "word") if word in ("yes", "no") else UNREAD
    for rule, pattern in PATTERNS.items():
        if found := pattern.search(said):
            return by_letter(found.group(1).upper(), options, rule)
    return by_letter(said[0].upper(), options, "first_character") if said[:1] in tuple("ABab") else UNREAD
